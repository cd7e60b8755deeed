//! What holds a worker is named; what waits is not.

use std::time::{Duration, Instant};

use photon_runtime::{blocking, doing, sleep, spawn};

use crate::child;

fn compute(duration: Duration) {
    let began = Instant::now();
    while began.elapsed() < duration {
        std::hint::spin_loop();
    }
}

#[test]
fn what_holds_a_worker_is_named_once() {
    const TEST: &str = "watchdog::what_holds_a_worker_is_named_once";
    if !child::is_child(TEST) {
        let output = child::run_with(TEST, &[("PHOTON_WATCHDOG_MS", "60")]);
        let text = child::text(&output);
        assert!(output.status.success(), "{text}");
        assert_eq!(text.matches("photon: GET /long has held worker").count(), 1, "{text}");
        assert!(!text.contains("GET /patient") && !text.contains("GET /polite"), "{text}");
        return;
    }
    crate::runtime();
    let run = |what: &'static str, body: fn()| {
        spawn(move || {
            let _doing = doing(|| what.into());
            body();
        })
    };
    run("GET /long", || compute(Duration::from_millis(300))).join().unwrap();
    let patient = run("GET /patient", || sleep(Duration::from_millis(200)));
    let polite = run("GET /polite", || blocking(|| compute(Duration::from_millis(200))));
    patient.join().unwrap();
    polite.join().unwrap();
    // Nobody said what this is, so nobody is told.
    spawn(|| compute(Duration::from_millis(150))).join().unwrap();
}

#[test]
fn a_limit_that_is_no_number_is_named_once() {
    const TEST: &str = "watchdog::a_limit_that_is_no_number_is_named_once";
    if !child::is_child(TEST) {
        let output = child::run_with(TEST, &[("PHOTON_WATCHDOG_MS", "1s")]);
        let text = child::text(&output);
        assert!(output.status.success(), "{text}");
        assert_eq!(
            text.matches("photon: PHOTON_WATCHDOG_MS is \"1s\", but must be a number").count(),
            1,
            "{text}"
        );
        return;
    }
    crate::runtime();
    for _ in 0..3 {
        spawn(|| drop(doing(|| "GET /".into()))).join().unwrap();
    }
}

#[test]
fn what_has_ended_holds_nothing() {
    const TEST: &str = "watchdog::what_has_ended_holds_nothing";
    if !child::is_child(TEST) {
        let output = child::run_with(TEST, &[("PHOTON_WATCHDOG_MS", "60")]);
        let text = child::text(&output);
        assert!(output.status.success(), "{text}");
        assert!(!text.contains("has held worker"), "{text}");
        return;
    }
    crate::runtime();
    // The guard is forgotten, and with it the end of what it names.
    spawn(|| std::mem::forget(doing(|| "GET /forgotten".into()))).join().unwrap();
    std::thread::sleep(Duration::from_millis(200));
}
