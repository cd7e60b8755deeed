//! Forms: RFC 7578 and RFC 2046 §5.1.

use std::time::{Duration, Instant};

use photon_http::{Boundary, MultipartDecoder, MultipartError, MultipartEvent, MultipartLimits};

pub(crate) const DISPOSITION: &str = "Content-Disposition: form-data; name=\"a\"";

fn limits() -> MultipartLimits {
    MultipartLimits { max_parts: 3, max_header_bytes: 120, max_headers: 4 }
}

/// Name, file name, content type and data of each part.
pub(crate) type Parts = Vec<(String, Option<String>, Option<String>, String)>;

/// The parts that are complete, and how it ended. The input ends at each of these places in turn.
fn decode_split(
    boundary: &str,
    input: &[u8],
    ends: impl IntoIterator<Item = usize>,
    most: usize,
) -> (Parts, Result<(), MultipartError>) {
    let mut decoder = MultipartDecoder::new(&Boundary::new(boundary).unwrap(), limits());
    let (mut parts, mut at, mut open, mut ended) = (Parts::new(), 0, None, false);
    for end in ends {
        loop {
            let (used, event) = match decoder.next(&input[at..end], most) {
                Ok(next) => next,
                Err(error) => {
                    assert_eq!(decoder.finish(), Err(error));
                    assert_eq!(decoder.next(b"x", 1).map(|_| ()), Err(error), "it stays so");
                    return (parts, Err(error));
                }
            };
            at += used;
            match event {
                None => break,
                Some(MultipartEvent::Part(head)) => {
                    assert!(open.is_none() && !ended);
                    let kind = head.content_type().map(str::to_owned);
                    open =
                        Some((head.name().to_owned(), head.file_name().map(str::to_owned), kind, Vec::new()));
                }
                Some(MultipartEvent::Data(data)) => {
                    assert!(!data.is_empty() && data.len() <= most);
                    open.as_mut().unwrap().3.extend_from_slice(data);
                }
                Some(MultipartEvent::PartEnd) => {
                    let (name, file, kind, data) = open.take().unwrap();
                    parts.push((name, file, kind, String::from_utf8_lossy(&data).into_owned()));
                }
                Some(MultipartEvent::End) => {
                    assert!(open.is_none() && !ended);
                    ended = true;
                }
            }
        }
        assert_eq!(at, end, "all of the input is used");
    }
    let finished = decoder.finish();
    assert_eq!(finished.is_ok(), ended);
    (parts, finished)
}

pub(crate) fn decode(boundary: &str, input: &[u8]) -> Result<Parts, MultipartError> {
    let (parts, result) = decode_split(boundary, input, [input.len()], usize::MAX);
    result.map(|()| parts)
}

/// The data of the parts, which are all called `a`.
#[track_caller]
fn data(input: &str) -> Vec<String> {
    let input = input.replace('@', &format!("{DISPOSITION}\r\n"));
    decode("b", input.as_bytes())
        .unwrap_or_else(|error| panic!("{input:?}: {error}"))
        .into_iter()
        .map(|part| part.3)
        .collect()
}

#[track_caller]
pub(crate) fn refuse(error: MultipartError, inputs: &[&str]) {
    for input in inputs {
        let input = input.replace('@', &format!("{DISPOSITION}\r\n"));
        assert_eq!(decode("b", input.as_bytes()), Err(error), "{input:?}");
    }
}

#[test]
fn rfc2046_5_1_1_parts() {
    assert_eq!(data("--b\r\n@\r\none\r\n--b\r\n@\r\n\r\n--b\r\n@\r\nthree\r\n--b--"), ["one", "", "three"]);
    assert_eq!(data("--b--\r\n"), [""; 0]);
    // What only begins like a delimiter is data, and so is every other line end.
    let almost = "\r\n--\r\n\r\n-\r\r\n--\n--b\r--b\r\n --b\r\n--B\r\n";
    assert_eq!(data(&format!("--b\r\n@\r\n{almost}\r\n--b--")), [almost]);
    // `[CRLF *OCTET]`: the line end before a delimiter may be that of the header.
    assert_eq!(data("--b\r\n@\r\n--b\r\n@\r\nx\r\n--b--"), ["", "x"]);
    assert_eq!(data("--b\r\n@\r\n--x\r\n--b--"), ["--x"]);
    assert_eq!(data("--b\r\n@\r\n\r\n--x\r\n--b--"), ["\r\n--x"]);
}

#[test]
fn rfc2046_5_1_1_preamble_epilogue_and_padding_are_skipped() {
    assert_eq!(data("\r\n--b\r\n@\r\nx\r\n--b--"), ["x"]);
    assert_eq!(data("before --b--\r\n--x\r\n--b \t \r\n@\r\nx\r\n--b--\t\r\nafter\r\n--b\r\n@\r\ny"), ["x"]);
    assert_eq!(data("--b\r\n@\r\nx\r\n--b--  "), ["x"]);
}

#[test]
fn rfc2046_5_1_1_nothing_else_follows_a_boundary() {
    refuse(
        MultipartError::Delimiter,
        &[
            "--bb\r\n@\r\nx\r\n--b--",
            "--b\n@\r\nx\r\n--b--",
            "--b\r@\r\nx\r\n--b--",
            "--b -\r\n@\r\nx\r\n--b--",
            "--b-\r\n@\r\nx\r\n--b--",
            "--b\r\n@\r\nx\r\n--bx",
            "--b\r\n@\r\nx\r\n--b--x",
            "--b\r\n@\r\nx\r\n--b--\n",
            "--b\r\n@\r\nx\r\n--b---",
            "--b\r\n@\r\nx\r\n--b-- --b",
        ],
    );
}

#[test]
fn rfc2046_5_1_1_a_body_without_its_last_boundary_is_refused() {
    let whole = format!("--b\r\n{DISPOSITION}\r\n\r\nx\r\n--b--");
    for end in 0..whole.len() {
        assert_eq!(decode("b", &whole.as_bytes()[..end]), Err(MultipartError::Truncated), "{end}");
    }
    assert!(decode("b", whole.as_bytes()).is_ok());
    refuse(MultipartError::Truncated, &["", "--c\r\n@\r\nx\r\n--c--", "b--", "-- b--", " --b--"]);
}

#[test]
fn rfc2046_5_1_1_boundaries() {
    let longest = "x".repeat(70);
    for text in ["b", "-", "--", "a b", " b", "0'()+_,-./:=?z", longest.as_str()] {
        let boundary = Boundary::new(text).unwrap();
        let input = format!("--{text}\r\n{DISPOSITION}\r\n\r\nx\r\n--{text}--");
        assert_eq!(decode(boundary.as_str(), input.as_bytes()).unwrap().len(), 1, "{text:?}");
    }
    let too_long = "x".repeat(71);
    for text in ["", "b ", "ü", "a\"", "a\\", "a;", "a\r", "a\n", "a\0", "a\t", "*", too_long.as_str()] {
        assert_eq!(Boundary::new(text), Err(MultipartError::Boundary), "{text:?}");
    }
}

#[test]
fn limits_hold() {
    let part = "\r\n--b\r\n@\r\nx";
    assert_eq!(data(&format!("{}\r\n--b--", part.repeat(3))).len(), 3);
    refuse(MultipartError::TooManyParts(3), &[&part.repeat(4)]);
    refuse(MultipartError::TooManyHeaders(4), &["--b\r\n@A: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\n\r\n"]);
    // 120 bytes with the empty line.
    let header = format!("{DISPOSITION}\r\nX: ");
    let filled =
        |length: usize| format!("--b\r\n{header}{}\r\n\r\nx\r\n--b--", "y".repeat(length - header.len() - 4));
    assert!(decode("b", filled(120).as_bytes()).is_ok());
    refuse(
        MultipartError::HeaderTooLarge(120),
        &[&filled(121), &filled(500), &format!("--b\r\n{}", "y".repeat(120))],
    );
}

#[test]
fn statuses() {
    for (error, status) in [
        (MultipartError::NotFormData, 415),
        (MultipartError::Boundary, 400),
        (MultipartError::Truncated, 400),
        (MultipartError::TooManyParts(1), 413),
        (MultipartError::TooManyHeaders(1), 413),
        (MultipartError::HeaderTooLarge(1), 413),
    ] {
        assert_eq!(error.status(), status, "{error}");
    }
}

const INPUTS: &[&str] = &[
    "--bound\r\n@\r\none\r\n--bound\t \r\n@Content-Type: text/plain\r\n\r\n\r\n--bound--",
    "preamble\r\n--boun\r\n--bound\r\n@\r\n\r\r\n\r\n-\r\n--boun\r\n--boun\r\r\n--bound--\r\nepilogue\r\n--bound",
    "--bound\r\n@\r\n--bound\r\n@\r\n--boun\r\n--bound--",
    "\r\n--bound--",
    "--bound\r\n@\r\none\r\n--boundx",
    "--bound\r\n@\r\none\r\n--bound\r\n\r\n",
    "--bound\r\n@\none",
    "--bound\r\n@X: y\r\n\r\n",
    "--bound\r\n@X: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n\r\n",
    "--bound\r\n@\r\n1\r\n--bound\r\n@\r\n2\r\n--bound\r\n@\r\n3\r\n--bound\r\n@\r\n4",
    "--boun",
];

#[test]
fn splits_change_nothing() {
    for text in INPUTS {
        let input = text.replace('@', &format!("{DISPOSITION}\r\n")).into_bytes();
        let whole = decode_split("bound", &input, [input.len()], usize::MAX);
        for most in [1, 2, 5, usize::MAX] {
            assert_eq!(
                decode_split("bound", &input, 0..=input.len(), most),
                whole,
                "{text:?} byte by byte, {most}"
            );
            for at in 0..=input.len() {
                let split = decode_split("bound", &input, [at, input.len()], most);
                assert_eq!(split, whole, "{text:?} split at {at}, {most}");
            }
        }
    }
}

#[test]
fn no_more_than_a_delimiter_is_held_back() {
    let delimiter = "\r\n--bound";
    for length in 0..delimiter.len() {
        let input = format!("--bound\r\n{DISPOSITION}\r\n\r\ndata{}", &delimiter[..length]);
        let mut decoder = MultipartDecoder::new(&Boundary::new("bound").unwrap(), limits());
        let (mut at, mut given) = (0, 0);
        loop {
            let (used, event) = decoder.next(&input.as_bytes()[at..], usize::MAX).unwrap();
            at += used;
            match event {
                None => break,
                Some(MultipartEvent::Data(data)) => given += data.len(),
                Some(_) => {}
            }
        }
        assert_eq!((at, given), (input.len(), 4));
        // The rest comes as soon as it is no delimiter.
        match decoder.next(b"!", usize::MAX) {
            Ok((0, Some(MultipartEvent::Data(data)))) => assert_eq!(data, &delimiter.as_bytes()[..length]),
            Ok((1, Some(MultipartEvent::Data(b"!")))) => assert_eq!(length, 0),
            other => panic!("{other:?} after {length} bytes"),
        }
    }
}

/// The time for so many bytes of one pattern in a part, taken in pieces of this size.
fn time(pattern: &[u8], length: usize, most: usize) -> Duration {
    let mut input = format!("--{}\r\n{DISPOSITION}\r\n\r\n", "b".repeat(70)).into_bytes();
    let begin = input.len();
    input.extend(pattern.iter().cycle().take(length));
    let mut decoder = MultipartDecoder::new(&Boundary::new(&"b".repeat(70)).unwrap(), limits());
    let (start, mut at, mut given) = (Instant::now(), 0, 0);
    while let (used, Some(event)) = decoder.next(&input[at..], most).unwrap() {
        at += used;
        if let MultipartEvent::Data(data) = event {
            given += data.len();
        }
    }
    assert!(input.len() - begin - given < 74);
    start.elapsed()
}

#[test]
fn near_misses_take_linear_time() {
    let miss = format!("\r\n--{}", "b".repeat(69));
    // A search that begins anew for each piece or each near miss would take minutes.
    for pattern in [&b"\r"[..], b"\r\n", b"\r\n-", b"\r\n--", b"b", b"-", miss.as_bytes()] {
        for (length, most) in [(1 << 17, 1), (1 << 21, 100), (1 << 21, usize::MAX)] {
            let time = time(pattern, length, most);
            assert!(time.as_secs() < 10, "{} takes {time:?} by {most}", pattern.escape_ascii());
        }
    }
}
