//! From a URL to connections: the one place that knows how each kind of database is opened.

use sea_orm::{DbBackend, DbErr, RuntimeErr};
#[cfg(any(feature = "postgres", feature = "mysql"))]
use sqlx::ConnectOptions;

use crate::DbOptions;
use crate::connection::Connection;
use crate::url::{self, Kind};

/// Opens connections to one server or file.
pub(crate) struct Connector {
    target: Target,
    /// What messages call it.
    pub(crate) label: String,
}

enum Target {
    #[cfg(feature = "postgres")]
    Postgres(Box<sqlx::postgres::PgConnectOptions>),
    #[cfg(feature = "mysql")]
    /// With the statement timeout, which is set after connecting.
    MySql(Box<sqlx::mysql::MySqlConnectOptions>, Option<std::time::Duration>),
    #[cfg(feature = "sqlite")]
    Sqlite(Box<crate::sqlite::Target>),
}

/// How many prepared statements a connection keeps. To close one costs a round trip.
#[cfg(any(feature = "postgres", feature = "mysql"))]
const STATEMENTS: usize = 256;

/// Which of SQLite's connections are meant; for servers it makes no difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Writer,
    Reader,
}

impl Connector {
    pub(crate) fn new(url: &str, role: Role, options: &DbOptions) -> Result<Self, DbErr> {
        let label = url::redacted(url);
        let target = match url::kind(url) {
            #[cfg(feature = "postgres")]
            Some(Kind::Postgres) => Target::Postgres(Box::new(postgres_options(url, options)?)),
            #[cfg(feature = "mysql")]
            Some(Kind::MySql) => {
                let target = url::mysql_url(url).parse::<sqlx::mysql::MySqlConnectOptions>();
                let target = target.map_err(|error| invalid(url, &error))?;
                let target = target.statement_cache_capacity(STATEMENTS).disable_statement_logging();
                Target::MySql(Box::new(target), options.statement_timeout)
            }
            #[cfg(feature = "sqlite")]
            Some(Kind::Sqlite) => {
                Target::Sqlite(Box::new(crate::sqlite::Target::new(url, options)?.in_role(role)))
            }
            #[allow(unreachable_patterns)]
            Some(kind) => {
                return Err(configuration(format!(
                    "{label} needs the cargo feature `{}`",
                    match kind {
                        Kind::Postgres => "postgres",
                        Kind::MySql => "mysql",
                        Kind::Sqlite => "sqlite",
                    }
                )));
            }
            None => {
                return Err(configuration(format!(
                    "{label:?} is no database URL: it begins with sqlite:, postgres:// or mysql://"
                )));
            }
        };
        let _ = role;
        Ok(Self { target, label })
    }

    pub(crate) fn backend(&self) -> DbBackend {
        match &self.target {
            #[cfg(feature = "postgres")]
            Target::Postgres(_) => DbBackend::Postgres,
            #[cfg(feature = "mysql")]
            Target::MySql(..) => DbBackend::MySql,
            #[cfg(feature = "sqlite")]
            Target::Sqlite(_) => DbBackend::Sqlite,
        }
    }

    /// Opens one connection. No time limit of its own.
    pub(crate) async fn connect(&self) -> Result<Connection, sqlx::Error> {
        match &self.target {
            #[cfg(feature = "postgres")]
            Target::Postgres(options) => Ok(Connection::Postgres(Box::new(options.connect().await?))),
            #[cfg(feature = "mysql")]
            Target::MySql(options, timeout) => {
                let mut connection = options.connect().await?;
                if let Some(timeout) = timeout {
                    crate::connection::set_mysql_timeout(&mut connection, *timeout).await?;
                }
                Ok(Connection::MySql(Box::new(connection)))
            }
            #[cfg(feature = "sqlite")]
            Target::Sqlite(target) => target.connect().await,
        }
    }

    /// A pool of SeaORM's own with one connection, for what takes nothing else.
    pub(crate) async fn seaorm(&self) -> Result<sea_orm::DatabaseConnection, DbErr> {
        fn single<DB: sqlx::Database>() -> sqlx::pool::PoolOptions<DB> {
            sqlx::pool::PoolOptions::new().max_connections(1).idle_timeout(None).max_lifetime(None)
        }
        match &self.target {
            #[cfg(feature = "postgres")]
            Target::Postgres(options) => {
                // A migration takes the time that it takes.
                let options = (**options).clone().options([("statement_timeout", "0")]);
                let pool = single::<sqlx::Postgres>().connect_with(options).await;
                Ok(sea_orm::SqlxPostgresConnector::from_sqlx_postgres_pool(pool.map_err(connecting)?))
            }
            #[cfg(feature = "mysql")]
            Target::MySql(options, _) => {
                let pool = single::<sqlx::MySql>().connect_with((**options).clone()).await;
                Ok(sea_orm::SqlxMySqlConnector::from_sqlx_mysql_pool(pool.map_err(connecting)?))
            }
            #[cfg(feature = "sqlite")]
            Target::Sqlite(target) => {
                let pool = single::<sqlx::Sqlite>().connect_with(target.options().clone()).await;
                Ok(sea_orm::SqlxSqliteConnector::from_sqlx_sqlite_pool(pool.map_err(connecting)?))
            }
        }
    }

    /// The same SQLite database in another role; `None` for servers.
    pub(crate) fn sibling(&self, role: Role) -> Option<Self> {
        let _ = role;
        match &self.target {
            #[cfg(feature = "sqlite")]
            Target::Sqlite(target) => Some(Self {
                target: Target::Sqlite(Box::new(target.in_role(role))),
                label: self.label.clone(),
            }),
            #[allow(unreachable_patterns)]
            _ => None,
        }
    }

    /// The file of an SQLite database; `None` for servers and databases in memory.
    pub(crate) fn file(&self) -> Option<&std::path::Path> {
        match &self.target {
            #[cfg(feature = "sqlite")]
            Target::Sqlite(target) => target.file(),
            #[allow(unreachable_patterns)]
            _ => None,
        }
    }

    /// Whether connections are sockets, which are cheapest on the worker that opened them.
    pub(crate) fn has_sockets(&self) -> bool {
        self.backend() != DbBackend::Sqlite
    }

    /// Whether the database is gone with its last connection.
    pub(crate) fn is_in_memory(&self) -> bool {
        self.backend() == DbBackend::Sqlite && self.file().is_none()
    }
}

#[cfg(feature = "postgres")]
fn postgres_options(url: &str, options: &DbOptions) -> Result<sqlx::postgres::PgConnectOptions, DbErr> {
    let mut target = url
        .parse::<sqlx::postgres::PgConnectOptions>()
        .map_err(|error| invalid(url, &error))?
        .application_name(&options.application_name)
        .statement_cache_capacity(STATEMENTS)
        .disable_statement_logging();
    if let Some(timeout) = options.statement_timeout {
        target = target.options([("statement_timeout", crate::connection::milliseconds(timeout))]);
    }
    Ok(target)
}

pub(crate) fn connecting(error: sqlx::Error) -> DbErr {
    DbErr::Conn(RuntimeErr::SqlxError(error.into()))
}

/// The error's own text may repeat the URL, password included, so only its kind is told.
pub(crate) fn invalid(url: &str, error: &sqlx::Error) -> DbErr {
    let why = match error {
        sqlx::Error::Configuration(why) => why.to_string(),
        other => other.to_string(),
    };
    let why = if why.contains("://") { "it cannot be parsed".to_owned() } else { why };
    configuration(format!("{} is no valid database URL: {why}", url::redacted(url)))
}

pub(crate) fn configuration(message: String) -> DbErr {
    DbErr::Conn(RuntimeErr::Internal(message))
}
