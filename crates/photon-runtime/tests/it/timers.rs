//! Time: nothing is early, nothing is infinite by rounding, and an idle worker sleeps.

use std::fs;
use std::time::{Duration, Instant};

use photon_runtime::net::TcpStream;
use photon_runtime::{Elapsed, Wait, sleep, sleep_until, spawn};

use crate::{child, runtime};

#[test]
fn timeouts_below_a_millisecond_are_not_infinite() {
    runtime();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    spawn(move || {
        for timeout in [Duration::ZERO, Duration::from_nanos(1), Duration::from_micros(300)] {
            let start = Instant::now();
            sleep(timeout);
            assert_eq!(std::future::pending::<()>().wait_timeout(timeout), Err(Elapsed));
            let mut stream = TcpStream::connect(address).unwrap();
            stream.set_read_timeout(Some(timeout));
            let error = std::io::Read::read(&mut stream, &mut [0; 1]).unwrap_err();
            assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
            stream.set_deadline(Some(timeout));
            while stream.wait_ready() != photon_runtime::net::Ready::Deadline {}
            assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
        }
    })
    .join()
    .unwrap();
}

#[test]
fn nothing_wakes_early() {
    runtime();
    let sleepers: Vec<_> = (0..200u64)
        .map(|n| {
            spawn(move || {
                let start = Instant::now();
                let time = Duration::from_micros(n * 173);
                if n % 2 == 0 {
                    sleep(time);
                } else {
                    sleep_until(start + time);
                }
                assert!(start.elapsed() >= time, "{:?} < {time:?}", start.elapsed());
                let start = Instant::now();
                std::future::pending::<()>().wait_until(start + time).unwrap_err();
                assert!(start.elapsed() >= time, "{:?} < {time:?}", start.elapsed());
            })
        })
        .collect();
    sleepers.into_iter().for_each(|sleeper| sleeper.join().unwrap());
    // Absurd durations are for ever, not an overflow.
    let forever = spawn(|| async { sleep_forever().await }.wait_timeout(Duration::MAX));
    sleep(Duration::from_millis(5));
    assert!(!forever.is_finished());
}

async fn sleep_forever() {
    std::future::pending::<()>().await;
}

#[test]
fn a_wait_with_a_timeout_returns_the_value_if_it_comes_first() {
    runtime();
    let both = || {
        let soon = async {
            tokio::time::sleep(Duration::from_millis(5)).await;
            7
        };
        assert_eq!(soon.wait_timeout(Duration::from_secs(20)), Ok(7));
        let late = async { tokio::time::sleep(Duration::from_secs(20)).await };
        assert_eq!(late.wait_timeout(Duration::from_millis(5)), Err(Elapsed));
        assert_eq!(async { 3 }.wait_until(Instant::now()), Ok(3));
    };
    spawn(both).join().unwrap();
    std::thread::spawn(both).join().unwrap();
}

/// Switches into worker threads, by whatever they are named.
fn voluntary_switches() -> u64 {
    let mut sum = 0;
    for task in fs::read_dir("/proc/self/task").unwrap().flatten() {
        let name = fs::read_to_string(task.path().join("comm")).unwrap_or_default();
        let status = fs::read_to_string(task.path().join("status")).unwrap_or_default();
        if matches!(name.trim(), "photon-0" | "photon-1") {
            let line = status.lines().find(|line| line.starts_with("voluntary_ctxt_switches")).unwrap();
            sum += line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap();
        }
    }
    sum
}

#[test]
fn idle_workers_do_not_wake() {
    const TEST: &str = "timers::idle_workers_do_not_wake";
    if !child::is_child(TEST) {
        return child::succeeds(TEST);
    }
    runtime();
    // A deadline that was used and given back must not keep the sweeper going either.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    spawn(move || TcpStream::connect(address).unwrap().set_deadline(Some(Duration::from_secs(9))))
        .join()
        .unwrap();
    std::thread::sleep(Duration::from_millis(200));
    let before = voluntary_switches();
    assert!(before > 0);
    std::thread::sleep(Duration::from_millis(500));
    let woken = voluntary_switches() - before;
    assert!(woken <= 2, "{woken} wakes in half a second");
}
