//! Mutual exclusion: [`Mutex`] and [`RwLock`].

use tokio::sync::{MutexGuard, RwLockReadGuard, RwLockWriteGuard};

use crate::wait::wait_for;

/// A lock that one coroutine or thread holds at a time. It is not poisoned by panics.
///
/// ```
/// use std::sync::Arc;
/// use photon_runtime::{spawn, sync::Mutex};
/// let sum = Arc::new(Mutex::new(0));
/// let adders: Vec<_> = (1..=4)
///     .map(|n| {
///         let sum = Arc::clone(&sum);
///         spawn(move || *sum.lock() += n)
///     })
///     .collect();
/// adders.into_iter().for_each(|adder| adder.join().unwrap());
/// assert_eq!(*sum.lock(), 10);
/// ```
#[derive(Debug, Default)]
pub struct Mutex<T: ?Sized> {
    inner: tokio::sync::Mutex<T>,
}

impl<T> Mutex<T> {
    /// An unlocked mutex.
    pub const fn new(value: T) -> Self {
        Mutex { inner: tokio::sync::Mutex::const_new(value) }
    }

    /// The value, without the lock.
    pub fn into_inner(self) -> T {
        self.inner.into_inner()
    }
}

impl<T: ?Sized> Mutex<T> {
    /// Waits for the lock.
    #[track_caller]
    pub fn lock(&self) -> MutexGuard<'_, T> {
        match self.inner.try_lock() {
            Ok(guard) => guard,
            Err(_) => wait_for(self.inner.lock()),
        }
    }

    /// Takes the lock if it is free.
    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        self.inner.try_lock().ok()
    }

    /// The value, which nobody else can have a reference to.
    pub fn get_mut(&mut self) -> &mut T {
        self.inner.get_mut()
    }
}

/// A lock that many may hold to read or one to write. It is not poisoned by panics.
///
/// ```
/// use photon_runtime::sync::RwLock;
/// let lock = RwLock::new(1);
/// let (a, b) = (lock.read(), lock.read());
/// assert_eq!(*a + *b, 2);
/// assert!(lock.try_write().is_none());
/// ```
#[derive(Debug, Default)]
pub struct RwLock<T: ?Sized> {
    inner: tokio::sync::RwLock<T>,
}

impl<T> RwLock<T> {
    /// An unlocked lock.
    pub const fn new(value: T) -> Self {
        RwLock { inner: tokio::sync::RwLock::const_new(value) }
    }

    /// The value, without the lock.
    pub fn into_inner(self) -> T {
        self.inner.into_inner()
    }
}

impl<T: ?Sized> RwLock<T> {
    /// Waits until nobody writes.
    #[track_caller]
    pub fn read(&self) -> RwLockReadGuard<'_, T> {
        match self.inner.try_read() {
            Ok(guard) => guard,
            Err(_) => wait_for(self.inner.read()),
        }
    }

    /// Waits until nobody reads or writes.
    #[track_caller]
    pub fn write(&self) -> RwLockWriteGuard<'_, T> {
        match self.inner.try_write() {
            Ok(guard) => guard,
            Err(_) => wait_for(self.inner.write()),
        }
    }

    /// Takes the lock to read if nobody writes or waits to write.
    pub fn try_read(&self) -> Option<RwLockReadGuard<'_, T>> {
        self.inner.try_read().ok()
    }

    /// Takes the lock to write if it is free.
    pub fn try_write(&self) -> Option<RwLockWriteGuard<'_, T>> {
        self.inner.try_write().ok()
    }

    /// The value, which nobody else can have a reference to.
    pub fn get_mut(&mut self) -> &mut T {
        self.inner.get_mut()
    }
}
