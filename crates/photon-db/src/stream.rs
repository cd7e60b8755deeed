//! Rows one by one, in memory that does not depend on how many there are.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use futures_util::TryStreamExt;
use sea_orm::{DbErr, QueryResult};
use sea_query_sqlx::SqlxValues;
use sqlx::{Database, Executor};

use crate::DbOptions;
use crate::connection::{Connection, Prepared, on_connection, querying};
use crate::pool::Lease;
use crate::run;
use crate::transaction::Reading;

type Rows<'a, E> = Pin<Box<dyn Stream<Item = Result<QueryResult, E>> + Send + 'a>>;

/// The rows of a query as they arrive, as a `Stream`. In blocking code,
/// [`wait_iter`](photon_runtime::WaitIter::wait_iter) makes an iterator of it.
///
/// It holds its connection until it is dropped. Dropped before its end, it closes the connection, because the
/// database may still be sending; inside a transaction the rest is read and thrown away instead.
pub struct RowStream {
    rows: Rows<'static, DbErr>,
}

/// Where rows are read from.
pub(crate) enum StreamSource {
    Lease(Lease),
    Transaction(Reading),
}

impl StreamSource {
    fn lease(&mut self) -> Result<&mut Lease, DbErr> {
        match self {
            Self::Lease(lease) => Ok(lease),
            Self::Transaction(reading) => reading.place().lease(),
        }
    }

    fn note(&mut self, error: &DbErr) {
        if let Self::Transaction(reading) = self {
            reading.place().note(error);
        }
    }
}

impl RowStream {
    pub(crate) fn new(source: StreamSource, statement: Prepared, options: &DbOptions) -> Self {
        Self { rows: Box::pin(read(source, statement, options.clone())) }
    }
}

fn read(
    mut source: StreamSource,
    statement: Prepared,
    options: DbOptions,
) -> impl Stream<Item = Result<QueryResult, DbErr>> + Send {
    async_stream::stream! {
        let lease = match source.lease() {
            Ok(lease) => lease,
            Err(error) => {
                yield Err(error);
                return;
            }
        };
        let mut outcome = run::lift_limit(lease, &options).await;
        if outcome.is_ok() {
            let mut rows = rows_of(lease.begin_rows(), statement);
            loop {
                match rows.try_next().await {
                    Ok(Some(row)) => yield Ok(row),
                    Ok(None) => break,
                    Err(error) => {
                        outcome = Err(error);
                        break;
                    }
                }
            }
        }
        lease.end(&outcome);
        run::restore_limit(lease, &options).await;
        if let Err(error) = outcome {
            let error = querying(error);
            source.note(&error);
            yield Err(error);
        }
    }
}

pub(crate) fn rows_of(connection: &mut Connection, statement: Prepared) -> Rows<'_, sqlx::Error> {
    on_connection!(connection, connection => fetch(&mut **connection, statement))
}

fn fetch<'a, C: sqlx::Connection>(connection: &'a mut C, statement: Prepared) -> Rows<'a, sqlx::Error>
where
    &'a mut C: Executor<'a, Database = C::Database>,
    SqlxValues: sqlx::IntoArguments<C::Database>,
    <C::Database as Database>::Row: Into<QueryResult>,
{
    // SQLite's thread may die, as it does when a table was given other columns after a `SELECT *` was prepared. sqlx
    // takes that for the end of the rows, but a statement that has ended says so.
    Box::pin(async_stream::try_stream! {
        let mut steps = connection.fetch_many(statement.query::<C::Database>());
        let mut ended = C::Database::NAME != "SQLite";
        while let Some(step) = steps.try_next().await? {
            match step {
                sqlx::Either::Left(_) => ended = true,
                sqlx::Either::Right(row) => yield row.into(),
            }
        }
        if !ended {
            Err(sqlx::Error::WorkerCrashed)?;
        }
    })
}

impl Stream for RowStream {
    type Item = Result<QueryResult, DbErr>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.rows.as_mut().poll_next(context)
    }
}

impl fmt::Debug for RowStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RowStream").finish_non_exhaustive()
    }
}
