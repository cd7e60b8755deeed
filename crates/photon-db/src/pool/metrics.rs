//! What a pool counts.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Counted since the pool was made.
#[derive(Default)]
pub(super) struct Counters {
    pub(super) acquired: AtomicU64,
    pub(super) opened: AtomicU64,
    pub(super) closed: AtomicU64,
    pub(super) timeouts: AtomicU64,
    waits: AtomicU64,
    wait_nanos: AtomicU64,
}

impl Counters {
    pub(super) fn add(counter: &AtomicU64, count: u64) {
        counter.fetch_add(count, Ordering::Relaxed);
    }

    pub(super) fn waited(&self, time: Duration) {
        Self::add(&self.waits, 1);
        Self::add(&self.wait_nanos, u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    }

    pub(super) fn report(&self, max: usize, open: usize, idle: usize, waiting: usize) -> PoolMetrics {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        PoolMetrics {
            max,
            open,
            idle,
            in_use: open.saturating_sub(idle),
            waiting,
            acquired: get(&self.acquired),
            waits: get(&self.waits),
            wait_time: Duration::from_nanos(get(&self.wait_nanos)),
            timeouts: get(&self.timeouts),
            opened: get(&self.opened),
            closed: get(&self.closed),
        }
    }
}

/// The state of one pool of connections, and what it has counted since it was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolMetrics {
    /// The most connections there may be.
    pub max: usize,
    /// Connections there are, those being opened included.
    pub open: usize,
    /// Connections that nobody uses.
    pub idle: usize,
    /// Connections that somebody uses or opens.
    pub in_use: usize,
    /// How many wait for a connection.
    pub waiting: usize,
    /// How often a connection was handed out.
    pub acquired: u64,
    /// How often somebody had to wait in line for one and got it.
    pub waits: u64,
    /// How long they waited, added up.
    pub wait_time: Duration,
    /// How often somebody got none in time.
    pub timeouts: u64,
    /// How many connections were opened.
    pub opened: u64,
    /// How many were closed again.
    pub closed: u64,
}
