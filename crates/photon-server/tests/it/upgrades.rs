//! Connections that leave HTTP (RFC 9110 §7.8).

use std::time::{Duration, Instant};

use photon_server::ServerConfig;

use crate::support::{get, start};

const UPGRADE: &str =
    "GET /upgrade HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: h2c, lines\r\n\r\n";

#[test]
fn rfc9110_15_2_2_the_connection_goes_on_in_the_protocol() {
    let server = start(ServerConfig::default());
    let mut client = server.client();
    // What was sent behind the request belongs to the new protocol, and so does what looks like HTTP.
    client.send(format!("{}{UPGRADE}early\n", get("/target")));
    assert_eq!(client.answer().text(), "/target");
    let head = client.head();
    assert!(head.head.starts_with("HTTP/1.1 101 Switching Protocols\r\n"), "{}", head.head);
    assert_eq!((head.field("upgrade"), head.field("connection")), (Some("lines"), Some("upgrade")));
    assert_eq!((head.field("content-length"), head.field("transfer-encoding")), (None, None));
    assert_eq!((client.line(), client.line()), ("welcome\n".to_owned(), "<early>\n".to_owned()));
    client.send("GET / HTTP/1.1\r\n");
    assert_eq!(client.line(), "<GET / HTTP/1.1>\n");
    client.stop_sending();
    client.expect_close();
    assert_eq!(server.stop().connections_cut, 0);
}

#[test]
fn rfc9110_15_5_22_who_has_not_asked_is_told_to() {
    let server = start(ServerConfig::default());
    for fields in ["", "Upgrade: lines\r\n", "Connection: upgrade\r\nUpgrade: websocket\r\n"] {
        let mut client = server.client();
        client.send(format!("GET /upgrade HTTP/1.1\r\nHost: a\r\n{fields}\r\n"));
        let answer = client.answer();
        assert_eq!((answer.status, answer.field("upgrade")), (426, Some("lines")), "{fields}");
        assert_eq!(answer.field("connection"), Some("upgrade"));
        client.send(get("/target"));
        assert_eq!(client.answer().text(), "/target");
    }
    server.stop();
}

#[test]
fn rfc9110_7_8_the_body_of_the_request_comes_first() {
    let server = start(ServerConfig::default());
    let mut client = server.client();
    let head = UPGRADE.replace("GET", "POST").replace("Host: a", "Host: a\r\nContent-Length: 10");
    client.send(format!("{head}12345"));
    std::thread::sleep(Duration::from_millis(50));
    client.send("67890hello\n");
    assert_eq!(client.head().status, 101);
    assert_eq!((client.line(), client.line()), ("welcome\n".to_owned(), "<hello>\n".to_owned()));
    drop(client);
    server.stop();
}

#[test]
fn rfc9110_7_8_continue_comes_before_switching_protocols() {
    let server = start(ServerConfig::default());
    let expecting = UPGRADE.replace("Host: a", "Host: a\r\nExpect: 100-continue");
    let post =
        |body: &str| expecting.replace("GET", "POST").replace("Host: a", &format!("Host: a\r\n{body}"));
    for (head, at_once, asked_for) in [
        (expecting.clone(), "", ""),
        (post("Content-Length: 3"), "abc", ""),
        (post("Content-Length: 3"), "", "abc"),
        (post("Transfer-Encoding: chunked"), "", "3\r\nabc\r\n0\r\n\r\n"),
    ] {
        let mut client = server.client();
        client.send(format!("{head}{at_once}"));
        assert_eq!(client.head().head, "HTTP/1.1 100 Continue\r\n\r\n", "{head}");
        client.send(format!("{asked_for}hello\n"));
        assert_eq!(client.head().status, 101, "{head}");
        assert_eq!((client.line(), client.line()), ("welcome\n".to_owned(), "<hello>\n".to_owned()));
    }
    server.stop();
}

#[test]
fn rfc9110_7_8_no_protocol_begins_behind_a_body_that_cannot_be_read() {
    let server = start(ServerConfig::default());
    let head = UPGRADE.replace("GET", "POST").replace("Host: a", "Host: a\r\nTransfer-Encoding: chunked");
    let mut client = server.client();
    client.send(head);
    std::thread::sleep(Duration::from_millis(50));
    client.send("3\r\nabcd\r\n0\r\n\r\n");
    assert_eq!(client.answer().status, 400);
    client.expect_close();
    server.stop();
}

#[test]
fn the_time_of_a_request_ends_with_the_upgrade() {
    let limit = Duration::from_millis(300);
    let server = start(ServerConfig { request_timeout: Some(limit), ..ServerConfig::default() });
    for request in [UPGRADE.to_owned(), UPGRADE.replace("Host: a", "Host: a\r\nContent-Length: 5")] {
        let mut client = server.client();
        client.send(&request);
        if request.contains("Length") {
            std::thread::sleep(Duration::from_millis(50));
            client.send("12345");
        }
        client.head();
        assert_eq!(client.line(), "welcome\n");
        std::thread::sleep(limit * 3);
        client.send("late\n");
        assert_eq!(client.line(), "<late>\n");
    }
    server.stop();
}

#[test]
fn a_panic_after_the_upgrade_costs_its_connection_only() {
    let server = start(ServerConfig::default());
    let mut other = server.client();
    other.send(UPGRADE);
    assert_eq!((other.head().status, other.line()), (101, "welcome\n".to_owned()));
    for _ in 0..20 {
        let mut client = server.client();
        client.send(UPGRADE.replace("/upgrade", "/upgrade/panic"));
        assert_eq!(client.head().status, 101);
        client.expect_close();
    }
    other.send("still\n");
    assert_eq!(other.line(), "<still>\n");
    drop(other);
    assert_eq!(server.stop().connections_cut, 0);
}

#[test]
fn a_server_that_stops_says_so_and_lets_it_finish() {
    let server = start(ServerConfig::default());
    let mut client = server.client();
    client.send(UPGRADE);
    client.head();
    assert_eq!(client.line(), "welcome\n");
    let start = Instant::now();
    server.handle.shutdown();
    assert_eq!(client.line(), "ConnectionAborted\n");
    client.expect_close();
    assert_eq!(server.join().connections_cut, 0);
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}
