//! A queue from many senders to one receiver, bounded or not.

use std::time::Duration;

use tokio::sync::mpsc;
pub use tokio::sync::mpsc::UnboundedSender;
pub use tokio::sync::mpsc::error::{SendError, TrySendError};

use crate::wait::{Elapsed, Wait, wait_for};

/// A queue that holds at most `capacity` values, at least one.
///
/// ```
/// use photon_runtime::{spawn, sync::mpsc};
/// let (sender, mut receiver) = mpsc::channel(2);
/// spawn(move || (0..5).for_each(|n| sender.send(n).unwrap()));
/// let mut sum = 0;
/// while let Some(n) = receiver.recv() {
///     sum += n;
/// }
/// assert_eq!(sum, 10);
/// ```
#[must_use]
pub fn channel<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    let (sender, receiver) = mpsc::channel(capacity.max(1));
    (Sender { inner: sender }, Receiver { inner: receiver })
}

/// A queue that grows as needed. [`UnboundedSender::send`] never blocks.
#[must_use]
pub fn unbounded<T>() -> (UnboundedSender<T>, UnboundedReceiver<T>) {
    let (sender, inner) = mpsc::unbounded_channel();
    (sender, UnboundedReceiver { inner })
}

/// A sending end of a bounded queue.
#[derive(Debug)]
pub struct Sender<T> {
    inner: mpsc::Sender<T>,
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Sender { inner: self.inner.clone() }
    }
}

impl<T> Sender<T> {
    /// Waits for room and adds the value.
    ///
    /// # Errors
    /// Gives the value back if the receiver is gone.
    #[track_caller]
    pub fn send(&self, value: T) -> Result<(), SendError<T>> {
        match self.inner.try_send(value) {
            Ok(()) => Ok(()),
            Err(TrySendError::Closed(value)) => Err(SendError(value)),
            Err(TrySendError::Full(value)) => wait_for(self.inner.send(value)),
        }
    }

    /// Adds the value if there is room.
    ///
    /// # Errors
    /// Gives the value back if there is none or the receiver is gone.
    pub fn try_send(&self, value: T) -> Result<(), TrySendError<T>> {
        self.inner.try_send(value)
    }
}

/// The receiving end of a bounded queue.
#[derive(Debug)]
pub struct Receiver<T> {
    inner: mpsc::Receiver<T>,
}

/// The receiving end of an unbounded queue.
#[derive(Debug)]
pub struct UnboundedReceiver<T> {
    inner: mpsc::UnboundedReceiver<T>,
}

macro_rules! receive {
    ($receiver:ident) => {
        impl<T> $receiver<T> {
            /// Waits for the next value; `None` once the queue is empty and every sender is gone.
            #[track_caller]
            pub fn recv(&mut self) -> Option<T> {
                wait_for(self.inner.recv())
            }

            /// Waits for the next value, for no longer than this.
            ///
            /// # Errors
            /// [`Elapsed`] if neither a value nor the end came in time.
            #[track_caller]
            pub fn recv_timeout(&mut self, timeout: Duration) -> Result<Option<T>, Elapsed> {
                self.inner.recv().wait_timeout(timeout)
            }

            /// The next value, if one is there.
            pub fn try_recv(&mut self) -> Option<T> {
                self.inner.try_recv().ok()
            }

            /// Refuses further values; those in the queue can still be received.
            pub fn close(&mut self) {
                self.inner.close();
            }
        }
    };
}

receive!(Receiver);
receive!(UnboundedReceiver);
