//! A response body that is written while it is sent.

use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

use photon_core::BodyWriter;
use photon_http::{encode_chunk, encode_last_chunk};

use crate::link::{Link, Stop};

/// Bytes that are collected into one chunk, unless a flush comes first.
const CHUNK: usize = 16 * 1024;

/// The sink that a [`BodyWriter`] writes to.
pub(crate) struct StreamedBody<'s, 'a> {
    link: &'s mut Link<'a>,
    /// Whether the body goes out in chunks; if not, the end of the connection ends it.
    chunked: bool,
    /// What was written since the last chunk.
    pending: Vec<u8>,
    /// Why the client gets no more.
    stopped: Option<Stop>,
}

impl<'s, 'a> StreamedBody<'s, 'a> {
    /// A sink for the body whose head is in the link's output.
    pub(crate) fn new(link: &'s mut Link<'a>, chunked: bool) -> Self {
        Self { link, chunked, pending: Vec::new(), stopped: None }
    }

    /// Has `write` write the body. If that fails, the body stays without its end, and the
    /// connection must be closed.
    pub(crate) fn send(mut self, write: BodyWriter) -> Result<(), Stop> {
        let sent = self.try_send(write);
        if sent.is_err() && !self.chunked {
            // RFC 9112 §8: nothing but the way the connection ends says whether the body is whole.
            self.link.reset_at_close();
        }
        sent
    }

    fn try_send(&mut self, write: BodyWriter) -> Result<(), Stop> {
        let written = catch_unwind(AssertUnwindSafe(|| write(self)));
        if let Some(stop) = self.stopped {
            return Err(stop);
        }
        match written {
            Ok(Ok(())) => {
                self.end_chunk();
                if self.chunked {
                    encode_last_chunk(&mut self.link.out);
                    Ok(())
                } else {
                    // While it is still known how the connection has to end if this fails.
                    self.link.flush()
                }
            }
            Ok(Err(error)) => {
                tracing::error!(%error, "a streamed body was not finished");
                self.abandon()
            }
            Err(_) => self.abandon(),
        }
    }

    /// Sends what was written before the failure, so that what the client has got of the body
    /// does not depend on buffers, and leaves the end off.
    fn abandon(&mut self) -> Result<(), Stop> {
        self.end_chunk();
        self.link.flush()?;
        Err(Stop::Gone)
    }

    fn end_chunk(&mut self) {
        if self.chunked {
            encode_chunk(&mut self.link.out, &self.pending);
        } else {
            self.link.out.extend_from_slice(&self.pending);
        }
        self.pending.clear();
    }

    fn check(&mut self) -> io::Result<()> {
        // A client that takes everything at once never makes a write wait, which would notice.
        if self.stopped.is_none() && self.link.is_cut() {
            self.stopped = Some(Stop::Cut);
        }
        let Some(stop) = self.stopped else { return Ok(()) };
        let (kind, text) = match stop {
            Stop::Gone => (io::ErrorKind::BrokenPipe, "the client closed the connection"),
            Stop::TimedOut => (io::ErrorKind::TimedOut, "the client does not accept the response"),
            Stop::Draining | Stop::Cut => (io::ErrorKind::ConnectionAborted, "the server stops"),
        };
        Err(io::Error::new(kind, text))
    }
}

impl Write for StreamedBody<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.check()?;
        let part = &bytes[..bytes.len().min(CHUNK)];
        self.pending.extend_from_slice(part);
        if self.pending.len() >= CHUNK {
            self.flush()?;
        }
        Ok(part.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.check()?;
        self.end_chunk();
        self.stopped = self.link.flush().err();
        self.check()
    }
}
