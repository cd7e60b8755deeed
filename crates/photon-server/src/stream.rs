//! A response body that is written while it is sent.

use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

use photon_core::{BodyWriter, HttpError};
use photon_http::{encode_chunk, encode_last_chunk};

use crate::incoming::Loan;
use crate::link::{Link, Stop};

/// Bytes that are collected into one chunk, unless a flush comes first.
const CHUNK: usize = 16 * 1024;

/// The way to a connection's link: at hand, or lent to whoever reads the request's body.
pub(crate) enum Line<'a> {
    Own(&'a mut Link),
    Lent(&'a Loan),
}

impl Line<'_> {
    /// Does something with the link.
    pub(crate) fn with<R>(&mut self, f: impl FnOnce(&mut Link) -> R) -> Result<R, Stop> {
        match self {
            Self::Own(link) => Ok(f(link)),
            Self::Lent(loan) => loan.with(|lent| f(&mut lent.link)).ok_or(Stop::Gone),
        }
    }
}

/// The sink that a [`BodyWriter`] writes to.
pub(crate) struct StreamedBody<'s, 'a> {
    line: &'s mut Line<'a>,
    /// Whether the body goes out in chunks; if not, the end of the connection ends it.
    chunked: bool,
    /// What was written since the last chunk.
    pending: Vec<u8>,
    /// Why the client gets no more.
    stopped: Option<Stop>,
}

impl<'s, 'a> StreamedBody<'s, 'a> {
    /// A sink for the body whose head is in the link's output.
    pub(crate) fn new(line: &'s mut Line<'a>, chunked: bool) -> Self {
        Self { line, chunked, pending: Vec::new(), stopped: None }
    }

    /// Has `write` write the body. If that fails, the body stays without its end, and the
    /// connection must be closed.
    pub(crate) fn send(mut self, write: BodyWriter) -> Result<(), Stop> {
        let sent = self.try_send(write);
        if sent.is_err() && !self.chunked {
            // RFC 9112 §8: nothing but the way the connection ends says whether the body is whole.
            self.line.with(|link| link.reset_at_close())?;
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
                self.end_chunk()?;
                let chunked = self.chunked;
                self.line.with(|link| {
                    if chunked {
                        encode_last_chunk(&mut link.out);
                        return Ok(());
                    }
                    // While it is still known how the connection has to end if this fails.
                    link.flush()
                })?
            }
            Ok(Err(error)) => {
                let text = error.to_string();
                // A request's body that ends too early is its client's fault, who must not be able to fill the log.
                if HttpError::from(error).status().is_client_error() {
                    tracing::debug!(error = text, "a streamed body was not finished");
                } else {
                    tracing::error!(error = text, "a streamed body was not finished");
                }
                self.abandon()
            }
            Err(_) => self.abandon(),
        }
    }

    /// Sends what was written before the failure, so that what the client has got of the body
    /// does not depend on buffers, and leaves the end off.
    fn abandon(&mut self) -> Result<(), Stop> {
        self.end_chunk()?;
        self.line.with(Link::flush)??;
        Err(Stop::Gone)
    }

    fn end_chunk(&mut self) -> Result<(), Stop> {
        let (chunked, pending) = (self.chunked, &self.pending);
        self.line.with(|link| {
            if chunked {
                encode_chunk(&mut link.out, pending);
            } else {
                link.out.extend_from_slice(pending);
            }
        })?;
        self.pending.clear();
        Ok(())
    }

    /// Sends what was written.
    fn send_pending(&mut self) -> Result<(), Stop> {
        self.end_chunk()?;
        self.line.with(Link::flush)?
    }

    fn check(&mut self) -> io::Result<()> {
        // A client that takes everything at once never makes a write wait, which would notice.
        if self.stopped.is_none() {
            let cut = self.line.with(|link| link.is_cut());
            self.stopped = cut.map_or_else(Some, |cut| cut.then_some(Stop::Cut));
        }
        let Some(stop) = self.stopped else { return Ok(()) };
        Err(stop.into())
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
        self.stopped = self.send_pending().err();
        self.check()
    }
}
