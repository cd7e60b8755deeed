//! Transactions: all or nothing, however they end.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::{Duration, Instant};

use photon_db::sea_orm::{
    AccessMode, ActiveModelTrait, ConnectionTrait, DbBackend, DbErr, TransactionError, TransactionOptions,
    TransactionSession, TransactionTrait,
};
use photon_db::{Db, Transaction};
use photon_runtime::{Wait, sleep};

use crate::databases::{Database, number, on_each_database, run};
use crate::entities::{author, create_library};

const COUNT: &str = "SELECT COUNT(*) AS n FROM author";

on_each_database! {
    ok_commits,
    an_error_rolls_back_and_is_returned,
    a_panic_rolls_back_and_goes_on,
    a_transaction_that_is_dropped_is_rolled_back,
    what_is_not_committed_is_seen_only_inside,
    a_read_only_transaction_does_not_write,
    the_traits_of_seaorm_do_the_same,
    a_failed_statement_does_not_end_the_connection,
    statements_after_the_end_are_refused,
}

/// What an application's own error looks like.
#[derive(Debug, PartialEq)]
enum ShopError {
    SoldOut,
    Database(String),
}

impl From<DbErr> for ShopError {
    fn from(error: DbErr) -> Self {
        Self::Database(error.to_string())
    }
}

fn insert(connection: &impl ConnectionTrait, name: &str) -> Result<i32, DbErr> {
    Ok(author(name).insert(connection).wait()?.id)
}

/// Waits until nobody uses a connection: rollbacks happen in the background.
fn settle(db: &Db) {
    let began = Instant::now();
    while db.metrics().in_use > 0 {
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", db.metrics());
        sleep(Duration::from_millis(1));
    }
}

fn ok_commits(db: &Db) {
    create_library(db);
    let id = db.transaction(|tx| {
        insert(tx, "Ada")?;
        assert_eq!(number(tx, COUNT)?, 1);
        insert(tx, "Bob")
    });
    assert!(id.unwrap() > 0);
    assert_eq!(number(db, COUNT).unwrap(), 2);
    assert_eq!(db.metrics().in_use, 0);
}

fn an_error_rolls_back_and_is_returned(db: &Db) {
    create_library(db);
    let outcome = db.transaction(|tx| {
        insert(tx, "Ada")?;
        Err::<(), _>(ShopError::SoldOut)
    });
    assert_eq!(outcome, Err(ShopError::SoldOut));
    let outcome = db.transaction(|tx| {
        insert(tx, "Ada")?;
        insert(tx, "Ada")?;
        Ok::<(), ShopError>(())
    });
    assert!(matches!(outcome, Err(ShopError::Database(_))), "{outcome:?}");
    assert_eq!(number(db, COUNT).unwrap(), 0);
    assert_eq!(db.metrics().in_use, 0);
}

fn a_panic_rolls_back_and_goes_on(db: &Db) {
    create_library(db);
    let panic = catch_unwind(AssertUnwindSafe(|| {
        db.transaction(|tx| {
            insert(tx, "Ada")?;
            // Without a message on the terminal.
            if number(tx, COUNT)? == 1 { resume_unwind(Box::new("expected")) } else { Ok::<(), DbErr>(()) }
        })
    }));
    assert_eq!(panic.unwrap_err().downcast_ref(), Some(&"expected"));
    settle(db);
    assert_eq!(number(db, COUNT).unwrap(), 0);
    // The connection was worth keeping.
    assert_eq!(db.metrics().closed, 0);
}

fn a_transaction_that_is_dropped_is_rolled_back(db: &Db) {
    create_library(db);
    let tx = db.begin().wait().unwrap();
    insert(&tx, "Ada").unwrap();
    drop(tx);
    settle(db);
    assert_eq!(number(db, COUNT).unwrap(), 0);
    assert_eq!(db.metrics().closed, 0);
}

fn what_is_not_committed_is_seen_only_inside(database: &Database) {
    let db: &Db = database;
    create_library(db);
    let before = if database.is_in_memory() { None } else { Some(0) };
    db.transaction(|tx| {
        insert(tx, "Ada")?;
        assert_eq!(number(tx, COUNT)?, 1);
        // SQLite's databases in memory have no log of writes that readers could look past.
        if let Some(before) = before {
            assert_eq!(number(db, COUNT)?, before);
        }
        Ok::<(), DbErr>(())
    })
    .unwrap();
    assert_eq!(number(db, COUNT).unwrap(), 1);
}

fn a_read_only_transaction_does_not_write(db: &Db) {
    create_library(db);
    insert(db, "Ada").unwrap();
    let options = TransactionOptions { access_mode: Some(AccessMode::ReadOnly), ..Default::default() };
    let outcome = db.transaction_with(options, |tx| {
        assert_eq!(number(tx, COUNT)?, 1);
        insert(tx, "Bob")
    });
    assert!(outcome.is_err());
    assert_eq!(number(db, COUNT).unwrap(), 1);
    insert(db, "Bob").unwrap();
}

fn the_traits_of_seaorm_do_the_same(db: &Db) {
    create_library(db);
    let committed = TransactionTrait::transaction::<_, _, DbErr>(db, |tx: &Transaction| {
        Box::pin(async move {
            author("Ada").insert(tx).await?;
            // A savepoint in the transaction.
            let inner = tx.begin().await?;
            author("Bob").insert(&inner).await?;
            inner.rollback().await?;
            Ok(author("Eve").insert(tx).await?.name)
        })
    });
    assert_eq!(committed.wait().unwrap(), "Eve");
    let refused = TransactionTrait::transaction::<_, (), DbErr>(db, |tx: &Transaction| {
        Box::pin(async move {
            author("Kim").insert(tx).await?;
            Err(DbErr::Custom("expected".to_owned()))
        })
    });
    assert!(matches!(refused.wait(), Err(TransactionError::Transaction(DbErr::Custom(_)))));

    let tx = db.begin().wait().unwrap();
    author("Lou").insert(&tx).wait().unwrap();
    tx.commit().wait().unwrap();
    let tx = db.begin().wait().unwrap();
    author("Max").insert(&tx).wait().unwrap();
    tx.rollback().wait().unwrap();
    let sql = "SELECT COUNT(*) AS n FROM author WHERE name IN ('Ada', 'Eve', 'Lou')";
    assert_eq!((number(db, COUNT).unwrap(), number(db, sql).unwrap()), (3, 3));
}

/// PostgreSQL refuses everything after an error; the others go on.
fn a_failed_statement_does_not_end_the_connection(db: &Db) {
    create_library(db);
    let outcome = db.transaction(|tx| {
        insert(tx, "Ada")?;
        assert!(run(tx, "SELEKT").is_err());
        Ok::<(), DbErr>(())
    });
    if db.get_database_backend() == DbBackend::Postgres {
        assert!(outcome.unwrap_err().to_string().contains("nothing was committed"));
        assert_eq!(number(db, COUNT).unwrap(), 0);
    } else {
        outcome.unwrap();
        assert_eq!(number(db, COUNT).unwrap(), 1);
    }
    let metrics = db.metrics();
    assert_eq!((metrics.in_use, metrics.closed), (0, 0), "{metrics:?}");
}

fn statements_after_the_end_are_refused(db: &Db) {
    create_library(db);
    let mut kept = None;
    let outcome = db.transaction(|tx| {
        let inner = tx.begin().wait()?;
        insert(&inner, "Ada")?;
        kept = Some(inner);
        Ok::<(), DbErr>(())
    });
    outcome.unwrap();
    // The savepoint was left without an end.
    assert_eq!(number(db, COUNT).unwrap(), 1);
    let kept = kept.unwrap();
    assert!(insert(&kept, "Bob").unwrap_err().to_string().contains("has ended"));
    assert!(kept.commit().wait().is_err());
    assert_eq!(number(db, COUNT).unwrap(), 1);
}
