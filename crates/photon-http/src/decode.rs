//! Bytes to request heads (RFC 9112 §2–§6). `httparse` finds the tokens; everything that it is
//! lenient about, and everything that decides where a request ends, is checked here.
//!
//! Whatever two HTTP implementations could read differently is refused: a server behind a proxy
//! that guesses is how requests are smuggled (RFC 9112 §11.2).

use std::mem::MaybeUninit;

use http::Method;
use httparse::{Header, Status};

use crate::fields::Fields;
use crate::target::{self, Target};
use crate::{DecodeError, Fault, Framing, Limits, RequestHead, Version};

/// Empty lines that may come before a request line. RFC 9112 §2.2 asks for one at least, and more is no client's habit.
pub(crate) const MAX_EMPTY_LINES: usize = 1;

/// Fields that fit on the stack while a head is parsed; more take one allocation.
const FEW_FIELDS: usize = 32;

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
    /// `head` holds is defined only after a `Some`.
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
        return decode_fields(input, limits, head);
    }
    let line = &input[..input.len().min(limits.max_request_line)];
    let Some(line_end) = line.iter().position(|&byte| byte == b'\n') else {
        return match decode_fields(line, limits, head)? {
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
    match decode_fields(&input[..input.len().min(window)], limits, head)? {
        None if input.len() >= window => Err(DecodeError::HeaderTooLarge(limits.max_header_bytes)),
        other => Ok(other),
    }
}

fn decode_fields(
    input: &[u8],
    limits: &Limits,
    head: &mut RequestHead,
) -> Result<Option<Decoded>, DecodeError> {
    let mut few = [const { MaybeUninit::uninit() }; FEW_FIELDS];
    let room = limits.max_headers.min(FEW_FIELDS);
    let mut request = httparse::Request::new(&mut []);
    let parsed = match request.parse_with_uninit_headers(input, &mut few[..room]) {
        Err(httparse::Error::TooManyHeaders) if limits.max_headers > FEW_FIELDS => {
            let mut many = vec![httparse::EMPTY_HEADER; limits.max_headers];
            let mut request = httparse::Request::new(&mut many);
            let parsed = request.parse(input);
            return finish(input, &request, parsed, limits, head);
        }
        parsed => parsed,
    };
    finish(input, &request, parsed, limits, head)
}

fn finish(
    input: &[u8],
    request: &httparse::Request<'_, '_>,
    parsed: httparse::Result<usize>,
    limits: &Limits,
    head: &mut RequestHead,
) -> Result<Option<Decoded>, DecodeError> {
    let consumed = match parsed {
        Ok(Status::Complete(consumed)) => consumed,
        Ok(Status::Partial) => return Ok(None),
        Err(httparse::Error::Version) => return version_fault(input),
        Err(error) => return Err(fault(error, limits)),
    };
    let (Some(method), Some(path), Some(minor)) = (request.method, request.path, request.version) else {
        return Err(Fault::RequestLine.into());
    };
    check_line_ends(&input[..consumed], request.headers)?;
    head.version = if minor == 0 { Version::Http10 } else { Version::Http11 };
    head.method = Method::from_bytes(method.as_bytes()).map_err(|_| Fault::RequestLine)?;
    let target = target::classify(&head.method, path)?;
    store_fields(&input[..consumed], request.headers, head);
    let fields = Fields::read(request.headers)?;
    set_target(&target, &fields, head)?;
    let framing = fields.framing(head.version)?;
    let expect_continue = fields.expects_continue(head.version)?;
    let keep_alive = fields.keep_alive(head.version);
    Ok(Some(Decoded { consumed, framing, keep_alive, expect_continue }))
}

/// Copies the field section into `head` as one block; the fields are ranges of it.
fn store_fields(input: &[u8], fields: &[Header<'_>], head: &mut RequestHead) {
    head.headers.clear();
    let Some(first) = fields.first() else { return };
    let block = offset(input, first.name.as_bytes());
    head.headers.load(&input[block..]);
    for field in fields {
        let name = offset(input, field.name.as_bytes()) - block;
        let value = offset(input, field.value) - block;
        head.headers.push_loaded(name..name + field.name.len(), value..value + field.value.len());
    }
}

/// Stores the target in origin form and, for the absolute form, its authority as `Host`.
fn set_target(target: &Target<'_>, fields: &Fields<'_>, head: &mut RequestHead) -> Result<(), DecodeError> {
    // RFC 9112 §3.2: one valid Host in every HTTP/1.1 request, whatever the form of its target.
    if !fields.has_host()? && head.version == Version::Http11 {
        return Err(Fault::Host.into());
    }
    match *target {
        Target::Origin(path) => head.set_target(path),
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

/// Finds the bare line feeds that `httparse` lets through (RFC 9112 §2.2 permits refusing them).
/// It guarantees that each line ends with LF and that a CR is followed by LF.
fn check_line_ends(head: &[u8], fields: &[Header<'_>]) -> Result<(), DecodeError> {
    let starts_after_crlf =
        |field: &Header<'_>| head[..offset(head, field.name.as_bytes())].ends_with(b"\r\n");
    if head.ends_with(b"\r\n\r\n") && fields.iter().all(starts_after_crlf) {
        Ok(())
    } else {
        Err(Fault::LineEnd.into())
    }
}

/// Where `part`, a slice of `whole`, starts in it.
fn offset(whole: &[u8], part: &[u8]) -> usize {
    part.as_ptr().addr() - whole.as_ptr().addr()
}

/// A version that is not ours is 505 if it is a version at all, which shows once the request line
/// is complete.
fn version_fault(input: &[u8]) -> Result<Option<Decoded>, DecodeError> {
    let Some(end) = input.iter().position(|&byte| byte == b'\n') else { return Ok(None) };
    let Some(line) = input[..end].strip_suffix(b"\r") else { return Err(Fault::LineEnd.into()) };
    let mut parts = line.split(|&byte| byte == b' ').skip(2);
    match (parts.next(), parts.next()) {
        (Some([b'H', b'T', b'T', b'P', b'/', major, b'.', minor]), None)
            if major.is_ascii_digit() && minor.is_ascii_digit() =>
        {
            Err(DecodeError::Version)
        }
        _ => Err(Fault::RequestLine.into()),
    }
}

fn fault(error: httparse::Error, limits: &Limits) -> DecodeError {
    match error {
        httparse::Error::HeaderName => Fault::FieldName.into(),
        httparse::Error::HeaderValue => Fault::FieldValue.into(),
        httparse::Error::NewLine => Fault::LineEnd.into(),
        httparse::Error::TooManyHeaders => DecodeError::TooManyHeaders(limits.max_headers),
        httparse::Error::Status | httparse::Error::Token | httparse::Error::Version => {
            Fault::RequestLine.into()
        }
    }
}
