//! TCP whose waits keep a coroutine on its worker.

mod connect;
mod handler;
mod incoming;
mod inherited;
mod listener;
mod socket;
mod stream;
mod unix;
mod wakeable;

pub use handler::{EventHandler, start_handler};
pub use incoming::{Incoming, SpawnRefused};
pub use inherited::{Inherited, inherited_listeners};
pub use listener::{ListenerWaker, TcpListener};
pub use stream::{Ready, StreamWaker, TcpStream};
pub use unix::UnixListener;
pub(crate) use wakeable::Wakeable;
