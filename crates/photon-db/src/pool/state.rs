//! Who has which connection and who waits: the part of the pool that is behind a lock, for nanoseconds.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Waker;
use std::time::{Duration, Instant};

use super::waiter::{Grant, Waiter, Waiting};
use super::{Permit, Shared};
use crate::connection::Connection;

/// How much longer somebody of another worker must have waited to be served first, if every worker has connections.
///
/// Connections are cheapest on their own worker. Under load, those who wait have waited about equally long on all
/// workers; then this keeps connections at home. Two milliseconds cost a tenth of the transactions of 64 clients on 16
/// connections. Where there are fewer connections than workers, as with SQLite's one writer, the order decides alone: the
/// workers then take turns, which keeps both busy.
const PREFERENCE: Duration = Duration::from_millis(50);

/// An open connection.
pub(crate) struct Live {
    pub(crate) connection: Connection,
    /// Where it belongs: the number of its worker, or the number of workers if a plain thread opened it.
    pub(super) shard: usize,
    /// When it is too old, if ever.
    pub(super) expires: Option<Instant>,
    pub(super) idle_since: Instant,
    /// The pool's distrust when it was last known to be alive.
    pub(super) epoch: u64,
    /// Whether the database's own limit for statements is lifted, for rows that were not read to their end.
    pub(super) unlimited: bool,
}

impl Live {
    pub(super) fn is_expired(&self) -> bool {
        self.expires.is_some_and(|at| at <= Instant::now())
    }
}

/// What somebody gets who wants a connection.
pub(super) enum Claim {
    Idle(Live),
    Open(Permit),
    Wait(Waiting),
}

#[derive(Default)]
struct Shard {
    /// The latest at the end, which is used first.
    idle: Vec<Live>,
    /// In order of arrival.
    waiters: VecDeque<Arc<Waiter>>,
    /// Open connections that belong here, and places for those that are being opened.
    places: usize,
}

pub(super) struct State {
    /// One for each worker and one for plain threads, or a single one if it makes no difference where a connection is
    /// used.
    shards: Vec<Shard>,
    by_worker: bool,
    limit: usize,
    closed: bool,
}

impl State {
    pub(super) fn new(limit: usize, by_worker: bool) -> Self {
        Self { shards: Vec::new(), by_worker, limit, closed: false }
    }

    /// The shard of whoever calls.
    fn here(&mut self) -> usize {
        if self.shards.is_empty() {
            // Not before somebody wants a connection: asking starts the runtime.
            let workers = if self.by_worker { photon_runtime::workers() } else { 0 };
            self.shards.resize_with(workers + 1, Shard::default);
        }
        let plain = self.shards.len() - 1;
        if self.by_worker { photon_runtime::worker().unwrap_or(plain) } else { plain }
    }

    /// How many places a worker may fill whatever the others do.
    fn quota(&self, shard: usize) -> usize {
        let workers = self.shards.len() - 1;
        if shard == workers { 0 } else { self.limit * (shard + 1) / workers - self.limit * shard / workers }
    }

    fn places(&self) -> usize {
        self.shards.iter().map(|shard| shard.places).sum()
    }

    /// `None` if the pool is closed.
    pub(super) fn claim(&mut self, pool: &Arc<Shared>) -> Option<Claim> {
        if self.closed {
            return None;
        }
        let here = self.here();
        if let Some(live) = self.shards[here].idle.pop() {
            return Some(Claim::Idle(live));
        }
        let full = self.places() >= self.limit;
        let below_quota = self.shards[here].places < self.quota(here);
        if below_quota && !full {
            return Some(Claim::Open(self.permit(here, pool)));
        }
        let elsewhere = (0..self.shards.len()).max_by_key(|shard| self.shards[*shard].idle.len());
        if let Some(elsewhere) = elsewhere
            && let Some(live) = self.shards[elsewhere].idle.pop()
        {
            if below_quota && self.shards[elsewhere].places > self.quota(elsewhere) {
                // They have one of ours: let it be opened here instead.
                self.shards[elsewhere].places -= 1;
                return Some(Claim::Open(self.permit(here, pool).instead_of(live)));
            }
            return Some(Claim::Idle(live));
        }
        if !full {
            return Some(Claim::Open(self.permit(here, pool)));
        }
        let waiter = Arc::new(Waiter::new(here));
        self.shards[here].waiters.push_back(Arc::clone(&waiter));
        Some(Claim::Wait(Waiting::new(waiter, Arc::clone(pool))))
    }

    fn permit(&mut self, shard: usize, pool: &Arc<Shared>) -> Permit {
        self.shards[shard].places += 1;
        Permit::new(shard, Arc::clone(pool))
    }

    /// Gives a connection to somebody who waits, who is to be woken then, or keeps it.
    pub(super) fn give(&mut self, live: Live, pool: &Arc<Shared>) -> Option<Waker> {
        if self.closed {
            self.shards[live.shard].places -= 1;
            pool.retire(live);
            return None;
        }
        match self.next_waiter(live.shard) {
            Some(waiter) => waiter.grant(Grant::Connection(live)),
            None => {
                self.shards[live.shard].idle.push(live);
                None
            }
        }
    }

    /// A place has become free: somebody who waits may open a connection.
    pub(super) fn vacate(&mut self, shard: usize, pool: &Arc<Shared>) -> Option<Waker> {
        self.shards[shard].places -= 1;
        if self.closed || self.places() >= self.limit {
            return None;
        }
        let waiter = self.next_waiter(shard)?;
        let permit = self.permit(waiter.shard, pool);
        waiter.grant(Grant::Permit(permit))
    }

    fn next_waiter(&mut self, shard: usize) -> Option<Arc<Waiter>> {
        let since = |state: &Self, shard: usize| Some(state.shards[shard].waiters.front()?.since);
        let workers = self.shards.len() - 1;
        let preference = if self.limit < workers { Duration::ZERO } else { PREFERENCE };
        let oldest = (0..self.shards.len())
            .filter_map(|shard| Some((since(self, shard)?, shard)))
            .min_by_key(|(since, _)| *since)?;
        let chosen = match since(self, shard) {
            Some(own) if own <= oldest.0 + preference => shard,
            _ => oldest.1,
        };
        self.shards[chosen].waiters.pop_front()
    }

    /// Somebody has given up waiting.
    pub(super) fn forget(&mut self, waiter: &Arc<Waiter>) {
        self.shards[waiter.shard].waiters.retain(|other| !Arc::ptr_eq(other, waiter));
    }

    /// Takes out idle connections that are not worth keeping: too old, or unused since before `since`.
    pub(super) fn prune(&mut self, since: Option<Instant>, keep: usize) -> Vec<Live> {
        let mut pruned = Vec::new();
        let mut total = self.places();
        for shard in &mut self.shards {
            let mut index = 0;
            while index < shard.idle.len() {
                let live = &shard.idle[index];
                let unused = since.is_some_and(|since| live.idle_since < since) && total > keep;
                if live.is_expired() || unused {
                    pruned.push(shard.idle.remove(index));
                    total -= 1;
                } else {
                    index += 1;
                }
            }
        }
        pruned
    }

    /// Takes out all idle connections; their places stay theirs.
    pub(super) fn take_idle(&mut self) -> Vec<Live> {
        self.shards.iter_mut().flat_map(|shard| shard.idle.drain(..)).collect()
    }

    /// Permits for connections that are missing to a minimum.
    pub(super) fn missing(&mut self, minimum: usize, pool: &Arc<Shared>) -> Option<Permit> {
        let minimum = minimum.min(self.limit);
        if self.closed || self.places() >= minimum {
            return None;
        }
        let here = self.here();
        Some(self.permit(here, pool))
    }

    /// Empties the pool for good.
    pub(super) fn close(&mut self) -> (Vec<Live>, Vec<Arc<Waiter>>) {
        self.closed = true;
        let (mut idle, mut waiters) = (Vec::new(), Vec::new());
        for shard in &mut self.shards {
            shard.places -= shard.idle.len();
            idle.append(&mut shard.idle);
            waiters.extend(shard.waiters.drain(..));
        }
        (idle, waiters)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Places, idle connections, and how many wait.
    pub(super) fn numbers(&self) -> (usize, usize, usize) {
        let sum = |count: fn(&Shard) -> usize| self.shards.iter().map(count).sum();
        (self.places(), sum(|shard| shard.idle.len()), sum(|shard| shard.waiters.len()))
    }
}
