//! Requests and responses that go well.

use photon_server::ServerConfig;

use crate::support::{get, pattern, start};

#[test]
fn rfc9112_9_3_a_connection_serves_many_requests() {
    let server = start(ServerConfig::default());
    let mut client = server.client();
    for number in 0..100 {
        client.send(get(&format!("/target/{number}?q")));
        let answer = client.answer();
        assert_eq!((answer.status, answer.text()), (200, format!("/target/{number}?q").as_str()));
        assert!(answer.field("date").is_some() && answer.field("connection").is_none());
    }
    client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    let answer = client.answer();
    assert_eq!((answer.text(), answer.field("connection")), ("hello", Some("close")));
    client.expect_close();
    assert_eq!(server.stop().connections_cut, 0);
}

#[test]
fn rfc9112_9_3_1_0_closes_unless_asked() {
    let server = start(ServerConfig::default());
    let mut client = server.client();
    client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    let answer = client.answer();
    assert_eq!((answer.text(), answer.field("connection")), ("hello", Some("keep-alive")));
    client.send("GET / HTTP/1.0\r\n\r\n");
    let answer = client.answer();
    assert!(answer.head.starts_with("HTTP/1.1 200 OK\r\n"));
    assert_eq!((answer.text(), answer.field("connection")), ("hello", Some("close")));
    client.expect_close();
    server.stop();
}

#[test]
fn rfc9112_9_3_2_pipelined_requests_are_answered_in_order() {
    let server = start(ServerConfig::default());
    let mut client = server.client();
    let mut input = String::new();
    for number in 0..2000 {
        match number % 4 {
            0 => input += &get(&format!("/target/{number}")),
            1 => input += &format!("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n{number:4}"),
            2 => {
                input += "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
                input += &format!("2\r\n{:2}\r\n2\r\n{:2}\r\n0\r\n\r\n", number / 100, number % 100);
            }
            _ => input += &get("/stream/2"),
        }
    }
    client.send(input);
    for number in 0..2000 {
        let wanted = match number % 4 {
            0 => format!("/target/{number}"),
            1 => format!("{number:4}"),
            2 => format!("{:2}{:2}", number / 100, number % 100),
            _ => "piece 0\npiece 1\n".to_owned(),
        };
        assert_eq!(client.answer().text(), wanted);
    }
    server.stop();
}

#[test]
fn rfc9112_9_6_requests_after_the_last_one_are_not_answered() {
    let server = start(ServerConfig::default());
    let mut client = server.client();
    client.send(format!("{}{}{}", get("/"), get("/close"), get("/")));
    assert_eq!(client.answer().text(), "hello");
    let answer = client.answer();
    assert_eq!((answer.text(), answer.field("connection")), ("bye", Some("close")));
    client.expect_close();
    server.stop();
}

#[test]
fn rfc9112_6_bodies_of_every_size_both_ways() {
    let server = start(ServerConfig::default());
    let mut client = server.client();
    for length in [0, 1, 100, 8191, 8192, 16_384, 16_385, 100_000, 2 * 1024 * 1024] {
        let body = pattern(length);
        client.send(format!("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n"));
        client.send(&body);
        assert!(client.answer().body == body, "{length}");
        client.send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
        for chunk in body.chunks(5000) {
            client.send(format!("{:X};x=y\r\n", chunk.len()));
            client.send(chunk);
            client.send("\r\n");
        }
        client.send("0\r\nX-Trailer: dropped\r\n\r\n");
        assert!(client.answer().body == body, "{length} in chunks");
    }
    server.stop();
}

#[test]
fn rfc9112_7_1_streams_are_sent_in_chunks_as_they_are_flushed() {
    let server = start(ServerConfig::default());
    let mut client = server.client();
    client.send(get("/stream/3"));
    let head = client.head();
    assert_eq!(head.field("transfer-encoding"), Some("chunked"));
    assert_eq!(head.field("content-length"), None);
    let lines: Vec<String> = (0..10).map(|_| client.line()).collect();
    assert_eq!(lines.concat(), "8\r\npiece 0\n\r\n8\r\npiece 1\n\r\n8\r\npiece 2\n\r\n0\r\n");
    assert_eq!(client.line(), "\r\n");
    client.send(get("/flood/300000"));
    assert!(client.answer().body == pattern(300_000));
    client.send(get("/stream/0"));
    assert_eq!(client.answer().text(), "");
    server.stop();
}

#[test]
fn rfc9112_6_3_streams_to_1_0_end_with_the_connection() {
    let server = start(ServerConfig::default());
    let mut client = server.client();
    client.send("GET /flood/100000 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    let answer = client.answer();
    assert_eq!((answer.field("transfer-encoding"), answer.field("connection")), (None, Some("close")));
    assert!(answer.body == pattern(100_000));
    server.stop();
}

#[test]
fn rfc9112_8_an_unfinished_stream_to_1_0_ends_with_a_reset() {
    let server = start(ServerConfig::default());
    for path in ["/broken", "/panicking"] {
        let mut client = server.client();
        client.send(format!("GET {path} HTTP/1.0\r\n\r\n"));
        client.rest_before_reset();
    }
    server.stop();
}

#[test]
fn rfc9112_7_1_an_unfinished_stream_has_no_last_chunk() {
    let server = start(ServerConfig::default());
    for path in ["/broken", "/panicking"] {
        let mut client = server.client();
        client.send(get(path));
        client.head();
        assert_eq!(String::from_utf8(client.rest()).unwrap(), "4\r\nhalf\r\n");
    }
    assert_eq!(server.ask(get("/")).text(), "hello");
    server.stop();
}

#[test]
fn rfc9110_9_3_2_head_has_the_fields_and_no_body() {
    let server = start(ServerConfig::default());
    let mut client = server.client();
    for (path, field, value) in [
        ("/", "content-length", "5"),
        ("/large/100000", "content-length", "100000"),
        ("/lengths", "content-length", "12345"),
        ("/stream/3", "transfer-encoding", "chunked"),
    ] {
        client.send(format!("HEAD {path} HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert_eq!(client.head().field(field), Some(value), "{path}");
    }
    client.send(get("/"));
    assert_eq!(client.answer().text(), "hello");
    server.stop();
}

#[test]
fn rfc9110_15_statuses_without_a_body() {
    let server = start(ServerConfig::default());
    let mut client = server.client();
    for (status, length) in [(204, None), (304, None), (205, Some("0"))] {
        client.send(get(&format!("/status/{status}")));
        let answer = client.head();
        assert_eq!((answer.status, answer.field("content-length")), (status, length));
        assert_eq!(answer.field("transfer-encoding"), None);
    }
    client.send(get("/status/404"));
    assert_eq!(client.answer().text(), "text");
    server.stop();
}

#[test]
fn rfc9110_10_1_1_continue_is_said_when_the_body_is_awaited() {
    let server = start(ServerConfig::default());
    let mut client = server.client();
    let head = "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n";
    client.send(format!("{head}Content-Length: 4\r\n\r\n"));
    assert_eq!(client.head().head, "HTTP/1.1 100 Continue\r\n\r\n");
    client.send("body");
    assert_eq!(client.answer().text(), "body");
    client.send(format!("{head}Transfer-Encoding: chunked\r\n\r\n"));
    assert_eq!(client.head().status, 100);
    client.send("2\r\nab\r\n0\r\n\r\n");
    assert_eq!(client.answer().text(), "ab");
    // Nobody waits to be asked who has sent the body, or has none.
    client.send(format!("{head}Content-Length: 4\r\n\r\nbody"));
    assert_eq!(client.answer().text(), "body");
    client.send(format!("{head}\r\n"));
    assert_eq!(client.answer().status, 200);
    // Too large a body is not asked for.
    client.send(format!("{head}Content-Length: 3000000\r\n\r\n"));
    assert_eq!(client.answer().status, 413);
    client.expect_close();
    server.stop();
}

#[test]
fn the_handler_knows_the_peer_and_may_take_the_request() {
    let server = start(ServerConfig::default());
    let mut client = server.client();
    client.send(get("/taken/it"));
    assert_eq!(client.answer().text(), "/taken/it");
    client.send(get("/peer"));
    assert!(client.answer().text().starts_with("Some(127.0.0.1:"));
    server.stop();
}

#[test]
fn a_panic_is_answered_with_500_and_hurts_nobody() {
    let server = start(ServerConfig::default());
    let mut other = server.client();
    other.send(get("/"));
    assert_eq!(other.answer().text(), "hello");
    for _ in 0..3 {
        let mut client = server.client();
        client.send(get("/panic"));
        let answer = client.answer();
        assert_eq!((answer.status, answer.text()), (500, r#"{"detail":"Internal Server Error"}"#));
        assert_eq!(answer.field("connection"), Some("close"));
        client.expect_close();
    }
    // An interim status answers nothing.
    assert_eq!(server.ask(get("/status/101")).status, 500);
    other.send(get("/"));
    assert_eq!(other.answer().text(), "hello");
    assert_eq!(server.stop().connections_cut, 0);
}
