//! Every fault of a client is answered with its own status before the connection closes.

use std::thread::sleep;
use std::time::Duration;

use photon_server::{Limits, ServerConfig};

use crate::support::{Answer, get, start};

fn config() -> ServerConfig {
    let limits = Limits {
        max_request_line: 200,
        max_header_bytes: 1000,
        max_headers: 10,
        max_body: 5000,
        ..Limits::default()
    };
    ServerConfig { limits, ..ServerConfig::default() }
}

#[test]
fn protocol_errors() {
    let server = start(config());
    let long = "x".repeat(2000);
    let many = "X: y\r\n".repeat(20);
    let post = |fields: &str| format!("POST / HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
    for (status, reason, input) in [
        (400, "Bad Request", "nonsense\r\n\r\n".to_owned()),
        (400, "Bad Request", "GET / HTTP/1.1\r\n\r\n".to_owned()),
        (400, "Bad Request", "GET / HTTP/1.1\nHost: a\n\n".to_owned()),
        (400, "Bad Request", post("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n")),
        (400, "Bad Request", post("Content-Length: 1\r\nContent-Length: 1\r\n")),
        (400, "Bad Request", post("X: y\r\n z\r\n")),
        (400, "Bad Request", post("Transfer-Encoding: chunked\r\n") + "zz\r\n"),
        (400, "Bad Request", post("Transfer-Encoding: chunked\r\n") + "1\r\nab\r\n"),
        (413, "Payload Too Large", post("Content-Length: 5001\r\n")),
        (413, "Payload Too Large", post("Transfer-Encoding: chunked\r\n") + "1389\r\n"),
        (414, "URI Too Long", format!("GET /{long} HTTP/1.1\r\nHost: a\r\n\r\n")),
        (417, "Expectation Failed", post("Expect: something\r\nContent-Length: 1\r\n")),
        (431, "Request Header Fields Too Large", post(&many)),
        (431, "Request Header Fields Too Large", post(&format!("X: {long}\r\n"))),
        (501, "Not Implemented", post("Transfer-Encoding: gzip, chunked\r\n")),
        (501, "Not Implemented", "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n".to_owned()),
        // RFC 9110 §15.6.6: with the versions that there are.
        (
            505,
            "HTTP Version Not Supported: this server speaks HTTP/1.1 and HTTP/1.0",
            "GET / HTTP/2.0\r\nHost: a\r\n\r\n".to_owned(),
        ),
    ] {
        // A good request before it is answered first.
        for before in ["", &get("/")] {
            let mut client = server.client();
            client.send(format!("{before}{input}"));
            if !before.is_empty() {
                assert_eq!(client.answer().text(), "hello");
            }
            let answer = client.answer();
            assert_eq!(
                (answer.status, answer.text()),
                (status, format!(r#"{{"detail":"{reason}"}}"#).as_str())
            );
            assert_eq!(answer.field("connection"), Some("close"), "{input:?}");
            assert_eq!(answer.field("content-type"), Some("application/json"));
            assert!(answer.field("date").is_some());
            client.expect_close();
        }
    }
    assert_eq!(server.stop().connections_cut, 0);
}

#[test]
fn rfc9110_9_3_2_a_refused_head_has_no_body() {
    let server = start(config());
    for fields in ["Content-Length: 5001", "Expect: something", "Transfer-Encoding: gzip"] {
        let mut client = server.client();
        client.send(format!("HEAD / HTTP/1.1\r\nHost: a\r\n{fields}\r\n\r\n"));
        let answer = client.head();
        assert!(answer.status >= 400 && answer.field("content-length") != Some("0"));
        client.expect_close();
    }
    server.stop();
}

#[test]
fn rfc9112_9_6_the_answer_arrives_although_the_client_still_sends() {
    let server = start(config());
    for _ in 0..20 {
        let mut client = server.client();
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n");
        // The server reads on for a while, so that none of this resets the connection.
        client.try_send(vec![b'x'; 1_000_000]).unwrap();
        assert_eq!(client.answer().status, 413);
        client.expect_close();
    }
    server.stop();
}

#[test]
fn rfc9112_9_6_the_last_answer_arrives_although_another_request_was_sent_meanwhile() {
    let server = start(config());
    for _ in 0..10 {
        let mut client = server.client();
        client.send("GET /slow/100 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        sleep(Duration::from_millis(50));
        // It comes while the first is answered, and is never read.
        client.send(get("/"));
        // By then a reset would have destroyed the answer.
        sleep(Duration::from_millis(100));
        assert_eq!(client.answer().text(), "slow");
        client.expect_close();
    }
    server.stop();
}

#[test]
fn rfc9110_5_5_nothing_from_a_request_gets_into_the_framing_of_the_response() {
    let server = start(ServerConfig::default());
    let ask = |value: &str| server.ask(get(&format!("/field/{value}")));
    let answer = ask("a%20b%09c");
    assert_eq!((answer.text(), answer.field("x-field")), ("kept", Some("a b\tc")));
    let lines = |answer: &Answer| answer.head.lines().count();
    let with_field = lines(&answer);
    for value in ["%0d%0aX:%20y", "a%0d%0a%0d%0aHTTP/1.1%20200%20OK", "a%0aX:%20y", "a%0dX:%20y", "a%00b"] {
        let answer = ask(value);
        assert_eq!(
            (answer.text(), answer.field("x"), answer.field("x-field")),
            ("refused", None, None),
            "{value}"
        );
        assert_eq!(lines(&answer), with_field - 1, "{value}: {}", answer.head);
    }
    server.stop();
}

#[test]
fn rfc9110_9_3_2_a_refused_head_request_gets_no_content() {
    let server = start(config());
    let long = "x".repeat(2000);
    for (status, input) in [
        (414, format!("HEAD /{long} HTTP/1.1\r\nHost: a\r\n\r\n")),
        (505, "HEAD / HTTP/2.0\r\nHost: a\r\n\r\n".to_owned()),
        (505, "\r\nHEAD / HTTP/2.0\r\nHost: a\r\n\r\n".to_owned()),
        (400, "HEAD / HTTP/1.1\r\nBad Name: x\r\nHost: a\r\n\r\n".to_owned()),
        (400, "\r\nHEAD / HTTP/1.1\r\nBad Name: x\r\nHost: a\r\n\r\n".to_owned()),
        (400, "HEAD /\x01 HTTP/1.1\r\nHost: a\r\n\r\n".to_owned()),
    ] {
        let mut client = server.client();
        client.send(&input);
        assert_eq!(client.head().status, status, "{input:.40?}");
        assert_eq!(client.rest(), b"", "{input:.40?}");
    }
}

#[test]
fn rfc9110_9_3_2_only_the_method_of_a_request_makes_it_a_head_request() {
    let server = start(config());
    let mut client = server.client();
    // A body that begins like another request, and is no chunk.
    client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nHEAD / HTTP/1.1\r\n");
    let answer = client.answer();
    assert_eq!((answer.status, answer.text()), (400, r#"{"detail":"Bad Request"}"#));
    client.expect_close();
    // The method of the request before is forgotten.
    let mut client = server.client();
    client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\nnonsense\r\n\r\n");
    assert_eq!(client.head().status, 200);
    let answer = client.answer();
    assert_eq!((answer.status, answer.text()), (400, r#"{"detail":"Bad Request"}"#));
    client.expect_close();
    server.stop();
}
