//! Where a server listens: TCP addresses, Unix sockets, and sockets that it was given.

use std::fmt;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;

use photon_runtime::net::{Incoming, Inherited, TcpListener, TcpStream, UnixListener};

use crate::server::BindError;

/// Who may connect to a Unix socket: its owner and its group, such as the one of a proxy.
const UNIX_MODE: u32 = 0o660;

/// One place to listen.
pub(crate) enum Place {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// Where a server listens, for people and for whoever has to connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListenAddr {
    /// An IP address with its port.
    Tcp(SocketAddr),
    /// The file of a Unix socket.
    Unix(PathBuf),
}

impl fmt::Display for ListenAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl Place {
    /// Listens on `unix:` with a path behind it, or on a host with a port.
    pub(crate) fn bind(address: &str, shared: bool) -> Result<Self, BindError> {
        if let Some(path) = address.strip_prefix("unix:") {
            return UnixListener::bind(path, UNIX_MODE).map(Self::Unix).map_err(BindError::Listen);
        }
        let resolved = address.to_socket_addrs();
        let resolved =
            resolved.map_err(|source| BindError::Resolve { address: address.to_owned(), source })?;
        let addresses: Vec<SocketAddr> = resolved.collect();
        let bound =
            if shared { TcpListener::bind_shared(&*addresses) } else { TcpListener::bind(&*addresses) };
        bound.map(Self::tcp).map_err(BindError::Listen)
    }

    /// What is written is to be on its way at once: it is an answer, or was flushed.
    fn tcp(listener: TcpListener) -> Self {
        let _ = listener.set_nodelay(true);
        Self::Tcp(listener)
    }

    /// The sockets that the service manager has opened for this process.
    pub(crate) fn inherited() -> io::Result<Vec<Self>> {
        let inherited = photon_runtime::net::inherited_listeners()?;
        let place = |inherited| match inherited {
            Inherited::Tcp(listener) => Self::tcp(listener),
            Inherited::Unix(listener) => Self::Unix(listener),
        };
        Ok(inherited.into_iter().map(place).collect())
    }

    pub(crate) fn address(&self) -> ListenAddr {
        match self {
            Self::Tcp(listener) => ListenAddr::Tcp(listener.local_addr()),
            Self::Unix(listener) => ListenAddr::Unix(listener.path().to_owned()),
        }
    }

    pub(crate) fn try_accept(&self) -> io::Result<Incoming> {
        match self {
            Self::Tcp(listener) => listener.try_accept(),
            Self::Unix(listener) => listener.try_accept(),
        }
    }

    /// Leaves new connections to a server that was started after this one on the same address. False if there is nothing
    /// that could be left to anybody.
    pub(crate) fn step_aside(&self) -> bool {
        match self {
            Self::Tcp(listener) => listener.step_aside().is_ok(),
            Self::Unix(_) => false,
        }
    }

    /// What to wait for until there is somebody to accept.
    pub(crate) fn readiness(&self) -> io::Result<TcpStream> {
        match self {
            Self::Tcp(listener) => listener.readiness(),
            Self::Unix(listener) => listener.readiness(),
        }
    }
}
