//! Uploads of forms, whose parts are read while they arrive.

use std::thread::sleep;
use std::time::Duration;

use photon_server::{Limits, ServerConfig};

use crate::child;
use crate::support::{Client, Running, checksum, get, pattern, start};

const TYPE: &str = "Content-Type: multipart/form-data; boundary=\"a b\"";

/// The head of a request, with this path and this way to frame its body.
fn head(path: &str, framing: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: a\r\n{TYPE}\r\n{framing}\r\n\r\n")
}

fn with_length(path: &str, length: usize) -> String {
    head(path, &format!("Content-Length: {length}"))
}

fn part(parameters: &str, data: &[u8]) -> Vec<u8> {
    let head = format!("--a b\r\nContent-Disposition: form-data; {parameters}\r\n\r\n");
    [head.as_bytes(), data, b"\r\n"].concat()
}

const END: &[u8] = b"--a b--\r\n";

fn form() -> Vec<u8> {
    [part("name=text", b"one"), part("name=file; filename=f.bin", &pattern(1000)), END.to_vec()].concat()
}

fn listed() -> String {
    format!("text - 3 {}\nfile f.bin 1000 {}\n", checksum(b"one"), checksum(&pattern(1000)))
}

/// Whether the server closes the connection after what it has answered, or serves the next request.
#[track_caller]
fn is_closed(mut client: Client, connection: Option<&str>) -> bool {
    if connection == Some("close") {
        return true;
    }
    client.send(get("/target"));
    assert_eq!(client.answer().text(), "/target");
    false
}

#[track_caller]
#[test]
fn a_form_is_read_however_it_comes() {
    let server = start(ServerConfig::default());
    let body = form();
    let chunks = |size: usize| -> Vec<u8> {
        let chunk = |piece: &[u8]| [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat();
        body.chunks(size).flat_map(chunk).chain(*b"0\r\n\r\n").collect()
    };
    let mut client = server.client();
    for path in ["/form", "/form/1000"] {
        client.send([with_length(path, body.len()).as_bytes(), &body].concat());
        assert_eq!(client.answer().text(), listed());
        for size in [1, 10, 5000] {
            client.send([head(path, "Transfer-Encoding: chunked").as_bytes(), &chunks(size)].concat());
            assert_eq!(client.answer().text(), listed(), "chunks of {size}");
        }
        // In pieces that end within delimiters and headers, and slower than they are read.
        client.send(with_length(path, body.len()));
        for piece in body.chunks(5) {
            client.send(piece);
            sleep(Duration::from_millis(1));
        }
        assert_eq!(client.answer().text(), listed());
    }
    server.stop();
}

/// The most memory that this process has had, in bytes.
fn peak_memory() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<usize>().unwrap() * 1024
}

#[track_caller]
fn upload(server: &Running, pieces: usize) {
    let piece = pattern(64 * 1024);
    let before = b"--a b\r\nContent-Disposition: form-data; name=file; filename=\"large.bin\"\r\n\r\n";
    let after = b"\r\n--a b--\r\n";
    let mut client = server.client();
    client.send(with_length("/form", before.len() + pieces * piece.len() + after.len()));
    client.send(before);
    for _ in 0..pieces {
        client.send(&piece);
    }
    client.send(after);
    let expected = format!("file large.bin {} {}\n", pieces * piece.len(), pieces as u64 * checksum(&piece));
    assert_eq!(client.answer().text(), expected);
}

#[test]
fn a_large_upload_takes_little_memory() {
    const TEST: &str = "multipart::a_large_upload_takes_little_memory";
    if !child::is_child(TEST) {
        return child::succeeds(TEST);
    }
    let server = start(ServerConfig::default());
    upload(&server, 16);
    let before = peak_memory();
    // 50 MiB.
    upload(&server, 800);
    let grown = peak_memory() - before;
    assert!(grown < 4 << 20, "{grown} bytes more");
    server.stop();
}

#[test]
fn a_client_sends_no_faster_than_parts_are_read() {
    let limits = Limits { max_body: u64::MAX, ..Limits::default() };
    let server = start(ServerConfig { limits, ..ServerConfig::default() });
    let mut client = server.client();
    // Sent back to a client that does not read, so that the handler cannot go on.
    client.send(with_length("/form/pour", 1 << 40));
    client.send(part("name=a", b""));
    client.send("--a b\r\nContent-Disposition: form-data; name=b\r\n\r\n");
    let mut sending = client.second();
    sending.set_write_timeout(Some(Duration::from_millis(500))).unwrap();
    let (piece, mut sent) = (vec![b'x'; 64 * 1024], 0);
    while let Ok(count) = std::io::Write::write(&mut sending, &piece) {
        sent += count;
        assert!(sent < 1 << 28, "{sent} bytes were taken");
    }
    assert_eq!(server.ask(get("/")).text(), "hello");
    drop((client, sending));
    server.handle.abort();
    server.join();
}

#[test]
fn a_client_that_goes_in_the_middle_of_a_form_hurts_nobody() {
    let server = start(ServerConfig::default());
    let body = form();
    for path in ["/form", "/form/2000", "/form/pour"] {
        for end in [0, 3, 30, 60, body.len() - 500, body.len() - 5] {
            let mut client = server.client();
            client.send([with_length(path, body.len()).as_bytes(), &body[..end]].concat());
            sleep(Duration::from_millis(5));
            drop(client);
        }
    }
    // One that only stops sending is told.
    let mut client = server.client();
    client.send([with_length("/form", body.len()).as_bytes(), &body[..60]].concat());
    client.stop_sending();
    assert_eq!(client.answer().status, 400);
    drop(client);
    server.expect_no_connections("the form");
    assert_eq!(server.ask(get("/")).text(), "hello");
    server.stop();
}

#[test]
fn rfc9110_15_5_14_a_part_beyond_its_limit_is_told_413() {
    let server = start(ServerConfig::default());
    let small = form();
    let large = [part("name=file", &pattern(200_000)), END.to_vec()].concat();
    for (body, closed) in [(small, false), (large, true)] {
        let mut client = server.client();
        client.send(with_length("/form/999", body.len()));
        let _ = client.try_send(&body);
        let answer = client.answer();
        assert_eq!(
            (answer.status, answer.text()),
            (413, r#"{"detail":"a part of the form holds more than 999 bytes"}"#)
        );
        // What is left of a form is skipped if it is little.
        assert_eq!(is_closed(client, answer.field("connection")), closed, "{}", body.len());
    }
    server.stop();
}

#[test]
fn rfc2046_5_1_1_a_broken_form_is_told_400() {
    let server = start(ServerConfig::default());
    let goes_on = [part("name=a", b"x"), b"--a bc\r\n".to_vec(), END.to_vec()].concat();
    let other = form().into_iter().map(|byte| if byte == b' ' { b'_' } else { byte }).collect::<Vec<_>>();
    let unnamed = [part("filename=a", b"x"), END.to_vec()].concat();
    for (body, words) in [
        (goes_on, "a line of the form goes on after its boundary (RFC 2046 §5.1.1)"),
        (other, "the form ends before its last boundary (RFC 2046 §5.1.1)"),
        (part("name=a", b"x"), "the form ends before its last boundary (RFC 2046 §5.1.1)"),
        (unnamed, "a part of the form has no name (RFC 7578 §4.2)"),
    ] {
        let mut client = server.client();
        client.send([with_length("/form", body.len()).as_bytes(), &body].concat());
        let answer = client.answer();
        assert_eq!((answer.status, answer.text()), (400, format!(r#"{{"detail":"{words}"}}"#).as_str()));
        // Where the body ends is certain all the same.
        assert!(!is_closed(client, answer.field("connection")), "{words}");
    }
    server.stop();
}

#[test]
fn a_body_that_is_no_form_is_told_so_before_it_is_read() {
    let server = start(ServerConfig::default());
    for (content_type, status) in
        [("text/plain", 415), ("multipart/form-data", 400), ("multipart/form-data; boundary=\"\"", 400)]
    {
        let mut client = server.client();
        client.send(format!(
            "POST /form HTTP/1.1\r\nHost: a\r\nContent-Type: {content_type}\r\nContent-Length: 1000000\r\n\
             Expect: 100-continue\r\n\r\n"
        ));
        let answer = client.answer();
        assert_eq!((answer.status, answer.field("connection")), (status, Some("close")), "{content_type}");
        client.expect_close();
    }
    server.stop();
}
