//! Bytes to request heads (RFC 9112 §2–§6): how much of the input is looked at, and what a head means once all of its
//! lines are there.
//!
//! Whatever two HTTP implementations could read differently is refused: a server behind a proxy
//! that guesses is how requests are smuggled (RFC 9112 §11.2).

use http::Method;

use crate::fields::Fields;
use crate::line::{self, FieldLine, field_line};
use crate::target::{self, Target};
use crate::{DecodeError, Fault, Framing, Headers, Limits, RequestHead, Version};

/// Empty lines that may come before a request line. RFC 9112 §2.2 asks for one at least, and more is no client's habit.
pub(crate) const MAX_EMPTY_LINES: usize = 1;

/// What the head of a request says about what follows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decoded {
    /// How many bytes of the input the head took, with the empty line that ends it.
    pub consumed: usize,
    /// How the body is framed.
    pub framing: Framing,
    /// Whether the client lets the connection be used again (RFC 9112 §9.3).
    pub keep_alive: bool,
    /// Whether the client waits for `100 Continue` before it sends the body (RFC 9110 §10.1.1).
    pub expect_continue: bool,
}

/// Decodes request heads from a growing buffer.
///
/// It remembers how much it has looked at, so that a head that comes in many pieces costs no
/// more than a few times one that comes at once.
///
/// ```
/// use photon_http::{HeadDecoder, Limits, RequestHead};
///
/// let mut decoder = HeadDecoder::default();
/// let mut head = RequestHead::default();
/// let input = b"GET /items?q=1 HTTP/1.1\r\nHost: localhost\r\n\r\n";
/// assert_eq!(decoder.decode(&input[..9], &Limits::default(), &mut head), Ok(None));
/// let decoded = decoder.decode(input, &Limits::default(), &mut head).unwrap().unwrap();
/// assert_eq!(decoded.consumed, input.len());
/// assert_eq!((head.path(), head.query()), ("/items", Some("q=1")));
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct HeadDecoder {
    /// Bytes searched for the empty line that ends the head.
    searched: usize,
    /// Bytes there were when the head was last parsed.
    parsed: usize,
}

impl HeadDecoder {
    /// Decodes the head at the start of `input` into `head`, whose buffers are reused.
    ///
    /// `None` means that the head is not complete: call again with the same bytes and more. What
    /// `head` holds is defined only after a `Some`, except for the method of a head that is refused.
    ///
    /// # Errors
    /// [`DecodeError`] if no continuation of `input` can be accepted. The same bytes give the same error however they are
    /// split, at the latest when the head is complete or has grown to twice what was looked at before.
    pub fn decode(
        &mut self,
        input: &[u8],
        limits: &Limits,
        head: &mut RequestHead,
    ) -> Result<Option<Decoded>, DecodeError> {
        if self.parsed > 0 && !self.is_worth_parsing(input) {
            return Ok(None);
        }
        let empty_lines = skip_empty_lines(input)?;
        let input = &input[empty_lines..];
        let decoded = match decode_window(input, limits, head) {
            Ok(None) => {
                self.searched = empty_lines + input.len();
                self.parsed = self.searched;
                return Ok(None);
            }
            other => other,
        };
        *self = Self::default();
        Ok(decoded?.map(|decoded| Decoded { consumed: decoded.consumed + empty_lines, ..decoded }))
    }

    /// The method of the head at the start of `input`, if that much of it has come and is well-formed: for a head that will
    /// not be waited for any longer.
    #[must_use]
    pub fn method(input: &[u8]) -> Option<Method> {
        let empty_lines = skip_empty_lines(input).ok()?;
        let method = line::method(&input[empty_lines..]).ok()??;
        Method::from_bytes(method).ok()
    }

    /// A head that comes byte by byte is parsed again when its end is there, and now and then
    /// before, so that a fault is noticed early and the whole cost stays linear.
    fn is_worth_parsing(&mut self, input: &[u8]) -> bool {
        // The empty line may have begun in what was searched before.
        let from = self.searched.saturating_sub(2);
        self.searched = input.len();
        let ended = input[from..].windows(2).any(|pair| pair == b"\n\n")
            || input[from..].windows(3).any(|three| three == b"\n\r\n");
        ended || input.len() >= self.parsed.saturating_mul(2)
    }
}

/// The length of the empty lines before the request line.
fn skip_empty_lines(input: &[u8]) -> Result<usize, DecodeError> {
    let mut at = 0;
    while let Some(&byte @ (b'\r' | b'\n')) = input.get(at) {
        match input.get(at + 1) {
            None if byte == b'\r' => return Ok(at),
            Some(b'\n') if byte == b'\r' && at < MAX_EMPTY_LINES * 2 => at += 2,
            _ => return Err(Fault::LineEnd.into()),
        }
    }
    Ok(at)
}

/// Parses what of `input` the limits allow to look at, so that which fault comes first does not
/// depend on how much has arrived.
fn decode_window(
    input: &[u8],
    limits: &Limits,
    head: &mut RequestHead,
) -> Result<Option<Decoded>, DecodeError> {
    if input == b"\r" {
        return Ok(None);
    }
    if input.len() < limits.max_request_line.min(limits.max_header_bytes) {
        return decode_lines(input, limits, head);
    }
    let line = &input[..input.len().min(limits.max_request_line)];
    let Some(line_end) = line.iter().position(|&byte| byte == b'\n') else {
        return match decode_lines(line, limits, head)? {
            // Not even the method has ended, which is none then.
            None if input.len() >= limits.max_request_line && !line.contains(&b' ') => {
                Err(Fault::RequestLine.into())
            }
            None if input.len() >= limits.max_request_line => {
                Err(DecodeError::RequestLineTooLong(limits.max_request_line))
            }
            other => Ok(other),
        };
    };
    let window = (line_end + 1).saturating_add(limits.max_header_bytes);
    match decode_lines(&input[..input.len().min(window)], limits, head)? {
        None if input.len() >= window => Err(DecodeError::HeaderTooLarge(limits.max_header_bytes)),
        other => Ok(other),
    }
}

fn decode_lines(
    input: &[u8],
    limits: &Limits,
    head: &mut RequestHead,
) -> Result<Option<Decoded>, DecodeError> {
    let Some(method) = line::method(input)? else { return Ok(None) };
    head.method = Method::from_bytes(method).map_err(|_| Fault::RequestLine)?;
    let rest = &input[method.len() + 1..];
    let Some(line) = line::target_and_version(rest)? else { return Ok(None) };
    let section = &rest[line.length..];
    let read = decode_fields(section, limits, &mut head.headers);
    if !matches!(read, Ok(Some(_))) {
        head.headers.clear();
    }
    let Some((fields, end)) = read? else { return Ok(None) };
    head.version = line.version;
    let target = std::str::from_utf8(line.target).map_err(|_| Fault::Target)?;
    set_target(&target::classify(&head.method, target)?, line.path_end, &fields, head)?;
    Ok(Some(Decoded {
        consumed: method.len() + 1 + line.length + end,
        framing: fields.framing(line.version)?,
        keep_alive: fields.keep_alive(line.version),
        expect_continue: fields.expects_continue(line.version)?,
    }))
}

/// Decodes a field section to the end of the empty line that ends it. The fields are stored as one block.
fn decode_fields<'i>(
    section: &'i [u8],
    limits: &Limits,
    headers: &mut Headers,
) -> Result<Option<(Fields<'i>, usize)>, DecodeError> {
    let (mut fields, mut at) = (Fields::default(), 0);
    headers.clear();
    loop {
        match field_line(&section[at..])? {
            None => return Ok(None),
            Some(FieldLine::End { length }) => {
                headers.store(&section[..at]);
                return Ok(Some((fields, at + length)));
            }
            Some(FieldLine::Field { name, value, length }) => {
                if headers.len() == limits.max_headers {
                    return Err(DecodeError::TooManyHeaders(limits.max_headers));
                }
                let (name, value) = (at..at + name, at + value.start..at + value.end);
                fields.add(&section[name.clone()], &section[value.clone()])?;
                headers.push_range(name, value);
                at += length;
            }
        }
    }
}

/// Stores the target in origin form and, for the absolute form, its authority as `Host`.
fn set_target(
    target: &Target<'_>,
    path_end: usize,
    fields: &Fields<'_>,
    head: &mut RequestHead,
) -> Result<(), DecodeError> {
    // RFC 9112 §3.2: one valid Host in every HTTP/1.1 request, whatever the form of its target.
    if !fields.has_host()? && head.version == Version::Http11 {
        return Err(Fault::Host.into());
    }
    match *target {
        Target::Origin(target) => head.set_scanned_target(target, path_end),
        Target::Absolute { scheme, authority, rest } => {
            // RFC 9110 §7.4: not a request for what this connection reaches.
            if scheme != head.scheme {
                return Err(DecodeError::Misdirected);
            }
            // RFC 9112 §3.2.2 has the target's authority decide. Somebody before us may have looked at the other.
            if !fields.agree_with(authority, scheme) {
                return Err(Fault::Host.into());
            }
            // RFC 9112 §3.2.4: without path and query, OPTIONS is about the whole server.
            if rest.is_empty() && head.method == Method::OPTIONS {
                head.set_target("*");
            } else {
                head.set_target_parts(if rest.starts_with('/') { "" } else { "/" }, rest);
            }
            head.headers.insert("host", authority);
        }
    }
    Ok(())
}
