//! Request targets and the authority in `Host`. Only their shape is checked here: decoding a path
//! is the router's work, and which hosts are served is the application's.

use std::net::Ipv6Addr;

use http::Method;

use crate::class::ByteClass;
use crate::{DecodeError, Fault, Scheme};

/// A request target, taken apart as far as serving it needs (RFC 9112 §3.2).
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Target<'a> {
    /// `/path?query`, or `*` for a server-wide `OPTIONS`.
    Origin(&'a str),
    /// `http://authority/path?query`: what follows the authority may lack its slash.
    Absolute { scheme: Scheme, authority: &'a str, rest: &'a str },
}

/// Checks that `target`, of bytes that targets hold, has a form that `method` allows.
pub(crate) fn classify<'a>(method: &Method, target: &'a str) -> Result<Target<'a>, DecodeError> {
    if *method == Method::CONNECT {
        // Authority form, with a port (RFC 9112 §3.2.3).
        let has_port = target.rsplit_once(':').is_some_and(|(_, port)| !port.is_empty());
        return Err(if has_port && is_authority(target.as_bytes()) {
            DecodeError::Connect
        } else {
            Fault::Target.into()
        });
    }
    if target.starts_with('/') || (target == "*" && *method == Method::OPTIONS) {
        return Ok(Target::Origin(target));
    }
    let (scheme, after) = target.split_once("://").ok_or(Fault::Target)?;
    let scheme = match scheme {
        _ if scheme.eq_ignore_ascii_case("http") => Scheme::Http,
        _ if scheme.eq_ignore_ascii_case("https") => Scheme::Https,
        _ => return Err(Fault::Target.into()),
    };
    let (authority, rest) = after.split_at(after.find(['/', '?']).unwrap_or(after.len()));
    // User information does not belong in a request (RFC 9110 §4.2.4), nor an empty host (§4.2.1).
    if is_authority(authority.as_bytes()) {
        Ok(Target::Absolute { scheme, authority, rest })
    } else {
        Err(Fault::Target.into())
    }
}

/// How far a target goes.
pub(crate) struct Extent {
    /// Where its path ends.
    pub(crate) path_end: usize,
    pub(crate) end: usize,
}

/// Finds the end of the target at the start of `text`: the first byte that none holds. What comes there is the caller's
/// to judge.
///
/// RFC 3986 allows less: browsers leave `|`, `[`, `]` and `^` in paths and more in queries (WHATWG URL §1.3). What they
/// all encode is refused, for it comes from nobody who builds URLs with care: quotes and angle brackets anywhere, and in
/// paths backslashes, backquotes and braces, which others take for slashes or for their own. A fragment is never sent
/// (RFC 9110 §4.1).
pub(crate) fn extent(text: &[u8]) -> Extent {
    let path_end = PATH.leading(text);
    let end = match text.get(path_end) {
        Some(b'?') => path_end + QUERY.leading(&text[path_end..]),
        _ => path_end,
    };
    Extent { path_end, end }
}

static PATH: ByteClass = ByteClass::alphanumeric_and(b"-._~!$&'()*+,;=:@/%|[]^");
static QUERY: ByteClass = ByteClass::alphanumeric_and(b"-._~!$&'()*+,;=:@/%|[]^?\\`{}");

/// Whether two authorities name the same place (RFC 9110 §4.2.3): hosts without regard to case, and the scheme's own
/// port like none.
pub(crate) fn same_authority(one: &[u8], other: &[u8], scheme: Scheme) -> bool {
    let plain = |authority: &[u8]| {
        let default: &[u8] = match scheme {
            Scheme::Http => b":80",
            Scheme::Https => b":443",
        };
        let without = authority.strip_suffix(default).or_else(|| authority.strip_suffix(b":"));
        without.map_or(authority.len(), <[u8]>::len)
    };
    one[..plain(one)].eq_ignore_ascii_case(&other[..plain(other)])
}

/// Whether `text` is `host [":" port]` with a host (RFC 3986 §3.2.2), without user information.
pub(crate) fn is_authority(text: &[u8]) -> bool {
    let host_end = match text.first() {
        Some(b'[') => literal_end(text),
        _ => registered_name_end(text),
    };
    match host_end.and_then(|end| text.get(end..)) {
        Some([]) => true,
        Some([b':', port @ ..]) => is_port(port),
        _ => false,
    }
}

/// Where the bracketed IPv6 address at the start of `text` ends.
fn literal_end(text: &[u8]) -> Option<usize> {
    let end = text.iter().position(|&byte| byte == b']')?;
    let address = std::str::from_utf8(&text[1..end]).ok()?;
    address.parse::<Ipv6Addr>().ok().map(|_| end + 1)
}

/// Where the `reg-name` at the start of `text` ends, which includes IPv4 addresses. An empty one
/// names nobody.
fn registered_name_end(text: &[u8]) -> Option<usize> {
    let mut end = 0;
    loop {
        end += REGISTERED_NAME.leading(&text[end..]);
        match text[end..] {
            [b'%', high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => end += 3,
            [b'%', ..] => return None,
            _ => return (end > 0).then_some(end),
        }
    }
}

/// An empty port is that of the scheme (RFC 3986 §3.2.3).
fn is_port(port: &[u8]) -> bool {
    let value = |number, &byte: &u8| number * 10 + u32::from(byte - b'0');
    port.len() <= 5
        && port.iter().all(u8::is_ascii_digit)
        && (port.len() < 5 || port.iter().fold(0, value) <= u32::from(u16::MAX))
}

/// `unreserved` and `sub-delims`; percent-encoded bytes are looked at one by one.
static REGISTERED_NAME: ByteClass = ByteClass::alphanumeric_and(b"-._~!$&'()*+,;=");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc3986_3_2_2_authorities() {
        for good in
            ["a", "example.org", "example.org:", "h:80", "127.0.0.1:65535", "[::1]", "[::1]:8000", "a%41_~b"]
        {
            assert!(is_authority(good.as_bytes()), "{good}");
        }
        for bad in [
            "", ":80", "a:b", "a:65536", "a:-1", "a:+1", "u@h", "a b", "a/b", "a?b", "[::1", "[x]", "[]",
            "::1", "[::1]x", "a%4", "a%zz", "[::1]80", "a:80:80", "h\u{e4}", "a\"b",
        ] {
            assert!(!is_authority(bad.as_bytes()), "{bad}");
        }
    }
}
