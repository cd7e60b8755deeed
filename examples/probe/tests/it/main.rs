//! The probe as a program: what a panic costs, how a handler's backtrace reads, and what the environment decides.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;

struct Probe {
    child: Child,
    port: u16,
    log: JoinHandle<String>,
}

impl Probe {
    fn start() -> Self {
        Self::start_with(&[], "http")
    }

    /// Starts the program with more environment, and sees by which scheme it says that it is reached.
    fn start_with(environment: &[(&str, &Path)], scheme: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_probe"))
            .env("PORT", "0")
            .envs(environment.iter().copied())
            .env("RUST_BACKTRACE", "1")
            .stderr(Stdio::piped())
            .spawn()
            .expect("the probe starts");
        let mut log = BufReader::new(child.stderr.take().expect("piped"));
        let mut first = String::new();
        log.read_line(&mut first).expect("the address");
        let port = first.trim().rsplit(':').next().and_then(|port| port.parse().ok());
        let port = port.unwrap_or_else(|| panic!("no port in {first:?}"));
        assert!(first.contains(&format!(" on {scheme}://")), "{first:?}");
        // A full pipe would stop the program, so somebody reads all the time.
        let log = std::thread::spawn(move || {
            let mut text = String::new();
            log.read_to_string(&mut text).expect("text");
            text
        });
        Self { child, port, log }
    }

    fn connect(&self) -> TcpStream {
        TcpStream::connect(("127.0.0.1", self.port)).expect("a connection")
    }

    /// Ends the program and gives what it logged since it listened.
    fn stop(mut self) -> String {
        self.child.kill().expect("it can be ended");
        self.child.wait().expect("it ends");
        self.log.join().expect("the log is read")
    }
}

/// The status line of one exchange on a connection that stays open.
fn status(stream: &mut TcpStream, path: &str) -> String {
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("a request");
    let mut response = [0; 2048];
    let length = stream.read(&mut response).expect("a response");
    String::from_utf8_lossy(&response[..length]).lines().next().unwrap_or_default().to_owned()
}

#[test]
fn a_panic_costs_its_own_response_only() {
    let probe = Probe::start();
    let (mut panicking, mut other) = (probe.connect(), probe.connect());
    for _ in 0..20 {
        assert_eq!(status(&mut panicking, "/panic"), "HTTP/1.1 500 Internal Server Error");
        assert_eq!(status(&mut other, "/plaintext"), "HTTP/1.1 200 OK");
    }
    // The connection of the panic goes on as well.
    assert_eq!(status(&mut panicking, "/plaintext"), "HTTP/1.1 200 OK");
    probe.stop();
}

#[test]
fn a_backtrace_passes_few_files() {
    let probe = Probe::start();
    status(&mut probe.connect(), "/panic");
    let log = probe.stop();
    let files: BTreeSet<&str> = log
        .lines()
        .filter_map(|line| line.trim().strip_prefix("at "))
        .filter_map(|place| place.split_once("/crates/photon"))
        .filter_map(|(_, file)| file.split(':').next())
        .collect();
    assert!(log.contains("a probe asked for this panic"), "{log}");
    assert!((1..=6).contains(&files.len()), "{files:#?}");
}

#[test]
fn the_environment_gives_the_certificate() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (certificate, key) = (directory.join("certificate.pem"), directory.join("key.pem"));
    std::fs::write(&certificate, made.cert.pem()).expect("a file");
    std::fs::write(&key, made.signing_key.serialize_pem()).expect("a file");
    let both = [("PHOTON_TLS_CERT", certificate.as_path()), ("PHOTON_TLS_KEY", key.as_path())];
    let probe = Probe::start_with(&both, "https");
    assert_eq!(status(&mut probe.connect(), "/plaintext"), "HTTP/1.1 400 Bad Request");
    probe.stop();

    for one in both {
        let program = Command::new(env!("CARGO_BIN_EXE_probe")).env("PORT", "0").envs([one]).output();
        let program = program.expect("the probe runs");
        let log = String::from_utf8_lossy(&program.stderr);
        assert!(!program.status.success() && log.contains("belong together"), "{log}");
    }
}

#[test]
fn the_environment_names_the_proxies() {
    let probe = Probe::start_with(
        &[
            ("PHOTON_TRUSTED_PROXIES", Path::new("loopback")),
            ("PHOTON_PROXY_FIELDS", Path::new("forwarded")),
            ("PHOTON_PROXY_PROTOCOL", Path::new("on")),
        ],
        "http",
    );
    for (header, forwarded, client) in [
        ("PROXY TCP4 192.0.2.7 127.0.0.1 5 80", "for=192.0.2.9", "192.0.2.7:5 http://localhost\n"),
        ("PROXY TCP4 127.0.0.1 127.0.0.1 5 80", "for=192.0.2.9;proto=https", "192.0.2.9 https://localhost\n"),
    ] {
        let mut stream = probe.connect();
        let request = format!(
            "{header}\r\nGET /client HTTP/1.1\r\nHost: localhost\r\nForwarded: {forwarded}\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).expect("a request");
        let mut response = String::new();
        stream.read_to_string(&mut response).expect("a response");
        assert!(response.ends_with(client), "{response}");
    }
    probe.stop();

    for (variables, words) in [
        (&[("PHOTON_TRUSTED_PROXIES", "10.0.0.1/8")][..], "10.0.0.0/8"),
        (&[("PHOTON_PROXY_PROTOCOL", "on")], "trusted proxies"),
    ] {
        let variables = variables.iter().copied();
        let program = Command::new(env!("CARGO_BIN_EXE_probe")).env("PORT", "0").envs(variables).output();
        let program = program.expect("the probe runs");
        let log = String::from_utf8_lossy(&program.stderr);
        assert!(!program.status.success() && log.contains(words), "{log}");
    }
}
