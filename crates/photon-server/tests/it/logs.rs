//! What the server logs.

use std::io::{self, Write};
use std::sync::{Mutex, Once, PoisonError};
use std::time::Duration;

use photon_server::ServerConfig;

use crate::support::{get, start};

const UNFINISHED: &str = "a streamed body was not finished";

static WRITTEN: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Log;

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A line at a time; the other tests log a lot.
        if String::from_utf8_lossy(bytes).contains(UNFINISHED) {
            WRITTEN.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// From now on what is logged is remembered, whichever thread logs it.
fn remember() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::DEBUG);
        subscriber.with_ansi(false).with_writer(|| Log).init();
    });
}

/// The remembered lines about unfinished bodies that contain a text.
fn unfinished(text: &str) -> Vec<String> {
    let written = WRITTEN.lock().unwrap_or_else(PoisonError::into_inner);
    let lines = String::from_utf8_lossy(&written);
    lines.lines().filter(|line| line.contains(text)).map(str::to_owned).collect()
}

#[test]
fn a_client_cannot_fill_the_log_with_errors() {
    remember();
    let server = start(ServerConfig::default());
    let mut client = server.client();
    client.send("POST /pour HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert_eq!(client.head().status, 200);
    std::thread::sleep(Duration::from_millis(50));
    client.send("nonsense\r\n");
    client.rest();
    let lines = unfinished("body cannot be read");
    assert!(!lines.is_empty() && lines.iter().all(|line| line.contains("DEBUG")), "{lines:?}");

    let mut client = server.client();
    client.send(get("/broken"));
    client.rest();
    let lines = unfinished("as asked");
    assert!(!lines.is_empty() && lines.iter().all(|line| line.contains("ERROR")), "{lines:?}");
    server.stop();
}
