//! A stack overflow ends the process with a message, and nothing else looks like one.

use std::os::unix::process::ExitStatusExt;

use photon_runtime::{Builder, Settings, sleep, spawn, start};

use crate::child;

#[inline(never)]
fn recurse(depth: u64) -> u64 {
    let frame = std::hint::black_box([depth; 64]);
    if depth == u64::MAX { 0 } else { recurse(depth + 1).wrapping_add(frame[depth as usize % 64]) }
}

fn ends_with(test: &str, signal: i32, texts: &[&str]) {
    let output = child::run(test);
    let text = child::text(&output);
    assert_eq!(output.status.signal(), Some(signal), "{}\n{text}", output.status);
    for expected in texts {
        assert!(text.contains(expected), "{expected:?} is missing from:\n{text}");
    }
}

fn small() {
    start(Settings { workers: 2, stack_size: 128 * 1024, ..Settings::default() }).unwrap();
}

#[test]
fn the_message_names_the_coroutine_and_what_to_raise() {
    const TEST: &str = "overflow::the_message_names_the_coroutine_and_what_to_raise";
    if !child::is_child(TEST) {
        let expected =
            ["coroutine 'deep thought'", "131072 bytes", "PHOTON_STACK_SIZE", "Settings::stack_size"];
        return ends_with(TEST, libc::SIGABRT, &expected);
    }
    small();
    let _ = Builder::new().name("deep thought").spawn(|| recurse(0)).unwrap().join();
}

#[test]
fn an_unnamed_coroutine_with_a_stack_of_its_own_is_reported_too() {
    const TEST: &str = "overflow::an_unnamed_coroutine_with_a_stack_of_its_own_is_reported_too";
    if !child::is_child(TEST) {
        return ends_with(TEST, libc::SIGABRT, &["an unnamed coroutine", "266240 bytes"]);
    }
    small();
    let ballast = [7u8; 20_000];
    let body = move || {
        // After waits, on top of which the scheduler has been elsewhere.
        (0..3).for_each(|_| sleep(std::time::Duration::from_millis(1)));
        recurse(u64::from(ballast[0]))
    };
    let _ = Builder::new().stack_size(262_145).spawn(body).unwrap().join();
}

#[test]
fn a_thread_keeps_the_message_of_std() {
    const TEST: &str = "overflow::a_thread_keeps_the_message_of_std";
    if !child::is_child(TEST) {
        return ends_with(TEST, libc::SIGABRT, &["thread 'plain'", "has overflowed its stack"]);
    }
    small();
    spawn(|| ()).join().unwrap();
    let _ = std::thread::Builder::new().name("plain".into()).spawn(|| recurse(0)).unwrap().join();
}

#[test]
fn another_fault_is_still_a_fault() {
    const TEST: &str = "overflow::another_fault_is_still_a_fault";
    if !child::is_child(TEST) {
        let output = child::run(TEST);
        assert_eq!(output.status.signal(), Some(libc::SIGSEGV));
        assert!(!child::text(&output).contains("overflowed"));
        return;
    }
    small();
    let _ = spawn(|| {
        // SAFETY: none: this is the fault that the test is about.
        unsafe { std::ptr::write_volatile(std::ptr::without_provenance_mut::<u8>(64), 1) }
    })
    .join();
}

#[test]
fn deep_but_sufficient_recursion_works() {
    crate::runtime();
    fn sum(n: u64) -> u64 {
        if n == 0 { 0 } else { std::hint::black_box(n) + sum(n - 1) }
    }
    assert_eq!(spawn(|| sum(2000)).join().unwrap(), 2_001_000);
}
