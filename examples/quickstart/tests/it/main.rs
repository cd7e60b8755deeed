//! The program from outside: its arguments, its port, its end.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Output, Stdio};

fn quickstart() -> Command {
    Command::new(env!("CARGO_BIN_EXE_quickstart"))
}

fn run(arguments: &[&str]) -> Output {
    quickstart().args(arguments).output().expect("quickstart runs")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("text")
}

/// A server on a free port, ended with the test.
struct Server {
    child: Child,
    port: u16,
}

impl Server {
    fn start() -> Self {
        let mut child = quickstart()
            .env("HOST", "127.0.0.1")
            .env("PORT", "0")
            .stderr(Stdio::piped())
            .spawn()
            .expect("quickstart starts");
        let mut first = String::new();
        BufReader::new(child.stderr.as_mut().expect("piped")).read_line(&mut first).expect("the address");
        let port = first.trim().rsplit(':').next().and_then(|port| port.parse().ok());
        Self { child, port: port.unwrap_or_else(|| panic!("no port in {first:?}")) }
    }

    fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).status();
        assert!(sent.expect("kill runs").success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn openapi_prints_and_writes_the_document() {
    let printed = run(&["openapi"]);
    assert!(printed.status.success());
    let document: serde_json::Value = serde_json::from_slice(&printed.stdout).expect("JSON");
    assert_eq!(document["openapi"], "3.1.0");
    let file = std::env::temp_dir().join(format!("quickstart-{}.json", std::process::id()));
    let path = file.to_str().expect("a path");
    assert!(run(&["openapi", "--output", path]).status.success());
    let written = std::fs::read(&file).expect("the file");
    std::fs::remove_file(&file).expect("it goes again");
    assert_eq!(text(&written), text(&printed.stdout));
    let refused = run(&["openapi", "--output", "/nowhere/openapi.json"]);
    assert!(!refused.status.success() && text(&refused.stderr).contains("/nowhere/openapi.json"));
}

#[test]
fn routes_prints_the_table() {
    let output = run(&["routes"]);
    let table = text(&output.stdout);
    assert!(output.status.success());
    assert!(
        table.lines().any(|line| line.split_whitespace().eq(["PUT", "/items/{id}", "update_item"])),
        "{table}"
    );
}

#[test]
fn unknown_arguments_are_explained() {
    let output = run(&["serve", "--fast"]);
    assert!(!output.status.success());
    let message = text(&output.stderr);
    assert!(message.contains("serve --fast") && message.contains("usage:"), "{message}");
    assert!(text(&run(&["--help"]).stdout).contains("openapi --output FILE"));
}

#[test]
fn a_taken_port_and_a_wrong_one_are_named() {
    let server = Server::start();
    let output = quickstart().env("PORT", server.port.to_string()).output().expect("quickstart runs");
    assert!(!output.status.success());
    let address = format!("127.0.0.1:{}", server.port);
    assert!(text(&output.stderr).contains(&address), "{}", text(&output.stderr));
    let output = quickstart().env("PORT", "http").output().expect("quickstart runs");
    assert!(text(&output.stderr).contains("PORT is \"http\""), "{}", text(&output.stderr));
}

#[test]
fn it_serves_until_it_is_told_to_stop() {
    let mut server = Server::start();
    let mut stream = TcpStream::connect(("127.0.0.1", server.port)).expect("a connection");
    stream.write_all(b"GET /items HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("a request");
    let mut response = [0; 512];
    let length = stream.read(&mut response).expect("a response");
    assert!(text(&response[..length]).starts_with("HTTP/1.1 200 OK\r\n"));
    server.signal("-TERM");
    // The idle connection is closed and the program ends well.
    assert_eq!(stream.read(&mut response).expect("an end"), 0);
    assert!(server.child.wait().expect("an end").success());
}
