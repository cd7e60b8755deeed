//! Listening on a Unix socket: a file in place of an address.

use std::fmt;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use socket2::{Domain, SockAddr, Type};

use super::incoming::Incoming;
use super::listener::{Acceptor, BACKLOG, ListenerWaker, named};
use super::stream::TcpStream;

/// A Unix socket that listens. Its connections are [`TcpStream`](super::TcpStream)s like those of TCP, without addresses.
pub struct UnixListener {
    path: PathBuf,
    acceptor: Acceptor,
    /// The file, by device and number, if it is to be removed at the end.
    file: Option<(u64, u64)>,
}

impl UnixListener {
    /// Listens on a file that only those may use whom `mode` allows to write it: `0o660` for owner and group.
    ///
    /// A socket that somebody has left behind there is replaced. The file is removed when the listener is dropped.
    ///
    /// # Errors
    /// [`io::ErrorKind::AddrInUse`] if somebody listens there, or the file is no socket; whatever else the kernel says.
    /// The text names the file.
    pub fn bind(path: impl AsRef<Path>, mode: u32) -> io::Result<UnixListener> {
        let path = path.as_ref();
        Self::try_bind(path, mode).map_err(|error| named(&path.display(), &error))
    }

    fn try_bind(path: &Path, mode: u32) -> io::Result<UnixListener> {
        remove_stale(path)?;
        let socket = socket2::Socket::new(Domain::UNIX, Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        socket.bind(&SockAddr::unix(path)?)?;
        // Nobody can connect before it listens.
        fs::set_permissions(path, Permissions::from_mode(mode))?;
        socket.listen(BACKLOG)?;
        let file = fs::symlink_metadata(path).ok().map(|metadata| (metadata.dev(), metadata.ino()));
        Ok(UnixListener { path: path.to_owned(), acceptor: Acceptor::new(socket.into())?, file })
    }

    /// Takes over a listening socket, for example one that was inherited. Its file stays at the end.
    ///
    /// # Errors
    /// If the socket cannot be made non-blocking.
    pub fn from_std(listener: std::os::unix::net::UnixListener) -> io::Result<UnixListener> {
        listener.set_nonblocking(true)?;
        let path = listener.local_addr()?.as_pathname().map(Path::to_owned).unwrap_or_default();
        Ok(UnixListener { path, acceptor: Acceptor::new(listener.into())?, file: None })
    }

    /// The file; empty if it is an inherited socket without one.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Waits for the next connection.
    ///
    /// # Errors
    /// As [`TcpListener::accept`](super::TcpListener::accept).
    pub fn accept(&self) -> io::Result<Incoming> {
        self.acceptor.accept()
    }

    /// Takes a connection that has been made already, if there is one.
    ///
    /// # Errors
    /// As [`TcpListener::try_accept`](super::TcpListener::try_accept).
    pub fn try_accept(&self) -> io::Result<Incoming> {
        self.acceptor.try_accept()
    }

    /// What an [`EventHandler`](super::EventHandler) waits for, as
    /// [`TcpListener::readiness`](super::TcpListener::readiness).
    ///
    /// # Errors
    /// If no descriptor is free. The text names the file.
    pub fn readiness(&self) -> io::Result<TcpStream> {
        self.acceptor.readiness().map_err(|error| named(&self.path.display(), &error))
    }

    /// A handle that makes [`accept`](UnixListener::accept) return, from any thread.
    #[must_use]
    pub fn waker(&self) -> ListenerWaker {
        self.acceptor.waker()
    }
}

/// Removes a socket on which nobody listens.
fn remove_stale(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.file_type().is_socket() => {}
        Ok(_) => {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "there is a file that is no socket"));
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    }
    match UnixStream::connect(path) {
        Ok(_) => Err(io::ErrorKind::AddrInUse.into()),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path),
        Err(error) => Err(error),
    }
}

impl Drop for UnixListener {
    fn drop(&mut self) {
        // Somebody else may have put a socket of theirs in its place.
        let ours = |metadata: fs::Metadata| self.file == Some((metadata.dev(), metadata.ino()));
        if fs::symlink_metadata(&self.path).is_ok_and(ours) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl fmt::Debug for UnixListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("UnixListener").field(&self.path).finish()
    }
}
