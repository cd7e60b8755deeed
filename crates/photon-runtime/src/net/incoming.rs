//! An accepted connection on its way to the coroutine that serves it.

use std::fmt;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::handler::EventHandler;
use super::stream::TcpStream;
use crate::spawn::{Builder, SpawnError};
use crate::start::{Runtime, runtime, try_runtime};

/// An accepted connection that belongs to no worker yet.
#[derive(Debug)]
pub struct Incoming {
    pub(super) fd: OwnedFd,
    pub(super) peer: Option<SocketAddr>,
}

impl Incoming {
    /// The address of the other side; `None` by way of a Unix socket, where clients have none.
    #[must_use]
    pub fn peer_addr(&self) -> Option<SocketAddr> {
        self.peer
    }

    /// The connection as std knows it. It is non-blocking.
    #[must_use]
    pub fn into_std(self) -> std::net::TcpStream {
        self.fd.into()
    }

    /// The connection as a stream that settles where it is first used.
    #[must_use]
    pub fn into_stream(self) -> TcpStream {
        TcpStream::from_nonblocking(self.fd.into())
    }

    /// Runs `f` with the connection on a coroutine of its own, on the worker with the fewest connections.
    ///
    /// # Errors
    /// If no coroutine can be started. The connection comes back, so that the peer can be told.
    pub fn spawn<F>(self, f: F) -> Result<(), SpawnRefused>
    where
        F: FnOnce(TcpStream) + Send + 'static,
    {
        let runtime = match try_runtime() {
            Ok(runtime) => runtime,
            Err(error) => return Err(SpawnRefused { incoming: self, error: SpawnError::Start(error) }),
        };
        let guest = Guest::arrive(runtime);
        let home = guest.worker;
        // The closure is lost if the coroutine cannot be started, but the connection must not be.
        let parcel = Arc::new(Mutex::new(Some(self)));
        let theirs = Arc::clone(&parcel);
        let started = Builder::new().worker(home).spawn(move || {
            let incoming = theirs.lock().unwrap_or_else(PoisonError::into_inner).take();
            drop(theirs);
            if let Some(incoming) = incoming {
                f(incoming.into_stream().of(guest));
            }
        });
        let Err(error) = started else { return Ok(()) };
        let incoming = parcel.lock().unwrap_or_else(PoisonError::into_inner).take();
        match incoming {
            Some(incoming) => Err(SpawnRefused { incoming, error }),
            None => Ok(()),
        }
    }

    /// Hands the connection to the handler that `make` makes of it, on the worker with the fewest connections. It is called
    /// once at the start, as if something had happened to the connection.
    ///
    /// # Panics
    /// If the runtime cannot be started.
    pub fn handle<H: EventHandler>(self, make: impl FnOnce(TcpStream) -> H) {
        let runtime = runtime();
        let guest = Guest::arrive(runtime);
        let reactor = runtime.reactors[guest.worker];
        reactor.submit(Box::new(make(self.into_stream().of(guest))));
    }
}

/// A connection's share of its worker's load.
pub(super) struct Guest {
    worker: usize,
    load: &'static AtomicUsize,
}

impl Guest {
    /// Chooses the worker with the fewest connections.
    fn arrive(runtime: &'static Runtime) -> Guest {
        let loads = runtime.connections.iter().enumerate();
        let (worker, load) =
            loads.min_by_key(|(_, load)| load.load(Ordering::Relaxed)).expect("there is at least one worker");
        load.fetch_add(1, Ordering::Relaxed);
        Guest { worker, load }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.load.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A connection for which no coroutine could be started.
#[derive(Debug)]
pub struct SpawnRefused {
    /// The connection.
    pub incoming: Incoming,
    /// Why.
    pub error: SpawnError,
}

impl fmt::Display for SpawnRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.incoming.peer {
            Some(peer) => write!(f, "the connection from {peer} was refused: {}", self.error),
            None => write!(f, "a connection was refused: {}", self.error),
        }
    }
}

impl std::error::Error for SpawnRefused {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}
