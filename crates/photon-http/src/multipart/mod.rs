//! Bytes to the parts of a form: `multipart/form-data` (RFC 7578), which is RFC 2046 §5.1 with a name for each part.
//!
//! A body comes in pieces of any size and may be larger than memory, so nothing of a part's data is kept here: it is
//! handed on as slices of the input. What two readers could take for different parts is refused, because the second may
//! be the one that checks an upload.

mod boundary;
mod decoder;
mod disposition;
mod error;
mod part_head;

pub use boundary::Boundary;
pub use decoder::{MultipartDecoder, MultipartEvent};
pub use error::MultipartError;
pub use part_head::PartHead;

/// Bounds on the parts of one body. How long the body is altogether is bounded where it is read.
///
/// ```
/// use photon_http::MultipartLimits;
///
/// let limits = MultipartLimits { max_parts: 10, ..MultipartLimits::default() };
/// assert_eq!(limits.max_header_bytes, 8192);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MultipartLimits {
    /// Number of parts; 1,000 by default. More is answered with 413.
    pub max_parts: usize,
    /// Bytes of one part's field lines together, with their line ends and the empty line; 8 KiB by default. More is
    /// answered with 413.
    pub max_header_bytes: usize,
    /// Number of one part's field lines; 32 by default. More is answered with 413.
    pub max_headers: usize,
}

impl Default for MultipartLimits {
    fn default() -> Self {
        Self { max_parts: 1000, max_header_bytes: 8 * 1024, max_headers: 32 }
    }
}
