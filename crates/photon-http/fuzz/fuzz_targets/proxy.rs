//! Fuzzes what proxies say of clients; what must hold is in the module `proxy` of the library.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| photon_fuzz::proxy::check(data));
