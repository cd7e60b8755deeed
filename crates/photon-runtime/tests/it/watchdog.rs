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
