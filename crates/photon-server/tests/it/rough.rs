//! Clients that send byte by byte, read slowly, or vanish.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use photon_server::ServerConfig;

use crate::support::{Running, get, pattern, start};

#[track_caller]
fn expect_no_connections(server: &Running, after: &str) {
    let start = Instant::now();
    while server.handle.connections() > 0 {
        assert!(
            start.elapsed() < Duration::from_secs(5),
            "{} connections after {after:?}",
            server.handle.connections()
        );
        sleep(Duration::from_millis(5));
    }
}

#[test]
fn requests_byte_by_byte() {
    let server = start(ServerConfig::default());
    let mut client = server.client();
    let chunked =
        "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nA: b\r\n\r\n";
    let plain = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
    for input in [chunked, plain, chunked] {
        for byte in input.bytes() {
            client.send([byte]);
        }
        assert_eq!(client.answer().text(), "abc");
    }
    server.stop();
}

#[test]
fn a_large_head_byte_by_byte_costs_little() {
    let server = start(ServerConfig::default());
    let mut client = server.client();
    let head = format!(
        "GET /target HTTP/1.1\r\nHost: a\r\n{}\r\n",
        format!("X-Y: {}\r\n", "z".repeat(300)).repeat(90)
    );
    let start = Instant::now();
    for piece in head.as_bytes().chunks(3) {
        client.send(piece);
    }
    assert_eq!(client.answer().text(), "/target");
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    server.stop();
}

#[test]
fn a_slow_reader_gets_all_of_a_large_body() {
    let server = start(ServerConfig::default());
    for path in ["/large/8000000", "/flood/8000000"] {
        let mut client = server.client();
        client.send(get(path));
        sleep(Duration::from_millis(300));
        assert!(client.answer().body == pattern(8_000_000));
        client.send(get("/"));
        assert_eq!(client.answer().text(), "hello");
    }
    server.stop();
}

#[test]
fn a_half_closed_client_is_answered_and_let_go() {
    let server = start(ServerConfig::default());
    for _ in 0..20 {
        let mut client = server.client();
        client.send(get("/target"));
        client.stop_sending();
        assert_eq!(client.answer().text(), "/target");
        client.expect_close();
    }
    expect_no_connections(&server, "half-closed");
    server.stop();
}

#[test]
fn clients_that_vanish_leave_nothing_behind() {
    let server = start(ServerConfig::default());
    for input in [
        "GET / HT",
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc",
        "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nabc",
        "GET /large/10000000 HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /flood/10000000 HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /slow/100 HTTP/1.1\r\nHost: a\r\n\r\n",
        "",
    ] {
        for _ in 0..5 {
            let mut client = server.client();
            client.send(input);
            sleep(Duration::from_millis(10));
        }
        expect_no_connections(&server, input);
    }
    assert_eq!(server.ask(get("/")).text(), "hello");
    assert_eq!(server.stop().connections_cut, 0);
}

#[test]
fn a_client_that_never_stops_does_not_starve_others() {
    let server = start(ServerConfig::default());
    let busy = AtomicBool::new(true);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut client = server.client();
                let requests = get("/").repeat(200);
                while busy.load(Ordering::Relaxed) {
                    client.send(&requests);
                    for _ in 0..200 {
                        client.answer();
                    }
                }
            });
        }
        sleep(Duration::from_millis(200));
        let mut slowest = Duration::ZERO;
        for _ in 0..50 {
            let start = Instant::now();
            assert_eq!(server.ask(get("/target")).text(), "/target");
            slowest = slowest.max(start.elapsed());
        }
        busy.store(false, Ordering::Relaxed);
        assert!(slowest < Duration::from_secs(3), "{slowest:?}");
    });
    server.stop();
}
