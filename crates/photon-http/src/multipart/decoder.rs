//! The incremental decoder: where parts begin and end (RFC 2046 §5.1.1).
//!
//! A delimiter is CRLF, two hyphens and the boundary. No character of a boundary is a CR, so what turns out not to be a
//! delimiter holds the beginning of none, and every byte is looked at once, whatever a client sends.

use std::ops::Range;

use memchr::memmem::Finder;
use memchr::{memchr, memrchr};

use super::{Boundary, MultipartError, MultipartLimits, PartHead};

/// Decodes one body from the pieces in which it comes.
///
/// ```
/// use photon_http::{Boundary, MultipartDecoder, MultipartEvent, MultipartLimits};
///
/// let body = b"--x\r\nContent-Disposition: form-data; name=\"greeting\"\r\n\r\nhello\r\n--x--\r\n";
/// let mut decoder = MultipartDecoder::new(&Boundary::new("x").unwrap(), MultipartLimits::default());
/// let (mut text, mut at) = (String::new(), 0);
/// loop {
///     let (used, event) = decoder.next(&body[at..], usize::MAX).unwrap();
///     at += used;
///     match event {
///         Some(MultipartEvent::Part(head)) => text += head.name(),
///         Some(MultipartEvent::Data(data)) => text += &format!(": {}", data.escape_ascii()),
///         Some(MultipartEvent::PartEnd) => text += ".",
///         Some(MultipartEvent::End) => {}
///         None => break,
///     }
/// }
/// assert_eq!((at, text.as_str(), decoder.finish()), (body.len(), "greeting: hello.", Ok(())));
/// ```
#[derive(Debug, Clone)]
pub struct MultipartDecoder {
    state: State,
    /// Finds CRLF, two hyphens and the boundary.
    delimiter: Finder<'static>,
    limits: MultipartLimits,
    parts: usize,
    /// What has come of the header that is being read.
    block: Vec<u8>,
    /// Where in `block` the line that is being read begins.
    line_start: usize,
    head: PartHead,
    failed: Option<MultipartError>,
}

/// What was found in a body.
#[derive(Debug)]
pub enum MultipartEvent<'a> {
    /// A part begins.
    Part(&'a PartHead),
    /// Some of the part's data, at least one byte.
    Data(&'a [u8]),
    /// The part is complete.
    PartEnd,
    /// There are no more parts. What still comes is skipped.
    End,
}

/// What the next byte is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before the first delimiter or within a part's data, or the next byte of a delimiter.
    Content(Content),
    /// Bytes of the delimiter that were data after all, before the next byte is looked at.
    Held { from: usize, to: usize },
    /// Nothing yet: a part has ended before it.
    PartEnd,
    /// The byte after a delimiter.
    AfterDelimiter,
    /// The second of the two hyphens after the last delimiter.
    Hyphen,
    /// White space after a delimiter, or the CR of its line.
    Padding,
    /// The LF of a delimiter's line.
    DelimiterLf,
    /// A byte of a part's header.
    Head,
    /// White space after the last delimiter, or the CR of its line.
    LastPadding,
    /// The LF of the last delimiter's line.
    LastLf,
    /// A byte of the epilogue.
    Epilogue,
}

/// Where between two delimiters the next byte is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Content {
    /// Whether this is a part and not the preamble.
    in_part: bool,
    /// How many bytes of the delimiter came last.
    matched: usize,
    /// How many of those are no data, whatever follows.
    outside: usize,
}

/// An event without its bytes.
enum Found {
    Nothing,
    Part,
    /// Data in the input.
    Data(Range<usize>),
    /// Data that is the same as this range of the delimiter.
    Held(Range<usize>),
    PartEnd,
    End,
}

impl Content {
    /// The end of the line before a delimiter is there already: that of a part's header, which may be followed by the
    /// delimiter at once (`[CRLF *OCTET]` in RFC 2046 §5.1.1), or that of no line, where a body begins with a
    /// delimiter.
    const fn after_line(in_part: bool) -> State {
        State::Content(Self { in_part, matched: 2, outside: 2 })
    }

    const fn data() -> State {
        State::Content(Self { in_part: true, matched: 0, outside: 0 })
    }
}

impl MultipartDecoder {
    /// A decoder at the start of a body.
    #[must_use]
    pub fn new(boundary: &Boundary, limits: MultipartLimits) -> Self {
        let delimiter = format!("\r\n--{}", boundary.as_str());
        Self {
            state: Content::after_line(false),
            delimiter: Finder::new(&delimiter).into_owned(),
            limits,
            parts: 0,
            block: Vec::new(),
            line_start: 0,
            head: PartHead::default(),
            failed: None,
        }
    }

    /// Sets other bounds, for what is still to come.
    pub fn set_limits(&mut self, limits: MultipartLimits) {
        self.limits = limits;
    }

    /// The head of the part that began last.
    #[must_use]
    pub fn head(&self) -> &PartHead {
        &self.head
    }

    /// What comes next in `input`, and how many bytes of `input` were used up to there. `None` means that `input` is
    /// used up: go on with what follows it.
    ///
    /// Data comes in slices of the input of at most `most` bytes; 0 counts as 1. What could be the beginning of a
    /// delimiter at the end of the input is used and waits for what follows; if it is data after all, it comes from
    /// here. Never more than a delimiter's length (74 bytes at most) waits in this way.
    ///
    /// # Errors
    /// [`MultipartError`] if no continuation of the input can be accepted; from then on always the same one. The same
    /// bytes give the same parts with the same data, and the same error, however they are split.
    pub fn next<'a>(
        &'a mut self,
        input: &'a [u8],
        most: usize,
    ) -> Result<(usize, Option<MultipartEvent<'a>>), MultipartError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let (used, found) = self.find(input, most.max(1)).inspect_err(|error| self.failed = Some(*error))?;
        let event = match found {
            Found::Nothing => return Ok((used, None)),
            Found::Part => MultipartEvent::Part(&self.head),
            Found::Data(range) => MultipartEvent::Data(&input[range]),
            Found::Held(range) => MultipartEvent::Data(&self.delimiter.needle()[range]),
            Found::PartEnd => MultipartEvent::PartEnd,
            Found::End => MultipartEvent::End,
        };
        Ok((used, Some(event)))
    }

    /// To be asked when the body has ended.
    ///
    /// # Errors
    /// [`MultipartError::Truncated`] if the last delimiter has not come, or the error that there was before.
    pub fn finish(&self) -> Result<(), MultipartError> {
        match (self.failed, self.state) {
            (Some(error), _) => Err(error),
            (None, State::LastPadding | State::LastLf | State::Epilogue) => Ok(()),
            _ => Err(MultipartError::Truncated),
        }
    }

    fn find(&mut self, input: &[u8], most: usize) -> Result<(usize, Found), MultipartError> {
        let mut at = 0;
        loop {
            match self.state {
                State::PartEnd => {
                    self.state = State::AfterDelimiter;
                    return Ok((at, Found::PartEnd));
                }
                State::Held { from, to } => {
                    let end = to.min(from.saturating_add(most));
                    self.state = if end == to { Content::data() } else { State::Held { from: end, to } };
                    return Ok((at, Found::Held(from..end)));
                }
                _ if at == input.len() => return Ok((at, Found::Nothing)),
                State::Epilogue => return Ok((input.len(), Found::Nothing)),
                State::Content(content) if content.matched > 0 => at += self.go_on(content, &input[at..]),
                State::Content(Content { in_part, .. }) => {
                    let most = if in_part { most } else { usize::MAX };
                    let (used, data) = self.search(in_part, &input[at..], most);
                    if in_part && data > 0 {
                        return Ok((at + used, Found::Data(at..at + data)));
                    }
                    at += used;
                }
                State::Head => {
                    let (used, is_complete) = self.read_head(&input[at..])?;
                    at += used;
                    if is_complete {
                        return Ok((at, Found::Part));
                    }
                }
                state => {
                    self.state = self.step(state, input[at])?;
                    at += 1;
                    if state == State::Hyphen {
                        return Ok((at, Found::End));
                    }
                }
            }
        }
    }

    /// Compares what follows the beginning of a delimiter, and says how much of it that took.
    fn go_on(&mut self, content: Content, input: &[u8]) -> usize {
        let Content { in_part, matched, outside } = content;
        let expected = &self.delimiter.needle()[matched..];
        let same = expected.iter().zip(input).take_while(|(expected, byte)| expected == byte).count();
        let matched = matched + same;
        self.state = if same == expected.len() {
            self.delimited(in_part)
        } else if same == input.len() {
            State::Content(Content { matched, ..content })
        } else if in_part && matched > outside {
            State::Held { from: outside, to: matched }
        } else {
            State::Content(Content { in_part, matched: 0, outside: 0 })
        };
        same
    }

    /// Looks for a delimiter, of which nothing has come yet. Gives how many bytes of `input` are used, and how many of
    /// these are data.
    fn search(&mut self, in_part: bool, input: &[u8], most: usize) -> (usize, usize) {
        let delimiter = self.delimiter.needle();
        // Who takes little at a time does not have all of the input searched each time.
        let window = &input[..input.len().min(most.saturating_add(delimiter.len()))];
        let (data, matched) = match self.delimiter.find(window) {
            Some(at) => (at, delimiter.len()),
            None => {
                let tail = window.len().saturating_sub(delimiter.len() - 1);
                let begun = memrchr(b'\r', &window[tail..]).map(|at| tail + at);
                match begun.filter(|&at| delimiter.starts_with(&window[at..])) {
                    Some(at) => (at, window.len() - at),
                    None => (window.len(), 0),
                }
            }
        };
        if data > most {
            self.state = State::Content(Content { in_part, matched: 0, outside: 0 });
            return (most, most);
        }
        self.state = if matched == delimiter.len() {
            self.delimited(in_part)
        } else {
            State::Content(Content { in_part, matched, outside: 0 })
        };
        (data + matched, data)
    }

    fn delimited(&self, in_part: bool) -> State {
        if in_part { State::PartEnd } else { State::AfterDelimiter }
    }

    /// One byte of a delimiter's line, behind the boundary: white space may follow it, and nothing else.
    fn step(&mut self, state: State, byte: u8) -> Result<State, MultipartError> {
        Ok(match (state, byte) {
            (State::AfterDelimiter, b'-') => State::Hyphen,
            (State::Hyphen, b'-') | (State::LastPadding, b' ' | b'\t') => State::LastPadding,
            (State::AfterDelimiter | State::Padding, b' ' | b'\t') => State::Padding,
            (State::AfterDelimiter | State::Padding, b'\r') => State::DelimiterLf,
            (State::DelimiterLf, b'\n') => {
                self.parts += 1;
                if self.parts > self.limits.max_parts {
                    return Err(MultipartError::TooManyParts(self.limits.max_parts));
                }
                self.block.clear();
                self.line_start = 0;
                State::Head
            }
            (State::LastPadding, b'\r') => State::LastLf,
            (State::LastLf, b'\n') => State::Epilogue,
            _ => return Err(MultipartError::Delimiter),
        })
    }

    /// Reads lines of a header. Gives how many bytes they took, and whether the header is complete.
    fn read_head(&mut self, input: &[u8]) -> Result<(usize, bool), MultipartError> {
        let mut at = 0;
        loop {
            let room = self.limits.max_header_bytes.saturating_sub(self.block.len());
            let rest = &input[at..][..room.min(input.len() - at)];
            let Some(end) = memchr(b'\n', rest) else {
                self.block.extend_from_slice(rest);
                if rest.len() == room {
                    return Err(MultipartError::HeaderTooLarge(self.limits.max_header_bytes));
                }
                return Ok((at + rest.len(), false));
            };
            self.block.extend_from_slice(&rest[..=end]);
            at += end + 1;
            let line = &self.block[self.line_start..];
            if !line.ends_with(b"\r\n") {
                return Err(MultipartError::LineEnd);
            }
            if line.len() == 2 {
                self.head.read(&self.block, &self.limits)?;
                self.state = Content::after_line(true);
                return Ok((at, true));
            }
            self.line_start = self.block.len();
        }
    }
}
