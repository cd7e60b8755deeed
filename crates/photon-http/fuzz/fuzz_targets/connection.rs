//! Fuzzes whole connections; what must hold is in the module `connection` of the library.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| photon_fuzz::connection::check(data));
