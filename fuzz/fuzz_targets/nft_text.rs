#![no_main]
targets::fuzz_target!(|data: &[u8]| targets::family("nft_text", data));
