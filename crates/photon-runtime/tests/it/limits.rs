//! What the machine does not give is an error, not the end.

use std::io::{Read, Write};
use std::sync::Arc;
use std::time::Duration;

use photon_runtime::net::TcpListener;
use photon_runtime::sync::Notify;
use photon_runtime::{
    Settings, SpawnError, StartError, live_coroutines, max_connections, max_coroutines, spawn, start,
    try_spawn,
};

use crate::{child, runtime};

#[test]
fn the_coroutine_limit_is_an_error_and_the_process_lives_on() {
    const TEST: &str = "limits::the_coroutine_limit_is_an_error_and_the_process_lives_on";
    if !child::is_child(TEST) {
        return child::succeeds(TEST);
    }
    // The real limit: two maps per coroutine, whatever the size of its stack.
    start(Settings { workers: 2, stack_size: 64 * 1024, ..Settings::default() }).unwrap();
    let gate = Arc::new(Notify::new());
    let mut parked = Vec::new();
    let error = loop {
        let gate = Arc::clone(&gate);
        match try_spawn(move || gate.wait()) {
            Ok(handle) => parked.push(handle),
            Err(error) => break error,
        }
        assert!(parked.len() <= max_coroutines());
    };
    assert!(matches!(error, SpawnError::Limit { limit } if limit == max_coroutines()), "{error}");
    assert!(error.to_string().contains("max_map_count"), "{error}");
    assert_eq!(parked.len(), max_coroutines());
    // A connection that cannot be served comes back, so that it can be told.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut client = std::net::TcpStream::connect(listener.local_addr()).unwrap();
    let refused = listener.accept().unwrap().spawn(|_| ()).unwrap_err();
    assert!(matches!(refused.error, SpawnError::Limit { .. }));
    refused.incoming.into_std().write_all(b"503").unwrap();
    let mut text = String::new();
    client.read_to_string(&mut text).unwrap();
    assert_eq!(text, "503");
    // Everything is still usable, and room is made by those that end.
    while live_coroutines() > 0 {
        gate.notify_all();
        std::thread::sleep(Duration::from_millis(5));
    }
    parked.into_iter().for_each(|handle| handle.join().unwrap());
    assert_eq!(spawn(|| 1).join().unwrap(), 1);
}

#[test]
fn a_stack_that_the_kernel_refuses_is_an_error() {
    runtime();
    let huge = photon_runtime::Builder::new().stack_size(1 << 46).spawn(|| ());
    assert!(matches!(huge.unwrap_err(), SpawnError::Stack { size } if size == 1 << 46));
    assert_eq!(spawn(|| 1).join().unwrap(), 1);
}

#[test]
fn limits_are_derived_from_the_machine() {
    runtime();
    let maps: usize = std::fs::read_to_string("/proc/sys/vm/max_map_count").unwrap().trim().parse().unwrap();
    assert!(max_coroutines() < maps / 2);
    let mut files = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: a valid rlimit to write to.
    assert_eq!(unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut files) }, 0);
    // The soft limit was raised to the hard one, and some files are left for other things.
    assert_eq!(files.rlim_cur, files.rlim_max);
    let files = files.rlim_cur as usize;
    assert!((files / 2..files).contains(&max_connections()), "{} of {files}", max_connections());
}

#[test]
fn a_second_start_with_other_settings_is_an_error() {
    runtime();
    let other = Settings { workers: 7, blocking_threads: 4, ..Settings::default() };
    let error = start(other).unwrap_err();
    assert!(matches!(&error, StartError::AlreadyStarted { running } if running.workers == 2), "{error}");
    let error = start(Settings { stack_size: 1, ..Settings::default() }).unwrap_err();
    assert!(error.to_string().contains("Settings::stack_size is \"1\""), "{error}");
}

#[test]
fn the_environment_decides_if_nobody_starts_the_runtime() {
    const TEST: &str = "limits::the_environment_decides_if_nobody_starts_the_runtime";
    if child::is_child(TEST) {
        assert_eq!(photon_runtime::workers(), 3);
        assert_eq!(spawn(|| [0u8; 150_000].len()).join().unwrap(), 150_000);
        return;
    }
    let run = |workers: &str| {
        std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", TEST, "--nocapture"])
            .envs([("PHOTON_TEST_CHILD", TEST), ("PHOTON_WORKERS", workers), ("PHOTON_STACK_SIZE", "2M")])
            .output()
            .unwrap()
    };
    let output = run("3");
    assert!(output.status.success(), "{}", child::text(&output));
    let text = child::text(&run("three"));
    assert!(text.contains("PHOTON_WORKERS is \"three\""), "{text}");
}
