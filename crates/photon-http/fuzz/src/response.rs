//! Responses: whatever a handler puts into fields, a message stays one message.

use http::StatusCode;
use photon_http::{BodyForm, BodyLength, DateLine, Headers, Reply, Version, encode_head};

use crate::choice;

/// # Panics
/// If something does not hold.
pub fn check(data: &[u8]) {
    let (number, rest) = choice(data);
    let mut headers = Headers::new();
    for line in rest.split(|&byte| byte == 0xff) {
        let at = line.iter().position(|&byte| byte == b'=').unwrap_or(line.len());
        let name = String::from_utf8_lossy(&line[..at]);
        let value = line.get(at + 1..).unwrap_or_default();
        let _ =
            if number % 2 == 0 { headers.try_append(&name, value) } else { headers.try_insert(&name, value) };
    }
    let version = if number & 4 == 0 { Version::Http11 } else { Version::Http10 };
    let reply = Reply { version, head: number & 8 != 0, keep_alive: number & 16 != 0 };
    let statuses = [200, 204, 304, 404, 500, 205, 299, 426];
    let status = StatusCode::from_u16(statuses[number >> 5]).expect("a status");
    let length = if number & 2 == 0 { BodyLength::Known(rest.len() as u64) } else { BodyLength::Unknown };
    let mut out = Vec::new();
    let (form, keep_alive) = encode_head(&mut out, reply, status, &headers, length, &DateLine::default());

    // One head, and only one, as somebody else reads it.
    let mut fields = vec![httparse::EMPTY_HEADER; headers.len() + 8];
    let mut response = httparse::Response::new(&mut fields);
    let parsed = response.parse(&out).expect("a head that others can read");
    assert_eq!(parsed, httparse::Status::Complete(out.len()));
    assert_eq!(response.code, Some(status.as_u16()));
    let named =
        |name: &str| response.headers.iter().filter(|field| field.name.eq_ignore_ascii_case(name)).count();
    assert!(named("content-length") <= 1 && named("transfer-encoding") <= 1 && named("connection") <= 1);
    assert!(named("content-length") + named("transfer-encoding") <= 1);
    if form == BodyForm::Chunked {
        assert_eq!(named("transfer-encoding"), 1);
    } else if !reply.head {
        assert_eq!(named("transfer-encoding"), 0);
    }
    assert!(keep_alive || named("connection") == 1);
    assert!(!(keep_alive && form == BodyForm::UntilClose));
    for (name, value) in headers.iter() {
        assert!(
            !name.is_empty() && !value.contains(&b'\r') && !value.contains(&b'\n') && !value.contains(&0)
        );
    }
}
