//! A server that is killed and started again while everybody uses it.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use photon_db::sea_orm::{ActiveModelTrait, DbErr, EntityTrait, QuerySelect};
use photon_db::{Db, DbOptions};
use photon_runtime::{Wait, sleep, spawn};

use crate::databases::run;
use crate::entities::{author, create_library};
use crate::pool::settled;
use crate::servers::Server;

/// What one coroutine saw.
#[derive(Default)]
struct Report {
    /// The names of rows whose insertion was acknowledged.
    acknowledged: Vec<String>,
    /// When statements began that failed, and why.
    failures: Vec<(Instant, DbErr)>,
}

#[cfg(feature = "postgres")]
#[test]
fn postgres() {
    a_crash_fails_statements_only_while_it_lasts(crate::servers::Postgres::new());
}

#[cfg(feature = "mysql")]
#[test]
fn mariadb() {
    a_crash_fails_statements_only_while_it_lasts(crate::servers::MariaDb::new());
}

fn a_crash_fails_statements_only_while_it_lasts(mut server: impl Server) {
    crate::runtime();
    run(&server.administrator(), "CREATE DATABASE library").unwrap();
    let options = DbOptions::new(server.url("library")).max_connections(8);
    let db = Db::with_options(options.acquire_timeout(Duration::from_secs(20))).unwrap();
    create_library(&db);
    let stop = Arc::new(AtomicBool::new(false));
    let coroutines: Vec<_> = (0..32)
        .map(|number| {
            let (db, stop) = (db.clone(), Arc::clone(&stop));
            spawn(move || insert_until(&stop, &db, number))
        })
        .collect();

    sleep(Duration::from_millis(300));
    server.crash();
    let crashed = Instant::now();
    sleep(Duration::from_millis(300));
    server.start();
    server.administrator().close();
    let recovered = Instant::now();
    sleep(Duration::from_millis(500));
    stop.store(true, Ordering::Relaxed);
    let reports: Vec<Report> = coroutines.into_iter().map(|coroutine| coroutine.join_or_unwind()).collect();

    let (stored, mut acknowledged) = (names(&db), 0);
    for report in reports {
        for (began, error) in report.failures {
            assert!(began < recovered, "{:?} after the recovery: {error}", began - recovered);
        }
        for name in report.acknowledged {
            assert!(stored.contains(&name), "{name} was acknowledged");
            acknowledged += 1;
        }
    }
    assert!(acknowledged > 100, "{acknowledged} in {:?}", crashed.elapsed());
    let metrics = settled(&db).pop().unwrap();
    assert_eq!((metrics.waiting, metrics.timeouts), (0, 0), "{metrics:?}");
    assert_eq!(metrics.opened - metrics.closed, metrics.open as u64, "{metrics:?}");
}

/// The names of all authors.
fn names(db: &Db) -> HashSet<String> {
    let names = author::Entity::find().select_only().column(author::Column::Name);
    names.into_tuple().all(db).wait().unwrap().into_iter().collect()
}

/// Half of the rows are inserted in transactions.
fn insert_until(stop: &AtomicBool, db: &Db, coroutine: usize) -> Report {
    let mut report = Report::default();
    for number in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let name = format!("{coroutine} {number}");
        let began = Instant::now();
        let outcome = match number % 2 {
            0 => author(&name).insert(db).wait().map(drop),
            _ => db.transaction(|tx| {
                author(&name).insert(tx).wait()?;
                run(tx, "SELECT 1").map(drop)
            }),
        };
        match outcome {
            Ok(()) => report.acknowledged.push(name),
            Err(error) => report.failures.push((began, error)),
        }
    }
    report
}
