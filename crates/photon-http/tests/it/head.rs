//! Request heads: what is accepted and what it means, what is refused and with which status.

use photon_http::{DecodeError, Decoded, Framing, HeadDecoder, Limits, RequestHead, Scheme, Version};

fn decode(input: &[u8]) -> Result<Option<(Decoded, RequestHead)>, DecodeError> {
    decode_with(input, &Limits::default())
}

fn decode_with(input: &[u8], limits: &Limits) -> Result<Option<(Decoded, RequestHead)>, DecodeError> {
    let mut head = RequestHead::default();
    let decoded = HeadDecoder::default().decode(input, limits, &mut head)?;
    Ok(decoded.map(|decoded| (decoded, head)))
}

#[track_caller]
fn accept(input: &str) -> (Decoded, RequestHead) {
    match decode(input.as_bytes()) {
        Ok(Some(decoded)) => decoded,
        other => panic!("{input:?} gives {other:?}"),
    }
}

#[track_caller]
fn refuse(input: impl AsRef<[u8]>, status: u16) {
    let input = input.as_ref();
    match decode(input) {
        Err(error) => assert_eq!(error.status().as_u16(), status, "{}", input.escape_ascii()),
        Ok(other) => panic!("{} gives {other:?}", input.escape_ascii()),
    }
}

/// Every field line in a request that is otherwise in order.
#[track_caller]
fn refuse_fields(status: u16, fields: &[&str]) {
    for field in fields {
        refuse(format!("POST / HTTP/1.1\r\nHost: a\r\n{field}\r\n\r\n"), status);
    }
}

#[test]
fn rfc9112_2_1_method_target_version_and_fields() {
    let input =
        "PATCH /a%20b?c=d&e=? HTTP/1.1\r\nHost: example.org\r\nX-One:  1 2\t \r\nX-Empty:\r\n\r\nrest";
    let (decoded, head) = accept(input);
    assert_eq!(&input[decoded.consumed..], "rest");
    assert_eq!(head.method, "PATCH");
    assert_eq!(head.version, Version::Http11);
    assert_eq!((head.path(), head.query()), ("/a%20b", Some("c=d&e=?")));
    let fields: Vec<_> = head.headers.iter().collect();
    assert_eq!(fields, [("Host", &b"example.org"[..]), ("X-One", b"1 2"), ("X-Empty", b"")]);
}

#[test]
fn rfc9112_2_2_empty_lines_before_a_request_line_are_skipped() {
    assert_eq!(accept("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n").0.consumed, 29);
    for input in ["\r\n\r\nGET / HTTP/1.1\r\n", "\nGET / HTTP/1.1\r\n", "\rGET / HTTP/1.1\r\n", "\r\r\n"] {
        refuse(input, 400);
    }
    assert!(matches!(decode(b"\r\n"), Ok(None)));
}

#[test]
fn rfc9112_2_2_line_ends_are_crlf() {
    for input in [
        "GET / HTTP/1.1\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n\n",
        "GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n",
        "GET / HTTP/1.1\r\nX:\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\rX: b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: b\rc\r\n\r\n",
        "GET / HTTP/1.1\rHost: a\r\n\r\n",
        "GET / HTTP/1.1\n\n",
        "GET / HTTP/1.0\n\n",
        "GET / HTTP/1.0\r\n\n",
    ] {
        refuse(input, 400);
    }
}

#[test]
fn rfc9112_2_3_versions() {
    assert_eq!(accept("GET / HTTP/1.0\r\n\r\n").1.version, Version::Http10);
    // RFC 9110 §2.5: a higher minor version is read as the highest one known.
    for version in ["HTTP/1.1", "HTTP/1.2", "HTTP/1.9"] {
        let (decoded, head) = accept(&format!("GET / {version}\r\nHost: a\r\n\r\nrest"));
        assert_eq!((head.version, decoded.keep_alive, decoded.consumed), (Version::Http11, true, 27));
    }
    for version in ["HTTP/0.9", "HTTP/2.0", "HTTP/2.1", "HTTP/3.0", "HTTP/9.9"] {
        refuse(format!("GET / {version}\r\nHost: a\r\n\r\n"), 505);
    }
    refuse("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505);
    for version in ["http/1.1", "HTTP/1", "HTTP/11", "HTTP/1.10", "HTTP/1.x", "HTTP/01.1", "HTP/1.1", "X"] {
        refuse(format!("GET / {version}\r\nHost: a\r\n\r\n"), 400);
    }
}

#[test]
fn rfc9112_3_request_line() {
    for line in [
        "GET /",
        "GET",
        "GET  / HTTP/1.1",
        "GET /  HTTP/1.1",
        "GET / HTTP/1.1 ",
        " GET / HTTP/1.1",
        "GET\t/\tHTTP/1.1",
        "GET / a HTTP/1.1",
        "G(T / HTTP/1.1",
        "G\0T / HTTP/1.1",
        "\u{16}\u{3}\u{1}\u{2}",
    ] {
        refuse(format!("{line}\r\nHost: a\r\n\r\n"), 400);
    }
    assert_eq!(accept("M-SEARCH / HTTP/1.1\r\nHost: a\r\n\r\n").1.method, "M-SEARCH");
}

#[test]
fn rfc9112_3_request_line_has_a_limit() {
    let request = |bytes: usize| {
        format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "a".repeat(bytes - "GET / HTTP/1.1\r\n".len()))
    };
    let limit = Limits::default().max_request_line;
    accept(&request(limit));
    refuse(request(limit + 1), 414);
    // A method that goes on for so long is none.
    refuse("G".repeat(limit), 400);
    refuse(format!("{} / HTTP/1.1\r\nHost: a\r\n\r\n", "G".repeat(limit)), 400);
    assert!(matches!(decode(&vec![b'G'; limit - 1]), Ok(None)));
}

#[test]
fn rfc9112_3_2_host() {
    for host in ["a", "a.b:8000", "[::1]:80", "127.0.0.1"] {
        assert_eq!(
            accept(&format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n")).1.headers.get("host"),
            Some(host)
        );
    }
    for host in ["", "a b", "a,b c", "u@a", "a/b", "a:b", "http://a", "[::1", "a:99999", "a\"", "\u{e4}"] {
        refuse(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"), 400);
        refuse(format!("GET / HTTP/1.0\r\nHost: {host}\r\n\r\n"), 400);
    }
    refuse("GET / HTTP/1.1\r\n\r\n", 400);
    refuse("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400);
    refuse("GET / HTTP/1.0\r\nHost: a\r\nhost: b\r\n\r\n", 400);
}

#[test]
fn rfc9112_3_2_2_absolute_form() {
    for (target, path, host) in [
        ("http://b/c?d", "/c?d", "b"),
        ("HTTP://b:81/", "/", "b:81"),
        ("http://b", "/", "b"),
        ("http://b?c", "/?c", "b"),
        ("http://[::1]:8/x", "/x", "[::1]:8"),
    ] {
        let (_, head) = accept(&format!("GET {target} HTTP/1.1\r\nX: y\r\nHost: {host}\r\n\r\n"));
        assert_eq!((head.target(), head.headers.get("Host")), (path, Some(host)), "{target}");
        assert_eq!(head.headers.len(), 2);
    }
    for target in
        ["http:///a", "http://u@b/", "http://u:p@b/", "ftp://b/", "http:/b", "http://b c", "://b", "b/c"]
    {
        refuse(format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
    }
    refuse("GET http://b/ HTTP/1.1\r\n\r\n", 400);
    accept("GET http://b/ HTTP/1.0\r\n\r\n");
}

#[test]
fn rfc9112_3_2_2_target_and_host_agree() {
    for (target, host, agrees) in [
        ("http://b/", "B", true),
        ("http://b:80/", "b", true),
        ("http://b/", "b:80", true),
        ("http://b:/", "b", true),
        ("http://b/", "a", false),
        ("http://b:81/", "b", false),
        ("http://b:8080/", "b:80", false),
        ("http://b/", "b.", false),
    ] {
        let input = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n");
        if agrees {
            accept(&input);
        } else {
            refuse(input, 400);
        }
    }
}

#[test]
fn rfc9110_7_4_targets_of_another_scheme_are_misdirected() {
    let input = |scheme: &str| format!("GET {scheme}://b/ HTTP/1.1\r\nHost: b\r\n\r\n");
    refuse(input("https"), 421);
    let mut head = RequestHead::default();
    head.scheme = Scheme::Https;
    let mut decode =
        |input: String| HeadDecoder::default().decode(input.as_bytes(), &Limits::default(), &mut head);
    assert_eq!(decode(input("http")), Err(DecodeError::Misdirected));
    assert!(decode(input("HTTPS")).unwrap().is_some());
    assert!(decode("GET https://b:443/ HTTP/1.1\r\nHost: b\r\n\r\n".to_owned()).unwrap().is_some());
    // `OPTIONS` for the whole server, too.
    assert_eq!(
        decode("OPTIONS http://b HTTP/1.1\r\nHost: b\r\n\r\n".to_owned()),
        Err(DecodeError::Misdirected)
    );
}

#[test]
fn rfc9112_3_2_3_authority_form_is_for_connect_which_has_no_tunnel() {
    refuse("CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", 501);
    for target in ["/", "*", "a", "a:", "http://a/", "a:443/x", "a:b"] {
        refuse(format!("CONNECT {target} HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
    }
    refuse("GET a:443 HTTP/1.1\r\nHost: a\r\n\r\n", 400);
}

#[test]
fn rfc9112_3_2_4_asterisk_form_is_for_options() {
    assert_eq!(accept("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").1.target(), "*");
    assert_eq!(accept("OPTIONS http://b HTTP/1.1\r\nHost: b\r\n\r\n").1.target(), "*");
    assert_eq!(accept("OPTIONS http://b/ HTTP/1.1\r\nHost: b\r\n\r\n").1.target(), "/");
    refuse("GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    refuse("OPTIONS *x HTTP/1.1\r\nHost: a\r\n\r\n", 400);
}

#[test]
fn rfc9112_3_2_bytes_that_no_target_holds() {
    for target in ["/a#b", "/#", "/\u{e4}", "/a\0", "/a\u{7f}", "/a\u{1}b", "/a\rb", "/a\tb"] {
        refuse(format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
    }
    refuse(b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    for target in ["/a\"b", "/<a>", "/a\\b", "/{a}", "/`", "/?a=\"", "/?<script>", "/a?b#c"] {
        refuse(format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
    }
    // What browsers leave as it is.
    for target in [
        "/a|b",
        "/[a]",
        "/a^b",
        "/a'b",
        "/a%zz",
        "/?a={b}",
        "/?a[]=`",
        "/?a\\b|c^d'e",
        "/a??b",
        "/@:!$&()*+,;=~",
    ] {
        accept(&format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n"));
    }
}

#[test]
fn rfc9112_5_1_field_names() {
    refuse_fields(400, &["X : a", "X\t: a", ": a", "X", "X y: a", "X\0: a", "X\u{e4}: a", "(X): a", "X"]);
    refuse_fields(400, &["Transfer-Encoding : chunked", "Content-Length : 1"]);
}

#[test]
fn rfc9112_5_2_line_folding() {
    refuse_fields(400, &["X: a\r\n b", "X: a\r\n\tb", "X:\r\n b"]);
    refuse("GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400);
}

#[test]
fn rfc9110_5_5_field_values() {
    refuse_fields(400, &["X: a\0b", "X: a\u{1}b", "X: a\u{7f}", "X: \u{b}chunked"]);
    let (_, head) = accept("GET / HTTP/1.1\r\nHost: a\r\nX: \u{e4}\tb\r\n\r\n");
    assert_eq!(head.headers.get("x"), Some("\u{e4}\tb"));
}

#[test]
fn rfc9110_8_3_one_content_type() {
    refuse_fields(400, &["Content-Type: text/plain\r\ncontent-type: text/html"]);
    accept("POST / HTTP/1.1\r\nHost: a\r\nContent-Type: a/b\r\nContent-Type: a/b\r\n\r\n");
}

#[test]
fn rfc6585_5_header_limits() {
    let limits = Limits { max_headers: 40, max_header_bytes: 1000, ..Limits::default() };
    let request = |fields: usize, value: usize| {
        let field = format!("X: {}\r\n", "v".repeat(value));
        format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", field.repeat(fields))
    };
    let fields = |input: &str| match decode_with(input.as_bytes(), &limits) {
        Ok(decoded) => decoded.map(|(_, head)| head.headers.len()).ok_or(0),
        Err(error) => Err(error.status().as_u16()),
    };
    assert_eq!(fields(&request(39, 1)), Ok(40));
    assert_eq!(fields(&request(40, 1)), Err(431));
    // 9 bytes of Host, 5 around the value, 2 at the end.
    assert_eq!(fields(&request(1, 1000 - 16)), Ok(2));
    assert_eq!(fields(&request(1, 1001 - 16)), Err(431));
    assert_eq!(fields(&request(1, 1001)[..1015]), Err(0));
    assert_eq!(fields(&request(1, 1001)[..1016]), Err(431));
}

#[test]
fn rfc9112_6_1_transfer_encoding() {
    let framing = |value: &str| {
        accept(&format!("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: {value}\r\n\r\n")).0.framing
    };
    assert_eq!(framing("chunked"), Framing::Chunked);
    assert_eq!(framing(" CHUNKED "), Framing::Chunked);
    refuse_fields(
        501,
        &[
            "Transfer-Encoding: gzip, chunked",
            "Transfer-Encoding: identity",
            "Transfer-Encoding: xchunked",
            "Transfer-Encoding: gzip",
            "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked",
        ],
    );
    refuse_fields(
        400,
        &[
            "Transfer-Encoding:",
            "Transfer_Encoding: chunked",
            "Transfer-Encoding: ,chunked",
            "Transfer-Encoding: chunked, chunked",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
            "Transfer-Encoding: chunked, gzip",
            "Transfer-Encoding: chunked;q=1",
            "Transfer-Encoding: \"chunked\"",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
        ],
    );
    refuse("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400);
}

#[test]
fn rfc9112_6_2_content_length() {
    let framing = |value: &str| {
        accept(&format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {value}\r\n\r\n")).0.framing
    };
    assert_eq!(framing("0"), Framing::None);
    assert_eq!(framing("5"), Framing::Length(5));
    // Whether that is too much is decided when somebody reads it.
    assert_eq!(framing("18446744073709551615"), Framing::Length(u64::MAX));
    refuse_fields(
        400,
        &[
            "Content-Length:",
            "Content-Length: 05",
            "Content-Length: 00",
            "Content_Length: 5",
            "content_length: 5\r\nContent-Length: 5",
            "Content-Length: -1",
            "Content-Length: +1",
            "Content-Length: 0x1",
            "Content-Length: 1e3",
            "Content-Length: 1 2",
            "Content-Length: 1, 1",
            "Content-Length: 1,2",
            "Content-Length: a",
            "Content-Length: 18446744073709551616",
            "Content-Length: \u{661}",
            "Content-Length: 1\r\nContent-Length: 1",
            "Content-Length: 1\r\nCONTENT-LENGTH: 2",
        ],
    );
}

#[test]
fn rfc9112_6_3_both_lengths_are_smuggling() {
    refuse_fields(
        400,
        &[
            "Content-Length: 1\r\nTransfer-Encoding: chunked",
            "Transfer-Encoding: chunked\r\nContent-Length: 0",
            "Transfer-Encoding: gzip\r\nContent-Length: 1",
        ],
    );
    assert_eq!(accept("POST / HTTP/1.1\r\nHost: a\r\n\r\nbody").0.framing, Framing::None);
}

#[test]
fn rfc9112_9_3_persistence() {
    for (version, fields, keep_alive) in [
        ("1.1", "", true),
        ("1.1", "Connection: close\r\n", false),
        ("1.1", "connection: Keep-Alive, CLOSE\r\n", false),
        ("1.1", "Connection: keep-alive\r\nConnection: close\r\n", false),
        ("1.1", "Connection: upgrade\r\n", true),
        ("1.0", "", false),
        ("1.0", "Connection: keep-alive\r\n", true),
        ("1.0", "Connection: keep-alive, close\r\n", false),
    ] {
        let (decoded, _) = accept(&format!("GET / HTTP/{version}\r\nHost: a\r\n{fields}\r\n"));
        assert_eq!(decoded.keep_alive, keep_alive, "{version} {fields}");
    }
}

#[test]
fn rfc9110_10_1_1_expectations() {
    let expects = |version: &str, value: &str| {
        let input =
            format!("POST / HTTP/{version}\r\nHost: a\r\nContent-Length: 1\r\nExpect: {value}\r\n\r\n");
        accept(&input).0.expect_continue
    };
    assert!(expects("1.1", "100-continue"));
    assert!(expects("1.1", "100-Continue"));
    assert!(!expects("1.0", "100-continue"));
    assert!(!expects("1.0", "something"));
    refuse_fields(417, &["Expect: something", "Expect: 100-continue, x", "Expect: 100-continue=1"]);
}

#[test]
fn a_head_is_reused_without_traces_of_the_one_before() {
    let (mut decoder, mut head) = (HeadDecoder::default(), RequestHead::default());
    let input = b"POST /long/path?query HTTP/1.0\r\nA: b\r\nC: d\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n";
    let first = decoder.decode(input, &Limits::default(), &mut head).unwrap().unwrap();
    let second = decoder.decode(&input[first.consumed..], &Limits::default(), &mut head).unwrap().unwrap();
    assert_eq!(first.consumed + second.consumed, input.len());
    assert_eq!(
        (head.method.as_str(), head.target(), head.query(), head.headers.len()),
        ("GET", "/", None, 1)
    );
    assert_eq!(head.version, Version::Http11);
}

#[test]
fn many_fields_are_decoded_like_few() {
    let fields: String = (0..99).map(|number| format!("X-{number}: {number}\r\n")).collect();
    let (_, head) = accept(&format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n"));
    assert_eq!((head.headers.len(), head.headers.get("x-98")), (100, Some("98")));
}

#[test]
fn the_method_is_known_of_a_head_that_is_refused() {
    for rest in ["/ HTTP/2.0\r\n", "/\0", "/ HTTP/1.1\r\nX y: z", "/ HTTP/1.1\r\n\r\n"] {
        let mut head = RequestHead::default();
        let input = format!("\r\nHEAD {rest}");
        let decoded = HeadDecoder::default().decode(input.as_bytes(), &Limits::default(), &mut head);
        assert!(decoded.is_err(), "{rest:?}");
        assert_eq!(head.method, "HEAD", "{rest:?}");
        assert!(head.headers.is_empty(), "{rest:?}");
    }
}

#[test]
fn the_method_of_a_head_that_is_not_complete() {
    for (input, method) in [
        ("HEAD ", Some("HEAD")),
        ("\r\nHEAD /a b c", Some("HEAD")),
        ("M-X / HTTP/1.1\r\nHost: a\r\n", Some("M-X")),
        ("HEAD", None),
        ("", None),
        ("\r", None),
        ("\n\nHEAD ", None),
        (" HEAD ", None),
    ] {
        let found = HeadDecoder::method(input.as_bytes());
        assert_eq!(found.as_ref().map(http::Method::as_str), method, "{input:?}");
    }
}
