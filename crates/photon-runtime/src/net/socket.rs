//! A socket registered on a worker: placing its number, waiting, moving house, coarse deadlines.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use may::io::{CoIo, WaitIo};

use super::wakeable::{DEADLINE, TIMER, WOKEN, Wakeable};
use crate::clock::{Alarm, TimerKey};
use crate::coroutine::{Coroutine, with_current};
use crate::start::runtime;
use crate::sys::{self, Number};
use crate::worker::{self, Mail};

/// How long a destructor of an unwinding coroutine may block its worker on a socket.
const UNWINDING_PATIENCE: Duration = Duration::from_secs(5);
/// How often a plain thread looks for a wake or a deadline while it waits for a socket.
const SLICE: Duration = Duration::from_millis(20);
/// The peer has closed its side, or the connection is broken.
const GONE: usize = (libc::EPOLLRDHUP | libc::EPOLLHUP | libc::EPOLLERR) as usize;
const IO: usize = (libc::EPOLLIN | libc::EPOLLOUT) as usize | GONE;

/// What ended a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Io,
    Deadline,
    Woken,
    Timer,
}

/// A kind of socket that std owns and closes.
pub(crate) trait Owner: AsFd + AsRawFd + From<OwnedFd> {}
impl<T: AsFd + AsRawFd + From<OwnedFd>> Owner for T {}

/// A socket, and where it is registered.
pub(crate) struct Socket<S: Owner> {
    /// Declared before `sys`: the registration must end before the number can be used again.
    registration: Option<Registration>,
    pub(crate) sys: S,
    pub(crate) wakeable: Arc<Wakeable>,
    deadline: Deadline,
    /// How long the deadline was when it was set, if there is one: what is left of it only its worker knows.
    after: Option<Duration>,
    /// What a plain thread waits for, which has no edge-triggered selector to tell it.
    pub(crate) wants_write: bool,
    /// The peer is gone, and its last bytes have not all been read. The event that said so does not repeat.
    pub(crate) hung_up: bool,
}

struct Registration {
    io: CoIo<Number>,
    home: usize,
}

enum Deadline {
    None,
    /// A slot of the worker on which the socket is registered.
    Slot(usize),
    /// Kept by a plain thread, or by nobody while the socket has no place.
    At(Instant),
}

impl<S: Owner> Socket<S> {
    /// Takes over a non-blocking socket. It is registered at its first wait on a coroutine.
    pub(crate) fn new(sys: S) -> Socket<S> {
        Socket {
            registration: None,
            sys,
            wakeable: Wakeable::new(),
            deadline: Deadline::None,
            after: None,
            wants_write: false,
            hung_up: false,
        }
    }

    /// Registers the socket with the calling coroutine's worker, moving it to another number if it must.
    ///
    /// Does nothing on a plain thread, or if it is registered there already.
    #[inline]
    pub(crate) fn settle(&mut self) -> io::Result<()> {
        let Some(worker) = worker::current() else { return Ok(()) };
        match &self.registration {
            Some(registration) if registration.home == worker.id => Ok(()),
            _ => self.move_to(worker.id),
        }
    }

    #[cold]
    fn move_to(&mut self, home: usize) -> io::Result<()> {
        let workers = runtime().workers();
        self.leave();
        if self.sys.as_raw_fd() as usize % workers != home {
            self.sys = S::from(numbered_for(&self.sys, home, workers, usize::MAX)?);
        }
        let io = CoIo::new(Number(self.sys.as_raw_fd())).map_err(io::Error::from)?;
        self.wakeable.set_place(home, io.waker());
        self.registration = Some(Registration { io, home });
        self.occupy_slot();
        Ok(())
    }

    /// Ends the registration. A deadline goes along; it is counted anew, because how much of it is left is known to
    /// the worker alone.
    fn leave(&mut self) {
        if self.release_slot()
            && self.wakeable.has(DEADLINE) == 0
            && let Some(after) = self.after
        {
            self.deadline = Deadline::At(crate::clock::instant_after(after));
        }
        self.unregister();
    }

    fn unregister(&mut self) {
        self.wakeable.clear_place();
        self.registration = None;
    }

    /// Hands a deadline that nobody keeps over to the worker.
    fn occupy_slot(&mut self) {
        let (Deadline::At(at), Some(worker)) = (&self.deadline, worker::current()) else { return };
        let slot = worker.deadlines.reserve(worker, Arc::clone(&self.wakeable));
        worker.deadlines.set(slot, Some(at.saturating_duration_since(Instant::now())));
        self.deadline = Deadline::Slot(slot);
    }

    /// Gives the deadline's slot back, if there is one, and says whether there was.
    fn release_slot(&mut self) -> bool {
        let (&Deadline::Slot(slot), Some(registration)) = (&self.deadline, &self.registration) else {
            return false;
        };
        self.deadline = Deadline::None;
        self.wakeable.end_term();
        let home = registration.home;
        match worker::current() {
            Some(worker) if worker.id == home => worker.deadlines.release(slot),
            _ => {
                let release = Mail::Run(Box::new(move |worker| worker.deadlines.release(slot)));
                runtime().mailboxes[home].send(release);
            }
        }
        true
    }

    /// Stores a coarse deadline, or removes it. One that has passed already is forgotten.
    #[inline]
    pub(crate) fn set_deadline(&mut self, after: Option<Duration>) {
        self.wakeable.clear(DEADLINE);
        self.after = after;
        if let (Deadline::Slot(slot), Some(registration), Some(worker)) =
            (&self.deadline, &self.registration, worker::current())
            && registration.home == worker.id
        {
            return worker.deadlines.set(*slot, after);
        }
        self.first_deadline(after);
    }

    /// Sets a deadline where there is no slot for it yet.
    #[cold]
    fn first_deadline(&mut self, after: Option<Duration>) {
        if self.release_slot() {
            // It may have passed until now.
            self.wakeable.clear(DEADLINE);
        }
        let Some(after) = after else {
            self.deadline = Deadline::None;
            return;
        };
        self.deadline = Deadline::At(crate::clock::instant_after(after));
        match worker::current() {
            // Without a place it stays as it is, and the next wait tries again.
            Some(_) if self.settle().is_ok() => self.occupy_slot(),
            Some(_) => {}
            // The next coroutine must settle the socket anew, and thereby take the deadline over.
            None => self.unregister(),
        }
    }

    /// Waits until the socket may be ready, or for one of the `reasons`. May also report `Io` for no reason.
    #[inline]
    pub(crate) fn wait(&mut self, reasons: u8) -> Event {
        self.wait_with(reasons, None)
    }

    /// The same, with the timer of the operation that waits.
    #[inline]
    pub(crate) fn wait_with(&mut self, reasons: u8, timer: Option<&OperationTimer>) -> Event {
        with_current(|current| match current {
            Some(coroutine) if !thread::panicking() => {
                coroutine.assert_may_park("a wait for a socket");
                self.wait_on_coroutine(coroutine, reasons)
            }
            Some(_) => self.wait_on_thread(reasons, Some(Instant::now() + UNWINDING_PATIENCE)),
            // No clock serves a plain thread: it looks at the time itself.
            None => self.wait_on_thread(reasons, timer.map(|timer| timer.at)),
        })
    }

    #[inline]
    fn wait_on_coroutine(&mut self, coroutine: &Coroutine, reasons: u8) -> Event {
        if self.settle().is_err() {
            // No free descriptor to move house with; try again later, by way of a spurious event.
            return if self.kept_deadline_passed(reasons) { Event::Deadline } else { without_registration() };
        }
        let Some(registration) = &self.registration else { return Event::Io };
        if self.hung_up && !self.wants_write {
            return Event::Io;
        }
        loop {
            let found = self.wakeable.has(reasons);
            if found != 0 {
                coroutine.count_ready();
                return self.take(found);
            }
            let flags = coroutine.suspend(|| registration.io.wait_io());
            if flags & IO != 0 {
                if flags & GONE != 0 {
                    self.hung_up = true;
                }
                return Event::Io;
            }
        }
    }

    #[cold]
    fn wait_on_thread(&mut self, reasons: u8, give_up: Option<Instant>) -> Event {
        let events = if self.wants_write { libc::POLLOUT } else { libc::POLLIN };
        loop {
            if self.kept_deadline_passed(reasons) {
                return Event::Deadline;
            }
            let found = self.wakeable.has(reasons);
            if found != 0 {
                return self.take(found);
            }
            if sys::poll(self.sys.as_raw_fd(), events, SLICE) {
                return Event::Io;
            }
            if give_up.is_some_and(|at| at <= Instant::now()) {
                return Event::Timer;
            }
        }
    }

    /// Looks at a deadline that no worker keeps.
    fn kept_deadline_passed(&mut self, reasons: u8) -> bool {
        let passed =
            reasons & DEADLINE != 0 && matches!(self.deadline, Deadline::At(at) if at <= Instant::now());
        if passed {
            self.deadline = Deadline::None;
            self.wakeable.pass(DEADLINE);
        }
        passed
    }

    fn take(&self, found: u8) -> Event {
        let (reason, event) = if found & DEADLINE != 0 {
            (DEADLINE, Event::Deadline)
        } else if found & WOKEN != 0 {
            (WOKEN, Event::Woken)
        } else {
            (TIMER, Event::Timer)
        };
        // A deadline stays passed until a new one is set: every later wait must see it as well.
        if reason != DEADLINE {
            self.wakeable.clear(reason);
        }
        event
    }

    /// Sets a precise timer for one blocking operation.
    pub(crate) fn start_timer(&self, after: Duration) -> OperationTimer {
        self.wakeable.clear(TIMER);
        let at = crate::clock::instant_after(after);
        let key =
            worker::current().map(|worker| worker.clock.set(at, Alarm::Socket(Arc::clone(&self.wakeable))));
        OperationTimer { at, key }
    }
}

impl<S: Owner> Drop for Socket<S> {
    fn drop(&mut self) {
        self.release_slot();
        self.unregister();
    }
}

/// The timer of one blocking read or write; without a worker, only the instant.
pub(crate) struct OperationTimer {
    at: Instant,
    key: Option<TimerKey>,
}

impl OperationTimer {
    pub(crate) fn has_expired(&self) -> bool {
        self.at <= Instant::now()
    }
}

impl Drop for OperationTimer {
    fn drop(&mut self) {
        if let (Some(key), Some(worker)) = (self.key, worker::current()) {
            worker.clock.cancel(key);
        }
    }
}

#[cold]
fn without_registration() -> Event {
    crate::sleep(Duration::from_millis(10));
    Event::Io
}

/// The highest descriptor number seen, above which the table is probably empty.
static HIGHEST: AtomicI32 = AtomicI32::new(0);

/// A duplicate of a descriptor whose number maps to the worker, found in at most this many tries.
pub(crate) fn numbered_for(fd: &impl AsFd, home: usize, workers: usize, tries: usize) -> io::Result<OwnedFd> {
    let fd = fd.as_fd();
    let mut min = fd.as_raw_fd();
    for attempt in 1..=tries {
        // The next number of the right kind; those between are skipped without trying.
        min += 1;
        min += ((home + workers - min as usize % workers) % workers) as RawFd;
        let found = sys::duplicate_from(fd, min)?;
        let number = found.as_raw_fd();
        HIGHEST.fetch_max(number, Ordering::Relaxed);
        if number as usize % workers == home {
            return Ok(found);
        }
        min = number;
        if attempt == 4 {
            // A crowded stretch of the table: go on where there is room.
            min = min.max(HIGHEST.load(Ordering::Relaxed));
        }
    }
    Err(io::Error::new(io::ErrorKind::ResourceBusy, "no descriptor number for this worker was found"))
}
