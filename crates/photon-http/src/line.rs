//! The lines of a request head, read strictly from left to right: the request line (RFC 9112 §3) and field lines (§5).
//!
//! Each function is given what there is of the head from the beginning of a line. `None` means that the line can still
//! become one. What it cannot become is refused at the first byte that shows it, except for versions, of which the whole
//! line decides what is wrong with them. What comes after that byte changes nothing.

use std::ops::Range;

use crate::class::{TOKEN, leading_field_bytes};
use crate::target::{self, Extent};
use crate::{DecodeError, Fault, Version};

const CRLF: usize = 2;
const VERSION: usize = "HTTP/1.1".len();

/// The method, with which a request line begins, if there is a space after it.
pub(crate) fn method(input: &[u8]) -> Result<Option<&[u8]>, DecodeError> {
    let end = TOKEN.leading(input);
    match input.get(end) {
        Some(b' ') if end > 0 => Ok(Some(&input[..end])),
        None => Ok(None),
        Some(_) => Err(Fault::RequestLine.into()),
    }
}

/// What comes after the method and its space.
pub(crate) struct TargetAndVersion<'a> {
    pub(crate) target: &'a [u8],
    /// Where the path of the target ends.
    pub(crate) path_end: usize,
    pub(crate) version: Version,
    /// With the CRLF.
    pub(crate) length: usize,
}

pub(crate) fn target_and_version(input: &[u8]) -> Result<Option<TargetAndVersion<'_>>, DecodeError> {
    let Extent { path_end, end } = target::extent(input);
    match input.get(end) {
        Some(b' ') if end > 0 => {}
        None => return Ok(None),
        Some(byte) if byte.is_ascii_whitespace() => return Err(Fault::RequestLine.into()),
        Some(_) => return Err(Fault::Target.into()),
    }
    let (target, rest) = (&input[..end], &input[end + 1..]);
    Ok(version(rest)?.map(|version| {
        let length = end + 1 + VERSION + CRLF;
        TargetAndVersion { target, path_end, version, length }
    }))
}

/// The version, with which a request line ends.
fn version(rest: &[u8]) -> Result<Option<Version>, DecodeError> {
    let version = match rest.first_chunk() {
        Some(b"HTTP/1.1") => Version::Http11,
        Some(b"HTTP/1.0") => Version::Http10,
        _ => return other_version(rest),
    };
    match &rest[VERSION..] {
        [b'\r', b'\n', ..] => Ok(Some(version)),
        [] | [b'\r'] => Ok(None),
        _ => Err(Fault::LineEnd.into()),
    }
}

/// A version that is not ours. Whether it is one at all shows once the line is complete.
#[cold]
fn other_version(rest: &[u8]) -> Result<Option<Version>, DecodeError> {
    let Some(end) = rest.iter().position(|&byte| byte == b'\n') else { return Ok(None) };
    match &rest[..end] {
        [b'H', b'T', b'T', b'P', b'/', major, b'.', minor, b'\r']
            if major.is_ascii_digit() && minor.is_ascii_digit() =>
        {
            // RFC 9110 §2.5: a higher minor version is read as the highest that we know.
            if *major == b'1' { Ok(Some(Version::Http11)) } else { Err(DecodeError::Version) }
        }
        [.., b'\r'] => Err(Fault::RequestLine.into()),
        _ => Err(Fault::LineEnd.into()),
    }
}

/// A line of the field section.
pub(crate) enum FieldLine {
    Field {
        /// The length of the name, with which the line begins.
        name: usize,
        /// The value without the whitespace around it.
        value: Range<usize>,
        /// With the CRLF.
        length: usize,
    },
    /// The empty line after the fields.
    End { length: usize },
}

pub(crate) fn field_line(input: &[u8]) -> Result<Option<FieldLine>, DecodeError> {
    let name = TOKEN.leading(input);
    match &input[name..] {
        [b':', ..] if name > 0 => {}
        [] => return Ok(None),
        [b'\r'] if name == 0 => return Ok(None),
        [b'\r', b'\n', ..] if name == 0 => return Ok(Some(FieldLine::End { length: CRLF })),
        [b'\r' | b'\n', ..] if name == 0 => return Err(Fault::LineEnd.into()),
        // RFC 9112 §5.1, §5.2: nor is there whitespace before the colon, nor a line that continues the one before.
        _ => return Err(Fault::FieldName.into()),
    }
    let rest = &input[name + 1..];
    let end = leading_field_bytes(rest);
    match &rest[end..] {
        [b'\r', b'\n', ..] => {}
        [] | [b'\r'] => return Ok(None),
        [b'\n', ..] => return Err(Fault::LineEnd.into()),
        _ => return Err(Fault::FieldValue.into()),
    }
    // RFC 9112 §5: the whitespace around a value is no part of it.
    let unindented = rest[..end].trim_ascii_start();
    let start = name + 1 + (end - unindented.len());
    let value = start..start + unindented.trim_ascii_end().len();
    Ok(Some(FieldLine::Field { name, value, length: name + 1 + end + CRLF }))
}
