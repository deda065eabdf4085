#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| logsift_fuzz::scan(bytes));
