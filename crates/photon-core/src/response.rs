//! One response: status, header fields and a body that is whole or written as it is made.

use std::io::{self, Write};

use bytes::Bytes;
use http::StatusCode;
use photon_http::Headers;

use crate::UpgradeHandler;

/// One HTTP response.
///
/// The server adds `Date`, the framing (`Content-Length` or `Transfer-Encoding`) and `Connection`;
/// a handler sets none of these.
#[derive(Debug, Default)]
pub struct Response {
    /// The status; 200 by default.
    pub status: StatusCode,
    /// The header fields.
    pub headers: Headers,
    /// The body; empty by default.
    pub body: Body,
}

impl Response {
    /// A response without fields and body.
    #[must_use]
    pub fn new(status: StatusCode) -> Self {
        Self { status, ..Self::default() }
    }

    /// A 200 response with a body and its media type.
    #[must_use]
    pub fn with_body(content_type: &str, body: impl Into<Body>) -> Self {
        let mut headers = Headers::new();
        headers.append("content-type", content_type);
        Self { status: StatusCode::OK, headers, body: body.into() }
    }

    /// Sets the status.
    #[must_use]
    pub fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// Sets a header field, removing earlier ones of that name.
    ///
    /// # Panics
    /// If the name or value must not go on the wire; see [`Headers::try_insert`].
    #[must_use]
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Body>) -> Self {
        self.body = body.into();
        self
    }
}

/// The body of a response.
#[derive(Default)]
pub enum Body {
    /// No body: `Content-Length: 0`, or none at all where the status forbids one.
    #[default]
    Empty,
    /// Bytes that live as long as the program.
    Static(&'static [u8]),
    /// Bytes made for this response.
    Vec(Vec<u8>),
    /// Bytes shared with others.
    Shared(Bytes),
    /// Bytes written while they are sent, in chunks (RFC 9112 §7.1).
    Stream(BodyWriter),
    /// No body: the connection leaves HTTP; see [`Response::upgrade`].
    Upgrade(UpgradeHandler),
}

/// What writes a streamed body: called once, on the handler's coroutine, with the sink.
///
/// An error ends the connection without the last chunk, so that the client knows the body is cut.
pub type BodyWriter = Box<dyn FnOnce(&mut dyn Write) -> io::Result<()> + Send>;

impl Body {
    /// A body that `write` produces while it is sent. Every `flush` sends what was written so far.
    #[must_use]
    pub fn stream(write: impl FnOnce(&mut dyn Write) -> io::Result<()> + Send + 'static) -> Self {
        Self::Stream(Box::new(write))
    }

    /// The bytes of a body that is whole; `None` for a stream or an upgrade.
    #[must_use]
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Empty => Some(&[]),
            Self::Static(bytes) => Some(bytes),
            Self::Vec(bytes) => Some(bytes),
            Self::Shared(bytes) => Some(bytes),
            Self::Stream(_) | Self::Upgrade(_) => None,
        }
    }
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.as_bytes() {
            Some(bytes) => write!(f, "Body({} bytes)", bytes.len()),
            None if matches!(self, Self::Upgrade(_)) => f.write_str("Body(upgrade)"),
            None => f.write_str("Body(stream)"),
        }
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Vec(bytes)
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Self::Vec(text.into_bytes())
    }
}

impl From<&'static str> for Body {
    fn from(text: &'static str) -> Self {
        Self::Static(text.as_bytes())
    }
}

impl From<&'static [u8]> for Body {
    fn from(bytes: &'static [u8]) -> Self {
        Self::Static(bytes)
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self::Shared(bytes)
    }
}
