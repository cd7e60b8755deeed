//! What proxies write into a request of whom they forward it for: `Forwarded` (RFC 7239) and the `X-Forwarded-*` fields that
//! were there before it. Whom to believe is not decided here.
//!
//! A proxy adds to the right end of what it got, which may be anything. So lists are read from the right, and nothing in
//! them changes how the elements behind it are read.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::Scheme;
use crate::class::{TOKEN, is_field_byte};
use crate::target::is_authority;

/// The address of a client, with its port if that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClientAddr {
    /// The address. One of IPv4 is always of this kind and never wrapped in IPv6 (`::ffff:192.0.2.7`).
    pub ip: IpAddr,
    /// The port, if somebody has said it.
    pub port: Option<u16>,
}

impl ClientAddr {
    fn new(ip: IpAddr, port: Option<u16>) -> Self {
        Self { ip: ip.to_canonical(), port }
    }
}

impl From<SocketAddr> for ClientAddr {
    fn from(address: SocketAddr) -> Self {
        Self::new(address.ip(), Some(address.port()))
    }
}

impl fmt::Display for ClientAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) => SocketAddr::new(self.ip, port).fmt(f),
            None => self.ip.fmt(f),
        }
    }
}

/// What one proxy says of the request that it got: an element of `Forwarded` (RFC 7239 §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ForwardedElement<'a> {
    /// Who sent it (§5.2). `None` if that is left out, unknown (§6.2) or a secret (§6.3).
    pub client: Option<ClientAddr>,
    /// How (§5.4), if that is a scheme that HTTP comes by.
    pub scheme: Option<Scheme>,
    /// To which host (§5.3). `None` as well for a text that is no authority: the proxy may have it from the client.
    pub host: Option<&'a str>,
}

/// The elements of a line of `Forwarded`, from the right to the left; `None` in the place of one that is malformed.
///
/// ```
/// let line = br#"for=192.0.2.43, for="[2001:db8::17]:4711";proto=https"#;
/// let mut elements = photon_http::forwarded_elements(line);
/// let last = elements.next().unwrap().unwrap();
/// assert_eq!(last.client.unwrap().to_string(), "[2001:db8::17]:4711");
/// assert_eq!(last.scheme.unwrap().as_str(), "https");
/// assert_eq!(elements.next().unwrap().unwrap().client.unwrap().to_string(), "192.0.2.43");
/// assert_eq!(elements.next(), None);
/// ```
pub fn forwarded_elements(line: &[u8]) -> impl Iterator<Item = Option<ForwardedElement<'_>>> {
    elements(line, true).map(element)
}

/// The addresses in a line of `X-Forwarded-For`, from the right to the left; `None` in the place of what is none, such as
/// `unknown`. Addresses may have a port, and those of IPv6 brackets.
///
/// ```
/// let mut hops = photon_http::x_forwarded_for(b"unknown, 192.0.2.43, 2001:db8::17");
/// assert_eq!(hops.next().flatten().unwrap().to_string(), "2001:db8::17");
/// assert_eq!(hops.next().flatten().unwrap().to_string(), "192.0.2.43");
/// assert_eq!(hops.next(), Some(None));
/// assert_eq!(hops.next(), None);
/// ```
pub fn x_forwarded_for(line: &[u8]) -> impl Iterator<Item = Option<ClientAddr>> {
    elements(line, false).map(|text| {
        let text = std::str::from_utf8(text).ok()?;
        match text.parse::<Ipv6Addr>() {
            Ok(ip) => Some(ClientAddr::new(ip.into(), None)),
            Err(_) => node(text)?,
        }
    })
}

/// The scheme in `X-Forwarded-Proto`, if it is one that HTTP comes by. A list is none: who wrote which part of it cannot be
/// told.
#[must_use]
pub fn x_forwarded_proto(value: &[u8]) -> Option<Scheme> {
    scheme(std::str::from_utf8(value).ok()?)
}

/// The authority in `X-Forwarded-Host`, if it is one. A list is none, as for [`x_forwarded_proto`].
#[must_use]
pub fn x_forwarded_host(value: &[u8]) -> Option<&str> {
    std::str::from_utf8(value).ok().filter(|host| is_authority(host.as_bytes()) && !host.contains(','))
}

/// The elements of a comma-separated list (RFC 9110 §5.6.1) without those that are empty, from the right to the left.
fn elements(line: &[u8], quoting: bool) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(line);
    std::iter::from_fn(move || {
        let line = rest?;
        let comma = if quoting { last_comma(line) } else { line.iter().rposition(|&byte| byte == b',') };
        rest = comma.map(|at| &line[..at]);
        Some(line[comma.map_or(0, |at| at + 1)..].trim_ascii())
    })
    .filter(|element| !element.is_empty())
}

/// The last comma outside of quotes. What is left of it may have an open quote, which is none of the right side's business.
fn last_comma(line: &[u8]) -> Option<usize> {
    let mut quoted = false;
    for (at, byte) in line.iter().enumerate().rev() {
        match byte {
            b'"' => {
                let slashes = line[..at].iter().rev().take_while(|&&byte| byte == b'\\').count();
                // One that is escaped belongs to the text, if this is within quotes.
                quoted ^= !quoted || slashes % 2 == 0;
            }
            b',' if !quoted => return Some(at),
            _ => {}
        }
    }
    None
}

/// `[ pair ] *( ";" [ pair ] )`, without whitespace (RFC 7239 §4).
fn element(mut text: &[u8]) -> Option<ForwardedElement<'_>> {
    let mut element = ForwardedElement::default();
    let mut seen = [false; 4];
    while !text.is_empty() {
        if text[0] == b';' {
            text = &text[1..];
            continue;
        }
        let (name, value, rest) = pair(text)?;
        if !matches!(rest.first(), None | Some(b';')) {
            return None;
        }
        text = rest;
        let known = ["for", "by", "host", "proto"];
        let Some(at) = known.iter().position(|known| name.eq_ignore_ascii_case(known.as_bytes())) else {
            continue;
        };
        // §4: each at most once.
        if std::mem::replace(&mut seen[at], true) {
            return None;
        }
        let value = std::str::from_utf8(value).ok();
        match known[at] {
            "for" => element.client = node(value?)?,
            "host" => element.host = value.filter(|host| is_authority(host.as_bytes())),
            "proto" => element.scheme = value.and_then(scheme),
            _ => {}
        }
    }
    Some(element)
}

/// Name and value of the pair at the start of `text`, and what follows it. A value in quotes is given without them, but as
/// it is: nothing that is looked at holds a character that must be escaped (RFC 9110 §5.6.4).
fn pair(text: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (name, rest) = token(text)?;
    let rest = rest.strip_prefix(b"=")?;
    let Some(quoted) = rest.strip_prefix(b"\"") else {
        let (value, rest) = token(rest)?;
        return Some((name, value, rest));
    };
    let mut at = 0;
    loop {
        match quoted.get(at)? {
            b'"' => return Some((name, &quoted[..at], &quoted[at + 1..])),
            b'\\' if is_field_byte(*quoted.get(at + 1)?) => at += 2,
            b'\\' => return None,
            byte if is_field_byte(*byte) => at += 1,
            _ => return None,
        }
    }
}

fn token(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = TOKEN.leading(text);
    (end > 0).then(|| text.split_at(end))
}

/// A node (RFC 7239 §6): the address, or `Some(None)` if it is unknown or a secret.
fn node(text: &str) -> Option<Option<ClientAddr>> {
    if let Some(literal) = text.strip_prefix('[') {
        let (ip, rest) = literal.split_once(']')?;
        let ip = ip.parse::<Ipv6Addr>().ok()?;
        let port = if rest.is_empty() { None } else { node_port(rest.strip_prefix(':')?)? };
        return Some(Some(ClientAddr::new(ip.into(), port)));
    }
    let (name, port) = match text.split_once(':') {
        Some((name, port)) => (name, node_port(port)?),
        None => (text, None),
    };
    if name.eq_ignore_ascii_case("unknown") || is_obfuscated(name) {
        return Some(None);
    }
    let ip = name.parse::<Ipv4Addr>().ok()?;
    Some(Some(ClientAddr::new(ip.into(), port)))
}

/// A port (RFC 7239 §6): the number, or `Some(None)` if it is a secret.
fn node_port(text: &str) -> Option<Option<u16>> {
    if is_obfuscated(text) {
        return Some(None);
    }
    let is_number = (1..=5).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { text.parse().ok().map(Some) } else { None }
}

/// `_` and at least one letter, digit, dot, underscore or hyphen (RFC 7239 §6.3).
fn is_obfuscated(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    text.strip_prefix('_').is_some_and(|rest| !rest.is_empty() && rest.bytes().all(is_part))
}

/// Some proxies say `ws` and `wss` of requests that open a web socket.
fn scheme(text: &str) -> Option<Scheme> {
    let is = |name: &str| text.eq_ignore_ascii_case(name);
    match text {
        _ if is("https") || is("wss") => Some(Scheme::Https),
        _ if is("http") || is("ws") => Some(Scheme::Http),
        _ => None,
    }
}
