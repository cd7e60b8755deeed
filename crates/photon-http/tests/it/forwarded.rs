//! What proxies write into requests: `Forwarded` by the sections of RFC 7239, and the fields before it.

use photon_http::{
    ClientAddr, ForwardedElement, Scheme, forwarded_elements, x_forwarded_for, x_forwarded_host,
    x_forwarded_proto,
};

/// The clients in a line from the right to the left, in words.
fn clients(line: &str) -> Vec<String> {
    let word = |element: Option<ForwardedElement<'_>>| match element {
        Some(element) => element.client.map_or("unknown".to_owned(), |client| client.to_string()),
        None => "malformed".to_owned(),
    };
    forwarded_elements(line.as_bytes()).map(word).collect()
}

#[test]
fn rfc7239_4_the_examples_of_the_section() {
    for (line, expected) in [
        (r#"for="_gazonk""#, &["unknown"][..]),
        (r#"For="[2001:db8:cafe::17]:4711""#, &["[2001:db8:cafe::17]:4711"]),
        ("for=192.0.2.60;proto=http;by=203.0.113.43", &["192.0.2.60"]),
        ("for=192.0.2.43, for=198.51.100.17", &["198.51.100.17", "192.0.2.43"]),
    ] {
        assert_eq!(clients(line), expected, "{line}");
    }
}

#[test]
fn rfc7239_4_pairs_are_tokens_or_quoted_and_come_once() {
    for good in [
        "for=192.0.2.1",
        "for=\"192.0.2.1\"",
        ";for=192.0.2.1;",
        "a=\"x\\\\\\\",;=\";FOR=192.0.2.1;b=c",
        "for=192.0.2.1;;by=\"\"",
    ] {
        assert_eq!(clients(good), ["192.0.2.1"], "{good}");
    }
    for bad in [
        "for",
        "for=",
        "=192.0.2.1",
        "for =192.0.2.1",
        "for= 192.0.2.1",
        "for=192.0.2.1; by=a",
        "for=192.0.2.1 ;by=a",
        "for=192.0.2.1;for=192.0.2.2",
        "for=192.0.2.1;FOR=192.0.2.1",
        "by=a;for=192.0.2.1;by=b",
        "for=\"192.0.2.1",
        "for=\"192.0.2.1\"x",
        "for=192.0.2.1\"",
        "for=\"192.0.2.1\\",
        "for=\"192.0.2\\.1\"",
        "for=192.0.2.1:80",
        "for=[::1]",
        "for=\"a\u{1}\"",
        "for={}",
    ] {
        assert_eq!(clients(bad), ["malformed"], "{bad}");
    }
    assert_eq!(clients(""), [""; 0]);
    assert_eq!(clients(" , ,\t"), [""; 0]);
    assert_eq!(clients(";"), ["unknown"]);
}

#[test]
fn rfc7239_6_nodes() {
    for (node, expected) in [
        ("192.0.2.43", "192.0.2.43"),
        ("192.0.2.43:47011", "192.0.2.43:47011"),
        ("192.0.2.43:_secret", "192.0.2.43"),
        ("[2001:db8:cafe::17]", "2001:db8:cafe::17"),
        ("[2001:db8:cafe::17]:47011", "[2001:db8:cafe::17]:47011"),
        ("[::ffff:192.0.2.43]:1", "192.0.2.43:1"),
        ("unknown", "unknown"),
        ("Unknown", "unknown"),
        ("unknown:80", "unknown"),
        ("_hidden", "unknown"),
        ("_SEVKISEK.a-b_", "unknown"),
        ("_hidden:_p", "unknown"),
    ] {
        assert_eq!(clients(&format!("for=\"{node}\"")), [expected], "{node}");
    }
    for node in [
        "",
        "_",
        "_a b",
        "hidden",
        "192.0.2",
        "192.0.2.043",
        "192.0.2.43:",
        "192.0.2.43:x",
        "192.0.2.43:65536",
        "192.0.2.43:123456",
        "192.0.2.43:+1",
        "2001:db8::1",
        "[2001:db8::1",
        "[192.0.2.43]",
        "[::1]80",
        "[::1]:",
        "[fe80::1%1]",
        " 192.0.2.43",
        "example.org",
    ] {
        assert_eq!(clients(&format!("for=\"{node}\"")), ["malformed"], "{node}");
    }
}

#[test]
fn rfc7239_5_host_and_proto_are_believed_each_by_itself() {
    let last = |line: &'static str| forwarded_elements(line.as_bytes()).next().unwrap().unwrap();
    let element = last("for=192.0.2.1;proto=HTTPS;host=\"example.org:8443\"");
    assert_eq!((element.scheme, element.host), (Some(Scheme::Https), Some("example.org:8443")));
    // What a client can have the proxy write costs nothing but itself.
    for line in [
        "for=192.0.2.1;proto=gopher;host=\"\"",
        "for=192.0.2.1;proto=\"https,http\";host=\"a/b\"",
        "for=192.0.2.1;proto=\"\\h\";host=\"a\\\"b\"",
        "for=192.0.2.1;host=\"\u{e4}\";proto=\"\u{e4}\"",
    ] {
        let element = last(line);
        assert_eq!((element.scheme, element.host), (None, None), "{line}");
        assert_eq!(element.client.unwrap().to_string(), "192.0.2.1", "{line}");
    }
}

#[test]
fn rfc7239_8_1_what_stands_before_changes_nothing_behind_it() {
    for before in
        ["\"", "for=\"", "for=\"a\\", "for=\"a\\\\", "\\\"", "for=x\"y", ",,", "\u{e4}", "for=1;=\\\",\""]
    {
        for added in ["for=192.0.2.9", "for=\"192.0.2.9:80\"", "a=\"\\\",\\\\\";for=\"192.0.2.9\""] {
            let line = format!("{before}, {added}");
            let first = clients(&line)[0].clone();
            assert!(first.starts_with("192.0.2.9"), "{line}: {first}");
        }
    }
}

#[test]
fn x_forwarded_for_takes_what_proxies_write() {
    let words = |line: &str| -> Vec<String> {
        let word =
            |client: Option<ClientAddr>| client.map_or("unknown".to_owned(), |client| client.to_string());
        x_forwarded_for(line.as_bytes()).map(word).collect()
    };
    assert_eq!(words("192.0.2.1,192.0.2.2 ,\t192.0.2.3"), ["192.0.2.3", "192.0.2.2", "192.0.2.1"]);
    assert_eq!(
        words("2001:db8::1, [2001:db8::2], [2001:db8::3]:80"),
        ["[2001:db8::3]:80", "2001:db8::2", "2001:db8::1"]
    );
    assert_eq!(words("192.0.2.1:80, ::ffff:192.0.2.2"), ["192.0.2.2", "192.0.2.1:80"]);
    assert_eq!(words(", 192.0.2.1,,"), ["192.0.2.1"]);
    assert_eq!(words("\", 192.0.2.1"), ["192.0.2.1", "unknown"]);
    for none in [
        "unknown",
        "_hidden",
        "localhost",
        "192.0.2.01",
        "192.0.2.1 192.0.2.2",
        "\"192.0.2.1\"",
        "fe80::1%1",
        "\u{e4}",
    ] {
        assert_eq!(words(none), ["unknown"], "{none}");
    }
}

#[test]
fn x_forwarded_proto_and_host_are_no_lists() {
    for (value, expected) in [
        ("https", Some(Scheme::Https)),
        ("HTTP", Some(Scheme::Http)),
        ("wss", Some(Scheme::Https)),
        ("ws", Some(Scheme::Http)),
        ("https, http", None),
        ("https,https", None),
        ("", None),
        ("on", None),
    ] {
        assert_eq!(x_forwarded_proto(value.as_bytes()), expected, "{value}");
    }
    for (value, expected) in [
        ("example.org", true),
        ("example.org:8443", true),
        ("[::1]:80", true),
        ("a,b", false),
        ("a, b", false),
        ("", false),
        ("a/b", false),
        ("u@a", false),
        ("a b", false),
    ] {
        assert_eq!(x_forwarded_host(value.as_bytes()), expected.then_some(value), "{value}");
    }
}
