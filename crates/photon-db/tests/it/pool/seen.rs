//! The limit as the server sees it. PostgreSQL tells programs apart by their names.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use photon_db::Db;
use photon_db::sea_orm::ConnectionTrait;
use photon_runtime::{Wait, spawn};

use crate::databases::{Database, Kind, run};

/// From coroutines of all workers and from threads, which share the limit.
#[test]
fn there_are_never_more_connections_than_allowed() {
    let database = Database::new(Kind::Postgres);
    let db = database.open(|options| options.max_connections(5).application_name("limited"));
    let done = AtomicBool::new(false);
    let most = std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut most = 0;
            while !done.load(Ordering::Relaxed) {
                most = database.connections("limited").unwrap().max(most);
                assert!(db.metrics().open <= 5, "{:?}", db.metrics());
            }
            most
        });
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| work(&db))).collect();
        let coroutines: Vec<_> = (0..32)
            .map(|_| {
                let db = db.clone();
                spawn(move || work(&db))
            })
            .collect();
        coroutines.into_iter().for_each(|coroutine| coroutine.join_or_unwind());
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        done.store(true, Ordering::Relaxed);
        watcher.join().unwrap()
    });
    assert_eq!(most, 5);
    let metrics = db.metrics();
    assert_eq!((metrics.open, metrics.in_use, metrics.max), (5, 0, 5), "{metrics:?}");
    assert!(metrics.waits > 0, "{metrics:?}");

    fn work(db: &Db) {
        for _ in 0..20 {
            run(db, "SELECT pg_sleep(0.001)").unwrap();
            db.transaction(|tx| run(tx, "SELECT pg_sleep(0.001)")).unwrap();
        }
    }
}

/// Nor when statements are given up that the server is still busy with.
#[test]
fn statements_that_are_given_up_count_until_the_server_has_ended_them() {
    let database = Database::new(Kind::Postgres);
    let db = database.open(|options| options.max_connections(2).application_name("impatient"));
    for _ in 0..10 {
        let slow = db.execute_unprepared("SELECT pg_sleep(1)");
        let _ = slow.wait_timeout(Duration::from_millis(20));
        assert!(database.connections("impatient").unwrap() <= 2);
    }
}
