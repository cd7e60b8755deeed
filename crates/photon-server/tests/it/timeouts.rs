//! Clients that are slow, configured short.

use std::thread::sleep;
use std::time::{Duration, Instant};

use photon_server::ServerConfig;

use crate::support::{Client, get, start};

const SHORT: Duration = Duration::from_millis(700);

/// Waits for the connection to be quiet no more, and says whether that was at its time.
#[track_caller]
fn expect_after(client: &mut Client, limit: Duration, start: Instant) {
    while client.is_quiet() && start.elapsed() < limit * 5 {
        sleep(Duration::from_millis(5));
    }
    let elapsed = start.elapsed();
    let slack = Duration::from_millis(600);
    assert!(limit <= elapsed && elapsed < limit + slack, "{elapsed:?} instead of {limit:?}");
}

#[test]
fn rfc9110_15_5_9_a_slow_head_is_answered_with_408() {
    let server = start(ServerConfig { header_timeout: SHORT, ..ServerConfig::default() });
    for before in [String::new(), get("/")] {
        let mut client = server.client();
        let start = Instant::now();
        client.send(&before);
        if !before.is_empty() {
            client.answer();
        }
        client.send("GET / HTT");
        // A byte now and then buys no time.
        sleep(SHORT / 2);
        client.send("P");
        expect_after(&mut client, SHORT, start);
        let answer = client.answer();
        assert_eq!((answer.status, answer.text()), (408, r#"{"detail":"Request Timeout"}"#));
        assert_eq!(answer.field("connection"), Some("close"));
        client.expect_close();
    }
    // RFC 9110 §9.3.2.
    let mut client = server.client();
    client.send("HEAD / HTT");
    assert_eq!(client.head().status, 408);
    assert_eq!(client.rest(), b"");
    server.stop();
}

#[test]
fn rfc9110_15_5_9_a_slow_body_is_answered_with_408() {
    let server = start(ServerConfig { body_timeout: SHORT, ..ServerConfig::default() });
    for head in ["Content-Length: 4\r\n\r\na", "Transfer-Encoding: chunked\r\n\r\n4\r\na"] {
        let mut client = server.client();
        let start = Instant::now();
        client.send(format!("POST /echo HTTP/1.1\r\nHost: a\r\n{head}"));
        expect_after(&mut client, SHORT, start);
        assert_eq!(client.answer().status, 408);
        client.expect_close();
    }
    server.stop();
}

#[test]
fn a_body_that_goes_on_may_take_longer_than_the_limit() {
    let server = start(ServerConfig { body_timeout: SHORT, ..ServerConfig::default() });
    let mut client = server.client();
    client.send("POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 400000\r\n\r\n");
    for _ in 0..4 {
        client.send(vec![b'x'; 100_000]);
        sleep(SHORT / 2);
    }
    assert_eq!(client.answer().text(), "400000");
    server.stop();
}

#[test]
fn a_body_has_to_come_at_a_rate() {
    for (rate, status) in [(1000, 200), (100_000, 408)] {
        let server =
            start(ServerConfig { body_timeout: SHORT, min_body_rate: rate, ..ServerConfig::default() });
        let mut client = server.client();
        client.send("POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 6000\r\n\r\n");
        for _ in 0..6 {
            sleep(SHORT / 3);
            if client.try_send(vec![b'x'; 1000]).is_err() {
                break;
            }
        }
        assert_eq!(client.answer().status, status, "{rate} bytes a second");
        server.stop();
    }
}

#[test]
fn a_request_may_have_a_limit_as_a_whole() {
    let server = start(ServerConfig { request_timeout: Some(SHORT), ..ServerConfig::default() });
    let mut sending = server.client();
    let start = Instant::now();
    sending.send("POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n");
    while start.elapsed() < SHORT * 4 && sending.is_quiet() {
        // As fast as every other limit asks for.
        let _ = sending.try_send(vec![b'x'; 5000]);
        sleep(SHORT / 20);
    }
    assert!((SHORT..SHORT * 3).contains(&start.elapsed()), "{:?}", start.elapsed());
    assert_eq!(sending.answer().status, 408);
    let mut receiving = server.client();
    receiving.send(get("/large/20000000"));
    receiving.head();
    let start = Instant::now();
    while server.handle.connections() > 0 && start.elapsed() < SHORT * 4 {
        sleep(Duration::from_millis(5));
        let _ = receiving.take_some();
    }
    assert!(start.elapsed() < SHORT * 3, "{:?}", start.elapsed());
    // The next request has a time of its own.
    let mut client = server.client();
    for _ in 0..3 {
        client.send(get("/slow/300"));
        assert_eq!(client.answer().text(), "slow");
    }
    server.stop();
}

#[test]
fn an_idle_connection_is_closed_in_silence() {
    let server = start(ServerConfig { idle_timeout: SHORT, ..ServerConfig::default() });
    for before in [String::new(), get("/"), "\r\n".to_owned(), get("/") + "\r\n"] {
        let mut client = server.client();
        client.send(&before);
        if before.len() > 2 {
            client.answer();
        }
        let start = Instant::now();
        while client.is_quiet() && start.elapsed() < SHORT * 5 {
            sleep(Duration::from_millis(5));
        }
        assert!(start.elapsed() + Duration::from_millis(100) > SHORT, "{:?}", start.elapsed());
        client.expect_close();
    }
    server.stop();
}

#[test]
fn an_idle_connection_serves_on_after_its_buffers_were_given_back() {
    let server = start(ServerConfig::default());
    let mut client = server.client();
    for _ in 0..2 {
        client.send(get("/"));
        assert_eq!(client.answer().text(), "hello");
        sleep(Duration::from_millis(900));
    }
    server.stop();
}

#[test]
fn a_client_that_accepts_nothing_is_closed() {
    let server = start(ServerConfig { write_timeout: SHORT, ..ServerConfig::default() });
    for path in ["/large/20000000", "/flood/20000000"] {
        let mut client = server.client();
        client.send(get(path));
        client.head();
        let start = Instant::now();
        while server.handle.connections() > 0 && start.elapsed() < SHORT * 5 {
            sleep(Duration::from_millis(5));
        }
        assert!(start.elapsed() < SHORT * 3, "{:?}", start.elapsed());
    }
    server.stop();
}

#[test]
fn a_client_that_accepts_enough_is_not_closed_though_buffers_are_larger() {
    let server =
        start(ServerConfig { write_timeout: SHORT * 2, min_write_rate: 5_000, ..ServerConfig::default() });
    for path in ["/large/3000000", "/flood/3000000"] {
        let mut client = server.client_with_room_for(16 * 1024);
        client.send(get(path));
        let start = Instant::now();
        let mut taken = 0;
        // Some 50 kB a second, where the kernel has room for more of the answer after half a megabyte.
        while start.elapsed() < SHORT * 5 {
            taken += client.take_some().unwrap();
            sleep(Duration::from_millis(10));
        }
        assert!((40_000..500_000).contains(&taken), "{taken}");
        while taken < 3_000_000 {
            taken += client.take_some().unwrap();
        }
    }
    server.stop();
}

/// A response that the kernel takes whole, long before the client has it.
const KEPT_BY_THE_KERNEL: usize = 600_000;

#[test]
fn an_idle_connection_is_reset_if_its_client_does_not_take_the_response() {
    let server = start(ServerConfig { idle_timeout: SHORT, ..ServerConfig::default() });
    let mut client = server.client_with_room_for(16 * 1024);
    let start = Instant::now();
    client.send(get(&format!("/large/{KEPT_BY_THE_KERNEL}")));
    while client.is_quiet() {
        sleep(Duration::from_millis(1));
    }
    while server.handle.connections() > 0 && start.elapsed() < SHORT * 10 {
        sleep(Duration::from_millis(5));
    }
    assert!((SHORT..SHORT * 5).contains(&start.elapsed()), "{:?}", start.elapsed());
    let mut taken = 0;
    while let Ok(count @ 1..) = client.take_some() {
        taken += count;
    }
    assert!(taken < KEPT_BY_THE_KERNEL, "{taken}");
    server.stop();
}

#[test]
fn an_idle_connection_stays_while_its_client_takes_the_response() {
    let server =
        start(ServerConfig { idle_timeout: SHORT * 2, min_write_rate: 5_000, ..ServerConfig::default() });
    let mut client = server.client_with_room_for(16 * 1024);
    client.send(get(&format!("/large/{KEPT_BY_THE_KERNEL}")));
    let start = Instant::now();
    let mut taken = 0;
    // Several times faster than it has to be.
    while start.elapsed() < SHORT * 6 {
        taken += client.take_some().unwrap();
        sleep(Duration::from_millis(5));
    }
    assert!((40_000..KEPT_BY_THE_KERNEL).contains(&taken), "{taken}");
    while taken < KEPT_BY_THE_KERNEL {
        taken += client.take_some().unwrap();
    }
    server.stop();
}

#[test]
fn a_response_is_not_measured_by_the_time_of_the_one_before() {
    let server =
        start(ServerConfig { write_timeout: SHORT * 2, min_write_rate: 200_000, ..ServerConfig::default() });
    let mut client = server.client_with_room_for(16 * 1024);
    client.send(get("/large/100000"));
    // Long enough for the server to see that the client does not take it, and then it does.
    sleep(SHORT + Duration::from_millis(100));
    assert_eq!(client.answer().body.len(), 100_000);
    sleep(SHORT + Duration::from_millis(100));
    client.send(get("/large/20000000"));
    sleep(SHORT);
    assert_eq!(client.answer().body.len(), 20_000_000);
    server.stop();
}

#[test]
fn a_handler_may_take_longer_than_every_limit() {
    let short = Duration::from_millis(200);
    let server = start(ServerConfig {
        header_timeout: short,
        body_timeout: short,
        idle_timeout: short,
        write_timeout: short,
        ..ServerConfig::default()
    });
    let mut client = server.client();
    client.send(get("/slow/800"));
    assert_eq!(client.answer().text(), "slow");
    client.send(get("/"));
    assert_eq!(client.answer().text(), "hello");
    server.stop();
}
