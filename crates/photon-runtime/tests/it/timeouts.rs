//! Time limits inside async code.

use std::future::{pending, ready};
use std::time::{Duration, Instant};

use photon_runtime::{Elapsed, Wait, spawn, timeout};

use crate::runtime;

const SHORT: Duration = Duration::from_millis(20);
const LONG: Duration = Duration::from_secs(3600);

#[test]
fn whoever_is_first_decides_wherever_it_is_polled() {
    runtime();
    let both = || {
        let began = Instant::now();
        let limited = timeout(SHORT, pending::<()>()).wait();
        assert_eq!(limited, Err(Elapsed));
        assert!(began.elapsed() >= SHORT && began.elapsed() < Duration::from_secs(5));
        assert_eq!(timeout(LONG, ready(1)).wait(), Ok(1));
        // Not ready at once.
        let slow = async {
            tokio::time::sleep(Duration::from_millis(2)).await;
            2
        };
        assert_eq!(timeout(LONG, slow).wait(), Ok(2));
    };
    both();
    spawn(both).join().unwrap();
    let task = async { tokio::spawn(timeout(SHORT, pending::<()>())).await.unwrap() };
    assert_eq!(task.wait(), Err(Elapsed));
}

#[test]
fn they_nest_and_the_shorter_one_ends() {
    runtime();
    let nested = || {
        let inner = timeout(LONG, timeout(SHORT, pending::<()>())).wait();
        let outer = timeout(SHORT, timeout(LONG, pending::<()>())).wait();
        (inner, outer)
    };
    assert_eq!(spawn(nested).join().unwrap(), (Ok(Err(Elapsed)), Err(Elapsed)));
}

#[test]
fn one_that_began_on_a_worker_ends_elsewhere() {
    runtime();
    let moved = spawn(|| {
        let mut limited = Box::pin(timeout(SHORT, pending::<()>()));
        let first =
            std::future::poll_fn(|context| std::task::Poll::Ready(limited.as_mut().poll(context))).wait();
        assert!(first.is_pending());
        limited
    });
    let limited = moved.join().unwrap();
    assert_eq!(limited.wait(), Err(Elapsed));
}
