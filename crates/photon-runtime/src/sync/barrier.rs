//! Waiting for each other: [`Barrier`].

use crate::wait::wait_for;

/// Holds coroutines or threads back until a number of them has arrived.
///
/// ```
/// use std::sync::Arc;
/// use photon_runtime::{spawn, sync::Barrier};
/// let barrier = Arc::new(Barrier::new(2));
/// let theirs = Arc::clone(&barrier);
/// let other = spawn(move || theirs.wait());
/// assert_ne!(barrier.wait(), other.join().unwrap(), "exactly one of them is the leader");
/// ```
#[derive(Debug)]
pub struct Barrier {
    inner: tokio::sync::Barrier,
}

impl Barrier {
    /// A barrier for this many.
    #[must_use]
    pub fn new(count: usize) -> Self {
        Barrier { inner: tokio::sync::Barrier::new(count) }
    }

    /// Waits for the others. Returns true to exactly one of them.
    #[track_caller]
    pub fn wait(&self) -> bool {
        wait_for(self.inner.wait()).is_leader()
    }
}
