//! Statements that take too long: they end, the connection or another one goes on, and slow ones are logged.

use std::time::{Duration, Instant};

use photon_db::sea_orm::{ConnectionTrait, DbBackend, DbErr, QueryResult, Statement, StreamTrait, Value};
use photon_runtime::{Wait, WaitIter};

use crate::databases::{Database, backend, number, on_each_database, run};
use crate::logs;
use crate::streams::numbers;

on_each_database! {
    a_statement_ends_when_its_time_is_over,
    streams_take_as_long_as_they_like,
    the_time_limit_is_back_after_a_stream,
    a_transaction_that_timed_out_does_not_commit_the_rest,
    slow_statements_are_logged_without_values,
}

const LIMIT: Duration = Duration::from_millis(200);

/// A statement that would take some ten seconds.
fn endless(backend: DbBackend) -> Statement {
    match backend {
        DbBackend::Postgres => Statement::from_string(backend, "SELECT 1 AS n FROM pg_sleep(10)"),
        // `SLEEP` itself returns early instead of failing.
        DbBackend::MySql => Statement::from_string(
            backend,
            "SELECT COUNT(*) AS n FROM seq_1_to_100000 AS a, seq_1_to_100000 AS b WHERE a.seq + b.seq < 0",
        ),
        _ => {
            let numbers = numbers(backend, 100_000_000).sql;
            Statement::from_string(backend, format!("SELECT COUNT(*) AS n FROM ({numbers})"))
        }
    }
}

fn query(connection: &impl ConnectionTrait) -> Result<Option<QueryResult>, DbErr> {
    connection.query_one_raw(endless(connection.get_database_backend())).wait()
}

/// That a statement is ended by the database, soon after its time.
#[track_caller]
fn expect_timeout(connection: &impl ConnectionTrait) {
    let began = Instant::now();
    let outcome = query(connection);
    let took = began.elapsed();
    assert!(outcome.is_err(), "{outcome:?}");
    // Two seconds later this program would have given up by itself.
    assert!(took >= LIMIT - Duration::from_millis(2) && took < Duration::from_secs(2), "{took:?}");
}

fn a_statement_ends_when_its_time_is_over(database: &Database) {
    let db = database.open(|options| options.max_connections(1).statement_timeout(LIMIT));
    for _ in 0..2 {
        expect_timeout(&db);
        assert_eq!(number(&db, "SELECT COUNT(*) AS n").unwrap(), 1);
    }
    // The database ended it, so its connection is as good as before.
    for metrics in db.reader_metrics().into_iter().chain([db.metrics()]) {
        assert_eq!((metrics.in_use, metrics.closed), (0, 0), "{metrics:?}");
    }
}

fn streams_take_as_long_as_they_like(database: &Database) {
    let db = database.open(|options| options.max_connections(1).statement_timeout(LIMIT));
    let backend = backend(&db);
    let slow = match backend {
        DbBackend::Postgres => "SELECT n, pg_sleep(0.1) FROM generate_series(1, 4) AS t (n)".to_owned(),
        DbBackend::MySql => "SELECT seq AS n, SLEEP(0.1) FROM seq_1_to_4".to_owned(),
        _ => numbers(backend, 300_000).sql,
    };
    let began = Instant::now();
    let rows = db.stream_raw(Statement::from_string(backend, slow)).wait().unwrap().wait_iter();
    for (index, row) in rows.enumerate() {
        row.unwrap();
        if index == 0 {
            photon_runtime::sleep(LIMIT * 2);
        }
    }
    assert!(began.elapsed() >= LIMIT * 2);
}

/// However the stream ended, the connection's next statement is limited again.
fn the_time_limit_is_back_after_a_stream(database: &Database) {
    let db = database.open(|options| options.max_connections(1).statement_timeout(LIMIT));
    let backend = backend(&db);
    let rows = |taken: usize, connection: &dyn Fn(Statement) -> Result<usize, DbErr>| {
        let statement = numbers(backend, 100);
        assert_eq!(connection(statement).unwrap(), taken);
    };
    // To its end.
    rows(100, &|statement| Ok(db.stream_raw(statement).wait()?.wait_iter().count()));
    expect_timeout(&db);
    // Dropped early inside a transaction that is committed, or rolled back.
    for commit in [true, false] {
        let outcome = db.transaction(|tx| {
            rows(1, &|statement| Ok(tx.stream_raw(statement).wait()?.wait_iter().take(1).count()));
            number(tx, "SELECT COUNT(*) AS n")?;
            if commit { Ok(()) } else { Err(DbErr::Custom("expected".to_owned())) }
        });
        assert_eq!(outcome.is_ok(), commit);
        expect_timeout(&db);
    }
    // With an error.
    let failing = Statement::from_string(backend, "SELECT nothing FROM nowhere");
    assert!(db.stream_raw(failing).wait().unwrap().wait_iter().next().unwrap().is_err());
    expect_timeout(&db);
}

/// A database may have rolled everything back when it ended a statement. What comes after must not count by itself.
fn a_transaction_that_timed_out_does_not_commit_the_rest(database: &Database) {
    let db = database.open(|options| options.max_connections(1).statement_timeout(LIMIT));
    run(&db, "CREATE TABLE t (n BIGINT)").unwrap();
    let insert = match backend(&db) {
        DbBackend::Postgres => "INSERT INTO t SELECT 1 FROM pg_sleep(10)".to_owned(),
        backend => format!("INSERT INTO t {}", numbers(backend, 100_000_000).sql),
    };
    let outcome = db.transaction(|tx| {
        run(tx, "INSERT INTO t VALUES (1)")?;
        let _ = run(tx, &insert).unwrap_err();
        let _ = run(tx, "INSERT INTO t VALUES (2)");
        Ok::<(), DbErr>(())
    });
    let count = |n: i64| number(&db, &format!("SELECT COUNT(*) AS n FROM t WHERE n = {n}")).unwrap();
    // All of it, except for the statement that was ended, or nothing.
    let expected = if outcome.is_ok() { (1, 1) } else { (0, 0) };
    assert_eq!((count(1), count(2)), expected, "{outcome:?}");
}

fn slow_statements_are_logged_without_values(database: &Database) {
    logs::remember();
    let db = database.open(|options| options.slow_query(Duration::from_millis(100)));
    let backend = backend(&db);
    let placeholder = if backend == DbBackend::Postgres { "$1" } else { "?" };
    let marker = format!("marker_{:?}_{}", database.kind, photon_runtime::is_coroutine());
    let slow = match backend {
        DbBackend::Postgres => format!("SELECT {placeholder} AS {marker} FROM pg_sleep(0.15)"),
        DbBackend::MySql => format!("SELECT {placeholder} AS {marker} FROM (SELECT SLEEP(0.15)) AS t"),
        _ => format!(
            "SELECT {placeholder} AS {marker} FROM (SELECT COUNT(*) AS c FROM ({})) WHERE c > 0",
            numbers(backend, 1_500_000).sql
        ),
    };
    let statement =
        |sql: &str, value: &str| Statement::from_sql_and_values(backend, sql, [Value::from(value)]);
    db.query_one_raw(statement(&slow, "secret")).wait().unwrap();
    // Text without values is a statement too.
    run(&db, &slow.replace(placeholder, "0")).unwrap();
    let quick = format!("SELECT {placeholder} AS quick_{marker}");
    db.query_one_raw(statement(&quick, "secret")).wait().unwrap();

    let lines = logs::lines_with(&marker);
    assert_eq!(lines.len(), 2, "{lines:#?}");
    for line in lines {
        assert!(line.contains("WARN photon::db: slow statement"), "{line}");
        assert!(line.contains("took_ms="), "{line}");
        assert!(!line.contains("secret"), "{line}");
    }
}
