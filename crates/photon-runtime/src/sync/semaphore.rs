//! Counting and signalling: [`Semaphore`] and [`Notify`].

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::wait::{Elapsed, Wait, wait_for};

/// A number of permits.
///
/// ```
/// use photon_runtime::sync::Semaphore;
/// let semaphore = Semaphore::new(1);
/// let permit = semaphore.acquire().unwrap();
/// assert!(semaphore.try_acquire().is_none());
/// drop(permit);
/// assert!(semaphore.try_acquire().is_some());
/// ```
#[derive(Clone, Debug)]
pub struct Semaphore {
    inner: Arc<tokio::sync::Semaphore>,
}

/// A permit, given back when dropped.
#[derive(Debug)]
pub struct Permit {
    _inner: tokio::sync::OwnedSemaphorePermit,
}

/// The semaphore was closed: there will be no more permits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed;

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the semaphore is closed")
    }
}

impl std::error::Error for Closed {}

impl Semaphore {
    /// A semaphore with this many permits. Its clones share them.
    #[must_use]
    pub fn new(permits: usize) -> Self {
        Semaphore { inner: Arc::new(tokio::sync::Semaphore::new(permits)) }
    }

    /// Waits for a permit.
    ///
    /// # Errors
    /// [`Closed`] if the semaphore is, or becomes, closed.
    #[track_caller]
    pub fn acquire(&self) -> Result<Permit, Closed> {
        wait_for(Arc::clone(&self.inner).acquire_owned())
            .map(|inner| Permit { _inner: inner })
            .map_err(|_| Closed)
    }

    /// Waits for a permit, for no longer than this.
    ///
    /// # Errors
    /// [`Elapsed`] if none was free in time; the inner error as for [`acquire`](Semaphore::acquire).
    #[track_caller]
    pub fn acquire_timeout(&self, timeout: Duration) -> Result<Result<Permit, Closed>, Elapsed> {
        let permit = Arc::clone(&self.inner).acquire_owned().wait_timeout(timeout)?;
        Ok(permit.map(|inner| Permit { _inner: inner }).map_err(|_| Closed))
    }

    /// Takes a permit if one is free.
    #[must_use]
    pub fn try_acquire(&self) -> Option<Permit> {
        Arc::clone(&self.inner).try_acquire_owned().ok().map(|inner| Permit { _inner: inner })
    }

    /// Permits that are free now.
    #[must_use]
    pub fn available(&self) -> usize {
        self.inner.available_permits()
    }

    /// Adds permits.
    pub fn add(&self, permits: usize) {
        self.inner.add_permits(permits);
    }

    /// Ends every wait for a permit with [`Closed`].
    pub fn close(&self) {
        self.inner.close();
    }
}

/// Wakes waiters without handing them anything.
///
/// ```
/// use photon_runtime::sync::Notify;
/// let notify = Notify::new();
/// notify.notify_one(); // remembered
/// notify.wait();
/// ```
#[derive(Debug, Default)]
pub struct Notify {
    inner: tokio::sync::Notify,
}

impl Notify {
    /// Nothing is notified yet.
    #[must_use]
    pub const fn new() -> Self {
        Notify { inner: tokio::sync::Notify::const_new() }
    }

    /// Waits for a notification.
    #[track_caller]
    pub fn wait(&self) {
        wait_for(self.inner.notified());
    }

    /// Waits for a notification, for no longer than this.
    ///
    /// # Errors
    /// [`Elapsed`] if there was none in time.
    #[track_caller]
    pub fn wait_timeout(&self, timeout: Duration) -> Result<(), Elapsed> {
        self.inner.notified().wait_timeout(timeout)
    }

    /// Wakes one waiter, or the next one to come; several notifications without a waiter are one.
    pub fn notify_one(&self) {
        self.inner.notify_one();
    }

    /// Wakes everybody who waits now.
    pub fn notify_all(&self) {
        self.inner.notify_waiters();
    }
}
