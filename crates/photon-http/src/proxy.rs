//! The header with which a proxy begins a connection to say whose it is: the PROXY protocol, versions 1 and 2
//! (`proxy-protocol.txt` of `HAProxy`, quoted by its sections). It stands before everything else, TLS included, and comes
//! once.
//!
//! Whether to expect it, and from whom, is the server's decision: the bytes cannot tell, for any client can send them.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The most bytes that a header of version 1 takes, its line end included (§2.1).
const MAX_LINE: usize = 107;

/// The most bytes that a header of version 2 takes: 16 before the addresses, 216 for the longest addresses (Unix), and the
/// rest for what proxies add, such as the client's certificate. The field for the length would allow 64 KiB.
pub const MAX_PROXY_HEADER: usize = 4096;

const SIGNATURE_1: &[u8] = b"PROXY ";
const SIGNATURE_2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// Bytes of version 2 before the addresses.
const FIXED: usize = 16;

/// A header of the PROXY protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProxyHeader {
    /// How many bytes it takes.
    pub consumed: usize,
    /// Whose connection it is.
    pub source: ProxySource,
}

/// Whose connection it is, by the PROXY protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxySource {
    /// The proxy's own (`LOCAL`): a health check. `HAProxy` says it of clients that come by a Unix socket as well.
    Proxy,
    /// That of somebody whose address is not known or is none of the internet: `UNKNOWN`, `UNSPEC`, a Unix socket.
    Unknown,
    /// That of the client with this address.
    Client(SocketAddr),
}

/// Why bytes are no header of the PROXY protocol. The connection has to be closed (§2.1, §2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyError {
    /// They begin with the signature of neither version.
    Signature,
    /// The line of version 1 is not exactly as it should be (§2.1).
    Line,
    /// The header has more bytes than the limit named here.
    TooLong(usize),
    /// A binary header of another version than 2 (§2.2).
    Version,
    /// A command other than `LOCAL` and `PROXY` (§2.2).
    Command,
    /// An address family or a transport protocol that does not exist (§2.2).
    Family,
    /// The header ends before its addresses do (§2.2).
    Addresses,
}

impl fmt::Display for ProxyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signature => f.write_str("no PROXY header"),
            Self::Line => f.write_str("malformed PROXY line (PROXY protocol §2.1)"),
            Self::TooLong(limit) => write!(f, "the PROXY header holds more than {limit} bytes"),
            Self::Version => {
                f.write_str("a binary PROXY header that is not of version 2 (PROXY protocol §2.2)")
            }
            Self::Command => f.write_str("an unknown command in a PROXY header (PROXY protocol §2.2)"),
            Self::Family => f.write_str("an unknown address family in a PROXY header (PROXY protocol §2.2)"),
            Self::Addresses => f.write_str("a PROXY header without its addresses (PROXY protocol §2.2)"),
        }
    }
}

impl std::error::Error for ProxyError {}

/// Decodes the PROXY header at the start of `input`, of version 1 or 2. What version 2 adds to the addresses (TLVs) is
/// skipped.
///
/// `None` means that the header is not complete: call again with the same bytes and more, as they arrive. `input` need
/// never hold more than [`MAX_PROXY_HEADER`] bytes.
///
/// ```
/// use photon_http::{ProxySource, decode_proxy_header};
///
/// let input = b"PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\nGET / HTTP/1.1\r\n";
/// assert_eq!(decode_proxy_header(&input[..20]), Ok(None));
/// let header = decode_proxy_header(input).unwrap().unwrap();
/// assert_eq!(header.source, ProxySource::Client("192.0.2.7:56324".parse().unwrap()));
/// assert!(input[header.consumed..].starts_with(b"GET "));
/// ```
///
/// # Errors
/// [`ProxyError`] if no continuation of `input` is a PROXY header.
pub fn decode_proxy_header(input: &[u8]) -> Result<Option<ProxyHeader>, ProxyError> {
    let signature = if input.first() == SIGNATURE_1.first() { SIGNATURE_1 } else { SIGNATURE_2 };
    let there = input.len().min(signature.len());
    if input[..there] != signature[..there] {
        return Err(ProxyError::Signature);
    }
    match signature {
        _ if there < signature.len() => Ok(None),
        SIGNATURE_1 => decode_line(input),
        _ => decode_binary(input),
    }
}

/// Version 1: one line of text.
fn decode_line(input: &[u8]) -> Result<Option<ProxyHeader>, ProxyError> {
    let window = &input[..input.len().min(MAX_LINE)];
    let Some(end) = window.iter().position(|&byte| byte == b'\n') else {
        return if window.len() < MAX_LINE { Ok(None) } else { Err(ProxyError::TooLong(MAX_LINE)) };
    };
    // Neither character ends the line by itself.
    let line =
        window[..end].strip_suffix(b"\r").filter(|line| !line.contains(&b'\r')).ok_or(ProxyError::Line)?;
    let source = line_source(&line[SIGNATURE_1.len()..]).ok_or(ProxyError::Line)?;
    Ok(Some(ProxyHeader { consumed: end + 1, source }))
}

/// What follows `PROXY ` in the line.
fn line_source(rest: &[u8]) -> Option<ProxySource> {
    // Whatever stands behind it is not looked at, and may be anything.
    if rest == b"UNKNOWN" || rest.starts_with(b"UNKNOWN ") {
        return Some(ProxySource::Unknown);
    }
    let mut parts = std::str::from_utf8(rest).ok()?.split(' ');
    let mut next = || parts.next();
    let (family, ips, ports) = (next()?, [next()?, next()?], [next()?, next()?]);
    if next().is_some() {
        return None;
    }
    let ip = |text: &str| match family {
        "TCP4" => text.parse::<Ipv4Addr>().ok().map(IpAddr::from),
        "TCP6" => text.parse::<Ipv6Addr>().ok().map(IpAddr::from),
        _ => None,
    };
    // The destination is of no use here, but has to be one.
    let ([Some(source), Some(_)], [Some(port), Some(_)]) = (ips.map(ip), ports.map(line_port)) else {
        return None;
    };
    Some(ProxySource::Client(SocketAddr::new(source, port)))
}

/// A port without leading zeroes and signs.
fn line_port(text: &str) -> Option<u16> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if is_plain { text.parse().ok() } else { None }
}

/// Version 2: a fixed block, addresses, and whatever is added.
fn decode_binary(input: &[u8]) -> Result<Option<ProxyHeader>, ProxyError> {
    let is_local = match input.get(12) {
        None => return Ok(None),
        Some(byte) if byte >> 4 != 2 => return Err(ProxyError::Version),
        Some(byte) => match byte & 15 {
            0 => true,
            1 => false,
            _ => return Err(ProxyError::Command),
        },
    };
    let Some(&family) = input.get(13) else { return Ok(None) };
    // The family of LOCAL has no meaning.
    if !is_local && (family >> 4 > 3 || family & 15 > 2) {
        return Err(ProxyError::Family);
    }
    let Some(&[high, low]) = input.get(14..FIXED) else { return Ok(None) };
    let consumed = FIXED + usize::from(u16::from_be_bytes([high, low]));
    if consumed > MAX_PROXY_HEADER {
        return Err(ProxyError::TooLong(MAX_PROXY_HEADER));
    }
    let needed = match (is_local, family) {
        (false, 0x11) => 12,
        (false, 0x21) => 36,
        _ => 0,
    };
    if consumed < FIXED + needed {
        return Err(ProxyError::Addresses);
    }
    let Some(block) = input.get(FIXED..consumed) else { return Ok(None) };
    let source = if is_local { ProxySource::Proxy } else { block_source(family, block) };
    Ok(Some(ProxyHeader { consumed, source }))
}

/// The source in an address block, which is long enough: all addresses come before all ports, and sources before
/// destinations.
fn block_source(family: u8, block: &[u8]) -> ProxySource {
    let port = |at: usize| u16::from_be_bytes([block[at], block[at + 1]]);
    let address = match family {
        0x11 => block.first_chunk::<4>().map(|ip| SocketAddr::new(Ipv4Addr::from(*ip).into(), port(8))),
        0x21 => block.first_chunk::<16>().map(|ip| SocketAddr::new(Ipv6Addr::from(*ip).into(), port(32))),
        // Datagrams and Unix sockets, as if they were UNSPEC (§2.2).
        _ => None,
    };
    address.map_or(ProxySource::Unknown, ProxySource::Client)
}
