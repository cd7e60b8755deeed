//! SIGINT and SIGTERM are seen by blocking code, the second one too.

use std::time::Duration;

use photon_runtime::signal::{self, Signal};
use photon_runtime::{sleep, spawn};

use crate::{child, runtime};

fn raise(signal: libc::c_int) {
    // SAFETY: sends a signal to this process, which handles it.
    assert_eq!(unsafe { libc::kill(libc::getpid(), signal) }, 0);
}

#[test]
fn the_first_and_the_second_signal_are_seen() {
    const TEST: &str = "signals::the_first_and_the_second_signal_are_seen";
    if !child::is_child(TEST) {
        return child::succeeds(TEST);
    }
    runtime();
    signal::listen().unwrap();
    assert_eq!(signal::shutdown_timeout(Duration::from_millis(10)), None);
    let waiters: Vec<_> = (0..3).map(|_| spawn(signal::shutdown)).collect();
    sleep(Duration::from_millis(50));
    raise(libc::SIGTERM);
    for waiter in waiters {
        assert_eq!(waiter.join().unwrap(), Signal::Terminate);
    }
    // The second: nobody waits when it comes, and it comes while the workers are busy.
    let busy: Vec<_> = (0..2).map(|_| spawn(|| std::thread::sleep(Duration::from_millis(100)))).collect();
    raise(libc::SIGINT);
    assert_eq!(signal::shutdown_timeout(Duration::from_secs(10)), Some(Signal::Interrupt));
    assert_eq!(signal::shutdown_timeout(Duration::from_millis(10)), None);
    busy.into_iter().for_each(|one| one.join().unwrap());
}
