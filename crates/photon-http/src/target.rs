//! Request targets and the authority in `Host`. Only their shape is checked here: decoding a path
//! is the router's work, and which hosts are served is the application's.

use std::net::Ipv6Addr;

use http::Method;

use crate::{DecodeError, Fault};

/// A request target, taken apart as far as serving it needs (RFC 9112 §3.2).
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Target<'a> {
    /// `/path?query`, or `*` for a server-wide `OPTIONS`.
    Origin(&'a str),
    /// `http://authority/path?query`: what follows the authority may lack its slash.
    Absolute { authority: &'a str, rest: &'a str },
}

/// Checks that `target` has a form that `method` allows.
pub(crate) fn classify<'a>(method: &Method, target: &'a str) -> Result<Target<'a>, DecodeError> {
    // A client never sends a fragment (RFC 9110 §4.1), and URIs are ASCII (RFC 3986 §2).
    if !target.is_ascii() || target.contains('#') {
        return Err(Fault::Target.into());
    }
    if *method == Method::CONNECT {
        // Authority form, with a port (RFC 9112 §3.2.3).
        let has_port = target.rsplit_once(':').is_some_and(|(_, port)| !port.is_empty());
        return Err(if has_port && is_authority(target) {
            DecodeError::Connect
        } else {
            Fault::Target.into()
        });
    }
    if target.starts_with('/') || (target == "*" && *method == Method::OPTIONS) {
        return Ok(Target::Origin(target));
    }
    let (scheme, after) = target.split_once("://").ok_or(Fault::Target)?;
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return Err(Fault::Target.into());
    }
    let (authority, rest) = after.split_at(after.find(['/', '?']).unwrap_or(after.len()));
    // User information does not belong in a request (RFC 9110 §4.2.4), nor an empty host (§4.2.1).
    if is_authority(authority) { Ok(Target::Absolute { authority, rest }) } else { Err(Fault::Target.into()) }
}

/// Whether `text` is `host [":" port]` with a host (RFC 3986 §3.2.2), without user information.
pub(crate) fn is_authority(text: &str) -> bool {
    let (host, port) = if let Some(literal) = text.strip_prefix('[') {
        let Some((address, port)) = literal.split_once(']') else { return false };
        if address.parse::<Ipv6Addr>().is_err() {
            return false;
        }
        if port.is_empty() {
            return true;
        }
        (address, port.strip_prefix(':'))
    } else {
        match text.split_once(':') {
            None => (text, Some("")),
            Some((host, port)) => (host, Some(port)),
        }
    };
    let port_is_valid = port.is_some_and(|port| {
        port.bytes().all(|byte| byte.is_ascii_digit()) && (port.is_empty() || port.parse::<u16>().is_ok())
    });
    port_is_valid && (text.starts_with('[') || is_registered_name(host.as_bytes()))
}

/// `reg-name`, which includes IPv4 addresses; an empty one names nobody.
fn is_registered_name(name: &[u8]) -> bool {
    let mut bytes = name.iter();
    while let Some(&byte) = bytes.next() {
        let valid = match byte {
            b'%' => {
                bytes.next().is_some_and(u8::is_ascii_hexdigit)
                    && bytes.next().is_some_and(u8::is_ascii_hexdigit)
            }
            _ => byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(&byte),
        };
        if !valid {
            return false;
        }
    }
    !name.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc3986_3_2_2_authorities() {
        for good in
            ["a", "example.org", "example.org:", "h:80", "127.0.0.1:65535", "[::1]", "[::1]:8000", "a%41_~b"]
        {
            assert!(is_authority(good), "{good}");
        }
        for bad in [
            "", ":80", "a:b", "a:65536", "a:-1", "a:+1", "u@h", "a b", "a/b", "a?b", "[::1", "[x]", "[]",
            "::1", "[::1]x", "a%4", "a%zz", "[::1]80", "a:80:80", "h\u{e4}", "a\"b",
        ] {
            assert!(!is_authority(bad), "{bad}");
        }
    }
}
