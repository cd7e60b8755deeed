//! Statements that nobody waits for any more, because `wait_timeout` was over.

use std::time::Duration;

use photon_db::sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement, StreamTrait};
use photon_runtime::{Elapsed, Wait, WaitIter, sleep};

use crate::databases::{Database, backend, number, on_each_database, run};
use crate::pool::settled;
use crate::streams::numbers;

on_each_database! {
    the_next_statement_gets_its_own_answer,
    a_transaction_goes_on_in_step,
    a_failure_that_nobody_waited_for_is_not_committed,
    a_statement_while_rows_of_its_transaction_are_read_is_refused,
}

const SHORT: Duration = Duration::from_millis(30);

/// A statement that takes some 200 milliseconds, and then returns 7 or fails.
fn slow(backend: DbBackend, fails: bool) -> Statement {
    let sql = match (backend, fails) {
        (DbBackend::Postgres, false) => "SELECT 7::bigint AS n FROM pg_sleep(0.2)".to_owned(),
        (DbBackend::Postgres, true) => "SELECT 1 / length(pg_sleep(0.2)::text) AS n".to_owned(),
        (DbBackend::MySql, false) => "SELECT CAST(7 + SLEEP(0.2) AS SIGNED) AS n".to_owned(),
        (DbBackend::MySql, true) => "SELECT SLEEP(0.2) + (SELECT 1 UNION SELECT 2) AS n".to_owned(),
        (_, fails) => {
            let value = if fails { "abs(-9223372036854775808)" } else { "7" };
            let numbers = numbers(backend, 700_000).sql;
            format!("SELECT {value} AS n FROM (SELECT COUNT(*) AS c FROM ({numbers})) WHERE c > 0")
        }
    };
    Statement::from_string(backend, sql)
}

fn the_next_statement_gets_its_own_answer(database: &Database) {
    let db = database.open(|options| options.max_connections(1));
    let backend = backend(&db);
    for fails in [false, true, false] {
        assert_eq!(db.query_one_raw(slow(backend, fails)).wait_timeout(SHORT).map(drop), Err(Elapsed));
        assert_eq!(number(&db, "SELECT COUNT(*) AS n").unwrap(), 1);
        settled(&db);
    }
}

fn a_transaction_goes_on_in_step(database: &Database) {
    let db = database.open(|options| options.max_connections(1));
    run(&db, "CREATE TABLE t (n INTEGER)").unwrap();
    let outcome = db.transaction(|tx| {
        run(tx, "INSERT INTO t VALUES (1)")?;
        let given_up = tx.query_one_raw(slow(backend(tx), false)).wait_timeout(SHORT);
        assert_eq!(given_up.map(drop), Err(Elapsed));
        // Either the transaction is lost, or it is as if the statement had been waited for.
        run(tx, "INSERT INTO t VALUES (2)")?;
        assert_eq!(number(tx, "SELECT COUNT(*) AS n FROM t")?, 2);
        Ok::<(), DbErr>(())
    });
    settled(&db);
    let expected = if outcome.is_ok() { 2 } else { 0 };
    assert_eq!(number(&db, "SELECT COUNT(*) AS n FROM t").unwrap(), expected, "{outcome:?}");
}

fn a_failure_that_nobody_waited_for_is_not_committed(database: &Database) {
    let db = database.open(|options| options.max_connections(1));
    run(&db, "CREATE TABLE t (n INTEGER)").unwrap();
    for pause in [Duration::ZERO, Duration::from_millis(400)] {
        let outcome = db.transaction(|tx| {
            run(tx, "INSERT INTO t VALUES (1)")?;
            let given_up = tx.query_one_raw(slow(backend(tx), true)).wait_timeout(SHORT);
            assert_eq!(given_up.map(drop), Err(Elapsed));
            sleep(pause);
            Ok::<(), DbErr>(())
        });
        settled(&db);
        let expected = if outcome.is_ok() { 1 } else { 0 };
        assert_eq!(number(&db, "SELECT COUNT(*) AS n FROM t").unwrap(), expected, "{outcome:?}");
        run(&db, "DELETE FROM t").unwrap();
    }
}

/// There is one connection, and the rows are still coming.
fn a_statement_while_rows_of_its_transaction_are_read_is_refused(database: &Database) {
    let db = database.open(|options| options.max_connections(1));
    let outcome = db.transaction(|tx| {
        let mut rows = tx.stream_raw(numbers(backend(tx), 1_000)).wait()?.wait_iter();
        assert!(rows.next().is_some_and(|row| row.is_ok()));
        let meanwhile = tx.execute_unprepared("SELECT 1").wait_timeout(Duration::from_secs(2));
        assert!(matches!(meanwhile, Ok(Err(_))), "it waits for itself");
        assert_eq!(rows.count(), 999);
        run(tx, "SELECT 1").map(drop)
    });
    outcome.unwrap();
}
