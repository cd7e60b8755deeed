//! The parameters of `Content-Disposition` and `Content-Type`, and what browsers and other clients do to the names of
//! fields and files that do not fit between two quotes.

use super::MultipartError;
use crate::class::{TOKEN, is_field_byte};

/// A parameter's value as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value<'a> {
    /// A token, without escapes.
    Token(&'a [u8]),
    /// What stood between two quotes.
    Quoted(&'a [u8]),
}

/// The parameters behind a value, `;` before each (RFC 9110 §5.6.6). `None` means that the rest is malformed.
pub(super) struct Parameters<'a> {
    rest: &'a [u8],
}

impl<'a> Parameters<'a> {
    pub(super) fn new(rest: &'a [u8]) -> Self {
        Self { rest }
    }

    /// The parameter at the start of `rest`, which is not empty.
    fn parameter(&mut self) -> Option<(&'a [u8], Value<'a>)> {
        let (name, rest) = split_token(self.rest)?;
        let rest = rest.strip_prefix(b"=")?;
        let value;
        (value, self.rest) = match rest.strip_prefix(b"\"") {
            Some(rest) => split_quoted(rest).map(|(text, rest)| (Value::Quoted(text), rest))?,
            None => split_token(rest).map(|(text, rest)| (Value::Token(text), rest))?,
        };
        Some((name, value))
    }
}

impl<'a> Iterator for Parameters<'a> {
    type Item = Option<(&'a [u8], Value<'a>)>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            self.rest = trim_start(self.rest);
            if self.rest.is_empty() {
                return None;
            }
            let Some(rest) = self.rest.strip_prefix(b";") else { break };
            // A parameter may be missing, as behind a last semicolon.
            let rest = trim_start(rest);
            self.rest = rest;
            if !rest.is_empty() && !rest.starts_with(b";") {
                let parameter = self.parameter();
                if parameter.is_some() {
                    return Some(parameter);
                }
                break;
            }
        }
        self.rest = &[];
        Some(None)
    }
}

/// Without the white space at its start (RFC 9110 §5.6.3).
fn trim_start(text: &[u8]) -> &[u8] {
    &text[text.iter().position(|byte| !matches!(byte, b' ' | b'\t')).unwrap_or(text.len())..]
}

fn split_token(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = TOKEN.leading(text);
    (end > 0).then(|| text.split_at(end))
}

/// What comes before the closing quote, and what after it.
fn split_quoted(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut at = 0;
    loop {
        match *text.get(at)? {
            b'"' => return Some((&text[..at], &text[at + 1..])),
            b'\\' if is_escape(text, at) => at += 2,
            byte if is_field_byte(byte) => at += 1,
            _ => return None,
        }
    }
}

/// Whether the backslash at `at` stands for the byte behind it. Browsers do not escape backslashes, so one before any
/// other byte is a part of a file's name.
fn is_escape(text: &[u8], at: usize) -> bool {
    matches!(text.get(at + 1), Some(b'"' | b'\\'))
}

impl Value<'_> {
    /// The text that the client meant.
    ///
    /// Browsers write `%22`, `%0D` and `%0A` for quotes and line ends (HTML, "multipart/form-data encoding algorithm")
    /// and nothing else, so nothing else that looks like percent-encoding is touched. Other clients write `\"` and
    /// `\\`. What is no UTF-8 becomes U+FFFD, as the Fetch standard has it.
    fn decode(self) -> String {
        let text = match self {
            Self::Token(text) => text.to_vec(),
            Self::Quoted(text) => unescape(text),
        };
        String::from_utf8(text).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
    }
}

fn unescape(text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        let (meant, length) = match &text[at..] {
            [b'\\', escaped @ (b'"' | b'\\'), ..] => (*escaped, 2),
            [b'%', b'2', b'2', ..] => (b'"', 3),
            [b'%', b'0', b'D', ..] => (b'\r', 3),
            [b'%', b'0', b'A', ..] => (b'\n', 3),
            _ => (byte, 1),
        };
        plain.push(meant);
        at += length;
    }
    plain
}

/// The name of a part and of its file, from `Content-Disposition: form-data; …` (RFC 7578 §4.2). `filename*` must not
/// be used there and is ignored, like every other parameter.
pub(super) fn read(value: &[u8]) -> Result<(String, Option<String>), MultipartError> {
    let (kind, parameters) =
        value.split_at(value.iter().position(|&byte| byte == b';').unwrap_or(value.len()));
    if !kind.trim_ascii_end().eq_ignore_ascii_case(b"form-data") {
        return Err(MultipartError::Disposition);
    }
    let (mut name, mut file_name) = (None, None);
    for parameter in Parameters::new(parameters) {
        let (key, value) = parameter.ok_or(MultipartError::Disposition)?;
        let place = match key {
            _ if key.eq_ignore_ascii_case(b"name") => &mut name,
            _ if key.eq_ignore_ascii_case(b"filename") => &mut file_name,
            _ => continue,
        };
        if place.replace(value).is_some() {
            return Err(MultipartError::Disposition);
        }
    }
    let name = name.ok_or(MultipartError::Name)?;
    Ok((name.decode(), file_name.map(Value::decode)))
}
