//! Ten thousand operations that end in every way there is, and all connections come back.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Duration;

use photon_db::Db;
use photon_db::sea_orm::{ActiveModelTrait, DbErr, EntityTrait, StreamTrait, TransactionTrait};
use photon_runtime::{Wait, WaitIter, spawn};

use super::{eventually, settled};
use crate::databases::{Database, Kind, backend, number};
use crate::entities::{author, create_library};
use crate::streams::numbers;

const COROUTINES: u64 = 64;
const OPERATIONS: u64 = 10_000;

#[cfg(feature = "sqlite")]
#[test]
fn in_sqlite() {
    hammer(Kind::SqliteFile);
}

#[cfg(feature = "sqlite")]
#[test]
fn in_sqlite_in_memory() {
    hammer(Kind::SqliteMemory);
}

#[cfg(feature = "postgres")]
#[test]
fn in_postgres() {
    hammer(Kind::Postgres);
}

#[cfg(feature = "mysql")]
#[test]
fn in_mariadb() {
    hammer(Kind::MariaDb);
}

fn hammer(kind: Kind) {
    let database = Database::new(kind);
    let db = database.open(|options| options.max_connections(8).acquire_timeout(Duration::from_millis(200)));
    create_library(&db);
    let coroutines: Vec<_> = (0..COROUTINES)
        .map(|seed| {
            let db = db.clone();
            spawn(move || {
                let mut random = Random(seed + 1);
                let acknowledged = |_| operate(&db, &mut random);
                (0..OPERATIONS / COROUTINES).filter_map(acknowledged).count()
            })
        })
        .collect();
    let acknowledged: usize = coroutines.into_iter().map(|coroutine| coroutine.join_or_unwind()).sum();

    for metrics in settled(&db) {
        assert_eq!((metrics.waiting, metrics.idle), (0, metrics.open), "{metrics:?}");
        assert_eq!(metrics.opened - metrics.closed, metrics.open as u64, "{metrics:?}");
    }
    let opened: usize = settled(&db).iter().map(|metrics| metrics.open).sum();
    eventually("the server agrees", || {
        database.connections("photon").is_none_or(|seen| seen == opened as i64)
    });
    let all: Vec<_> = (0..db.metrics().max).map(|_| db.begin().wait().unwrap()).collect();
    drop(all);
    // What was given up may have happened nonetheless.
    let rows = number(&db, "SELECT COUNT(*) AS n FROM author").unwrap();
    assert!(rows >= acknowledged as i64 && acknowledged > 100, "{rows} rows, {acknowledged} acknowledged");
}

/// Does something at random. `Some` if a row was added for certain.
fn operate(db: &Db, random: &mut Random) -> Option<()> {
    let text = format!("{:016x}", random.next());
    let name = text.as_str();
    match random.next() % 20 {
        0..6 => {
            let _ = author::Entity::find_by_id(7).one(db).wait();
            None
        }
        6..9 => author(name).insert(db).wait().ok().map(drop),
        9..12 => db.transaction(|tx| author(name).insert(tx).wait().map(drop)).ok(),
        12 => {
            let _ = number(db, "SELECT nothing FROM nowhere");
            None
        }
        13 | 14 => {
            let outcome = db.transaction(|tx| {
                author(name).insert(tx).wait()?;
                author(name).insert(tx).wait()?;
                Ok::<(), DbErr>(())
            });
            assert!(outcome.is_err());
            None
        }
        15 | 16 => {
            let panic = catch_unwind(AssertUnwindSafe(|| {
                db.transaction(|tx| {
                    let outcome = author(name).insert(tx).wait();
                    // Without a message on the terminal.
                    if outcome.is_ok() { resume_unwind(Box::new("expected")) } else { outcome.map(drop) }
                })
            }));
            assert!(!matches!(panic, Ok(Ok(()))));
            None
        }
        17 => {
            let limit = Duration::from_micros(random.next() % 3_000);
            author(name).insert(db).wait_timeout(limit).ok()?.ok().map(drop)
        }
        18 => {
            let limit = Duration::from_micros(random.next() % 3_000);
            let begun = async {
                let tx = db.begin().await?;
                author(name).insert(&tx).await?;
                photon_db::sea_orm::TransactionSession::commit(tx).await
            };
            begun.wait_timeout(limit).ok()?.ok()
        }
        _ => {
            let rows = db.stream_raw(numbers(backend(db), 1_000)).wait().ok()?.wait_iter();
            rows.take((random.next() % 20) as usize).for_each(drop);
            None
        }
    }
}

/// Marsaglia's xorshift64, seeded so that a failure can be repeated.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}
