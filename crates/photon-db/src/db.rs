//! [`Db`]: a database as handlers see it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;
use photon_runtime::Wait;
use sea_orm::{
    AccessMode, ConnectionTrait, DbBackend, DbErr, ExecResult, IsolationLevel, QueryResult, Statement,
    StreamTrait, TransactionError, TransactionOptions, TransactionTrait,
};

use crate::connection::Prepared;
use crate::pool::{Lease, Pool};
use crate::run::{self, Operation};
use crate::servers::Servers;
use crate::session::Session;
use crate::statement::changes_tables;
use crate::stream::{RowStream, StreamSource};
use crate::transaction::{self, Transaction};
use crate::{DbOptions, PoolMetrics, error};

/// A database: a pool of connections that takes SeaORM's queries.
///
/// It implements SeaORM's `ConnectionTrait`, `TransactionTrait` and `StreamTrait`, so SeaORM's own documentation
/// applies, with `.wait()` in place of `.await`. Clones share the pool. A handler takes it as an argument; a test
/// or a background task takes a clone.
///
/// ```
/// use photon_db::sea_orm::{ConnectionTrait, Statement};
/// use photon_db::Db;
/// use photon_runtime::Wait;
///
/// let db = Db::open("sqlite::memory:")?;
/// let sum = Statement::from_string(db.get_database_backend(), "SELECT 40 + 2 AS sum");
/// let row = db.query_one_raw(sum).wait()?.unwrap();
/// assert_eq!(row.try_get::<i32>("", "sum")?, 42);
/// # Ok::<(), photon_db::sea_orm::DbErr>(())
/// ```
#[derive(Clone)]
pub struct Db {
    pub(crate) servers: Arc<Servers>,
    session: Arc<Session>,
    /// Reads go where writes go.
    primary_only: bool,
}

impl Db {
    /// A database by its URL, with the default [`DbOptions`]. Nothing is connected before the first statement.
    ///
    /// # Errors
    /// `DbErr::Conn` if the URL cannot be parsed, or names a kind of database whose cargo feature is off.
    pub fn open(url: &str) -> Result<Self, DbErr> {
        Self::with_options(DbOptions::new(url))
    }

    /// The database that the environment variable `DATABASE_URL` names, or else this one.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn from_env(default: &str) -> Result<Self, DbErr> {
        let url = std::env::var("DATABASE_URL").ok().filter(|url| !url.is_empty());
        Self::open(url.as_deref().unwrap_or(default))
    }

    /// A database with options of one's own.
    ///
    /// # Errors
    /// As [`Self::open`].
    #[expect(clippy::needless_pass_by_value, reason = "options are built for this call")]
    pub fn with_options(options: DbOptions) -> Result<Self, DbErr> {
        error::register();
        let servers = Arc::new(Servers::new(&options)?);
        Ok(Self { servers, session: Arc::default(), primary_only: false })
    }

    /// Runs a closure in a transaction: commits if it returns `Ok`, rolls back if it returns `Err` or panics.
    ///
    /// The transaction takes SeaORM's queries as the database does. In SQLite it takes the write lock at once, so it
    /// never fails half-way because somebody else has written.
    ///
    /// # Errors
    /// The closure's own, or the database's.
    ///
    /// # Panics
    /// If called from async code; use [`TransactionTrait::begin`] there.
    ///
    /// ```
    /// use photon_db::Db;
    /// use photon_db::sea_orm::{ConnectionTrait, DbErr};
    /// use photon_runtime::Wait;
    ///
    /// let db = Db::open("sqlite::memory:")?;
    /// db.execute_unprepared("CREATE TABLE note (text TEXT NOT NULL)").wait()?;
    /// let refused = db.transaction(|tx| {
    ///     tx.execute_unprepared("INSERT INTO note VALUES ('lost')").wait()?;
    ///     Err::<(), DbErr>(DbErr::Custom("on second thoughts".to_owned()))
    /// });
    /// assert!(refused.is_err());
    /// # let count = photon_db::sea_orm::Statement::from_string(db.get_database_backend(), "SELECT COUNT(*) AS n FROM note");
    /// # assert_eq!(db.query_one_raw(count).wait()?.unwrap().try_get::<i64>("", "n")?, 0);
    /// # Ok::<(), DbErr>(())
    /// ```
    pub fn transaction<T, E, F>(&self, f: F) -> Result<T, E>
    where
        F: FnOnce(&Transaction) -> Result<T, E>,
        E: From<DbErr>,
    {
        transaction::run_blocking(self.begin().wait()?, f)
    }

    /// The same with an isolation level, an access mode or SQLite's transaction mode.
    ///
    /// # Errors
    /// The closure's own, or the database's.
    pub fn transaction_with<T, E, F>(&self, options: TransactionOptions, f: F) -> Result<T, E>
    where
        F: FnOnce(&Transaction) -> Result<T, E>,
        E: From<DbErr>,
    {
        transaction::run_blocking(self.begin_with_options(options).wait()?, f)
    }

    /// Which kind of database it is. Two of SeaORM's traits have this method as well; where both are in scope, a call
    /// means this one.
    #[must_use]
    pub fn get_database_backend(&self) -> DbBackend {
        self.servers.primary.backend()
    }

    /// The same database, read from the primary: for reads that must see the latest writes of others.
    #[must_use]
    pub fn primary(&self) -> Self {
        Self { primary_only: true, ..self.clone() }
    }

    /// The same database as somebody sees it who has written nothing yet: reads go to replicas again. Handlers get theirs
    /// for each request; a background task begins with this.
    #[must_use]
    pub fn new_session(&self) -> Self {
        Self { servers: Arc::clone(&self.servers), session: Arc::default(), primary_only: false }
    }

    /// Connects to the primary and asks it for a sign of life.
    ///
    /// # Errors
    /// `DbErr::ConnectionAcquire` or `DbErr::Conn` if it cannot be reached in time.
    pub fn ping(&self) -> Result<(), DbErr> {
        let lease = async { self.servers.primary.acquire().await?.ping().await };
        lease.wait()
    }

    /// What the pool of the primary holds, and how it has fared.
    #[must_use]
    pub fn metrics(&self) -> PoolMetrics {
        self.servers.primary.metrics()
    }

    /// The same of the pools that reads go to: replicas, or SQLite's readers.
    #[must_use]
    pub fn reader_metrics(&self) -> Vec<PoolMetrics> {
        self.servers.readers.iter().map(|reader| reader.pool.metrics()).collect()
    }

    /// Closes idle connections and refuses further statements; statements under way finish. All clones are closed.
    pub fn close(&self) {
        self.servers.close().wait();
    }

    /// The database as one request uses it.
    pub(crate) fn with_session(&self, session: Arc<Session>) -> Self {
        Self { servers: Arc::clone(&self.servers), session, primary_only: self.primary_only }
    }

    pub(crate) async fn run<O: Operation>(&self, statement: Statement) -> Result<O::Output, DbErr> {
        let statement = Prepared::new(statement)?;
        let (pool, mut lease) = self.acquire_for(&statement.sql).await?;
        run::statement::<O>(&mut lease, statement, pool.options(), &self.session).await
    }

    /// A connection that can answer a statement.
    async fn acquire_for(&self, sql: &str) -> Result<(&Pool, Lease), DbErr> {
        self.servers.acquire_for(sql, &self.session, self.primary_only).await
    }
}

/// MariaDB's `RETURNING` is not MySQL's, and not for updates.
pub(crate) fn supports_returning(backend: DbBackend) -> bool {
    backend != DbBackend::MySql
}

#[async_trait]
impl ConnectionTrait for Db {
    fn get_database_backend(&self) -> DbBackend {
        self.servers.primary.backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.run::<run::Execute>(statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        let (pool, mut lease) = self.acquire_for(sql).await?;
        let outcome = run::text(&mut lease, sql.into(), pool.options(), &self.session).await?;
        if changes_tables(sql) {
            lease.forget_statements().await;
            self.servers.renew();
        }
        Ok(outcome)
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.run::<run::One>(statement).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.run::<run::All>(statement).await
    }

    fn support_returning(&self) -> bool {
        supports_returning(self.get_database_backend())
    }
}

impl StreamTrait for Db {
    type Stream<'a> = RowStream;

    fn get_database_backend(&self) -> DbBackend {
        self.servers.primary.backend()
    }

    fn stream_raw<'a>(
        &'a self,
        statement: Statement,
    ) -> Pin<Box<dyn Future<Output = Result<Self::Stream<'a>, DbErr>> + 'a + Send>> {
        Box::pin(async move {
            let (pool, lease) = self.acquire_for(&statement.sql).await?;
            Ok(RowStream::new(StreamSource::Lease(lease), Prepared::new(statement)?, pool.options()))
        })
    }
}

#[async_trait]
impl TransactionTrait for Db {
    type Transaction = Transaction;

    async fn begin(&self) -> Result<Transaction, DbErr> {
        self.begin_with_options(TransactionOptions::default()).await
    }

    async fn begin_with_config(
        &self,
        isolation_level: Option<IsolationLevel>,
        access_mode: Option<AccessMode>,
    ) -> Result<Transaction, DbErr> {
        let options = TransactionOptions { isolation_level, access_mode, ..TransactionOptions::default() };
        self.begin_with_options(options).await
    }

    async fn begin_with_options(&self, options: TransactionOptions) -> Result<Transaction, DbErr> {
        let (pool, lease) = if options.access_mode == Some(AccessMode::ReadOnly) {
            self.acquire_for("SELECT").await?
        } else {
            // What it writes, if anything, is not known yet.
            self.session.note_write();
            (&self.servers.primary, self.servers.primary.acquire().await?)
        };
        Transaction::begin_on(lease, pool.clone(), Arc::clone(&self.session), options).await
    }

    async fn transaction<F, T, E>(&self, callback: F) -> Result<T, TransactionError<E>>
    where
        F: for<'c> FnOnce(&'c Transaction) -> Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'c>> + Send,
        T: Send,
        E: std::fmt::Display + std::fmt::Debug + Send,
    {
        transaction::run_async(self.begin().await, callback).await
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
        transaction::run_async(self.begin_with_config(isolation_level, access_mode).await, callback).await
    }
}

impl fmt::Debug for Db {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Db").field("url", &self.servers.primary.connector().label).finish_non_exhaustive()
    }
}
