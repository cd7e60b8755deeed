//! Waking a coroutine that waits for its socket, for a reason other than the socket.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use may::io::WaitIoWaker;

use crate::start::runtime;
use crate::worker::{self, Mail};

/// Somebody called `wake`.
pub(crate) const WOKEN: u8 = 1;
/// The coarse deadline has passed.
pub(crate) const DEADLINE: u8 = 2;
/// The timer of one blocking operation has expired.
pub(crate) const TIMER: u8 = 4;

/// The part of a socket that others may hold on to.
pub(crate) struct Wakeable {
    reasons: AtomicU8,
    posted: AtomicBool,
    /// Where the socket is registered, if it is.
    place: Mutex<Option<Place>>,
}

struct Place {
    home: usize,
    waker: WaitIoWaker,
}

impl Wakeable {
    pub(crate) fn new() -> Arc<Wakeable> {
        Arc::new(Wakeable {
            reasons: AtomicU8::new(0),
            posted: AtomicBool::new(false),
            place: Mutex::new(None),
        })
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

    pub(crate) fn set_place(&self, home: usize, waker: WaitIoWaker) {
        *self.place.lock().unwrap_or_else(PoisonError::into_inner) = Some(Place { home, waker });
    }

    pub(crate) fn clear_place(&self) {
        self.place.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// Wakes the coroutine from any thread.
    pub(crate) fn wake(self: &Arc<Self>) {
        self.wake_for(WOKEN);
    }

    /// The deadline has passed; called by the sweeper, on the worker of the slot.
    pub(crate) fn pass_deadline(self: &Arc<Self>) {
        self.wake_for(DEADLINE);
    }

    /// The timer has expired; called by the clock, on the worker that set it.
    pub(crate) fn expire(self: &Arc<Self>) {
        self.wake_for(TIMER);
    }

    fn wake_for(self: &Arc<Self>, reason: u8) {
        self.reasons.fetch_or(reason, Ordering::AcqRel);
        self.deliver();
    }

    /// Wakes the coroutine if this is its worker, and posts it there otherwise.
    pub(crate) fn deliver(self: &Arc<Self>) {
        self.posted.swap(false, Ordering::AcqRel);
        let place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        // A socket without a place finds its reasons when it next waits.
        let Some(Place { home, waker }) = &*place else { return };
        if worker::current().is_some_and(|worker| worker.id == *home) {
            // `may` unparks where it is called, which is why this must be the home worker.
            waker.wakeup();
        } else if !self.posted.swap(true, Ordering::AcqRel) {
            runtime().mailboxes[*home].send(Mail::Socket(Arc::clone(self)));
        }
    }
}
