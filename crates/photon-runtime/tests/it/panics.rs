//! A panic ends its coroutine and nothing else.

use std::time::Duration;

use photon_runtime::sync::{Mutex, oneshot};
use photon_runtime::{blocking, sleep, spawn};

use crate::{child, runtime};

#[test]
fn a_panic_leaves_the_others_alone() {
    runtime();
    let others: Vec<_> = (0..50)
        .map(|n| {
            spawn(move || {
                for _ in 0..20 {
                    sleep(Duration::from_millis(1));
                    assert!(!std::thread::panicking());
                }
                n
            })
        })
        .collect();
    for n in 0..50 {
        let panic = spawn(move || {
            sleep(Duration::from_millis(n % 3));
            if n % 2 == 0 {
                panic!("expected {n}");
            }
            blocking(|| panic!("expected {n}"));
        })
        .join()
        .unwrap_err();
        assert_eq!(*panic.downcast::<String>().unwrap(), format!("expected {n}"));
    }
    for (n, other) in others.into_iter().enumerate() {
        assert_eq!(other.join().unwrap(), n);
    }
}

#[test]
fn a_panic_releases_what_the_coroutine_held() {
    runtime();
    static LOCK: Mutex<u32> = Mutex::new(0);
    let (sender, receiver) = oneshot::channel::<()>();
    let panic = spawn(move || {
        let _sender = sender;
        let mut guard = LOCK.lock();
        *guard = 1;
        std::panic::panic_any(17);
    })
    .join();
    assert_eq!(*panic.unwrap_err().downcast::<i32>().unwrap(), 17);
    assert_eq!(receiver.recv(), None);
    assert_eq!(*LOCK.lock(), 1);
}

#[test]
fn a_result_that_panics_when_dropped_harms_nobody() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("expected");
        }
    }
    runtime();
    for _ in 0..10 {
        drop(spawn(|| {
            sleep(Duration::from_millis(2));
            Bomb
        }));
    }
    sleep(Duration::from_millis(30));
    assert_eq!(spawn(|| 1).join().unwrap(), 1);
}

#[test]
fn a_panic_is_printed_once() {
    const TEST: &str = "panics::a_panic_is_printed_once";
    if !child::is_child(TEST) {
        let output = child::run(TEST);
        let text = child::text(&output);
        assert!(output.status.success(), "{text}");
        for name in ["plain-panic", "pool-panic", "joined-panic"] {
            assert_eq!(text.matches(name).count(), 1, "{text}");
        }
        return;
    }
    runtime();
    spawn(|| panic!("plain-panic")).join().unwrap_err();
    spawn(|| blocking(|| panic!("pool-panic"))).join().unwrap_err();
    let nested = || spawn(|| panic!("joined-panic")).join_or_unwind();
    spawn(nested).join().unwrap_err();
}
