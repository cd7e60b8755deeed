//! Locks and channels that block the calling coroutine, or the calling thread if it is a plain one.
//!
//! Each is tokio's primitive of the same name with `.wait()` in place of `.await`; no algorithm lives here. A
//! guard may be held over waits. All of them are fair: who waits first is served first.
//!
//! # Panics
//! Every method that blocks panics if it is called while a future is being polled.

mod barrier;
mod lock;
mod semaphore;

pub mod broadcast;
pub mod mpsc;
pub mod oneshot;
pub mod watch;

pub use barrier::Barrier;
pub use lock::{Mutex, RwLock};
pub use semaphore::{Closed, Notify, Permit, Semaphore};
pub use tokio::sync::{MutexGuard, RwLockReadGuard, RwLockWriteGuard};
