//! Leader and followers: who takes what happens on a worker's sockets, and calls their handlers.
//!
//! One coroutine of a worker at a time leads: it asks the kernel what has happened, and calls the handlers that have waited
//! for it, one after another on its own stack, which stays in the processor's caches. When a handler blocks, the leader
//! hands over to a follower before its thread does anything else, and goes on with that handler alone when it is woken. At
//! its end it becomes a follower. This is the Leader/Followers pattern (Schmidt et al., Pattern-Oriented Software
//! Architecture, volume 2) among coroutines instead of threads: an idle connection costs no stack, and a request that
//! blocks costs one.
//!
//! A worker that is kept from its work, by a computation or by the kernel, has its handlers called by others: a leader that
//! has done its own work looks after those whose events have waited too long.

use std::cell::{Cell, OnceCell, RefCell};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use may::io::{CoIo, WaitIo, WaitIoWaker};

use crate::clock::now_nanos;
use crate::coroutine::{Coroutine, Parker};
use crate::local;
use crate::net::EventHandler;
use crate::reactor::Looked;
use crate::spawn::{self, launch_crew};
use crate::start::running;
use crate::sys::Number;
use crate::worker::{AbortOnUnwind, Mailbox, Worker};

/// When a worker has not looked at its deadlines for so long, which it does every 20 ms, others watch its sockets.
const LOST: Duration = Duration::from_millis(50);

/// Followers of a worker that wait for their turn to lead. More exist while handlers block, and end when they do not.
pub(crate) const FOLLOWERS: usize = 64;

/// When a worker has made no step for so long, others take the events that wait for it.
const STUCK: Duration = Duration::from_micros(400);

/// When a worker has not asked for events for so long, others take them although it is at work. A connection that is served
/// elsewhere is not in that processor's caches, so this is longer than a worker under load takes for what it has asked for.
const BUSY: Duration = Duration::from_millis(5);

/// The coroutines of a worker that lead, or may. Only its own thread touches them.
#[derive(Default)]
pub(crate) struct Crew {
    /// Where the leader waits.
    place: RefCell<Place>,
    /// `may`'s selector, if the kernel tells which one that is.
    selector: OnceCell<Option<OwnedFd>>,
    /// How much the last waits had to do with the reactor's sockets alone.
    calm: Cell<u32>,
    /// What the last look has found.
    looked: Cell<Looked>,
    /// Those that wait to lead, the one that did so last at the end.
    followers: RefCell<Vec<Arc<Parker>>>,
    /// What this worker has seen of each other one.
    others: RefCell<Vec<Other>>,
}

/// What a worker knows of another one.
#[derive(Clone, Copy, Default)]
struct Other {
    /// How many steps it had made, and since when.
    steps: u64,
    since: u64,
    /// Whether its sockets are watched.
    is_watched: bool,
}

/// How the leader waits for events.
///
/// The worker's thread sleeps in `may`'s selector, which wakes the leader when its reactor has events: two calls of the
/// kernel for each wait. While next to nothing but the reactor's sockets needs the worker, the thread sleeps in the reactor
/// itself, which has `may`'s selector among what it watches: one call, as in a program that has no coroutines.
#[derive(Default)]
enum Place {
    /// Nobody has waited yet.
    #[default]
    Nowhere,
    /// In `may`'s selector, which watches the reactor.
    Outside(CoIo<Number>, WaitIoWaker),
    /// In the reactor, which watches `may`'s selector.
    Inside,
}

/// The leader waits inside after so many waits that had to do with sockets alone, and outside when half of them did.
const CALM: u32 = 64;

/// How many of those one counts that had to do with something else.
const DISTURBANCE: u32 = 8;

/// Starts the first leader of a worker, and one to follow it even when no other coroutine can be started.
pub(crate) fn start(worker: usize, stack_size: usize) -> io::Result<()> {
    for leads in [true, false] {
        launch_crew(worker, stack_size, move |me| work(me, leads)).map_err(io::Error::other)?;
    }
    Ok(())
}

/// The body of a coroutine that leads, and follows when it does not, as long as it is needed.
fn work(me: &Coroutine, leads: bool) {
    me.parker.leads.store(leads, Ordering::Relaxed);
    let crew = &me.worker.crew;
    while me.leads() || crew.follow(me) {
        crew.lead(me);
    }
}

impl Crew {
    /// Finds `may`'s selector, once it watches the worker's bell. To be called at the start, while there are few descriptors
    /// to look through, and nobody counts them.
    pub(crate) fn find_selector(&self, mailbox: &Mailbox) {
        let _ = self.selector.set(mailbox.selector().ok());
    }

    /// Has another coroutine lead in place of this one, which is about to wait in the middle of a handler.
    #[cold]
    pub(crate) fn hand_over(&self, leader: &Coroutine) {
        let follower = self.followers.borrow_mut().pop();
        match follower {
            Some(follower) => {
                // At once, and not by the courier: nothing else happens on this worker until it leads.
                follower.lead();
            }
            // Without memory for a stack it goes on leading. Until it is woken, only other workers look after this one.
            None if launch_crew(leader.worker.id, leader.stack.size, |me| work(me, true)).is_err() => return,
            None => {}
        }
        leader.parker.leads.store(false, Ordering::Relaxed);
        spawn::count_in();
    }

    /// Waits for the coroutine's turn to lead; false if there are enough others.
    fn follow(&self, me: &Coroutine) -> bool {
        if self.followers.borrow().len() >= FOLLOWERS {
            return false;
        }
        self.followers.borrow_mut().push(Arc::clone(&me.parker));
        if me.worker.reactor.ready() > 0 {
            // The leader may wait for somebody to hand over to.
            me.worker.reactor.ring();
        }
        while !me.leads() {
            me.park();
        }
        true
    }

    /// Leads until a handler that had to wait is done, and somebody else leads.
    fn lead(&self, me: &Coroutine) {
        let _fatal = AbortOnUnwind("the leader");
        let worker = me.worker;
        loop {
            if !self.call_ready(me) {
                return;
            }
            self.help(worker);
            let busy = self.looked.get().more || self.may_call() && worker.reactor.ready() > 0;
            let looked = self.look(me, busy);
            self.looked.set(looked);
        }
    }

    /// Waits for events, unless there is something else to do, and takes them.
    fn look(&self, me: &Coroutine, busy: bool) -> Looked {
        let worker = me.worker;
        let is_inside = matches!(*self.place.borrow(), Place::Inside);
        let disturbed = is_inside && (worker.has_others() || self.looked.get().others);
        if busy || disturbed {
            worker.run_others(me);
        } else if !is_inside {
            self.wait_outside(me);
        } else {
            worker.renew_turns();
        }
        let block = is_inside && !busy && !disturbed;
        let looked = worker.reactor.look(now_nanos(), block, self.may_call());
        if disturbed || !is_inside && worker.has_others() {
            self.calm.set(self.calm.get().saturating_sub(DISTURBANCE));
        } else if looked.handlers {
            self.calm.set((self.calm.get() + 1).min(CALM));
        }
        self.choose_place(worker);
        looked
    }

    /// Waits until `may`'s selector has seen an event of the reactor.
    fn wait_outside(&self, me: &Coroutine) {
        let worker = me.worker;
        if matches!(*self.place.borrow(), Place::Nowhere) {
            *self.place.borrow_mut() = outside(worker);
        }
        let place = self.place.borrow();
        let Place::Outside(events, _) = &*place else { return };
        // Nobody else leads meanwhile, and so nobody else chooses the place.
        worker.forget_unparked();
        // Edge-triggered: what has happened since the last look ends the wait.
        me.suspend_leading(|| events.wait_io());
    }

    /// Decides where to wait next, by how much the last waits had to do with others.
    fn choose_place(&self, worker: &Worker) {
        let Some(Some(selector)) = self.selector.get() else { return };
        let (mut place, calm) = (self.place.borrow_mut(), self.calm.get());
        match &*place {
            Place::Outside(..) if calm == CALM => {
                // The two may not watch each other.
                *place = Place::Nowhere;
                let included = worker.reactor.include(selector.as_fd());
                *place = if included.is_ok() { Place::Inside } else { outside(worker) };
            }
            Place::Inside if calm < CALM / 2 => {
                worker.reactor.exclude(selector.as_fd());
                *place = outside(worker);
            }
            _ => {}
        }
    }

    /// Has the leader look, from its own worker.
    pub(crate) fn ring(&self) {
        // Inside, it looks before it waits.
        if let Place::Outside(_, waker) = &*self.place.borrow() {
            // `may` resumes where this is called.
            waker.wakeup();
        }
    }

    /// Calls each handler that can run; false if the coroutine does not lead any more.
    fn call_ready(&self, me: &Coroutine) -> bool {
        // Those that can go on at once get their next turn after everything else on this worker.
        let mut left = me.worker.reactor.ready();
        while left > 0 {
            // Others may have taken them.
            let Some((handler, events)) = me.worker.reactor.next(self.may_call()) else { break };
            left -= 1;
            self.call(me, handler, events);
            if !me.leads() {
                spawn::count_out();
                return false;
            }
        }
        true
    }

    /// Whether a handler may wait, because somebody else can lead then.
    fn may_call(&self) -> bool {
        !self.followers.borrow().is_empty() || spawn::may_spawn()
    }

    // Not inlined, so that a backtrace of a handler names it once.
    #[inline(never)]
    fn call(&self, me: &Coroutine, mut handler: Box<dyn EventHandler>, events: u32) {
        me.worker.reactor.count_step();
        let socket = handler.stream().socket();
        let event = socket.ready(events);
        if !socket.listens
            && !socket.has_place()
            && let Ok(Some((reactor, token))) = socket.place()
        {
            // Before it keeps the worker, which somebody has to see.
            reactor.touch(token);
        }
        // The panic hook has reported it; the handler has been dropped, and its connection with it.
        let outcome = catch_unwind(AssertUnwindSafe(|| handler.handle(event)));
        local::drop_all(me);
        if let Ok(Some(handler)) = outcome {
            rest(me.worker, handler);
        }
    }

    /// Takes a little of what has happened on workers that do not look after it.
    fn help(&self, worker: &'static Worker) {
        let Some(runtime) = running().filter(|runtime| runtime.reactors.len() > 1) else { return };
        if !self.may_call() {
            return;
        }
        let now = now_nanos();
        let mut others = self.others.borrow_mut();
        others.resize(runtime.reactors.len(), Other { since: now, ..Other::default() });
        for (reactor, other) in runtime.reactors.iter().zip(&mut *others) {
            if std::ptr::eq(*reactor, worker.reactor) {
                continue;
            }
            if other.steps != reactor.steps() {
                (other.steps, other.since) = (reactor.steps(), now);
            }
            let since = |time: u64| Duration::from_nanos(now.saturating_sub(time));
            let is_lost = reactor.swept_at().is_some_and(|at| since(at) > LOST);
            if is_lost && !other.is_watched {
                // It fails if that one watches this one, for which it has had its reasons.
                other.is_watched = worker.reactor.watch(reactor).is_ok();
            } else if !is_lost && std::mem::take(&mut other.is_watched) {
                worker.reactor.unwatch(reactor);
            }
            let unserved = since(reactor.looked_at());
            if other.is_watched || unserved.min(since(other.since)) > STUCK || unserved > BUSY {
                worker.reactor.help(reactor);
            }
        }
    }
}

/// Has a handler wait for its socket, where that is registered.
fn rest(worker: &Worker, mut handler: Box<dyn EventHandler>) {
    let socket = handler.stream().socket();
    // A socket that cannot be waited for is closed: the kernel has no memory for it.
    let Ok(Some((reactor, token))) = socket.place() else { return };
    let is_connection = !socket.listens;
    let again = match socket.pending() {
        Some(events) => Some((handler, events)),
        // Nobody needs to look often after a listener alone: a connection that keeps its worker busy is looked after.
        None => reactor.rest(token, handler, is_connection),
    };
    if let Some(again) = again {
        worker.reactor.requeue(again);
    }
}

/// Has `may`'s selector watch the reactor.
fn outside(worker: &Worker) -> Place {
    match CoIo::new(worker.reactor.number()) {
        Ok(events) => {
            let waker = events.waker();
            Place::Outside(events, waker)
        }
        Err(error) => panic!("the kernel does not let worker {} wait: {error:?}", worker.id),
    }
}
