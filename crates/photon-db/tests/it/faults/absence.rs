//! A server that is not there, and then is.

use std::time::{Duration, Instant};

use photon_db::{Db, DbOptions};
use photon_runtime::{sleep, spawn};

use crate::databases::number;
use crate::errors::expect;
use crate::servers::{Postgres, Server};

#[test]
fn a_server_that_is_not_there_is_unavailable_until_it_is() {
    crate::runtime();
    let mut server = Postgres::new();
    let options = DbOptions::new(server.url("postgres"));
    let impatient = Db::with_options(options.clone().acquire_timeout(Duration::from_millis(200))).unwrap();
    let patient = Db::with_options(options.acquire_timeout(Duration::from_secs(20))).unwrap();
    patient.ping().unwrap();
    server.stop();

    let began = Instant::now();
    let response = expect(impatient.ping().unwrap_err(), 503, "Service Unavailable");
    assert_eq!(response.headers.get("retry-after"), Some("1"));
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());

    // Whoever can wait for it does not notice. A connection that was used a moment ago is not tested.
    sleep(Duration::from_millis(1_100));
    let waiters: Vec<_> = (0..4)
        .map(|_| {
            let db = patient.clone();
            spawn(move || number(&db, "SELECT COUNT(*) AS n"))
        })
        .collect();
    sleep(Duration::from_millis(200));
    server.start();
    for waiter in waiters {
        assert_eq!(waiter.join_or_unwind().unwrap(), 1);
    }
    assert_eq!(number(&impatient, "SELECT COUNT(*) AS n").unwrap(), 1);
}
