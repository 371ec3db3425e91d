//! ZIP archives and what is in them.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| antrum_fuzz::open_as("scans.zip", bytes));
