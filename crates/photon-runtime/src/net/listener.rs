//! Listening: a taken port is an error, and so is every failed accept.

use std::fmt;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use socket2::{Domain, Protocol, Type};

use super::socket::{Event, Socket, numbered_for};
use super::stream::TcpStream;
use super::wakeable::{WOKEN, Wakeable};
use crate::spawn::{Builder, SpawnError};
use crate::start::{Runtime, try_runtime};
use crate::{sync, sys};

/// Connections that wait to be accepted; the kernel lowers this to `net.core.somaxconn`.
const BACKLOG: i32 = 4096;

/// A TCP socket that listens.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// use std::io::{Read, Write};
/// use photon_runtime::net::TcpListener;
///
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let address = listener.local_addr();
/// let server = photon_runtime::spawn(move || {
///     let incoming = listener.accept().unwrap();
///     incoming.spawn(|mut stream| stream.write_all(b"hello").unwrap()).unwrap();
/// });
/// let mut text = String::new();
/// std::net::TcpStream::connect(address)?.read_to_string(&mut text)?;
/// server.join().unwrap();
/// assert_eq!(text, "hello");
/// # Ok(())
/// # }
/// ```
pub struct TcpListener {
    address: SocketAddr,
    wakeable: Arc<Wakeable>,
    /// One coroutine at a time may wait for a socket; others queue up here.
    socket: sync::Mutex<Socket<std::net::TcpListener>>,
}

impl TcpListener {
    /// Listens on the first of the addresses that can be bound. Port 0 lets the kernel choose.
    ///
    /// An address that was in use until a moment ago can be bound again (`SO_REUSEADDR`), but not one on which
    /// another socket still listens (no `SO_REUSEPORT`).
    ///
    /// # Errors
    /// The last address' error, its kind kept and its text naming the address. [`io::ErrorKind::AddrInUse`]
    /// if somebody listens there.
    pub fn bind(addresses: impl ToSocketAddrs) -> io::Result<TcpListener> {
        try_runtime()?;
        let mut last = io::Error::new(io::ErrorKind::InvalidInput, "no address to listen on was given");
        for address in addresses.to_socket_addrs()? {
            match listen(address) {
                Ok(listener) => return TcpListener::from_std(listener),
                Err(error) => last = named(address, &error),
            }
        }
        Err(last)
    }

    /// Takes over a listening socket, for example one that was inherited.
    ///
    /// # Errors
    /// If the socket cannot be made non-blocking.
    pub fn from_std(listener: std::net::TcpListener) -> io::Result<TcpListener> {
        try_runtime()?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let socket = Socket::new(listener);
        let wakeable = Arc::clone(&socket.wakeable);
        Ok(TcpListener { address, wakeable, socket: sync::Mutex::new(socket) })
    }

    /// The address it listens on.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Waits for the next connection.
    ///
    /// # Errors
    /// Whatever the kernel says, at once and every time: out of descriptors (`EMFILE`, `ENFILE`) is such an
    /// error, and a caller that goes on must pause first. [`io::ErrorKind::Interrupted`] after
    /// [`ListenerWaker::wake`].
    pub fn accept(&self) -> io::Result<Incoming> {
        let mut socket = self.socket.lock();
        loop {
            match sys::accept(socket.sys.as_fd()) {
                Ok((fd, peer)) => return Ok(Incoming { fd, peer }),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            }
            if socket.wait(WOKEN) == Event::Woken {
                return Err(io::Error::new(io::ErrorKind::Interrupted, "the listener was woken"));
            }
        }
    }

    /// Takes a connection that has been made already, if there is one.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] if there is none, and whatever the kernel says as in
    /// [`accept`](TcpListener::accept).
    pub fn try_accept(&self) -> io::Result<Incoming> {
        let socket = self.socket.lock();
        let (fd, peer) = sys::accept(socket.sys.as_fd())?;
        Ok(Incoming { fd, peer })
    }

    /// A handle that makes [`accept`](TcpListener::accept) return, from any thread.
    #[must_use]
    pub fn waker(&self) -> ListenerWaker {
        ListenerWaker { wakeable: Arc::clone(&self.wakeable) }
    }
}

impl fmt::Debug for TcpListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TcpListener").field(&self.address).finish()
    }
}

fn listen(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    let socket = socket2::Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

fn named(address: SocketAddr, error: &io::Error) -> io::Error {
    let text = match error.kind() {
        io::ErrorKind::AddrInUse => format!("{address} is already in use: another program listens there"),
        _ => format!("cannot listen on {address}: {error}"),
    };
    io::Error::new(error.kind(), text)
}

/// Makes a pending or the next [`TcpListener::accept`] return [`io::ErrorKind::Interrupted`].
#[derive(Clone)]
pub struct ListenerWaker {
    wakeable: Arc<Wakeable>,
}

impl ListenerWaker {
    /// Interrupts one accept. Several wakes before it are one.
    pub fn wake(&self) {
        self.wakeable.wake();
    }
}

impl fmt::Debug for ListenerWaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ListenerWaker")
    }
}

/// An accepted connection that belongs to no worker yet.
#[derive(Debug)]
pub struct Incoming {
    fd: OwnedFd,
    peer: SocketAddr,
}

impl Incoming {
    /// The address of the other side.
    #[must_use]
    pub fn peer_addr(&self) -> SocketAddr {
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
        write!(f, "the connection from {} was refused: {}", self.incoming.peer, self.error)
    }
}

impl std::error::Error for SpawnRefused {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}
