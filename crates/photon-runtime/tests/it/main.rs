//! The traps of stackful coroutines, one test each. One binary, so that one runtime serves them all.

mod child;
mod connections;
mod deadlines;
mod fairness;
mod handlers;
mod limits;
mod locals;
mod overflow;
mod panics;
mod pinning;
mod signals;
mod spawning;
mod sync;
mod timeouts;
mod timers;
mod waiting;
mod watchdog;
#[cfg(feature = "worker-io")]
mod worker_io;

/// Starts the runtime with the settings that the tests rely on.
fn runtime() {
    let settings = photon_runtime::Settings { workers: 2, blocking_threads: 4, ..Default::default() };
    photon_runtime::start(settings).unwrap();
}

/// The kernel's id of this thread, which no compiler can cache.
fn thread_id() -> i32 {
    // SAFETY: no arguments.
    unsafe { libc::gettid() }
}
