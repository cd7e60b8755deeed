//! Coarse deadlines of connections: one dense array per worker, swept fifty times a second while it is used.
//!
//! Setting a deadline is a store, so a server can set one per request; a timer per request would cost an
//! insertion and a removal each. Deadlines that need precision belong to the clock.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

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

/// The slot has had no deadline yet.
const UNUSED: u64 = u64::MAX - 1;

/// The deadlines of one worker's sockets, by the number of their slot.
#[derive(Default)]
pub(crate) struct Deadlines {
    tick: u64,
    /// When the current tick began.
    began: Option<Instant>,
    due: Vec<u64>,
    /// Slots that have had a deadline.
    used: usize,
    sweeping: bool,
}

impl Deadlines {
    /// Takes a slot into use, without a deadline.
    pub(crate) fn open(&mut self, slot: usize) {
        if self.due.len() <= slot {
            self.due.resize(slot + 1, UNUSED);
        }
    }

    /// Gives a slot back, and says how much of its deadline was left.
    pub(crate) fn close(&mut self, slot: usize) -> Option<Duration> {
        let due = std::mem::replace(&mut self.due[slot], UNUSED);
        if due == UNUSED {
            return None;
        }
        self.used -= 1;
        let ticks = (due & !FRESH).saturating_sub(self.tick);
        (due != NEVER).then(|| TICK.saturating_mul(u32::try_from(ticks).unwrap_or(u32::MAX)))
    }

    /// Stores a deadline. Returns whether somebody has to begin to sweep.
    #[inline]
    pub(crate) fn set(&mut self, slot: usize, after: Option<Duration>) -> bool {
        let due = match after {
            None => NEVER,
            Some(after) => {
                // In 64 bits, rounded up: a division of 128 would cost more than the rest of a request's deadline.
                let millis =
                    after.as_secs().saturating_mul(1000).saturating_add(u64::from(after.subsec_millis()) + 1);
                let ticks = millis.div_ceil(TICK.as_millis() as u64).min(FRESH / 2);
                (self.tick + ticks + MARGIN) | FRESH
            }
        };
        if std::mem::replace(&mut self.due[slot], due) == UNUSED {
            self.used += 1;
        }
        self.begin()
    }

    /// Takes a slot into use as one with a deadline, if it is not.
    #[inline]
    pub(crate) fn touch(&mut self, slot: usize) -> bool {
        self.due[slot] == UNUSED && self.set(slot, None)
    }

    /// Returns whether somebody has to begin to sweep, which they have from here on.
    #[inline]
    pub(crate) fn begin(&mut self) -> bool {
        if self.sweeping {
            return false;
        }
        self.began = Some(Instant::now());
        self.sweeping = true;
        true
    }

    /// How many slots have had a deadline.
    pub(crate) fn used(&self) -> usize {
        self.used
    }

    /// How many slots have had a deadline, and whether somebody sweeps.
    #[cfg(test)]
    pub(crate) fn in_use(&self) -> (usize, bool) {
        (self.used, self.sweeping)
    }

    /// Goes on to the current tick and returns how many that were.
    fn advance(&mut self) -> u64 {
        let now = Instant::now();
        let began = self.began.unwrap_or(now);
        let ticks = (now.saturating_duration_since(began).as_millis() / TICK.as_millis()) as u64;
        self.tick += ticks;
        // Keeping the remainder, so that long deadlines do not drift.
        self.began = Some(began + Duration::from_millis(ticks * TICK.as_millis() as u64));
        ticks
    }

    /// Removes the deadlines that have passed, and names their slots.
    pub(crate) fn sweep(&mut self, mut passed: impl FnMut(usize)) {
        let advanced = self.advance();
        for (slot, due) in self.due.iter_mut().enumerate() {
            if *due == NEVER || *due == UNUSED {
                continue;
            }
            if *due & FRESH != 0 {
                *due = (*due & !FRESH) + advanced;
            }
            if *due <= self.tick {
                *due = NEVER;
                passed(slot);
            }
        }
    }

    /// Says whether there will be another sweep.
    pub(crate) fn go_on(&mut self, goes_on: bool) {
        self.sweeping = goes_on;
        // Without sweeps it would stand still; another worker that sweeps sets it again.
        UNIX_SECONDS.store(if goes_on { seconds_by_the_clock() } else { 0 }, Ordering::Relaxed);
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
    fn what_is_left_of_a_deadline_is_never_less_than_it_was() {
        let mut deadlines = super::Deadlines::default();
        deadlines.open(3);
        assert_eq!((deadlines.close(3), deadlines.used()), (None, 0));
        let after = Duration::from_millis(100);
        assert!(deadlines.set(3, Some(after)), "somebody has to begin to sweep");
        assert!(!deadlines.set(3, Some(after)) && !deadlines.touch(3));
        deadlines.sweep(|_| panic!("nothing has passed"));
        assert_eq!(deadlines.used(), 1);
        let left = deadlines.close(3).unwrap();
        assert!((after..=after + super::TICK * 3).contains(&left), "{left:?}");
        assert!(!deadlines.set(3, None));
        assert_eq!((deadlines.close(3), deadlines.used()), (None, 0));
    }

    #[test]
    fn slots_are_given_back_wherever_the_stream_ends_and_the_sweeper_stops() {
        start(Settings { workers: 2, blocking_threads: 3, ..Settings::default() }).unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let slots = || current().map_or(usize::MAX, |worker| worker.reactor.deadlines_in_use().0);
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
                current().map(|worker| worker.reactor.deadlines_in_use())
            };
            assert_eq!(on(worker).spawn(idle).unwrap().join().unwrap(), Some((0, false)), "worker {worker}");
        }
    }
}
