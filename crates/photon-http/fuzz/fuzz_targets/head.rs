//! Fuzzes request heads; what must hold is in the module `head` of the library.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| photon_fuzz::head::check(data));
