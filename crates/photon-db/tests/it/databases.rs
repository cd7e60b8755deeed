//! A fresh database for each test, of each kind, and the same test from a plain thread and from a coroutine.

use std::ops::Deref;
use std::sync::atomic::{AtomicU32, Ordering};

use photon_db::sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};
use photon_db::{Db, DbOptions};
use photon_runtime::Wait;

#[cfg(feature = "mysql")]
use crate::servers::MariaDb;
#[cfg(feature = "postgres")]
use crate::servers::Postgres;
#[cfg(any(feature = "postgres", feature = "mysql"))]
use crate::servers::Server;

/// The kinds of database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    #[cfg(feature = "sqlite")]
    SqliteFile,
    #[cfg(feature = "sqlite")]
    SqliteMemory,
    #[cfg(feature = "postgres")]
    Postgres,
    #[cfg(feature = "mysql")]
    MariaDb,
}

/// Makes tests of functions that take a `&Database` or a `&Db`: for each kind of database, one on a plain thread and
/// one on a coroutine.
macro_rules! on_each_database {
    ($($function:ident),* $(,)?) => {$(
        mod $function {
            #[cfg(feature = "sqlite")]
            $crate::databases::on_database!(sqlite_file, SqliteFile, $function);
            #[cfg(feature = "sqlite")]
            $crate::databases::on_database!(sqlite_memory, SqliteMemory, $function);
            #[cfg(feature = "postgres")]
            $crate::databases::on_database!(postgres, Postgres, $function);
            #[cfg(feature = "mysql")]
            $crate::databases::on_database!(mariadb, MariaDb, $function);
        }
    )*};
}
pub(crate) use on_each_database;

/// The same for the databases that are servers.
#[cfg(any(feature = "postgres", feature = "mysql"))]
macro_rules! on_each_server {
    ($($function:ident),* $(,)?) => {$(
        mod $function {
            #[cfg(feature = "postgres")]
            $crate::databases::on_database!(postgres, Postgres, $function);
            #[cfg(feature = "mysql")]
            $crate::databases::on_database!(mariadb, MariaDb, $function);
        }
    )*};
}
#[cfg(any(feature = "postgres", feature = "mysql"))]
pub(crate) use on_each_server;

/// Two tests of one function for one kind of database.
macro_rules! on_database {
    ($name:ident, $kind:ident, $function:ident) => {
        mod $name {
            use $crate::databases::{Database, Kind};

            #[test]
            fn on_a_thread() {
                super::super::$function(&Database::new(Kind::$kind));
            }

            #[test]
            fn on_a_coroutine() {
                // It is dropped here, because that blocks, and would block a worker there.
                let database = std::sync::Arc::new(Database::new(Kind::$kind));
                let lent = std::sync::Arc::clone(&database);
                photon_runtime::spawn(move || super::super::$function(&lent)).join_or_unwind();
            }
        }
    };
}
pub(crate) use on_database;

/// A database of one test's own, gone with the value.
pub(crate) struct Database {
    pub(crate) kind: Kind,
    url: String,
    name: String,
    db: Db,
}

impl Database {
    pub(crate) fn new(kind: Kind) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        crate::runtime();
        let name = format!("photon_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        if let Some(administrator) = kind.administrator() {
            run(administrator, &format!("CREATE DATABASE {name}")).unwrap();
        }
        let url = kind.url(&name);
        let db = Db::open(&url).unwrap();
        Self { kind, url, name, db }
    }

    /// Whether it is SQLite's, in memory, where readers and writers wait for each other.
    pub(crate) fn is_in_memory(&self) -> bool {
        #[cfg(feature = "sqlite")]
        return self.kind == Kind::SqliteMemory;
        #[cfg(not(feature = "sqlite"))]
        false
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Default options for this database.
    pub(crate) fn options(&self) -> DbOptions {
        DbOptions::new(&self.url)
    }

    /// The same database with other options.
    pub(crate) fn open(&self, options: impl FnOnce(DbOptions) -> DbOptions) -> Db {
        Db::with_options(options(self.options())).unwrap()
    }

    /// How many connections of programs with a name the server sees, if it is one. MariaDB does not know names.
    pub(crate) fn connections(&self, application: &str) -> Option<i64> {
        let (administrator, name) = (self.kind.administrator()?, &self.name);
        let sql = match backend(administrator) {
            DbBackend::Postgres => format!(
                "SELECT COUNT(*) AS n FROM pg_stat_activity \
                 WHERE datname = '{name}' AND application_name = '{application}'"
            ),
            _ => format!("SELECT COUNT(*) AS n FROM information_schema.processlist WHERE db = '{name}'"),
        };
        Some(number(administrator, &sql).unwrap())
    }
}

#[cfg(any(feature = "postgres", feature = "mysql"))]
impl Database {
    /// How many statements that contain a text the server runs now.
    pub(crate) fn running(&self, text: &str) -> i64 {
        let (administrator, name) = (self.kind.administrator().unwrap(), &self.name);
        let sql = match backend(administrator) {
            DbBackend::Postgres => format!(
                "SELECT COUNT(*) AS n FROM pg_stat_activity \
                 WHERE datname = '{name}' AND state = 'active' AND query LIKE '%{text}%'"
            ),
            _ => format!(
                "SELECT COUNT(*) AS n FROM information_schema.processlist \
                 WHERE db = '{name}' AND info LIKE '%{text}%'"
            ),
        };
        number(administrator, &sql).unwrap()
    }

    /// How many connections to the database the server has, those included that it is about to end.
    pub(crate) fn connected(&self) -> i64 {
        let (administrator, name) = (self.kind.administrator().unwrap(), &self.name);
        let sql = match backend(administrator) {
            DbBackend::Postgres => {
                format!("SELECT COUNT(*) AS n FROM pg_stat_activity WHERE datname = '{name}'")
            }
            _ => format!("SELECT COUNT(*) AS n FROM information_schema.processlist WHERE db = '{name}'"),
        };
        number(administrator, &sql).unwrap()
    }

    /// Makes the server end all connections to the database, and returns how many there were.
    pub(crate) fn cut_connections(&self) -> usize {
        let (administrator, name) = (self.kind.administrator().unwrap(), &self.name);
        let backend = backend(administrator);
        let query =
            |sql: String| administrator.query_all_raw(Statement::from_string(backend, sql)).wait().unwrap();
        if backend == DbBackend::Postgres {
            let sql =
                format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'");
            return query(sql).len();
        }
        let connections = query(format!("SELECT id FROM information_schema.processlist WHERE db = '{name}'"));
        for connection in &connections {
            let id: i64 = connection.try_get("", "id").unwrap();
            match run(administrator, &format!("KILL {id}")) {
                // One that ended by itself since it was listed.
                Err(error) if error.to_string().contains("Unknown thread id") => {}
                outcome => drop(outcome.unwrap()),
            }
        }
        connections.len()
    }
}

impl Deref for Database {
    type Target = Db;

    fn deref(&self) -> &Db {
        &self.db
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let (kind, name, db) = (self.kind, std::mem::take(&mut self.name), self.db.clone());
        let drop_database = move || {
            db.close();
            kind.drop_database(&name);
        };
        // Whoever unwinds must not wait.
        let dropped = std::thread::spawn(drop_database).join();
        if !std::thread::panicking() {
            dropped.unwrap();
        }
    }
}

impl Kind {
    fn url(self, name: &str) -> String {
        match self {
            #[cfg(feature = "sqlite")]
            Self::SqliteFile => format!("sqlite:{}", file(name, "")),
            #[cfg(feature = "sqlite")]
            Self::SqliteMemory => format!("sqlite:{name}?mode=memory"),
            #[cfg(feature = "postgres")]
            Self::Postgres => Postgres::shared().0.url(name),
            #[cfg(feature = "mysql")]
            Self::MariaDb => MariaDb::shared().0.url(name),
        }
    }

    fn administrator(self) -> Option<&'static Db> {
        match self {
            #[cfg(feature = "sqlite")]
            Self::SqliteFile | Self::SqliteMemory => None,
            #[cfg(feature = "postgres")]
            Self::Postgres => Some(&Postgres::shared().1),
            #[cfg(feature = "mysql")]
            Self::MariaDb => Some(&MariaDb::shared().1),
        }
    }

    fn drop_database(self, name: &str) {
        if let Some(administrator) = self.administrator() {
            let force = if backend(administrator) == DbBackend::Postgres { " WITH (FORCE)" } else { "" };
            run(administrator, &format!("DROP DATABASE {name}{force}")).unwrap();
        }
        #[cfg(feature = "sqlite")]
        if self == Self::SqliteFile {
            for suffix in ["", "-wal", "-shm"] {
                let _ = std::fs::remove_file(file(name, suffix));
            }
        }
    }
}

#[cfg(feature = "sqlite")]
fn file(name: &str, suffix: &str) -> String {
    format!("{}/{name}.db{suffix}", crate::guard::root().display())
}

/// The number that a query asks for, in a column called `n`.
pub(crate) fn number(connection: &impl ConnectionTrait, sql: &str) -> Result<i64, DbErr> {
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    connection.query_one_raw(statement).wait()?.expect("a query for a number has a row").try_get("", "n")
}

/// Runs a statement without values.
pub(crate) fn run(connection: &impl ConnectionTrait, sql: &str) -> Result<u64, DbErr> {
    connection.execute_unprepared(sql).wait().map(|outcome| outcome.rows_affected())
}

/// The kind of database, which two of SeaORM's traits tell.
pub(crate) fn backend(connection: &impl ConnectionTrait) -> DbBackend {
    connection.get_database_backend()
}
