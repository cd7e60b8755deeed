//! Bytes to request bodies: Content-Length and the chunked coding (RFC 9112 §6, §7.1). Chunk
//! extensions and trailers are checked and dropped, for nothing in Photon gives them a meaning; trailers that could get
//! one from somebody else are refused.

use crate::class::{TOKEN, is_field_byte};
use crate::extension::Extension;
use crate::{DecodeError, Fault, Limits};

/// How a request's body is delimited (RFC 9112 §6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// There is no body.
    None,
    /// This many bytes, at least one.
    Length(u64),
    /// Chunks, up to an empty one.
    Chunked,
}

/// Decodes one body from the pieces in which it comes.
///
/// ```
/// use photon_http::{BodyDecoder, Framing, Limits};
///
/// let mut body = Vec::new();
/// let mut decoder = BodyDecoder::new(Framing::Chunked, &Limits::default());
/// let used = decoder.decode(b"5\r\nhello\r\n0\r\n\r\nGET /next", &mut body).unwrap();
/// assert_eq!((used, body.as_slice(), decoder.is_done()), (15, &b"hello"[..], true));
/// ```
#[derive(Debug, Clone)]
pub struct BodyDecoder {
    state: State,
    /// Bytes of body that the client has announced so far.
    announced: u64,
    max_body: u64,
    /// Chunk extension bytes that the limit still allows.
    extension_room: usize,
    /// Trailer bytes that the limit still allows.
    trailer_room: usize,
    max_trailer_bytes: usize,
    /// The name of the trailer that is being read, as far as it matters.
    trailer_name: Vec<u8>,
}

/// What the next byte is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// One of so many bytes of a Content-Length body.
    Length(u64),
    /// A digit of a chunk size, after this many, or what ends the size.
    Size { size: u64, digits: u8 },
    /// A byte of the extensions behind a chunk size.
    Extension(u64, Extension),
    /// The LF of a chunk size line.
    SizeLf(u64),
    /// One of so many bytes of a chunk.
    Data(u64),
    /// The CR after a chunk's data.
    DataCr,
    /// The LF after a chunk's data.
    DataLf,
    /// The first byte of a trailer line, or the CR of the last line.
    TrailerStart,
    /// A byte of a trailer's name, or its colon.
    TrailerName,
    /// A byte of a trailer's value, or the CR after it.
    TrailerValue,
    /// The LF of a trailer line.
    TrailerLf,
    /// The LF of the last line.
    LastLf,
    /// Nothing: the body is complete.
    Done,
}

/// A chunk size has at most as many digits as a `u64`.
const MAX_SIZE_DIGITS: u8 = 16;

/// Fields that frame a message, route it, change what is asked for, authenticate it or say what its content is: they count
/// only where everybody on the way has seen them (RFC 9110 §6.5.1).
const HEADER_ONLY: [&str; 25] = [
    "authorization",
    "cache-control",
    "connection",
    "content-encoding",
    "content-length",
    "content-range",
    "content-type",
    "cookie",
    "expect",
    "host",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "keep-alive",
    "max-forwards",
    "pragma",
    "proxy-authorization",
    "range",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];
const LONGEST_HEADER_ONLY: usize = "if-unmodified-since".len();

impl BodyDecoder {
    /// A decoder at the start of a body.
    #[must_use]
    pub fn new(framing: Framing, limits: &Limits) -> Self {
        Self {
            announced: match framing {
                Framing::Length(length) => length,
                Framing::None | Framing::Chunked => 0,
            },
            state: match framing {
                Framing::None => State::Done,
                Framing::Length(length) => State::Length(length),
                Framing::Chunked => State::Size { size: 0, digits: 0 },
            },
            max_body: limits.max_body,
            extension_room: limits.max_chunk_extensions,
            trailer_room: limits.max_trailer_bytes,
            max_trailer_bytes: limits.max_trailer_bytes,
            trailer_name: Vec::new(),
        }
    }

    /// Whether the body is complete.
    #[must_use]
    pub fn is_done(&self) -> bool {
        matches!(self.state, State::Done | State::Length(0))
    }

    /// How many bytes of the body are certain to come: all of a Content-Length body, the rest of
    /// the current chunk of a chunked one.
    #[must_use]
    pub fn expected(&self) -> u64 {
        match self.state {
            State::Length(rest) | State::Data(rest) => rest,
            _ => 0,
        }
    }

    /// How many bytes of the body are left, if that is known: not while a chunked body goes on.
    #[must_use]
    pub fn remaining(&self) -> Option<u64> {
        match self.state {
            State::Length(rest) => Some(rest),
            State::Done => Some(0),
            _ => None,
        }
    }

    /// Allows so many bytes of body instead of the limit that the decoder was made with.
    pub fn set_max_body(&mut self, bytes: u64) {
        self.max_body = bytes;
    }

    /// Appends what `input` brings of the body to `body` and returns how many bytes of `input`
    /// that took: all, unless the body ends before.
    ///
    /// # Errors
    /// [`DecodeError`] if the chunked coding is malformed or a limit is passed. The same bytes
    /// give the same error however they are split.
    pub fn decode(&mut self, input: &[u8], body: &mut Vec<u8>) -> Result<usize, DecodeError> {
        let mut at = 0;
        loop {
            let (used, data) = self.next(&input[at..], usize::MAX)?;
            at += used;
            if data.is_empty() {
                return Ok(at);
            }
            body.extend_from_slice(data);
        }
    }

    /// The next piece of the body in `input`, at most `most` bytes, and how many bytes of `input` were used up to its
    /// end. An empty piece means that the body is done or `input` is used up.
    ///
    /// # Errors
    /// As [`BodyDecoder::decode`].
    pub fn next<'i>(&mut self, input: &'i [u8], most: usize) -> Result<(usize, &'i [u8]), DecodeError> {
        let mut at = 0;
        loop {
            // Before the data comes, so that nobody has to send it in vain.
            if self.announced > self.max_body {
                return Err(DecodeError::BodyTooLarge(self.max_body));
            }
            if at == input.len() || self.is_done() {
                return Ok((at, &[]));
            }
            let (State::Length(rest) | State::Data(rest)) = self.state else {
                self.state = self.step(input[at])?;
                at += 1;
                continue;
            };
            let most = most.min(input.len() - at);
            let piece = &input[at..][..usize::try_from(rest).unwrap_or(usize::MAX).min(most)];
            let rest = rest - piece.len() as u64;
            self.state = match self.state {
                State::Length(_) => State::Length(rest),
                _ if rest == 0 => State::DataCr,
                _ => State::Data(rest),
            };
            return Ok((at + piece.len(), piece));
        }
    }

    /// One byte of the chunked coding that is not data.
    fn step(&mut self, byte: u8) -> Result<State, DecodeError> {
        Ok(match self.state {
            State::Size { size, digits } => match byte {
                b'\r' if digits > 0 => State::SizeLf(size),
                b';' | b' ' | b'\t' if digits > 0 => self.extension(size, Extension::Before, byte)?,
                _ => {
                    let digit = char::from(byte).to_digit(16).ok_or(Fault::ChunkSize)?;
                    if digits == MAX_SIZE_DIGITS {
                        return Err(Fault::ChunkSize.into());
                    }
                    State::Size { size: size << 4 | u64::from(digit), digits: digits + 1 }
                }
            },
            State::Extension(size, extension) if byte == b'\r' && extension.may_end() => State::SizeLf(size),
            State::Extension(size, extension) => self.extension(size, extension, byte)?,
            State::SizeLf(size) => self.start_chunk(byte, size)?,
            State::DataCr => expect(byte, b'\r', Fault::ChunkData, State::DataLf)?,
            State::DataLf => expect(byte, b'\n', Fault::ChunkData, State::Size { size: 0, digits: 0 })?,
            State::TrailerStart if byte == b'\r' => State::LastLf,
            State::TrailerStart | State::TrailerName => self.trailer_name(byte)?,
            State::TrailerValue => match byte {
                b'\r' => self.trailer(State::TrailerLf)?,
                _ if is_field_byte(byte) => self.trailer(State::TrailerValue)?,
                _ => return Err(Fault::Trailer.into()),
            },
            State::TrailerLf => expect(byte, b'\n', Fault::Trailer, State::TrailerStart)?,
            State::LastLf => expect(byte, b'\n', Fault::Trailer, State::Done)?,
            state @ (State::Length(_) | State::Data(_) | State::Done) => state,
        })
    }

    fn start_chunk(&mut self, byte: u8, size: u64) -> Result<State, DecodeError> {
        if byte != b'\n' {
            return Err(Fault::LineEnd.into());
        }
        self.announced = self.announced.saturating_add(size);
        Ok(if size == 0 { State::TrailerStart } else { State::Data(size) })
    }

    fn trailer_name(&mut self, byte: u8) -> Result<State, DecodeError> {
        match byte {
            b':' if self.state == State::TrailerName => {
                let belongs_in_header =
                    HEADER_ONLY.iter().any(|name| self.trailer_name.eq_ignore_ascii_case(name.as_bytes()));
                self.trailer_name.clear();
                if belongs_in_header {
                    return Err(Fault::TrailerField.into());
                }
                self.trailer(State::TrailerValue)
            }
            _ if TOKEN.contains(byte) => {
                if self.trailer_name.len() <= LONGEST_HEADER_ONLY {
                    self.trailer_name.push(byte);
                }
                self.trailer(State::TrailerName)
            }
            _ => Err(Fault::Trailer.into()),
        }
    }

    fn extension(&mut self, size: u64, extension: Extension, byte: u8) -> Result<State, DecodeError> {
        let next = extension.next(byte).ok_or(Fault::ChunkExtension)?;
        self.extension_room = self.extension_room.checked_sub(1).ok_or(Fault::ChunkExtension)?;
        Ok(State::Extension(size, next))
    }

    fn trailer(&mut self, next: State) -> Result<State, DecodeError> {
        let too_large = DecodeError::TrailerTooLarge(self.max_trailer_bytes);
        self.trailer_room = self.trailer_room.checked_sub(1).ok_or(too_large)?;
        Ok(next)
    }
}

fn expect(byte: u8, wanted: u8, fault: Fault, next: State) -> Result<State, DecodeError> {
    if byte == wanted { Ok(next) } else { Err(fault.into()) }
}
