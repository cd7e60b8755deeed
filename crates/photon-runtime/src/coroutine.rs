//! The running coroutine: who it is, how it parks, and how it is woken at home.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::ptr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Wake, Waker};

use crate::overflow::StackBounds;
use crate::worker::{self, Mail, Mailbox, Worker};

thread_local! {
    /// The coroutine that runs on this thread right now. Null while the scheduler runs.
    static CURRENT: Cell<*const Coroutine> = const { Cell::new(ptr::null()) };
}

/// Wakes one coroutine, always on its home worker.
pub(crate) struct Parker {
    handle: may::coroutine::Coroutine,
    home: usize,
    mailbox: &'static Mailbox,
    /// Whether the courier already has mail for this coroutine; keeps the mailbox as short as the number of
    /// coroutines however often one is woken.
    posted: AtomicBool,
    /// Whether the coroutine leads its worker; only the worker itself looks and writes.
    pub(crate) leads: AtomicBool,
}

impl Parker {
    /// Wakes the coroutine, from any thread.
    pub(crate) fn unpark(self: &Arc<Self>) {
        match worker::current() {
            Some(worker) if worker.id == self.home && worker.take_turn() => {
                worker.count_unparked();
                self.handle.unpark();
            }
            _ => self.post(),
        }
    }

    /// Wakes the coroutine after everything else that is ready on its worker.
    fn post(self: &Arc<Self>) {
        if !self.posted.swap(true, Ordering::AcqRel) {
            self.mailbox.send(Mail::Unpark(Arc::clone(self)));
        }
    }

    /// Has a follower run next; on its worker.
    pub(crate) fn lead(&self) {
        self.leads.store(true, Ordering::Relaxed);
        self.handle.unpark();
    }

    /// The last step of a wake, on the home worker.
    pub(crate) fn deliver(&self) {
        debug_assert_eq!(worker::current().map(|worker| worker.id), Some(self.home));
        if let Some(worker) = worker::current() {
            worker.count_unparked();
        }
        // A swap and not a store: whoever found `posted` set relies on what it wrote before being seen.
        self.posted.swap(false, Ordering::AcqRel);
        self.handle.unpark();
    }
}

impl Wake for Parker {
    fn wake(self: Arc<Self>) {
        self.unpark();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.unpark();
    }
}

/// One coroutine. It lives in the outermost frame of the coroutine's own stack.
pub(crate) struct Coroutine {
    pub(crate) worker: &'static Worker,
    pub(crate) parker: Arc<Parker>,
    pub(crate) waker: Waker,
    pub(crate) name: Option<Arc<str>>,
    pub(crate) stack: StackBounds,
    /// Whether a future is being polled, in which case nothing may park.
    pub(crate) polling: Cell<bool>,
    /// Coroutine-local values by the address of their key.
    pub(crate) locals: RefCell<Vec<(usize, Rc<dyn Any>)>>,
    /// What it is for at the moment, if the watchdog was told.
    pub(crate) doing: RefCell<Option<Arc<str>>>,
}

/// The time in which a coroutine is the current one.
pub(crate) struct Entered<'a> {
    coroutine: &'a Coroutine,
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        CURRENT.set(ptr::null());
        self.coroutine.worker.watch.pause();
    }
}

impl Coroutine {
    /// Describes the coroutine that this is called on; to be called once, at its start, on its home worker.
    pub(crate) fn new(worker: &'static Worker, name: Option<Arc<str>>, stack: StackBounds) -> Coroutine {
        let parker = Arc::new(Parker {
            handle: may::coroutine::current(),
            home: worker.id,
            mailbox: worker.mailbox,
            posted: AtomicBool::new(false),
            leads: AtomicBool::new(false),
        });
        let waker = Waker::from(Arc::clone(&parker));
        let (polling, locals, doing) = (Cell::new(false), RefCell::default(), RefCell::default());
        Coroutine { worker, parker, waker, name, stack, polling, locals, doing }
    }

    /// Makes this the current coroutine until the value is dropped.
    pub(crate) fn entered(&self) -> Entered<'_> {
        CURRENT.set(self);
        Entered { coroutine: self }
    }

    /// Whether the coroutine leads its worker.
    #[inline]
    pub(crate) fn leads(&self) -> bool {
        self.parker.leads.load(Ordering::Relaxed)
    }

    /// Runs `f`, which gives the thread to other coroutines and comes back here when this one is resumed. If it leads its
    /// worker, somebody else has to from here on.
    #[inline]
    pub(crate) fn suspend<R>(&self, f: impl FnOnce() -> R) -> R {
        if self.leads() {
            self.worker.crew.hand_over(self);
        }
        self.suspend_leading(f)
    }

    /// The same for one that goes on leading.
    #[inline]
    pub(crate) fn suspend_leading<R>(&self, f: impl FnOnce() -> R) -> R {
        debug_assert!(!std::thread::panicking(), "a coroutine must not park while it unwinds");
        CURRENT.set(ptr::null());
        self.worker.watch.pause();
        let result = f();
        self.worker.reactor.count_step();
        CURRENT.set(self);
        self.worker.watch.resume(self);
        debug_assert_eq!(
            worker::current().map(|worker| worker.id),
            Some(self.worker.id),
            "moved away from home"
        );
        result
    }

    /// Parks until somebody unparks; may also return for no reason.
    #[inline]
    pub(crate) fn park(&self) {
        self.suspend(may::coroutine::park);
    }

    /// Lets everything else on this worker run, sockets included.
    pub(crate) fn yield_now(&self) {
        self.parker.post();
        // A token left over from an earlier wake would end the first park at once.
        while self.parker.posted.load(Ordering::Relaxed) {
            self.park();
        }
    }

    /// The same for a leader that goes on leading.
    pub(crate) fn yield_leading(&self) {
        self.parker.post();
        while self.parker.posted.load(Ordering::Relaxed) {
            self.suspend_leading(may::coroutine::park);
        }
    }

    /// Counts an operation that did not have to wait, and yields when there were too many in a row.
    #[inline]
    pub(crate) fn count_ready(&self) {
        // Inside a poll a park could swallow the wake that the future waits for.
        if !self.worker.take_turn() && !self.polling.get() && !std::thread::panicking() {
            self.yield_now();
        }
    }

    /// Panics if a future is being polled, unless it is unwinding: a second panic would end the process.
    #[inline]
    #[track_caller]
    pub(crate) fn assert_may_park(&self, what: &str) {
        if self.polling.get() && !std::thread::panicking() {
            nested(what);
        }
    }
}

#[cold]
#[track_caller]
pub(crate) fn nested(what: &str) -> ! {
    panic!(
        "{what} was called while a future is being polled: it would stop every other branch of that future. \
         Inside async code use .await; outside, call .wait() on the finished future"
    )
}

/// Runs `f` with the current coroutine, or with `None` on a plain thread.
#[inline]
pub(crate) fn with_current<R>(f: impl FnOnce(Option<&Coroutine>) -> R) -> R {
    let current = CURRENT.get();
    // SAFETY: a non-null pointer was set by `entered` or `suspend` of the coroutine that runs on this thread now.
    // Its value lives in the outermost frame of that coroutine, below which `f` runs; `Entered` resets the
    // pointer before the frame ends, and `suspend` resets it while other coroutines run. A coroutine never
    // changes threads, so the reference is valid even if `f` parks.
    f(unsafe { current.as_ref() })
}

/// The stack and name of the current coroutine, for the overflow handler. Async-signal-safe.
pub(crate) fn current_for_signal_handler() -> Option<(StackBounds, *const Coroutine)> {
    let current = CURRENT.get();
    // SAFETY: as in `with_current`; the handler runs on this thread on top of the coroutine.
    unsafe { current.as_ref() }.map(|coroutine| (coroutine.stack, current))
}
