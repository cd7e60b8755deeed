//! Clients behind proxies: connections that begin with the PROXY protocol, and header fields of trusted proxies.

use std::io::{ErrorKind, Read, Write};
use std::net::Ipv6Addr;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use photon_server::{BindError, ForwardedFields, ListenAddr, Server, ServerConfig};

use crate::support::{Client, Running, get, run, start};

const SHORT: Duration = Duration::from_millis(700);

const V1: &str = "PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n";

fn v2(command: u8, family: u8, block: &[u8]) -> Vec<u8> {
    let length = u16::try_from(block.len()).unwrap().to_be_bytes();
    [b"\r\n\r\n\0\r\nQUIT\n", &[0x20 | command, family][..], &length, block].concat()
}

/// Version 2 for `[2001:db8::7]:56324`, with something added.
fn v2_tcp6() -> Vec<u8> {
    let ip = "2001:db8::7".parse::<Ipv6Addr>().unwrap().octets();
    v2(1, 0x21, &[&ip[..], &ip, &56324u16.to_be_bytes(), &443u16.to_be_bytes(), &[4, 0, 1, 0]].concat())
}

/// A server that trusts these proxies.
fn trusting(proxies: &str) -> ServerConfig {
    ServerConfig { trusted_proxies: proxies.parse().unwrap(), ..ServerConfig::default() }
}

/// One whose connections begin with the PROXY protocol.
fn proxied(proxies: &str) -> ServerConfig {
    ServerConfig { proxy_protocol: true, ..trusting(proxies) }
}

/// Asserts that the server ends the connection, gracefully or not, without a word.
#[track_caller]
fn expect_silence(client: &Client) {
    let mut received = Vec::new();
    match client.second().read_to_end(&mut received) {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
    }
    assert!(received.is_empty(), "{}", received.escape_ascii());
}

#[track_caller]
fn ask(server: &Running, header: impl AsRef<[u8]>, request: &str) -> String {
    server.ask([header.as_ref(), request.as_bytes()].concat()).text().to_owned()
}

#[test]
fn proxy_the_peer_is_the_one_that_the_header_says() {
    let server = start(proxied("loopback"));
    for (header, peer) in [(V1.as_bytes().to_vec(), "192.0.2.7:56324"), (v2_tcp6(), "[2001:db8::7]:56324")] {
        let mut client = server.client();
        // Requests right behind the header, and for as long as the connection lasts.
        client.send([&header[..], get("/peer").repeat(3).as_bytes()].concat());
        for number in 0..6 {
            assert_eq!(client.answer().text(), format!("Some({peer})"));
            if number > 1 {
                client.send(get("/taken"));
                assert_eq!(client.answer().text(), "/taken");
                client.send(get("/peer"));
            }
        }
        assert_eq!(ask(&server, &header, &get("/client")), format!("{peer} http a"));
        // With a body that comes later.
        let mut client = server.client();
        client.send(&header);
        client.send("POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\n");
        client.send("x".repeat(20));
        assert_eq!(client.answer().text(), "20");
    }
    assert_eq!(server.stop().connections_cut, 0);
}

#[test]
fn proxy_the_header_may_come_in_pieces() {
    let server = start(proxied("loopback"));
    for (header, peer) in [(V1.as_bytes().to_vec(), "192.0.2.7:56324"), (v2_tcp6(), "[2001:db8::7]:56324")] {
        let input = [&header[..], get("/peer").as_bytes()].concat();
        for at in 1..input.len() {
            let mut client = server.client();
            client.send(&input[..at]);
            std::thread::sleep(Duration::from_micros(300));
            client.send(&input[at..]);
            assert_eq!(client.answer().text(), format!("Some({peer})"), "{at}");
        }
        let mut client = server.client();
        for byte in input {
            client.send([byte]);
        }
        assert_eq!(client.answer().text(), format!("Some({peer})"));
    }
    server.stop();
}

#[test]
fn proxy_other_sources_leave_the_peer_and_are_not_believed() {
    let server = start(proxied("loopback"));
    let request = "GET /client HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.9\r\n\r\n";
    let address = [192, 0, 2, 7, 198, 51, 100, 1, 1, 1, 1, 1];
    for header in [
        v2(0, 0, &[]),
        v2(0, 0x11, &address),
        b"PROXY UNKNOWN\r\n".to_vec(),
        b"PROXY UNKNOWN 192.0.2.7 198.51.100.1 1 1\r\n".to_vec(),
        v2(1, 0, &[]),
        v2(1, 0x12, &address),
        v2(1, 0x31, &[b'/'; 216]),
    ] {
        let mut client = server.client();
        let own = client.second().local_addr().unwrap();
        client.send([&header[..], get("/peer").as_bytes(), request.as_bytes()].concat());
        assert_eq!(client.answer().text(), format!("Some({own})"), "{}", header.escape_ascii());
        // They are not the proxy, and so not believed.
        assert_eq!(client.answer().text(), format!("{own} http a"), "{}", header.escape_ascii());
    }
    server.stop();
}

#[test]
fn proxy_whoever_is_not_trusted_or_sends_no_header_is_closed_without_an_answer() {
    let server = start(proxied("loopback"));
    for input in [
        get("/").into_bytes(),
        b"PROXY TCP4 192.0.2.7 198.51.100.1 56324\r\n".to_vec(),
        b"PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\n".to_vec(),
        format!("PROXY UNKNOWN {}\r\n", "x".repeat(100)).into_bytes(),
        "PROXY ".repeat(3000).into_bytes(),
        v2(2, 0x11, &[0; 12]),
        v2(1, 0x51, &[0; 12]),
        v2(1, 0x11, &[0; 11]),
        v2(1, 0x11, &[0; 5000]),
        vec![0x16, 3, 1, 2, 0],
        vec![0; 10_000],
        // Cut off.
        V1.as_bytes()[..20].to_vec(),
        v2_tcp6()[..20].to_vec(),
        Vec::new(),
    ] {
        let mut client = server.client();
        // The server may be quicker with its refusal.
        let _ = client.try_send(&input);
        let _ = client.second().shutdown(std::net::Shutdown::Write);
        expect_silence(&client);
    }
    // A second header is no request.
    assert_eq!(server.ask([V1, V1, &get("/")].concat()).status, 400);
    assert_eq!(ask(&server, V1, &get("/")), "hello");
    server.stop();

    let server = start(proxied("192.0.2.1, unix"));
    let mut client = server.client();
    let _ = client.try_send(V1.to_owned() + &get("/"));
    expect_silence(&client);
    server.stop();
    // Not even with a 503.
    let server = start(ServerConfig { max_connections: Some(0), ..proxied("192.0.2.1") });
    expect_silence(&server.client());
    server.stop();
}

#[test]
fn proxy_the_header_has_the_time_of_a_head() {
    let server = start(ServerConfig { header_timeout: SHORT, ..proxied("loopback") });
    for input in ["", "PROXY TCP4 "] {
        let start = Instant::now();
        let mut client = server.client();
        client.send(input);
        std::thread::sleep(SHORT / 2);
        // More of it buys no time.
        client.send(if input.is_empty() { "P" } else { "192" });
        expect_silence(&client);
        let elapsed = start.elapsed();
        assert!((SHORT..SHORT * 3).contains(&elapsed), "{elapsed:?} instead of {SHORT:?}");
    }
    // Then the times are those of every connection.
    let mut client = server.client();
    client.send(V1.to_owned() + "GET /");
    assert_eq!(client.answer().status, 408);
    let mut client = server.client();
    client.send(V1);
    std::thread::sleep(SHORT * 3 / 2);
    client.send(get("/"));
    assert_eq!(client.answer().text(), "hello");
    server.stop();
}

#[test]
fn proxy_a_server_that_stops_does_not_wait_for_a_header() {
    let server = start(proxied("loopback"));
    let silent = server.client();
    let mut idle = server.client();
    idle.send(V1.to_owned() + &get("/"));
    assert_eq!(idle.answer().text(), "hello");
    let start = Instant::now();
    assert_eq!(server.stop().connections_cut, 0);
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    expect_silence(&silent);
    idle.expect_close();
}

#[test]
fn proxy_somebody_has_to_be_trusted() {
    let config = ServerConfig { proxy_protocol: true, ..ServerConfig::default() };
    let error = Server::bind_with("127.0.0.1:0", config).map(|_| ()).unwrap_err();
    assert!(matches!(error, BindError::NoTrustedProxy), "{error}");
    assert!(error.to_string().contains("trusted proxies"), "{error}");
}

#[test]
fn a_unix_socket_can_be_that_of_a_proxy() {
    let path = std::env::temp_dir().join(format!("photon-proxied-{}", std::process::id()));
    let unix = format!("unix:{}", path.display());
    let exchange = |path: &std::path::Path, input: &str| {
        let mut stream = UnixStream::connect(path).unwrap();
        let _ = stream.write_all(input.as_bytes());
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        answer.rsplit("\r\n\r\n").next().unwrap().to_owned()
    };
    let request =
        "GET /client HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.9\r\nConnection: close\r\n\r\n";
    for (config, header, expected) in [
        (trusting("unix"), "", "192.0.2.9 http a"),
        (trusting("loopback"), "", "nobody http a"),
        (proxied("unix"), V1, "192.0.2.7:56324 http a"),
        (proxied("unix"), "PROXY UNKNOWN\r\n", "nobody http a"),
        (proxied("loopback"), V1, ""),
    ] {
        let server = Server::bind_all([unix.as_str(), "127.0.0.1:0"], config).unwrap();
        let listening = server.addresses();
        let server = run(server);
        let ListenAddr::Unix(path) = &listening[0] else { panic!("{listening:?}") };
        assert_eq!(exchange(path, &format!("{header}{request}")), expected, "{header}");
        server.stop();
    }
}

#[test]
fn rfc7239_8_1_header_fields_are_believed_of_trusted_proxies_only() {
    let request = "GET /client HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 127.0.0.1, 192.0.2.7, 127.0.0.2\r\n\
        X-Forwarded-Proto: https\r\nX-Forwarded-Host: evil.example\r\n\
        Forwarded: for=192.0.2.8;proto=https;host=shop.example\r\n\r\n";
    let own = |config: ServerConfig| {
        let server = start(config);
        let mut client = server.client();
        let own = client.second().local_addr().unwrap().to_string();
        // A handler that takes the request away takes nothing from the next.
        client.send(get("/taken") + request + request);
        client.answer();
        let answers = [(); 2].map(|()| client.answer().text().replace(&own, "peer"));
        assert_eq!(answers[0], answers[1]);
        server.stop();
        answers[0].clone()
    };
    assert_eq!(own(ServerConfig::default()), "peer http a");
    assert_eq!(own(trusting("192.0.2.0/24")), "peer http a");
    assert_eq!(own(trusting("unix")), "peer http a");
    // What the client has put before its own address does not count.
    assert_eq!(own(trusting("loopback")), "192.0.2.7 https a");
    assert_eq!(own(trusting("127.0.0.1")), "127.0.0.2 https a");
    let fields = |fields| ServerConfig {
        trusted_proxies: trusting("loopback").trusted_proxies.fields(fields),
        ..ServerConfig::default()
    };
    assert_eq!(own(fields(ForwardedFields::Forwarded)), "192.0.2.8 https shop.example");
    let none = ForwardedFields::XForwarded { proto: false, host: false };
    assert_eq!(own(fields(none)), "192.0.2.7 http a");
}

#[test]
fn rfc7239_8_1_behind_the_proxy_protocol_the_client_is_believed_only_if_it_is_a_proxy() {
    let server = start(proxied("loopback, 192.0.2.0/24"));
    let request = "GET /client HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 198.51.100.9\r\n\r\n";
    assert_eq!(ask(&server, V1, request), "198.51.100.9 http a");
    let stranger = "PROXY TCP4 203.0.113.5 198.51.100.1 5 443\r\n";
    assert_eq!(ask(&server, stranger, request), "203.0.113.5:5 http a");
    server.stop();
}

#[cfg(feature = "tls")]
mod tls {
    use std::net::TcpStream;
    use std::sync::Arc;

    use rustls::pki_types::ServerName;
    use rustls::{ClientConnection, StreamOwned};

    use super::*;
    use crate::tls::{BOTH, Pki};

    /// Sends the header and the first records as pieces of these lengths, and asks over TLS.
    fn ask(server: &Running, pki: &Pki, header: &[u8], piece: usize) -> String {
        let name = ServerName::try_from("localhost").unwrap();
        let mut tls = ClientConnection::new(Arc::new(pki.client(BOTH)), name).unwrap();
        let mut first = header.to_vec();
        while tls.wants_write() {
            tls.write_tls(&mut first).unwrap();
        }
        let mut socket = TcpStream::connect(server.address).unwrap();
        socket.set_nodelay(true).unwrap();
        for piece in first.chunks(piece) {
            socket.write_all(piece).unwrap();
        }
        let mut stream = StreamOwned::new(tls, socket);
        let request =
            |connection| format!("GET /client HTTP/1.1\r\nHost: a\r\nConnection: {connection}\r\n\r\n");
        stream.write_all((request("keep-alive") + &request("close")).as_bytes()).unwrap();
        let mut answers = String::new();
        stream.read_to_string(&mut answers).unwrap();
        assert_eq!(answers.matches(" https a").count(), 2, "{answers}");
        answers.rsplit("\r\n\r\n").next().unwrap().to_owned()
    }

    #[test]
    fn proxy_the_header_comes_before_tls() {
        let pki = Pki::new("proxied");
        pki.issue("server", &["localhost"]);
        let server = start(ServerConfig { tls: Some(pki.config("server")), ..proxied("loopback") });
        for (header, client) in
            [(V1.as_bytes().to_vec(), "192.0.2.7:56324"), (v2_tcp6(), "[2001:db8::7]:56324")]
        {
            for piece in [usize::MAX, header.len(), header.len() + 3, 7, 1] {
                assert_eq!(ask(&server, &pki, &header, piece), format!("{client} https a"), "{piece}");
            }
        }
        // Without the header, TLS is nothing that is understood; and behind it, plain HTTP is not.
        let mut client = server.client();
        let _ = client.try_send([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3, 1, 1, 1, 1, 1, 1]);
        expect_silence(&client);
        let answer = server.ask(V1.to_owned() + &get("/"));
        assert!(answer.status == 400 && answer.text().contains("HTTPS"), "{answer:?}");
        assert_eq!(server.stop().connections_cut, 0);
    }

    #[test]
    fn a_trusted_proxy_may_come_by_tls_itself() {
        let pki = Pki::new("trusted");
        pki.issue("server", &["localhost"]);
        let server = start(ServerConfig { tls: Some(pki.config("server")), ..trusting("loopback") });
        assert!(ask(&server, &pki, b"", usize::MAX).ends_with(" https a"));
        server.stop();
    }
}
