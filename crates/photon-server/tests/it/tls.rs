//! HTTPS against a client of rustls, with certificates that are made on the spot.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use photon_server::{ServerConfig, TlsConfig};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion, version};

use crate::support::{Running, get, pattern, start};

/// A directory of certificates, and the authority that signs them.
pub(crate) struct Pki {
    directory: PathBuf,
    authority: CertifiedIssuer<'static, KeyPair>,
}

impl Pki {
    pub(crate) fn new(name: &str) -> Self {
        let directory = std::env::temp_dir().join(format!("photon-tls-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let pki = Self { directory, authority };
        std::fs::write(pki.path("ca.pem"), pki.authority.pem()).unwrap();
        pki
    }

    fn path(&self, file: &str) -> PathBuf {
        self.directory.join(file)
    }

    /// Writes a certificate for these names, and its key; gives the certificate.
    pub(crate) fn issue(&self, file: &str, names: &[&str]) -> CertificateDer<'static> {
        let key = KeyPair::generate().unwrap();
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &self.authority).unwrap();
        std::fs::write(self.path(&format!("{file}.pem")), certificate.pem()).unwrap();
        std::fs::write(self.path(&format!("{file}.key")), key.serialize_pem()).unwrap();
        certificate.der().clone()
    }

    pub(crate) fn config(&self, file: &str) -> TlsConfig {
        TlsConfig::from_pem_files(self.path(&format!("{file}.pem")), self.path(&format!("{file}.key")))
            .unwrap()
    }

    pub(crate) fn client(&self, versions: &[&'static SupportedProtocolVersion]) -> ClientConfig {
        let builder = self.builder(versions);
        builder.with_no_client_auth()
    }

    fn builder(
        &self,
        versions: &[&'static SupportedProtocolVersion],
    ) -> rustls::ConfigBuilder<ClientConfig, rustls::client::WantsClientCert> {
        let mut roots = RootCertStore::empty();
        roots.add(self.authority.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots)
    }
}

impl Drop for Pki {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

pub(crate) const BOTH: &[&SupportedProtocolVersion] = &[&version::TLS13, &version::TLS12];

type Client = StreamOwned<ClientConnection, TcpStream>;

fn connect(server: &Running, config: ClientConfig, name: &str) -> Client {
    let stream = TcpStream::connect(server.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream.set_nodelay(true).unwrap();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    StreamOwned::new(ClientConnection::new(Arc::new(config), name).unwrap(), stream)
}

fn serve(tls: TlsConfig) -> Running {
    start(ServerConfig { tls: Some(tls), ..ServerConfig::default() })
}

/// The first answer, as far as its body goes.
fn ask(client: &mut Client, request: &str) -> String {
    client.write_all(request.as_bytes()).unwrap();
    answer(client)
}

fn answer(client: &mut Client) -> String {
    let mut received = Vec::new();
    let mut byte = [0];
    while !received.ends_with(b"\r\n\r\n") {
        client.read_exact(&mut byte).unwrap();
        received.push(byte[0]);
    }
    let head = String::from_utf8(received).unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    let mut body = vec![0; length.parse().unwrap()];
    client.read_exact(&mut body).unwrap();
    head + &String::from_utf8_lossy(&body)
}

#[test]
fn rfc9110_4_2_2_both_versions_serve_many_requests() {
    let pki = Pki::new("versions");
    pki.issue("server", &["localhost"]);
    let server = serve(pki.config("server"));
    for (versions, name) in [(&[&version::TLS12][..], "TLSv1.2"), (&[&version::TLS13], "TLSv1.3")] {
        let mut config = pki.client(versions);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let mut client = connect(&server, config, "localhost");
        for number in 0..20 {
            assert!(
                ask(&mut client, &get(&format!("/target/{number}"))).ends_with(&format!("/target/{number}"))
            );
        }
        assert!(ask(&mut client, &get("/tls")).ends_with(&format!("{name} localhost 0")));
        assert_eq!(client.conn.alpn_protocol(), Some(&b"http/1.1"[..]));
        // Also after a handler that has taken the request away; and targets are those of https now.
        ask(&mut client, &get("/taken/it"));
        let absolute = "GET https://localhost/tls HTTP/1.1\r\nHost: localhost\r\n\r\n";
        assert!(ask(&mut client, absolute).ends_with("localhost 0"));
        client.write_all(get("/target/1").repeat(50).as_bytes()).unwrap();
        (0..50).for_each(|_| assert!(answer(&mut client).ends_with("/target/1")));
        assert!(
            ask(&mut client, "GET http://localhost/ HTTP/1.1\r\nHost: localhost\r\n\r\n").contains(" 421 ")
        );
        // RFC 8446 §6.1: the end is said, so that nobody takes a cut for it.
        assert_eq!(client.read(&mut [0; 10]).unwrap(), 0);
    }
    assert_eq!(server.stop().connections_cut, 0);
}

#[test]
fn large_bodies_pass_both_ways_through_slow_clients() {
    let pki = Pki::new("large");
    pki.issue("server", &["localhost"]);
    let server = serve(pki.config("server"));
    let body = pattern(2 * 1024 * 1024);
    for path in ["/echo", "/pour"] {
        let mut client = connect(&server, pki.client(BOTH), "localhost");
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        client.write_all(head.as_bytes()).unwrap();
        // "/pour" answers meanwhile, more than the sockets hold; so both take turns.
        let mut received = Vec::new();
        client.sock.set_nonblocking(true).unwrap();
        let (mut sent, mut buffer, start) = (0, [0; 3000], Instant::now());
        loop {
            assert!(
                start.elapsed() < Duration::from_secs(30),
                "{path}: sent {sent}, received {}",
                received.len()
            );
            if sent < body.len()
                && let Ok(count) = client.write(&body[sent..(sent + 50_000).min(body.len())])
            {
                sent += count;
            }
            let _ = client.flush();
            match client.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => received.extend_from_slice(&buffer[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    std::thread::sleep(Duration::from_micros(200));
                }
                Err(error) => panic!("{path}: {error}"),
            }
        }
        let from = received.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
        if path == "/echo" {
            assert!(received[from..] == body, "{path}");
        } else {
            assert!(received.len() > body.len() && received.ends_with(b"0\r\n\r\n"), "{path}");
        }
    }
    server.stop();
}

#[test]
fn rfc6066_3_the_name_chooses_the_certificate() {
    let pki = Pki::new("sni");
    let default = pki.issue("default", &["localhost"]);
    let other = pki.issue("other", &["other.example", "*.wild.example"]);
    let tls = pki.config("default").and_pem_files(pki.path("other.pem"), pki.path("other.key")).unwrap();
    let server = serve(tls);
    for (name, certificate) in
        [("localhost", &default), ("other.example", &other), ("a.wild.example", &other)]
    {
        let mut client = connect(&server, pki.client(BOTH), name);
        assert!(ask(&mut client, &get("/")).ends_with("hello"), "{name}");
        assert_eq!(client.conn.peer_certificates().unwrap().first(), Some(certificate), "{name}");
    }
    // Nobody's name gets the first certificate, which the client then refuses.
    let mut client = connect(&server, pki.client(BOTH), "a.b.wild.example");
    assert!(client.write_all(b"x").and_then(|()| client.flush()).is_err());
    server.stop();
}

#[test]
fn clients_may_have_to_show_a_certificate() {
    let (pki, strangers) = (Pki::new("clients"), Pki::new("strangers"));
    pki.issue("server", &["localhost"]);
    let (friend, stranger) = (pki.issue("friend", &["friend"]), strangers.issue("stranger", &["stranger"]));
    let identified = |pki: &Pki, file: &Path, certificate: &CertificateDer<'static>| {
        let key = PrivateKeyDer::from_pem_file(file).unwrap();
        pki.builder(BOTH).with_client_auth_cert(vec![certificate.clone()], key).unwrap()
    };
    for required in [false, true] {
        let tls = pki.config("server");
        let authorities = pki.path("ca.pem");
        let tls = if required {
            tls.require_client_certificates(authorities)
        } else {
            tls.accept_client_certificates(authorities)
        };
        let server = serve(tls.unwrap());
        let mut client = connect(&server, identified(&pki, &pki.path("friend.key"), &friend), "localhost");
        assert!(ask(&mut client, &get("/tls")).ends_with("localhost 1"));
        let mut client = connect(&server, pki.client(BOTH), "localhost");
        let served = client.write_all(get("/").as_bytes()).is_ok() && client.read_exact(&mut [0; 5]).is_ok();
        assert_eq!(served, !required);
        let config = identified(&pki, &strangers.path("stranger.key"), &stranger);
        let mut client = connect(&server, config, "localhost");
        assert!(!(client.write_all(get("/").as_bytes()).is_ok() && client.read_exact(&mut [0; 5]).is_ok()));
        server.stop();
    }
}

#[test]
fn certificates_are_renewed_while_connections_stay() {
    let pki = Pki::new("reload");
    let first = pki.issue("server", &["localhost"]);
    let server = serve(pki.config("server"));
    let mut old = connect(&server, pki.client(BOTH), "localhost");
    assert!(ask(&mut old, &get("/")).ends_with("hello"));
    let shown = |client: &Client| client.conn.peer_certificates().unwrap().first().cloned();
    assert_eq!(shown(&old), Some(first.clone()));
    // Something that is no certificate leaves the first one in force.
    let good = std::fs::read(pki.path("server.pem")).unwrap();
    std::fs::write(pki.path("server.pem"), "nonsense").unwrap();
    std::thread::sleep(Duration::from_millis(1100));
    let mut client = connect(&server, pki.client(BOTH), "localhost");
    assert!(ask(&mut client, &get("/")).ends_with("hello"));
    assert_eq!(shown(&client), Some(first.clone()));
    std::fs::write(pki.path("server.pem"), good).unwrap();
    let second = pki.issue("server", &["localhost"]);
    assert_ne!(first, second);
    std::thread::sleep(Duration::from_millis(1100));
    let mut client = connect(&server, pki.client(BOTH), "localhost");
    assert!(ask(&mut client, &get("/")).ends_with("hello"));
    assert_eq!(shown(&client), Some(second));
    assert!(ask(&mut old, &get("/")).ends_with("hello"));
    server.stop();
}

#[test]
fn rfc7301_3_2_who_speaks_only_something_else_is_told_so() {
    let pki = Pki::new("alpn");
    pki.issue("server", &["localhost"]);
    let server = serve(pki.config("server"));
    let mut config = pki.client(BOTH);
    config.alpn_protocols = vec![b"h2".to_vec()];
    let mut client = connect(&server, config, "localhost");
    let error = client.write_all(b"x").and_then(|()| client.read_exact(&mut [0])).unwrap_err();
    assert!(error.to_string().contains("NoApplicationProtocol"), "{error}");
    let server_tls13 = serve(pki.config("server").only_tls13().unwrap());
    let mut client = connect(&server_tls13, pki.client(&[&version::TLS12]), "localhost");
    let error = client.write_all(b"x").and_then(|()| client.read_exact(&mut [0])).unwrap_err();
    assert!(error.to_string().contains("ProtocolVersion"), "{error}");
    server.stop();
    server_tls13.stop();
}

#[test]
fn what_is_no_tls_is_refused_in_words() {
    let pki = Pki::new("plain");
    pki.issue("server", &["localhost"]);
    let server = serve(pki.config("server"));
    let answer = server.ask(get("/"));
    assert_eq!(answer.status, 400);
    assert!(answer.text().contains("HTTPS"), "{}", answer.text());
    for garbage in [&[0x16, 3, 1, 0, 5, 1, 2, 3, 4, 5][..], &[0x16, 3, 1, 255, 255], &[0; 100], b"\x16"] {
        let mut client = server.client();
        client.send(garbage);
        client.stop_sending();
        client.rest();
    }
    let mut good = connect(&server, pki.client(BOTH), "localhost");
    assert!(ask(&mut good, &get("/")).ends_with("hello"));
    server.stop();
}

#[test]
fn a_handshake_has_the_time_of_a_head() {
    let pki = Pki::new("slow");
    pki.issue("server", &["localhost"]);
    let limit = Duration::from_millis(600);
    let config =
        ServerConfig { tls: Some(pki.config("server")), header_timeout: limit, ..ServerConfig::default() };
    let server = start(config);
    let mut client = server.client();
    let start = Instant::now();
    // A byte now and then buys no time.
    for byte in [0x16, 3, 1, 1, 0, 1] {
        if client.try_send([byte]).is_err() {
            break;
        }
        std::thread::sleep(limit / 4);
    }
    client.rest();
    assert!((limit..limit * 3).contains(&start.elapsed()), "{:?}", start.elapsed());
    // A handshake byte by byte succeeds if it is quick enough.
    let name = ServerName::try_from("localhost").unwrap();
    let mut tls = ClientConnection::new(Arc::new(pki.client(BOTH)), name).unwrap();
    let mut socket = TcpStream::connect(server.address).unwrap();
    socket.set_nodelay(true).unwrap();
    while tls.is_handshaking() {
        let mut records = Vec::new();
        while tls.wants_write() {
            tls.write_tls(&mut records).unwrap();
        }
        records.chunks(3).for_each(|piece| socket.write_all(piece).unwrap());
        if tls.wants_read() {
            tls.read_tls(&mut socket).unwrap();
            tls.process_new_packets().unwrap();
        }
    }
    let mut client = StreamOwned::new(tls, socket);
    assert!(ask(&mut client, &get("/")).ends_with("hello"));
    server.stop();
}

#[test]
fn mistakes_in_the_files_name_the_file() {
    let pki = Pki::new("mistakes");
    pki.issue("one", &["localhost"]);
    pki.issue("two", &["localhost"]);
    std::fs::write(pki.path("empty"), "").unwrap();
    for (certificate, key, words) in [
        ("missing.pem", "one.key", "cannot read"),
        ("empty", "one.key", "empty: no certificate"),
        ("one.key", "one.key", "one.key: no certificate"),
        ("one.pem", "one.pem", "one.pem: no private key"),
        ("one.pem", "two.key", "two.key: not the key of the certificate in"),
    ] {
        let error = TlsConfig::from_pem_files(pki.path(certificate), pki.path(key)).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
    let error = pki.config("one").require_client_certificates(pki.path("empty")).unwrap_err();
    assert!(error.to_string().contains("empty: no certificate"), "{error}");
}
