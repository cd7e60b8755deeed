//! Handles, names, workers, and who counts as a coroutine.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

use photon_runtime::{Builder, blocking, is_coroutine, sleep, spawn, worker, yield_now};

use crate::{runtime, thread_id};

#[test]
fn a_handle_is_joined_from_a_thread_and_from_coroutines_of_both_workers() {
    runtime();
    let slow = |n: u32| {
        spawn(move || {
            sleep(Duration::from_millis(5));
            n
        })
    };
    assert_eq!(slow(1).join().unwrap(), 1);
    for home in [0, 1] {
        let handle = slow(2);
        assert!(!handle.is_finished());
        let joiner = Builder::new().worker(home).spawn(move || handle.join().unwrap()).unwrap();
        assert_eq!(joiner.join().unwrap(), 2);
        // Joining what has ended already.
        let handle = slow(3);
        while !handle.is_finished() {
            sleep(Duration::from_millis(1));
        }
        assert_eq!(Builder::new().worker(home).spawn(|| handle.join().unwrap()).unwrap().join().unwrap(), 3);
    }
}

#[test]
fn a_dropped_handle_detaches() {
    runtime();
    let (send, receive) = channel();
    drop(spawn(move || {
        sleep(Duration::from_millis(5));
        send.send(()).unwrap();
    }));
    receive.recv_timeout(Duration::from_secs(10)).unwrap();
}

#[test]
fn a_coroutine_knows_that_it_is_one_and_where() {
    runtime();
    assert!(!is_coroutine());
    assert_eq!(worker(), None);
    for home in 0..4 {
        let seen = Builder::new().worker(home).spawn(|| (is_coroutine(), worker(), thread_id())).unwrap();
        let (is_one, worker, thread) = seen.join().unwrap();
        assert!(is_one);
        assert_eq!(worker, Some(home % 2));
        assert_ne!(thread, thread_id());
    }
    assert!(!spawn(|| blocking(is_coroutine)).join().unwrap());
}

#[test]
fn what_a_coroutine_creates_need_not_be_send() {
    runtime();
    let value = spawn(|| {
        let value = Rc::new(Cell::new(1));
        let also = Rc::clone(&value);
        sleep(Duration::from_millis(1));
        also.set(2);
        yield_now();
        value.get()
    });
    assert_eq!(value.join().unwrap(), 2);
}

#[test]
fn blocking_may_borrow_and_return_what_it_borrowed() {
    runtime();
    spawn(|| {
        let text = String::from("borrowed");
        let mut count = 0;
        let slice: &str = blocking(|| {
            count += text.len();
            assert!(!is_coroutine());
            std::thread::sleep(Duration::from_millis(5));
            &text[..3]
        });
        assert_eq!((slice, count), ("bor", 8));
    })
    .join()
    .unwrap();
    // On a plain thread the closure runs where it is.
    let here = thread_id();
    assert_eq!(blocking(thread_id), here);
}

#[test]
fn blocking_is_bounded() {
    runtime();
    static RUNNING: AtomicUsize = AtomicUsize::new(0);
    static MOST: AtomicUsize = AtomicUsize::new(0);
    let jobs: Vec<_> = (0..20)
        .map(|_| {
            spawn(|| {
                blocking(|| {
                    MOST.fetch_max(RUNNING.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    std::thread::sleep(Duration::from_millis(10));
                    RUNNING.fetch_sub(1, Ordering::SeqCst);
                });
            })
        })
        .collect();
    jobs.into_iter().for_each(|job| job.join().unwrap());
    assert!(MOST.load(Ordering::SeqCst) <= 4);
}

#[test]
fn many_short_coroutines_come_and_go() {
    runtime();
    for _ in 0..20 {
        let all: Vec<_> = (0..1000u64).map(|n| spawn(move || n)).collect();
        let sum: u64 = all.into_iter().map(|one| one.join().unwrap()).sum();
        assert_eq!(sum, 499_500);
    }
}
