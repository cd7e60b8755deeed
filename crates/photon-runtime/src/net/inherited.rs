//! Sockets that whoever started the process has opened for it: systemd's socket activation (`sd_listen_fds(3)`).

use std::io;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};

use super::{TcpListener, UnixListener};
use crate::sys;

/// The first descriptor that is handed over.
const FIRST: RawFd = 3;

/// One listening socket of this process.
#[derive(Debug)]
pub enum Inherited {
    /// An IPv4 or IPv6 socket.
    Tcp(TcpListener),
    /// A Unix socket.
    Unix(UnixListener),
}

/// The listening sockets that the service manager has opened for this process, in its order. Empty if it has not, and the
/// second time.
///
/// They are this process's if `LISTEN_PID` is its number; `LISTEN_FDS` says how many there are. Programs that it starts
/// do not inherit them.
///
/// # Errors
/// If `LISTEN_FDS` is no number of sockets, or one of the descriptors is no socket that listens.
pub fn inherited_listeners() -> io::Result<Vec<Inherited>> {
    static TAKEN: AtomicBool = AtomicBool::new(false);
    let variable = |name| std::env::var(name).ok();
    let is_ours = variable("LISTEN_PID").is_some_and(|pid| pid == std::process::id().to_string());
    if !is_ours || TAKEN.swap(true, Ordering::AcqRel) {
        return Ok(Vec::new());
    }
    let count = count(&variable("LISTEN_FDS").unwrap_or_default())?;
    (FIRST..FIRST + RawFd::from(count)).map(take).collect()
}

fn count(text: &str) -> io::Result<u16> {
    text.parse().map_err(|_| invalid(&format!("LISTEN_FDS is {text:?}, which is no number of sockets")))
}

fn take(fd: RawFd) -> io::Result<Inherited> {
    let wrong = |error: &io::Error| {
        invalid(&format!("the inherited descriptor {fd} is no socket that listens: {error}"))
    };
    if !sys::is_open(fd) {
        return Err(wrong(&io::ErrorKind::NotFound.into()));
    }
    // SAFETY: the descriptor is open, and the service manager has handed it to this process to own (LISTEN_PID is ours);
    // `TAKEN` sees to it that this happens once.
    let fd = unsafe { OwnedFd::from_raw_fd(fd) };
    let socket = socket2::Socket::from(fd);
    let listens = socket.is_listener().map_err(|error| wrong(&error))?;
    if !listens {
        return Err(wrong(&io::ErrorKind::InvalidInput.into()));
    }
    socket.set_cloexec(true)?;
    if socket.local_addr()?.is_unix() {
        UnixListener::from_std(socket.into()).map(Inherited::Unix)
    } else {
        TcpListener::from_std(socket.into()).map(Inherited::Tcp)
    }
}

fn invalid(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::count;

    #[test]
    fn a_count_is_a_number_of_sockets() {
        assert_eq!((count("0").unwrap(), count("2").unwrap()), (0, 2));
        for text in ["", "-1", "two", "65536"] {
            let error = count(text).unwrap_err().to_string();
            assert!(error.contains(&format!("LISTEN_FDS is {text:?}")), "{error}");
        }
    }
}
