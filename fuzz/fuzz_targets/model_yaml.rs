//! `model_yaml` under the engine.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sightline_fuzz::model_yaml(bytes));
