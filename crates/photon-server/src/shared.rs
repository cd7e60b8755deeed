//! What the listener, the connections and the handles of one server know together: the settings,
//! who is connected, and whether it is time to stop.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use photon_core::TrustedProxies;
use photon_runtime::net::StreamWaker;

use crate::ServerConfig;
use crate::config::usual_body_memory;

/// Stops a server from anywhere: tests, signal handlers, other threads.
#[derive(Clone)]
pub struct Handle {
    pub(crate) shared: Arc<Shared>,
}

impl Handle {
    /// Starts a graceful shutdown: no new connections, idle ones are closed, requests that are
    /// being answered are finished. Returns at once; [`Server::serve`](crate::Server::serve)
    /// returns when it is done.
    pub fn shutdown(&self) {
        self.shared.advance(Phase::Closing);
    }

    /// Ends the server without waiting for requests that are being answered.
    pub fn abort(&self) {
        self.shared.advance(Phase::Cut);
    }

    /// How many connections are open.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.connections()
    }
}

/// How far a server is on its way to its end. It only goes forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    Running,
    /// No connections are accepted any more. Those that are open are not told before the listeners are closed: their
    /// clients would come back to a listener that is about to drop them.
    Closing,
    /// Nothing new is begun.
    Draining,
    /// Nothing is waited for.
    Cut,
}

pub(crate) struct Shared {
    /// Tells this server from others of the process.
    pub(crate) number: u64,
    pub(crate) config: ServerConfig,
    /// Those of the settings, for requests to share; `None` if nobody is trusted.
    proxies: Option<Arc<TrustedProxies>>,
    phase: AtomicU8,
    connections: AtomicUsize,
    /// Bytes that request bodies occupy, and how many they may.
    body_memory: AtomicUsize,
    max_body_memory: usize,
    /// The connections to wake when the phase changes, by a number of their own.
    wakers: Mutex<Wakers>,
    listeners: Vec<StreamWaker>,
}

#[derive(Default)]
struct Wakers {
    next: u64,
    by_number: HashMap<u64, StreamWaker>,
}

impl Shared {
    pub(crate) fn new(config: ServerConfig, listeners: Vec<StreamWaker>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self {
            number: NEXT.fetch_add(1, Ordering::Relaxed),
            body_memory: AtomicUsize::new(0),
            max_body_memory: config.max_body_memory.unwrap_or_else(usual_body_memory),
            proxies: Some(&config.trusted_proxies)
                .filter(|proxies| !proxies.is_empty())
                .cloned()
                .map(Arc::new),
            config,
            phase: AtomicU8::new(Phase::Running as u8),
            connections: AtomicUsize::new(0),
            wakers: Mutex::default(),
            listeners,
        }
    }

    /// The trusted proxies, if the other end of a connection is one of them.
    pub(crate) fn proxies_of(&self, peer: Option<SocketAddr>) -> Option<&Arc<TrustedProxies>> {
        self.proxies.as_ref().filter(|proxies| proxies.trusts(peer))
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.phase.load(Ordering::Acquire) >= Phase::Closing as u8
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.phase.load(Ordering::Acquire) >= Phase::Draining as u8
    }

    pub(crate) fn is_cut(&self) -> bool {
        self.phase.load(Ordering::Acquire) >= Phase::Cut as u8
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::Acquire)
    }

    /// Goes on to `phase` and wakes whoever has to know. A connection that registers after this
    /// looked at the map sees the new phase before it first waits.
    pub(crate) fn advance(&self, phase: Phase) {
        self.phase.fetch_max(phase as u8, Ordering::AcqRel);
        self.listeners.iter().for_each(StreamWaker::wake);
        for waker in self.wakers().by_number.values() {
            waker.wake();
        }
    }

    /// Counts a connection, until the result is dropped, unless there are as many as there may be.
    pub(crate) fn admit(self: &Arc<Self>, most: usize) -> Option<Admission> {
        let more = |count: usize| (count < most).then(|| count + 1);
        let counted = self.connections.fetch_update(Ordering::AcqRel, Ordering::Acquire, more);
        counted.is_ok().then(|| Admission { shared: Arc::clone(self), number: None })
    }

    fn wakers(&self) -> MutexGuard<'_, Wakers> {
        self.wakers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The part of the memory for bodies that one connection has taken.
pub(crate) struct BodyMemory {
    shared: Arc<Shared>,
    taken: usize,
}

impl BodyMemory {
    pub(crate) fn new(shared: &Arc<Shared>) -> Self {
        Self { shared: Arc::clone(shared), taken: 0 }
    }

    /// Takes as much as is missing to `bytes`; false if the server does not have it.
    #[must_use]
    pub(crate) fn grow_to(&mut self, bytes: usize) -> bool {
        let more = bytes.saturating_sub(self.taken);
        if more == 0 {
            return true;
        }
        // Counted first, so that two that come at once cannot both get the rest.
        let before = self.shared.body_memory.fetch_add(more, Ordering::Relaxed);
        self.taken += more;
        before.saturating_add(more) <= self.shared.max_body_memory
    }
}

impl Drop for BodyMemory {
    fn drop(&mut self) {
        self.shared.body_memory.fetch_sub(self.taken, Ordering::Relaxed);
    }
}

/// One counted connection.
pub(crate) struct Admission {
    pub(crate) shared: Arc<Shared>,
    number: Option<u64>,
}

impl Admission {
    /// Has the connection woken when the server's phase changes.
    pub(crate) fn register(&mut self, waker: StreamWaker) {
        let mut wakers = self.shared.wakers();
        let number = wakers.next;
        wakers.next += 1;
        wakers.by_number.insert(number, waker);
        self.number = Some(number);
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            self.shared.wakers().by_number.remove(&number);
        }
        self.shared.connections.fetch_sub(1, Ordering::AcqRel);
    }
}
