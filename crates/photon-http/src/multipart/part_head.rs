//! The header of a part: which field of the form it is, and what the client says of it.

use super::{MultipartError, MultipartLimits, disposition};
use crate::Headers;
use crate::class::{TOKEN, is_field_byte};

/// What comes before the data of a part.
#[derive(Debug, Clone, Default)]
pub struct PartHead {
    headers: Headers,
    name: String,
    file_name: Option<String>,
}

impl PartHead {
    /// The name of the form's field. Several parts may have the same (RFC 7578 §4.3).
    ///
    /// Quotes and line ends come as `%22`, `%0D` and `%0A` from browsers and as `\"` from others; both are undone here.
    /// What is no UTF-8 became U+FFFD.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name that the client gives to a file; `None` for a field that is none, and empty if a browser's user chose
    /// no file. Decoded as [`name`](Self::name). `filename*` does not count (RFC 7578 §4.2).
    ///
    /// The client makes it up: it may hold `/`, `..`, a drive, a line end or the name of somebody else's file. Do not
    /// use it as a path.
    #[must_use]
    pub fn file_name(&self) -> Option<&str> {
        self.file_name.as_deref()
    }

    /// What the client says that the data is; without it, `text/plain` (RFC 7578 §4.4).
    #[must_use]
    pub fn content_type(&self) -> Option<&str> {
        self.headers.get("content-type")
    }

    /// All header fields of the part as they came.
    #[must_use]
    pub fn headers(&self) -> &Headers {
        &self.headers
    }

    /// Reads the field lines in `block`, each of which ends with CRLF and the last of which is empty.
    pub(super) fn read(&mut self, block: &[u8], limits: &MultipartLimits) -> Result<(), MultipartError> {
        self.headers.clear();
        self.headers.store(block);
        let mut at = 0;
        while let Some(length) = line_length(&block[at..])? {
            if self.headers.len() == limits.max_headers {
                return Err(MultipartError::TooManyHeaders(limits.max_headers));
            }
            let (name_length, value) = split_field(&block[at..][..length]).ok_or(MultipartError::Field)?;
            self.headers.push_range(at..at + name_length, at + value.start..at + value.end);
            at += length + 2;
        }
        let disposition = only(&self.headers, "content-disposition", MultipartError::Disposition)?;
        let disposition = disposition.ok_or(MultipartError::Disposition)?;
        (self.name, self.file_name) = disposition::read(disposition)?;
        only(&self.headers, "content-type", MultipartError::PartType)?;
        let coding = only(&self.headers, "content-transfer-encoding", MultipartError::TransferEncoding)?;
        // RFC 2045 §6.2: these three say that the data is as it is.
        let is_identity = |coding: &[u8]| {
            [&b"7bit"[..], b"8bit", b"binary"].iter().any(|identity| coding.eq_ignore_ascii_case(identity))
        };
        if coding.is_none_or(is_identity) { Ok(()) } else { Err(MultipartError::TransferEncoding) }
    }
}

/// The length of the line at the start of `block` without its CRLF; `None` for the empty one.
fn line_length(block: &[u8]) -> Result<Option<usize>, MultipartError> {
    let end = block.iter().position(|&byte| byte == b'\r').ok_or(MultipartError::LineEnd)?;
    if block.get(end + 1) == Some(&b'\n') {
        Ok((end > 0).then_some(end))
    } else {
        Err(MultipartError::LineEnd)
    }
}

/// The length of a field's name and the place of its value. RFC 9110 §5 rather than RFC 822: no folding, no comments,
/// no space before the colon, which readers disagree about.
fn split_field(line: &[u8]) -> Option<(usize, std::ops::Range<usize>)> {
    let name_length = line.iter().position(|&byte| byte == b':')?;
    let value = &line[name_length + 1..];
    let is_field =
        name_length > 0 && TOKEN.holds_all(&line[..name_length]) && value.iter().copied().all(is_field_byte);
    let start = line.len() - value.trim_ascii_start().len();
    is_field.then(|| (name_length, start..start + value.trim_ascii().len()))
}

/// The only value under `name`, if there is one.
fn only<'h>(
    headers: &'h Headers,
    name: &str,
    fault: MultipartError,
) -> Result<Option<&'h [u8]>, MultipartError> {
    let mut values = headers.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value);
    let first = values.next();
    if values.next().is_some() { Err(fault) } else { Ok(first) }
}
