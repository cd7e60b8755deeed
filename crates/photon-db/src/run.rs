//! Running one statement on a connection: its time limit, its log entry, and what its outcome says of the connection.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use photon_runtime::{Elapsed, timeout};
use sea_orm::{DbErr, ExecResult, QueryResult, RuntimeErr};

use crate::DbOptions;
use crate::connection::{Connection, Prepared, execution, is_stale_plan, querying};
use crate::pool::Lease;
use crate::prompt::promptly;
use crate::session::Session;

/// How long after its time a statement may still be ended by the database itself.
const GRACE: Duration = Duration::from_secs(2);

/// What is wanted of a statement.
pub(crate) trait Operation {
    type Output: Send;

    fn run(
        connection: &mut Connection,
        statement: Prepared,
    ) -> impl Future<Output = Result<Self::Output, sqlx::Error>> + Send;

    fn error(error: sqlx::Error) -> DbErr;
}

macro_rules! operations {
    ($($(#[$documentation:meta])* $name:ident: $method:ident -> $output:ty, $error:ident;)*) => {$(
        $(#[$documentation])*
        pub(crate) struct $name;

        impl Operation for $name {
            type Output = $output;

            fn run(
                connection: &mut Connection,
                statement: Prepared,
            ) -> impl Future<Output = Result<Self::Output, sqlx::Error>> + Send {
                connection.$method(statement)
            }

            fn error(error: sqlx::Error) -> DbErr {
                $error(error)
            }
        }
    )*};
}

operations! {
    /// What it did.
    Execute: execute -> ExecResult, execution;
    /// Its first row.
    One: query_one -> Option<QueryResult>, querying;
    /// All its rows.
    All: query_all -> Vec<QueryResult>, querying;
}

/// Runs a statement.
pub(crate) async fn statement<O: Operation>(
    lease: &mut Lease,
    statement: Prepared,
    options: &DbOptions,
    session: &Session,
) -> Result<O::Output, DbErr> {
    restore_limit(lease, options).await;
    let (sql, began) = (Arc::clone(&statement.sql), Instant::now());
    let prompt = lease.prompt();
    let connection = lease.begin();
    connection.start_clock();
    let outcome = limited(options, promptly(prompt, O::run(connection, statement))).await;
    connection.stop_clock();
    session.observe(began, options.slow_query, &sql);
    conclude(lease, outcome, options).await?.map_err(O::error)
}

/// Runs text without values.
pub(crate) async fn text(
    lease: &mut Lease,
    sql: Arc<str>,
    options: &DbOptions,
    session: &Session,
) -> Result<ExecResult, DbErr> {
    restore_limit(lease, options).await;
    let began = Instant::now();
    let prompt = lease.prompt();
    let connection = lease.begin();
    connection.start_clock();
    let outcome = limited(options, promptly(prompt, connection.execute_text(Arc::clone(&sql)))).await;
    connection.stop_clock();
    session.observe(began, options.slow_query, &sql);
    conclude(lease, outcome, options).await?.map_err(execution)
}

/// Lifts the database's own limit for statements, for rows that are read as slowly as their reader likes.
pub(crate) async fn lift_limit(lease: &mut Lease, options: &DbOptions) -> Result<(), sqlx::Error> {
    if options.statement_timeout.is_none() || *lease.unlimited() {
        return Ok(());
    }
    // Noted first: it may be lifted although nobody waits for the answer.
    *lease.unlimited() = true;
    lease.begin().lift_server_timeout().await
}

/// Puts the limit back in force. If that fails, the next statement tries again.
pub(crate) async fn restore_limit(lease: &mut Lease, options: &DbOptions) {
    if let (true, Some(limit)) = (*lease.unlimited(), options.statement_timeout) {
        let outcome = lease.begin().restore_server_timeout(limit).await;
        *lease.unlimited() = outcome.is_err();
        lease.end(&outcome);
    }
}

async fn limited<F: Future>(options: &DbOptions, work: F) -> Result<F::Output, Elapsed> {
    match options.statement_timeout {
        Some(limit) => timeout(limit.saturating_add(GRACE), work).await,
        None => Ok(work.await),
    }
}

async fn conclude<T>(
    lease: &mut Lease,
    outcome: Result<Result<T, sqlx::Error>, Elapsed>,
    options: &DbOptions,
) -> Result<Result<T, sqlx::Error>, DbErr> {
    match outcome {
        Ok(outcome) => {
            lease.end(&outcome);
            if outcome.as_ref().is_err_and(is_stale_plan) {
                // The next time it is prepared anew.
                lease.forget_statements().await;
            }
            Ok(outcome)
        }
        Err(Elapsed) => {
            lease.give_up();
            let limit = options.statement_timeout.unwrap_or_default();
            Err(DbErr::Exec(RuntimeErr::Internal(format!(
                "the database did not end a statement after {limit:?}"
            ))))
        }
    }
}
