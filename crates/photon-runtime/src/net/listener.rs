//! Listening: a taken port is an error, and so is every failed accept.

use std::fmt;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use socket2::{Domain, Protocol, SockRef, Type};

use super::incoming::Incoming;
use super::socket::{Event, Socket};
use super::stream::TcpStream;
use super::wakeable::{WOKEN, Wakeable};
use crate::start::try_runtime;
use crate::{sync, sys};

/// Connections that wait to be accepted; the kernel lowers this to `net.core.somaxconn`.
pub(super) const BACKLOG: i32 = 4096;

/// How many bytes of a TCP connection's output the kernel keeps that it cannot send yet. Without a bound it may be
/// megabytes, which a peer that takes nothing would occupy, and a write would be done long before the peer has anything.
/// With less, a large response takes more steps and more of the processor's time.
const UNSENT: u32 = 1024 * 1024;

/// A socket that listens, of whatever family.
pub(super) struct Acceptor {
    wakeable: Arc<Wakeable>,
    fd: Arc<OwnedFd>,
    /// One coroutine at a time may wait for a socket; others queue up here.
    socket: sync::Mutex<Socket<Arc<OwnedFd>>>,
}

impl Acceptor {
    /// Takes over a listening, non-blocking socket.
    pub(super) fn new(fd: OwnedFd) -> io::Result<Acceptor> {
        try_runtime()?;
        let fd = Arc::new(fd);
        let socket = Socket::new(Arc::clone(&fd));
        Ok(Acceptor { wakeable: Arc::clone(&socket.wakeable), fd, socket: sync::Mutex::new(socket) })
    }

    pub(super) fn accept(&self) -> io::Result<Incoming> {
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

    pub(super) fn try_accept(&self) -> io::Result<Incoming> {
        let (fd, peer) = sys::accept(self.fd.as_fd())?;
        Ok(Incoming { fd, peer })
    }

    pub(super) fn step_aside(&self) -> io::Result<()> {
        sys::prefer_second_in_group(self.fd.as_fd())
    }

    pub(super) fn readiness(&self) -> io::Result<TcpStream> {
        let mut stream = TcpStream::from_nonblocking(self.fd.try_clone()?.into());
        stream.socket().listens = true;
        Ok(stream)
    }

    pub(super) fn waker(&self) -> ListenerWaker {
        ListenerWaker { wakeable: Arc::clone(&self.wakeable) }
    }
}

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
    acceptor: Acceptor,
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
        Self::bind_first(addresses, false)
    }

    /// Listens on the first of the addresses that can be bound, perhaps beside other sockets that were bound in this
    /// way (`SO_REUSEPORT`): the kernel spreads connections over all of them. For a program that takes over from an
    /// earlier run of itself.
    ///
    /// # Errors
    /// As [`bind`](TcpListener::bind).
    pub fn bind_shared(addresses: impl ToSocketAddrs) -> io::Result<TcpListener> {
        Self::bind_first(addresses, true)
    }

    fn bind_first(addresses: impl ToSocketAddrs, shared: bool) -> io::Result<TcpListener> {
        try_runtime()?;
        let mut last = io::Error::new(io::ErrorKind::InvalidInput, "no address to listen on was given");
        for address in addresses.to_socket_addrs()? {
            match listen(address, shared) {
                Ok(listener) => return TcpListener::from_std(listener),
                Err(error) => last = named(&address, &error),
            }
        }
        Err(last)
    }

    /// Takes over a listening socket, for example one that was inherited.
    ///
    /// # Errors
    /// If the socket cannot be made non-blocking.
    pub fn from_std(listener: std::net::TcpListener) -> io::Result<TcpListener> {
        listener.set_nonblocking(true)?;
        // Connections inherit it. Without it they only occupy more memory.
        let _ = SockRef::from(&listener).set_tcp_notsent_lowat(UNSENT);
        let address = listener.local_addr()?;
        Ok(TcpListener { address, acceptor: Acceptor::new(listener.into())? })
    }

    /// The address it listens on.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Whether small writes to connections that are accepted from now on are sent at once (`TCP_NODELAY`). They inherit
    /// it, which saves a system call for each.
    ///
    /// # Errors
    /// If the kernel refuses.
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        SockRef::from(&self.acceptor.fd).set_tcp_nodelay(nodelay)
    }

    /// Waits for the next connection.
    ///
    /// # Errors
    /// Whatever the kernel says, at once and every time: out of descriptors (`EMFILE`, `ENFILE`) is such an
    /// error, and a caller that goes on must pause first. [`io::ErrorKind::Interrupted`] after
    /// [`ListenerWaker::wake`].
    pub fn accept(&self) -> io::Result<Incoming> {
        self.acceptor.accept()
    }

    /// Takes a connection that has been made already, if there is one.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] if there is none, and whatever the kernel says as in
    /// [`accept`](TcpListener::accept).
    pub fn try_accept(&self) -> io::Result<Incoming> {
        self.acceptor.try_accept()
    }

    /// Leaves new connections to another socket that was bound with [`bind_shared`](TcpListener::bind_shared) after this
    /// one, if there is one. What has been made already, and what is being made, still comes here: accept it for a
    /// moment before the listener is dropped, which would reset it.
    ///
    /// The next `bind_shared` ends this for all sockets of the address.
    ///
    /// # Errors
    /// If the kernel does not know how (Linux before 4.5).
    pub fn step_aside(&self) -> io::Result<()> {
        self.acceptor.step_aside()
    }

    /// What an [`EventHandler`](super::EventHandler) waits for that accepts connections with
    /// [`try_accept`](TcpListener::try_accept): it is ready when there is one. Nothing can be read from it or written to it.
    /// The socket stays open until it is dropped as well.
    ///
    /// # Errors
    /// If no descriptor is free. The text names the address.
    pub fn readiness(&self) -> io::Result<TcpStream> {
        self.acceptor.readiness().map_err(|error| named(&self.address, &error))
    }

    /// A handle that makes [`accept`](TcpListener::accept) return, from any thread.
    #[must_use]
    pub fn waker(&self) -> ListenerWaker {
        self.acceptor.waker()
    }
}

impl fmt::Debug for TcpListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TcpListener").field(&self.address).finish()
    }
}

fn listen(address: SocketAddr, shared: bool) -> io::Result<std::net::TcpListener> {
    let socket = socket2::Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(shared)?;
    socket.bind(&address.into())?;
    if shared {
        // An earlier run that has stepped aside did so for the one before this.
        let _ = sys::forget_preference_in_group(socket.as_fd());
    }
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

pub(super) fn named(address: &impl fmt::Display, error: &io::Error) -> io::Error {
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
