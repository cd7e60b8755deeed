//! SQLite as a server wants it: write-ahead log, foreign keys, and statements that end when their time is over.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sea_orm::DbErr;
use sqlx::ConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};

use crate::DbOptions;
use crate::connection::Connection;
use crate::connector::{Role, invalid};
use crate::prompt::Prompt;

/// How many steps of its virtual machine SQLite takes between two looks at the clock: some tens of microseconds.
const STEPS: i32 = 10_000;

/// One SQLite database, opened for one role.
#[derive(Clone)]
pub(crate) struct Target {
    options: SqliteConnectOptions,
    file: Option<PathBuf>,
    statement_timeout: Option<Duration>,
    role: Role,
}

/// What is known of a connection beside sqlx's part: when its statement has to end, and how to wait for it.
pub(crate) struct Watch {
    deadline: Option<Deadline>,
    pub(crate) prompt: Option<Prompt>,
}

impl Watch {
    /// A statement begins.
    pub(crate) fn start(&self) {
        if let Some(deadline) = &self.deadline {
            deadline.start();
        }
    }

    /// Nothing is limited until the next start.
    pub(crate) fn stop(&self) {
        if let Some(deadline) = &self.deadline {
            deadline.stop();
        }
    }
}

impl Target {
    pub(crate) fn new(url: &str, options: &DbOptions) -> Result<Self, DbErr> {
        let (file, target) = match in_memory_name(url) {
            Some(name) => (None, memory_options(&name)),
            None => {
                let target = SqliteConnectOptions::from_str(url).map_err(|error| invalid(url, &error))?;
                let file = target.get_filename().to_owned();
                let target = target
                    .create_if_missing(true)
                    .journal_mode(SqliteJournalMode::Wal)
                    // Safe against crashes of the program; after a power failure the last commits may be missing.
                    .synchronous(SqliteSynchronous::Normal);
                (Some(file), target)
            }
        };
        let target = target
            .foreign_keys(true)
            .busy_timeout(options.busy_timeout)
            .thread_name(|number| format!("photon-sqlite-{number}"))
            .disable_statement_logging();
        Ok(Self { options: target, file, statement_timeout: options.statement_timeout, role: Role::Writer })
    }

    /// The same database for another role.
    pub(crate) fn in_role(&self, role: Role) -> Self {
        let mut target = Self { role, ..self.clone() };
        if role == Role::Reader {
            // Not opened read-only: whoever comes first has to create the file and its log.
            target.options = target.options.pragma("query_only", "1");
        }
        target
    }

    pub(crate) fn options(&self) -> &SqliteConnectOptions {
        &self.options
    }

    pub(crate) fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    pub(crate) async fn connect(&self) -> Result<Connection, sqlx::Error> {
        let mut connection = self.options.connect().await?;
        let deadline = match self.statement_timeout {
            Some(limit) => Some(Deadline::install(&mut connection, limit).await?),
            None => None,
        };
        let prompt = if self.role == Role::Writer { Prompt::new() } else { None };
        Ok(Connection::Sqlite(Box::new(connection), Watch { deadline, prompt }))
    }
}

/// What a database in memory is called; without a name each `Db` has one of its own.
fn in_memory_name(url: &str) -> Option<String> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let rest = url.strip_prefix("sqlite:")?;
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    let unnamed = || format!("/photon-{}", NEXT.fetch_add(1, Ordering::Relaxed));
    match rest.split('?').next() {
        Some(":memory:" | "") => Some(unnamed()),
        Some(name) if rest.contains("mode=memory") => Some(format!("/{}", name.trim_start_matches('/'))),
        _ => None,
    }
}

/// All connections of the program that use a name share its database (SQLite's `memdb`). Unlike the older shared
/// cache, it locks as files without a write-ahead log do.
fn memory_options(name: &str) -> SqliteConnectOptions {
    SqliteConnectOptions::new().filename(name).vfs("memdb").create_if_missing(true)
}

/// Ends statements of one connection when their time is over.
#[derive(Clone)]
pub(crate) struct Deadline {
    limit: Duration,
    started: Instant,
    /// Milliseconds since `started`; zero for none.
    at: Arc<AtomicU64>,
}

impl Deadline {
    async fn install(connection: &mut SqliteConnection, limit: Duration) -> Result<Self, sqlx::Error> {
        let deadline = Self { limit, started: Instant::now(), at: Arc::default() };
        let watched = deadline.clone();
        connection.lock_handle().await?.set_progress_handler(STEPS, move || {
            let at = watched.at.load(Ordering::Relaxed);
            at == 0 || watched.now() < at
        });
        Ok(deadline)
    }

    fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn start(&self) {
        let limit = u64::try_from(self.limit.as_millis()).unwrap_or(u64::MAX);
        self.at.store(self.now().saturating_add(limit).max(1), Ordering::Relaxed);
    }

    fn stop(&self) {
        self.at.store(0, Ordering::Relaxed);
    }
}
