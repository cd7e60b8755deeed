//! Transactions: one connection for several statements, all of which count or none.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use async_trait::async_trait;
use photon_runtime::Wait;
use sea_orm::{
    AccessMode, ConnectionTrait, DbBackend, DbErr, ExecResult, IsolationLevel, QueryResult, RuntimeErr,
    SqliteTransactionMode, Statement, StreamTrait, TransactionError, TransactionOptions, TransactionSession,
    TransactionTrait,
};
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::connection::{Prepared, ends_transaction};
use crate::pool::{Lease, Pool};
use crate::run::{self, Operation};
use crate::session::Session;
use crate::stream::{RowStream, StreamSource};

/// No savepoint has to be rolled back to.
const NONE: u32 = u32::MAX;

/// A transaction, or inside another one a savepoint. It is rolled back unless it is committed.
///
/// It takes SeaORM's queries as [`Db`](crate::Db) does. [`Db::transaction`](crate::Db::transaction) is the usual way
/// to one.
pub struct Transaction {
    shared: Arc<Shared>,
    /// 0 for the transaction itself, more for savepoints.
    depth: u32,
    open: bool,
}

/// What a transaction and its savepoints have in common.
pub(crate) struct Shared {
    place: Arc<Mutex<Place>>,
    pool: Pool,
    session: Arc<Session>,
    /// The outermost savepoint that was left without an end, whose rollback comes before the next statement.
    abandoned: AtomicU32,
    /// Whether somebody reads rows on the transaction's connection.
    reading: Arc<AtomicBool>,
}

/// The connection, and how the transaction on it fares.
pub(crate) struct Place {
    /// Gone when the transaction has ended.
    lease: Option<Lease>,
    /// PostgreSQL refuses everything after an error until the (sub)transaction that it happened in is rolled back.
    /// A commit would quietly be a rollback.
    failed: bool,
    /// The database has rolled everything back. What comes after would be no part of the transaction.
    doomed: bool,
    backend: DbBackend,
}

impl Transaction {
    /// Begins on a connection.
    pub(crate) async fn begin_on(
        mut lease: Lease,
        pool: Pool,
        session: Arc<Session>,
        options: TransactionOptions,
    ) -> Result<Self, DbErr> {
        let backend = pool.backend();
        for sql in begin_statements(backend, options) {
            lease.enter_transaction();
            run::text(&mut lease, sql.into(), pool.options(), &session).await?;
        }
        let place = Place { lease: Some(lease), failed: false, doomed: false, backend };
        let place = Arc::new(Mutex::new(place));
        let shared =
            Shared { place, pool, session, abandoned: AtomicU32::new(NONE), reading: Arc::default() };
        Ok(Self { shared: Arc::new(shared), depth: 0, open: true })
    }

    /// Runs a closure in a savepoint of this transaction: what it did is undone if it returns an error or panics.
    ///
    /// # Errors
    /// The closure's own, or the database's.
    ///
    /// # Panics
    /// If called from async code; use [`TransactionTrait::begin`] there.
    pub fn transaction<T, E, F>(&self, f: F) -> Result<T, E>
    where
        F: FnOnce(&Transaction) -> Result<T, E>,
        E: From<DbErr>,
    {
        run_blocking(self.begin().wait()?, f)
    }

    /// Which kind of database it is. Two of SeaORM's traits have this method as well; where both are in scope, a call
    /// means this one.
    #[must_use]
    pub fn get_database_backend(&self) -> DbBackend {
        self.shared.pool.backend()
    }

    /// Ends the transaction or savepoint without giving the value up, for whoever shares it. The connection of a
    /// transaction goes back to the pool, whatever the outcome.
    pub(crate) async fn end(&self, commit: bool) -> Result<(), DbErr> {
        let mut place = self.shared.lock_anyway().await?;
        if place.doomed {
            if self.depth == 0 {
                // Rolled back once more, in the background.
                place.lease = None;
            }
            return if commit { Err(doomed()) } else { Ok(()) };
        }
        let aborted = place.failed && commit;
        if self.depth == 0 {
            let Some(mut lease) = place.lease.take() else { return Err(ended()) };
            let sql = if commit && !aborted { "COMMIT" } else { "ROLLBACK" };
            // A lease that is not seen to leave its transaction rolls back when it is dropped.
            self.shared.text(&mut lease, sql).await?;
            lease.leave_transaction();
        } else {
            let depth = self.depth;
            let sql = if commit && !aborted {
                format!("RELEASE SAVEPOINT photon_{depth}")
            } else {
                format!("ROLLBACK TO SAVEPOINT photon_{depth}")
            };
            self.shared.text(place.lease()?, &sql).await?;
        }
        place.failed &= commit && !aborted;
        if aborted {
            return Err(DbErr::Exec(RuntimeErr::Internal(
                "nothing was committed, because a statement of the transaction had failed".to_owned(),
            )));
        }
        Ok(())
    }

    /// Rows of a query, in a value that keeps the transaction's connection and not the transaction.
    pub(crate) async fn rows(&self, statement: Statement) -> Result<RowStream, DbErr> {
        let statement = Prepared::new(statement)?;
        let place = self.shared.lock().await?;
        let reading = Reading::new(place, Arc::clone(&self.shared.reading));
        Ok(RowStream::new(StreamSource::Transaction(reading), statement, self.shared.pool.options()))
    }

    async fn run<O: Operation>(&self, statement: Statement) -> Result<O::Output, DbErr> {
        let statement = Prepared::new(statement)?;
        let mut place = self.shared.lock().await?;
        let (options, session) = (self.shared.pool.options(), &self.shared.session);
        let outcome = run::statement::<O>(place.lease()?, statement, options, session).await;
        place.noted(outcome)
    }

    async fn run_text(&self, sql: &str) -> Result<ExecResult, DbErr> {
        let mut place = self.shared.lock().await?;
        let outcome = self.shared.text(place.lease()?, sql).await;
        place.noted(outcome)
    }
}

fn ended() -> DbErr {
    DbErr::Exec(RuntimeErr::Internal("the transaction has ended".to_owned()))
}

fn doomed() -> DbErr {
    let message = "the database has rolled the transaction back because of an earlier error";
    DbErr::Exec(RuntimeErr::Internal(message.to_owned()))
}

impl Place {
    pub(crate) fn lease(&mut self) -> Result<&mut Lease, DbErr> {
        self.lease.as_mut().ok_or_else(ended)
    }

    /// A statement of the transaction has failed.
    pub(crate) fn note(&mut self, error: &DbErr) {
        self.failed |= self.backend == DbBackend::Postgres;
        self.doomed |= ends_transaction(error, self.backend);
    }

    fn noted<T>(&mut self, outcome: Result<T, DbErr>) -> Result<T, DbErr> {
        outcome.inspect_err(|error| self.note(error))
    }
}

/// The connection while rows are read on it. Whoever wants it meanwhile is refused instead of waiting for a reader who
/// may be themselves.
pub(crate) struct Reading {
    place: OwnedMutexGuard<Place>,
    flag: Arc<AtomicBool>,
}

impl Reading {
    fn new(place: OwnedMutexGuard<Place>, flag: Arc<AtomicBool>) -> Self {
        flag.store(true, Ordering::Release);
        Self { place, flag }
    }

    pub(crate) fn place(&mut self) -> &mut Place {
        &mut self.place
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.flag.store(false, Ordering::Release);
    }
}

impl Shared {
    /// The connection, once savepoints that were abandoned are rolled back.
    async fn lock(&self) -> Result<OwnedMutexGuard<Place>, DbErr> {
        let place = self.lock_anyway().await?;
        if place.doomed { Err(doomed()) } else { Ok(place) }
    }

    /// The same even if the transaction is lost.
    async fn lock_anyway(&self) -> Result<OwnedMutexGuard<Place>, DbErr> {
        let mut place = match Arc::clone(&self.place).try_lock_owned() {
            Ok(place) => place,
            Err(_) if self.reading.load(Ordering::Acquire) => {
                let message =
                    "rows of the transaction are being read: read them to the end or drop them first";
                return Err(DbErr::Exec(RuntimeErr::Internal(message.to_owned())));
            }
            Err(_) => Arc::clone(&self.place).lock_owned().await,
        };
        let abandoned = self.abandoned.swap(NONE, Ordering::AcqRel);
        let lease = place.lease()?;
        if abandoned != NONE {
            let outcome = self.text(lease, &format!("ROLLBACK TO SAVEPOINT photon_{abandoned}")).await;
            place.failed &= outcome.is_err();
            // Without its savepoint, what was to be undone would count.
            place.doomed |= outcome.is_err();
        }
        Ok(place)
    }

    async fn text(&self, lease: &mut Lease, sql: &str) -> Result<ExecResult, DbErr> {
        run::text(lease, sql.into(), self.pool.options(), &self.session).await
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        // A transaction is rolled back when its connection is given back; a savepoint before anything else is done.
        if self.open && self.depth > 0 {
            self.shared.abandoned.fetch_min(self.depth, Ordering::AcqRel);
        }
    }
}

/// What begins a transaction with these options, one statement after the other.
fn begin_statements(backend: DbBackend, options: TransactionOptions) -> Vec<String> {
    let TransactionOptions { isolation_level, access_mode, sqlite_transaction_mode } = options;
    let mut modes = Vec::new();
    modes.extend(isolation_level.map(|level: IsolationLevel| format!("ISOLATION LEVEL {level}")));
    modes.extend(access_mode.map(|mode: AccessMode| mode.to_string()));
    match backend {
        DbBackend::Postgres => vec![format!("BEGIN {}", modes.join(", ")).trim_end().to_owned()],
        DbBackend::MySql if modes.is_empty() => vec!["BEGIN".to_owned()],
        DbBackend::MySql => vec![format!("SET TRANSACTION {}", modes.join(", ")), "BEGIN".to_owned()],
        _ => {
            // A transaction that reads first and writes later could find that another one has written meanwhile,
            // which SQLite cannot mend by waiting. So the write lock is taken at the start.
            let mode = match (sqlite_transaction_mode, access_mode) {
                (Some(mode), _) => mode,
                (None, Some(AccessMode::ReadOnly)) => SqliteTransactionMode::Deferred,
                (None, _) => SqliteTransactionMode::Immediate,
            };
            vec![format!("BEGIN {}", mode.sqlite_keyword())]
        }
    }
}

/// The blocking form of a transaction: commit on `Ok`, roll back on `Err` and on panic.
pub(crate) fn run_blocking<T, E, F>(transaction: Transaction, f: F) -> Result<T, E>
where
    F: FnOnce(&Transaction) -> Result<T, E>,
    E: From<DbErr>,
{
    match f(&transaction) {
        Ok(value) => {
            transaction.commit().wait()?;
            Ok(value)
        }
        Err(error) => {
            // The closure's error says more. A connection that could not roll back is not used again.
            if let Err(error) = transaction.rollback().wait() {
                tracing::warn!(target: "photon::db", %error, "a rollback failed");
            }
            Err(error)
        }
    }
}

#[async_trait]
impl ConnectionTrait for Transaction {
    fn get_database_backend(&self) -> DbBackend {
        self.shared.pool.backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.run::<run::Execute>(statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.run_text(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.run::<run::One>(statement).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.run::<run::All>(statement).await
    }

    fn support_returning(&self) -> bool {
        crate::db::supports_returning(self.get_database_backend())
    }
}

impl StreamTrait for Transaction {
    type Stream<'a> = RowStream;

    fn get_database_backend(&self) -> DbBackend {
        self.shared.pool.backend()
    }

    fn stream_raw<'a>(
        &'a self,
        statement: Statement,
    ) -> Pin<Box<dyn Future<Output = Result<Self::Stream<'a>, DbErr>> + 'a + Send>> {
        Box::pin(self.rows(statement))
    }
}

#[async_trait]
impl TransactionTrait for Transaction {
    type Transaction = Transaction;

    async fn begin(&self) -> Result<Transaction, DbErr> {
        let depth = self.depth + 1;
        self.run_text(&format!("SAVEPOINT photon_{depth}")).await?;
        Ok(Transaction { shared: Arc::clone(&self.shared), depth, open: true })
    }

    /// Savepoints have no isolation level or access mode of their own: both are those of the transaction.
    async fn begin_with_config(
        &self,
        _isolation_level: Option<IsolationLevel>,
        _access_mode: Option<AccessMode>,
    ) -> Result<Transaction, DbErr> {
        self.begin().await
    }

    /// As [`Self::begin_with_config`].
    async fn begin_with_options(&self, _options: TransactionOptions) -> Result<Transaction, DbErr> {
        self.begin().await
    }

    async fn transaction<F, T, E>(&self, callback: F) -> Result<T, TransactionError<E>>
    where
        F: for<'c> FnOnce(&'c Transaction) -> Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'c>> + Send,
        T: Send,
        E: std::fmt::Display + std::fmt::Debug + Send,
    {
        run_async(self.begin().await, callback).await
    }

    async fn transaction_with_config<F, T, E>(
        &self,
        callback: F,
        isolation_level: Option<IsolationLevel>,
        access_mode: Option<AccessMode>,
    ) -> Result<T, TransactionError<E>>
    where
        F: for<'c> FnOnce(&'c Transaction) -> Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'c>> + Send,
        T: Send,
        E: std::fmt::Display + std::fmt::Debug + Send,
    {
        run_async(self.begin_with_config(isolation_level, access_mode).await, callback).await
    }
}

/// The async form of a transaction.
pub(crate) async fn run_async<F, T, E>(
    transaction: Result<Transaction, DbErr>,
    callback: F,
) -> Result<T, TransactionError<E>>
where
    F: for<'c> FnOnce(&'c Transaction) -> Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'c>> + Send,
    T: Send,
    E: std::fmt::Display + std::fmt::Debug + Send,
{
    let transaction = transaction.map_err(TransactionError::Connection)?;
    match callback(&transaction).await {
        Ok(value) => {
            transaction.commit().await.map_err(TransactionError::Connection)?;
            Ok(value)
        }
        Err(error) => {
            transaction.rollback().await.map_err(TransactionError::Connection)?;
            Err(TransactionError::Transaction(error))
        }
    }
}

#[async_trait]
impl TransactionSession for Transaction {
    async fn commit(mut self) -> Result<(), DbErr> {
        let outcome = self.end(true).await;
        self.open = outcome.is_err();
        outcome
    }

    async fn rollback(mut self) -> Result<(), DbErr> {
        let outcome = self.end(false).await;
        self.open = outcome.is_err();
        outcome
    }
}

impl std::fmt::Debug for Transaction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Transaction").field("depth", &self.depth).finish_non_exhaustive()
    }
}
