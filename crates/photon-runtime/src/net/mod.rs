//! TCP whose waits keep a coroutine on its worker.
//!
//! `may` resumes a coroutine that waits for a socket on the worker to which the descriptor's *number* maps. So a
//! socket is moved to a number that maps to the worker it is used on, before it is registered there.

mod connect;
mod listener;
mod socket;
mod stream;
mod wakeable;

pub use listener::{Incoming, ListenerWaker, SpawnRefused, TcpListener};
pub use stream::{Ready, StreamWaker, TcpStream};
pub(crate) use wakeable::Wakeable;
