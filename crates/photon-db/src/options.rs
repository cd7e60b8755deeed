//! How an application uses a database: where it is, how many connections, how long anything may take.

use std::fmt;
use std::time::Duration;

use crate::url::redacted;

/// What a [`Db`](crate::Db) is opened with. Every setting has a default that suits a server.
///
/// ```
/// use std::time::Duration;
/// use photon_db::{Db, DbOptions};
///
/// let options = DbOptions::new("sqlite::memory:")
///     .max_connections(20)
///     .acquire_timeout(Duration::from_secs(2))
///     .slow_query(Duration::from_millis(200));
/// let db = Db::with_options(options).unwrap();
/// ```
#[derive(Clone)]
pub struct DbOptions {
    pub(crate) url: String,
    pub(crate) replicas: Vec<String>,
    pub(crate) max_connections: usize,
    pub(crate) min_connections: usize,
    pub(crate) acquire_timeout: Duration,
    pub(crate) idle_timeout: Option<Duration>,
    pub(crate) max_lifetime: Option<Duration>,
    pub(crate) test_after_idle: Duration,
    pub(crate) statement_timeout: Option<Duration>,
    pub(crate) slow_query: Option<Duration>,
    pub(crate) busy_timeout: Duration,
    pub(crate) application_name: String,
}

impl DbOptions {
    /// Options with the defaults for a database.
    ///
    /// The URL's scheme says which kind it is: `sqlite:shop.db`, `sqlite::memory:`,
    /// `postgres://user:password@host:5432/database`, `mysql://user:password@host:3306/database` (MariaDB too).
    /// Parameters after `?` are those of sqlx, such as `sslmode`.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            replicas: Vec::new(),
            max_connections: 16,
            min_connections: 0,
            acquire_timeout: Duration::from_secs(5),
            idle_timeout: Some(Duration::from_secs(10 * 60)),
            max_lifetime: Some(Duration::from_secs(30 * 60)),
            test_after_idle: Duration::from_secs(1),
            statement_timeout: Some(Duration::from_secs(30)),
            slow_query: Some(Duration::from_secs(1)),
            busy_timeout: Duration::from_secs(5),
            application_name: "photon".to_owned(),
        }
    }

    /// Adds a replica. Reads go to the replicas in turn, everything else to the primary; within a request, reads
    /// that follow a write go to the primary as well. A replica that cannot be reached is left out for five seconds.
    ///
    /// SQLite needs none: its readers are connections of their own already.
    #[must_use]
    pub fn replica(mut self, url: impl Into<String>) -> Self {
        self.replicas.push(url.into());
        self
    }

    /// The most connections to one server; at least 1. 16 by default.
    ///
    /// For SQLite the number of its readers; there is one writer besides.
    #[must_use]
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.max_connections = connections.max(1);
        self
    }

    /// How many connections are kept open without use. None by default.
    #[must_use]
    pub fn min_connections(mut self, connections: usize) -> Self {
        self.min_connections = connections;
        self
    }

    /// How long a statement waits for a connection, connecting included, before it fails with
    /// `DbErr::ConnectionAcquire`, which is a 503 with `Retry-After`. 5 seconds by default.
    #[must_use]
    pub fn acquire_timeout(mut self, timeout: Duration) -> Self {
        self.acquire_timeout = timeout;
        self
    }

    /// How long a connection may be unused before it is closed, or `None` for as long as it likes. 10 minutes by
    /// default.
    #[must_use]
    pub fn idle_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.idle_timeout = timeout.into();
        self
    }

    /// How old a connection may become, up to a tenth less at random so that not all end at once, or `None` for as
    /// old as it likes. 30 minutes by default.
    #[must_use]
    pub fn max_lifetime(mut self, lifetime: impl Into<Option<Duration>>) -> Self {
        self.max_lifetime = lifetime.into();
        self
    }

    /// A connection that was unused for longer is tested with a round trip before it is used. 1 second by default.
    ///
    /// After any connection was lost, all others are tested once, however briefly they were unused.
    #[must_use]
    pub fn test_after_idle(mut self, idle: Duration) -> Self {
        self.test_after_idle = idle;
        self
    }

    /// How long one statement may run, or `None` for no limit. 30 seconds by default.
    ///
    /// The database ends the statement; the connection is closed if it does not. Row streams are not limited:
    /// their reader decides how long they take.
    #[must_use]
    pub fn statement_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.statement_timeout = timeout.into();
        self
    }

    /// Statements that take longer are logged as a warning, with their SQL (without values) and the id of the
    /// request, or `None` for no such log. 1 second by default.
    #[must_use]
    pub fn slow_query(mut self, threshold: impl Into<Option<Duration>>) -> Self {
        self.slow_query = threshold.into();
        self
    }

    /// How long SQLite waits for another program that holds the file's lock. 5 seconds by default.
    ///
    /// Writers of this program wait for each other in the pool instead.
    #[must_use]
    pub fn busy_timeout(mut self, timeout: Duration) -> Self {
        self.busy_timeout = timeout;
        self
    }

    /// What PostgreSQL shows as `application_name`. "photon" by default.
    #[must_use]
    pub fn application_name(mut self, name: impl Into<String>) -> Self {
        self.application_name = name.into();
        self
    }
}

impl fmt::Debug for DbOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let replicas: Vec<String> = self.replicas.iter().map(|url| redacted(url)).collect();
        f.debug_struct("DbOptions")
            .field("url", &redacted(&self.url))
            .field("replicas", &replicas)
            .field("max_connections", &self.max_connections)
            .field("acquire_timeout", &self.acquire_timeout)
            .field("statement_timeout", &self.statement_timeout)
            .finish_non_exhaustive()
    }
}
