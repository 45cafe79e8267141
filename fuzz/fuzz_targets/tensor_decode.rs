//! `tensor_decode` under the engine.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sightline_fuzz::tensor_decode(bytes));
