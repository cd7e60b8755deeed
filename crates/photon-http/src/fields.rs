//! The fields that decide how a connection goes on: `Host`, `Content-Length`,
//! `Transfer-Encoding`, `Connection` and `Expect`, noted while a request's fields are read.

use crate::class::TOKEN;
use crate::target::{is_authority, same_authority};
use crate::{DecodeError, Fault, Framing, Scheme, Version};

#[derive(Default)]
pub(crate) struct Fields<'a> {
    host: Option<&'a [u8]>,
    content_length: Option<&'a [u8]>,
    content_type: Option<&'a [u8]>,
    coding: Coding,
    close: bool,
    keep_alive: bool,
    expect_continue: bool,
    expect_other: bool,
}

/// What `Transfer-Encoding` lists.
#[derive(Default, PartialEq, Eq)]
enum Coding {
    #[default]
    Absent,
    Chunked,
    Unknown,
}

impl<'a> Fields<'a> {
    /// Takes note of a field.
    pub(crate) fn add(&mut self, name: &[u8], value: &'a [u8]) -> Result<(), DecodeError> {
        // Almost every field is passed over by its length alone.
        match name.len() {
            4 if name.eq_ignore_ascii_case(b"host") => {
                // RFC 9112 §3.2: more than one Host is refused, even if they agree.
                set_once(&mut self.host, value, Fault::Host)?;
            }
            6 if name.eq_ignore_ascii_case(b"expect") => self.read_expect(value),
            10 if name.eq_ignore_ascii_case(b"connection") => self.read_connection(value),
            // RFC 9110 §8.3, §5.3: no list, so two of them can be read as either.
            12 if name.eq_ignore_ascii_case(b"content-type")
                && self.content_type.replace(value).is_some_and(|first| first != value) =>
            {
                return Err(Fault::ContentType.into());
            }
            14 if name.eq_ignore_ascii_case(b"content-length") => {
                // RFC 9112 §6.3 lets equal repetitions pass; nobody sends them in good faith.
                set_once(&mut self.content_length, value, Fault::ContentLength)?;
            }
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => self.read_transfer_encoding(value)?,
            // Another name, but gateways that make variables of fields take it for the one with hyphens.
            14 if name.eq_ignore_ascii_case(b"content_length") => return Err(Fault::ContentLength.into()),
            17 if name.eq_ignore_ascii_case(b"transfer_encoding") => {
                return Err(Fault::TransferEncoding.into());
            }
            _ => {}
        }
        Ok(())
    }

    /// Whether there is a `Host`, which then is valid.
    pub(crate) fn has_host(&self) -> Result<bool, DecodeError> {
        match self.host {
            Some(host) if !is_authority(host) => Err(Fault::Host.into()),
            host => Ok(host.is_some()),
        }
    }

    /// Whether `Host` names the same place as the authority of the target, if it is there.
    pub(crate) fn agree_with(&self, authority: &str, scheme: Scheme) -> bool {
        self.host.is_none_or(|host| same_authority(host, authority.as_bytes(), scheme))
    }

    /// How the body is framed (RFC 9112 §6.3).
    pub(crate) fn framing(&self, version: Version) -> Result<Framing, DecodeError> {
        if self.coding != Coding::Absent {
            // RFC 9112 §6.1: HTTP/1.0 has no transfer codings, so something before us misread it.
            if version == Version::Http10 {
                return Err(Fault::TransferEncoding.into());
            }
            if self.content_length.is_some() {
                return Err(Fault::TwoLengths.into());
            }
            if self.coding == Coding::Unknown {
                return Err(DecodeError::TransferCoding);
            }
            return Ok(Framing::Chunked);
        }
        let Some(text) = self.content_length else { return Ok(Framing::None) };
        // `parse` alone would let a sign through. A leading zero means octal to some.
        let digits_only =
            text.iter().all(u8::is_ascii_digit) && (text.len() == 1 || text.first() != Some(&b'0'));
        let length: u64 = std::str::from_utf8(text)
            .ok()
            .filter(|_| digits_only)
            .and_then(|text| text.parse().ok())
            .ok_or(Fault::ContentLength)?;
        match length {
            0 => Ok(Framing::None),
            _ => Ok(Framing::Length(length)),
        }
    }

    /// Whether the connection may be used again (RFC 9112 §9.3).
    pub(crate) fn keep_alive(&self, version: Version) -> bool {
        !self.close && (version == Version::Http11 || self.keep_alive)
    }

    /// Whether `100 Continue` is awaited (RFC 9110 §10.1.1, which has HTTP/1.0 ignored).
    pub(crate) fn expects_continue(&self, version: Version) -> Result<bool, DecodeError> {
        match version {
            Version::Http10 => Ok(false),
            Version::Http11 if self.expect_other => Err(DecodeError::Expectation),
            Version::Http11 => Ok(self.expect_continue),
        }
    }

    fn read_connection(&mut self, value: &[u8]) {
        for option in elements(value) {
            self.close |= option.eq_ignore_ascii_case(b"close");
            self.keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
        }
    }

    fn read_expect(&mut self, value: &[u8]) {
        for expectation in elements(value).filter(|expectation| !expectation.is_empty()) {
            if expectation.eq_ignore_ascii_case(b"100-continue") {
                self.expect_continue = true;
            } else {
                self.expect_other = true;
            }
        }
    }

    fn read_transfer_encoding(&mut self, value: &[u8]) -> Result<(), DecodeError> {
        for coding in elements(value) {
            if coding.is_empty() || !TOKEN.holds_all(coding) {
                return Err(Fault::TransferEncoding.into());
            }
            match (coding.eq_ignore_ascii_case(b"chunked"), &self.coding) {
                (true, Coding::Absent) => self.coding = Coding::Chunked,
                // RFC 9112 §6.1: chunked at most once, and §6.3: nothing after it.
                (_, Coding::Chunked) => return Err(Fault::TransferEncoding.into()),
                (_, Coding::Absent | Coding::Unknown) => self.coding = Coding::Unknown,
            }
        }
        Ok(())
    }
}

fn set_once<'a>(slot: &mut Option<&'a [u8]>, value: &'a [u8], fault: Fault) -> Result<(), DecodeError> {
    if slot.replace(value).is_some() { Err(fault.into()) } else { Ok(()) }
}

/// The elements of a comma-separated list (RFC 9110 §5.6.1).
fn elements(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii)
}
