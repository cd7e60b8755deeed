//! Requests to shut down: SIGINT and SIGTERM, seen by plain blocking code.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI32, AtomicU32, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use tokio::sync::watch;

use crate::sys;
use crate::wait::Wait;

/// What asked the process to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGINT: somebody pressed Ctrl-C.
    Interrupt,
    /// SIGTERM: a supervisor stops the service.
    Terminate,
}

const SIGNALS: [(libc::c_int, Signal); 2] =
    [(libc::SIGINT, Signal::Interrupt), (libc::SIGTERM, Signal::Terminate)];

/// What the handler writes. It may do nothing else.
static COUNTS: [AtomicU32; 2] = [const { AtomicU32::new(0) }; 2];
static BELL: AtomicI32 = AtomicI32::new(-1);

/// Signals that [`shutdown`] has returned.
static RETURNED: AtomicUsize = AtomicUsize::new(0);

static RECEIVED: OnceLock<watch::Receiver<Vec<Signal>>> = OnceLock::new();

/// Blocks the calling coroutine or thread until SIGINT or SIGTERM arrives, and says which.
///
/// Everybody who waits at that time is told. A later call waits for the next signal, and returns at once if
/// that has arrived already: a server calls this once to begin its drain and again to learn that somebody wants
/// it to stop at once. From the first call on the signals no longer end the process.
///
/// # Panics
/// If the kernel refuses the handler, a descriptor or a thread; [`listen`] reports that as an error.
#[track_caller]
pub fn shutdown() -> Signal {
    match next(None) {
        Some(signal) => signal,
        None => unreachable!("a wait without a timeout cannot time out"),
    }
}

/// Like [`shutdown`], but gives up after a while.
///
/// # Panics
/// As [`shutdown`].
#[track_caller]
#[must_use]
pub fn shutdown_timeout(timeout: Duration) -> Option<Signal> {
    next(Some(timeout))
}

/// Takes the signals over without waiting, so that one that arrives before [`shutdown`] is called is not lost
/// and does not end the process. Repeating it does nothing.
///
/// # Errors
/// If the kernel refuses the handler, a descriptor or a thread.
pub fn listen() -> io::Result<()> {
    receiver().map(|_| ())
}

#[track_caller]
fn next(timeout: Option<Duration>) -> Option<Signal> {
    let mut received = match receiver() {
        Ok(receiver) => receiver,
        Err(error) => panic!("cannot listen for SIGINT and SIGTERM: {error}"),
    };
    let seen = RETURNED.load(Ordering::Acquire);
    let arrived = async {
        let signals = received.wait_for(|signals| signals.len() > seen).await;
        signals.map(|signals| signals[seen])
    };
    let signal = match timeout {
        None => arrived.wait(),
        Some(timeout) => arrived.wait_timeout(timeout).ok()?,
    };
    RETURNED.fetch_max(seen + 1, Ordering::AcqRel);
    // The sender lives in a thread that never ends.
    signal.ok()
}

fn receiver() -> io::Result<watch::Receiver<Vec<Signal>>> {
    static INSTALLING: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _guard = INSTALLING.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(receiver) = RECEIVED.get() {
        return Ok(receiver.clone());
    }
    let receiver = install()?;
    Ok(RECEIVED.get_or_init(|| receiver).clone())
}

/// A thread of its own reads the bell, so that a signal is seen even when every worker is busy.
fn install() -> io::Result<watch::Receiver<Vec<Signal>>> {
    let bell = sys::blocking_eventfd()?;
    BELL.store(bell.as_raw_fd(), Ordering::Release);
    let (sender, receiver) = watch::channel(Vec::new());
    thread::Builder::new().name("photon-signals".into()).spawn(move || forward(&bell, &sender))?;
    for (signal, _) in SIGNALS {
        sys::handle_signal(signal, on_signal)?;
    }
    Ok(receiver)
}

extern "C" fn on_signal(signal: libc::c_int) {
    for (count, (number, _)) in COUNTS.iter().zip(SIGNALS) {
        if number == signal {
            count.fetch_add(1, Ordering::AcqRel);
        }
    }
    sys::notify_keeping_errno(BELL.load(Ordering::Acquire));
}

fn forward(bell: &OwnedFd, sender: &watch::Sender<Vec<Signal>>) {
    loop {
        sys::read_eventfd(bell.as_fd());
        for (count, (_, signal)) in COUNTS.iter().zip(SIGNALS) {
            for _ in 0..count.swap(0, Ordering::AcqRel) {
                sender.send_modify(|signals| signals.push(signal));
            }
        }
    }
}
