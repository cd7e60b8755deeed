//! Opening a connection from the calling coroutine's worker.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use socket2::{Domain, Protocol, Type};

use super::socket::{Event, OperationTimer, Socket};
use super::wakeable::TIMER;

/// Connects without blocking the worker. The socket is settled on it before the connection is requested, because
/// the event that it is there comes once.
pub(super) fn connect(address: SocketAddr, timeout: Option<Duration>) -> io::Result<Socket<TcpStream>> {
    let socket = socket2::Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    let mut socket = Socket::new(TcpStream::from(socket));
    socket.settle()?;
    socket.wants_write = true;
    let timer: Option<OperationTimer> = timeout.map(|timeout| socket.start_timer(timeout));
    match socket2::SockRef::from(&socket.sys).connect(&address.into()) {
        Ok(()) => return Ok(connected(socket)),
        Err(error) if error.raw_os_error() == Some(libc::EINPROGRESS) => {}
        Err(error) => return Err(error),
    }
    loop {
        let event = socket.wait_with(TIMER, timer.as_ref());
        if let Some(error) = socket.sys.take_error()? {
            return Err(error);
        }
        // Registering reports the idle socket as hung up, so an event alone says nothing. The mark it leaves is
        // kept: the peer may have answered and closed already. The first read finds out.
        match socket.sys.peer_addr() {
            Ok(_) => return Ok(connected(socket)),
            Err(error) if error.kind() == io::ErrorKind::NotConnected => {}
            Err(error) => return Err(error),
        }
        // Without a timer of its own the wait has run out of patience: the coroutine unwinds.
        if timer.as_ref().map_or(event == Event::Timer, OperationTimer::has_expired) {
            return Err(io::Error::new(io::ErrorKind::TimedOut, format!("{address} did not answer in time")));
        }
    }
}

fn connected(mut socket: Socket<TcpStream>) -> Socket<TcpStream> {
    socket.wants_write = false;
    socket
}
