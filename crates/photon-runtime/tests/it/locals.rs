//! Coroutine-local values belong to one coroutine, also when its stack is used again.

use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use photon_runtime::{Builder, coroutine_local, sleep, spawn};

use crate::runtime;

coroutine_local! {
    static COUNT: Cell<u32> = Cell::new(0);
    static NAME: RefCell<String> = RefCell::new(String::from("nobody"))
}

#[test]
fn values_do_not_leak_between_coroutines_even_on_one_worker() {
    runtime();
    let coroutines: Vec<_> = (0..100)
        .map(|n| {
            let body = move || {
                assert_eq!(COUNT.with(Cell::get), 0);
                NAME.with(|name| *name.borrow_mut() = format!("c{n}"));
                for round in 0..10 {
                    COUNT.with(|count| {
                        assert_eq!(count.get(), round);
                        // The reference stays valid over a wait.
                        sleep(Duration::from_millis(1));
                        count.set(count.get() + 1);
                    });
                }
                NAME.with(|name| assert_eq!(*name.borrow(), format!("c{n}")));
            };
            Builder::new().worker(0).spawn(body).unwrap()
        })
        .collect();
    coroutines.into_iter().for_each(|coroutine| coroutine.join().unwrap());
}

#[test]
fn values_do_not_leak_through_the_stack_pool() {
    runtime();
    // One after the other: the pool hands the same stack out again and again.
    for _ in 0..600 {
        let body = || {
            let before = COUNT.with(|count| count.replace(9));
            assert_eq!((before, NAME.with(RefCell::take)), (0, String::from("nobody")));
        };
        Builder::new().worker(0).spawn(body).unwrap().join().unwrap();
    }
}

static DROPPED: AtomicUsize = AtomicUsize::new(0);

struct Counted;

impl Drop for Counted {
    fn drop(&mut self) {
        // A destructor may wait and may use locals, which are made anew.
        sleep(Duration::from_millis(1));
        assert_eq!(COUNT.with(Cell::get), 0);
        DROPPED.fetch_add(1, Ordering::SeqCst);
    }
}

coroutine_local! {
    static COUNTED: Counted = Counted;
}

#[test]
fn values_are_dropped_when_the_coroutine_ends_or_panics() {
    runtime();
    spawn(|| COUNTED.with(|_| ())).join().unwrap();
    assert_eq!(DROPPED.load(Ordering::SeqCst), 1);
    spawn(|| COUNTED.with(|_| panic!("expected"))).join().unwrap_err();
    assert_eq!(DROPPED.load(Ordering::SeqCst), 2);
}

static DROPPED_BY_RESULT: AtomicUsize = AtomicUsize::new(0);

struct OnCoroutine;

impl Drop for OnCoroutine {
    fn drop(&mut self) {
        assert!(photon_runtime::is_coroutine());
        DROPPED_BY_RESULT.fetch_add(1, Ordering::SeqCst);
    }
}

coroutine_local! {
    static MADE_BY_RESULT: OnCoroutine = OnCoroutine;
}

#[test]
fn values_made_by_the_result_s_destructor_are_dropped_on_the_coroutine() {
    struct Result;
    impl Drop for Result {
        fn drop(&mut self) {
            MADE_BY_RESULT.with(|_| ());
        }
    }
    runtime();
    // Nobody takes the result, so the coroutine drops it.
    drop(spawn(|| {
        sleep(Duration::from_millis(20));
        Result
    }));
    let start = std::time::Instant::now();
    while DROPPED_BY_RESULT.load(Ordering::SeqCst) == 0 {
        assert!(start.elapsed() < Duration::from_secs(5), "not dropped, or not on the coroutine");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_plain_thread_has_values_of_its_own() {
    runtime();
    COUNT.with(|count| count.set(5));
    assert_eq!(std::thread::spawn(|| COUNT.with(Cell::get)).join().unwrap(), 0);
    assert_eq!(spawn(|| COUNT.with(Cell::get)).join().unwrap(), 0);
    assert_eq!(COUNT.with(Cell::get), 5);
}
