//! Fuzzes paths, queries and cookies; what must hold is in the module `url` of the library.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| photon_fuzz::url::check(data));
