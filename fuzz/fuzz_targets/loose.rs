#![no_main]
targets::fuzz_target!(|data: &[u8]| targets::loose(data));
