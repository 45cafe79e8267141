//! `event_json` under the engine.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sightline_fuzz::event_json(bytes));
