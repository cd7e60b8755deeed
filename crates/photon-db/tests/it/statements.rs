//! Statements: what they carry, what they leave behind on their connection, and what is counted.

use std::time::{Duration, Instant};

use photon_db::Db;
use photon_db::sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DbBackend, DbErr, EntityTrait, QueryFilter, Statement,
    StreamTrait, TransactionTrait, Value,
};
use photon_runtime::{Wait, WaitIter};

use crate::databases::{Database, backend, number, on_each_database, run};
use crate::entities::{author, create_library};
use crate::streams::numbers;

on_each_database! {
    hostile_values_stay_values,
    more_statements_than_are_cached,
    statements_survive_a_change_of_their_table,
    a_write_that_cannot_be_committed_is_an_error,
    the_first_row_leaves_nothing_behind,
    text_may_hold_several_statements,
    metrics_add_up,
    the_same_url_is_the_same_database,
}

fn hostile_values_stay_values(db: &Db) {
    create_library(db);
    let hostile = [
        "'; DROP TABLE author; --",
        "\\'; DROP TABLE author; --",
        "' OR '1'='1",
        "$1",
        "?",
        ":name",
        "%",
        "*/ DELETE FROM author /*",
        "\u{ff07}; DROP TABLE author; --",
        "\" ` ] $$ \r\n\t\u{8}\u{1a}",
    ];
    for text in hostile {
        author(text).insert(db).wait().unwrap();
    }
    for text in hostile {
        let found = author::Entity::find().filter(author::Column::Name.eq(text)).all(db).wait().unwrap();
        assert_eq!(found.len(), 1, "{text:?}");
        assert_eq!(found[0].name, text);
    }
    assert_eq!(number(db, "SELECT COUNT(*) AS n FROM author").unwrap(), hostile.len() as i64);
    // PostgreSQL's texts hold no NUL, which is an error and nothing worse.
    let nul = author("a\0b").insert(db).wait();
    assert_eq!(nul.is_err(), backend(db) == DbBackend::Postgres);
}

fn more_statements_than_are_cached(database: &Database) {
    let db = database.open(|options| options.max_connections(1));
    create_library(&db);
    author("Ada").insert(&db).wait().unwrap();
    for round in 0..2 {
        let began = Instant::now();
        for index in 0..200i32 {
            let placeholder = if backend(&db) == DbBackend::Postgres { "$1" } else { "?" };
            let sql = format!("SELECT COUNT(*) + {index} AS n FROM author WHERE id <> {placeholder}");
            let statement = Statement::from_sql_and_values(backend(&db), sql, [Value::from(-index)]);
            let row = db.query_one_raw(statement).wait().unwrap().unwrap();
            assert_eq!(row.try_get::<i64>("", "n").unwrap(), i64::from(index) + 1, "round {round}");
        }
        // Each that is closed must not cost the forty milliseconds after which TCP acknowledges a lone packet.
        assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    }
}

/// Migrations run while programs do. A statement that was prepared before may fail once, not for ever.
fn statements_survive_a_change_of_their_table(database: &Database) {
    let db = database.open(|options| options.max_connections(1));
    let all = || db.query_all_raw(Statement::from_string(backend(&db), "SELECT * FROM t WHERE a > 0")).wait();
    run(&db, "CREATE TABLE t (a INTEGER)").unwrap();
    run(&db, "INSERT INTO t VALUES (1), (0)").unwrap();
    assert_eq!(all().unwrap().len(), 1);
    run(&db, "ALTER TABLE t ADD COLUMN b INTEGER DEFAULT 5").unwrap();
    let rows = all().or_else(|_| all()).unwrap();
    assert_eq!(rows[0].try_get::<i32>("", "b").unwrap(), 5);
    run(&db, "ALTER TABLE t DROP COLUMN b").unwrap();
    let rows = all().or_else(|_| all()).unwrap();
    assert_eq!(rows[0].column_names(), ["a"]);
    // The same of rows that are read one by one.
    let read = || {
        let rows =
            db.stream_raw(Statement::from_string(backend(&db), "SELECT * FROM t WHERE a > 0")).wait()?;
        rows.wait_iter().collect::<Result<Vec<_>, DbErr>>()
    };
    run(&db, "ALTER TABLE t ADD COLUMN c INTEGER DEFAULT 5").unwrap();
    let rows = read().or_else(|_| read()).unwrap();
    assert_eq!(rows[0].try_get::<i32>("", "c").unwrap(), 5);
}

/// Constraints may be checked as late as when the statement's own transaction is committed.
fn a_write_that_cannot_be_committed_is_an_error(db: &Db) {
    if backend(db) == DbBackend::MySql {
        return;
    }
    run(db, "CREATE TABLE author (id INTEGER PRIMARY KEY)").unwrap();
    run(
        db,
        "CREATE TABLE book (id INTEGER PRIMARY KEY, title TEXT NOT NULL, \
         author_id INTEGER REFERENCES author (id) DEFERRABLE INITIALLY DEFERRED)",
    )
    .unwrap();
    let insert = "INSERT INTO book VALUES (1, 'a', 7) RETURNING id";
    let statement = || Statement::from_string(backend(db), insert);
    for (name, outcome) in [
        ("one", db.query_one_raw(statement()).wait().map(drop)),
        ("all", db.query_all_raw(statement()).wait().map(drop)),
        ("execute", db.execute_raw(statement()).wait().map(drop)),
        ("text", run(db, insert).map(drop)),
        ("transaction", db.transaction(|tx| run(tx, insert).map(drop))),
    ] {
        let error = outcome.map_err(photon_core::HttpError::from);
        assert_eq!(error.map_err(|error| error.status().as_u16()), Err(409), "{name}");
    }
    assert_eq!(number(db, "SELECT COUNT(*) AS n FROM book").unwrap(), 0);
}

/// Neither rows nor errors of one statement are left to the next one on the same connection.
fn the_first_row_leaves_nothing_behind(database: &Database) {
    let db = database.open(|options| options.max_connections(1));
    let backend = backend(&db);
    let late = match backend {
        DbBackend::Postgres => "SELECT 1 / (3 - n) AS n FROM",
        DbBackend::MySql => "SELECT IF(n < 3, n, (SELECT 1 UNION SELECT n)) AS n FROM",
        _ => "SELECT abs(CASE WHEN n < 3 THEN n ELSE -9223372036854775808 END) AS n FROM",
    };
    for _ in 0..3 {
        let failing = format!("{late} ({}) AS t", numbers(backend, 9).sql);
        // Whether it fails itself, depends on how far the database has come.
        let _ = db.query_one_raw(Statement::from_string(backend, failing)).wait();
        assert_eq!(number(&db, "SELECT COUNT(*) AS n").unwrap(), 1);
        let first = db.query_one_raw(numbers(backend, 1_000)).wait().unwrap().unwrap();
        assert_eq!(first.try_get::<i64>("", "n").unwrap(), 1);
        assert_eq!(number(&db, "SELECT COUNT(*) AS n").unwrap(), 1);
    }
}

fn text_may_hold_several_statements(db: &Db) {
    run(db, "CREATE TABLE a (n INTEGER); CREATE TABLE b (n INTEGER); INSERT INTO a VALUES (1), (2)").unwrap();
    assert_eq!(number(db, "SELECT COUNT(*) AS n FROM a").unwrap(), 2);
    assert!(run(db, "INSERT INTO b VALUES (1); SELEKT; INSERT INTO b VALUES (2)").is_err());
    assert_eq!(run(db, "UPDATE a SET n = n + 1").unwrap(), 2);
}

fn metrics_add_up(database: &Database) {
    let db = database.open(|options| options.max_connections(2).acquire_timeout(Duration::from_millis(500)));
    assert_eq!(
        (db.metrics().open, db.metrics().acquired),
        (0, 0),
        "nothing is opened before the first statement"
    );
    run(&db, "CREATE TABLE t (n INTEGER)").unwrap();
    let before = db.metrics();
    for _ in 0..10 {
        run(&db, "INSERT INTO t VALUES (1)").unwrap();
    }
    let after = db.metrics();
    assert_eq!(after.acquired - before.acquired, 10);
    assert_eq!((after.in_use, after.waits, after.timeouts), (0, 0, 0));

    // As many as there may be; the next one gets none.
    let writers = after.max;
    let held: Vec<_> = (0..writers).map(|_| db.begin().wait().unwrap()).collect();
    assert_eq!((db.metrics().in_use, db.metrics().idle, db.metrics().open), (writers, 0, writers));
    let error = db.begin().wait().unwrap_err();
    assert!(matches!(error, DbErr::ConnectionAcquire(_)), "{error:?}");
    assert_eq!((db.metrics().timeouts, db.metrics().waiting), (1, 0));
    drop(held);
    db.ping().unwrap();
    let metrics = db.metrics();
    assert_eq!(metrics.opened - metrics.closed, metrics.open as u64, "{metrics:?}");
    assert_eq!(metrics.idle + metrics.in_use, metrics.open, "{metrics:?}");
}

/// Two handles that were opened by one URL, also of a database in memory.
fn the_same_url_is_the_same_database(database: &Database) {
    run(&**database, "CREATE TABLE t (n INTEGER)").unwrap();
    assert_eq!(number(&database.open(|options| options), "SELECT COUNT(*) AS n FROM t").unwrap(), 0);
}
