//! A TCP connection that blocks its coroutine and nothing else.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, ToSocketAddrs};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use super::connect;
use super::incoming::Guest;
use super::socket::{Event, OperationTimer, Socket};
use super::wakeable::{DEADLINE, TIMER, WOKEN, Wakeable};
use crate::coroutine::{Coroutine, with_current};
use crate::sys;

/// What ended a [`TcpStream::wait_ready`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ready {
    /// Bytes arrived, room to write was made, or the peer went away. May also be reported for no reason.
    Io,
    /// The time given to [`TcpStream::set_deadline`] is over. Every later wait says so until it is set anew.
    Deadline,
    /// Somebody called [`StreamWaker::wake`]; said once.
    Woken,
}

/// A TCP connection, or one that was accepted from a Unix socket, which has no addresses.
///
/// [`Read`] and [`Write`] block the calling coroutine, or the calling thread if it is a plain one. It settles on
/// the worker where it is first used and follows if it is handed to a coroutine on another worker.
pub struct TcpStream {
    socket: Socket<std::net::TcpStream>,
    read_timeout: Option<Duration>,
    write_timeout: Option<Duration>,
    /// An accepted connection's share of its worker's load.
    _guest: Option<Guest>,
}

impl TcpStream {
    /// Connects to the first of the addresses that answers.
    ///
    /// On a coroutine names are resolved on the [`blocking`](crate::blocking()) pool.
    ///
    /// # Errors
    /// The last address' error, or [`io::ErrorKind::InvalidInput`] if there was none.
    ///
    /// # Panics
    /// If called while a future is being polled.
    ///
    /// ```
    /// # fn main() -> std::io::Result<()> {
    /// use photon_runtime::net::TcpStream;
    /// let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// let address = listener.local_addr()?;
    /// let peer = photon_runtime::spawn(move || TcpStream::connect(address)?.peer_addr());
    /// assert_eq!(peer.join().unwrap()?, address);
    /// # Ok(())
    /// # }
    /// ```
    pub fn connect(addresses: impl ToSocketAddrs + Send) -> io::Result<TcpStream> {
        let resolve = move || addresses.to_socket_addrs().map(Iterator::collect::<Vec<_>>);
        let addresses = crate::blocking(resolve)?;
        let mut last = io::Error::new(io::ErrorKind::InvalidInput, "no address to connect to was given");
        for address in addresses {
            match connect::connect(address, None) {
                Ok(socket) => return Ok(Self::from_socket(socket)),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Connects to one address, for no longer than `timeout`.
    ///
    /// # Errors
    /// The connection's error, or [`io::ErrorKind::TimedOut`].
    pub fn connect_timeout(address: &SocketAddr, timeout: Duration) -> io::Result<TcpStream> {
        connect::connect(*address, Some(timeout)).map(Self::from_socket)
    }

    /// Takes over a connection of std's.
    ///
    /// # Errors
    /// If it cannot be made non-blocking.
    pub fn from_std(stream: std::net::TcpStream) -> io::Result<TcpStream> {
        stream.set_nonblocking(true)?;
        Ok(Self::from_nonblocking(stream))
    }

    pub(super) fn from_nonblocking(stream: std::net::TcpStream) -> TcpStream {
        Self::from_socket(Socket::new(stream))
    }

    fn from_socket(socket: Socket<std::net::TcpStream>) -> TcpStream {
        TcpStream { socket, read_timeout: None, write_timeout: None, _guest: None }
    }

    pub(super) fn of(self, guest: Guest) -> TcpStream {
        TcpStream { _guest: Some(guest), ..self }
    }

    /// The socket, for whoever waits for it in another way.
    pub(crate) fn socket(&mut self) -> &mut Socket<std::net::TcpStream> {
        &mut self.socket
    }

    /// The address of the other side.
    ///
    /// # Errors
    /// If the connection is gone.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.socket.sys.peer_addr()
    }

    /// The address of this side.
    ///
    /// # Errors
    /// If the kernel does not know.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.sys.local_addr()
    }

    /// Whether small writes are sent at once (`TCP_NODELAY`).
    ///
    /// # Errors
    /// If the connection is gone.
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.socket.sys.set_nodelay(nodelay)
    }

    /// Closes one or both directions.
    ///
    /// # Errors
    /// If the connection is gone.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.socket.sys.shutdown(how)
    }

    /// Makes the end of this connection a reset, so that the peer cannot take what it got for everything
    /// (`SO_LINGER` of zero). What was written and not delivered by then is lost.
    ///
    /// # Errors
    /// If the connection is gone.
    pub fn reset_at_close(&self) -> io::Result<()> {
        socket2::SockRef::from(&self.socket.sys).set_linger(Some(Duration::ZERO))
    }

    /// How many bytes that were written the peer has not received yet, because they are on their way or the peer takes
    /// no more: one system call.
    ///
    /// # Errors
    /// If the kernel does not know.
    pub fn unreceived(&self) -> io::Result<usize> {
        sys::unreceived(self.socket.sys.as_fd())
    }

    /// A second handle to the same connection, to read on one coroutine and write on another. Deadlines, timeouts
    /// and wakers are each handle's own.
    ///
    /// # Errors
    /// If no descriptor is free.
    pub fn try_clone(&self) -> io::Result<TcpStream> {
        let clone = Self::from_nonblocking(self.socket.sys.try_clone()?);
        Ok(TcpStream { read_timeout: self.read_timeout, write_timeout: self.write_timeout, ..clone })
    }

    /// How long one [`Read::read`] may wait, at least a millisecond; `None`, the default, is for ever. A read that
    /// waits longer fails with [`io::ErrorKind::TimedOut`].
    pub fn set_read_timeout(&mut self, timeout: Option<Duration>) {
        self.read_timeout = timeout;
    }

    /// How long one [`Write::write`] may wait, at least a millisecond; `None`, the default, is for ever. A write
    /// that waits longer fails with [`io::ErrorKind::TimedOut`].
    pub fn set_write_timeout(&mut self, timeout: Option<Duration>) {
        self.write_timeout = timeout;
    }

    /// Reads what is there: one system call.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] if nothing is.
    #[inline]
    pub fn try_read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.socket.wants_write = false;
        let result = self.socket.sys.read(buffer);
        match &result {
            Ok(1..) => {}
            // The end was read, or there is none: the next wait is for something new.
            _ => self.socket.hung_up = false,
        }
        result
    }

    /// Writes as much as there is room for: one system call.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] if there is no room.
    #[inline]
    pub fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let result = self.socket.sys.write(bytes);
        self.socket.wants_write = !matches!(result, Ok(written) if written == bytes.len());
        result
    }

    /// The same for several buffers at once.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] if there is no room.
    pub fn try_write_vectored(&mut self, buffers: &[io::IoSlice<'_>]) -> io::Result<usize> {
        let result = self.socket.sys.write_vectored(buffers);
        let all = buffers.iter().map(|buffer| buffer.len()).sum();
        self.socket.wants_write = !matches!(result, Ok(written) if written == all);
        result
    }

    /// Parks until something happened since the last `try_read` or `try_write`, the deadline passed, or somebody
    /// called [`StreamWaker::wake`].
    ///
    /// The wait has no timer of its own and reads no clock. A read shorter than its buffer has taken everything
    /// there was, so the next step after it is this wait and not another read: bytes and a closing that arrive
    /// later end the wait, and a closing that has arrived already does as well.
    ///
    /// # Panics
    /// If called while a future is being polled.
    #[inline]
    pub fn wait_ready(&mut self) -> Ready {
        match self.socket.wait(WOKEN | DEADLINE) {
            Event::Io | Event::Timer => Ready::Io,
            Event::Deadline => Ready::Deadline,
            Event::Woken => Ready::Woken,
        }
    }

    /// Ends waits that last longer than this, counted from now; `None` removes the deadline.
    ///
    /// It is coarse: it passes up to 100 ms late and never early, and costs a store. If the stream moves from one
    /// worker to another, it is counted anew from there. A blocking read or write that meets it fails with
    /// [`io::ErrorKind::TimedOut`].
    #[inline]
    pub fn set_deadline(&mut self, after: Option<Duration>) {
        self.socket.set_deadline(after);
    }

    /// A handle that makes [`wait_ready`](TcpStream::wait_ready) return, from any thread.
    #[must_use]
    pub fn waker(&self) -> StreamWaker {
        StreamWaker { wakeable: Arc::clone(&self.socket.wakeable) }
    }

    /// Repeats a non-blocking operation until it does not have to wait.
    fn block<T>(
        &mut self,
        timeout: Option<Duration>,
        mut operation: impl FnMut(&mut Self) -> io::Result<T>,
    ) -> io::Result<T> {
        let mut timer: Option<OperationTimer> = None;
        loop {
            match operation(self) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                result => {
                    if timer.is_none() {
                        // A peer that always has something to say must not keep the worker to itself.
                        with_current(|current| current.map(Coroutine::count_ready));
                    }
                    return result;
                }
            }
            self.socket.settle()?;
            if timer.is_none() {
                timer = timeout.map(|timeout| self.socket.start_timer(timeout));
            }
            let event = self.socket.wait_with(DEADLINE | TIMER, timer.as_ref());
            let expired = timer.as_ref().is_some_and(OperationTimer::has_expired);
            if matches!(event, Event::Deadline)
                || expired
                || (matches!(event, Event::Timer) && timeout.is_none())
            {
                return Err(io::Error::new(io::ErrorKind::TimedOut, "the peer took too long"));
            }
        }
    }
}

impl Read for TcpStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.block(self.read_timeout, |stream| stream.try_read(buffer))
    }
}

impl Write for TcpStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.block(self.write_timeout, |stream| stream.try_write(bytes))
    }

    fn write_vectored(&mut self, buffers: &[io::IoSlice<'_>]) -> io::Result<usize> {
        self.block(self.write_timeout, |stream| stream.try_write_vectored(buffers))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Debug for TcpStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.socket.sys.fmt(f)
    }
}

/// Makes a stream's pending or next [`TcpStream::wait_ready`] return [`Ready::Woken`].
#[derive(Clone)]
pub struct StreamWaker {
    wakeable: Arc<Wakeable>,
}

impl StreamWaker {
    /// Ends one wait. Several wakes before it are one. Does nothing once the stream is gone.
    pub fn wake(&self) {
        self.wakeable.wake();
    }
}

impl fmt::Debug for StreamWaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StreamWaker")
    }
}
