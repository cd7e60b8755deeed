//! Opening and closing connections.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use photon_runtime::{Wait, timeout, try_spawn, worker_io};
use sea_orm::DbErr;

use super::metrics::Counters;
use super::state::Live;
use super::{Lease, Shared, reaper};
use crate::connector::connecting;

/// How long saying goodbye may take.
const GOODBYE: Duration = Duration::from_secs(1);

/// The pauses between attempts to reach a server that is starting.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// The right to open one connection. Its place in the pool is taken already, and free again if it is dropped.
pub(super) struct Permit {
    shard: usize,
    pool: Option<Arc<Shared>>,
    replaced: Option<Live>,
}

impl Permit {
    pub(super) fn new(shard: usize, pool: Arc<Shared>) -> Self {
        Self { shard, pool: Some(pool), replaced: None }
    }

    /// The place was this connection's, which is closed.
    pub(super) fn instead_of(mut self, replaced: Live) -> Self {
        self.replaced = Some(replaced);
        self
    }

    /// Opens the connection. While the server is down or starts up, a patient pool tries again and again: whoever waits
    /// has a time limit around this. `last_failure` says why it was not possible yet.
    pub(super) async fn open(mut self, last_failure: &mut Option<DbErr>) -> Result<Lease, DbErr> {
        let Some(pool) = self.pool.clone() else { unreachable!("a permit without a pool") };
        if let Some(live) = self.replaced.take() {
            pool.retire(live);
        }
        let mut pause = FIRST_PAUSE;
        let connection = loop {
            let epoch = pool.distrust.load(Ordering::Relaxed);
            match worker_io(pool.connect()).await {
                Ok(connection) => break (connection, epoch),
                Err(error) if pool.patient && is_temporary(&error) => *last_failure = Some(connecting(error)),
                Err(error) => return Err(connecting(error)),
            }
            let _ = timeout(pause, std::future::pending::<()>()).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        };
        let (connection, epoch) = connection;
        Counters::add(&pool.counters.opened, 1);
        reaper::start(&pool);
        let now = Instant::now();
        let expires = pool.options.max_lifetime.map(|lifetime| now + shortened(lifetime));
        let live = Live { connection, shard: self.shard, expires, idle_since: now, epoch, unlimited: false };
        // From here on the place is the connection's.
        self.pool = None;
        Ok(Lease::new(live, pool))
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(pool) = self.pool.take() {
            if let Some(live) = self.replaced.take() {
                pool.retire(live);
            }
            pool.vacate(self.shard);
        }
    }
}

/// Whether the server may be there in a moment.
fn is_temporary(error: &sqlx::Error) -> bool {
    use std::io::ErrorKind;
    match error {
        sqlx::Error::Io(error) => matches!(
            error.kind(),
            ErrorKind::ConnectionRefused
                | ErrorKind::ConnectionReset
                | ErrorKind::ConnectionAborted
                | ErrorKind::UnexpectedEof
                | ErrorKind::BrokenPipe
                | ErrorKind::NotFound
        ),
        // PostgreSQL: it starts or stops, or has no place; MySQL: too many connections; SQLite: the file is locked.
        sqlx::Error::Database(error) => matches!(
            error.code().as_deref(),
            Some("57P01" | "57P02" | "57P03" | "53300" | "08004" | "5" | "261")
        ),
        _ => false,
    }
}

/// Up to a tenth less, so that connections that were opened together are not all closed together.
fn shortened(lifetime: Duration) -> Duration {
    use std::hash::{BuildHasher, RandomState};
    let random = RandomState::new().hash_one(0u8) % 1000;
    lifetime - lifetime / 10_000 * u32::try_from(random).unwrap_or(0)
}

/// Closes a connection as its protocol wants it, without anybody waiting for it.
pub(super) fn close_in_background(live: Live) {
    // If no coroutine can be started, dropping it has to be enough.
    let _ = try_spawn(move || say_goodbye(live).wait());
}

pub(super) async fn say_goodbye(live: Live) {
    // Whether the server has heard it or not, the connection is gone.
    let _ = timeout(GOODBYE, live.connection.close()).await;
}
