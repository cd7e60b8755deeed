//! The end of a server: what is finished, what is closed, what is cut.

use std::net::TcpStream;
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use photon_core::{Request, Response};
use photon_server::{Server, ServerConfig};

use crate::child;
use crate::support::{get, start};

#[test]
fn requests_in_flight_finish_and_idle_connections_close() {
    let server = start(ServerConfig { drain_grace: Duration::from_millis(20), ..ServerConfig::default() });
    let mut idle = server.client();
    idle.send(get("/"));
    idle.answer();
    let mut fresh = server.client();
    let mut busy = server.client();
    busy.send(get("/slow/600"));
    let mut partial = server.client();
    partial.send("GET /target HTTP/1.1\r\nHo");
    while server.handle.connections() < 4 {
        sleep(Duration::from_millis(5));
    }
    sleep(Duration::from_millis(100));
    let start = Instant::now();
    server.handle.shutdown();
    idle.expect_close();
    fresh.expect_close();
    assert!(start.elapsed() < Duration::from_millis(300), "{:?}", start.elapsed());
    while TcpStream::connect(server.address).is_ok() {
        assert!(start.elapsed() < Duration::from_millis(300), "the listener is still open");
    }
    partial.send("st: a\r\n\r\n");
    let answer = partial.answer();
    assert_eq!((answer.text(), answer.field("connection")), ("/target", Some("close")));
    let answer = busy.answer();
    assert_eq!((answer.text(), answer.field("connection")), ("slow", Some("close")));
    busy.expect_close();
    let report = server.join();
    assert_eq!(report.connections_cut, 0);
    assert!(report.drained_in < Duration::from_secs(2), "{report:?}");
}

#[test]
fn a_request_that_arrived_just_before_is_answered() {
    for _ in 0..20 {
        let server = start(ServerConfig::default());
        let mut client = server.client();
        client.send(get("/"));
        client.answer();
        client.send(get("/target"));
        server.handle.shutdown();
        assert_eq!(client.answer().text(), "/target");
        drop(client);
        assert_eq!(server.join().connections_cut, 0);
    }
}

#[test]
fn a_request_that_was_on_its_way_is_answered() {
    let server = start(ServerConfig { drain_grace: Duration::from_millis(400), ..ServerConfig::default() });
    let mut idle = server.client();
    idle.send(get("/"));
    idle.answer();
    let mut fresh = server.client();
    fresh.send("GET /");
    while server.handle.connections() < 2 {
        sleep(Duration::from_millis(5));
    }
    let start = Instant::now();
    server.handle.shutdown();
    sleep(Duration::from_millis(100));
    for (client, request) in
        [(&mut idle, get("/target")), (&mut fresh, "target HTTP/1.1\r\nHost: a\r\n\r\n".to_owned())]
    {
        client.send(request);
        let answer = client.answer();
        assert_eq!((answer.text(), answer.field("connection")), ("/target", Some("close")));
        client.expect_close();
    }
    drop((idle, fresh));
    assert_eq!(server.join().connections_cut, 0);
    assert!(start.elapsed() < Duration::from_millis(400), "{:?}", start.elapsed());
}

#[test]
fn connections_that_wait_to_be_accepted_are_answered() {
    const TEST: &str = "drain::connections_that_wait_to_be_accepted_are_answered";
    if !child::is_child(TEST) {
        return child::succeeds(TEST);
    }
    let server = start(ServerConfig::default());
    // Keeps the listener's worker, and every other, from accepting anything.
    let busy: Vec<_> = (0..photon_runtime::workers())
        .map(|worker| {
            photon_runtime::Builder::new().worker(worker).spawn(|| sleep(Duration::from_millis(300))).unwrap()
        })
        .collect();
    sleep(Duration::from_millis(50));
    let mut clients: Vec<_> = (0..100).map(|_| server.client()).collect();
    for client in &mut clients {
        client.send(get("/target"));
    }
    assert_eq!(server.handle.connections(), 0);
    server.handle.shutdown();
    for mut client in clients {
        assert_eq!(client.answer().text(), "/target");
        client.expect_close();
    }
    assert_eq!(server.join().connections_cut, 0);
    busy.into_iter().for_each(|one| one.join().unwrap());
}

#[test]
fn the_deadline_cuts_what_does_not_finish() {
    let server =
        start(ServerConfig { drain_deadline: Duration::from_millis(300), ..ServerConfig::default() });
    let mut handling = server.client();
    handling.send(get("/slow/3000"));
    let mut sending = server.client();
    sending.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nab");
    let mut receiving = server.client();
    receiving.send(get("/large/20000000"));
    receiving.head();
    while server.handle.connections() < 3 {
        sleep(Duration::from_millis(5));
    }
    sleep(Duration::from_millis(100));
    let start = Instant::now();
    let report = server.stop();
    assert_eq!(report.connections_cut, 3);
    let elapsed = start.elapsed();
    assert!(Duration::from_millis(300) <= elapsed && elapsed < Duration::from_millis(1500), "{elapsed:?}");
    // Whoever was sending is told so.
    assert_eq!(sending.answer().status, 503);
    sending.expect_close();
    assert!(receiving.rest().len() < 20_000_000);
}

#[test]
fn the_deadline_cuts_a_stream_that_never_waits_for_its_client() {
    let server =
        start(ServerConfig { drain_deadline: Duration::from_millis(300), ..ServerConfig::default() });
    let mut chunked = server.client();
    chunked.send(get("/ticks"));
    let mut plain = server.client();
    plain.send("GET /ticks HTTP/1.0\r\n\r\n");
    for client in [&mut chunked, &mut plain] {
        client.head();
    }
    let handle = server.handle.clone();
    assert_eq!(server.stop().connections_cut, 2);
    assert_eq!(handle.connections(), 0);
    assert!(chunked.rest().ends_with(b"tick\n\r\n"));
    plain.rest_before_reset();
}

#[test]
fn a_server_that_ends_without_a_signal_leaves_nothing_behind() {
    const TEST: &str = "drain::a_server_that_ends_without_a_signal_leaves_nothing_behind";
    if !child::is_child(TEST) {
        return child::succeeds(TEST);
    }
    let server = Server::bind("127.0.0.1:0").unwrap();
    server.handle().shutdown();
    server.serve_until_signal(Arc::new(|_: &mut Request| Response::default())).unwrap();
    let start = Instant::now();
    while photon_runtime::live_coroutines() > 0 {
        assert!(start.elapsed() < Duration::from_secs(5), "a coroutine still waits for a signal");
        sleep(Duration::from_millis(10));
    }
}

#[test]
fn abort_does_not_wait() {
    let server = start(ServerConfig::default());
    let mut busy = server.client();
    busy.send(get("/slow/3000"));
    while server.handle.connections() < 1 {
        sleep(Duration::from_millis(5));
    }
    sleep(Duration::from_millis(50));
    server.handle.shutdown();
    let start = Instant::now();
    server.handle.abort();
    assert_eq!(server.join().connections_cut, 1);
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
}

#[test]
fn a_server_without_connections_ends_at_once() {
    let server = start(ServerConfig::default());
    let start = Instant::now();
    assert_eq!(server.stop().connections_cut, 0);
    assert!(start.elapsed() < Duration::from_millis(500));
}
