//! One worker thread: its mailbox, its courier, and the state only its own coroutines touch.
//!
//! `may` resumes a coroutine on whichever thread unparks it. So nobody but the home worker may unpark: every
//! other thread leaves mail, and the *courier*, a coroutine blocked on an eventfd that belongs to the worker,
//! delivers it there.

use std::cell::Cell;
#[cfg(feature = "worker-io")]
use std::cell::OnceCell;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use may::io::{CoIo, WaitIo};

use crate::clock::Clock;
use crate::coroutine::{Coroutine, Parker};
use crate::leader::Crew;
use crate::reactor::Reactor;
use crate::sys::{self, Number};
use crate::watchdog::Watch;

/// How many wakes and ready waits a worker allows before its courier, and with it the selector, gets a turn.
///
/// `may` runs its local queue until it is empty before it looks at sockets again; two coroutines that keep
/// waking each other would starve every connection of their worker. Once the turns are used up, wakes go
/// through the courier, so the local queue drains.
const TURNS: u32 = 256;

thread_local! {
    static WORKER: Cell<Option<&'static Worker>> = const { Cell::new(None) };
}

/// The state of the worker thread this is called on, or `None` on any other thread.
#[inline]
pub(crate) fn current() -> Option<&'static Worker> {
    WORKER.get()
}

/// What a courier carries.
pub(crate) enum Mail {
    /// Unpark a coroutine.
    Unpark(Arc<Parker>),
    /// Run something short that touches the worker's own state. It must not wait.
    Run(Box<dyn FnOnce(&'static Worker) + Send>),
}

/// The part of a worker that other threads may use.
pub(crate) struct Mailbox {
    mail: Mutex<Vec<Mail>>,
    bell: OwnedFd,
}

impl Mailbox {
    pub(crate) fn new(bell: OwnedFd) -> Mailbox {
        Mailbox { mail: Mutex::new(Vec::new()), bell }
    }

    /// The epoll descriptor of `may`'s selector, which watches the bell.
    pub(crate) fn selector(&self) -> std::io::Result<OwnedFd> {
        sys::epoll_watching(self.bell.as_raw_fd())
    }

    pub(crate) fn send(&self, mail: Mail) {
        let mut queue = self.mail.lock().unwrap_or_else(PoisonError::into_inner);
        queue.push(mail);
        let first = queue.len() == 1;
        drop(queue);
        // Whoever ends the emptiness rings; the courier takes everything that is there when it comes.
        if first {
            sys::notify(self.bell.as_raw_fd());
        }
    }
}

/// What only the worker's own thread touches. Lives as long as the process.
pub(crate) struct Worker {
    pub(crate) id: usize,
    pub(crate) mailbox: &'static Mailbox,
    pub(crate) clock: Clock,
    pub(crate) reactor: &'static Reactor,
    pub(crate) crew: Crew,
    pub(crate) watch: &'static Watch,
    turns: Cell<u32>,
    /// How many coroutines were woken since the leader last let them run.
    unparked: Cell<u64>,
    /// tokio's I/O on this worker, once somebody asked for it.
    #[cfg(feature = "worker-io")]
    io: OnceCell<Option<&'static tokio::runtime::Runtime>>,
}

impl Worker {
    /// Makes the calling thread this worker. Called once, by the worker's courier, before anything else runs.
    pub(crate) fn install(id: usize, reactor: &'static Reactor, timer: OwnedFd) -> &'static Worker {
        let worker: &'static Worker = Box::leak(Box::new(Worker {
            id,
            mailbox: reactor.mailbox(),
            clock: Clock::new(timer),
            reactor,
            crew: Crew::default(),
            watch: Box::leak(Box::default()),
            turns: Cell::new(TURNS),
            unparked: Cell::new(0),
            #[cfg(feature = "worker-io")]
            io: OnceCell::new(),
        }));
        WORKER.set(Some(worker));
        worker
    }

    /// tokio's I/O on this worker, started now if necessary; `None` where it cannot be driven here.
    #[cfg(feature = "worker-io")]
    pub(crate) fn io(&'static self) -> Option<&'static tokio::runtime::Runtime> {
        *self.io.get_or_init(|| crate::worker_io::start(self))
    }

    #[inline]
    pub(crate) fn count_unparked(&self) {
        self.unparked.set(self.unparked.get() + 1);
    }

    /// Before the leader waits in a way that lets others run.
    pub(crate) fn forget_unparked(&self) {
        self.unparked.set(0);
    }

    /// Whether coroutines may be ready to run on this worker.
    pub(crate) fn has_others(&self) -> bool {
        self.unparked.get() > 0 || self.reactor.starting.load(Ordering::Relaxed) > 0
    }

    /// Lets everything that is ready run, called by the leader.
    pub(crate) fn run_others(&self, leader: &Coroutine) {
        self.unparked.set(0);
        leader.yield_leading();
        // Some of them may have been woken after the leader and wait behind it, which was woken itself.
        self.unparked.set(self.unparked.get().saturating_sub(1));
    }

    /// Gives coroutines that do not have to wait all their turns again: nobody is kept waiting by them.
    pub(crate) fn renew_turns(&self) {
        self.turns.set(TURNS);
    }

    /// Uses one turn; false when the courier has to run first.
    #[inline]
    pub(crate) fn take_turn(&self) -> bool {
        let turns = self.turns.get();
        self.turns.set(turns.saturating_sub(1));
        turns != 0
    }
}

/// The body of the courier. `ready` is called when it has been resumed by its eventfd for the first time.
pub(crate) fn run_courier(worker: &'static Worker, ready: impl FnOnce()) -> std::io::Result<()> {
    // Registration itself reports the eventfd as writable, which is the first wake.
    let bell = CoIo::new(Number(worker.mailbox.bell.as_raw_fd())).map_err(std::io::Error::from)?;
    bell.wait_io();
    ready();
    let _fatal = AbortOnUnwind("the courier");
    let mut batch = Vec::new();
    loop {
        // Edge-triggered: every notification is an event of its own, so the counter is never read.
        worker.turns.set(TURNS);
        std::mem::swap(&mut *worker.mailbox.mail.lock().unwrap_or_else(PoisonError::into_inner), &mut batch);
        for mail in batch.drain(..) {
            match mail {
                Mail::Unpark(parker) => parker.deliver(),
                Mail::Run(f) => f(worker),
            }
        }
        bell.wait_io();
    }
}

/// A worker without its courier or clock would hang every coroutine on it in silence.
pub(crate) struct AbortOnUnwind(pub(crate) &'static str);

impl Drop for AbortOnUnwind {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        eprintln!("photon: {} of a worker panicked; its coroutines could never be woken again", self.0);
        std::process::abort();
    }
}
