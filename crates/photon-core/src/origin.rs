//! Where a request comes from when there are proxies before the server: the client behind them, and the URL as it saw it.
//!
//! Everything is worked out when somebody asks, so that requests pay nothing for it.

use photon_http::{
    ClientAddr, ForwardedElement, Headers, Scheme, forwarded_elements, x_forwarded_for, x_forwarded_host,
    x_forwarded_proto,
};

use crate::{ForwardedFields, Request, TrustedProxies};

impl Request {
    /// The client: the other end of the connection, or the one for whom trusted proxies say that they forward the request
    /// ([`TrustedProxies`]).
    ///
    /// The list that the proxies have written is read from its end, past those that are trusted themselves; the first
    /// address that is not is the client. What stands before it was sent by that client, and is not looked at. If all are
    /// trusted, the first in the list is the client.
    ///
    /// `None` for an in-process request, for one that has come by a Unix socket without such a field, and if a proxy says
    /// `unknown`, a name of its own (RFC 7239 §6.3) or something that is no address.
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use photon_core::{Method, Request};
    ///
    /// let mut request = Request::new(Method::GET, "/");
    /// request.set_peer("10.0.0.2:4711".parse().ok());
    /// request.head.headers.append("x-forwarded-for", "127.0.0.1, 192.0.2.7, 10.0.0.1");
    /// assert_eq!(request.client().unwrap().to_string(), "10.0.0.2:4711");
    ///
    /// // What the server does if the peer is one of the proxies that it trusts.
    /// request.set_proxies(Some(Arc::new("10.0.0.0/8".parse().unwrap())));
    /// assert_eq!(request.client().unwrap().to_string(), "192.0.2.7");
    /// ```
    #[must_use]
    pub fn client(&self) -> Option<ClientAddr> {
        let peer = self.peer().map(ClientAddr::from);
        let Some(proxies) = self.proxies() else { return peer };
        let hop = match proxies.forwarded_fields() {
            ForwardedFields::Forwarded => outermost_element(proxies, self.headers())
                .map(|element| element.and_then(|element| element.client)),
            ForwardedFields::XForwarded { .. } => outermost(
                proxies,
                lines(self.headers(), "x-forwarded-for").flat_map(x_forwarded_for),
                |client| *client,
            ),
        };
        hop.unwrap_or(peer)
    }

    /// The scheme of the URL that the client asked for: that of the connection, or what a trusted proxy says of the
    /// connection between the client and itself. In `X-Forwarded-Proto` it has to be the only value.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.forwarded_scheme().unwrap_or(self.head.scheme)
    }

    /// The host of the URL that the client asked for, with its port if that is not the scheme's own: the field `Host`, or
    /// what a trusted proxy says that it was. In `X-Forwarded-Host` it has to be the only value.
    ///
    /// It is a well-formed authority (RFC 3986 §3.2), which does not make it one of yours: the client has chosen it.
    /// `None` if a client of HTTP/1.0 does not say it.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        self.forwarded_host().or_else(|| self.header("host"))
    }

    fn forwarded_scheme(&self) -> Option<Scheme> {
        let proxies = self.proxies()?;
        match proxies.forwarded_fields() {
            ForwardedFields::Forwarded => outermost_element(proxies, self.headers())??.scheme,
            ForwardedFields::XForwarded { proto: true, .. } => {
                x_forwarded_proto(only_line(self.headers(), "x-forwarded-proto")?)
            }
            ForwardedFields::XForwarded { proto: false, .. } => None,
        }
    }

    fn forwarded_host(&self) -> Option<&str> {
        let proxies = self.proxies()?;
        match proxies.forwarded_fields() {
            ForwardedFields::Forwarded => outermost_element(proxies, self.headers())??.host,
            ForwardedFields::XForwarded { host: true, .. } => {
                x_forwarded_host(only_line(self.headers(), "x-forwarded-host")?)
            }
            ForwardedFields::XForwarded { host: false, .. } => None,
        }
    }
}

/// What the outermost trusted proxy says: `None` if none says anything, `Some(None)` if that is malformed.
fn outermost_element<'a>(
    proxies: &TrustedProxies,
    headers: &'a Headers,
) -> Option<Option<ForwardedElement<'a>>> {
    let elements = lines(headers, "forwarded").flat_map(forwarded_elements);
    outermost(proxies, elements, |element| element.and_then(|element| element.client))
}

/// The first hop that is no trusted proxy, of hops from the last to the first; the very first one if all are.
fn outermost<T>(
    proxies: &TrustedProxies,
    hops: impl Iterator<Item = T>,
    client: impl Fn(&T) -> Option<ClientAddr>,
) -> Option<T> {
    let mut outermost = None;
    for hop in hops {
        let goes_on = client(&hop).is_some_and(|client| proxies.trusts_ip(client.ip));
        outermost = Some(hop);
        if !goes_on {
            break;
        }
    }
    outermost
}

/// The lines of a field as they came, the last one first: the list goes on from line to line (RFC 9110 §5.3).
fn lines<'a>(headers: &'a Headers, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
    let is_named = move |&(key, _): &(&str, &[u8])| key.eq_ignore_ascii_case(name);
    headers.iter().rev().filter(is_named).map(|(_, value)| value)
}

/// The only line of a field.
fn only_line<'a>(headers: &'a Headers, name: &'a str) -> Option<&'a [u8]> {
    let mut lines = lines(headers, name);
    let line = lines.next();
    line.filter(|_| lines.next().is_none())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use http::Method;

    use super::*;
    use crate::TlsInfo;

    /// A request by way of a proxy at 10.0.0.9 that is trusted, as are 10.0.0.0/8 and Unix sockets.
    fn request(fields: ForwardedFields, lines: &[(&str, &[u8])]) -> Request {
        let mut request = Request::new(Method::GET, "/");
        request.set_peer("10.0.0.9:99".parse().ok());
        let proxies: TrustedProxies = "10.0.0.0/8, unix".parse().unwrap();
        request.set_proxies(Some(Arc::new(proxies.fields(fields))));
        request.head.headers.append("host", "inside.example");
        for (name, value) in lines {
            request.head.headers.append(name, value);
        }
        request
    }

    /// Client, scheme and host in words.
    fn words(request: &Request) -> String {
        let client = request.client().map_or("nobody".to_owned(), |client| client.to_string());
        format!("{client} {} {}", request.scheme(), request.host().unwrap_or("nowhere"))
    }

    const X: ForwardedFields = ForwardedFields::XForwarded { proto: true, host: true };

    #[test]
    fn the_first_hop_that_is_not_trusted_is_the_client() {
        for (values, expected) in [
            (&["192.0.2.7"][..], "192.0.2.7"),
            (&["192.0.2.7:4711"], "192.0.2.7:4711"),
            (&["192.0.2.7, 10.0.0.1, 10.0.0.2"], "192.0.2.7"),
            (&["192.0.2.7", "10.0.0.1", "10.0.0.2"], "192.0.2.7"),
            // What the client sends itself, however it looks.
            (&["127.0.0.1, 192.0.2.7"], "192.0.2.7"),
            (&["10.0.0.1, 192.0.2.7"], "192.0.2.7"),
            (&["10.0.0.1", "192.0.2.7"], "192.0.2.7"),
            (&["nonsense, \", 192.0.2.7"], "192.0.2.7"),
            (&["\u{e4}\u{ff}, 192.0.2.7"], "192.0.2.7"),
            (&["192.0.2.7, ,"], "192.0.2.7"),
            (&["2001:db8::7, ::ffff:10.0.0.1"], "2001:db8::7"),
            (&["::ffff:192.0.2.7"], "192.0.2.7"),
            // A client inside.
            (&["10.0.0.5"], "10.0.0.5"),
            (&["10.0.0.5, 10.0.0.6"], "10.0.0.5"),
            // What a trusted proxy does not know, nobody knows.
            (&["192.0.2.7, unknown"], "nobody"),
            (&["192.0.2.7, _hidden, 10.0.0.1"], "nobody"),
            (&["192.0.2.7, nonsense"], "nobody"),
            // The proxy itself.
            (&[], "10.0.0.9:99"),
            (&[""], "10.0.0.9:99"),
        ] {
            let lines: Vec<_> = values.iter().map(|value| ("X-Forwarded-For", value.as_bytes())).collect();
            let request = request(X, &lines);
            assert_eq!(words(&request), format!("{expected} http inside.example"), "{values:?}");
        }
        // Bytes that are no text hide nothing of what stands behind them.
        let bytes = request(X, &[("x-forwarded-for", b"\xff\xfe, 192.0.2.7")]);
        assert_eq!(words(&bytes), "192.0.2.7 http inside.example");
    }

    #[test]
    fn scheme_and_host_are_single_values_of_those_fields_that_proxies_set() {
        let both: &[(&str, &[u8])] =
            &[("X-Forwarded-Proto", b"https"), ("X-Forwarded-Host", b"shop.example:8443")];
        let with = |proto, host| words(&request(ForwardedFields::XForwarded { proto, host }, both));
        assert_eq!(with(true, true), "10.0.0.9:99 https shop.example:8443");
        assert_eq!(with(true, false), "10.0.0.9:99 https inside.example");
        assert_eq!(with(false, true), "10.0.0.9:99 http shop.example:8443");
        assert_eq!(with(false, false), "10.0.0.9:99 http inside.example");
        for (name, first, second) in [
            ("x-forwarded-proto", "https, https", None),
            ("x-forwarded-proto", "https", Some("https")),
            ("x-forwarded-proto", "nonsense", None),
            ("x-forwarded-host", "a.example, b.example", None),
            ("x-forwarded-host", "a.example", Some("b.example")),
            ("x-forwarded-host", "a.example/b", None),
        ] {
            let lines: Vec<_> =
                [Some(first), second].into_iter().flatten().map(|text| (name, text.as_bytes())).collect();
            assert_eq!(words(&request(X, &lines)), "10.0.0.9:99 http inside.example", "{lines:?}");
        }
    }

    #[test]
    fn rfc7239_7_4_the_element_of_the_outermost_trusted_proxy_decides() {
        for (values, expected) in [
            (&["for=192.0.2.7;proto=https;host=shop.example"][..], "192.0.2.7 https shop.example"),
            (
                &["for=192.0.2.7;proto=https;host=shop.example, for=10.0.0.1;proto=http;host=other.example"],
                "192.0.2.7 https shop.example",
            ),
            (
                &["for=192.0.2.7;proto=https", "for=10.0.0.1;host=other.example"],
                "192.0.2.7 https inside.example",
            ),
            // The client's own.
            (
                &["for=127.0.0.1;proto=https;host=evil.example, for=192.0.2.7"],
                "192.0.2.7 http inside.example",
            ),
            (&["for=\"", "for=192.0.2.7;proto=https"], "192.0.2.7 https inside.example"),
            (&["for=\", for=192.0.2.7;proto=https"], "192.0.2.7 https inside.example"),
            // Not said, §6.2, §6.3.
            (&["for=unknown;proto=https"], "nobody https inside.example"),
            (&["for=192.0.2.7, for=_hidden;proto=https"], "nobody https inside.example"),
            (&["for=192.0.2.7, proto=https;host=shop.example"], "nobody https shop.example"),
            // Malformed: nothing of it.
            (&["for=192.0.2.7;proto=https, for=10.0.0.1:80;host=a.example"], "nobody http inside.example"),
            (&["for=10.0.0.5;proto=https"], "10.0.0.5 https inside.example"),
            (&[], "10.0.0.9:99 http inside.example"),
        ] {
            let lines: Vec<_> = values.iter().map(|value| ("Forwarded", value.as_bytes())).collect();
            assert_eq!(words(&request(ForwardedFields::Forwarded, &lines)), expected, "{values:?}");
        }
    }

    #[test]
    fn rfc7239_8_1_fields_that_the_proxies_do_not_set_are_not_believed() {
        let x: &[(&str, &[u8])] = &[
            ("x-forwarded-for", b"192.0.2.7"),
            ("x-forwarded-proto", b"https"),
            ("x-forwarded-host", b"evil.example"),
        ];
        assert_eq!(words(&request(ForwardedFields::Forwarded, x)), "10.0.0.9:99 http inside.example");
        let forwarded: &[(&str, &[u8])] = &[("forwarded", b"for=192.0.2.7;proto=https;host=evil.example")];
        assert_eq!(words(&request(X, forwarded)), "10.0.0.9:99 http inside.example");
        let mut untrusted = request(X, x);
        untrusted.set_proxies(None);
        assert_eq!(words(&untrusted), "10.0.0.9:99 http inside.example");
        assert_eq!(untrusted.header("x-forwarded-for"), Some("192.0.2.7"));
    }

    #[test]
    fn a_proxy_may_say_less_than_the_connection() {
        let mut request = request(X, &[]);
        let info = TlsInfo { version: "TLSv1.3", server_name: None, client_certificates: Vec::new() };
        request.set_tls(Some(Arc::new(info)));
        assert_eq!(words(&request), "10.0.0.9:99 https inside.example");
        request.head.headers.append("x-forwarded-proto", "http");
        assert_eq!(request.scheme(), Scheme::Http);
        // By a Unix socket.
        request.set_peer(None);
        assert_eq!(request.client(), None);
        request.head.headers.append("x-forwarded-for", "192.0.2.7");
        assert_eq!(request.client().map(|client| client.to_string()).as_deref(), Some("192.0.2.7"));
        // The next request of the same connection.
        request.clear();
        request.head.headers.append("x-forwarded-for", "192.0.2.8");
        assert_eq!(request.client().map(|client| client.to_string()).as_deref(), Some("192.0.2.8"));
        assert_eq!(request.host(), None);
    }
}
