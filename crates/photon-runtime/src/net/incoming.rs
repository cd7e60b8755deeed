//! An accepted connection on its way to the coroutine that serves it.

use std::fmt;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::socket::numbered_for;
use super::stream::TcpStream;
use crate::spawn::{Builder, SpawnError};
use crate::start::{Runtime, try_runtime};

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
        let (incoming, guest) = self.place(runtime);
        // The closure is lost if the coroutine cannot be started, but the connection must not be.
        let parcel = Arc::new(Mutex::new(Some(incoming)));
        let theirs = Arc::clone(&parcel);
        let home = guest.worker;
        let started = Builder::new().worker(home).spawn(move || {
            let _guest = guest;
            let incoming = theirs.lock().unwrap_or_else(PoisonError::into_inner).take();
            drop(theirs);
            if let Some(incoming) = incoming {
                f(incoming.into_stream());
            }
        });
        let Err(error) = started else { return Ok(()) };
        let incoming = parcel.lock().unwrap_or_else(PoisonError::into_inner).take();
        match incoming {
            Some(incoming) => Err(SpawnRefused { incoming, error }),
            None => Ok(()),
        }
    }

    /// Chooses the worker, and moves to a number that maps to it if one is near.
    fn place(mut self, runtime: &'static Runtime) -> (Incoming, Guest) {
        let workers = runtime.workers();
        let natural = self.fd.as_raw_fd() as usize % workers;
        let loads = &runtime.connections;
        let load = |worker: usize| loads[worker].load(Ordering::Relaxed);
        let wanted = (0..workers).min_by_key(|&worker| load(worker)).unwrap_or(natural);
        let mut home = natural;
        // A slight imbalance is not worth two system calls.
        if load(natural) > load(wanted) + load(wanted) / 16
            && let Ok(fd) = numbered_for(&self.fd, wanted, workers, 8)
        {
            self.fd = fd;
            home = wanted;
        }
        (self, Guest::arrive(home, &loads[home]))
    }
}

/// A connection's share of its worker's load.
struct Guest {
    worker: usize,
    load: &'static AtomicUsize,
}

impl Guest {
    fn arrive(worker: usize, load: &'static AtomicUsize) -> Guest {
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
