//! Responses: RFC 9112 §4, §6, §7 and §9 from the sender's side.

use http::StatusCode;
use photon_http::{
    BodyForm, BodyLength, DateLine, Headers, Reply, Version, encode_chunk, encode_head, encode_last_chunk,
};

const DATE: &str = "date: Thu, 01 Jan 1970 00:00:00 GMT";

/// The head without the line of the date, and what is to be done after it.
fn encode(
    reply: Reply,
    status: u16,
    fields: &[(&str, &str)],
    length: BodyLength,
) -> (String, BodyForm, bool) {
    let mut headers = Headers::new();
    for (name, value) in fields {
        headers.append(name, value);
    }
    let mut out = Vec::new();
    let status = StatusCode::from_u16(status).unwrap();
    let (form, keep_alive) = encode_head(&mut out, reply, status, &headers, length, &DateLine::default());
    let text = String::from_utf8(out).unwrap();
    (text.replace(&format!("{DATE}\r\n"), "").replace("\r\n", "|"), form, keep_alive)
}

const GET: Reply = Reply { version: Version::Http11, head: false, keep_alive: true };
const HEAD: Reply = Reply { head: true, ..GET };
const GET_1_0: Reply = Reply { version: Version::Http10, ..GET };
const LAST: Reply = Reply { keep_alive: false, ..GET };

#[test]
fn rfc9112_4_status_lines() {
    for (status, line) in [(200, "200 OK"), (404, "404 Not Found"), (418, "418 I'm a teapot"), (299, "299 ")]
    {
        let (text, ..) = encode(GET, status, &[], BodyLength::Known(0));
        assert_eq!(text, format!("HTTP/1.1 {line}|content-length: 0||"));
    }
}

#[test]
fn rfc9110_6_6_1_date_is_always_there_once() {
    let mut out = Vec::new();
    encode_head(&mut out, GET, StatusCode::OK, &Headers::new(), BodyLength::Known(0), &DateLine::default());
    assert_eq!(String::from_utf8(out).unwrap().matches(DATE).count(), 1);
    let own = [("Date", "Fri, 02 Jan 1970 00:00:00 GMT")];
    let (text, ..) = encode(GET, 200, &own, BodyLength::Known(0));
    assert_eq!(text.to_lowercase().matches("date:").count(), 1, "{text}");
}

#[test]
fn rfc9110_5_6_7_dates() {
    let mut date = DateLine::default();
    for (seconds, text) in [
        (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
        (951_782_399, "Mon, 28 Feb 2000 23:59:59 GMT"),
        (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
        (951_868_800, "Wed, 01 Mar 2000 00:00:00 GMT"),
        (1_735_689_599, "Tue, 31 Dec 2024 23:59:59 GMT"),
        (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
        (253_402_300_799, "Fri, 31 Dec 9999 23:59:59 GMT"),
    ] {
        date.set(seconds);
        assert_eq!(date.as_bytes(), format!("date: {text}\r\n").as_bytes());
    }
}

#[test]
fn rfc9112_6_framing_by_request_status_and_length() {
    use BodyForm::{Chunked, Omitted, Plain, UntilClose};
    use BodyLength::{Known, Unknown};
    for (reply, status, length, fields, form, keep_alive) in [
        (GET, 200, Known(5), "content-length: 5|", Plain, true),
        (GET, 200, Known(u64::MAX), "content-length: 18446744073709551615|", Plain, true),
        (GET, 200, Unknown, "transfer-encoding: chunked|", Chunked, true),
        (HEAD, 200, Known(5), "content-length: 5|", Omitted, true),
        (HEAD, 200, Unknown, "transfer-encoding: chunked|", Omitted, true),
        (GET, 204, Known(5), "", Omitted, true),
        (GET, 204, Unknown, "", Omitted, true),
        (GET, 205, Known(5), "content-length: 0|", Omitted, true),
        (GET, 205, Unknown, "content-length: 0|", Omitted, true),
        (GET, 304, Known(5), "", Omitted, true),
        (HEAD, 304, Unknown, "", Omitted, true),
        (LAST, 200, Known(5), "content-length: 5|connection: close|", Plain, false),
        (LAST, 204, Known(0), "connection: close|", Omitted, false),
        (GET_1_0, 200, Known(5), "content-length: 5|connection: keep-alive|", Plain, true),
        (GET_1_0, 200, Unknown, "connection: close|", UntilClose, false),
        (Reply { head: true, ..GET_1_0 }, 200, Unknown, "connection: keep-alive|", Omitted, true),
    ] {
        let (text, got_form, got_keep_alive) = encode(reply, status, &[], length);
        let after_status = text.split_once('|').unwrap().1;
        assert_eq!(after_status, format!("{fields}|"), "{reply:?} {status} {length:?}");
        assert_eq!((got_form, got_keep_alive), (form, keep_alive), "{reply:?} {status} {length:?}");
    }
}

#[test]
fn a_handler_does_not_frame_messages() {
    let fields =
        [("Content-Length", "3"), ("transfer-encoding", "gzip"), ("Connection", "upgrade"), ("X-Y", "z")];
    let (text, ..) = encode(GET, 200, &fields, BodyLength::Known(5));
    assert_eq!(text, "HTTP/1.1 200 OK|X-Y: z|content-length: 5||");
    let (text, ..) = encode(HEAD, 200, &fields, BodyLength::Known(0));
    assert_eq!(text, "HTTP/1.1 200 OK|X-Y: z|content-length: 3||");
    let (text, ..) = encode(GET, 304, &fields, BodyLength::Known(0));
    assert_eq!(text, "HTTP/1.1 304 Not Modified|X-Y: z||");
}

#[test]
fn rfc9112_9_6_a_handler_closes_the_connection() {
    for value in ["close", "Close", "x, CLOSE"] {
        let (text, _, keep_alive) = encode(GET, 200, &[("connection", value)], BodyLength::Known(0));
        assert_eq!((text.contains("connection: close|"), keep_alive), (true, false), "{value}");
    }
}

#[test]
fn rfc9112_7_1_chunks() {
    let mut out = Vec::new();
    encode_chunk(&mut out, b"abc");
    encode_chunk(&mut out, b"");
    encode_chunk(&mut out, &[b'x'; 0x1a0]);
    encode_last_chunk(&mut out);
    let text = format!("3\r\nabc\r\n1a0\r\n{}\r\n0\r\n\r\n", "x".repeat(0x1a0));
    assert_eq!(String::from_utf8(out).unwrap(), text);
}

#[test]
fn rfc9112_11_1_responses_cannot_be_split() {
    let mut headers = Headers::new();
    for value in ["a\r\nx: y", "a\n", "a\r", "\0", "a\r\n\r\nHTTP/1.1 200 OK"] {
        assert!(headers.try_append("location", value).is_err(), "{value:?}");
        assert!(headers.try_insert("location", value).is_err(), "{value:?}");
    }
    for name in ["a\r\nb", "", "a b", "a:", "a\0", "\u{e4}"] {
        assert!(headers.try_append(name, "v").is_err(), "{name:?}");
    }
    assert!(headers.is_empty());
}
