//! [`Tx`]: one transaction for a whole request.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;
use photon_core::{Argument, FromRequest, HttpError, IntoResponse, OperationDoc, Request, Response};
use photon_runtime::Wait;
use sea_orm::{
    AccessMode, ConnectionTrait, DbBackend, DbErr, ExecResult, IsolationLevel, QueryResult, RuntimeErr,
    Statement, StreamTrait, TransactionError, TransactionOptions, TransactionTrait,
};
use tokio::sync::{Mutex, MutexGuard};

use crate::Db;
use crate::stream::RowStream;
use crate::transaction::{self, Transaction};

/// The transaction of a request, as a handler's argument: committed if the answer is a 2xx, rolled back otherwise,
/// also when the handler panics.
///
/// It takes SeaORM's queries as [`Db`] does, and begins with the first of them: a request that is refused before
/// costs the database nothing. All that take it within one request, dependencies too, share one transaction. If the
/// commit fails, the client gets that error instead of the answer.
///
/// A body that is streamed is sent after the commit, and cannot use it any more.
pub struct Tx {
    shared: Arc<Shared>,
}

struct Shared {
    db: Db,
    state: Mutex<State>,
}

enum State {
    NotBegun,
    Begun(Transaction),
    Ended,
}

impl Tx {
    fn new(db: Db) -> Self {
        Self { shared: Arc::new(Shared { db, state: Mutex::new(State::NotBegun) }) }
    }

    /// Runs a closure in a savepoint: what it did is undone if it returns an error or panics.
    ///
    /// # Errors
    /// The closure's own, or the database's.
    ///
    /// # Panics
    /// If called from async code.
    pub fn transaction<T, E, F>(&self, f: F) -> Result<T, E>
    where
        F: FnOnce(&Transaction) -> Result<T, E>,
        E: From<DbErr>,
    {
        transaction::run_blocking(self.begin().wait()?, f)
    }

    /// Which kind of database it is. Two of SeaORM's traits have this method as well; where both are in scope, a call
    /// means this one.
    #[must_use]
    pub fn get_database_backend(&self) -> DbBackend {
        self.shared.db.get_database_backend()
    }

    async fn open(&self) -> Result<Open<'_>, DbErr> {
        let mut state = self.shared.state.lock().await;
        if matches!(*state, State::NotBegun) {
            *state = State::Begun(self.shared.db.begin().await?);
        }
        Ok(Open(state))
    }
}

/// The state, once the transaction has begun.
struct Open<'a>(MutexGuard<'a, State>);

impl Open<'_> {
    fn transaction(&self) -> Result<&Transaction, DbErr> {
        match &*self.0 {
            State::Begun(transaction) => Ok(transaction),
            State::NotBegun | State::Ended => {
                Err(DbErr::Exec(RuntimeErr::Internal("the transaction of the request has ended".to_owned())))
            }
        }
    }
}

impl Shared {
    /// Ends the transaction as the answer says.
    fn conclude(&self, response: &mut Response) {
        let state = std::mem::replace(&mut *self.state.lock().wait(), State::Ended);
        let State::Begun(transaction) = state else { return };
        let commit = response.status.is_success();
        match transaction.end(commit).wait() {
            Ok(()) => {}
            Err(error) if commit => *response = HttpError::from(error).into_response(),
            // The connection is closed, which rolls back as well.
            Err(error) => tracing::warn!(target: "photon::db", %error, "a rollback failed"),
        }
    }
}

impl FromRequest for Tx {
    fn from_request(request: &mut Request) -> Result<Self, HttpError> {
        if let Some(shared) = request.extensions().get::<Arc<Shared>>() {
            return Ok(Self { shared: Arc::clone(shared) });
        }
        let tx = Self::new(Db::from_request(request)?);
        request.extensions_mut().insert(Arc::clone(&tx.shared));
        let shared = Arc::clone(&tx.shared);
        request.on_response(move |response| shared.conclude(response));
        Ok(tx)
    }

    fn describe(argument: &Argument, operation: &mut OperationDoc<'_>) {
        Db::describe(argument, operation);
    }
}

#[async_trait]
impl ConnectionTrait for Tx {
    fn get_database_backend(&self) -> DbBackend {
        self.shared.db.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.open().await?.transaction()?.execute_raw(statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.open().await?.transaction()?.execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.open().await?.transaction()?.query_one_raw(statement).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.open().await?.transaction()?.query_all_raw(statement).await
    }

    fn support_returning(&self) -> bool {
        self.shared.db.support_returning()
    }
}

impl StreamTrait for Tx {
    type Stream<'a> = RowStream;

    fn get_database_backend(&self) -> DbBackend {
        self.shared.db.get_database_backend()
    }

    fn stream_raw<'a>(
        &'a self,
        statement: Statement,
    ) -> Pin<Box<dyn Future<Output = Result<Self::Stream<'a>, DbErr>> + 'a + Send>> {
        Box::pin(async move { self.open().await?.transaction()?.rows(statement).await })
    }
}

#[async_trait]
impl TransactionTrait for Tx {
    type Transaction = Transaction;

    async fn begin(&self) -> Result<Transaction, DbErr> {
        self.open().await?.transaction()?.begin().await
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
        E: fmt::Display + fmt::Debug + Send,
    {
        transaction::run_async(self.begin().await, callback).await
    }

    async fn transaction_with_config<F, T, E>(
        &self,
        callback: F,
        _isolation_level: Option<IsolationLevel>,
        _access_mode: Option<AccessMode>,
    ) -> Result<T, TransactionError<E>>
    where
        F: for<'c> FnOnce(&'c Transaction) -> Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'c>> + Send,
        T: Send,
        E: fmt::Display + fmt::Debug + Send,
    {
        transaction::run_async(self.begin().await, callback).await
    }
}

impl fmt::Debug for Tx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tx").finish_non_exhaustive()
    }
}
