//! Connections that need no coroutine while nothing happens to them.

use super::stream::{Ready, TcpStream};

/// Goes on whenever something has happened to its stream, and has no coroutine while nothing does.
///
/// A coroutine that waits keeps its stack, which is memory, and cold memory once there are thousands of them. A server
/// whose connections are idle most of the time gives each of them a handler instead
/// ([`Incoming::handle`](super::Incoming::handle)). One coroutine of a worker at a time, the *leader*, takes what has
/// happened from the kernel and calls the handlers one after another on its own stack. A handler may block: another
/// coroutine leads from then on, and the one that was blocked goes on with its handler alone. So all that costs a stack is
/// work that has begun and waits for something.
///
/// Between two calls a handler may go to another worker, namely if its own is kept from its work. Within a call it stays.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// use std::io::{Read, Write};
/// use photon_runtime::net::{EventHandler, Ready, TcpListener, TcpStream};
///
/// struct Echo(TcpStream);
///
/// impl EventHandler for Echo {
///     fn stream(&mut self) -> &mut TcpStream {
///         &mut self.0
///     }
///
///     fn handle(mut self: Box<Self>, _event: Ready) -> Option<Box<dyn EventHandler>> {
///         let mut buffer = [0; 1024];
///         match self.0.try_read(&mut buffer) {
///             Ok(0) => None,
///             Ok(count) => self.0.write_all(&buffer[..count]).is_ok().then_some(self),
///             Err(error) => (error.kind() == std::io::ErrorKind::WouldBlock).then_some(self),
///         }
///     }
/// }
///
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let mut client = std::net::TcpStream::connect(listener.local_addr())?;
/// listener.accept()?.handle(Echo);
/// client.write_all(b"hello")?;
/// let mut answer = [0; 5];
/// client.read_exact(&mut answer)?;
/// assert_eq!(&answer, b"hello");
/// # Ok(())
/// # }
/// ```
pub trait EventHandler: Send + 'static {
    /// What the handler waits for between two calls.
    fn stream(&mut self) -> &mut TcpStream;

    /// Goes on after something has happened; `event` says what, as [`TcpStream::wait_ready`] would have. It is at the end
    /// if it gives nothing back. If it panics, it is dropped.
    ///
    /// Events are told once: before it gives itself back, it must have read until there was less than it had room for.
    fn handle(self: Box<Self>, event: Ready) -> Option<Box<dyn EventHandler>>;
}
