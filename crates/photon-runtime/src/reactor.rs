//! The sockets of one worker: what happens to them, and who waits for it.
//!
//! Each worker has one epoll instance. A socket is in that of the worker on which it was waited for first, with a *slot*
//! in the reactor's table: what has happened to the socket since it was last waited for, its deadline, and who waits. That
//! is either a coroutine, which is woken, or an event handler, which is handed to whoever leads the worker (see
//! [`leader`](crate::leader)). The table has a lock, because sockets are woken, moved and sometimes served from elsewhere;
//! it is held for a few instructions and hardly ever contended.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::clock::Alarm;
use crate::coroutine::{Coroutine, Parker};
use crate::deadline::{Deadlines, TICK};
use crate::net::EventHandler;
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

/// What is told when something other than the reactor's sockets wants the worker. No token has this number.
const OTHERS: u64 = u64::MAX;

/// How many events are taken from the kernel at once: what is ready runs before anything else on the worker does.
const BATCH: usize = 128;

/// A handler, and what happened to its socket.
pub(crate) type Ready = (Box<dyn EventHandler>, u32);

/// What a look has found besides handlers.
#[derive(Clone, Copy, Default)]
pub(crate) struct Looked {
    /// There may be more events.
    pub(crate) more: bool,
    /// Something other than sockets wants the worker.
    pub(crate) others: bool,
}

pub(crate) struct Reactor {
    home: usize,
    epoll: OwnedFd,
    mailbox: &'static Mailbox,
    table: Mutex<Table>,
    /// Coroutines that were started for the home worker and have not run yet.
    pub(crate) starting: AtomicUsize,
    /// When somebody last asked the kernel for events, in nanoseconds of the clock.
    looked_at: AtomicU64,
    /// How many handlers the home worker has called.
    calls: AtomicU64,
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
    /// Handlers that can run for a reason other than their socket.
    roused: Vec<Ready>,
    /// Whether the leader knows of those.
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
        slot.events = 0;
        let waiter = std::mem::replace(&mut slot.waiter, Waiter::Nobody);
        self.free.push(token.index);
        (self.deadlines.close(token.index as usize), waiter)
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
            calls: AtomicU64::new(0),
        }
    }

    pub(crate) fn mailbox(&self) -> &'static Mailbox {
        self.mailbox
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of the epoll instance, to be watched by another one.
    pub(crate) fn number(&self) -> Number {
        Number(self.epoll.as_raw_fd())
    }

    /// Has [`Reactor::look`] say when there is something to read from this descriptor.
    pub(crate) fn include(&self, others: BorrowedFd<'_>) -> io::Result<()> {
        sys::epoll_add_level(self.epoll.as_fd(), others, OTHERS)
    }

    /// Ends what [`Reactor::include`] began.
    pub(crate) fn exclude(&self, others: BorrowedFd<'_>) {
        sys::epoll_remove(self.epoll.as_fd(), others);
    }

    /// Gives a socket a place.
    pub(crate) fn register(&self, fd: BorrowedFd<'_>) -> io::Result<Token> {
        let token = self.table().open();
        // What has happened to the socket already is told as well.
        let added = sys::epoll_add(self.epoll.as_fd(), fd, token.number());
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
    pub(crate) fn rest(&self, token: Token, handler: Box<dyn EventHandler>) -> Option<Ready> {
        let mut table = self.table();
        match table.slot(token) {
            Some(slot) if slot.events == 0 => {
                slot.waiter = Waiter::Handler(handler);
                None
            }
            Some(slot) => Some((handler, std::mem::take(&mut slot.events))),
            None => Some((handler, IO)),
        }
    }

    /// Sets or removes the deadline of a socket. One that has passed is forgotten.
    #[inline]
    pub(crate) fn set_deadline(&self, token: Token, after: Option<Duration>) {
        let mut table = self.table();
        let Some(slot) = table.slot(token) else { return };
        slot.events &= !PASSED;
        if table.deadlines.set(token.index as usize, after) {
            drop(table);
            self.begin_to_sweep();
        }
    }

    #[cold]
    fn begin_to_sweep(&self) {
        fn begin(worker: &'static Worker) {
            worker.clock.set(Instant::now() + TICK, Alarm::Sweep);
        }
        match worker::current() {
            Some(worker) if worker.id == self.home => begin(worker),
            _ => self.mailbox.send(Mail::Run(Box::new(begin))),
        }
    }

    /// Ends the waits whose deadlines have passed. Called by the clock of the home worker.
    pub(crate) fn sweep(&self, worker: &'static Worker) {
        let mut wake = Vec::new();
        let mut table = self.table();
        let Table { slots, deadlines, roused, .. } = &mut *table;
        let goes_on = deadlines.sweep(|index| match slots[index].note(PASSED) {
            Waiter::Nobody => {}
            Waiter::Coroutine(parker) => wake.push(parker),
            Waiter::Handler(handler) => roused.push((handler, std::mem::take(&mut slots[index].events))),
        });
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

    fn put(&self, mut table: MutexGuard<'_, Table>, ready: Ready) {
        table.roused.push(ready);
        let ring = self.must_ring(&mut table);
        drop(table);
        if ring {
            self.ring();
        }
    }

    /// Whether the leader has to be told of what is in `roused`.
    fn must_ring(&self, table: &mut Table) -> bool {
        !table.roused.is_empty() && !std::mem::replace(&mut table.rung, true)
    }

    /// Has the leader look.
    pub(crate) fn ring(&self) {
        match worker::current() {
            Some(worker) if worker.id == self.home => worker.crew.ring(),
            _ => self.mailbox.send(Mail::Run(Box::new(|worker| worker.crew.ring()))),
        }
    }

    /// Takes what has happened from the kernel: wakes coroutines, and adds the handlers that can run. Called by the leader
    /// of this worker, or by that of another one which has nothing else to do.
    pub(crate) fn look(&self, now: u64, block: bool, ready: &mut impl Extend<Ready>) -> Looked {
        self.looked_at.store(now, Ordering::Relaxed);
        let mut events = [libc::epoll_event { events: 0, u64: 0 }; BATCH];
        // Whoever rouses a handler after this rings, unless they are on this thread.
        let block = block && self.table().roused.is_empty();
        let count = sys::epoll_events(self.epoll.as_fd(), &mut events, block);
        let mut others = false;
        let mut wake = Vec::new();
        let mut table = self.table();
        table.rung = false;
        ready.extend(table.roused.drain(..));
        for event in &events[..count] {
            if event.u64 == OTHERS {
                others = true;
                continue;
            }
            let Some(slot) = table.slot(Token::from_number(event.u64)) else { continue };
            match slot.note(event.events) {
                Waiter::Nobody => {}
                Waiter::Coroutine(parker) => wake.push(parker),
                Waiter::Handler(handler) => {
                    ready.extend([(handler, std::mem::take(&mut slot.events))]);
                }
            }
        }
        drop(table);
        wake.iter().for_each(Parker::unpark);
        Looked { more: count == BATCH, others }
    }

    /// When somebody last looked, in nanoseconds of the clock.
    pub(crate) fn looked_at(&self) -> u64 {
        self.looked_at.load(Ordering::Relaxed)
    }

    /// Counts a call of a handler; for the home worker.
    #[inline]
    pub(crate) fn count_call(&self) {
        // Nobody else writes.
        self.calls.store(self.calls.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
    }

    pub(crate) fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// How many sockets have had a deadline, and whether somebody sweeps.
    #[cfg(test)]
    pub(crate) fn deadlines_in_use(&self) -> (usize, bool) {
        self.table().deadlines.in_use()
    }
}
