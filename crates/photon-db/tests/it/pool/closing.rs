//! Closing a database while it is in use.

use photon_db::sea_orm::{DbErr, TransactionSession, TransactionTrait};
use photon_runtime::{Wait, spawn};

use super::{eventually, settled};
use crate::databases::{Database, number, on_each_database, run};

on_each_database! {
    what_is_under_way_finishes_and_nothing_begins,
}

fn what_is_under_way_finishes_and_nothing_begins(database: &Database) {
    let db = database.open(|options| options.max_connections(1));
    run(&db, "CREATE TABLE t (n INTEGER)").unwrap();
    let tx = db.begin().wait().unwrap();
    run(&tx, "INSERT INTO t VALUES (1)").unwrap();
    let waiter = {
        let db = db.clone();
        spawn(move || db.begin().wait().map(drop))
    };
    eventually("one waits", || db.metrics().waiting == 1);

    db.close();
    assert!(matches!(waiter.join().unwrap(), Err(DbErr::ConnectionAcquire(_))));
    assert!(matches!(run(&db, "SELECT 1"), Err(DbErr::ConnectionAcquire(_))));
    assert!(matches!(db.clone().begin().wait(), Err(DbErr::ConnectionAcquire(_))));

    run(&tx, "INSERT INTO t VALUES (2)").unwrap();
    tx.commit().wait().unwrap();
    for metrics in settled(&db) {
        assert_eq!((metrics.open, metrics.idle, metrics.waiting), (0, 0, 0), "{metrics:?}");
        assert_eq!(metrics.opened, metrics.closed, "{metrics:?}");
    }
    eventually("the server knows", || database.connections("photon").unwrap_or(0) == 0);
    db.close();
    assert_eq!(number(&database.open(|options| options), "SELECT COUNT(*) AS n FROM t").unwrap(), 2);
}
