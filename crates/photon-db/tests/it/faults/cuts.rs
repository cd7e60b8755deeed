//! Connections that the server cuts.

use std::time::{Duration, Instant};

use photon_db::Db;
use photon_db::sea_orm::{DbBackend, DbErr, StreamTrait, TransactionTrait};
use photon_runtime::{Wait, WaitIter, sleep, spawn};

use crate::databases::{Database, backend, number, on_each_server, run};
use crate::pool::{eventually, settled};
use crate::streams::numbers;

on_each_server! {
    a_connection_cut_in_a_statement_costs_that_statement,
    a_connection_cut_in_a_transaction_loses_all_of_it,
    connections_cut_while_unused_are_replaced,
    a_stream_that_is_cut_ends_with_an_error,
}

fn count(db: &Db) -> i64 {
    number(db, "SELECT COUNT(*) AS n FROM t").unwrap()
}

fn a_connection_cut_in_a_statement_costs_that_statement(database: &Database) {
    let db = database.open(|options| options.max_connections(1));
    db.ping().unwrap();
    for _ in 0..3 {
        let sleeper = {
            let db = db.clone();
            spawn(move || {
                let sql =
                    if backend(&db) == DbBackend::Postgres { "SELECT pg_sleep(10)" } else { "DO SLEEP(10)" };
                run(&db, sql)
            })
        };
        eventually("it runs", || database.running("sleep(10)") == 1);
        // The server is done with a connection a while after its client is.
        eventually("it runs alone", || database.connected() == 1);
        let began = Instant::now();
        assert_eq!(database.cut_connections(), 1);
        let outcome = sleeper.join().unwrap();
        assert!(outcome.is_err(), "{outcome:?} after {:?}", began.elapsed());
        assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
        assert_eq!(number(&db, "SELECT COUNT(*) AS n").unwrap(), 1);
    }
    let metrics = settled(&db).pop().unwrap();
    assert_eq!((metrics.open, metrics.opened - metrics.closed), (1, 1), "{metrics:?}");
}

fn a_connection_cut_in_a_transaction_loses_all_of_it(database: &Database) {
    let db = database.open(|options| options.max_connections(2));
    run(&db, "CREATE TABLE t (n INTEGER)").unwrap();
    // Whether the closure cares or not.
    for ignore in [false, true] {
        let outcome = db.transaction(|tx| {
            run(tx, "INSERT INTO t VALUES (1)")?;
            database.cut_connections();
            let outcome = run(tx, "INSERT INTO t VALUES (2)");
            assert!(outcome.is_err());
            assert!(run(tx, "INSERT INTO t VALUES (3)").is_err());
            if ignore { Ok(()) } else { outcome.map(drop) }
        });
        assert!(outcome.is_err());
        settled(&db);
        assert_eq!(count(&db), 0);
    }
    // At the very end.
    let outcome = db.transaction(|tx| {
        run(tx, "INSERT INTO t VALUES (1)")?;
        database.cut_connections();
        Ok::<(), DbErr>(())
    });
    assert!(outcome.is_err());
    settled(&db);
    assert_eq!(count(&db), 0);
    db.transaction(|tx| run(tx, "INSERT INTO t VALUES (1)")).unwrap();
    assert_eq!(count(&db), 1);
}

fn connections_cut_while_unused_are_replaced(database: &Database) {
    let db = database.open(|options| options.test_after_idle(Duration::from_millis(50)));
    let transactions: Vec<_> = (0..4).map(|_| db.begin().wait().unwrap()).collect();
    drop(transactions);
    settled(&db);
    assert_eq!(database.cut_connections(), 4);
    // Long enough to be tested before they are used.
    sleep(Duration::from_millis(100));
    for _ in 0..8 {
        assert_eq!(number(&db, "SELECT COUNT(*) AS n").unwrap(), 1);
    }

    // Those that were used just now are believed in. The first that fails takes the belief in the others away.
    let transactions: Vec<_> = (0..4).map(|_| db.begin().wait().unwrap()).collect();
    drop(transactions);
    settled(&db);
    database.cut_connections();
    let failures = (0..8).filter(|_| number(&db, "SELECT COUNT(*) AS n").is_err()).count();
    assert!(failures <= 1, "{failures} failures");
}

fn a_stream_that_is_cut_ends_with_an_error(database: &Database) {
    let db = database.open(|options| options.max_connections(1));
    let mut rows = db.stream_raw(numbers(backend(&db), 5_000_000)).wait().unwrap().wait_iter();
    assert!(rows.next().unwrap().is_ok());
    database.cut_connections();
    let mut ended = None;
    for row in rows.by_ref() {
        ended = row.err();
    }
    assert!(ended.is_some());
    drop(rows);
    assert_eq!(number(&db, "SELECT COUNT(*) AS n").unwrap(), 1);
}
