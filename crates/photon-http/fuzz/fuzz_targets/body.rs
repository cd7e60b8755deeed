//! Fuzzes request bodies; what must hold is in the module `body` of the library.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| photon_fuzz::body::check(data));
