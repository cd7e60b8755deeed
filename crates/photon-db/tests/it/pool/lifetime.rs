//! How long connections live. SQLite's take part too, but nobody else counts them.

use std::time::Duration;

use photon_db::Db;
use photon_db::sea_orm::TransactionTrait;
use photon_runtime::{Wait, sleep};

use super::{eventually, settled};
use crate::databases::{Database, on_each_database, run};

on_each_database! {
    unused_connections_are_closed,
    connections_do_not_grow_old,
    a_minimum_stays_open,
    the_minimum_is_there_soon,
    a_database_that_is_dropped_closes_its_connections,
}

/// Uses so many connections at once.
fn use_connections(db: &Db, count: usize) {
    let transactions: Vec<_> = (0..count.min(db.metrics().max)).map(|_| db.begin().wait().unwrap()).collect();
    // One more may be kept ready.
    let open = db.metrics().open;
    assert!((transactions.len()..=transactions.len() + 1).contains(&open), "{open}");
    drop(transactions);
    settled(db);
}

fn unused_connections_are_closed(database: &Database) {
    let db = database.open(|options| options.idle_timeout(Duration::from_millis(200)));
    use_connections(&db, 4);
    let opened = db.metrics().opened;
    eventually("unused connections are closed", || db.metrics().open == 0);
    assert_eq!(db.metrics().closed, opened);
    eventually("the server knows", || database.connections("photon").unwrap_or(0) == 0);
    // A database in memory is there still.
    run(&db, "CREATE TABLE t (n INTEGER)").unwrap();
    eventually("unused connections are closed again", || db.metrics().open == 0);
    run(&db, "INSERT INTO t VALUES (1)").unwrap();
}

fn connections_do_not_grow_old(database: &Database) {
    let lifetime = Duration::from_millis(200);
    let db = database.open(|options| options.max_lifetime(lifetime).idle_timeout(None));
    // In use all the time.
    for _ in 0..70 {
        db.transaction(|tx| run(tx, "SELECT 1")).unwrap();
        sleep(Duration::from_millis(10));
    }
    let metrics = db.metrics();
    assert!((2..=8).contains(&metrics.closed), "{metrics:?}");
    assert!(metrics.open <= 1, "{metrics:?}");
    // And not in use.
    eventually("it is closed without being used", || db.metrics().open == 0);
}

fn a_minimum_stays_open(database: &Database) {
    let idle = Duration::from_millis(100);
    let db = database.open(|options| options.idle_timeout(idle).min_connections(2));
    let minimum = db.metrics().max.min(2);
    use_connections(&db, 4);
    eventually("only the minimum stays", || db.metrics().open == minimum);
    sleep(idle * 3);
    assert_eq!(db.metrics().open, minimum);
    if let Some(connections) = database.connections("photon") {
        assert_eq!(connections, minimum as i64);
    }
}

fn the_minimum_is_there_soon(database: &Database) {
    let db = database.open(|options| options.min_connections(3));
    db.ping().unwrap();
    eventually("the minimum is open", || db.metrics().open == db.metrics().max.min(3));
}

fn a_database_that_is_dropped_closes_its_connections(database: &Database) {
    let db = database.open(|options| options);
    use_connections(&db, 3);
    drop(db);
    eventually("the server knows", || database.connections("photon").unwrap_or(0) == 0);
}
