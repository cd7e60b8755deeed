//! Fuzzes forms; what must hold is in the module `multipart` of the library.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| photon_fuzz::multipart::check(data));
