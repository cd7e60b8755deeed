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
use crate::prompt::Prompt;

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

/// What was begun and not seen to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Busy {
    No,
    /// One statement: its answer will come.
    Statement,
    /// Rows, perhaps a great many of them.
    Rows,
}

/// A connection that is the holder's alone until it is dropped.
pub(crate) struct Lease {
    live: Option<Live>,
    pool: Arc<Shared>,
    condition: Condition,
    busy: Busy,
}

impl Lease {
    pub(super) fn new(live: Live, pool: Arc<Shared>) -> Self {
        Counters::add(&pool.counters.acquired, 1);
        Self { live: Some(live), pool, condition: Condition::Clean, busy: Busy::No }
    }

    pub(super) fn live(&self) -> &Live {
        match &self.live {
            Some(live) => live,
            None => unreachable!("a lease holds its connection until it is dropped"),
        }
    }

    fn live_mut(&mut self) -> &mut Live {
        match &mut self.live {
            Some(live) => live,
            None => unreachable!("a lease holds its connection until it is dropped"),
        }
    }

    /// How to wait for the next statement, if its answer comes at once and others wait for the transaction that it is in.
    pub(crate) fn prompt(&self) -> Option<Prompt> {
        if self.condition == Condition::InTransaction { self.live().connection.prompt() } else { None }
    }

    /// The connection, for one statement. [`Self::end`] has to be told how it went; if it is not, because nobody waits
    /// for the statement any more, the connection is in use until its answer has come.
    pub(crate) fn begin(&mut self) -> &mut Connection {
        self.busy = Busy::Statement;
        &mut self.live_mut().connection
    }

    /// The connection, for reading rows. If [`Self::end`] is not told that they have ended, it is closed.
    pub(crate) fn begin_rows(&mut self) -> &mut Connection {
        self.busy = Busy::Rows;
        &mut self.live_mut().connection
    }

    /// Forgets prepared statements, which are out of date. If that fails, the next use of the connection shows it.
    pub(crate) async fn forget_statements(&mut self) {
        let outcome = self.begin().forget_statements().await;
        self.end(&outcome);
    }

    /// Whether the database's own limit for statements is lifted.
    pub(crate) fn unlimited(&mut self) -> &mut bool {
        &mut self.live_mut().unlimited
    }

    /// The database has not answered when it should have: it is not heard of again.
    pub(crate) fn give_up(&mut self) {
        self.condition = Condition::Broken;
    }

    /// The statement has ended.
    pub(crate) fn end<T>(&mut self, outcome: &Result<T, sqlx::Error>) {
        self.busy = Busy::No;
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
            // That others are gone too, they find out by themselves: the epoch that made this test necessary makes
            // theirs necessary as well.
            Ok(Err(_)) | Err(_) => {
                self.give_up();
                false
            }
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(live) = self.live.take() else { return };
        let pool = Arc::clone(&self.pool);
        match (self.condition, self.busy) {
            (Condition::Broken, _) | (_, Busy::Rows) => pool.discard(live),
            (Condition::Clean, Busy::No) => pool.give_back(live),
            (Condition::InTransaction, Busy::No) => recover_in_background(live, pool, false),
            (_, Busy::Statement) => recover_in_background(live, pool, true),
        }
    }
}

/// Waits for a statement that was given up, and rolls back. Nobody may wait in a destructor, so another coroutine does;
/// until then the connection counts as in use, as it does for the server.
fn recover_in_background(live: Live, pool: Arc<Shared>, busy: bool) {
    let mut abandoned = Abandoned(Some((live, pool)));
    let _ = try_spawn(move || {
        let Some((live, pool)) = &mut abandoned.0 else { return };
        let limit = pool.options.statement_timeout.map_or(PATIENCE, |limit| limit.saturating_add(PATIENCE));
        let recovered = timeout(limit, recover(live, busy)).wait();
        if matches!(recovered, Ok(Ok(())))
            && let Some((live, pool)) = abandoned.0.take()
        {
            pool.give_back(live);
        }
    });
}

async fn recover(live: &mut Live, busy: bool) -> Result<(), sqlx::Error> {
    if busy {
        // Whatever comes before its answer is read and thrown away, the error of the statement included.
        if let Err(error) = live.connection.ping().await {
            if is_fatal(&error) {
                return Err(error);
            }
            live.connection.ping().await?;
        }
    }
    live.connection.stop_clock();
    match live.connection.execute_text("ROLLBACK".into()).await {
        // There may be no transaction, and SQLite takes that for a mistake.
        Err(error) if is_fatal(&error) => Err(error),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// A connection that nobody has recovered. The server ends its transaction with it.
struct Abandoned(Option<(Live, Arc<Shared>)>);

impl Drop for Abandoned {
    fn drop(&mut self) {
        if let Some((live, pool)) = self.0.take() {
            pool.discard(live);
        }
    }
}
