//! One value, from one sender to one receiver.

use std::time::Duration;

use tokio::sync::oneshot;
pub use tokio::sync::oneshot::Sender;

use crate::wait::{Elapsed, Wait, wait_for};

/// A channel for one value. [`Sender::send`] never blocks.
///
/// ```
/// let (sender, receiver) = photon_runtime::sync::oneshot::channel();
/// photon_runtime::spawn(move || sender.send("done"));
/// assert_eq!(receiver.recv(), Some("done"));
/// ```
#[must_use]
pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let (sender, inner) = oneshot::channel();
    (sender, Receiver { inner })
}

/// The receiving end.
#[derive(Debug)]
pub struct Receiver<T> {
    inner: oneshot::Receiver<T>,
}

impl<T> Receiver<T> {
    /// Waits for the value; `None` if the sender was dropped without sending.
    #[track_caller]
    pub fn recv(self) -> Option<T> {
        wait_for(self.inner).ok()
    }

    /// Waits for the value, for no longer than this. After [`Elapsed`] it can be asked again.
    ///
    /// # Errors
    /// [`Elapsed`] if neither a value nor the end came in time.
    #[track_caller]
    pub fn recv_timeout(&mut self, timeout: Duration) -> Result<Option<T>, Elapsed> {
        (&mut self.inner).wait_timeout(timeout).map(Result::ok)
    }

    /// The value, if it is there.
    pub fn try_recv(&mut self) -> Option<T> {
        self.inner.try_recv().ok()
    }
}
