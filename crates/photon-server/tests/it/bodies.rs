//! Request bodies that are read while they arrive, or not at all.

use std::time::{Duration, Instant};

use photon_server::{Limits, ServerConfig};

use crate::support::{Client, get, pattern, start};

const CHUNKED: &str = "HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";

fn length(length: usize) -> String {
    format!("HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n")
}

/// One chunk of a response.
#[track_caller]
fn chunk(client: &mut Client) -> String {
    let size = usize::from_str_radix(client.line().trim_end(), 16).unwrap();
    let chunk = client.take(size);
    assert_eq!(client.line(), "\r\n");
    String::from_utf8(chunk).unwrap()
}

#[test]
fn a_handler_reads_and_answers_while_the_body_arrives() {
    let server = start(ServerConfig::default());
    let mut client = server.client();
    client.send(format!("POST /pour {CHUNKED}"));
    assert_eq!(client.head().status, 200);
    for piece in ["one", "two", "three"] {
        client.send(format!("{:x}\r\n{piece}\r\n", piece.len()));
        assert_eq!(chunk(&mut client), piece);
    }
    // The next request may be on its way already.
    client.send(format!("0\r\n\r\n{}", get("/target")));
    assert_eq!(chunk(&mut client), "");
    assert_eq!(client.answer().text(), "/target");
    server.stop();
}

#[test]
fn bodies_of_every_size_pass_through() {
    let server = start(ServerConfig::default());
    let mut client = server.client();
    for size in [0, 1, 8191, 8193, 65_536, 300_000, 2 * 1024 * 1024] {
        let body = pattern(size);
        for path in ["/pour", "/echo"] {
            client.send(format!("POST {path} {}", length(size)));
            let (mut sending, sent) = (client.second(), body.clone());
            // It comes back before all of it is sent.
            let sender = std::thread::spawn(move || std::io::Write::write_all(&mut sending, &sent).unwrap());
            assert!(client.answer().body == body, "{path} {size}");
            sender.join().unwrap();
        }
    }
    server.stop();
}

#[test]
fn a_body_that_could_not_be_read_stays_so() {
    let limits = Limits { max_body: 10, ..Limits::default() };
    let server = start(ServerConfig { limits, ..ServerConfig::default() });
    for (head, body, expected) in [
        (length(5), "12345", "[200, 200]"),
        (length(11), "", "[413, 413]"),
        (CHUNKED.to_owned(), "5\r\n12345\r\nnone", "[400, 400]"),
    ] {
        let mut client = server.client();
        client.send(format!("POST /twice {}", head.replace("Host: a", "Host: a\r\nExpect: 100-continue")));
        // A malformed body that comes with its head is refused before the handler is called.
        if !body.is_empty() {
            assert_eq!(client.head().status, 100);
        }
        client.send(body);
        assert_eq!(client.answer().text(), expected, "{head}{body}");
    }
    server.stop();
}

#[test]
fn nothing_is_read_ahead_of_the_handler() {
    let server = start(ServerConfig {
        limits: Limits { max_body: u64::MAX, ..Limits::default() },
        ..ServerConfig::default()
    });
    let mut client = server.client();
    // Sent on to a client that does not read, so that the handler cannot go on.
    client.send(format!("POST /pour {}", length(1 << 40)));
    let mut sending = client.second();
    sending.set_write_timeout(Some(Duration::from_millis(500))).unwrap();
    let piece = vec![b'x'; 64 * 1024];
    let (mut sent, start) = (0usize, Instant::now());
    while let Ok(count) = std::io::Write::write(&mut sending, &piece) {
        sent += count;
        assert!(sent < 1 << 28 && start.elapsed() < Duration::from_secs(20), "{sent} bytes were taken");
    }
    drop((client, sending));
    assert_eq!(server.ask(get("/")).text(), "hello");
    server.handle.abort();
    server.join();
}

#[test]
fn a_limit_is_one_handlers_own() {
    let small = Limits { max_body: 1000, ..Limits::default() };
    let server = start(ServerConfig { limits: small, ..ServerConfig::default() });
    for (path, size, status) in [
        ("/length", 1000, 200),
        ("/length", 1001, 413),
        ("/count", 1000, 200),
        ("/count", 1001, 413),
        ("/count/20000", 20_000, 200),
        ("/count/20000", 20_001, 413),
        ("/count/10", 10, 200),
        ("/count/10", 11, 413),
    ] {
        for framing in [length(size), format!("{CHUNKED}{size:x}\r\n")] {
            let mut client = server.client();
            client.send(format!("POST {path} {framing}"));
            let _ = client.try_send(pattern(size));
            let _ = client.try_send(if framing.contains("chunked") { "\r\n0\r\n\r\n" } else { "" });
            let answer = client.answer();
            assert_eq!(answer.status, status, "{path} {size} {framing}");
        }
    }
    server.stop();
}

#[test]
fn rfc9110_10_1_1_a_body_that_nobody_reads_is_not_asked_for() {
    let server = start(ServerConfig::default());
    let mut client = server.client();
    client.send("POST /ignore HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n");
    let answer = client.answer();
    assert_eq!((answer.status, answer.field("connection")), (200, Some("close")));
    client.expect_close();
    server.stop();
}

#[test]
fn what_a_handler_leaves_is_skipped_if_it_is_little() {
    let server = start(ServerConfig::default());
    let mut client = server.client();
    client.send(format!("POST /ignore {}1234567890{}", length(20), ""));
    let answer = client.answer();
    assert_eq!((answer.text(), answer.field("connection")), ("not read", None));
    // What looks like a request is still the body.
    client.send(format!("GET / HTTP{}", get("/target")));
    assert_eq!(client.answer().text(), "/target");
    // More than that is not waited for, and how much chunks will bring nobody knows.
    for framing in [length(100_000), CHUNKED.to_owned()] {
        let mut client = server.client();
        client.send(format!("POST /ignore {framing}"));
        assert_eq!(client.answer().field("connection"), Some("close"));
        client.expect_close();
    }
    server.stop();
}

#[test]
fn rfc9112_7_1_a_malformed_body_is_refused_in_the_middle() {
    let server = start(ServerConfig::default());
    for path in ["/echo", "/count"] {
        let mut client = server.client();
        client.send(format!("POST {path} {CHUNKED}3\r\nabc\r\n"));
        std::thread::sleep(Duration::from_millis(50));
        client.send("x\r\n");
        let answer = client.answer();
        assert_eq!((answer.status, answer.text()), (400, r#"{"detail":"Bad Request"}"#), "{path}");
        assert_eq!(answer.field("connection"), Some("close"));
        client.expect_close();
    }
    // When the response has begun, it stays without its end.
    let mut client = server.client();
    client.send(format!("POST /pour {CHUNKED}3\r\nabc\r\n"));
    client.head();
    assert_eq!(chunk(&mut client), "abc");
    client.send("x\r\n");
    client.expect_close();
    server.stop();
}

#[test]
fn a_client_that_goes_in_the_middle_hurts_nobody() {
    let server = start(ServerConfig::default());
    for path in ["/pour", "/count", "/echo", "/ignore"] {
        let mut client = server.client();
        client.send(format!("POST {path} {}abc", length(1000)));
        std::thread::sleep(Duration::from_millis(20));
        drop(client);
    }
    let start = Instant::now();
    while server.handle.connections() > 0 {
        assert!(start.elapsed() < Duration::from_secs(5), "a connection stays");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(server.ask(get("/")).text(), "hello");
    server.stop();
}
