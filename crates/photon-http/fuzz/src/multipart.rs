//! Forms: splits change nothing, a second reader finds the same parts, and what was encoded is decoded.
//!
//! The second reader has the whole body before it, is slow, and shares no code with Photon.

use photon_http::{Boundary, MultipartDecoder, MultipartError, MultipartEvent, MultipartLimits};

use crate::choice;

const BOUNDARIES: [&str; 4] = ["b", "AaB03x", "--", "a b"];

fn limits(number: usize) -> MultipartLimits {
    match number / 4 % 2 {
        0 => MultipartLimits::default(),
        _ => MultipartLimits { max_parts: 3, max_header_bytes: 100, max_headers: 3 },
    }
}

/// One part as it was read.
#[derive(Debug, Default, PartialEq)]
struct Part {
    name: String,
    file_name: Option<String>,
    fields: Vec<(String, Vec<u8>)>,
    data: Vec<u8>,
    complete: bool,
}

/// The parts, and how it ended.
type Outcome = (Vec<Part>, Result<(), MultipartError>);

/// With input that ends at each of these places in turn, and data in pieces of at most `most` bytes.
fn decode(number: usize, input: &[u8], ends: impl IntoIterator<Item = usize>, most: usize) -> Outcome {
    let boundary = Boundary::new(BOUNDARIES[number % 4]).expect("a boundary");
    let mut decoder = MultipartDecoder::new(&boundary, limits(number));
    let (mut parts, mut at, mut ended) = (Vec::<Part>::new(), 0, false);
    for end in ends {
        loop {
            let (used, event) = match decoder.next(&input[at..end], most) {
                Ok(next) => next,
                Err(error) => return (parts, Err(error)),
            };
            at += used;
            let open = parts.last().is_some_and(|part| !part.complete);
            match event {
                None => break,
                Some(MultipartEvent::Part(head)) => {
                    assert!(!open && !ended);
                    parts.push(Part {
                        name: head.name().to_owned(),
                        file_name: head.file_name().map(str::to_owned),
                        fields: head
                            .headers()
                            .iter()
                            .map(|(name, value)| (name.to_owned(), value.to_vec()))
                            .collect(),
                        ..Part::default()
                    });
                }
                Some(MultipartEvent::Data(data)) => {
                    assert!(open && !data.is_empty() && data.len() <= most);
                    parts.last_mut().expect("a part").data.extend_from_slice(data);
                }
                Some(MultipartEvent::PartEnd) => {
                    assert!(open);
                    parts.last_mut().expect("a part").complete = true;
                }
                Some(MultipartEvent::End) => {
                    assert!(!open && !ended);
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

fn split_once<'a>(text: &'a [u8], at: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let place = text.windows(at.len()).position(|window| window == at)?;
    Some((&text[..place], &text[place + at.len()..]))
}

/// Fields and data of each part; `None` for what is not in the form of RFC 2046 §5.1.1.
fn read_plainly(boundary: &str, input: &[u8]) -> Option<Vec<(Vec<(String, Vec<u8>)>, Vec<u8>)>> {
    let delimiter = format!("\r\n--{boundary}").into_bytes();
    // As if every body began with the line end that a delimiter needs.
    let input = [b"\r\n", input].concat();
    let (_, mut rest) = split_once(&input, &delimiter)?;
    let mut parts = Vec::new();
    loop {
        let is_last = rest.starts_with(b"--");
        let line = if is_last { &rest[2..] } else { rest };
        let padding = line.iter().position(|byte| !matches!(byte, b' ' | b'\t')).unwrap_or(line.len());
        let line = &line[padding..];
        if is_last {
            let ends_well = line.starts_with(b"\r\n") || line == b"\r" || line.is_empty();
            return ends_well.then_some(parts);
        }
        let mut block = line.strip_prefix(b"\r\n")?;
        let mut fields = Vec::new();
        loop {
            let (line, after) = split_once(block, b"\r\n")?;
            block = after;
            if line.is_empty() {
                break;
            }
            let (name, value) = split_once(line, b":")?;
            if value.iter().any(|byte| *byte == 0x7f || (*byte < b' ' && *byte != b'\t')) {
                return None;
            }
            let name = std::str::from_utf8(name).ok()?;
            if name.is_empty()
                || !name
                    .bytes()
                    .all(|byte| byte.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?={}".contains(&byte))
            {
                return None;
            }
            fields.push((name.to_owned(), value.trim_ascii().to_vec()));
        }
        // The line end of the header may be that of the next delimiter.
        let data = [b"\r\n", block].concat();
        let (found, after) = split_once(&data, &delimiter)?;
        parts.push((fields, found.strip_prefix(b"\r\n").unwrap_or_default().to_vec()));
        rest = &block[block.len() - after.len()..];
    }
}

/// The name that a header of the plainest kind gives to a part.
fn plain_name(fields: &[(String, Vec<u8>)]) -> Option<&str> {
    let [(name, value)] = fields else { return None };
    let text = std::str::from_utf8(value).ok()?.strip_prefix("form-data; name=\"")?.strip_suffix('"')?;
    let is_plain = name == "Content-Disposition" && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_plain.then_some(text)
}

fn is_limit(error: MultipartError) -> bool {
    error.status() == 413
}

/// # Panics
/// If something does not hold.
pub fn check(data: &[u8]) {
    let (number, input) = choice(data);
    let whole = decode(number, input, [input.len()], usize::MAX);
    let at = if input.is_empty() { 0 } else { number * 7 % input.len() };
    assert_eq!(decode(number, input, [at, input.len()], usize::MAX), whole, "split at {at}");
    assert_eq!(decode(number, input, [input.len()], number % 5 + 1), whole, "by {}", number % 5 + 1);
    if input.len() < 500 {
        assert_eq!(decode(number, input, 0..=input.len(), usize::MAX), whole, "byte by byte");
    }
    if input.len() < 60 {
        for at in 0..=input.len() {
            assert_eq!(decode(number, input, [at, input.len()], 2), whole, "split at {at}");
        }
    }
    let plain = read_plainly(BOUNDARIES[number % 4], input);
    match (&whole, plain) {
        ((parts, Ok(())), Some(plain)) => {
            assert_eq!(parts.len(), plain.len(), "{parts:?} and {plain:?}");
            for (part, (fields, data)) in parts.iter().zip(&plain) {
                assert_eq!((&part.fields, &part.data), (fields, data));
                assert!(part.complete);
                sensible(part);
                assert!(plain_name(fields).is_none_or(|name| name == part.name));
            }
        }
        ((_, Ok(())), None) => panic!("{whole:?} is accepted"),
        ((_, Err(error)), Some(plain)) => {
            let is_plain = plain.iter().all(|(fields, _)| plain_name(fields).is_some());
            assert!(!is_plain || is_limit(*error), "{plain:?} is refused: {error}");
        }
        ((_, Err(_)), None) => {}
    }
    let _ = Boundary::from_content_type(&String::from_utf8_lossy(input));
    round_trip(number, input);
}

/// A name holds nothing that its header did not.
fn sensible(part: &Part) {
    for name in [Some(&part.name), part.file_name.as_ref()].into_iter().flatten() {
        assert!(!name.contains(['\0', '\u{7f}', '\u{1b}']), "{name:?}");
    }
    let named = |name: &str| part.fields.iter().filter(|field| field.0.eq_ignore_ascii_case(name)).count();
    assert!(named("content-disposition") == 1 && named("content-type") <= 1);
}

/// As browsers encode it (HTML, "multipart/form-data encoding algorithm").
fn escape(name: &str) -> String {
    name.replace('\r', "%0D").replace('\n', "%0A").replace('"', "%22")
}

/// A form of any names and data, written as a browser does, is read as it was.
fn round_trip(number: usize, input: &[u8]) {
    let mut boundary = String::from("b");
    while split_once(input, boundary.as_bytes()).is_some() && boundary.len() < 70 {
        boundary.push('b');
    }
    let mut expected = Vec::new();
    let mut body = Vec::new();
    for piece in input.split(|byte| *byte == 0xff) {
        let (name, data) = split_once(piece, b"=").unwrap_or((piece, b""));
        let name = String::from_utf8_lossy(name);
        // What browsers and this decoder do not agree about: they escape neither backslashes nor percent signs. And
        // what stands in no header.
        let is_odd =
            |c: char| matches!(c, '\\' | '%') || (c.is_ascii_control() && !matches!(c, '\r' | '\n' | '\t'));
        if name.contains(is_odd) || split_once(data, boundary.as_bytes()).is_some() {
            continue;
        }
        let (file, shown) =
            if number % 2 == 0 { (Some(&name), escape(&name)) } else { (None, String::new()) };
        let file_name = file.map(|_| format!("; filename=\"{shown}\"")).unwrap_or_default();
        body.extend(
            format!(
                "--{boundary}\r\nContent-Disposition: form-data; name=\"{}\"{file_name}\r\n\r\n",
                escape(&name)
            )
            .bytes(),
        );
        body.extend_from_slice(data);
        body.extend(b"\r\n");
        expected.push((name.to_string(), file.map(ToString::to_string), data.to_vec()));
    }
    body.extend(format!("--{boundary}--\r\n").bytes());
    let mut decoder = MultipartDecoder::new(
        &Boundary::new(&boundary).expect("a boundary"),
        MultipartLimits { max_parts: 5000, max_header_bytes: 100_000, max_headers: 1 },
    );
    let (mut read, mut at) = (Vec::new(), 0);
    loop {
        let (used, event) = decoder.next(&body[at..], usize::MAX).expect("a form");
        at += used;
        match event {
            None => break,
            Some(MultipartEvent::Part(head)) => {
                read.push((head.name().to_owned(), head.file_name().map(str::to_owned), Vec::new()));
            }
            Some(MultipartEvent::Data(data)) => read.last_mut().expect("a part").2.extend_from_slice(data),
            Some(_) => {}
        }
    }
    assert_eq!(decoder.finish(), Ok(()));
    assert_eq!(read, expected);
}
