//! A request's body that has not all arrived: what the server lends a request to read it with.

use std::fmt;
use std::io::{self, Read};

use bytes::{Buf, Bytes};
use http::StatusCode;

use crate::{Argument, FromRequest, HttpError, OperationDoc, Request};

/// What reads the rest of a request's body from its connection. A server implements it; handlers have [`BodyReader`].
pub trait IncomingBody: Send + Sync {
    /// Reads some of the body, as [`Read::read`]; `Ok(0)` is its end.
    ///
    /// # Errors
    /// An [`io::Error`] with a [`BodyError`] inside.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize>;

    /// Reads all that is left.
    ///
    /// # Errors
    /// An [`io::Error`] with a [`BodyError`] inside.
    fn read_all(&mut self) -> io::Result<Bytes>;

    /// Allows so many bytes of body altogether instead of the server's limit.
    fn set_limit(&mut self, bytes: u64);
}

/// Why a request's body could not be read to its end. Through `?` it becomes the answer that the client deserves, also
/// from inside an [`io::Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyError {
    status: StatusCode,
    reason: &'static str,
}

impl BodyError {
    /// An error with the status that the client gets: 400 for a malformed body, 408 for a slow client, 413 for too
    /// much, 503 for more than the server can hold.
    #[must_use]
    pub const fn new(status: StatusCode, reason: &'static str) -> Self {
        Self { status, reason }
    }

    /// The status that the client gets.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the request's body cannot be read: {}", self.reason)
    }
}

impl std::error::Error for BodyError {}

impl From<BodyError> for io::Error {
    fn from(error: BodyError) -> Self {
        let kind = match error.status {
            StatusCode::REQUEST_TIMEOUT => io::ErrorKind::TimedOut,
            StatusCode::PAYLOAD_TOO_LARGE => io::ErrorKind::FileTooLarge,
            StatusCode::BAD_REQUEST => io::ErrorKind::InvalidData,
            _ => io::ErrorKind::Other,
        };
        Self::new(kind, error)
    }
}

/// The body of a request as it arrives, to be read with [`Read`].
///
/// A handler that takes one starts when the request's head is there. Nothing is read ahead of it but what the
/// connection's buffer holds, so a client cannot send faster than the handler reads. What the handler leaves unread is
/// skipped if it is little; otherwise the connection is closed after the response.
///
/// The body may be as long as the server's `limits.max_body` allows, 2 MiB by default; [`set_limit`](Self::set_limit)
/// makes that more or less for one handler. A longer one is an error in the middle of the reading, and a 413 through
/// `?`. The reader may go on into a streamed response; it ends with the response.
///
/// ```
/// use std::io::Read;
///
/// use photon_core::{BodyReader, Result};
///
/// /// Count the lines of a text of any length.
/// fn count_lines(mut body: BodyReader) -> Result<String> {
///     body.set_limit(10 * 1024 * 1024 * 1024);
///     let (mut lines, mut buffer) = (0, [0; 8192]);
///     loop {
///         let count = body.read(&mut buffer)?;
///         if count == 0 {
///             return Ok(lines.to_string());
///         }
///         lines += buffer[..count].iter().filter(|byte| **byte == b'\n').count();
///     }
/// }
/// assert_eq!(count_lines(BodyReader::from("one\ntwo\n")).unwrap(), "2");
/// ```
pub struct BodyReader {
    /// What has arrived already.
    here: Bytes,
    /// What reads the rest.
    rest: Option<Box<dyn IncomingBody>>,
    /// Whether more has arrived than is allowed.
    too_long: bool,
}

impl BodyReader {
    pub(crate) fn new(here: Bytes, rest: Option<Box<dyn IncomingBody>>) -> Self {
        Self { here, rest, too_long: false }
    }

    /// Allows so many bytes of body altogether instead of the server's limit.
    pub fn set_limit(&mut self, bytes: u64) {
        match &mut self.rest {
            Some(rest) => rest.set_limit(bytes),
            None => self.too_long = self.here.len() as u64 > bytes,
        }
    }
}

impl<T: Into<Bytes>> From<T> for BodyReader {
    fn from(body: T) -> Self {
        Self::new(body.into(), None)
    }
}

impl Read for BodyReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.too_long {
            return Err(BodyError::new(StatusCode::PAYLOAD_TOO_LARGE, "it is too long").into());
        }
        if self.here.has_remaining() {
            let count = buffer.len().min(self.here.len());
            self.here.copy_to_slice(&mut buffer[..count]);
            return Ok(count);
        }
        match &mut self.rest {
            Some(rest) => rest.read(buffer),
            None => Ok(0),
        }
    }
}

impl FromRequest for BodyReader {
    const STREAM: bool = true;

    fn from_request(request: &mut Request) -> Result<Self, HttpError> {
        Ok(request.take_body())
    }

    fn describe(argument: &Argument, operation: &mut OperationDoc<'_>) {
        crate::extract::describe_raw_body(argument, operation);
    }
}

impl fmt::Debug for BodyReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BodyReader").field("here", &self.here.len()).finish_non_exhaustive()
    }
}
