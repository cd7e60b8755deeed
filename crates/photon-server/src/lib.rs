//! The HTTP server of the Photon web framework: listener, connections, limits, drain.
//!
//! A [`Server`] accepts connections and serves each one when something happens to it: read, decode,
//! call the [`Handler`](photon_core::Handler), write, in straight-line blocking code on a coroutine that
//! is the request's own for as long as it has to wait. What bytes
//! mean is decided in `photon-http`, what a request gets for an answer in the handler; this crate
//! knows sockets, time limits and how to stop.
//!
//! ```
//! use std::sync::Arc;
//!
//! use photon_core::{Request, Response};
//! use photon_server::Server;
//!
//! let server = Server::bind("127.0.0.1:0").unwrap();
//! let (address, handle) = (server.local_addr(), server.handle());
//! let serving = std::thread::spawn(move || {
//!     server.serve(Arc::new(|_: &mut Request| Response::with_body("text/plain", "hello")))
//! });
//!
//! # use std::io::{Read, Write};
//! let mut client = std::net::TcpStream::connect(address).unwrap();
//! client.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
//! let mut answer = String::new();
//! client.read_to_string(&mut answer).unwrap();
//! assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("hello"));
//!
//! handle.shutdown();
//! assert_eq!(serving.join().unwrap().unwrap().connections_cut, 0);
//! ```

mod accept;
mod buffers;
mod config;
mod connection;
mod desk;
mod incoming;
mod input;
mod link;
mod listen;
mod server;
mod shared;
mod stream;
#[cfg(feature = "tls")]
mod tls;
mod transport;
mod tunnel;

pub use config::ServerConfig;
pub use listen::ListenAddr;
pub use photon_core::{ForwardedFields, ProxiesError, TrustedProxies};
pub use photon_http::Limits;
pub use server::{BindError, Report, Server};
pub use shared::Handle;
#[cfg(feature = "tls")]
pub use tls::{TlsConfig, TlsError};
