//! One connection of whichever kind, and SeaORM's statements on it.

use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt;
use sea_orm::{DbBackend, DbErr, ExecResult, QueryResult, RuntimeErr, Statement, Value, Values};
use sea_query_sqlx::SqlxValues;
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Connection as _, Database, Executor};

use crate::prompt::Prompt;
use crate::statement::only_reads;

/// A connection of sqlx.
pub(crate) enum Connection {
    #[cfg(feature = "postgres")]
    Postgres(Box<sqlx::PgConnection>),
    #[cfg(feature = "mysql")]
    MySql(Box<sqlx::MySqlConnection>),
    #[cfg(feature = "sqlite")]
    Sqlite(Box<sqlx::SqliteConnection>, crate::sqlite::Watch),
}

/// Runs the same code on a connection of each kind.
macro_rules! on_connection {
    ($connection:expr, $name:ident => $body:expr) => {
        match $connection {
            #[cfg(feature = "postgres")]
            $crate::connection::Connection::Postgres($name) => $body,
            #[cfg(feature = "mysql")]
            $crate::connection::Connection::MySql($name) => $body,
            #[cfg(feature = "sqlite")]
            $crate::connection::Connection::Sqlite($name, _) => $body,
        }
    };
}
pub(crate) use on_connection;

/// A statement on its way to sqlx.
pub(crate) struct Prepared {
    pub(crate) sql: Arc<str>,
    values: SqlxValues,
}

impl Prepared {
    /// # Errors
    /// `DbErr::TryIntoErr` for a number beyond 2⁶³ − 1, which only MySQL has; sea-query-sqlx would panic.
    pub(crate) fn new(statement: Statement) -> Result<Self, DbErr> {
        let values = statement.values.unwrap_or_else(|| Values(Vec::new()));
        if statement.db_backend != DbBackend::MySql {
            values.iter().try_for_each(check_range)?;
        }
        Ok(Self { sql: statement.sql.into(), values: SqlxValues(values) })
    }

    /// The text is SeaORM's or the application's own; values travel beside it.
    pub(crate) fn query<'q, DB: Database>(self) -> Query<'q, DB, SqlxValues>
    where
        SqlxValues: sqlx::IntoArguments<DB>,
    {
        sqlx::query_with(AssertSqlSafe(self.sql), self.values)
    }
}

fn check_range(value: &Value) -> Result<(), DbErr> {
    match value {
        Value::BigUnsigned(Some(number)) => i64::try_from(*number)
            .map(drop)
            .map_err(|error| DbErr::TryIntoErr { from: "u64", into: "i64", source: Arc::new(error) }),
        #[cfg(feature = "postgres")]
        Value::Array(_, Some(values)) => values.iter().try_for_each(check_range),
        _ => Ok(()),
    }
}

impl Connection {
    pub(crate) async fn execute(&mut self, statement: Prepared) -> Result<ExecResult, sqlx::Error> {
        on_connection!(self, connection => statement.query().execute(&mut **connection).await.map(Into::into))
    }

    /// The first row. The rest is read too: what goes wrong later, a commit for example, is the statement's error and
    /// not that of the next one.
    pub(crate) async fn query_one(
        &mut self,
        statement: Prepared,
    ) -> Result<Option<QueryResult>, sqlx::Error> {
        // SQLite computes a row when it is asked for it, and reading has no late errors.
        let first_only = self.is_sqlite() && only_reads(&statement.sql);
        let (mut rows, mut first) = (crate::stream::rows_of(self, statement), None);
        while let Some(row) = rows.try_next().await? {
            first.get_or_insert(row);
            if first_only {
                break;
            }
        }
        Ok(first)
    }

    pub(crate) async fn query_all(&mut self, statement: Prepared) -> Result<Vec<QueryResult>, sqlx::Error> {
        crate::stream::rows_of(self, statement).try_collect().await
    }

    fn is_sqlite(&self) -> bool {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(..) => true,
            #[allow(unreachable_patterns)]
            _ => false,
        }
    }

    /// Forgets prepared statements.
    pub(crate) async fn forget_statements(&mut self) -> Result<(), sqlx::Error> {
        on_connection!(self, connection => connection.clear_cached_statements().await)
    }

    /// Text without values, perhaps several statements; not prepared.
    pub(crate) async fn execute_text(&mut self, sql: Arc<str>) -> Result<ExecResult, sqlx::Error> {
        on_connection!(self, connection => connection.execute(AssertSqlSafe(sql)).await.map(Into::into))
    }

    pub(crate) async fn ping(&mut self) -> Result<(), sqlx::Error> {
        on_connection!(self, connection => connection.ping().await)
    }

    /// Says goodbye to the server.
    pub(crate) async fn close(self) -> Result<(), sqlx::Error> {
        on_connection!(self, connection => connection.close().await)
    }

    /// How to wait for an answer that comes at once, if this connection gives such.
    pub(crate) fn prompt(&self) -> Option<Prompt> {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(_, watch) => watch.prompt.clone(),
            #[allow(unreachable_patterns)]
            _ => None,
        }
    }

    /// A statement begins that may be ended when its time is over.
    pub(crate) fn start_clock(&self) {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(_, watch) => watch.start(),
            #[allow(unreachable_patterns)]
            _ => {}
        }
    }

    /// The connection is idle, or reads for as long as its user likes.
    pub(crate) fn stop_clock(&self) {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(_, watch) => watch.stop(),
            #[allow(unreachable_patterns)]
            _ => {}
        }
    }

    /// Whether the database keeps this connection's statements from running for too long, as opposed to the
    /// program that runs them.
    pub(crate) async fn lift_server_timeout(&mut self) -> Result<(), sqlx::Error> {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(connection) => connection.execute("SET statement_timeout = 0").await.map(drop),
            #[cfg(feature = "mysql")]
            Self::MySql(connection) => set_mysql_timeout(connection, Duration::ZERO).await,
            #[cfg(feature = "sqlite")]
            Self::Sqlite(..) => Ok(()),
        }
    }

    /// The opposite of [`Self::lift_server_timeout`].
    pub(crate) async fn restore_server_timeout(&mut self, timeout: Duration) -> Result<(), sqlx::Error> {
        let _ = timeout;
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(connection) => connection.execute("RESET statement_timeout").await.map(drop),
            #[cfg(feature = "mysql")]
            Self::MySql(connection) => set_mysql_timeout(connection, timeout).await,
            #[cfg(feature = "sqlite")]
            Self::Sqlite(..) => Ok(()),
        }
    }
}

/// MariaDB and MySQL call it differently, and count in different units.
#[cfg(feature = "mysql")]
pub(crate) async fn set_mysql_timeout(
    connection: &mut sqlx::MySqlConnection,
    timeout: Duration,
) -> Result<(), sqlx::Error> {
    const UNKNOWN_SYSTEM_VARIABLE: u16 = 1193;
    let seconds = timeout.as_secs_f64();
    let mariadb = format!("SET SESSION max_statement_time = {seconds}");
    let Err(error) = connection.execute(AssertSqlSafe(mariadb)).await else { return Ok(()) };
    let number = error
        .as_database_error()
        .and_then(|error| error.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>())
        .map(sqlx::mysql::MySqlDatabaseError::number);
    if number != Some(UNKNOWN_SYSTEM_VARIABLE) {
        return Err(error);
    }
    let mysql = format!("SET SESSION max_execution_time = {}", milliseconds(timeout));
    connection.execute(AssertSqlSafe(mysql)).await.map(drop)
}

/// Whole milliseconds, rounded up: zero means "no limit" to databases.
#[cfg(any(feature = "postgres", feature = "mysql"))]
pub(crate) fn milliseconds(time: Duration) -> String {
    time.as_nanos().div_ceil(1_000_000).to_string()
}

/// What ends a connection, as opposed to what ends a statement.
pub(crate) fn is_fatal(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::PoolClosed => true,
        // PostgreSQL: class 08 are connection exceptions, 57P01 to 57P05 are shutdowns (appendix A).
        sqlx::Error::Database(error) => error
            .code()
            .is_some_and(|code| code.len() == 5 && (code.starts_with("08") || code.starts_with("57P0"))),
        _ => false,
    }
}

/// Whether a prepared statement is out of date because its table was changed: PostgreSQL's "cached plan must not change
/// result type", and a statement that is not there any more.
pub(crate) fn is_stale_plan(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(error) = error else { return false };
    matches!(error.code().as_deref(), Some("0A000" | "26000"))
}

/// Whether the database rolls the whole transaction back with this error, and not only the statement. What follows
/// would be no part of it any more.
pub(crate) fn ends_transaction(error: &DbErr, backend: DbBackend) -> bool {
    let (DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error))) = error
    else {
        return matches!(error, DbErr::Exec(RuntimeErr::Internal(_)));
    };
    let sqlx::Error::Database(error) = &**error else { return is_fatal(error) };
    let code = error.code();
    match backend {
        // PostgreSQL keeps it in a state in which it refuses everything.
        DbBackend::Postgres => false,
        // A deadlock; and waiting too long for a lock, if the server is set up that way.
        DbBackend::MySql => {
            code.as_deref() == Some("40001") || error.message().contains("try restarting transaction")
        }
        // SQLITE_BUSY, NOMEM, INTERRUPT, IOERR, FULL (https://www.sqlite.org/lang_transaction.html, section 3), each
        // with its extended codes in higher bytes.
        _ => {
            let code = code.and_then(|code| code.parse::<u32>().ok()).unwrap_or_default();
            matches!(code & 0xff, 5 | 7 | 9 | 10 | 13)
        }
    }
}

pub(crate) fn execution(error: sqlx::Error) -> DbErr {
    DbErr::Exec(RuntimeErr::SqlxError(error.into()))
}

pub(crate) fn querying(error: sqlx::Error) -> DbErr {
    DbErr::Query(RuntimeErr::SqlxError(error.into()))
}
