//! Every value to every receiver.

use std::time::Duration;

use tokio::sync::broadcast;
pub use tokio::sync::broadcast::Sender;
pub use tokio::sync::broadcast::error::RecvError;

use crate::wait::{Elapsed, Wait, wait_for};

/// A channel that keeps the latest `capacity` values for receivers that fall behind. Sending never blocks;
/// [`Sender::subscribe`] is wrapped by [`Receiver::new`].
///
/// ```
/// use photon_runtime::sync::broadcast::{self, Receiver};
/// let (sender, mut first) = broadcast::channel(16);
/// let mut second = Receiver::new(&sender);
/// sender.send("news").unwrap();
/// assert_eq!((first.recv(), second.recv()), (Ok("news"), Ok("news")));
/// ```
#[must_use]
pub fn channel<T: Clone>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    let (sender, inner) = broadcast::channel(capacity.max(1));
    (sender, Receiver { inner })
}

/// A receiving end.
#[derive(Debug)]
pub struct Receiver<T> {
    inner: broadcast::Receiver<T>,
}

impl<T: Clone> Receiver<T> {
    /// One more receiver, of the values sent from now on.
    #[must_use]
    pub fn new(sender: &Sender<T>) -> Self {
        Receiver { inner: sender.subscribe() }
    }

    /// Waits for the next value.
    ///
    /// # Errors
    /// [`RecvError::Lagged`] says how many values were missed, and the next call continues after them;
    /// [`RecvError::Closed`] means that every sender is gone.
    #[track_caller]
    pub fn recv(&mut self) -> Result<T, RecvError> {
        wait_for(self.inner.recv())
    }

    /// Waits for the next value, for no longer than this.
    ///
    /// # Errors
    /// [`Elapsed`] if there was none in time; the inner error as for [`recv`](Receiver::recv).
    #[track_caller]
    pub fn recv_timeout(&mut self, timeout: Duration) -> Result<Result<T, RecvError>, Elapsed> {
        self.inner.recv().wait_timeout(timeout)
    }
}
