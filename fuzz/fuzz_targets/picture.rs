//! PNG and JPEG pictures.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| antrum_fuzz::open_as("picture.png", bytes));
