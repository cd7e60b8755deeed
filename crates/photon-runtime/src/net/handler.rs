//! Connections and listeners that need no coroutine while nothing happens to them.

use super::stream::{Ready, TcpStream};
use crate::start::runtime;

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

    /// Whether a call may wait for something. A handler that says no is called even when there can be no coroutine to take
    /// over from it.
    fn may_wait(&self) -> bool {
        true
    }

    /// Goes on after something has happened; `event` says what, as [`TcpStream::wait_ready`] would have. It is at the end
    /// if it gives nothing back. If it panics, it is dropped.
    ///
    /// Events are told once: before it gives itself back, it must have read until there was less than it had room for.
    fn handle(self: Box<Self>, event: Ready) -> Option<Box<dyn EventHandler>>;
}

/// Calls a handler for the first time, as if something had happened, on the worker with this number. For one that does not
/// begin with a connection that was accepted ([`Incoming::handle`](super::Incoming::handle) is for those), such as what
/// accepts them:
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// use std::io::{ErrorKind, Read, Write};
/// use photon_runtime::net::{EventHandler, Ready, TcpListener, TcpStream, start_handler};
///
/// struct Door {
///     listener: TcpListener,
///     readiness: TcpStream,
/// }
///
/// impl EventHandler for Door {
///     fn stream(&mut self) -> &mut TcpStream {
///         &mut self.readiness
///     }
///
///     fn handle(self: Box<Self>, _event: Ready) -> Option<Box<dyn EventHandler>> {
///         loop {
///             match self.listener.try_accept() {
///                 Ok(incoming) => incoming.into_stream().write_all(b"hello").ok()?,
///                 Err(error) if error.kind() == ErrorKind::WouldBlock => return Some(self),
///                 Err(_) => return None,
///             }
///         }
///     }
/// }
///
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let (address, readiness) = (listener.local_addr(), listener.readiness()?);
/// start_handler(0, Door { listener, readiness });
/// for _ in 0..3 {
///     let mut text = String::new();
///     std::net::TcpStream::connect(address)?.read_to_string(&mut text)?;
///     assert_eq!(text, "hello");
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Panics
/// If the runtime cannot be started, or has no such worker.
pub fn start_handler(worker: usize, handler: impl EventHandler) {
    runtime().reactors[worker].submit(Box::new(handler));
}
