//! The latest value, and waiting for it to change.

use std::time::Duration;

use tokio::sync::watch;
pub use tokio::sync::watch::{Ref, Sender};

use crate::wait::{Elapsed, Wait, wait_for};

/// A channel that keeps only the latest value. Sending never blocks; [`Receiver::new`] adds receivers.
///
/// ```
/// let (sender, mut receiver) = photon_runtime::sync::watch::channel("starting");
/// photon_runtime::spawn(move || sender.send("ready").unwrap()).join().unwrap();
/// assert!(receiver.changed());
/// assert_eq!(*receiver.borrow(), "ready");
/// assert!(!receiver.changed(), "the sender is gone");
/// ```
#[must_use]
pub fn channel<T>(value: T) -> (Sender<T>, Receiver<T>) {
    let (sender, inner) = watch::channel(value);
    (sender, Receiver { inner })
}

/// A receiving end.
#[derive(Debug)]
pub struct Receiver<T> {
    inner: watch::Receiver<T>,
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        Receiver { inner: self.inner.clone() }
    }
}

impl<T> Receiver<T> {
    /// One more receiver.
    #[must_use]
    pub fn new(sender: &Sender<T>) -> Self {
        Receiver { inner: sender.subscribe() }
    }

    /// The latest value. Do not wait while holding it: it blocks the sender.
    pub fn borrow(&self) -> Ref<'_, T> {
        self.inner.borrow()
    }

    /// Waits until the value was sent anew since it was last waited for; false once the sender is gone.
    #[track_caller]
    pub fn changed(&mut self) -> bool {
        wait_for(self.inner.changed()).is_ok()
    }

    /// Waits for a change, for no longer than this.
    ///
    /// # Errors
    /// [`Elapsed`] if nothing changed in time.
    #[track_caller]
    pub fn changed_timeout(&mut self, timeout: Duration) -> Result<bool, Elapsed> {
        self.inner.changed().wait_timeout(timeout).map(|changed| changed.is_ok())
    }
}
