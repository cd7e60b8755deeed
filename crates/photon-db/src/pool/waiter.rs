//! Waiting for a connection in line.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use super::state::{Claim, Live};
use super::{Permit, Shared};

/// What somebody who waits is given.
pub(super) enum Grant {
    Connection(Live),
    /// To open one.
    Permit(Permit),
}

enum Slot {
    Waiting(Option<Waker>),
    Granted(Grant),
    Refused,
    Taken,
}

/// One who waits, as the pool sees it.
pub(super) struct Waiter {
    pub(super) shard: usize,
    pub(super) since: Instant,
    slot: Mutex<Slot>,
}

impl Waiter {
    pub(super) fn new(shard: usize) -> Self {
        Self { shard, since: Instant::now(), slot: Mutex::new(Slot::Waiting(None)) }
    }

    fn slot(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Called once, by whoever took the waiter out of the line. What is returned is to be woken without any lock
    /// held, because that may run code of theirs.
    #[must_use]
    pub(super) fn grant(&self, grant: Grant) -> Option<Waker> {
        self.settle(Slot::Granted(grant))
    }

    /// There is nothing to wait for any more.
    pub(super) fn refuse(&self) {
        if let Some(waker) = self.settle(Slot::Refused) {
            waker.wake();
        }
    }

    fn settle(&self, outcome: Slot) -> Option<Waker> {
        match std::mem::replace(&mut *self.slot(), outcome) {
            Slot::Waiting(waker) => waker,
            Slot::Granted(_) | Slot::Refused | Slot::Taken => None,
        }
    }
}

/// The wait itself. `None` if the pool was closed meanwhile.
pub(super) struct Waiting {
    waiter: Arc<Waiter>,
    pool: Arc<Shared>,
}

impl Waiting {
    pub(super) fn new(waiter: Arc<Waiter>, pool: Arc<Shared>) -> Self {
        Self { waiter, pool }
    }
}

impl Future for Waiting {
    type Output = Option<Claim>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut slot = self.waiter.slot();
        match std::mem::replace(&mut *slot, Slot::Taken) {
            Slot::Granted(Grant::Connection(live)) => Poll::Ready(Some(Claim::Idle(live))),
            Slot::Granted(Grant::Permit(permit)) => Poll::Ready(Some(Claim::Open(permit))),
            Slot::Refused | Slot::Taken => Poll::Ready(None),
            Slot::Waiting(_) => {
                *slot = Slot::Waiting(Some(context.waker().clone()));
                Poll::Pending
            }
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let outcome = std::mem::replace(&mut *self.waiter.slot(), Slot::Taken);
        match outcome {
            Slot::Waiting(_) => {
                self.pool.lock().forget(&self.waiter);
                // It may have been granted between the two locks.
                if let Slot::Granted(grant) = std::mem::replace(&mut *self.waiter.slot(), Slot::Taken) {
                    self.give_back(grant);
                }
            }
            Slot::Granted(grant) => self.give_back(grant),
            Slot::Refused | Slot::Taken => {}
        }
    }
}

impl Waiting {
    fn give_back(&self, grant: Grant) {
        match grant {
            Grant::Connection(live) => self.pool.give_back(live),
            // Dropping it vacates its place.
            Grant::Permit(permit) => drop(permit),
        }
    }
}
