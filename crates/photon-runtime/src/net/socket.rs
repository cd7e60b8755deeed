//! A socket registered with a worker: waiting, moving house, coarse deadlines.

use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::stream::Ready;
use super::wakeable::{DEADLINE, TIMER, WOKEN, Wakeable};
use crate::clock::{Alarm, TimerKey, instant_after};
use crate::coroutine::{Coroutine, with_current};
use crate::reactor::{GONE, IO, PASSED, Reactor, Token};
use crate::sys;
use crate::worker;

/// How long a destructor of an unwinding coroutine may block its worker on a socket.
const UNWINDING_PATIENCE: Duration = Duration::from_secs(5);
/// How often a plain thread looks for a wake or a deadline while it waits for a socket.
const SLICE: Duration = Duration::from_millis(20);

/// What ended a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Io,
    Deadline,
    Woken,
    Timer,
}

/// A kind of socket that std owns and closes.
pub(crate) trait Owner: AsFd + AsRawFd {}
impl<T: AsFd + AsRawFd> Owner for T {}

/// A socket, and where it is registered.
pub(crate) struct Socket<S: Owner> {
    registration: Option<Registration>,
    pub(crate) sys: S,
    pub(crate) wakeable: Arc<Wakeable>,
    /// The deadline, while the socket has no place.
    deadline: Option<Instant>,
    /// Whether the deadline has passed. It stays passed until a new one is set: every later wait must see it as well.
    passed: bool,
    /// What a plain thread waits for, which has no edge-triggered events to tell it.
    pub(crate) wants_write: bool,
    /// The peer is gone, and its last bytes have not all been read. The event that said so does not repeat.
    pub(crate) hung_up: bool,
    /// Whether it listens, and has no peer.
    pub(crate) listens: bool,
}

#[derive(Clone, Copy)]
struct Registration {
    reactor: &'static Reactor,
    token: Token,
}

impl<S: Owner> Socket<S> {
    /// Takes over a non-blocking socket. It is registered at its first wait on a coroutine.
    pub(crate) fn new(sys: S) -> Socket<S> {
        Socket {
            registration: None,
            sys,
            wakeable: Wakeable::new(),
            deadline: None,
            passed: false,
            wants_write: false,
            hung_up: false,
            listens: false,
        }
    }

    /// Registers the socket with the calling coroutine's worker.
    ///
    /// Does nothing on a plain thread, or if it is registered there already.
    #[inline]
    pub(crate) fn settle(&mut self) -> io::Result<()> {
        let Some(worker) = worker::current() else { return Ok(()) };
        match &self.registration {
            Some(registration) if std::ptr::eq(registration.reactor, worker.reactor) => Ok(()),
            _ => self.move_to(worker.reactor),
        }
    }

    #[cold]
    fn move_to(&mut self, reactor: &'static Reactor) -> io::Result<()> {
        self.leave();
        let token = reactor.register(self.sys.as_fd())?;
        self.registration = Some(Registration { reactor, token });
        self.wakeable.set_place(Some((reactor, token)));
        if let Some(at) = self.deadline.take() {
            reactor.set_deadline(token, Some(at.saturating_duration_since(Instant::now())));
        }
        Ok(())
    }

    /// Ends the registration. What is left of a deadline goes along.
    fn leave(&mut self) {
        let Some(Registration { reactor, token }) = self.registration.take() else { return };
        self.wakeable.set_place(None);
        let left = reactor.deregister(token, self.sys.as_fd());
        self.deadline = left.map(instant_after);
    }

    pub(crate) fn has_place(&self) -> bool {
        self.registration.is_some()
    }

    /// Where the socket is registered, which is with the calling coroutine's worker if it was nowhere.
    pub(crate) fn place(&mut self) -> io::Result<Option<(&'static Reactor, Token)>> {
        if self.registration.is_none() {
            self.settle()?;
        }
        Ok(self.registration.map(|Registration { reactor, token }| (reactor, token)))
    }

    /// Stores a coarse deadline, or removes it. One that has passed already is forgotten.
    #[inline]
    pub(crate) fn set_deadline(&mut self, after: Option<Duration>) {
        self.passed = false;
        match &self.registration {
            Some(registration) if worker::current().is_some() => match after {
                None if self.listens => registration.reactor.end_deadline(registration.token),
                _ => registration.reactor.set_deadline(registration.token, after),
            },
            _ => {
                // A plain thread looks at the time itself.
                self.leave();
                self.deadline = after.map(instant_after);
            }
        }
    }

    /// Takes notice of what has happened to the socket.
    #[inline]
    fn note(&mut self, events: u32) {
        self.hung_up |= events & GONE != 0 && !self.listens;
        self.passed |= events & PASSED != 0;
    }

    /// What would end a wait at once, whatever happens.
    pub(crate) fn pending(&self) -> Option<u32> {
        if self.hung_up && !self.wants_write {
            return Some(IO);
        }
        if self.passed {
            return Some(PASSED);
        }
        // Somebody may have called `wake` when there was no place to do it at, or while another event was told.
        (self.wakeable.has(WOKEN) != 0).then_some(0)
    }

    /// What ended the wait of a handler, by what happened to the socket.
    pub(crate) fn ready(&mut self, events: u32) -> Ready {
        self.note(events);
        if events & IO == 0 {
            match self.find(DEADLINE | WOKEN) {
                Some(Event::Deadline) => return Ready::Deadline,
                Some(Event::Woken) => return Ready::Woken,
                _ => {}
            }
        }
        Ready::Io
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
            // The kernel has no memory for it; try again later, by way of a spurious event.
            return if self.kept_deadline_passed(reasons) { Event::Deadline } else { without_registration() };
        }
        let Some(Registration { reactor, token }) = self.registration else { return Event::Io };
        if self.hung_up && !self.wants_write {
            return Event::Io;
        }
        loop {
            if let Some(event) = self.find(reasons) {
                coroutine.count_ready();
                return event;
            }
            let events = reactor.wait(token, coroutine);
            self.note(events);
            if events & IO != 0 {
                return Event::Io;
            }
        }
    }

    #[cold]
    fn wait_on_thread(&mut self, reasons: u8, give_up: Option<Instant>) -> Event {
        let events = if self.wants_write { libc::POLLOUT } else { libc::POLLIN };
        self.leave();
        loop {
            if self.kept_deadline_passed(reasons) {
                return Event::Deadline;
            }
            if let Some(event) = self.find(reasons) {
                return event;
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
        if reasons & DEADLINE != 0 && self.deadline.is_some_and(|at| at <= Instant::now()) {
            self.deadline = None;
            self.passed = true;
        }
        reasons & DEADLINE != 0 && self.passed
    }

    /// One of these reasons to end a wait, if there is one.
    #[inline]
    fn find(&self, reasons: u8) -> Option<Event> {
        if reasons & DEADLINE != 0 && self.passed {
            return Some(Event::Deadline);
        }
        let found = self.wakeable.has(reasons);
        let (reason, event) = match found {
            0 => return None,
            _ if found & WOKEN != 0 => (WOKEN, Event::Woken),
            _ => (TIMER, Event::Timer),
        };
        self.wakeable.clear(reason);
        Some(event)
    }

    /// Sets a precise timer for one blocking operation.
    pub(crate) fn start_timer(&self, after: Duration) -> OperationTimer {
        self.wakeable.clear(TIMER);
        let at = instant_after(after);
        let key =
            worker::current().map(|worker| worker.clock.set(at, Alarm::Socket(Arc::clone(&self.wakeable))));
        OperationTimer { at, key }
    }
}

impl<S: Owner> Drop for Socket<S> {
    fn drop(&mut self) {
        self.leave();
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
