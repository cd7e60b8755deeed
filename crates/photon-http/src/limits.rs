//! How much of a message the decoder is willing to hold, and nothing else: time limits and
//! connection counts belong to the server.

/// Bounds on the size of one request.
///
/// ```
/// use photon_http::Limits;
///
/// let limits = Limits { max_body: 16 * 1024 * 1024, ..Limits::default() };
/// assert_eq!(limits.max_headers, 100);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the request line with its line end; 8 KiB by default. A longer one is answered
    /// with 414 (RFC 9112 §3 asks for 8,000 bytes at least).
    pub max_request_line: usize,
    /// Bytes of all field lines together, with their line ends and the empty line; 32 KiB by
    /// default. More is answered with 431 (RFC 6585 §5).
    pub max_header_bytes: usize,
    /// Number of field lines; 100 by default. More is answered with 431.
    pub max_headers: usize,
    /// Bytes of the body after removal of the chunked coding; 2 MiB by default. A larger one is
    /// answered with 413 (RFC 9110 §15.5.14).
    pub max_body: u64,
    /// Bytes of all chunk extensions of one body together; 4 KiB by default. More is answered
    /// with 400 (RFC 9112 §7.1.1).
    pub max_chunk_extensions: usize,
    /// Bytes of the trailer section, which is checked and dropped; 8 KiB by default. More is
    /// answered with 431.
    pub max_trailer_bytes: usize,
}

impl Limits {
    /// The most bytes that a head within these limits takes, with the empty lines that may come
    /// before it: what an input buffer must be able to hold.
    #[must_use]
    pub const fn max_head(&self) -> usize {
        self.max_request_line + self.max_header_bytes + crate::decode::MAX_EMPTY_LINES * 2
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_request_line: 8 * 1024,
            max_header_bytes: 32 * 1024,
            max_headers: 100,
            max_body: 2 * 1024 * 1024,
            max_chunk_extensions: 4 * 1024,
            max_trailer_bytes: 8 * 1024,
        }
    }
}
