//! Ending the wait for a socket for a reason other than the socket.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::reactor::{Reactor, Token};

/// Somebody called `wake`.
pub(crate) const WOKEN: u8 = 1;
/// The coarse deadline has passed. The socket itself keeps this one.
pub(crate) const DEADLINE: u8 = 2;
/// The timer of one blocking operation has expired.
pub(crate) const TIMER: u8 = 4;

/// The part of a socket that others may hold on to.
pub(crate) struct Wakeable {
    reasons: AtomicU8,
    /// Where the socket is registered, if it is.
    place: Mutex<Option<(&'static Reactor, Token)>>,
}

impl Wakeable {
    pub(crate) fn new() -> Arc<Wakeable> {
        Arc::new(Wakeable { reasons: AtomicU8::new(0), place: Mutex::new(None) })
    }

    /// Which of these reasons are there.
    #[inline]
    pub(crate) fn has(&self, reasons: u8) -> u8 {
        self.reasons.load(Ordering::Acquire) & reasons
    }

    #[inline]
    pub(crate) fn clear(&self, reasons: u8) {
        if self.has(reasons) != 0 {
            self.reasons.fetch_and(!reasons, Ordering::AcqRel);
        }
    }

    pub(crate) fn set_place(&self, place: Option<(&'static Reactor, Token)>) {
        *self.place.lock().unwrap_or_else(PoisonError::into_inner) = place;
    }

    /// Ends a wait, from any thread.
    pub(crate) fn wake(&self) {
        self.wake_for(WOKEN);
    }

    /// The timer has expired; called by the clock of the worker that set it.
    pub(crate) fn expire(&self) {
        self.wake_for(TIMER);
    }

    fn wake_for(&self, reason: u8) {
        self.reasons.fetch_or(reason, Ordering::AcqRel);
        let place = *self.place.lock().unwrap_or_else(PoisonError::into_inner);
        // A socket without a place finds its reasons when it next waits.
        if let Some((reactor, token)) = place {
            reactor.rouse(token);
        }
    }
}
