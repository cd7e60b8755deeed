//! Forms with files: the parts of a `multipart/form-data` body, read one after another while they arrive.
//!
//! Nothing is kept of a part that its handler does not keep, so that an upload of any size takes the memory of one
//! buffer and comes no faster than it is read.

use std::fmt;
use std::io::{self, Read};

use bytes::Bytes;
use http::StatusCode;
use photon_http::{
    Boundary, Headers, MultipartDecoder, MultipartError, MultipartEvent, MultipartLimits, PartHead,
};

use crate::{Argument, BodyReader, FromRequest, HttpError, OperationDoc, Request};

/// How much of the body is taken from the connection at a time.
const BUFFER: usize = 16 * 1024;

/// The parts of a form that arrives (`multipart/form-data`, RFC 7578), in the order in which the client sends them.
///
/// A handler that takes one starts when the request's head is there; [`Request::multipart`] gives one to middleware. As
/// with a [`BodyReader`], a client cannot send faster than the handler reads, and the form may be as long altogether as
/// the server's `limits.max_body` allows, 2 MiB by default, unless [`set_limit`](Self::set_limit) says otherwise.
///
/// Another content type is a 415 before the handler is called. A malformed form is an error in the middle of the
/// reading, and through `?` a 400 that says what is wrong; too many parts, and headers of parts that are too large, are
/// a 413. What the handler did with earlier parts is its own to undo.
///
/// ```
/// use photon_core::{BodyReader, Multipart, Result};
///
/// /// List what is in a form.
/// fn list(mut form: Multipart) -> Result<String> {
///     let mut list = String::new();
///     while let Some(mut part) = form.next_part()? {
///         let size = std::io::copy(&mut part, &mut std::io::sink())?;
///         list += &format!("{} {:?}: {size} bytes\n", part.name(), part.file_name());
///     }
///     Ok(list)
/// }
/// let body = "--x\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"a.png\"\r\n\r\n123\r\n--x--\r\n";
/// let form = Multipart::new("multipart/form-data; boundary=x", BodyReader::from(body)).unwrap();
/// assert_eq!(list(form).unwrap(), "photo Some(\"a.png\"): 3 bytes\n");
/// ```
pub struct Multipart {
    body: BodyReader,
    decoder: MultipartDecoder,
    /// What was taken from the body; the first `filled` bytes of it count, of which the decoder has had `used`.
    input: Vec<u8>,
    used: usize,
    filled: usize,
    /// Whether the data of the part that began last is not at its end.
    in_part: bool,
}

/// One part of a form: the text of a field, or a file. Its data is read with [`Read`], and what is not read is skipped
/// when the next part is asked for.
pub struct Part<'m> {
    form: &'m mut Multipart,
}

impl Multipart {
    /// The parts of `body`, whose `Content-Type` has this value.
    ///
    /// # Errors
    /// [`MultipartError`]: for another type a 415, for a missing or malformed boundary a 400.
    pub fn new(content_type: &str, body: BodyReader) -> Result<Self, MultipartError> {
        Ok(Self::between(&Boundary::from_content_type(content_type)?, body))
    }

    fn between(boundary: &Boundary, body: BodyReader) -> Self {
        Self {
            body,
            decoder: MultipartDecoder::new(boundary, MultipartLimits::default()),
            input: Vec::new(),
            used: 0,
            filled: 0,
            in_part: false,
        }
    }

    /// Allows so many bytes of body altogether instead of the server's limit. What separates the parts counts too.
    pub fn set_limit(&mut self, bytes: u64) {
        self.body.set_limit(bytes);
    }

    /// Sets other bounds on the number of parts and on their headers.
    pub fn set_part_limits(&mut self, limits: MultipartLimits) {
        self.decoder.set_limits(limits);
    }

    /// Waits for the next part, skipping what was not read of the one before. `None` means that the form is complete
    /// and the body has ended.
    ///
    /// # Errors
    /// An [`io::Error`] with a [`MultipartError`] inside if the form is malformed, has too many parts or ends too
    /// early; with a [`BodyError`](crate::BodyError) if the body cannot be read. Through `?` both become the answer that the client
    /// deserves.
    pub fn next_part(&mut self) -> io::Result<Option<Part<'_>>> {
        loop {
            let input = &self.input[self.used..self.filled];
            let (used, event) = self.decoder.next(input, usize::MAX).map_err(malformed)?;
            self.used += used;
            match event {
                Some(MultipartEvent::Part(_)) => {
                    self.in_part = true;
                    return Ok(Some(Part { form: self }));
                }
                Some(_) => {}
                // Behind the last part too, so that the connection can be used again.
                None => {
                    if !self.receive()? {
                        return Ok(None);
                    }
                }
            }
        }
    }

    fn read_data(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.in_part && !buffer.is_empty() {
            let input = &self.input[self.used..self.filled];
            let (used, event) = self.decoder.next(input, buffer.len()).map_err(malformed)?;
            self.used += used;
            match event {
                Some(MultipartEvent::Data(data)) => {
                    buffer[..data.len()].copy_from_slice(data);
                    return Ok(data.len());
                }
                Some(_) => self.in_part = false,
                None => _ = self.receive()?,
            }
        }
        Ok(0)
    }

    /// Takes more from the body, when all of the input is used; false at the body's end, where the form has to be
    /// complete.
    fn receive(&mut self) -> io::Result<bool> {
        self.input.resize(BUFFER, 0);
        (self.used, self.filled) = (0, 0);
        self.filled = self.body.read(&mut self.input)?;
        if self.filled == 0 {
            self.decoder.finish().map_err(malformed)?;
        }
        Ok(self.filled > 0)
    }
}

impl Part<'_> {
    /// The name of the form's field. Several parts may have the same, such as the files of one choice.
    #[must_use]
    pub fn name(&self) -> &str {
        self.head().name()
    }

    /// The name that the client gives to a file; `None` for a field that is none, and empty if a browser's user chose
    /// no file.
    ///
    /// **Do not use it as a path**: it is whatever the client has made up, such as `../../etc/passwd`,
    /// `C:\autoexec.bat`, or the name of a file that somebody else has stored. Store files under names of your own.
    #[must_use]
    pub fn file_name(&self) -> Option<&str> {
        self.head().file_name()
    }

    /// What the client says that the data is, unchecked. Without it, the data is text (RFC 7578 §4.4).
    #[must_use]
    pub fn content_type(&self) -> Option<&str> {
        self.head().content_type()
    }

    /// All header fields of the part.
    #[must_use]
    pub fn headers(&self) -> &Headers {
        self.head().headers()
    }

    /// All that is left of the part's data, if it is not more than `limit` bytes. The memory for it grows as it
    /// arrives, and the server does not count it: choose a limit that many clients at a time may use up.
    ///
    /// # Errors
    /// As [`Multipart::next_part`], and an [`io::Error`] that becomes a 413 if there is more data.
    pub fn bytes(self, limit: u64) -> io::Result<Bytes> {
        let mut data = Vec::new();
        self.take(limit.saturating_add(1)).read_to_end(&mut data)?;
        if data.len() as u64 > limit {
            return Err(malformed(MultipartError::PartTooLarge(limit)));
        }
        Ok(data.into())
    }

    /// All that is left of the part's data as text, if it is not more than `limit` bytes. It has to be UTF-8, as it is
    /// in forms of pages in UTF-8 (RFC 7578 §5.1.2).
    ///
    /// # Errors
    /// As [`bytes`](Self::bytes), and an [`io::Error`] that becomes a 400 if the data is not UTF-8.
    pub fn text(self, limit: u64) -> io::Result<String> {
        String::from_utf8(self.bytes(limit)?.into()).map_err(|_| malformed(MultipartError::NotText))
    }

    fn head(&self) -> &PartHead {
        self.form.decoder.head()
    }
}

impl Read for Part<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.form.read_data(buffer)
    }
}

fn malformed(error: MultipartError) -> io::Error {
    let kind = match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => io::ErrorKind::FileTooLarge,
        _ => io::ErrorKind::InvalidData,
    };
    io::Error::new(kind, error)
}

impl Request {
    /// Takes the body off the request, to be read as the parts of a form while it arrives.
    ///
    /// # Errors
    /// 415 if the content type is not `multipart/form-data`, 400 if it has no boundary or a malformed one. The body
    /// then stays where it is.
    pub fn multipart(&mut self) -> Result<Multipart, HttpError> {
        let boundary = Boundary::from_content_type(self.header("content-type").unwrap_or_default())?;
        Ok(Multipart::between(&boundary, self.take_body()))
    }
}

impl FromRequest for Multipart {
    const STREAM: bool = true;

    fn from_request(request: &mut Request) -> Result<Self, HttpError> {
        request.multipart()
    }

    fn is_present(request: &Request, _argument: &Argument) -> bool {
        request.headers().contains("content-type")
    }

    fn describe(argument: &Argument, operation: &mut OperationDoc<'_>) {
        let schema = serde_json::json!({"type": "object"});
        crate::extract::describe_body(argument, operation, "multipart/form-data", schema, true);
    }
}

impl fmt::Debug for Multipart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Multipart").field("in_part", &self.in_part).finish_non_exhaustive()
    }
}

impl fmt::Debug for Part<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.head().fmt(f)
    }
}

#[cfg(test)]
mod tests;
