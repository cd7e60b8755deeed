//! Bodies: RFC 9112 §6 and §7.

use photon_http::{BodyDecoder, DecodeError, Framing, Limits};

/// The body and the bytes it took, or `None` if it is not complete.
fn decode(framing: Framing, input: &[u8]) -> Result<Option<(String, usize)>, DecodeError> {
    let mut body = Vec::new();
    let limits =
        Limits { max_body: 1000, max_chunk_extensions: 20, max_trailer_bytes: 40, ..Limits::default() };
    let mut decoder = BodyDecoder::new(framing, &limits);
    let used = decoder.decode(input, &mut body)?;
    Ok(decoder.is_done().then(|| (String::from_utf8(body).unwrap(), used)))
}

#[track_caller]
fn accept(input: &str, body: &str) {
    let end = input.find('|').unwrap();
    let bytes = input.replace('|', "");
    assert_eq!(decode(Framing::Chunked, bytes.as_bytes()), Ok(Some((body.to_owned(), end))), "{input:?}");
}

#[track_caller]
fn refuse(status: u16, inputs: &[&str]) {
    for input in inputs {
        match decode(Framing::Chunked, input.as_bytes()) {
            Err(error) => assert_eq!(error.status().as_u16(), status, "{input:?}"),
            Ok(other) => panic!("{input:?} gives {other:?}"),
        }
    }
}

#[test]
fn rfc9112_6_2_content_length() {
    assert_eq!(decode(Framing::Length(3), b"abcGET"), Ok(Some(("abc".into(), 3))));
    assert_eq!(decode(Framing::Length(3), b"ab"), Ok(None));
    assert_eq!(decode(Framing::None, b"ab"), Ok(Some((String::new(), 0))));
}

#[test]
fn rfc9110_15_5_14_a_body_has_a_limit_that_can_be_changed() {
    for (framing, input) in [(Framing::Length(1001), &b""[..]), (Framing::Chunked, b"3e9\r\n")] {
        assert_eq!(decode(framing, input), Err(DecodeError::BodyTooLarge(1000)), "{framing:?}");
        let mut decoder = BodyDecoder::new(framing, &Limits { max_body: 1000, ..Limits::default() });
        decoder.set_max_body(1001);
        assert_eq!(decoder.next(input, 10), Ok((input.len(), &b""[..])), "{framing:?}");
        assert_eq!(decoder.expected(), 1001);
        decoder.set_max_body(999);
        assert_eq!(decoder.next(b"x", 10), Err(DecodeError::BodyTooLarge(999)), "{framing:?}");
    }
}

#[test]
fn a_body_can_be_taken_piece_by_piece() {
    let input = b"5\r\nhello\r\n3\r\nyou\r\n0\r\n\r\nrest";
    let mut decoder = BodyDecoder::new(Framing::Chunked, &Limits::default());
    let (mut at, mut pieces) = (0, Vec::new());
    while !decoder.is_done() {
        let (used, piece) = decoder.next(&input[at..], 4).unwrap();
        at += used;
        pieces.push(piece);
    }
    assert_eq!(pieces, [&b"hell"[..], b"o", b"you", b""]);
    assert_eq!(&input[at..], b"rest");
}

#[test]
fn rfc9112_7_1_chunks() {
    accept("0\r\n\r\n|", "");
    accept("000\r\n\r\n|rest", "");
    accept("3\r\nabc\r\n0\r\n\r\n|GET", "abc");
    accept("3\r\nabc\r\nA\r\n0123456789\r\n0000000000000000\r\n\r\n|", "abc0123456789");
    accept("b\r\n\r\n0\r\n\r\n\r\nxx\r\n0\r\n\r\n|", "\r\n0\r\n\r\n\r\nxx");
    assert_eq!(decode(Framing::Chunked, b"3\r\nabc\r\n0\r\n"), Ok(None));
}

#[test]
fn rfc9112_7_1_chunk_sizes() {
    refuse(
        400,
        &[
            "\r\n",
            " 3\r\n",
            "x\r\n",
            "-1\r\n",
            "+1\r\n",
            "0x3\r\n",
            "3 3\r\n",
            "3 \r\n",
            "3g\r\n",
            "\n",
            "00000000000000003\r\n",
            "11111111111111111\r\n",
            "3\n",
            "3\rabc",
            "3_\r\n",
            "3,\r\n",
        ],
    );
    refuse(413, &["3e9\r\n", "ffffffffffffffff\r\n"]);
    assert_eq!(decode(Framing::Chunked, b"3e8\r\n"), Ok(None));
    let first = "x".repeat(600);
    refuse(413, &[&format!("258\r\n{first}\r\n258\r\n")]);
}

#[test]
fn rfc9112_7_1_chunk_data_ends_with_crlf() {
    refuse(400, &["3\r\nabcd\r\n", "3\r\nabc\n0\r\n", "3\r\nabc\rx", "3\r\nabc0\r\n\r\n"]);
}

#[test]
fn rfc9112_7_1_1_extensions_are_dropped_and_bounded() {
    accept("3;a=b\r\nabc\r\n0;x\r\n\r\n|", "abc");
    accept("3 ;a=\"b c\"\r\nabc\r\n0\r\n\r\n|", "abc");
    accept("3 ; a = b ;c;d=\"\\\"\"\r\nabc\r\n0\r\n\r\n|", "abc");
    refuse(400, &["3;\r\n", "3;;a\r\n", "3;=\r\n", "3;a=\r\n", "3;a b\r\n", "3;a[=b\r\n", "3;a=\"b\r\n"]);
    refuse(400, &["3;a\nabc", "3;a\0\r\n", "3;a\rb", "3 x\r\n", "3;aaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n"]);
    refuse(400, &["1;aaaaaaaaaaaa\r\nx\r\n1;aaaaaaaaaaaa\r\nx\r\n"]);
}

#[test]
fn rfc9110_6_5_1_trailers_that_belong_in_the_header_are_refused() {
    for name in [
        "Content-Length",
        "transfer-encoding",
        "HOST",
        "Authorization",
        "Content-Type",
        "Cookie",
        "If-Unmodified-Since",
    ] {
        refuse(400, &[&format!("0\r\n{name}: x\r\n\r\n"), &format!("0\r\nA: b\r\n{name}: x\r\n\r\n")]);
    }
    for name in ["X-Checksum", "Server-Timing", "Hosts", "Content-Lengths", "Repr-Digest", "Contents"] {
        accept(&format!("0\r\n{name}: x\r\n\r\n|"), "");
    }
    let long = "x".repeat(25);
    accept(&format!("0\r\n{long}: x\r\n\r\n|"), "");
}

#[test]
fn rfc9112_7_1_2_trailers_are_checked_and_dropped() {
    accept("0\r\nA: b\r\nC:\r\n\r\n|", "");
    refuse(
        400,
        &["0\r\n A: b\r\n\r\n", "0\r\nA b\r\n\r\n", "0\r\nA : b\r\n\r\n", "0\r\n:b\r\n", "0\r\nA: b\n\r\n"],
    );
    refuse(400, &["0\r\nA: b\r\n c\r\n\r\n", "0\r\nA: \0\r\n\r\n", "0\r\n\n", "0\r\nA: b\rc", "0\r\n\rx"]);
    refuse(
        431,
        &[&format!("0\r\nA: {}\r\n\r\n", "b".repeat(60)), &"A: b\r\n".repeat(20).replacen('A', "0\r\nA", 1)],
    );
}
