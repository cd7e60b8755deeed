//! Waking a coroutine that waits for its socket, for a reason other than the socket.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use may::io::WaitIoWaker;

use crate::start::runtime;
use crate::worker::{self, Mail, Worker};

/// Somebody called `wake`.
pub(crate) const WOKEN: u8 = 1;
/// The coarse deadline has passed.
pub(crate) const DEADLINE: u8 = 2;
/// The timer of one blocking operation has expired.
pub(crate) const TIMER: u8 = 4;

/// Where the number of the term begins in the state.
const TERM: u32 = 8;

/// The part of a socket that others may hold on to.
pub(crate) struct Wakeable {
    /// The reasons in the lowest byte, and the number of the deadline's term of office in the rest: together, so
    /// that a deadline passes only within its own term.
    state: AtomicU32,
    /// Whether the courier already has mail for this socket; keeps the mailbox as short as the number of sockets.
    posted: AtomicBool,
    /// Where the socket is registered, if it is.
    place: Mutex<Option<Place>>,
}

struct Place {
    home: usize,
    waker: WaitIoWaker,
}

impl Wakeable {
    pub(crate) fn new() -> Arc<Wakeable> {
        Arc::new(Wakeable {
            state: AtomicU32::new(0),
            posted: AtomicBool::new(false),
            place: Mutex::new(None),
        })
    }

    /// Which of these reasons are there.
    #[inline]
    pub(crate) fn has(&self, reasons: u8) -> u8 {
        self.state.load(Ordering::Acquire) as u8 & reasons
    }

    #[inline]
    pub(crate) fn clear(&self, reasons: u8) {
        if self.has(reasons) != 0 {
            self.state.fetch_and(!u32::from(reasons), Ordering::AcqRel);
        }
    }

    /// Adds a reason without waking anybody; for the socket itself.
    pub(crate) fn pass(&self, reason: u8) {
        self.state.fetch_or(u32::from(reason), Ordering::AcqRel);
    }

    /// The number of the current term.
    pub(crate) fn term(&self) -> u32 {
        self.state.load(Ordering::Acquire) >> TERM
    }

    /// Begins another term: whoever still keeps a deadline of an earlier one keeps it in vain.
    pub(crate) fn end_term(&self) {
        self.state.fetch_add(1 << TERM, Ordering::AcqRel);
    }

    pub(crate) fn set_place(&self, home: usize, waker: WaitIoWaker) {
        *self.place.lock().unwrap_or_else(PoisonError::into_inner) = Some(Place { home, waker });
    }

    pub(crate) fn clear_place(&self) {
        self.place.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// Wakes the coroutine from any thread.
    pub(crate) fn wake(self: &Arc<Self>) {
        self.wake_for(WOKEN);
    }

    /// The deadline of this term has passed; called by the sweeper, on the worker of the slot.
    pub(crate) fn pass_deadline(self: &Arc<Self>, term: u32) {
        let pass = |state: u32| (state >> TERM == term).then_some(state | u32::from(DEADLINE));
        if self.state.fetch_update(Ordering::AcqRel, Ordering::Acquire, pass).is_ok() {
            self.notify();
        }
    }

    /// The timer has expired; called by the clock, on the worker that set it.
    pub(crate) fn expire(self: &Arc<Self>) {
        self.wake_for(TIMER);
    }

    fn wake_for(self: &Arc<Self>, reason: u8) {
        self.state.fetch_or(u32::from(reason), Ordering::AcqRel);
        self.notify();
    }

    /// Wakes the coroutine if this is its worker and nobody else has to run first, and posts it there otherwise.
    fn notify(self: &Arc<Self>) {
        self.at_place(Worker::take_turn);
    }

    /// The last step of a wake, for the courier.
    pub(crate) fn deliver(self: &Arc<Self>) {
        // A swap and not a store: whoever found `posted` set relies on what it wrote before being seen.
        self.posted.swap(false, Ordering::AcqRel);
        self.at_place(|_| true);
    }

    fn at_place(self: &Arc<Self>, may_wake: impl FnOnce(&Worker) -> bool) {
        let place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        // A socket without a place finds its reasons when it next waits.
        let Some(Place { home, waker }) = &*place else { return };
        if worker::current().is_some_and(|worker| worker.id == *home && may_wake(worker)) {
            // `may` unparks where it is called, which is why this must be the home worker.
            waker.wakeup();
        } else if !self.posted.swap(true, Ordering::AcqRel) {
            runtime().mailboxes[*home].send(Mail::Socket(Arc::clone(self)));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::thread;
    use std::time::Duration;

    use super::*;
    use crate::net::{Ready, TcpStream};
    use crate::{Builder, Settings, start};

    #[test]
    fn many_wakes_are_one_letter() {
        start(Settings { workers: 2, blocking_threads: 3, ..Settings::default() }).unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (send, receive) = std::sync::mpsc::channel();
        let waiting = Builder::new().worker(1).spawn(move || {
            let mut stream = TcpStream::connect(address).unwrap();
            send.send(stream.waker()).unwrap();
            while stream.wait_ready() != Ready::Woken {}
        });
        let waker = receive.recv().unwrap();
        // While this lasts, nobody reads the worker's mail.
        let busy = Builder::new().worker(1).spawn(|| thread::sleep(Duration::from_millis(150)));
        thread::sleep(Duration::from_millis(50));
        (0..1000).for_each(|_| waker.wake());
        // Other tests write letters as well.
        let letters = runtime().mailboxes[1].len();
        assert!((1..100).contains(&letters), "{letters} letters");
        busy.unwrap().join().unwrap();
        waiting.unwrap().join().unwrap();
    }

    #[test]
    fn a_deadline_passes_only_within_its_own_term() {
        let wakeable = Wakeable::new();
        let first = wakeable.term();
        wakeable.pass_deadline(first);
        assert_eq!(wakeable.has(DEADLINE | WOKEN), DEADLINE);
        wakeable.clear(DEADLINE);
        // The socket has gone to another worker, and the first one still finds its slot.
        wakeable.end_term();
        wakeable.pass_deadline(first);
        assert_eq!(wakeable.has(DEADLINE), 0);
        wakeable.pass_deadline(wakeable.term());
        assert_eq!(wakeable.has(DEADLINE), DEADLINE);
    }
}
