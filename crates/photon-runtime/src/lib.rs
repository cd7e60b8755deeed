//! Home-pinned stackful coroutines: the runtime of the Photon web framework.
//!
//! Code that runs on a coroutine looks like code that runs on a thread: it blocks. A coroutine that waits costs
//! a few kilobytes and no thread. This crate has the means to start them, to wait in them (for time, futures,
//! locks, sockets, blocking work) and to keep values in them. It knows nothing of HTTP.
//!
//! ```
//! use std::time::Duration;
//! use photon_runtime::{Wait, sleep, spawn};
//!
//! let answer = spawn(|| {
//!     sleep(Duration::from_millis(1));
//!     async { 42 }.wait()
//! });
//! assert_eq!(answer.join().unwrap(), 42);
//! ```
//!
//! # Invariants
//! They are what makes the safe interface sound on coroutines of `may`, which by itself does not promise them.
//!
//! 1. **A coroutine never changes threads.** It is started on its home worker and every wait resumes it there.
//!    The compiler may keep the address of a thread-local over a call that parks; values that are not `Send` may
//!    live on a coroutine's stack; a lock is released by the thread that took it. All this holds because of this
//!    one rule. Its parts:
//!    - only code on the home worker unparks a coroutine; others leave mail for the worker's courier;
//!    - a socket is registered on the worker of the coroutine that waits for it, and moves when another one does;
//!    - `may`'s own sleep, timed park, yield and primitives are not used: they resume elsewhere;
//!    - start-up fails if the `may` in this build steals work or maps descriptors differently.
//! 2. **A closure crosses to its home once**, before its first instruction, so `spawn` asks for `Send` there and
//!    nowhere else. What is no coroutine may cross between two calls, and is `Send`: [`net::EventHandler`].
//! 3. **A parked coroutine is not dropped.** There is no cancellation: deadlines are timeouts, `shutdown(2)` and
//!    flags. Hence a coroutine may lend its stack, as [`blocking()`] does.
//! 4. **Nothing parks while it unwinds.** Others would run on a thread that counts as panicking. A wait in a
//!    destructor during a panic blocks its thread for a bounded time instead; destructors that may have to wait
//!    should hand their work to another coroutine.
//! 5. **Nothing parks inside a poll.** A future that is being polled must return; a nested wait panics.
//! 6. **A stack ends in a guard page**, and reaching it ends the process with a message that names the coroutine.
//!
//! A thread-local is shared by all coroutines of a worker, which take turns at waits. A `RefCell` in one that is
//! borrowed over a wait can be found borrowed by another coroutine, just as by a callback; a `std` or
//! `parking_lot` lock that is held over a wait blocks the whole worker when another coroutine wants it. Use
//! [`coroutine_local!`] and [`sync`] for what is held over waits. A program that uses `may` directly besides
//! this crate leaves the invariants behind.

mod blocking;
mod clock;
mod coroutine;
mod deadline;
mod leader;
mod limits;
mod local;
pub mod net;
mod overflow;
mod reactor;
mod settings;
pub mod signal;
mod spawn;
mod stack;
mod start;
mod stream;
pub mod sync;
mod sys;
mod time;
mod timeout;
mod wait;
mod watchdog;
mod worker;
#[cfg(feature = "worker-io")]
mod worker_io;

pub use blocking::blocking;
pub use deadline::unix_seconds;
pub use local::LocalKey;
pub use settings::{Settings, SettingsError};
pub use spawn::{Builder, JoinHandle, SpawnError, is_coroutine, live_coroutines, spawn, try_spawn, worker};
pub use stack::trim_stack;
pub(crate) use start::runtime;
pub use start::{StartError, max_connections, max_coroutines, start, workers};
pub use stream::{StreamIter, WaitIter};
pub use time::{sleep, sleep_until, yield_now};
pub use timeout::timeout;
pub use wait::{Elapsed, Wait};
pub use watchdog::{Doing, doing};
#[cfg(feature = "worker-io")]
pub use worker_io::worker_io;
