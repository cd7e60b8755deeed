//! Clients that send byte by byte, read slowly, or vanish.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use photon_server::ServerConfig;

use crate::support::{Client, get, pattern, start};

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
    server.expect_no_connections("half-closed");
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
        server.expect_no_connections(input);
    }
    assert_eq!(server.ask(get("/")).text(), "hello");
    assert_eq!(server.stop().connections_cut, 0);
}

#[test]
fn a_client_that_never_stops_does_not_starve_others() {
    let server = start(ServerConfig::default());
    let busy = AtomicBool::new(true);
    // One for each worker, whatever the number of connections before.
    let floods: Vec<_> = (0..photon_runtime::workers()).map(|_| server.client()).collect();
    let mut others: Vec<_> = (0..4).map(|_| server.client()).collect();
    std::thread::scope(|scope| {
        for client in &floods {
            let (mut writer, mut reader) = (client.second(), client.second());
            scope.spawn(move || {
                let requests = get("/compute/50").repeat(200);
                while writer.write_all(requests.as_bytes()).is_ok() {}
            });
            let busy = &busy;
            scope.spawn(move || {
                let mut buffer = vec![0; 64 * 1024];
                while busy.load(Ordering::Relaxed) && reader.read(&mut buffer).is_ok_and(|count| count > 0) {}
                // Ends the writer as well.
                let _ = reader.shutdown(Shutdown::Both);
            });
        }
        sleep(Duration::from_millis(200));
        let mut latencies: Vec<_> = (0..10)
            .flat_map(|_| 0..4)
            .map(|number| {
                let start = Instant::now();
                others[number].send(get("/target"));
                assert_eq!(others[number].answer().text(), "/target");
                start.elapsed()
            })
            .collect();
        busy.store(false, Ordering::Relaxed);
        latencies.sort();
        // Other programs on the machine may delay some, but not so many of them.
        let most = latencies[latencies.len() * 3 / 4];
        assert!(most < Duration::from_millis(60), "{latencies:?}");
    });
    server.stop();
}

#[test]
fn clients_that_send_without_a_pause_do_not_keep_others_waiting() {
    let server = start(ServerConfig::default());
    const HEAD: &[u8] = b"POST /count/1000000000 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    let sent = Arc::new(AtomicUsize::new(0));
    let mut busy: Vec<Client> = (0..2 * photon_runtime::workers()).map(|_| server.client()).collect();
    for client in &busy {
        let (mut stream, sent) = (client.second(), Arc::clone(&sent));
        stream.write_all(HEAD).unwrap();
        let chunks = "1\r\na\r\n".repeat(10_000);
        std::thread::spawn(move || {
            while stream.write_all(chunks.as_bytes()).is_ok() {
                sent.fetch_add(chunks.len(), Ordering::Relaxed);
            }
        });
    }
    // Until the buffers on the way are full.
    sleep(Duration::from_millis(500));
    let mut meanwhile: Vec<usize> = (0..9)
        .map(|_| {
            let before = sent.load(Ordering::Relaxed);
            assert_eq!(server.ask(get("/")).text(), "hello");
            sent.load(Ordering::Relaxed) - before
        })
        .collect();
    meanwhile.sort_unstable();
    // If only reads were counted, each of them would be served 96 reads of 64 KiB, 6 MB, before anybody else is.
    let most = 4_000_000 * photon_runtime::workers();
    assert!(meanwhile[meanwhile.len() / 2] < most, "{meanwhile:?}");
    busy.iter_mut().for_each(Client::stop_sending);
    server.stop();
}
