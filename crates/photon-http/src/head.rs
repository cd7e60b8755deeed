//! The head of a request: request line and header fields, decoded and owned.

use http::Method;

use crate::Headers;

/// The protocol version of a message. Higher minor versions are read as HTTP/1.1 (RFC 9110 §2.5), other major versions
/// are refused with 505 (§15.6.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Version {
    /// HTTP/1.0
    Http10,
    /// HTTP/1.1
    #[default]
    Http11,
}

/// How the connection of a request is secured: the scheme of the URIs that it reaches (RFC 9110 §4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scheme {
    /// Not at all.
    #[default]
    Http,
    /// By TLS.
    Https,
}

impl Scheme {
    /// The scheme as URIs have it: `http` or `https`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

impl std::fmt::Display for Scheme {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The request line and header fields of one request.
///
/// Each request is decoded into one that was used before, so that its buffers are not allocated anew.
#[derive(Debug, Clone, Default)]
pub struct RequestHead {
    /// The request method; any token is possible (RFC 9110 §9.1).
    pub method: Method,
    /// The protocol version.
    pub version: Version,
    /// The header fields, in the order they came.
    pub headers: Headers,
    /// The scheme of the connection. The server sets it; decoding refuses targets of another.
    pub scheme: Scheme,
    target: String,
    path_end: usize,
}

impl RequestHead {
    /// A head for `method` and `target`, HTTP/1.1, without fields.
    #[must_use]
    pub fn new(method: Method, target: &str) -> Self {
        let mut head = Self { method, ..Self::default() };
        head.set_target(target);
        head
    }

    /// Replaces the request target, in origin form (`/path?query`) or `*` (RFC 9112 §3.2).
    pub fn set_target(&mut self, target: &str) {
        self.set_target_parts(target, "");
    }

    pub(crate) fn set_target_parts(&mut self, start: &str, rest: &str) {
        self.target.clear();
        self.target.push_str(start);
        self.target.push_str(rest);
        self.path_end = self.target.bytes().position(|byte| byte == b'?').unwrap_or(self.target.len());
    }

    /// Replaces the request target by one whose path is known to end at `path_end`.
    pub(crate) fn set_scanned_target(&mut self, target: &str, path_end: usize) {
        self.target.clear();
        self.target.push_str(target);
        self.path_end = path_end;
    }

    /// The request target: path and query, percent-encoded as they came.
    #[must_use]
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The path, percent-encoded as it came.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.target[..self.path_end]
    }

    /// What follows the first `?`, percent-encoded as it came; `None` without a `?`.
    #[must_use]
    pub fn query(&self) -> Option<&str> {
        self.target.get(self.path_end + 1..)
    }

    /// Forgets the request and keeps the buffers and the scheme for the next one.
    pub fn clear(&mut self) {
        self.method = Method::GET;
        self.version = Version::Http11;
        self.headers.clear();
        self.target.clear();
        self.path_end = 0;
    }
}
