//! The timers of one worker: a sorted map behind one timerfd that belongs to the worker.
//!
//! `may` has timers too, but its timer thread runs the coroutines it wakes, away from their home.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;
use std::sync::OnceLock;
use std::task::Waker;
use std::time::{Duration, Instant};

use may::io::{CoIo, WaitIo};

use crate::coroutine::Parker;
use crate::net::Wakeable;
use crate::sys::{self, Number};
use crate::worker::{AbortOnUnwind, Worker};

/// What a timer does when it expires.
pub(crate) enum Alarm {
    Unpark(Arc<Parker>),
    Socket(Arc<Wakeable>),
    /// Wake a future.
    Wake(Waker),
    /// Advance the coarse connection deadlines.
    Sweep,
}

/// When, and a number that keeps timers of the same millisecond apart.
pub(crate) type TimerKey = (u64, u64);

const NEVER: u64 = u64::MAX;

/// The timers of one worker. Only its own thread touches them.
pub(crate) struct Clock {
    timer: OwnedFd,
    alarms: RefCell<BTreeMap<TimerKey, Alarm>>,
    armed: Cell<u64>,
    serial: Cell<u64>,
}

/// The start of clock time, which is the first use of a clock.
fn epoch() -> Instant {
    static EPOCH: OnceLock<Instant> = OnceLock::new();
    *EPOCH.get_or_init(Instant::now)
}

/// The nanoseconds of clock time until now.
pub(crate) fn now_nanos() -> u64 {
    u64::try_from(epoch().elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// The instant `after` from now, or a very late one where that cannot be expressed.
pub(crate) fn instant_after(after: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(after).unwrap_or_else(|| now + Duration::from_secs(1 << 30))
}

impl Clock {
    pub(crate) fn new(timer: OwnedFd) -> Clock {
        Clock { timer, alarms: RefCell::default(), armed: Cell::new(NEVER), serial: Cell::new(0) }
    }

    /// Sets an alarm. Times round up to the next whole millisecond; a time in the past means the next one.
    pub(crate) fn set(&self, at: Instant, alarm: Alarm) -> TimerKey {
        let now = Instant::now();
        // Rounded up, so that nothing expires early and no short time becomes "never".
        let after = at.max(now + Duration::from_nanos(1)).saturating_duration_since(epoch());
        let due = u64::try_from(after.as_nanos().div_ceil(1_000_000)).unwrap_or(NEVER - 1);
        let serial = self.serial.get();
        self.serial.set(serial + 1);
        self.alarms.borrow_mut().insert((due, serial), alarm);
        if due < self.armed.get() {
            self.arm(due, now);
        }
        (due, serial)
    }

    /// Whether the alarm has not gone off yet.
    pub(crate) fn is_set(&self, key: TimerKey) -> bool {
        self.alarms.borrow().contains_key(&key)
    }

    /// Removes the alarm, leaving nothing behind; false if it has gone off already.
    pub(crate) fn cancel(&self, key: TimerKey) -> bool {
        // The timerfd stays as it is: one early wake is cheaper than a system call per cancelled timeout.
        let alarm = self.alarms.borrow_mut().remove(&key);
        alarm.is_some()
    }

    /// How many alarms are further away than this.
    #[cfg(test)]
    pub(crate) fn later_than(&self, after: Duration) -> usize {
        let from = (epoch().elapsed() + after).as_millis() as u64;
        self.alarms.borrow().range((from, 0)..).count()
    }

    fn arm(&self, due: u64, now: Instant) {
        self.armed.set(due);
        let after = (epoch() + Duration::from_millis(due)).saturating_duration_since(now);
        sys::set_timerfd(self.timer.as_raw_fd(), after);
    }

    fn ring(&self, worker: &'static Worker) {
        self.armed.set(NEVER);
        let now = epoch().elapsed().as_millis() as u64;
        while let Some(alarm) = self.pop(now) {
            match alarm {
                Alarm::Unpark(parker) => parker.deliver(),
                Alarm::Socket(socket) => socket.expire(),
                Alarm::Wake(waker) => waker.wake(),
                Alarm::Sweep => worker.reactor.sweep(worker),
            }
        }
        let next = self.alarms.borrow().first_key_value().map(|((due, _), _)| *due);
        if let Some(due) = next.filter(|due| *due < self.armed.get()) {
            self.arm(due, Instant::now());
        }
    }

    fn pop(&self, now: u64) -> Option<Alarm> {
        let mut alarms = self.alarms.borrow_mut();
        let entry = alarms.first_entry()?;
        if entry.key().0 > now {
            return None;
        }
        let alarm = entry.remove();
        Some(alarm)
    }
}

/// The body of the coroutine that serves a worker's timers.
pub(crate) fn run_clock(worker: &'static Worker) -> std::io::Result<()> {
    let timer = CoIo::new(Number(worker.clock.timer.as_raw_fd())).map_err(std::io::Error::from)?;
    let _fatal = AbortOnUnwind("the clock");
    loop {
        // Edge-triggered: an expiry is an event of its own, so the timerfd is never read.
        timer.wait_io();
        worker.clock.ring(worker);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::sync::oneshot;
    use crate::worker::current;
    use crate::{Builder, Settings, Wait, sleep, start};

    #[test]
    fn a_timeout_that_was_not_needed_leaves_nothing_behind() {
        start(Settings { workers: 2, blocking_threads: 3, ..Settings::default() }).unwrap();
        let long = || current().map_or(0, |worker| worker.clock.later_than(Duration::from_secs(1800)));
        let left = Builder::new()
            .worker(1)
            .spawn(move || {
                for n in 0..1000 {
                    let (sender, mut receiver) = oneshot::channel();
                    Builder::new().worker(n).spawn(move || sender.send(n)).unwrap();
                    assert_eq!(receiver.recv_timeout(Duration::from_secs(3600)), Ok(Some(n)));
                }
                let _ = std::future::pending::<()>().wait_timeout(Duration::from_millis(1));
                sleep(Duration::from_millis(1));
                long()
            })
            .unwrap()
            .join()
            .unwrap();
        assert_eq!(left, 0);
    }

    #[test]
    fn a_timeout_that_unwinds_leaves_nothing_behind() {
        start(Settings { workers: 2, blocking_threads: 3, ..Settings::default() }).unwrap();
        let long = || current().map_or(0, |worker| worker.clock.later_than(Duration::from_secs(1800)));
        let left = Builder::new()
            .worker(1)
            .spawn(move || {
                let polls = std::cell::Cell::new(0);
                let future = std::future::poll_fn(|context| -> std::task::Poll<()> {
                    polls.set(polls.get() + 1);
                    assert!(polls.get() < 2, "expected");
                    context.waker().wake_by_ref();
                    std::task::Poll::Pending
                });
                let wait = std::panic::AssertUnwindSafe(|| future.wait_timeout(Duration::from_secs(3600)));
                std::panic::catch_unwind(wait).unwrap_err();
                long()
            })
            .unwrap()
            .join()
            .unwrap();
        assert_eq!(left, 0);
    }
}
