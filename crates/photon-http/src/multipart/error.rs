//! Why a form is refused, and with which status.

use std::fmt;

use http::StatusCode;

/// A body that is no acceptable `multipart/form-data`, or a `Content-Type` that does not announce one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MultipartError {
    /// 415: the content type is another one, or there is none.
    NotFormData,
    /// 400: the parameters of the content type are malformed.
    ContentType,
    /// 400: the boundary is missing or repeated, or not 1 to 70 of the characters that it may be made of (RFC 2046
    /// §5.1.1).
    Boundary,
    /// 400: after a boundary, the line goes on (RFC 2046 §5.1.1). A reader that compares whole lines takes it for data,
    /// one that compares their beginnings for a delimiter.
    Delimiter,
    /// 400: a line of a part's header does not end with CRLF, or a CR stands alone.
    LineEnd,
    /// 400: a line of a part's header is no field: its name is no token, whitespace stands before the name or before
    /// the colon, or the value holds a control character. Folded lines are such.
    Field,
    /// 400: a part has no `Content-Disposition`, several, or one that is malformed or not `form-data` (RFC 7578 §4.2).
    Disposition,
    /// 400: a part has no name (RFC 7578 §4.2).
    Name,
    /// 400: a part has several content types (RFC 7578 §4.4).
    PartType,
    /// 400: a part is sent in base64 or another coding, which HTTP has no use for (RFC 7578 §4.7).
    TransferEncoding,
    /// 400: the body ends before its last boundary.
    Truncated,
    /// 413: there are more parts than the limit named here.
    TooManyParts(usize),
    /// 413: a part has more header fields than the limit named here.
    TooManyHeaders(usize),
    /// 413: a part's header holds more bytes than the limit named here.
    HeaderTooLarge(usize),
    /// 413: a part's data holds more bytes than the limit named here, which is its reader's.
    PartTooLarge(u64),
    /// 400: a part that its reader wants as text is not UTF-8 (RFC 7578 §5.1.2).
    NotText,
}

impl MultipartError {
    /// The status of the answer.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        match self {
            Self::NotFormData => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooManyParts(_)
            | Self::TooManyHeaders(_)
            | Self::HeaderTooLarge(_)
            | Self::PartTooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

impl fmt::Display for MultipartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotFormData => "the content type is not multipart/form-data",
            Self::ContentType => "malformed parameters of the content type (RFC 9110 §8.3.1)",
            Self::Boundary => "missing, repeated or malformed boundary of the form (RFC 2046 §5.1.1)",
            Self::Delimiter => "a line of the form goes on after its boundary (RFC 2046 §5.1.1)",
            Self::LineEnd => "a header line of a part that does not end with CRLF (RFC 2046 §5.1)",
            Self::Field => "a malformed header line of a part (RFC 2046 §5.1)",
            Self::Disposition => {
                "missing, repeated or malformed Content-Disposition: form-data of a part (RFC 7578 §4.2)"
            }
            Self::Name => "a part of the form has no name (RFC 7578 §4.2)",
            Self::PartType => "a part of the form has several Content-Type (RFC 7578 §4.4)",
            Self::TransferEncoding => "a part of the form has a Content-Transfer-Encoding (RFC 7578 §4.7)",
            Self::Truncated => "the form ends before its last boundary (RFC 2046 §5.1.1)",
            Self::TooManyParts(limit) => return write!(f, "the form has more than {limit} parts"),
            Self::TooManyHeaders(limit) => {
                return write!(f, "a part of the form has more than {limit} header fields");
            }
            Self::HeaderTooLarge(limit) => {
                return write!(f, "the header of a part of the form holds more than {limit} bytes");
            }
            Self::PartTooLarge(limit) => {
                return write!(f, "a part of the form holds more than {limit} bytes");
            }
            Self::NotText => "a part of the form is not UTF-8 (RFC 7578 §5.1.2)",
        })
    }
}

impl std::error::Error for MultipartError {}
