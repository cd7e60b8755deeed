//! Why a request is refused, and with which status.

use std::fmt;

use http::StatusCode;

/// A request that cannot be accepted. The connection cannot be used after it, because where the
/// next request starts is not known: answer with [`DecodeError::status`] and close.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecodeError {
    /// 400: the bytes are no well-formed HTTP/1.1 request.
    Malformed(Fault),
    /// 413: the body holds more bytes than the limit named here.
    BodyTooLarge(u64),
    /// 414: the request line holds more bytes than the limit named here.
    RequestLineTooLong(usize),
    /// 421: the target is an `https` URI on a connection without TLS, or the reverse (RFC 9110 §7.4).
    Misdirected,
    /// 417: an expectation other than `100-continue` (RFC 9110 §10.1.1).
    Expectation,
    /// 431: the header section holds more bytes than the limit named here.
    HeaderTooLarge(usize),
    /// 431: the header section holds more fields than the limit named here.
    TooManyHeaders(usize),
    /// 431: the trailer section holds more bytes than the limit named here.
    TrailerTooLarge(usize),
    /// 501: a transfer coding other than `chunked` (RFC 9112 §6.1).
    TransferCoding,
    /// 501: `CONNECT` asks for a tunnel, and an origin server has none (RFC 9110 §9.3.6).
    Connect,
    /// 505: a major version of the protocol other than 1 (RFC 9110 §15.6.6).
    Version,
}

/// What makes a request malformed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The request line is not `method SP target SP version` (RFC 9112 §3).
    RequestLine,
    /// The target is in none of the four forms, in one that the method does not allow, or holds
    /// a byte that no target may hold (RFC 9112 §3.2).
    Target,
    /// A line ends without CRLF, or a CR stands alone (RFC 9112 §2.2).
    LineEnd,
    /// A field name is no token, or whitespace stands before it or before its colon (RFC 9112
    /// §5.1, §5.2).
    FieldName,
    /// A field value holds a control character (RFC 9110 §5.5).
    FieldValue,
    /// `Host` is missing, repeated or no authority, or names another place than the target (RFC 9112 §3.2).
    Host,
    /// Several `Content-Type` that differ (RFC 9110 §8.3).
    ContentType,
    /// `Content-Length` is repeated or no decimal number, or begins with a zero (RFC 9112 §6.3).
    ContentLength,
    /// `Transfer-Encoding` is no list of codings that ends with one `chunked`, or came with
    /// HTTP/1.0 (RFC 9112 §6.1, §6.3).
    TransferEncoding,
    /// Both `Content-Length` and `Transfer-Encoding`: the mark of request smuggling (RFC 9112
    /// §6.3, §11.2).
    TwoLengths,
    /// A chunk size is no hexadecimal number of at most 16 digits (RFC 9112 §7.1).
    ChunkSize,
    /// A chunk extension holds a control character, or all of them together too many bytes
    /// (RFC 9112 §7.1.1).
    ChunkExtension,
    /// A chunk's data is not followed by CRLF (RFC 9112 §7.1).
    ChunkData,
    /// A trailer line is no field (RFC 9112 §7.1.2).
    Trailer,
    /// A trailer field that has a meaning only in a header: framing, routing, authentication or what the content is
    /// (RFC 9110 §6.5.1).
    TrailerField,
}

impl DecodeError {
    /// The status of the answer.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        match self {
            Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::BodyTooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::RequestLineTooLong(_) => StatusCode::URI_TOO_LONG,
            Self::Expectation => StatusCode::EXPECTATION_FAILED,
            Self::Misdirected => StatusCode::MISDIRECTED_REQUEST,
            Self::HeaderTooLarge(_) | Self::TooManyHeaders(_) | Self::TrailerTooLarge(_) => {
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE
            }
            Self::TransferCoding | Self::Connect => StatusCode::NOT_IMPLEMENTED,
            Self::Version => StatusCode::HTTP_VERSION_NOT_SUPPORTED,
        }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(fault) => fault.fmt(f),
            Self::BodyTooLarge(limit) => write!(f, "the body holds more than {limit} bytes"),
            Self::RequestLineTooLong(limit) => write!(f, "the request line holds more than {limit} bytes"),
            Self::Misdirected => f.write_str("the target's scheme is not that of the connection"),
            Self::Expectation => f.write_str("an expectation other than 100-continue"),
            Self::HeaderTooLarge(limit) => write!(f, "the header section holds more than {limit} bytes"),
            Self::TooManyHeaders(limit) => write!(f, "the header section holds more than {limit} fields"),
            Self::TrailerTooLarge(limit) => write!(f, "the trailer section holds more than {limit} bytes"),
            Self::TransferCoding => f.write_str("a transfer coding other than chunked"),
            Self::Connect => f.write_str("CONNECT asks for a tunnel, which this server does not offer"),
            Self::Version => f.write_str("a major version of the protocol other than 1"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RequestLine => "malformed request line (RFC 9112 §3)",
            Self::Target => "malformed request target (RFC 9112 §3.2)",
            Self::LineEnd => "a line that does not end with CRLF (RFC 9112 §2.2)",
            Self::FieldName => "malformed field name (RFC 9112 §5)",
            Self::FieldValue => "a control character in a field value (RFC 9110 §5.5)",
            Self::Host => "missing, repeated, malformed or contradicting Host (RFC 9112 §3.2)",
            Self::ContentType => "several different Content-Type (RFC 9110 §8.3)",
            Self::ContentLength => "repeated or malformed Content-Length (RFC 9112 §6.3)",
            Self::TransferEncoding => "malformed Transfer-Encoding (RFC 9112 §6.1)",
            Self::TwoLengths => "both Content-Length and Transfer-Encoding (RFC 9112 §6.3)",
            Self::ChunkSize => "malformed chunk size (RFC 9112 §7.1)",
            Self::ChunkExtension => "malformed or too long chunk extensions (RFC 9112 §7.1.1)",
            Self::ChunkData => "chunk data without its CRLF (RFC 9112 §7.1)",
            Self::Trailer => "malformed trailer (RFC 9112 §7.1.2)",
            Self::TrailerField => "a trailer field that belongs in the header (RFC 9110 §6.5.1)",
        })
    }
}

impl std::error::Error for DecodeError {}

impl From<Fault> for DecodeError {
    fn from(fault: Fault) -> Self {
        Self::Malformed(fault)
    }
}
