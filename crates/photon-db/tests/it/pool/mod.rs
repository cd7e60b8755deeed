//! The pool of connections: how many there are, who gets one next, and that each comes back.

mod closing;
mod leaks;
mod lifetime;
mod limits;
mod order;
#[cfg(feature = "postgres")]
mod seen;

use std::time::{Duration, Instant};

use photon_db::{Db, PoolMetrics};
use photon_runtime::sleep;

/// Waits until something is the case.
#[track_caller]
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(20), "it does not happen that {what}");
        sleep(Duration::from_millis(5));
    }
}

/// The metrics of all pools of a database, once nobody uses a connection: rollbacks happen in the background.
#[track_caller]
pub(crate) fn settled(db: &Db) -> Vec<PoolMetrics> {
    let metrics = || db.reader_metrics().into_iter().chain([db.metrics()]).collect::<Vec<_>>();
    eventually("all connections come back", || metrics().iter().all(|pool| pool.in_use == 0));
    metrics()
}
