//! Rows one by one: all of them, in order, and what happens if nobody wants the rest.

use std::time::Duration;

use photon_db::Db;
use photon_db::sea_orm::{
    ActiveModelTrait, DbBackend, DbErr, EntityTrait, QueryOrder, Statement, StreamTrait,
};
use photon_runtime::{Wait, WaitIter};

use crate::databases::{Database, backend, number, on_each_database, run};
use crate::entities::{author, create, create_library};

on_each_database! {
    rows_arrive_in_order,
    a_stream_that_is_dropped_early_leaks_nothing,
    streams_work_inside_transactions,
    a_stream_may_be_dropped_early_inside_a_transaction,
    an_error_in_the_middle_ends_the_stream,
    a_refused_query_is_the_first_item,
    an_error_in_a_transaction_counts_as_that_of_a_statement,
    writing_goes_on_while_rows_are_read,
}

fn fill(db: &Db, count: usize) {
    create_library(db);
    let authors: Vec<_> = (0..count).map(|number| crate::entities::author(format!("{number:06}"))).collect();
    for chunk in authors.chunks(500) {
        author::Entity::insert_many(chunk.to_vec()).exec(db).wait().unwrap();
    }
}

/// A query whose rows are the numbers from 1, in a column called `n`.
pub(crate) fn numbers(backend: DbBackend, count: u64) -> Statement {
    let sql = match backend {
        DbBackend::Postgres => format!("SELECT n FROM generate_series(1, {count}::bigint) AS t (n)"),
        DbBackend::MySql => format!("SELECT CAST(seq AS SIGNED) AS n FROM seq_1_to_{count}"),
        _ => format!(
            "WITH RECURSIVE t (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < {count}) SELECT n FROM t"
        ),
    };
    Statement::from_string(backend, sql)
}

fn rows_arrive_in_order(db: &Db) {
    fill(db, 3_000);
    let stream = author::Entity::find().order_by_desc(author::Column::Name).stream(db).wait().unwrap();
    let mut expected = (0..3_000).rev();
    for row in stream.wait_iter() {
        assert_eq!(row.unwrap().name, format!("{:06}", expected.next().unwrap()));
    }
    assert_eq!(expected.next(), None);
    let empty = author::Entity::find_by_id(0).stream(db).wait().unwrap();
    assert_eq!(empty.wait_iter().count(), 0);
}

fn a_stream_that_is_dropped_early_leaks_nothing(database: &Database) {
    let db = database.open(|options| options.max_connections(2));
    let backend = backend(&db);
    for taken in [0, 1, 10, 1_000].into_iter().cycle().take(20) {
        let stream = db.stream_raw(numbers(backend, 1_000_000)).wait().unwrap();
        let rows: Result<Vec<i64>, DbErr> =
            stream.wait_iter().take(taken).map(|row| row?.try_get("", "n")).collect();
        assert_eq!(rows.unwrap(), (1..=taken as i64).collect::<Vec<_>>());
    }
    assert_eq!(number(&db, "SELECT COUNT(*) AS n").unwrap(), 1);
    for metrics in db.reader_metrics().into_iter().chain([db.metrics()]) {
        assert_eq!((metrics.in_use, metrics.waiting), (0, 0), "{metrics:?}");
        assert!(metrics.open <= 2, "{metrics:?}");
    }
}

fn streams_work_inside_transactions(db: &Db) {
    fill(db, 100);
    let outcome = db.transaction(|tx| {
        crate::entities::author("last").insert(tx).wait()?;
        for _ in 0..3 {
            let stream = author::Entity::find().order_by_asc(author::Column::Name).stream(tx).wait()?;
            let names = stream.wait_iter().map(|row| Ok(row?.name)).collect::<Result<Vec<_>, DbErr>>()?;
            assert_eq!((names.len(), names[100].as_str()), (101, "last"));
        }
        tx.transaction(|inner| {
            let stream = author::Entity::find().stream(inner).wait()?;
            assert_eq!(stream.wait_iter().count(), 101);
            Err::<(), _>(DbErr::Custom("expected".to_owned()))
        })
        .unwrap_err();
        Err::<(), _>(DbErr::Custom("expected".to_owned()))
    });
    assert!(outcome.is_err());
    assert_eq!(number(db, "SELECT COUNT(*) AS n FROM author").unwrap(), 100);
}

fn a_stream_may_be_dropped_early_inside_a_transaction(db: &Db) {
    fill(db, 3_000);
    for commit in [true, false] {
        let outcome = db.transaction(|tx| {
            for taken in [0, 1, 100] {
                let stream = author::Entity::find().order_by_asc(author::Column::Name).stream(tx).wait()?;
                assert_eq!(stream.wait_iter().take(taken).filter(Result::is_ok).count(), taken);
                assert_eq!(number(tx, "SELECT COUNT(*) AS n")?, 1);
            }
            crate::entities::author("last").insert(tx).wait()?;
            let stream = author::Entity::find().stream(tx).wait()?;
            assert_eq!(stream.wait_iter().take(1).count(), 1);
            if commit { Ok(()) } else { Err(DbErr::Custom("expected".to_owned())) }
        });
        assert_eq!(outcome.is_ok(), commit);
        assert_eq!(
            number(db, "SELECT COUNT(*) AS n FROM author").unwrap(),
            if commit { 3_001 } else { 3_000 }
        );
        run(db, "DELETE FROM author WHERE name = 'last'").unwrap();
    }
}

fn an_error_in_the_middle_ends_the_stream(db: &Db) {
    let backend = backend(db);
    let numbers = numbers(backend, 100_000).sql;
    // Each has its own way to fail at a row.
    let failing = match backend {
        DbBackend::Postgres => format!("SELECT n, 1 / (n - 50000) AS m FROM ({numbers}) AS t"),
        DbBackend::MySql => {
            format!("SELECT n, IF(n < 50000, 1, (SELECT 1 UNION SELECT n)) AS m FROM ({numbers}) AS t")
        }
        _ => format!(
            "SELECT n, abs(CASE WHEN n < 50000 THEN 1 ELSE -9223372036854775808 END) AS m FROM ({numbers})"
        ),
    };
    let stream = db.stream_raw(Statement::from_string(backend, failing)).wait().unwrap();
    let mut rows = stream.wait_iter();
    let good = rows.by_ref().take_while(Result::is_ok).count();
    assert_eq!(good, 49_999);
    assert!(rows.next().is_none());
    drop(rows);
    assert_eq!(number(db, "SELECT COUNT(*) AS n").unwrap(), 1);
    assert_eq!((db.metrics().in_use, db.metrics().closed), (0, 0), "{:?}", db.metrics());
}

fn a_refused_query_is_the_first_item(db: &Db) {
    create(db, author::Entity).unwrap();
    let refused = Statement::from_string(backend(db), "SELECT nothing FROM nowhere");
    let mut rows = db.stream_raw(refused).wait().unwrap().wait_iter();
    assert!(rows.next().unwrap().is_err());
    assert!(rows.next().is_none());
    assert_eq!(number(db, "SELECT COUNT(*) AS n FROM author").unwrap(), 0);
}

/// PostgreSQL refuses everything after an error; the others go on.
fn an_error_in_a_transaction_counts_as_that_of_a_statement(db: &Db) {
    create_library(db);
    let outcome = db.transaction(|tx| {
        crate::entities::author("Ada").insert(tx).wait()?;
        let refused = Statement::from_string(backend(tx), "SELECT nothing FROM nowhere");
        assert!(tx.stream_raw(refused).wait()?.wait_iter().next().is_some_and(|row| row.is_err()));
        Ok::<(), DbErr>(())
    });
    assert_eq!(outcome.is_err(), backend(db) == DbBackend::Postgres, "{outcome:?}");
    let count = number(db, "SELECT COUNT(*) AS n FROM author").unwrap();
    assert_eq!(count, if outcome.is_ok() { 1 } else { 0 });
}

fn writing_goes_on_while_rows_are_read(database: &Database) {
    let db = database.open(|options| options.busy_timeout(Duration::from_millis(50)));
    fill(&db, 1_000);
    let stream = author::Entity::find().order_by_asc(author::Column::Name).stream(&db).wait().unwrap();
    for (index, row) in stream.wait_iter().enumerate() {
        let name = row.unwrap().name;
        if index % 100 == 0 {
            let outcome = crate::entities::author(format!("new {name}")).insert(&db).wait();
            // SQLite's databases in memory have no log that writes could go to meanwhile.
            assert_eq!(outcome.is_err(), database.is_in_memory(), "{outcome:?}");
        }
    }
    let expected = if database.is_in_memory() { 1_000 } else { 1_010 };
    assert_eq!(number(&db, "SELECT COUNT(*) AS n FROM author").unwrap(), expected);
}
