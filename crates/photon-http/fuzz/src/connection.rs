//! A whole connection: where one request ends and the next begins, read in two ways that share no code.
//!
//! The second reader is short and slow and knows only the plainest messages. What it understands, Photon has to read in the
//! same way: if they differ, one request can hide in another.

use photon_http::{BodyDecoder, HeadDecoder, Limits, RequestHead};

use crate::choice;

/// Method, target and body of each request, and how many bytes they took.
type Requests = (Vec<(String, String, Vec<u8>)>, usize);

fn limits() -> Limits {
    Limits { max_body: 10_000, ..Limits::default() }
}

/// As the server does, with input that ends at each of these places in turn.
fn read(input: &[u8], ends: &[usize]) -> (Requests, Option<String>) {
    let (mut requests, mut start) = (Vec::new(), 0);
    let (mut decoder, mut head) = (HeadDecoder::default(), RequestHead::default());
    let mut body: Option<(BodyDecoder, Vec<u8>)> = None;
    for &end in ends {
        loop {
            if let Some((decoder, bytes)) = &mut body {
                match decoder.decode(&input[start..end], bytes) {
                    Ok(used) => start += used,
                    Err(error) => return ((requests, 0), Some(error.to_string())),
                }
                if !decoder.is_done() {
                    break;
                }
                let bytes = std::mem::take(bytes);
                requests.push((head.method.to_string(), head.target().to_owned(), bytes));
                body = None;
            }
            match decoder.decode(&input[start..end], &limits(), &mut head) {
                Ok(None) => break,
                Err(error) => return ((requests, 0), Some(error.to_string())),
                Ok(Some(decoded)) => {
                    start += decoded.consumed;
                    body = Some((BodyDecoder::new(decoded.framing, &limits()), Vec::new()));
                }
            }
        }
    }
    ((requests, start), None)
}

/// The same for plain messages; `None` for what it does not understand or what is not complete.
fn read_plainly(input: &[u8]) -> Option<Requests> {
    let (mut requests, mut start) = (Vec::new(), 0);
    while start < input.len() {
        let head_length = input[start..].windows(4).position(|four| four == b"\r\n\r\n")? + 4;
        let head = std::str::from_utf8(&input[start..start + head_length]).ok()?;
        start += head_length;
        let mut lines = head.trim_end_matches("\r\n").split("\r\n");
        let mut words = lines.next()?.split(' ');
        let (method, target) = (words.next()?, words.next()?);
        let is_plain = method.bytes().all(|byte| byte.is_ascii_uppercase()) && !method.is_empty();
        if !is_plain || method == "CONNECT" || words.next() != Some("HTTP/1.1") || words.next().is_some() {
            return None;
        }
        let (mut length, mut chunked) = (0, false);
        for line in lines {
            let (name, value) = line.split_once(": ")?;
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.parse().ok()?,
                "transfer-encoding" if value == "chunked" => chunked = true,
                "transfer-encoding" => return None,
                _ => {}
            }
        }
        let body = if chunked { chunks(input, &mut start)? } else { bytes(input, &mut start, length)? };
        requests.push((method.to_owned(), target.to_owned(), body));
    }
    Some((requests, start))
}

fn bytes(input: &[u8], start: &mut usize, length: usize) -> Option<Vec<u8>> {
    let body = input.get(*start..start.checked_add(length)?)?.to_vec();
    *start += length;
    Some(body)
}

fn chunks(input: &[u8], start: &mut usize) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = input[*start..].windows(2).position(|two| two == b"\r\n")?;
        let text = std::str::from_utf8(&input[*start..*start + line]).ok()?;
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let size = usize::from_str_radix(text, 16).ok()?;
        *start += line + 2;
        body.extend(bytes(input, start, size)?);
        if bytes(input, start, 2)? != b"\r\n" {
            return None;
        }
        if size == 0 {
            return Some(body);
        }
    }
}

/// The same requests and the same fault, though a fault in a head that is not complete may be noticed later.
fn same(split: &(Requests, Option<String>), whole: &(Requests, Option<String>)) {
    let is_late = split.0.0 == whole.0.0 && split.1.is_none() && whole.1.is_some();
    assert!(split == whole || is_late, "{split:?} in pieces, {whole:?} at once");
}

/// # Panics
/// If something does not hold.
pub fn check(data: &[u8]) {
    let (number, input) = choice(data);
    let whole = read(input, &[input.len()]);
    let at = if input.is_empty() { 0 } else { number * 7 % input.len() };
    same(&read(input, &[at, input.len()]), &whole);
    if input.len() < 300 {
        let everywhere: Vec<usize> = (0..=input.len()).collect();
        same(&read(input, &everywhere), &whole);
    }
    // Photon may refuse what the other takes, but never read it otherwise.
    if let ((requests, used), None) = &whole
        && *used == input.len()
        && let Some(plain) = read_plainly(input)
    {
        let is_absolute = plain.0.iter().any(|(_, target, _)| !target.starts_with('/'));
        assert!(is_absolute || plain.0 == *requests, "{plain:?} and {requests:?}");
        assert_eq!(plain.0.len(), requests.len());
    }
}
