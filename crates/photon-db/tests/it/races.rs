//! Transactions that meet: how much they see of each other, and what happens if they get in each other's way. SQLite
//! has one isolation level, the strictest, and its writers stand in line.

use std::time::Duration;

use photon_db::Db;
use photon_db::sea_orm::{
    AccessMode, ConnectionTrait, DbBackend, DbErr, IsolationLevel, TransactionOptions, TransactionSession,
    TransactionTrait,
};
use photon_runtime::{Wait, spawn};

use crate::databases::{Database, backend, number, on_each_server, run};
use crate::errors::expect;
use crate::pool::eventually;

on_each_server! {
    isolation_is_as_strict_as_asked_for,
    a_deadlock_undoes_one_of_two,
    a_transaction_that_lost_does_not_commit_the_rest,
    a_serialisation_failure_undoes_one_of_two,
}

fn table(db: &Db) {
    run(db, "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER NOT NULL)").unwrap();
    run(db, "INSERT INTO t VALUES (1, 0), (2, 0)").unwrap();
}

const COUNT: &str = "SELECT COUNT(*) AS n FROM t";

fn insert(connection: &impl ConnectionTrait) -> Result<u64, DbErr> {
    run(connection, "INSERT INTO t SELECT MAX(id) + 1, 0 FROM t")
}

fn isolation_is_as_strict_as_asked_for(db: &Db) {
    table(db);
    for (level, repeatable) in [
        (IsolationLevel::ReadCommitted, false),
        (IsolationLevel::RepeatableRead, true),
        (IsolationLevel::ReadCommitted, false),
    ] {
        let options = TransactionOptions { isolation_level: Some(level), ..Default::default() };
        let outcome = db.transaction_with(options, |tx| {
            let before = number(tx, COUNT)?;
            insert(db)?;
            let seen = number(tx, COUNT)? - before;
            assert_eq!(seen, if repeatable { 0 } else { 1 }, "{level}");
            Ok::<(), DbErr>(())
        });
        outcome.unwrap();
    }
    let tx = db
        .begin_with_config(Some(IsolationLevel::RepeatableRead), Some(AccessMode::ReadOnly))
        .wait()
        .unwrap();
    assert_eq!(number(&tx, COUNT).unwrap(), 5);
    insert(db).unwrap();
    assert_eq!(number(&tx, COUNT).unwrap(), 5);
    assert!(insert(&tx).is_err());
    tx.rollback().wait().unwrap();
    // The next one is as always again.
    db.transaction(insert).unwrap();
}

/// Two transactions that update the same two rows in different order. `go_on` goes on after an error.
fn deadlock(database: &Database, go_on: bool) -> [Result<(), DbErr>; 2] {
    let db: &Db = database;
    let other = {
        let db = db.clone();
        move |first: i32, second: i32| {
            db.transaction(|tx| {
                run(tx, &format!("UPDATE t SET n = n + 1 WHERE id = {first}"))?;
                eventually("the other one has its row", || {
                    number(&db, "SELECT COUNT(*) AS n FROM ready").unwrap() > 0
                });
                let outcome = run(tx, &format!("UPDATE t SET n = n + 1 WHERE id = {second}"));
                if outcome.is_err() && go_on {
                    let _ = run(tx, "INSERT INTO t VALUES (3, 0)");
                } else {
                    outcome?;
                }
                Ok(())
            })
        }
    };
    run(db, "CREATE TABLE ready (n INTEGER)").unwrap();
    let one = {
        let other = other.clone();
        spawn(move || other(1, 2))
    };
    let two = spawn(move || other(2, 1));
    photon_runtime::sleep(Duration::from_millis(100));
    run(db, "INSERT INTO ready VALUES (1)").unwrap();
    [one.join_or_unwind(), two.join_or_unwind()]
}

fn a_deadlock_undoes_one_of_two(database: &Database) {
    table(database);
    let mut failures: Vec<DbErr> = deadlock(database, false).into_iter().filter_map(Result::err).collect();
    assert_eq!(failures.len(), 1, "{failures:?}");
    let response = expect(failures.remove(0), 503, "Service Unavailable");
    assert_eq!(response.headers.get("retry-after"), Some("1"));
    assert_eq!(number(&**database, "SELECT COUNT(*) AS n FROM t WHERE n = 1").unwrap(), 2);
}

/// The database has rolled the loser back already. What comes after must not count by itself.
fn a_transaction_that_lost_does_not_commit_the_rest(database: &Database) {
    table(database);
    let failures = deadlock(database, true).into_iter().filter(Result::is_err).count();
    assert_eq!(number(&**database, "SELECT COUNT(*) AS n FROM t WHERE id = 3").unwrap(), 0);
    assert_eq!(failures, 1);
    assert_eq!(number(&**database, "SELECT COUNT(*) AS n FROM t WHERE n = 1").unwrap(), 2);
}

/// Two transactions read what the other one writes.
fn a_serialisation_failure_undoes_one_of_two(db: &Db) {
    if backend(db) != DbBackend::Postgres {
        // MariaDB's serialisable transactions lock what they read, and are deadlocks then.
        return;
    }
    table(db);
    let options =
        || TransactionOptions { isolation_level: Some(IsolationLevel::Serializable), ..Default::default() };
    let outcome = db.transaction_with(options(), |outer| {
        number(outer, "SELECT COUNT(*) AS n FROM t")?;
        run(outer, "INSERT INTO t VALUES (3, 0)")?;
        let inner = db.transaction_with(options(), |inner| {
            number(inner, "SELECT COUNT(*) AS n FROM t")?;
            run(inner, "INSERT INTO t VALUES (4, 0)")
        });
        inner.map(drop)
    });
    let response = expect(outcome.unwrap_err(), 503, "Service Unavailable");
    assert_eq!(response.headers.get("retry-after"), Some("1"));
    assert_eq!(number(db, "SELECT COUNT(*) AS n FROM t").unwrap(), 3);
}
