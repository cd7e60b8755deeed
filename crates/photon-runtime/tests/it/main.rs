//! The traps of stackful coroutines, one test each. One binary, so that one runtime serves them all.

mod basics;

/// Starts the runtime with the settings that the tests rely on.
fn runtime() {
    let settings = photon_runtime::Settings { workers: 2, blocking_threads: 4, ..Default::default() };
    photon_runtime::start(settings).unwrap();
}
