//! A connection that has left HTTP, as the protocol after it sees it.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

use photon_core::UpgradedConnection;

use crate::link::{Awaiting, Link, Stop};

/// Bytes that are collected before they are sent, unless a flush comes first.
const WRITE_AT: usize = 16 * 1024;

pub(crate) struct Tunnel {
    link: Box<Link>,
    peer: Option<SocketAddr>,
    read_timeout: Duration,
}

impl Tunnel {
    pub(crate) fn new(link: Box<Link>, peer: Option<SocketAddr>) -> Self {
        Self { link, peer, read_timeout: Duration::MAX }
    }
}

impl UpgradedConnection for Tunnel {
    fn set_read_timeout(&mut self, timeout: Option<Duration>) {
        self.read_timeout = timeout.unwrap_or(Duration::MAX);
    }

    fn peer(&self) -> Option<SocketAddr> {
        self.peer
    }
}

impl Read for Tunnel {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        if self.link.input.bytes().is_empty() {
            self.link.start_limit(self.read_timeout);
            match self.link.read(Awaiting::Message) {
                Ok(_) => {}
                Err(Stop::Gone) => return Ok(0),
                Err(stop) => return Err(stop.into()),
            }
        }
        let bytes = self.link.input.bytes();
        let count = bytes.len().min(buffer.len());
        buffer[..count].copy_from_slice(&bytes[..count]);
        self.link.input.consume(count);
        Ok(count)
    }
}

impl Write for Tunnel {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.link.out.extend_from_slice(bytes);
        if self.link.out.len() >= WRITE_AT {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(self.link.flush()?)
    }
}

impl Drop for Tunnel {
    /// Says goodbye as at the end of every connection, so that the last words arrive.
    fn drop(&mut self) {
        // A coroutine that unwinds must not wait.
        if !std::thread::panicking() && self.link.flush().is_ok() {
            self.link.linger();
        }
    }
}
