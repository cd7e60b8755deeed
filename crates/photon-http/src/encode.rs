//! Responses to bytes: status line, framing and connection fields (RFC 9112 §4, §6, §9), chunks.
//! The fields that frame a message are written here alone, whatever a handler sets.

use http::StatusCode;

use crate::{DateLine, Headers, Version};

/// What a response answers, as far as that decides its form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reply {
    /// The version of the request; HTTP/1.0 knows neither chunks nor persistence by default.
    pub version: Version,
    /// Whether the request was a `HEAD`, whose answer has no body (RFC 9110 §9.3.2).
    pub head: bool,
    /// Whether the connection is to be used again after the response.
    pub keep_alive: bool,
}

/// How long a response's body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyLength {
    /// So many bytes.
    Known(u64),
    /// That shows when it has been written.
    Unknown,
}

/// How the body of a response has to be sent after its head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyForm {
    /// Not at all.
    Omitted,
    /// As it is: its length was announced.
    Plain,
    /// In chunks, with [`encode_chunk`] and [`encode_last_chunk`].
    Chunked,
    /// As it is, and its end is the end of the connection (RFC 9112 §6.3, for HTTP/1.0).
    UntilClose,
}

/// Appends the head of a response to `out`. Returns the form of the body, and whether the
/// connection may be used again after it.
///
/// `Content-Length`, `Transfer-Encoding` and `Connection` in `headers` are left out: the framing
/// is decided by `length`, the status and the request. Two of them still say something:
/// `Connection: close` closes, and a `Content-Length` on the answer to a `HEAD` whose body is
/// empty is taken over, for a handler that knows the length without making the body. A `Date` in
/// `headers` stands instead of `date`.
///
/// ```
/// use http::StatusCode;
/// use photon_http::{BodyForm, BodyLength, DateLine, Headers, Reply, Version, encode_head};
///
/// let reply = Reply { version: Version::Http11, head: false, keep_alive: true };
/// let mut out = Vec::new();
/// let done = encode_head(
///     &mut out, reply, StatusCode::OK, &Headers::new(), BodyLength::Known(2), &DateLine::default(),
/// );
/// assert_eq!(done, (BodyForm::Plain, true));
/// let text = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ndate: Thu, 01 Jan 1970 00:00:00 GMT\r\n\r\n";
/// assert_eq!(out, text.as_bytes());
/// ```
pub fn encode_head(
    out: &mut Vec<u8>,
    reply: Reply,
    status: StatusCode,
    headers: &Headers,
    length: BodyLength,
    date: &DateLine,
) -> (BodyForm, bool) {
    encode_status_line(out, status);
    let handler = encode_fields(out, headers);
    let form = body_form(reply, status, length);
    let keep_alive = reply.keep_alive && !handler.close && form != BodyForm::UntilClose;
    encode_framing(out, reply, status, length, handler.content_length);
    // RFC 9110 §7.8: whoever sends `Upgrade` says so in `Connection`.
    if handler.upgrade {
        let options: &[u8] = if keep_alive { b"upgrade\r\n" } else { b"close, upgrade\r\n" };
        out.extend_from_slice(b"connection: ");
        out.extend_from_slice(options);
    } else if !keep_alive {
        out.extend_from_slice(b"connection: close\r\n");
    } else if reply.version == Version::Http10 {
        out.extend_from_slice(b"connection: keep-alive\r\n");
    }
    if !handler.date {
        out.extend_from_slice(date.as_bytes());
    }
    out.extend_from_slice(b"\r\n");
    (form, keep_alive)
}

/// Appends the interim response that asks for a body (RFC 9110 §15.2.1).
pub fn encode_continue(out: &mut Vec<u8>) {
    out.extend_from_slice(b"HTTP/1.1 100 Continue\r\n\r\n");
}

/// Appends the head of the response that ends HTTP on a connection (RFC 9110 §15.2.2). `headers` name the protocol in
/// `Upgrade`.
pub fn encode_switch(out: &mut Vec<u8>, headers: &Headers, date: &DateLine) {
    encode_status_line(out, StatusCode::SWITCHING_PROTOCOLS);
    let said = encode_fields(out, headers);
    out.extend_from_slice(b"connection: upgrade\r\n");
    if !said.date {
        out.extend_from_slice(date.as_bytes());
    }
    out.extend_from_slice(b"\r\n");
}

/// Appends one chunk (RFC 9112 §7.1); nothing for no data, since an empty chunk ends the body.
pub fn encode_chunk(out: &mut Vec<u8>, data: &[u8]) {
    if !data.is_empty() {
        encode_chunk_size(out, data.len());
        out.extend_from_slice(data);
        out.extend_from_slice(b"\r\n");
    }
}

/// Appends the size line of a chunk whose data the caller sends itself, with CRLF after it.
pub fn encode_chunk_size(out: &mut Vec<u8>, size: usize) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = (usize::BITS - size.leading_zeros()).div_ceil(4).max(1);
    out.extend((0..digits).rev().map(|place| DIGITS[size >> (place * 4) & 0xf]));
    out.extend_from_slice(b"\r\n");
}

/// Appends the chunk that ends a body, with an empty trailer section.
pub fn encode_last_chunk(out: &mut Vec<u8>) {
    out.extend_from_slice(b"0\r\n\r\n");
}

/// Whether a response with this status never has a body (RFC 9112 §6.3).
fn is_bodiless(status: StatusCode) -> bool {
    // Asked first, because nearly all are.
    status != StatusCode::OK
        && (status.is_informational() || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED))
}

fn body_form(reply: Reply, status: StatusCode, length: BodyLength) -> BodyForm {
    // A 205 has an empty body (RFC 9110 §15.3.6).
    if reply.head || is_bodiless(status) || status == StatusCode::RESET_CONTENT {
        return BodyForm::Omitted;
    }
    match length {
        BodyLength::Known(_) => BodyForm::Plain,
        BodyLength::Unknown if reply.version == Version::Http11 => BodyForm::Chunked,
        BodyLength::Unknown => BodyForm::UntilClose,
    }
}

fn encode_framing(
    out: &mut Vec<u8>,
    reply: Reply,
    status: StatusCode,
    length: BodyLength,
    handler_length: Option<u64>,
) {
    // RFC 9110 §8.6 forbids Content-Length in a 1xx or 204. In a 304 it would have to be that of
    // the 200, which nobody here knows.
    if is_bodiless(status) {
        return;
    }
    match length {
        _ if status == StatusCode::RESET_CONTENT => encode_length(out, 0),
        BodyLength::Known(0) if reply.head => encode_length(out, handler_length.unwrap_or(0)),
        BodyLength::Known(length) => encode_length(out, length),
        BodyLength::Unknown if reply.version == Version::Http11 => {
            out.extend_from_slice(b"transfer-encoding: chunked\r\n");
        }
        BodyLength::Unknown => {}
    }
}

fn encode_length(out: &mut Vec<u8>, length: u64) {
    const NAME: &[u8] = b"content-length: ";
    const DIGITS: usize = u64::MAX.ilog10() as usize + 1;
    // Written from its end to its beginning, so that it is appended as one piece.
    let mut line = [0; NAME.len() + DIGITS + 2];
    let mut at = line.len() - 2;
    line[at..].copy_from_slice(b"\r\n");
    let mut rest = length;
    loop {
        at -= 1;
        line[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    at -= NAME.len();
    line[at..at + NAME.len()].copy_from_slice(NAME);
    out.extend_from_slice(&line[at..]);
}

fn encode_status_line(out: &mut Vec<u8>, status: StatusCode) {
    if status == StatusCode::OK {
        out.extend_from_slice(b"HTTP/1.1 200 OK\r\n");
        return;
    }
    out.extend_from_slice(b"HTTP/1.1 ");
    out.extend_from_slice(status.as_str().as_bytes());
    out.push(b' ');
    out.extend_from_slice(status.canonical_reason().unwrap_or_default().as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// What a handler said in the fields that it does not get to write.
#[derive(Default)]
struct Said {
    close: bool,
    date: bool,
    upgrade: bool,
    content_length: Option<u64>,
}

fn encode_fields(out: &mut Vec<u8>, headers: &Headers) -> Said {
    let mut said = Said::default();
    for (name, value) in headers.raw() {
        match name.len() {
            10 if name.eq_ignore_ascii_case(b"connection") => {
                let options = value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii);
                said.close |= options.into_iter().any(|option| option.eq_ignore_ascii_case(b"close"));
                continue;
            }
            14 if name.eq_ignore_ascii_case(b"content-length") => {
                said.content_length = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
                continue;
            }
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => continue,
            4 if name.eq_ignore_ascii_case(b"date") => said.date = true,
            7 if name.eq_ignore_ascii_case(b"upgrade") => said.upgrade = true,
            _ => {}
        }
        out.extend_from_slice(name);
        out.extend_from_slice(b": ");
        out.extend_from_slice(value);
        out.extend_from_slice(b"\r\n");
    }
    said
}
