//! Migrations: there and back, and by several instances at once.

// `async_trait` takes the trait's signatures literally, and they leave a lifetime out.
#![allow(elided_lifetimes_in_paths)]

use std::sync::Barrier;
use std::time::Duration;

use photon_db::migration::prelude::*;
use photon_db::{AppliedMigration, Db};

use crate::databases::{Database, number, on_each_database, run};

on_each_database! {
    they_go_up_and_down,
    fresh_drops_what_is_there,
    what_is_pending_is_named,
    a_failure_keeps_what_came_before,
    instances_take_turns,
}

/// A migration that notes that it was run.
struct Step {
    name: &'static str,
    up: &'static [&'static str],
    down: &'static [&'static str],
    pause: Duration,
}

impl MigrationName for Step {
    fn name(&self) -> &str {
        self.name
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Step {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for sql in self.up {
            manager.get_connection().execute_unprepared(sql).await?;
        }
        tokio::time::sleep(self.pause).await;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for sql in self.down {
            manager.get_connection().execute_unprepared(sql).await?;
        }
        Ok(())
    }
}

fn steps(pause: Duration) -> Vec<Box<dyn MigrationTrait>> {
    let step = |name, up, down| Box::new(Step { name, up, down, pause }) as Box<dyn MigrationTrait>;
    vec![
        step(
            "m1_parent",
            &["CREATE TABLE parent (id INTEGER PRIMARY KEY)", "CREATE TABLE log (step INTEGER)"],
            &["DROP TABLE parent", "DROP TABLE log"],
        ),
        step(
            "m2_child",
            &[
                "CREATE TABLE child (id INTEGER PRIMARY KEY, parent_id INTEGER, \
                 FOREIGN KEY (parent_id) REFERENCES parent (id))",
                "INSERT INTO log VALUES (2)",
            ],
            &["DROP TABLE child", "INSERT INTO log VALUES (-2)"],
        ),
        step("m3_row", &["INSERT INTO log VALUES (3)"], &["INSERT INTO log VALUES (-3)"]),
    ]
}

struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        steps(Duration::ZERO)
    }
}

/// Takes long enough for others to come in between.
struct Slow;

#[async_trait::async_trait]
impl MigratorTrait for Slow {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        steps(Duration::from_millis(20))
    }
}

struct Failing;

#[async_trait::async_trait]
impl MigratorTrait for Failing {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let mut steps = steps(Duration::ZERO);
        steps.truncate(2);
        steps.push(Box::new(Step { name: "m3_broken", up: &["SELEKT"], down: &[], pause: Duration::ZERO }));
        steps
    }
}

fn applied(db: &Db) -> Vec<bool> {
    let status = db.migrations::<Migrator>().status().unwrap();
    status.iter().map(|migration| migration.applied).collect()
}

fn they_go_up_and_down(database: &Database) {
    let migrations = database.migrations::<Migrator>();
    assert_eq!(applied(database), [false, false, false]);
    migrations.up(2).unwrap();
    assert_eq!(applied(database), [true, true, false]);
    let first = AppliedMigration { name: "m1_parent".to_owned(), applied: true };
    assert_eq!(migrations.status().unwrap()[0], first);
    database.migrate::<Migrator>().unwrap();
    database.migrate::<Migrator>().unwrap();
    assert_eq!(applied(database), [true, true, true]);
    migrations.down(1).unwrap();
    assert_eq!(applied(database), [true, true, false]);
    migrations.down(None).unwrap();
    assert_eq!(applied(database), [false, false, false]);
    assert!(run(&**database, "INSERT INTO log VALUES (1)").is_err());
}

fn fresh_drops_what_is_there(database: &Database) {
    database.migrate::<Migrator>().unwrap();
    run(&**database, "INSERT INTO parent VALUES (1)").unwrap();
    run(&**database, "INSERT INTO child VALUES (1, 1)").unwrap();
    database.migrations::<Migrator>().fresh().unwrap();
    assert_eq!(number(&**database, "SELECT COUNT(*) AS n FROM child").unwrap(), 0);
    assert_eq!(number(&**database, "SELECT COUNT(*) AS n FROM log").unwrap(), 2);
    // Foreign keys are enforced afterwards as before.
    assert!(run(&**database, "INSERT INTO child VALUES (1, 77)").is_err());
}

fn what_is_pending_is_named(database: &Database) {
    let migrations = database.migrations::<Migrator>();
    let error = migrations.check().unwrap_err().to_string();
    assert!(error.contains("m1_parent, m2_child, m3_row"), "{error}");
    migrations.up(2).unwrap();
    let error = migrations.check().unwrap_err().to_string();
    assert!(error.contains("m3_row") && !error.contains("m2_child"), "{error}");
    migrations.up(None).unwrap();
    migrations.check().unwrap();
}

fn a_failure_keeps_what_came_before(database: &Database) {
    let error = database.migrate::<Failing>().unwrap_err();
    assert!(error.to_string().to_lowercase().contains("selekt"), "{error}");
    let status = database.migrations::<Failing>().status().unwrap();
    assert_eq!(status.iter().map(|migration| migration.applied).collect::<Vec<_>>(), [true, true, false]);
    // The lock is free again.
    database.migrate::<Failing>().unwrap_err();
    // A program that does not know what was applied is told so.
    database.migrate::<Migrator>().unwrap();
    assert!(database.migrations::<Failing>().status().unwrap_err().to_string().contains("m3_row"));
}

/// Each has a pool of its own, as programs have that are started together.
fn instances_take_turns(database: &Database) {
    const INSTANCES: usize = 6;
    // A database in memory is there as long as somebody is connected.
    database.ping().unwrap();
    let barrier = Barrier::new(INSTANCES);
    photon_runtime::blocking(|| {
        std::thread::scope(|scope| {
            for _ in 0..INSTANCES {
                scope.spawn(|| {
                    let instance = database.open(|options| options);
                    barrier.wait();
                    instance.migrate::<Slow>().unwrap();
                    instance.migrations::<Slow>().check().unwrap();
                });
            }
        });
    });
    assert_eq!(number(&**database, "SELECT COUNT(*) AS n FROM log").unwrap(), 2);
}
