//! The servers of one database, and which of them answers a statement: the primary, a replica, or one of SQLite's
//! readers.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use sea_orm::DbErr;

use crate::DbOptions;
use crate::connector::{Connector, Role};
use crate::pool::{Lease, Pool};
use crate::session::Session;
use crate::statement::only_reads;
use crate::url::{self, Kind};

/// How long a replica is left out after it could not be reached.
const LEFT_OUT: Duration = Duration::from_secs(5);

pub(crate) struct Servers {
    pub(crate) primary: Pool,
    pub(crate) readers: Vec<Reader>,
    /// Whether readers may be behind the primary, so that a request that wrote must not read from them.
    lag: bool,
    next: AtomicUsize,
    began: Instant,
}

/// A server that answers reads.
pub(crate) struct Reader {
    pub(crate) pool: Pool,
    /// When it is asked again, in milliseconds since the beginning; zero while it answers.
    left_out_until: AtomicU64,
}

impl Servers {
    pub(crate) fn new(options: &DbOptions) -> Result<Self, DbErr> {
        let sqlite = url::kind(&options.url) == Some(Kind::Sqlite);
        let primary = Connector::new(&options.url, Role::Writer, options)?;
        let mut readers = Vec::new();
        let mut writing = options.clone();
        if sqlite {
            readers.push(
                primary.sibling(Role::Reader).map(|connector| Pool::new(connector, options.clone(), true)),
            );
            // SQLite has one writer at a time. The line for its connection is fair, the one for its lock is not.
            writing = writing.max_connections(1);
        }
        for url in &options.replicas {
            readers.push(Some(Pool::new(
                Connector::new(url, Role::Reader, options)?,
                options.clone(),
                false,
            )));
        }
        let readers = readers.into_iter().flatten();
        Ok(Self {
            primary: Pool::new(primary, writing, true),
            readers: readers.map(|pool| Reader { pool, left_out_until: AtomicU64::new(0) }).collect(),
            lag: !sqlite,
            next: AtomicUsize::new(0),
            began: Instant::now(),
        })
    }

    /// A connection that can answer a statement, and the pool that it is from.
    pub(crate) async fn acquire_for(
        &self,
        sql: &str,
        session: &Session,
        primary_only: bool,
    ) -> Result<(&Pool, Lease), DbErr> {
        if self.readers.is_empty() {
            return Ok((&self.primary, self.primary.acquire().await?));
        }
        let behind = self.lag && session.has_written();
        if !only_reads(sql) {
            session.note_write();
        } else if !primary_only && !behind {
            for _ in 0..self.readers.len() {
                let Some(reader) = self.next_reader() else { break };
                match reader.pool.acquire().await {
                    Ok(lease) => return Ok((&reader.pool, lease)),
                    // SQLite's readers are no other server: what is wrong with them is wrong.
                    Err(error) if !self.lag => return Err(error),
                    Err(error) => {
                        let replica = &reader.pool.connector().label;
                        tracing::warn!(target: "photon::db", %error, replica, "a replica is left out for a while");
                        reader.left_out_until.store(self.now() + millis(LEFT_OUT), Ordering::Relaxed);
                    }
                }
            }
        }
        Ok((&self.primary, self.primary.acquire().await?))
    }

    /// Whether what a request writes may be missing where it reads.
    pub(crate) fn readers_lag(&self) -> bool {
        self.lag && !self.readers.is_empty()
    }

    fn next_reader(&self) -> Option<&Reader> {
        let count = self.readers.len();
        if count == 1 && !self.lag {
            return self.readers.first();
        }
        let now = self.now();
        let first = self.next.fetch_add(1, Ordering::Relaxed);
        (0..count)
            .map(|index| &self.readers[(first.wrapping_add(index)) % count])
            .find(|reader| reader.left_out_until.load(Ordering::Relaxed) <= now)
    }

    fn now(&self) -> u64 {
        millis(self.began.elapsed())
    }

    /// Lets connections forget what they know of the tables.
    pub(crate) fn renew(&self) {
        self.primary.renew();
        self.readers.iter().for_each(|reader| reader.pool.renew());
    }

    pub(crate) async fn close(&self) {
        self.primary.close().await;
        for reader in &self.readers {
            reader.pool.close().await;
        }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
