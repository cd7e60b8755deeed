//! Fuzzes responses; what must hold is in the module `response` of the library.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| photon_fuzz::response::check(data));
