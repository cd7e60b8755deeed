//! Percent-decoding (RFC 3986 §2.1), once and strictly.

use std::borrow::Cow;

/// The text is not a percent-encoded UTF-8 string without NUL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed;

/// Decodes `text`.
///
/// An escape without two hexadecimal digits, bytes that are not UTF-8 and NUL are refused rather
/// than passed on: whatever reads the value next would read something else than the sender meant.
pub(crate) fn decode(text: &str) -> Result<Cow<'_, str>, Malformed> {
    if !text.contains('%') {
        return if text.contains('\0') { Err(Malformed) } else { Ok(Cow::Borrowed(text)) };
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => escape(&mut bytes)?,
            0 => return Err(Malformed),
            other => other,
        });
    }
    String::from_utf8(decoded).map(Cow::Owned).map_err(|_| Malformed)
}

// The byte that the two digits behind a `%` stand for; never NUL.
fn escape(bytes: &mut std::str::Bytes<'_>) -> Result<u8, Malformed> {
    let mut digit = || bytes.next().and_then(|byte| char::from(byte).to_digit(16)).ok_or(Malformed);
    let (high, low) = (digit()?, digit()?);
    match u8::try_from(high * 16 + low) {
        Ok(0) | Err(_) => Err(Malformed),
        Ok(byte) => Ok(byte),
    }
}

/// Decodes a path whose segments `/` divides; in the result, NUL divides them, so that a decoded
/// slash stays inside its segment. `None` if there is nothing to decode.
pub(crate) fn decode_segments(path: &str) -> Result<Option<String>, Malformed> {
    // Without a way out of the loop, the compiler compares many bytes at once.
    if !path.bytes().fold(false, |found, byte| found | (byte == b'%') | (byte == 0)) {
        return Ok(None);
    }
    let mut decoded = Vec::with_capacity(path.len());
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'/' => 0,
            b'%' => escape(&mut bytes)?,
            0 => return Err(Malformed),
            other => other,
        });
    }
    // The dividers are ASCII, so no character reaches over one: each segment is UTF-8 by itself.
    String::from_utf8(decoded).map(Some).map_err(|_| Malformed)
}
