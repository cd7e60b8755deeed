//! Texts in the request line and header fields: percent-decoding, query pairs, cookies.

use std::borrow::Cow;

use photon_http::Headers;

use crate::{Request, Source};

/// Decodes a query component (WHATWG URL §5.1): `+` is a space, `%41` is `A`. What is no UTF-8 after
/// that becomes U+FFFD, and a `%` without two hexadecimal digits stays.
#[must_use]
pub fn decode_component(text: &str) -> Cow<'_, str> {
    if !text.contains(['%', '+']) {
        return Cow::Borrowed(text);
    }
    let hex = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while let Some(&byte) = bytes.get(index) {
        index += 1;
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => match (hex(bytes.get(index)), hex(bytes.get(index + 1))) {
                (Some(high), Some(low)) => {
                    index += 2;
                    (high * 16 + low) as u8
                }
                _ => b'%',
            },
            byte => byte,
        });
    }
    Cow::Owned(match String::from_utf8(decoded) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    })
}

/// The names and values of a query string, decoded, in order.
pub fn query_pairs(query: &str) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode_component(name), decode_component(value))
    })
}

/// The names and values of the request's cookies, in order (RFC 6265 §5.4). Surrounding quotes of a
/// value are not part of it, and a pair that is no UTF-8 is left out without the others.
pub fn cookie_pairs(headers: &Headers) -> impl Iterator<Item = (&str, &str)> {
    let fields = headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("cookie"));
    let pairs = fields.flat_map(|(_, field)| field.split(|byte| *byte == b';'));
    pairs.filter_map(|pair| std::str::from_utf8(pair).ok()?.split_once('=')).map(|(name, value)| {
        // RFC 9110 §5.6.3: white space is a space or a tab, not what Unicode calls so.
        let (name, value) = (name.trim_matches([' ', '\t']), value.trim_matches([' ', '\t']));
        let unquoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
        (name, unquoted.unwrap_or(value))
    })
}

/// Whether a `Content-Type` is `application/json` or some `application/…+json` (RFC 6839 §3.1).
#[must_use]
pub fn is_json(content_type: &str) -> bool {
    if content_type == "application/json" {
        return true;
    }
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    let Some((kind, subtype)) = essence.split_once('/') else { return false };
    let suffix = subtype.len().checked_sub("+json".len()).and_then(|start| subtype.get(start..));
    kind.eq_ignore_ascii_case("application")
        && (subtype.eq_ignore_ascii_case("json")
            || suffix.is_some_and(|suffix| suffix.eq_ignore_ascii_case("+json")))
}

/// Every item of a list under a name, in order. Path parameters and header fields separate items
/// with commas (OpenAPI 3.1 §4.8.12.3, style `simple`; RFC 9110 §5.6.1), others repeat the name.
pub(crate) fn items<'a>(request: &'a Request, source: Source, name: &'a str) -> Vec<Cow<'a, str>> {
    let texts = texts(request, source, name);
    if !matches!(source, Source::Path | Source::Header) {
        return texts.collect();
    }
    texts
        .flat_map(|text| text.split(',').map(|item| item.trim().to_owned()).collect::<Vec<_>>())
        .filter(|item| !item.is_empty())
        .map(Cow::Owned)
        .collect()
}

/// Every text that a request has under a name, in order.
pub(crate) fn texts<'a>(
    request: &'a Request,
    source: Source,
    name: &'a str,
) -> Box<dyn Iterator<Item = Cow<'a, str>> + 'a> {
    match source {
        Source::Path => Box::new(request.path_params.get(name).map(Cow::Borrowed).into_iter()),
        Source::Header => Box::new(request.headers().get_all(name).map(Cow::Borrowed)),
        Source::Cookie => {
            let pairs = cookie_pairs(request.headers());
            Box::new(pairs.filter(move |(key, _)| *key == name).map(|(_, value)| Cow::Borrowed(value)))
        }
        Source::Query | Source::Auto | Source::Body => {
            let pairs = query_pairs(request.query().unwrap_or_default());
            Box::new(pairs.filter(move |(key, _)| key == name).map(|(_, value)| value))
        }
    }
}

/// The one text that counts when a name is there several times: the last of a query or of cookies,
/// as FastAPI takes it, and the first header field.
pub(crate) fn single_text<'a>(request: &'a Request, source: Source, name: &'a str) -> Option<Cow<'a, str>> {
    match source {
        Source::Path => request.path_params.get(name).map(Cow::Borrowed),
        Source::Header => request.header(name).map(Cow::Borrowed),
        Source::Cookie => cookie_pairs(request.headers())
            .filter(|(key, _)| *key == name)
            .last()
            .map(|(_, value)| value.into()),
        Source::Query | Source::Auto | Source::Body => last_in_query(request.query()?, name),
    }
}

/// Scans without decoding what it does not give back.
fn last_in_query<'a>(query: &'a str, name: &str) -> Option<Cow<'a, str>> {
    query.rsplit('&').find_map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let found =
            !pair.is_empty() && (key == name || (key.contains(['%', '+']) && decode_component(key) == name));
        found.then(|| decode_component(value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn components_decode() {
        let cases = [
            ("plain", "plain"),
            ("a+b%20c", "a b c"),
            ("caf%C3%A9", "café"),
            ("100%", "100%"),
            ("%zz%4", "%zz%4"),
            ("%ff", "\u{fffd}"),
        ];
        for (text, decoded) in cases {
            assert_eq!(decode_component(text), decoded, "{text}");
        }
    }

    #[test]
    fn the_last_of_a_query_counts() {
        let query = "q=1&other=2&q=3&&%71=4";
        assert_eq!(last_in_query(query, "q").as_deref(), Some("4"));
        assert_eq!(last_in_query(query, "other").as_deref(), Some("2"));
        assert_eq!(last_in_query("flag", "flag").as_deref(), Some(""));
        assert_eq!(last_in_query(query, ""), None);
    }

    #[test]
    fn cookies_are_read() {
        let mut headers = Headers::new();
        headers.append("cookie", "a=1; b=\"two\"; broken; c==3");
        headers.append("Cookie", b"bad=\xff; d=\xc2\xa04");
        let pairs: Vec<_> = cookie_pairs(&headers).collect();
        assert_eq!(pairs, [("a", "1"), ("b", "two"), ("c", "=3"), ("d", "\u{a0}4")]);
    }
}
