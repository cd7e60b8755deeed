//! Connections to one server, shared by everybody who needs one for a moment.
//!
//! A connection belongs to the worker that opened it: its socket is driven there, so using it from there wakes no
//! other thread. The pool therefore keeps its connections by worker, in *shards*, and prefers a connection of the
//! caller's own. It never lets one lie idle while somebody waits, though, whoever that is.

mod lease;
mod metrics;
mod opening;
mod reaper;
mod state;
mod waiter;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use photon_runtime::timeout;
use sea_orm::{ConnAcquireErr, DbBackend, DbErr};

use crate::DbOptions;
use crate::connection::Connection;
use crate::connector::Connector;
pub(crate) use lease::Lease;
use metrics::Counters;
pub use metrics::PoolMetrics;
use opening::Permit;
use state::{Claim, Live, State};

/// Connections to one server or file. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Pool(Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) connector: Connector,
    pub(crate) options: DbOptions,
    state: Mutex<State>,
    counters: Counters,
    /// Raised when a connection was lost: those opened or tested before are no longer believed to be alive.
    distrust: AtomicU64,
    /// Whether the reaper has been started.
    reaped: AtomicBool,
    /// A connection that nobody uses and that keeps a database in memory alive.
    anchor: Mutex<Option<Connection>>,
    /// Whether a server that refuses connections is given time to start. Where another server can answer, it is not.
    patient: bool,
}

impl Pool {
    pub(crate) fn new(connector: Connector, options: DbOptions, patient: bool) -> Self {
        let state = State::new(options.max_connections, connector.has_sockets());
        let (counters, distrust, reaped, anchor) = Default::default();
        Self(Arc::new(Shared {
            connector,
            options,
            state: Mutex::new(state),
            counters,
            distrust,
            reaped,
            anchor,
            patient,
        }))
    }

    pub(crate) fn options(&self) -> &DbOptions {
        &self.0.options
    }

    pub(crate) fn connector(&self) -> &Connector {
        &self.0.connector
    }

    pub(crate) fn backend(&self) -> DbBackend {
        self.0.connector.backend()
    }

    /// Gets a connection: one that is there, a new one, or the next one that somebody gives back.
    ///
    /// # Errors
    /// `DbErr::ConnectionAcquire` if that takes too long or the pool is closed, `DbErr::Conn` if the server refuses.
    pub(crate) async fn acquire(&self) -> Result<Lease, DbErr> {
        match self.0.claim()? {
            Claim::Idle(live) if self.0.is_trusted(&live) => Ok(Lease::new(live, Arc::clone(&self.0))),
            claim => {
                let limit = self.0.options.acquire_timeout;
                let mut last_failure = None;
                let waited = timeout(limit, self.0.acquire_slowly(claim, &mut last_failure)).await;
                waited.unwrap_or_else(|_| {
                    Counters::add(&self.0.counters.timeouts, 1);
                    // Why there was no connection says more than that there was none.
                    Err(last_failure.unwrap_or(DbErr::ConnectionAcquire(ConnAcquireErr::Timeout)))
                })
            }
        }
    }

    /// What the pool holds and how it has fared.
    pub(crate) fn metrics(&self) -> PoolMetrics {
        let (open, idle, waiting) = self.0.lock().numbers();
        self.0.counters.report(self.0.options.max_connections, open, idle, waiting)
    }

    /// Closes idle connections: what they know of the tables is out of date.
    pub(crate) fn renew(&self) {
        let idle = self.0.lock().take_idle();
        idle.into_iter().for_each(|live| self.0.discard(live));
    }

    /// Closes idle connections and refuses further ones; those in use are closed when they come back.
    pub(crate) async fn close(&self) {
        let (idle, waiters) = self.0.lock().close();
        waiters.iter().for_each(|waiter| waiter.refuse());
        for live in idle {
            Counters::add(&self.0.counters.closed, 1);
            opening::say_goodbye(live).await;
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a connection. A database in memory gets one more the first time, because it is gone with its last one.
    async fn connect(&self) -> Result<Connection, sqlx::Error> {
        let anchor = || self.anchor.lock().unwrap_or_else(PoisonError::into_inner);
        if self.connector.is_in_memory() && anchor().is_none() {
            let connection = self.connector.connect().await?;
            *anchor() = Some(connection);
        }
        self.connector.connect().await
    }

    fn claim(self: &Arc<Self>) -> Result<Claim, DbErr> {
        let claim = self.lock().claim(self);
        claim.ok_or(DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed))
    }

    fn is_trusted(&self, live: &Live) -> bool {
        live.epoch == self.distrust.load(Ordering::Relaxed)
            && live.idle_since.elapsed() <= self.options.test_after_idle
    }

    async fn acquire_slowly(
        self: &Arc<Self>,
        mut claim: Claim,
        last_failure: &mut Option<DbErr>,
    ) -> Result<Lease, DbErr> {
        loop {
            claim = match claim {
                Claim::Idle(live) => {
                    // What the connection is worth shows when it is used.
                    let mut lease = Lease::new(live, Arc::clone(self));
                    if self.is_trusted(lease.live()) || lease.test().await {
                        return Ok(lease);
                    }
                    drop(lease);
                    self.claim()?
                }
                Claim::Open(permit) => return permit.open(last_failure).await,
                Claim::Wait(waiting) => {
                    let began = Instant::now();
                    let granted = waiting.await;
                    self.counters.waited(began.elapsed());
                    granted.ok_or(DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed))?
                }
            };
        }
    }

    /// A connection was lost that should have been there: others may be gone as well.
    fn lose_trust(&self) {
        self.distrust.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes a connection back that can be used again.
    fn give_back(self: &Arc<Self>, mut live: Live) {
        if live.is_expired() {
            return self.discard(live);
        }
        live.idle_since = Instant::now();
        let handed = self.lock().give(live, self);
        if let Some(waker) = handed {
            waker.wake();
        }
    }

    /// Closes a connection that belongs to the pool; its place goes to whoever waits.
    fn discard(self: &Arc<Self>, live: Live) {
        let shard = live.shard;
        self.retire(live);
        self.vacate(shard);
    }

    /// The place of a connection has become free.
    fn vacate(self: &Arc<Self>, shard: usize) {
        let handed = self.lock().vacate(shard, self);
        if let Some(waker) = handed {
            waker.wake();
        }
    }

    /// Says goodbye to the server in the background.
    fn retire(&self, live: Live) {
        Counters::add(&self.counters.closed, 1);
        opening::close_in_background(live);
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let (idle, _) = self.lock().close();
        idle.into_iter().for_each(opening::close_in_background);
    }
}
