//! Whoever came first is served first.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use photon_db::Db;
use photon_db::sea_orm::{DbErr, TransactionTrait};
use photon_runtime::{Builder, Wait, blocking, sleep};

use super::eventually;
use crate::databases::{Database, on_each_database};

on_each_database! {
    waits_are_served_in_order_of_arrival,
}

/// A waiter on a thread or a coroutine, to be joined.
type Waiter = Box<dyn FnOnce()>;

fn waits_are_served_in_order_of_arrival(database: &Database) {
    let db = database.open(|options| options.max_connections(1));
    let tx = db.begin().wait().unwrap();
    let served = Arc::new(Mutex::new(Vec::new()));
    let waiters: Vec<Waiter> = (0..12)
        .map(|number| {
            let waiter = wait_in_line(number, db.clone(), Arc::clone(&served));
            eventually("it waits", || db.metrics().waiting == number + 1);
            sleep(Duration::from_millis(10));
            waiter
        })
        .collect();
    drop(tx);
    waiters.into_iter().for_each(|join| join());
    assert_eq!(*served.lock().unwrap(), (0..12).collect::<Vec<_>>());
    let metrics = db.metrics();
    assert_eq!((metrics.waits, metrics.open, metrics.waiting), (12, 1, 0), "{metrics:?}");
    assert!(metrics.wait_time >= Duration::from_millis(12 * 10), "{metrics:?}");
}

/// Each third waiter is a thread, the others are coroutines of two workers.
fn wait_in_line(number: usize, db: Db, served: Arc<Mutex<Vec<usize>>>) -> Waiter {
    let wait = move || {
        let noted = db.transaction(|_| {
            served.lock().unwrap().push(number);
            sleep(Duration::from_millis(1));
            Ok::<(), DbErr>(())
        });
        noted.unwrap();
    };
    match number % 3 {
        0 => {
            let thread = std::thread::spawn(wait);
            Box::new(move || blocking(|| thread.join()).unwrap())
        }
        worker => {
            let coroutine = Builder::new().worker(worker - 1).spawn(wait).unwrap();
            Box::new(move || coroutine.join_or_unwind())
        }
    }
}
