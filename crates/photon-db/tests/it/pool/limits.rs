//! As many connections as were asked for, and what becomes of those who get none.

use std::time::{Duration, Instant};

use photon_db::sea_orm::{DbErr, TransactionSession, TransactionTrait};
use photon_runtime::{Wait, spawn};

use super::{eventually, settled};
use crate::databases::{Database, number, on_each_database, run};
use crate::errors::expect;

on_each_database! {
    whoever_gets_no_connection_in_time_is_told_to_come_back,
    whoever_gives_up_gets_none_later,
}

fn whoever_gets_no_connection_in_time_is_told_to_come_back(database: &Database) {
    // Enough to open a connection on a busy machine.
    let limit = Duration::from_millis(500);
    let db = database.open(|options| options.max_connections(1).acquire_timeout(limit));
    let tx = db.begin().wait().unwrap();
    for _ in 0..2 {
        let began = Instant::now();
        let error = db.transaction(|_| Ok::<(), DbErr>(())).unwrap_err();
        assert!(
            began.elapsed() >= limit && began.elapsed() < Duration::from_secs(5),
            "{:?}",
            began.elapsed()
        );
        assert!(matches!(error, DbErr::ConnectionAcquire(_)), "{error:?}");
        let response = expect(error, 503, "Service Unavailable");
        assert_eq!(response.headers.get("retry-after"), Some("1"));
    }
    drop(tx);
    db.transaction(|tx| number(tx, "SELECT COUNT(*) AS n")).unwrap();
    assert_eq!(db.metrics().timeouts, 2);
}

fn whoever_gives_up_gets_none_later(database: &Database) {
    let db = database.open(|options| options.max_connections(1));
    let tx = db.begin().wait().unwrap();
    let begin = db.begin();
    assert!(begin.wait_timeout(Duration::from_millis(20)).is_err());
    assert_eq!(db.metrics().waiting, 0);
    // The next in line is served although somebody before has left.
    let waiting = {
        let (given_up, db) = (db.clone(), db.clone());
        let impatient = spawn(move || given_up.begin().wait_timeout(Duration::from_millis(300)).is_err());
        eventually("the first one waits", || db.metrics().waiting == 1);
        let waiter = db.clone();
        let patient = spawn(move || run(&waiter.begin().wait().unwrap(), "SELECT 1").is_ok());
        assert!(impatient.join().unwrap());
        patient
    };
    eventually("only the second one waits", || db.metrics().waiting == 1);
    tx.rollback().wait().unwrap();
    assert!(waiting.join().unwrap());
    let metrics = settled(&db).pop().unwrap();
    assert_eq!((metrics.idle, metrics.open, metrics.waiting), (1, 1, 0), "{metrics:?}");
}
