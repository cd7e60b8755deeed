//! TCP whose waits keep a coroutine on its worker.
//!
//! `may` resumes a coroutine that waits for a socket on the worker to which the descriptor's *number* maps. So a
//! socket is moved to a number that maps to the worker it is used on, before it is registered there.

mod connect;
mod incoming;
mod inherited;
mod listener;
mod socket;
mod stream;
mod unix;
mod wakeable;

pub use incoming::{Incoming, SpawnRefused};
pub use inherited::{Inherited, inherited_listeners};
pub use listener::{ListenerWaker, TcpListener};
pub use stream::{Ready, StreamWaker, TcpStream};
pub use unix::UnixListener;
pub(crate) use wakeable::Wakeable;
