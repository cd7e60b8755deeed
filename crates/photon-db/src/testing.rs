//! A database for each test, with its tables, in parallel with all others.

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};

use photon_runtime::Wait;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};
use sea_orm_migration::MigratorTrait;

use crate::url::{self, Kind};
use crate::{Db, DbOptions, Transaction};

/// The environment variable that names the server on which test databases are made.
const VARIABLE: &str = "TEST_DATABASE_URL";

/// A migrated database that belongs to one test and is gone with it.
///
/// By default it is SQLite in memory, where, other than in a file, whoever writes waits for those who are reading rows
/// at that time. With `TEST_DATABASE_URL=postgres://…` or `mysql://…`, each test gets a database
/// of its own on that server, whose user must be allowed to create databases. On PostgreSQL the migrations run once
/// and every test gets a copy of the result (a template database), which takes tens of milliseconds.
///
/// ```
/// use photon_db::migration::{MigrationTrait, MigratorTrait};
/// use photon_db::testing::TestDb;
///
/// struct Migrator; // an application's own
///
/// impl MigratorTrait for Migrator {
///     fn migrations() -> Vec<Box<dyn MigrationTrait>> {
///         Vec::new()
///     }
/// }
///
/// let db = TestDb::new::<Migrator>();
/// assert!(db.ping().is_ok());
/// // `TestClient::new(app(db.db()))` calls an application with it.
/// ```
#[derive(Debug)]
pub struct TestDb {
    db: Db,
    /// Where the database is to be dropped, and what it is called.
    server: Option<(String, String)>,
}

impl TestDb {
    /// A database with the tables that a migrator makes.
    ///
    /// # Panics
    /// If it cannot be made, with the reason: this is for tests.
    #[must_use]
    pub fn new<M: MigratorTrait>() -> Self {
        let server = std::env::var(VARIABLE).ok().filter(|url| !url.is_empty());
        match Self::try_new::<M>(server.as_deref().unwrap_or("sqlite::memory:")) {
            Ok(db) => db,
            Err(error) => {
                panic!("no test database ({VARIABLE}={:?}): {error}", server.map(|url| url::redacted(&url)))
            }
        }
    }

    /// The same on a server of choice, whatever the environment says.
    ///
    /// # Errors
    /// The database's.
    pub fn try_new<M: MigratorTrait>(server: &str) -> Result<Self, DbErr> {
        if url::kind(server) == Some(Kind::Sqlite) {
            let db = Db::open(server)?;
            db.migrate::<M>()?;
            return Ok(Self { db, server: None });
        }
        let admin = administrator(server)?;
        let name = fresh_name();
        if admin.get_database_backend() == DbBackend::Postgres {
            let template = template::<M>(&admin, server)?;
            run(&admin, &format!("CREATE DATABASE {name} TEMPLATE {template}"))?;
        } else {
            run(&admin, &format!("CREATE DATABASE {name}"))?;
        }
        let test =
            Self { db: small(&with_database(server, &name))?, server: Some((server.to_owned(), name)) };
        if admin.get_database_backend() != DbBackend::Postgres {
            test.db.migrate::<M>()?;
        }
        Ok(test)
    }

    /// A handle of the database, for an application.
    #[must_use]
    pub fn db(&self) -> Db {
        self.db.clone()
    }
}

impl Deref for TestDb {
    type Target = Db;

    fn deref(&self) -> &Db {
        &self.db
    }
}

impl Drop for TestDb {
    fn drop(&mut self) {
        let (db, server) = (self.db.clone(), self.server.take());
        let drop_database = move || {
            db.close();
            let Some((server, name)) = server else { return Ok(()) };
            let admin = administrator(&server)?;
            let force =
                if admin.get_database_backend() == DbBackend::Postgres { " WITH (FORCE)" } else { "" };
            run(&admin, &format!("DROP DATABASE IF EXISTS {name}{force}"))
        };
        // On a thread of its own, because a test that fails unwinds, and whoever unwinds must not wait. On a coroutine,
        // its worker goes on meanwhile: it may have transactions to roll back that the server waits for.
        if let Ok(Err(error)) = photon_runtime::blocking(|| std::thread::spawn(drop_database).join()) {
            eprintln!("a test database stays: {error}");
        }
    }
}

/// Migrates a template once for all tests of a program, and for later runs of the same program.
fn template<M: MigratorTrait>(admin: &Db, server: &str) -> Result<String, DbErr> {
    static READY: LazyLock<Mutex<HashMap<String, ()>>> = LazyLock::new(Mutex::default);
    let prefix = format!("photon_template_{:08x}", family::<M>(server) as u32);
    let name = format!("{prefix}_{:016x}", fingerprint::<M>(server));
    let mut ready = READY.lock().unwrap_or_else(PoisonError::into_inner);
    if ready.contains_key(&name) {
        return Ok(name);
    }
    // Other programs may be at it. The transaction holds the lock, and a database cannot be created inside one, so
    // that happens beside it.
    admin.transaction(|tx| {
        let lock = format!("SELECT pg_advisory_xact_lock({})", family::<M>(server) as i64);
        tx.query_one_raw(Statement::from_string(DbBackend::Postgres, lock)).wait()?;
        let exists = format!("SELECT 1 FROM pg_database WHERE datname = '{name}'");
        if tx.query_one_raw(Statement::from_string(DbBackend::Postgres, exists)).wait()?.is_some() {
            return Ok(());
        }
        // Under another name until it is complete.
        let unfinished = format!("{prefix}_unfinished");
        run(admin, &format!("DROP DATABASE IF EXISTS {unfinished} WITH (FORCE)"))?;
        drop_templates(admin, tx, &prefix)?;
        run(admin, &format!("CREATE DATABASE {unfinished}"))?;
        let db = small(&with_database(server, &unfinished))?;
        let migrated = db.migrate::<M>();
        db.close();
        migrated?;
        // A connection counts until its process is gone.
        run(
            admin,
            &format!(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{unfinished}'"
            ),
        )?;
        run(admin, &format!("ALTER DATABASE {unfinished} RENAME TO {name}"))
    })?;
    ready.insert(name.clone(), ());
    Ok(name)
}

/// Drops what earlier builds of the program have left.
fn drop_templates(admin: &Db, tx: &Transaction, prefix: &str) -> Result<(), DbErr> {
    let templates = format!("SELECT datname FROM pg_database WHERE datname LIKE '{prefix}\\_%'");
    for template in tx.query_all_raw(Statement::from_string(DbBackend::Postgres, templates)).wait()? {
        let name = template.try_get::<String>("", "datname")?;
        run(admin, &format!("DROP DATABASE IF EXISTS {name}"))?;
    }
    Ok(())
}

/// Tells the migrations of one program from those of another.
fn family<M: MigratorTrait>(server: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (server, std::any::type_name::<M>(), std::env::current_exe().ok()).hash(&mut hasher);
    hasher.finish()
}

/// Tells one build of the migrations from another.
fn fingerprint<M: MigratorTrait>(server: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    family::<M>(server).hash(&mut hasher);
    M::migrations().iter().for_each(|migration| migration.name().hash(&mut hasher));
    if let Ok(program) = std::env::current_exe().and_then(std::fs::metadata) {
        (program.len(), program.modified().ok()).hash(&mut hasher);
    }
    hasher.finish()
}

fn fresh_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let process = std::process::id();
    let since =
        std::time::SystemTime::UNIX_EPOCH.elapsed().map_or(0, |time| time.as_millis() % 1_000_000_000);
    format!("photon_test_{process}_{since}_{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// The server's URL with another database.
fn with_database(server: &str, name: &str) -> String {
    let (rest, parameters) = match server.split_once('?') {
        Some((rest, parameters)) => (rest, format!("?{parameters}")),
        None => (server, String::new()),
    };
    let host_begins = rest.find("://").map_or(0, |at| at + 3);
    let host_ends = rest[host_begins..].find('/').map_or(rest.len(), |at| host_begins + at);
    format!("{}/{name}{parameters}", &rest[..host_ends])
}

fn administrator(server: &str) -> Result<Db, DbErr> {
    small(server)
}

/// Tests run side by side, and a server has only so many connections.
fn small(url: &str) -> Result<Db, DbErr> {
    Db::with_options(DbOptions::new(url).max_connections(4).statement_timeout(None))
}

fn run(db: &Db, sql: &str) -> Result<(), DbErr> {
    db.execute_unprepared(sql).wait().map(drop)
}

#[cfg(test)]
mod tests {
    use super::with_database;

    #[test]
    fn the_database_of_a_url_is_replaced() {
        for (server, expected) in [
            ("postgres://u:p@h:1/d", "postgres://u:p@h:1/x"),
            ("postgres://u@h", "postgres://u@h/x"),
            ("mysql://u@h/d?ssl-mode=disabled", "mysql://u@h/x?ssl-mode=disabled"),
        ] {
            assert_eq!(with_database(server, "x"), expected);
        }
    }
}
