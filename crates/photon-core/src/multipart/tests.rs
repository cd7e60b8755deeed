//! Forms as a handler reads them, from bodies that are there and bodies that come.

use std::io::{self, ErrorKind, Read};

use bytes::Bytes;
use http::{Method, StatusCode};
use photon_http::MultipartLimits;
use serde_json::json;

use super::{BUFFER, Multipart};
use crate::{BodyError, BodyReader, HttpError, IncomingBody, Request};

/// A body that comes in pieces of so many bytes and may fail at its end.
struct Pieces {
    body: Bytes,
    size: usize,
    failure: Option<BodyError>,
}

impl IncomingBody for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.body.len().min(self.size).min(buffer.len());
        buffer[..count].copy_from_slice(&self.body.split_to(count));
        match self.failure {
            Some(failure) if count == 0 => Err(failure.into()),
            _ => Ok(count),
        }
    }

    fn read_all(&mut self) -> io::Result<Bytes> {
        unreachable!("a form is never read as a whole")
    }

    fn set_limit(&mut self, _bytes: u64) {}
}

fn form(parts: &[(&str, &str)]) -> String {
    let part = |(parameters, data): &(&str, &str)| {
        format!("--b\r\nContent-Disposition: form-data; {parameters}\r\n\r\n{data}\r\n")
    };
    parts.iter().map(part).collect::<String>() + "--b--\r\n"
}

fn request(body: impl Into<Bytes>) -> Request {
    let mut request = Request::new(Method::POST, "/");
    request.head.headers.append("content-type", "multipart/form-data; boundary=b");
    request.body = body.into();
    request
}

fn in_pieces(body: impl Into<Bytes>, size: usize, failure: Option<BodyError>) -> Multipart {
    let mut request = request("");
    request.set_incoming(Some(Box::new(Pieces { body: body.into(), size, failure })));
    request.multipart().unwrap()
}

#[test]
fn parts_are_read_one_after_another_however_they_come() {
    let large = "0123456789abcdef\r\n".repeat(BUFFER / 6);
    let body = form(&[("name=a", "one"), ("name=b; filename=f", &large), ("name=c", ""), ("name=a", "two")]);
    for size in [1, 7, BUFFER - 1, usize::MAX] {
        let mut form = in_pieces(format!("{body}epilogue"), size, None);
        let mut seen = Vec::new();
        while let Some(mut part) = form.next_part().unwrap() {
            let mut data = String::new();
            part.read_to_string(&mut data).unwrap();
            assert_eq!(part.read(&mut [0]).unwrap(), 0, "its end stays");
            seen.push((part.name().to_owned(), part.file_name().map(str::to_owned), data));
        }
        assert!(form.next_part().unwrap().is_none(), "its end stays");
        let part = |name: &str, file: Option<&str>, data: &str| {
            (name.to_owned(), file.map(str::to_owned), data.to_owned())
        };
        let expected = [
            part("a", None, "one"),
            part("b", Some("f"), &large),
            part("c", None, ""),
            part("a", None, "two"),
        ];
        assert!(
            seen == expected,
            "in pieces of {size}: {:?}",
            seen.iter().map(|part| part.2.len()).collect::<Vec<_>>()
        );
    }
}

#[test]
fn what_is_not_read_of_a_part_is_skipped() {
    let large = "x".repeat(3 * BUFFER);
    let mut form =
        request(form(&[("name=a", &large), ("name=b", "12345"), ("name=c", "c")])).multipart().unwrap();
    assert_eq!(form.next_part().unwrap().unwrap().name(), "a");
    let mut part = form.next_part().unwrap().unwrap();
    assert_eq!(part.name(), "b");
    assert_eq!(part.read(&mut [0; 2]).unwrap(), 2);
    assert_eq!(part.read(&mut []).unwrap(), 0);
    assert_eq!(part.bytes(10).unwrap(), "345");
    assert_eq!(form.next_part().unwrap().unwrap().name(), "c");
    assert!(form.next_part().unwrap().is_none());
}

#[test]
fn a_part_has_the_limit_that_its_reader_sets() {
    let body = form(&[("name=a", "12345"), ("name=b", "ok")]);
    let mut form = request(body).multipart().unwrap();
    let error = form.next_part().unwrap().unwrap().bytes(4).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::FileTooLarge);
    let error = HttpError::from(error);
    assert_eq!(
        (error.status(), error.detail()),
        (StatusCode::PAYLOAD_TOO_LARGE, &json!("a part of the form holds more than 4 bytes"))
    );
    // Whoever goes on all the same is not confused by it.
    let part = form.next_part().unwrap().unwrap();
    assert_eq!(part.name(), "b");
    assert_eq!(part.text(2).unwrap(), "ok");
}

#[test]
fn a_text_is_utf8() {
    let mut body = form(&[("name=a", "\u{e4}?")]).into_bytes();
    let at = body.iter().position(|&byte| byte == b'?').unwrap();
    assert_eq!(
        request(body.clone()).multipart().unwrap().next_part().unwrap().unwrap().text(9).unwrap(),
        "\u{e4}?"
    );
    body[at] = 0xff;
    let error = request(body).multipart().unwrap().next_part().unwrap().unwrap().text(9).unwrap_err();
    assert_eq!(HttpError::from(error).status(), StatusCode::BAD_REQUEST);
}

#[test]
fn another_content_type_is_refused_and_the_body_kept() {
    for (content_type, status) in [
        (None, 415),
        (Some("application/json"), 415),
        (Some("multipart/form-data"), 400),
        (Some("multipart/form-data; boundary=\"b \""), 400),
        (Some("multipart/form-data; boundary"), 400),
    ] {
        let mut request = Request::new(Method::POST, "/");
        if let Some(content_type) = content_type {
            request.head.headers.append("content-type", content_type);
        }
        request.body = "kept".into();
        assert_eq!(request.multipart().unwrap_err().status(), status, "{content_type:?}");
        assert_eq!(request.body, "kept");
    }
}

#[test]
fn errors_become_the_answers_that_clients_deserve() {
    let whole = form(&[("name=a", "12345"), ("name=b", "")]);
    let read = |form: &mut Multipart| -> Result<(), HttpError> {
        while let Some(part) = form.next_part()? {
            part.bytes(100)?;
        }
        Ok(())
    };
    for (body, status, detail) in [
        (&whole[..40], 400, "the form ends before its last boundary (RFC 2046 §5.1.1)"),
        (&whole[..whole.len() - 50], 400, "the form ends before its last boundary (RFC 2046 §5.1.1)"),
        (&whole.replace("name=b", "x=b"), 400, "a part of the form has no name (RFC 7578 §4.2)"),
        (&whole.replace("--b--", "--b\r\n"), 413, "the form has more than 2 parts"),
    ] {
        let mut form = request(body.to_owned()).multipart().unwrap();
        form.set_part_limits(MultipartLimits { max_parts: 2, ..MultipartLimits::default() });
        for _ in 0..2 {
            let error = read(&mut form).unwrap_err();
            assert_eq!((error.status().as_u16(), error.detail()), (status, &json!(detail)), "{body}");
        }
    }
    let late = BodyError::new(StatusCode::REQUEST_TIMEOUT, "late");
    let mut form = in_pieces(whole[..whole.len() - 20].to_owned(), 10, Some(late));
    assert_eq!(read(&mut form).unwrap_err().status(), StatusCode::REQUEST_TIMEOUT);
    // Behind the last part it is an error too: the connection is of no more use.
    let mut form = in_pieces(whole, 10, Some(late));
    assert_eq!(read(&mut form).unwrap_err().status(), StatusCode::REQUEST_TIMEOUT);
}

#[test]
fn a_form_has_the_limit_of_its_body() {
    let body = form(&[("name=a", "12345")]);
    for (limit, allowed) in [(body.len() - 1, false), (body.len(), true)] {
        let mut form =
            Multipart::new("multipart/form-data; boundary=b", BodyReader::from(body.clone())).unwrap();
        form.set_limit(limit as u64);
        let outcome = form.next_part().map(|_| ()).map_err(|error| HttpError::from(error).status());
        assert_eq!(outcome, if allowed { Ok(()) } else { Err(StatusCode::PAYLOAD_TOO_LARGE) });
    }
}
