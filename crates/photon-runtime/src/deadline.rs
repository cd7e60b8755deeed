//! Coarse deadlines of connections: one dense array per worker, swept fifty times a second while it is used.
//!
//! Setting a deadline is a store, so a server can set one per request; a timer per request would cost an
//! insertion and a removal each. Deadlines that need precision belong to the clock.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use crate::clock::Alarm;
use crate::net::Wakeable;
use crate::worker::Worker;

/// The unit of coarse deadlines. One expires at most five ticks late, and never early.
pub(crate) const TICK: Duration = Duration::from_millis(20);

/// Seconds of Unix time at the last sweep of any worker; zero while nobody sweeps.
static UNIX_SECONDS: AtomicU64 = AtomicU64::new(0);

/// The seconds since 1970, at most a few hundredths of a second late while connections with deadlines are open: for what
/// is said in every response. It costs a load; asking the kernel's clock costs more than finding a route.
pub fn unix_seconds() -> u64 {
    match UNIX_SECONDS.load(Ordering::Relaxed) {
        0 => seconds_by_the_clock(),
        seconds => seconds,
    }
}

fn seconds_by_the_clock() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

/// Added to every deadline: one tick that may be over already.
const MARGIN: u64 = 1;

/// Marks a deadline that was set since the last sweep, in terms of a tick that may be long over if the worker was
/// kept from sweeping. The next sweep adds to it what it advances.
const FRESH: u64 = 1 << 63;

const NEVER: u64 = u64::MAX;

/// One slot's use by one socket. A sweep that still finds the slot after the socket has moved away must not end a
/// deadline that the socket has elsewhere.
struct Owner {
    wakeable: Arc<Wakeable>,
    term: u32,
}

/// The deadline slots of one worker. Only its own thread touches them.
#[derive(Default)]
pub(crate) struct Deadlines {
    tick: Cell<u64>,
    /// When the current tick began.
    began: Cell<Option<Instant>>,
    sweeping: Cell<bool>,
    due: RefCell<Vec<u64>>,
    owners: RefCell<Vec<Option<Owner>>>,
    free: RefCell<Vec<usize>>,
}

impl Deadlines {
    /// Reserves a slot without a deadline and makes sure the sweeper runs.
    pub(crate) fn reserve(&self, worker: &'static Worker, wakeable: Arc<Wakeable>) -> usize {
        if !self.sweeping.replace(true) {
            self.began.set(Some(Instant::now()));
            worker.clock.set(Instant::now() + TICK, Alarm::Sweep);
        }
        let owner = Owner { term: wakeable.term(), wakeable };
        let mut owners = self.owners.borrow_mut();
        if let Some(slot) = self.free.borrow_mut().pop() {
            owners[slot] = Some(owner);
            return slot;
        }
        owners.push(Some(owner));
        self.due.borrow_mut().push(NEVER);
        owners.len() - 1
    }

    /// Gives a slot back.
    pub(crate) fn release(&self, slot: usize) {
        self.due.borrow_mut()[slot] = NEVER;
        self.owners.borrow_mut()[slot] = None;
        self.free.borrow_mut().push(slot);
    }

    /// Stores a deadline.
    #[inline]
    pub(crate) fn set(&self, slot: usize, after: Option<Duration>) {
        let due = match after {
            None => NEVER,
            Some(after) => {
                // In 64 bits, rounded up: a division of 128 would cost more than the rest of a request's deadline.
                let millis =
                    after.as_secs().saturating_mul(1000).saturating_add(u64::from(after.subsec_millis()) + 1);
                let ticks = millis.div_ceil(TICK.as_millis() as u64).min(FRESH / 2);
                (self.tick.get() + ticks + MARGIN) | FRESH
            }
        };
        self.due.borrow_mut()[slot] = due;
    }

    /// How many slots are in use.
    pub(crate) fn len(&self) -> usize {
        self.owners.borrow().len() - self.free.borrow().len()
    }

    /// Goes on to the current tick and returns how many that were.
    fn advance(&self) -> u64 {
        let now = Instant::now();
        let began = self.began.get().unwrap_or(now);
        let ticks = (now.saturating_duration_since(began).as_millis() / TICK.as_millis()) as u64;
        self.tick.set(self.tick.get() + ticks);
        // Keeping the remainder, so that long deadlines do not drift.
        self.began.set(Some(began + Duration::from_millis(ticks * TICK.as_millis() as u64)));
        ticks
    }

    /// Wakes the owners of the deadlines that have passed, and sets the next sweep while slots are in use.
    pub(crate) fn sweep(&self, worker: &'static Worker) {
        let advanced = self.advance();
        let now = self.tick.get();
        for (slot, due) in self.due.borrow_mut().iter_mut().enumerate() {
            if *due == NEVER {
                continue;
            }
            if *due & FRESH != 0 {
                *due = (*due & !FRESH) + advanced;
            }
            if *due <= now {
                *due = NEVER;
                if let Some(Owner { wakeable, term }) = &self.owners.borrow()[slot] {
                    // Only schedules the owner; it runs after the sweep and may then set its slot.
                    wakeable.pass_deadline(*term);
                }
            }
        }
        let goes_on = self.len() > 0;
        // Without sweeps it would stand still; another worker that sweeps sets it again.
        UNIX_SECONDS.store(if goes_on { seconds_by_the_clock() } else { 0 }, Ordering::Relaxed);
        if !goes_on {
            self.sweeping.set(false);
        } else {
            worker.clock.set(Instant::now() + TICK, Alarm::Sweep);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::time::Duration;

    use crate::net::{Ready, TcpStream};
    use crate::worker::current;
    use crate::{Builder, Settings, sleep, start};

    #[test]
    fn slots_are_given_back_wherever_the_stream_ends_and_the_sweeper_stops() {
        start(Settings { workers: 2, blocking_threads: 3, ..Settings::default() }).unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let slots = || current().map_or(usize::MAX, |worker| worker.deadlines.len());
        let on = |worker: usize| Builder::new().worker(worker);
        let make = move || {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.set_deadline(Some(Duration::from_secs(60)));
            (stream, slots())
        };
        let (first, used) = on(0).spawn(make).unwrap().join().unwrap();
        assert_eq!(used, 1);
        let (second, used) = on(0).spawn(make).unwrap().join().unwrap();
        assert_eq!(used, 2);
        // Dropped by a thread, and moved to the other worker.
        drop(first);
        let moved = on(1)
            .spawn(move || {
                let mut stream = second;
                stream.set_deadline(Some(Duration::from_millis(20)));
                while stream.wait_ready() != Ready::Deadline {}
                (stream, slots())
            })
            .unwrap();
        let (mut stream, used) = moved.join().unwrap();
        assert_eq!(used, 1);
        stream.write_all(b"x").unwrap();
        drop(stream);
        for worker in [0, 1] {
            let idle = move || {
                sleep(super::TICK * 3);
                (slots(), current().is_some_and(|worker| worker.deadlines.sweeping.get()))
            };
            assert_eq!(on(worker).spawn(idle).unwrap().join().unwrap(), (0, false), "worker {worker}");
        }
    }
}
