#![no_main]
targets::fuzz_target!(|data: &[u8]| targets::family("iproute_json", data));
