//! NIfTI, plain or compressed with gzip.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| antrum_fuzz::open_as("scan.nii", bytes));
