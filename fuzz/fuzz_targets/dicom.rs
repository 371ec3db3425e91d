//! DICOM files in every transfer syntax.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| antrum_fuzz::open_as("slice.dcm", bytes));
