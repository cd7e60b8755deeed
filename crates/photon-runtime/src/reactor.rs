//! The sockets of one worker: what happens to them, and who waits for it.
//!
//! Each worker has one epoll instance. A socket is in that of the worker on which it was waited for first, with a *slot*
//! in the reactor's table: what has happened to the socket since it was last waited for, its deadline, and who waits. That
//! is either a coroutine, which is woken, or an event handler, which is handed to whoever leads the worker (see
//! [`leader`](crate::leader)). The table has a lock, because sockets are woken, moved and sometimes served from elsewhere;
//! it is held for a few instructions and hardly ever contended.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::clock::{Alarm, now_nanos};
use crate::coroutine::{Coroutine, Parker};
use crate::deadline::{Deadlines, TICK};
use crate::net::EventHandler;
use crate::start::running;
use crate::sys::{self, Number};
use crate::worker::{self, Mail, Mailbox, Worker};

/// The peer has closed its side, or the connection is broken.
pub(crate) const GONE: u32 = (libc::EPOLLRDHUP | libc::EPOLLHUP | libc::EPOLLERR) as u32;
/// Something happened to the socket.
pub(crate) const IO: u32 = (libc::EPOLLIN | libc::EPOLLOUT) as u32 | GONE;
/// The deadline has passed. The kernel never sets this bit, nor the next one.
pub(crate) const PASSED: u32 = 1 << 20;
/// Somebody wants the socket looked at.
const ROUSED: u32 = 1 << 21;

/// What is told when something other than the reactor's sockets wants the worker. No token has this number or the next.
const OTHERS: u64 = u64::MAX;

/// What is told when something happens on another worker that is watched.
const NEIGHBOUR: u64 = u64::MAX - 1;

/// How many events are taken from the kernel at once: what is ready runs before anything else on the worker does.
const BATCH: usize = 128;

/// How many are taken from a worker that others help. It may get to its work any moment, and what it is used to is in its
/// processor's caches.
const HELP: usize = 4;

/// A handler, and what happened to its socket.
pub(crate) type Ready = (Box<dyn EventHandler>, u32);

/// What a look has found.
#[derive(Clone, Copy, Default)]
pub(crate) struct Looked {
    /// There may be more events.
    pub(crate) more: bool,
    /// Something other than sockets wants the worker.
    pub(crate) others: bool,
    /// Handlers can run.
    pub(crate) handlers: bool,
    /// There were events of whatever kind.
    any: bool,
}

pub(crate) struct Reactor {
    home: usize,
    epoll: OwnedFd,
    mailbox: &'static Mailbox,
    table: Mutex<Table>,
    /// Coroutines that were started for the home worker and have not run yet.
    pub(crate) starting: AtomicUsize,
    /// When the leader last asked the kernel for events, in nanoseconds of the clock.
    looked_at: AtomicU64,
    /// How many handlers the home worker has called, and how many coroutines it has resumed.
    steps: AtomicU64,
    /// When the deadlines were last swept, in nanoseconds of the clock; zero while nobody sweeps.
    swept_at: AtomicU64,
}

/// The place of a socket in a reactor. Those of sockets that are gone are never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    index: u32,
    generation: u32,
}

impl Token {
    fn number(self) -> u64 {
        u64::from(self.generation) << 32 | u64::from(self.index)
    }

    fn from_number(number: u64) -> Self {
        Self { index: number as u32, generation: (number >> 32) as u32 }
    }
}

#[derive(Default)]
struct Table {
    slots: Vec<Slot>,
    free: Vec<u32>,
    deadlines: Deadlines,
    /// Handlers that can run.
    ready: VecDeque<Ready>,
    /// Whether the leader was told of those that came to be so while it waited.
    rung: bool,
}

struct Slot {
    generation: u32,
    /// What has happened since the last wait.
    events: u32,
    waiter: Waiter,
}

enum Waiter {
    Nobody,
    Coroutine(Arc<Parker>),
    Handler(Box<dyn EventHandler>),
}

impl Table {
    fn slot(&mut self, token: Token) -> Option<&mut Slot> {
        self.slots.get_mut(token.index as usize).filter(|slot| slot.generation == token.generation)
    }

    fn open(&mut self) -> Token {
        let index = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot { generation: 0, events: 0, waiter: Waiter::Nobody });
            (self.slots.len() - 1) as u32
        });
        self.deadlines.open(index as usize);
        Token { index, generation: self.slots[index as usize].generation }
    }

    /// Ends a token. Gives what is left of its deadline, and whoever waited, to be dropped without the lock.
    fn close(&mut self, token: Token) -> (Option<Duration>, Waiter) {
        let Some(slot) = self.slot(token) else { return (None, Waiter::Nobody) };
        slot.generation = slot.generation.wrapping_add(1);
        let has_passed = std::mem::take(&mut slot.events) & PASSED != 0;
        let waiter = std::mem::replace(&mut slot.waiter, Waiter::Nobody);
        self.free.push(token.index);
        let left = self.deadlines.close(token.index as usize);
        // One that has passed and that nobody has seen passes again, wherever the socket goes.
        (if has_passed { Some(Duration::ZERO) } else { left }, waiter)
    }
}

impl Slot {
    /// Notes what has happened. Whoever waits for it does so no longer.
    fn note(&mut self, events: u32) -> Waiter {
        self.events |= events;
        std::mem::replace(&mut self.waiter, Waiter::Nobody)
    }
}

impl Reactor {
    pub(crate) fn new(home: usize, epoll: OwnedFd, mailbox: &'static Mailbox) -> Reactor {
        Reactor {
            home,
            epoll,
            mailbox,
            table: Mutex::default(),
            starting: AtomicUsize::new(0),
            looked_at: AtomicU64::new(0),
            steps: AtomicU64::new(0),
            swept_at: AtomicU64::new(0),
        }
    }

    pub(crate) fn mailbox(&self) -> &'static Mailbox {
        self.mailbox
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of the epoll instance, for `may` to watch.
    pub(crate) fn number(&self) -> Number {
        Number(self.epoll.as_raw_fd())
    }

    /// Has [`Reactor::look`] say when there is something to read from this descriptor.
    pub(crate) fn include(&self, others: BorrowedFd<'_>) -> io::Result<()> {
        sys::epoll_add(self.epoll.as_fd(), others, sys::READABLE, OTHERS)
    }

    /// Ends what [`Reactor::include`] began.
    pub(crate) fn exclude(&self, others: BorrowedFd<'_>) {
        sys::epoll_remove(self.epoll.as_fd(), others);
    }

    /// Has [`Reactor::look`] end when something happens on another worker. Fails if that one watches this one.
    pub(crate) fn watch(&self, neighbour: &Reactor) -> io::Result<()> {
        sys::epoll_add(self.epoll.as_fd(), neighbour.epoll.as_fd(), sys::WHATEVER_ONCE, NEIGHBOUR)
    }

    /// Ends what [`Reactor::watch`] began.
    pub(crate) fn unwatch(&self, neighbour: &Reactor) {
        sys::epoll_remove(self.epoll.as_fd(), neighbour.epoll.as_fd());
    }

    /// Gives a socket a place.
    pub(crate) fn register(&self, fd: BorrowedFd<'_>) -> io::Result<Token> {
        let token = self.table().open();
        // What has happened to the socket already is told as well.
        let added = sys::epoll_add(self.epoll.as_fd(), fd, sys::WHATEVER_ONCE, token.number());
        if let Err(error) = added {
            self.table().close(token);
            return Err(error);
        }
        Ok(token)
    }

    /// Ends the place of a socket, before its descriptor is closed. Returns what is left of its deadline.
    pub(crate) fn deregister(&self, token: Token, fd: BorrowedFd<'_>) -> Option<Duration> {
        sys::epoll_remove(self.epoll.as_fd(), fd);
        let (left, waiter) = self.table().close(token);
        drop(waiter);
        left
    }

    /// Parks the coroutine until something has happened to the socket, and says what. May also return for no reason.
    #[inline]
    pub(crate) fn wait(&self, token: Token, coroutine: &Coroutine) -> u32 {
        {
            let mut table = self.table();
            let Some(slot) = table.slot(token) else { return IO };
            if slot.events != 0 {
                return std::mem::take(&mut slot.events);
            }
            slot.waiter = Waiter::Coroutine(Arc::clone(&coroutine.parker));
        }
        coroutine.park();
        let mut table = self.table();
        let Some(slot) = table.slot(token) else { return IO };
        slot.waiter = Waiter::Nobody;
        std::mem::take(&mut slot.events)
    }

    /// Has the handler wait for the socket, or gives it back at once if something has happened already.
    #[inline]
    pub(crate) fn rest(
        &self,
        token: Token,
        handler: Box<dyn EventHandler>,
        is_connection: bool,
    ) -> Option<Ready> {
        let mut table = self.table();
        match table.slot(token) {
            Some(slot) if slot.events == 0 => slot.waiter = Waiter::Handler(handler),
            Some(slot) => return Some((handler, std::mem::take(&mut slot.events))),
            None => return Some((handler, IO)),
        }
        // A sweep is also when a worker that has nothing to do looks whether another one needs help.
        if is_connection && table.deadlines.touch(token.index as usize) {
            self.begin_to_sweep(table);
        }
        None
    }

    /// Sets or removes the deadline of a socket. One that has passed is forgotten.
    #[inline]
    pub(crate) fn set_deadline(&self, token: Token, after: Option<Duration>) {
        let mut table = self.table();
        let Some(slot) = table.slot(token) else { return };
        slot.events &= !PASSED;
        if table.deadlines.set(token.index as usize, after) {
            self.begin_to_sweep(table);
        }
    }

    /// Has somebody sweep while the socket has its place, and so has other workers see whether this one makes progress.
    pub(crate) fn touch(&self, token: Token) {
        let mut table = self.table();
        if table.slot(token).is_some() && table.deadlines.touch(token.index as usize) {
            self.begin_to_sweep(table);
        }
    }

    /// Removes the deadline of a socket for which nobody needs to sweep any more.
    pub(crate) fn end_deadline(&self, token: Token) {
        let mut table = self.table();
        let Some(slot) = table.slot(token) else { return };
        slot.events &= !PASSED;
        table.deadlines.close(token.index as usize);
    }

    #[cold]
    fn begin_to_sweep(&self, table: MutexGuard<'_, Table>) {
        drop(table);
        self.start_sweeper();
        // The next worker sweeps as well, and thereby looks after this one.
        let next = running().map(|runtime| runtime.reactors[(self.home + 1) % runtime.reactors.len()]);
        if let Some(next) = next
            && next.table().deadlines.begin()
        {
            next.start_sweeper();
        }
    }

    fn start_sweeper(&self) {
        self.swept_at.store(now_nanos(), Ordering::Relaxed);
        fn start(worker: &'static Worker) {
            worker.clock.set(Instant::now() + TICK, Alarm::Sweep);
        }
        match worker::current() {
            Some(worker) if worker.id == self.home => start(worker),
            _ => self.mailbox.send(Mail::Run(Box::new(start))),
        }
    }

    /// Ends the waits whose deadlines have passed. Called by the clock of the home worker.
    pub(crate) fn sweep(&self, worker: &'static Worker) {
        let before = running().map_or(0, |runtime| {
            let workers = runtime.reactors.len();
            runtime.reactors[(self.home + workers - 1) % workers].table().deadlines.used()
        });
        let mut wake = Vec::new();
        let mut table = self.table();
        let Table { slots, deadlines, ready, .. } = &mut *table;
        deadlines.sweep(|index| match slots[index].note(PASSED) {
            Waiter::Nobody => {}
            Waiter::Coroutine(parker) => wake.push(parker),
            Waiter::Handler(handler) => ready.push_back((handler, std::mem::take(&mut slots[index].events))),
        });
        let goes_on = deadlines.used() > 0 || before > 0;
        self.swept_at.store(if goes_on { now_nanos() } else { 0 }, Ordering::Relaxed);
        deadlines.go_on(goes_on);
        drop(table);
        if goes_on {
            worker.clock.set(Instant::now() + TICK, Alarm::Sweep);
        }
        // Also for others: a leader that has nothing to do looks whether another worker needs help.
        self.ring();
        wake.iter().for_each(Parker::unpark);
    }

    /// Ends the current or the next wait for the socket, from any thread.
    pub(crate) fn rouse(&self, token: Token) {
        let mut table = self.table();
        let Some(slot) = table.slot(token) else { return };
        match slot.note(ROUSED) {
            Waiter::Nobody => {}
            Waiter::Coroutine(parker) => {
                drop(table);
                parker.unpark();
            }
            Waiter::Handler(handler) => {
                let events = std::mem::take(&mut slot.events);
                self.put(table, (handler, events));
            }
        }
    }

    /// Has a handler run here, from any thread.
    pub(crate) fn submit(&self, handler: Box<dyn EventHandler>) {
        self.put(self.table(), (handler, IO));
    }

    /// Has a handler run again, after the others.
    pub(crate) fn requeue(&self, ready: Ready) {
        self.put(self.table(), ready);
    }

    fn put(&self, mut table: MutexGuard<'_, Table>, ready: Ready) {
        table.ready.push_back(ready);
        let rung = std::mem::replace(&mut table.rung, true);
        drop(table);
        if !rung {
            self.ring();
        }
    }

    /// The next handler that can run; of those that wait for nothing, if the others may not.
    #[inline]
    pub(crate) fn next(&self, may_wait: bool) -> Option<Ready> {
        let ready = &mut self.table().ready;
        if may_wait {
            return ready.pop_front();
        }
        let place = ready.iter().position(|(handler, _)| !handler.may_wait())?;
        ready.remove(place)
    }

    /// How many handlers can run.
    pub(crate) fn ready(&self) -> usize {
        self.table().ready.len()
    }

    /// Has the leader look.
    pub(crate) fn ring(&self) {
        match worker::current() {
            Some(worker) if worker.id == self.home => worker.crew.ring(),
            _ => self.mailbox.send(Mail::Run(Box::new(|worker| worker.crew.ring()))),
        }
    }

    /// Takes what has happened from the kernel: wakes coroutines, and notes the handlers that can run. For the leader.
    /// If there is nothing, it blocks the thread until there is, where `block` says so; handlers that `can_run` are something.
    pub(crate) fn look(&self, now: u64, block: bool, can_run: bool) -> Looked {
        self.looked_at.store(now, Ordering::Relaxed);
        let mut events = [libc::epoll_event { events: 0, u64: 0 }; BATCH];
        let looked = self.take_events(&mut events, false);
        // Whoever has a handler run after this is on another thread, and rings.
        if !block || looked.any || can_run && self.ready() > 0 {
            return looked;
        }
        // Before the thread sleeps, which makes work for whoever wakes it, it lets others have the processor. If they are
        // those that send requests, there is more to do when it comes back.
        std::thread::yield_now();
        self.take_events(&mut events, true)
    }

    fn take_events(&self, events: &mut [libc::epoll_event], block: bool) -> Looked {
        let count = sys::epoll_events(self.epoll.as_fd(), events, block);
        let mut looked = Looked { more: count == events.len(), any: count > 0, ..Looked::default() };
        let mut wake = Vec::new();
        let mut table = self.table();
        table.rung = false;
        for event in &events[..count] {
            if event.u64 == OTHERS {
                looked.others = true;
                continue;
            }
            let Some(slot) = table.slot(Token::from_number(event.u64)) else { continue };
            match slot.note(event.events) {
                Waiter::Nobody => {}
                Waiter::Coroutine(parker) => wake.push(parker),
                Waiter::Handler(handler) => {
                    looked.handlers = true;
                    let events = std::mem::take(&mut slot.events);
                    table.ready.push_back((handler, events));
                }
            }
        }
        drop(table);
        wake.iter().for_each(Parker::unpark);
        looked
    }

    /// Takes over a little of what can run on another worker, which does not get to it.
    pub(crate) fn help(&self, other: &Reactor) {
        if other.ready() == 0 {
            other.take_events(&mut [libc::epoll_event { events: 0, u64: 0 }; HELP], false);
        }
        for _ in 0..HELP {
            let Some(theirs) = other.next(true) else { return };
            self.requeue(theirs);
        }
    }

    /// When the leader last looked, in nanoseconds of the clock.
    pub(crate) fn looked_at(&self) -> u64 {
        self.looked_at.load(Ordering::Relaxed)
    }

    /// Counts a step; for the home worker.
    #[inline]
    pub(crate) fn count_step(&self) {
        // Nobody else writes.
        self.steps.store(self.steps.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
    }

    pub(crate) fn steps(&self) -> u64 {
        self.steps.load(Ordering::Relaxed)
    }

    /// When the deadlines were last swept, in nanoseconds of the clock, if they are.
    pub(crate) fn swept_at(&self) -> Option<u64> {
        Some(self.swept_at.load(Ordering::Relaxed)).filter(|at| *at != 0)
    }

    /// How many sockets have had a deadline, and whether somebody sweeps.
    #[cfg(test)]
    pub(crate) fn deadlines_in_use(&self) -> (usize, bool) {
        self.table().deadlines.in_use()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::*;
    use crate::{Settings, start};

    #[test]
    fn a_place_that_was_given_up_is_nobodys() {
        start(Settings { workers: 2, blocking_threads: 3, ..Settings::default() }).unwrap();
        let reactor = running().unwrap().reactors[0];
        let (one, other) = UnixStream::pair().unwrap();
        let first = reactor.register(one.as_fd()).unwrap();
        assert_eq!(reactor.deregister(first, one.as_fd()), None);
        // Perhaps in the same slot.
        let second = reactor.register(other.as_fd()).unwrap();
        assert_ne!(first, second);
        reactor.set_deadline(first, Some(Duration::from_secs(1)));
        reactor.rouse(first);
        assert_eq!(reactor.deregister(first, one.as_fd()), None);
        reactor.set_deadline(second, Some(Duration::from_secs(60)));
        let left = reactor.deregister(second, other.as_fd()).unwrap();
        assert!((60..62).contains(&left.as_secs()), "{left:?}");
    }

    #[test]
    fn a_deadline_that_has_passed_unseen_goes_along() {
        start(Settings { workers: 2, blocking_threads: 3, ..Settings::default() }).unwrap();
        let reactor = running().unwrap().reactors[1];
        let (one, _other) = UnixStream::pair().unwrap();
        let token = reactor.register(one.as_fd()).unwrap();
        reactor.set_deadline(token, Some(Duration::from_millis(1)));
        let start = Instant::now();
        while reactor.table().slot(token).unwrap().events & PASSED == 0 {
            assert!(start.elapsed() < Duration::from_secs(20), "it does not pass");
            std::thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(reactor.deregister(token, one.as_fd()), Some(Duration::ZERO));
    }
}
