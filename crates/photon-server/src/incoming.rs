//! A request's body that is read while its handler runs.
//!
//! Whoever reads it needs the connection that the body comes from, and so does whoever writes the response, perhaps
//! both at once: an upload that is answered while it arrives. So for such a request the connection lends its link, and
//! takes it back when the response is written. Requests whose body came whole with their head pay nothing for this.

use std::io;
use std::sync::Arc;

use http::StatusCode;
use photon_core::{BodyError, IncomingBody};
use photon_http::{BodyDecoder, DecodeError, encode_continue};
use photon_runtime::sync::{Mutex, MutexGuard};

use crate::link::{Awaiting, Link, Progress, Stop};
use crate::shared::{BodyMemory, Shared};

/// An input buffer of so many bytes receives bodies that do not fit the small one.
const BODY_BUFFER: usize = 64 * 1024;

/// What is left of a body and not more than this is read and dropped, so that the connection can be used again.
const SKIP_UP_TO: u64 = 64 * 1024;

/// A link that is lent for the time of one request.
pub(crate) struct Loan {
    lent: Mutex<Option<Lent>>,
}

/// What is lent: the link, and how far the body on it has been read.
pub(crate) struct Lent {
    pub(crate) link: Box<Link>,
    body: BodyDecoder,
    progress: Progress,
    memory: BodyMemory,
    /// Whether the client waits for `100 Continue`.
    awaits_continue: bool,
    /// Why there is no more.
    failed: Option<Failure>,
}

/// Why a body cannot be read on.
#[derive(Clone, Copy)]
enum Failure {
    Stopped(Stop),
    Malformed(DecodeError),
    NoMemory,
}

impl Loan {
    pub(crate) fn new(lent: Lent) -> Arc<Self> {
        Arc::new(Self { lent: Mutex::new(Some(lent)) })
    }

    /// Waits until nobody else uses the link.
    fn lock(&self) -> MutexGuard<'_, Option<Lent>> {
        self.lent.lock()
    }

    /// Does something with what is lent; `None` if the request is over.
    pub(crate) fn with<R>(&self, f: impl FnOnce(&mut Lent) -> R) -> Option<R> {
        self.lock().as_mut().map(f)
    }

    /// Ends the loan. Whoever still reads gets errors from now on.
    pub(crate) fn take(&self) -> Option<Lent> {
        self.lock().take()
    }
}

impl Lent {
    pub(crate) fn new(
        link: Box<Link>,
        body: BodyDecoder,
        awaits_continue: bool,
        shared: &Arc<Shared>,
    ) -> Self {
        Self {
            link,
            body,
            progress: Progress::default(),
            memory: BodyMemory::new(shared),
            awaits_continue,
            failed: None,
        }
    }

    /// Whether the connection can be used again if what is left of the body is skipped. A client that waits for
    /// `100 Continue` and got a final answer may or may not send its body (RFC 9110 §10.1.1).
    pub(crate) fn may_go_on(&self) -> bool {
        self.failed.is_none()
            && match self.body.remaining() {
                Some(0) => true,
                Some(left) => left <= SKIP_UP_TO && !self.awaits_continue,
                None => false,
            }
    }

    /// Asks for the body if the client waits to be asked and was not.
    pub(crate) fn say_continue(&mut self) {
        if std::mem::take(&mut self.awaits_continue) {
            encode_continue(&mut self.link.out);
        }
    }

    /// Skips what is left of the body; false if that is too much, or the client does not send it.
    pub(crate) fn skip_rest(&mut self) -> bool {
        let mut left = SKIP_UP_TO;
        let mut buffer = [0; 1024];
        while !self.body.is_done() {
            match self.read(&mut buffer) {
                Ok(count) if count as u64 <= left => left -= count as u64,
                _ => return false,
            }
        }
        self.failed.is_none()
    }

    /// Reads some of the body; nothing at its end.
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Failure> {
        if let Some(failure) = self.failed {
            return Err(failure);
        }
        let read = self.try_read(buffer);
        self.failed = read.as_ref().err().copied();
        read
    }

    fn try_read(&mut self, buffer: &mut [u8]) -> Result<usize, Failure> {
        loop {
            let next = self.body.next(self.link.input.bytes(), buffer.len());
            let (used, piece) = next.map_err(Failure::Malformed)?;
            let count = piece.len();
            buffer[..count].copy_from_slice(piece);
            self.link.input.consume(used);
            if count > 0 || self.body.is_done() || buffer.is_empty() {
                return Ok(count);
            }
            self.receive()?;
        }
    }

    /// Reads all that is left, as far as there is memory for it.
    fn read_all(&mut self) -> Result<Vec<u8>, Failure> {
        let expected = usize::try_from(self.body.expected()).unwrap_or(usize::MAX);
        let mut body = Vec::with_capacity(expected.min(BODY_BUFFER));
        loop {
            let used = self.body.decode(self.link.input.bytes(), &mut body).map_err(Failure::Malformed)?;
            self.link.input.consume(used);
            if self.body.is_done() {
                return Ok(body);
            }
            if !self.memory.grow_to(body.capacity()) {
                return Err(Failure::NoMemory);
            }
            self.receive()?;
        }
    }

    /// Waits for more of the body, asking for it first if the client waits to be asked.
    fn receive(&mut self) -> Result<(), Failure> {
        self.say_continue();
        // The client may wait for what was answered before it sends the rest.
        self.link.flush().map_err(Failure::Stopped)?;
        self.progress.before_read(&mut self.link);
        // A client that fills the buffer gets a larger one; a promise alone does not.
        if self.progress.has_passed() && !self.link.is_drained() {
            self.link.input.grow(BODY_BUFFER);
        }
        let count = self.link.read(Awaiting::Rest).map_err(Failure::Stopped)?;
        self.progress.passed(count);
        Ok(())
    }
}

impl From<Failure> for BodyError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Malformed(error) => {
                tracing::debug!(%error, "request refused");
                Self::new(error.status(), "it is malformed or too long")
            }
            Failure::NoMemory => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "the bodies of all requests take too much memory")
            }
            Failure::Stopped(Stop::TimedOut) => {
                Self::new(StatusCode::REQUEST_TIMEOUT, "the client sends it too slowly")
            }
            Failure::Stopped(Stop::Gone) => Self::new(StatusCode::BAD_REQUEST, "the client has gone"),
            Failure::Stopped(Stop::Draining | Stop::Cut) => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "the server stops")
            }
        }
    }
}

/// The rest of a body, for its request.
pub(crate) struct Incoming {
    loan: Arc<Loan>,
}

impl Incoming {
    pub(crate) fn new(loan: &Arc<Loan>) -> Self {
        Self { loan: Arc::clone(loan) }
    }

    fn with<R>(&self, f: impl FnOnce(&mut Lent) -> Result<R, Failure>) -> io::Result<R> {
        match self.loan.with(f) {
            Some(read) => Ok(read.map_err(BodyError::from)?),
            None => Err(io::Error::new(io::ErrorKind::NotConnected, "the request was answered already")),
        }
    }
}

impl IncomingBody for Incoming {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.with(|lent| lent.read(buffer))
    }

    fn read_all(&mut self) -> io::Result<bytes::Bytes> {
        let read_all = |lent: &mut Lent| {
            let read = lent.read_all();
            lent.failed = lent.failed.or(read.as_ref().err().copied());
            read
        };
        self.with(read_all).map(Into::into)
    }

    fn set_limit(&mut self, bytes: u64) {
        self.loan.with(|lent| lent.body.set_max_body(bytes));
    }
}
