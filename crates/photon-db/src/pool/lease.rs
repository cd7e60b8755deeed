//! A connection while somebody uses it, and what becomes of it afterwards.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use photon_runtime::{Wait, timeout, try_spawn};
use sea_orm::{ConnAcquireErr, DbErr};

use super::Shared;
use super::metrics::Counters;
use super::state::Live;
use crate::connection::{Connection, is_fatal};

/// How long a test or a rollback may take before the connection counts as lost.
const PATIENCE: Duration = Duration::from_secs(5);

/// What state a connection is in when it is given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Condition {
    /// Nothing is left over.
    Clean,
    /// A transaction is open.
    InTransaction,
    /// It is gone, or nobody knows what it is doing.
    Broken,
}

/// A connection that is the holder's alone until it is dropped.
pub(crate) struct Lease {
    live: Option<Live>,
    pool: Arc<Shared>,
    condition: Condition,
    /// A statement was begun and not seen to end.
    busy: bool,
}

impl Lease {
    pub(super) fn new(live: Live, pool: Arc<Shared>) -> Self {
        Counters::add(&pool.counters.acquired, 1);
        Self { live: Some(live), pool, condition: Condition::Clean, busy: false }
    }

    pub(super) fn live(&self) -> &Live {
        match &self.live {
            Some(live) => live,
            None => unreachable!("a lease holds its connection until it is dropped"),
        }
    }

    /// The connection, for one statement. [`Self::end`] has to be told how it went; a lease that was not is not used
    /// again.
    pub(crate) fn begin(&mut self) -> &mut Connection {
        self.busy = true;
        &mut self.live_mut().connection
    }

    fn live_mut(&mut self) -> &mut Live {
        match &mut self.live {
            Some(live) => live,
            None => unreachable!("a lease holds its connection until it is dropped"),
        }
    }

    /// The statement has ended.
    pub(crate) fn end<T>(&mut self, outcome: &Result<T, sqlx::Error>) {
        self.busy = false;
        if outcome.as_ref().is_err_and(is_fatal) {
            self.condition = Condition::Broken;
            self.pool.lose_trust();
        }
    }

    /// A transaction begins; if it is not seen to end, it is rolled back when the connection is given back.
    pub(crate) fn enter_transaction(&mut self) {
        self.condition = Condition::InTransaction;
    }

    /// The transaction has been committed or rolled back.
    pub(crate) fn leave_transaction(&mut self) {
        if self.condition == Condition::InTransaction {
            self.condition = Condition::Clean;
        }
    }

    /// Asks the server for a sign of life.
    pub(crate) async fn ping(&mut self) -> Result<(), DbErr> {
        if self.test().await {
            Ok(())
        } else {
            Err(DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed))
        }
    }

    /// Whether the server answers.
    pub(super) async fn test(&mut self) -> bool {
        let epoch = self.pool.distrust.load(Ordering::Relaxed);
        let answer = timeout(PATIENCE, self.begin().ping()).await;
        match answer {
            Ok(Ok(())) => {
                self.end(&Ok(()));
                self.live_mut().epoch = epoch;
                true
            }
            // Busy still, and so it is not used again. That others are gone too, they find out by themselves: the
            // epoch that made this test necessary makes theirs necessary as well.
            Ok(Err(_)) | Err(_) => false,
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(live) = self.live.take() else { return };
        let pool = Arc::clone(&self.pool);
        match self.condition {
            _ if self.busy => pool.discard(live),
            Condition::Clean => pool.give_back(live),
            Condition::Broken => pool.discard(live),
            Condition::InTransaction => roll_back_in_background(live, pool),
        }
    }
}

/// Nobody may wait in a destructor, so another coroutine rolls back; until then the connection counts as in use.
fn roll_back_in_background(live: Live, pool: Arc<Shared>) {
    let mut abandoned = Abandoned(Some((live, pool)));
    let _ = try_spawn(move || {
        let Some((live, _)) = &mut abandoned.0 else { return };
        live.connection.stop_clock();
        let rolled_back = timeout(PATIENCE, live.connection.execute_text("ROLLBACK".into())).wait();
        if let (Ok(Ok(_)), Some((live, pool))) = (rolled_back, abandoned.0.take()) {
            pool.give_back(live);
        }
    });
}

/// A connection whose transaction nobody has ended. The server ends it with the connection.
struct Abandoned(Option<(Live, Arc<Shared>)>);

impl Drop for Abandoned {
    fn drop(&mut self) {
        if let Some((live, pool)) = self.0.take() {
            pool.discard(live);
        }
    }
}
