//! Transactions inside transactions.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use photon_db::sea_orm::{
    ActiveModelTrait, ConnectionTrait, DbErr, QueryOrder, QuerySelect, TransactionSession,
};
use photon_db::sea_orm::{EntityTrait, TransactionTrait};
use photon_db::{Db, Transaction};
use photon_runtime::Wait;

use crate::databases::{on_each_database, run};
use crate::entities::{author, create_library};

on_each_database! {
    each_way_out_of_a_savepoint_undoes_what_it_should,
    savepoints_nest,
    a_failed_statement_costs_its_savepoint_only,
    many_savepoints_may_follow_each_other,
}

fn insert(connection: &impl ConnectionTrait, name: &str) -> Result<(), DbErr> {
    author(name).insert(connection).wait().map(drop)
}

/// The names of all authors.
fn names(connection: &impl ConnectionTrait) -> String {
    let names =
        author::Entity::find().select_only().column(author::Column::Name).order_by_asc(author::Column::Name);
    let names: Vec<String> = names.into_tuple().all(connection).wait().unwrap();
    names.join(" ")
}

/// How a savepoint ends.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Ok,
    Error,
    Panic,
    Drop,
    Commit,
    Rollback,
}

impl End {
    fn keeps(self) -> bool {
        matches!(self, Self::Ok | Self::Commit)
    }

    /// Inserts a row in a savepoint that ends like this.
    fn insert(self, tx: &Transaction, name: &str) {
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            let inner = match self {
                Self::Ok => return tx.transaction(|inner| insert(inner, name)),
                Self::Error => {
                    return tx.transaction(|inner| {
                        insert(inner, name)?;
                        Err(DbErr::Custom("expected".to_owned()))
                    });
                }
                Self::Panic => {
                    return tx.transaction(|inner| {
                        insert(inner, name)?;
                        // Without a message on the terminal.
                        resume_unwind(Box::new("expected"))
                    });
                }
                Self::Drop | Self::Commit | Self::Rollback => tx.begin().wait()?,
            };
            insert(&inner, name)?;
            match self {
                Self::Commit => inner.commit().wait(),
                Self::Rollback => inner.rollback().wait(),
                _ => Ok(()),
            }
        }));
        assert_eq!(outcome.is_err(), self == Self::Panic);
        assert_eq!(outcome.is_ok_and(|outcome| outcome.is_err()), self == Self::Error);
    }
}

fn each_way_out_of_a_savepoint_undoes_what_it_should(db: &Db) {
    create_library(db);
    for end in [End::Ok, End::Error, End::Panic, End::Drop, End::Commit, End::Rollback] {
        let outcome = db.transaction(|tx| {
            insert(tx, "a")?;
            end.insert(tx, "b");
            insert(tx, "c")
        });
        outcome.unwrap();
        assert_eq!(names(db), if end.keeps() { "a b c" } else { "a c" }, "{end:?}");
        run(db, "DELETE FROM author").unwrap();

        // Nothing follows that would roll the savepoint back.
        let outcome = db.transaction(|tx| {
            end.insert(tx, "b");
            Ok::<(), DbErr>(())
        });
        outcome.unwrap();
        assert_eq!(names(db), if end.keeps() { "b" } else { "" }, "{end:?}");
        run(db, "DELETE FROM author").unwrap();
    }
    assert_eq!(db.metrics().in_use, 0);
}

fn savepoints_nest(db: &Db) {
    create_library(db);
    let outcome = db.transaction(|tx| {
        insert(tx, "0")?;
        tx.transaction(|first| {
            insert(first, "1")?;
            let inner = first.transaction(|second| {
                insert(second, "2")?;
                second.transaction(|third| insert(third, "3"))?;
                Err::<(), _>(DbErr::Custom("expected".to_owned()))
            });
            assert!(inner.is_err());
            assert_eq!(names(first), "0 1");
            first.transaction(|second| insert(second, "2 again"))
        })?;
        let outcome = tx.transaction(|first| {
            insert(first, "lost")?;
            first.transaction(|second| insert(second, "lost as well"))?;
            Err::<(), _>(DbErr::Custom("expected".to_owned()))
        });
        assert!(outcome.is_err());
        insert(tx, "4")
    });
    outcome.unwrap();
    assert_eq!(names(db), "0 1 2 again 4");
}

fn a_failed_statement_costs_its_savepoint_only(db: &Db) {
    create_library(db);
    let outcome = db.transaction(|tx| {
        insert(tx, "Ada")?;
        for _ in 0..2 {
            assert!(tx.transaction(|inner| insert(inner, "Ada")).is_err());
        }
        // Dropped instead of rolled back.
        let inner = tx.begin().wait()?;
        assert!(insert(&inner, "Ada").is_err());
        drop(inner);
        insert(tx, "Bob")
    });
    outcome.unwrap();
    assert_eq!(names(db), "Ada Bob");
}

fn many_savepoints_may_follow_each_other(db: &Db) {
    create_library(db);
    let outcome = db.transaction(|tx| {
        for number in 0..200 {
            let outcome = tx.transaction(|inner| {
                insert(inner, &format!("{number:03}"))?;
                if number % 100 == 0 { Ok(()) } else { Err(DbErr::Custom("expected".to_owned())) }
            });
            assert_eq!(outcome.is_ok(), number % 100 == 0);
        }
        Ok::<(), DbErr>(())
    });
    outcome.unwrap();
    assert_eq!(names(db), "000 100");
}
