//! The same bytes give the same result however they are split: at every position, and byte by
//! byte. A difference would be a request that means one thing on a slow line and another on a
//! fast one.

use http::Method;
use photon_http::{BodyDecoder, DecodeError, Decoded, Framing, HeadDecoder, Limits, RequestHead};

const HEADS: &[&str] = &[
    "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "\r\nPOST http://b/c?d HTTP/1.1\r\nHost: b\r\nContent-Length: 7\r\nExpect: 100-continue\r\n\r\nrest",
    "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    "GET / HTTP/2.0\r\n\r\n",
    "GET / HTTP/7\r\n\r\n",
    "GET / HTTP/1.1\nHost: a\n\n",
    "GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n z\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n",
    "GET /aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\0aaaaaaaaaaaaaaaaaa HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nA: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\nE: 5\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nA: 1\r\nB: 2\r\nC: 3\r\nD: 4\nE: 5\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nA: 11111111111111111111111111111111111111111111111111111111111111111111\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nA: 1111111111111111111111111111111111111111111111111\0aaa111111111111111\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999\r\n\r\n",
    "\r\n\r\n",
    "\r\r\n",
    "GET https://b/ HTTP/1.1\r\nHost: b\r\n\r\n",
    "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n",
    "GGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGG / HTTP/1.1\r\n\r\n",
    "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n",
];

const CHUNKED: &[&str] = &[
    "3\r\nabc\r\n0\r\n\r\nGET / HTTP/1.1",
    "3;x=y\r\nabc\r\n00A ;z\r\n0123456789\r\n0\r\nA: b\r\n\r\n",
    "3\r\nabcd\r\n",
    "3\nabc",
    "ffff\r\n",
    "1;xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\na\r\n",
    "0\r\nA: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\r\n\r\n",
    "0\r\nA b\r\n\r\n",
    "0\r\nHost: b\r\n\r\n",
];

fn limits() -> Limits {
    Limits {
        max_request_line: 64,
        max_header_bytes: 80,
        max_headers: 5,
        max_body: 100,
        max_chunk_extensions: 30,
        max_trailer_bytes: 30,
    }
}

type Head = Result<Option<(Decoded, Method, String, String)>, DecodeError>;

fn head(input: &[u8], ends: impl Iterator<Item = usize>) -> Head {
    let (mut decoder, mut head) = (HeadDecoder::default(), RequestHead::default());
    for end in ends {
        if let Some(decoded) = decoder.decode(&input[..end], &limits(), &mut head)? {
            let fields = format!("{:?}", head.headers);
            return Ok(Some((decoded, head.method.clone(), head.target().to_owned(), fields)));
        }
    }
    Ok(None)
}

#[test]
fn heads() {
    for input in HEADS.iter().map(|text| text.as_bytes()) {
        let whole = head(input, [input.len()].into_iter());
        assert_ne!(whole, Ok(None), "{}", input.escape_ascii());
        assert_eq!(head(input, 0..=input.len()), whole, "{} byte by byte", input.escape_ascii());
        for at in 0..=input.len() {
            let split = head(input, [at, input.len()].into_iter());
            assert_eq!(split, whole, "{} split at {at}", input.escape_ascii());
        }
    }
}

type Body = Result<(Vec<u8>, usize, bool), DecodeError>;

fn body(framing: Framing, input: &[u8], ends: impl Iterator<Item = usize>) -> Body {
    let (mut decoder, mut body, mut used) = (BodyDecoder::new(framing, &limits()), Vec::new(), 0);
    for end in ends {
        used += decoder.decode(&input[used..end], &mut body)?;
    }
    Ok((body, used, decoder.is_done()))
}

#[test]
fn bodies() {
    let chunked = CHUNKED.iter().map(|text| (Framing::Chunked, text.as_bytes()));
    for (framing, input) in chunked.chain([(Framing::Length(5), &b"hello, world"[..])]) {
        let whole = body(framing, input, [input.len()].into_iter());
        for at in 0..=input.len() {
            let split = body(framing, input, [at, input.len()].into_iter());
            assert_eq!(split, whole, "{} split at {at}", input.escape_ascii());
        }
        let bytes = body(framing, input, 0..=input.len());
        assert_eq!(bytes, whole, "{} byte by byte", input.escape_ascii());
    }
}
