//! What only SQLite has: files that other programs use as well, and databases in memory.

use std::time::{Duration, Instant};

use photon_db::Db;
use photon_db::sea_orm::{
    ConnectionTrait, DbBackend, DbErr, QueryResult, Statement, StreamTrait, TransactionTrait,
};
use photon_runtime::{Wait, WaitIter, spawn};

use crate::databases::{Database, Kind, number, run};
use crate::errors::expect;
use crate::pool::settled;

#[test]
fn two_programs_may_write_to_one_file() {
    let database = Database::new(Kind::SqliteFile);
    run(&*database, "CREATE TABLE t (n INTEGER)").unwrap();
    // Pools of their own, as of two programs.
    let programs = [database.open(|options| options), database.open(|options| options)];
    let writers: Vec<_> = (0..8)
        .map(|number| {
            let db = programs[number % 2].clone();
            spawn(move || (0..25).for_each(|_| add_one(&db)))
        })
        .collect();
    writers.into_iter().for_each(|writer| writer.join_or_unwind());
    assert_eq!(number(&*database, "SELECT COUNT(*) AS n FROM t").unwrap(), 200);
    assert_eq!(number(&*database, "SELECT MAX(n) AS n FROM t").unwrap(), 200);

    fn add_one(db: &Db) {
        let outcome = db.transaction(|tx| {
            let count = number(tx, "SELECT COUNT(*) AS n FROM t")?;
            run(tx, &format!("INSERT INTO t VALUES ({})", count + 1))
        });
        outcome.unwrap();
    }
}

#[test]
fn a_lock_that_another_program_keeps_is_unavailable() {
    let database = Database::new(Kind::SqliteFile);
    run(&*database, "CREATE TABLE t (n INTEGER)").unwrap();
    let other = database.open(|options| options.busy_timeout(Duration::from_millis(100)));
    let tx = database.begin().wait().unwrap();
    run(&tx, "INSERT INTO t VALUES (1)").unwrap();

    let began = Instant::now();
    for outcome in [run(&other, "INSERT INTO t VALUES (2)"), other.transaction(|tx| run(tx, "SELECT 1"))] {
        let response = expect(outcome.unwrap_err(), 503, "Service Unavailable");
        assert_eq!(response.headers.get("retry-after"), Some("1"));
    }
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    // Reading goes on.
    assert_eq!(number(&other, "SELECT COUNT(*) AS n FROM t").unwrap(), 0);
    drop(tx);
    settled(&database);
    settled(&other);
    other.transaction(|tx| run(tx, "INSERT INTO t VALUES (2)")).unwrap();
}

#[test]
fn a_file_is_made_and_a_directory_is_not() {
    let database = Database::new(Kind::SqliteFile);
    database.ping().unwrap();
    assert!(std::path::Path::new(database.url().trim_start_matches("sqlite:")).exists());
    let lost = Db::with_options(
        photon_db::DbOptions::new("sqlite:/nowhere/at/all.db").acquire_timeout(Duration::from_millis(200)),
    );
    assert!(lost.unwrap().ping().is_err());
}

#[test]
fn databases_in_memory_are_their_own() {
    crate::runtime();
    let (one, other) = (Db::open("sqlite::memory:").unwrap(), Db::open("sqlite::memory:").unwrap());
    run(&one, "CREATE TABLE t (n INTEGER)").unwrap();
    run(&other, "CREATE TABLE t (n INTEGER)").unwrap();
    run(&one, "INSERT INTO t VALUES (1)").unwrap();
    assert_eq!(number(&one, "SELECT COUNT(*) AS n FROM t").unwrap(), 1);
    assert_eq!(number(&other, "SELECT COUNT(*) AS n FROM t").unwrap(), 0);
}

/// A statement that was prepared before may fail once. It must not find less than there is.
#[test]
fn another_program_may_change_a_table() {
    let database = Database::new(Kind::SqliteFile);
    let db = database.open(|options| options.max_connections(1));
    let other = database.open(|options| options);
    run(&other, "CREATE TABLE t (a INTEGER); INSERT INTO t VALUES (1), (2)").unwrap();
    let query = || Statement::from_string(DbBackend::Sqlite, "SELECT * FROM t");
    let all = || db.query_all_raw(query()).wait();
    let read = || db.stream_raw(query()).wait()?.wait_iter().collect::<Result<Vec<QueryResult>, DbErr>>();
    for (column, rows) in [("b", &all as &dyn Fn() -> Result<Vec<QueryResult>, DbErr>), ("c", &read)] {
        assert_eq!(rows().unwrap().len(), 2);
        run(&other, &format!("ALTER TABLE t ADD COLUMN {column} INTEGER DEFAULT 5")).unwrap();
        let began = Instant::now();
        let rows = rows().or_else(|_| rows()).unwrap();
        assert_eq!(rows.len(), 2, "{column}");
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
        assert_eq!(rows[1].try_get::<i32>("", column).unwrap(), 5);
    }
}
