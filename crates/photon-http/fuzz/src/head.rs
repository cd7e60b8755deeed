//! Request heads: nothing panics, splits change nothing, and what is accepted is what it seems to be.

use photon_http::{DecodeError, Decoded, Framing, HeadDecoder, Limits, RequestHead, Version};

use crate::choice;

fn limits(number: usize) -> Limits {
    match number % 3 {
        0 => Limits::default(),
        1 => Limits { max_request_line: 64, max_header_bytes: 128, max_headers: 4, ..Limits::default() },
        _ => Limits { max_headers: 40, ..Limits::default() },
    }
}

/// What a decoder said, in a form that can be compared.
type Outcome = Result<Option<(Decoded, String)>, DecodeError>;

fn decode(input: &[u8], ends: &[usize], limits: &Limits) -> Outcome {
    let (mut decoder, mut head) = (HeadDecoder::default(), RequestHead::default());
    for &end in ends {
        if let Some(decoded) = decoder.decode(&input[..end], limits, &mut head)? {
            return Ok(Some((decoded, format!("{head:?}"))));
        }
    }
    Ok(None)
}

/// # Panics
/// If something does not hold.
pub fn check(data: &[u8]) {
    let (number, input) = choice(data);
    let limits = limits(number);
    let whole = decode(input, &[input.len()], &limits);
    let at = if input.is_empty() { 0 } else { number % input.len() };
    same(input, &decode(input, &[at, input.len()], &limits), &whole);
    if input.len() <= 200 {
        let everywhere: Vec<usize> = (0..=input.len()).collect();
        same(input, &decode(input, &everywhere, &limits), &whole);
    }
    let mut head = RequestHead::default();
    let Ok(Some(decoded)) = HeadDecoder::default().decode(input, &limits, &mut head) else { return };
    accepted(&input[..decoded.consumed], &head, &decoded, &limits);
}

/// A head that is complete gives the same however it came. In one that is not, a fault may be noticed later if it comes in
/// pieces.
fn same(input: &[u8], split: &Outcome, whole: &Outcome) {
    let is_complete =
        input.windows(2).any(|two| two == b"\n\n") || input.windows(3).any(|three| three == b"\n\r\n");
    let is_late = !is_complete && *split == Ok(None) && whole.is_err();
    assert!(split == whole || is_late, "{split:?} in pieces, {whole:?} at once");
}

fn accepted(bytes: &[u8], head: &RequestHead, decoded: &Decoded, limits: &Limits) {
    assert!(bytes.ends_with(b"\r\n\r\n"));
    assert!(bytes.len() <= limits.max_head());
    assert!(head.headers.len() <= limits.max_headers + 1);
    // RFC 9112 §2.2: no line end of another kind, and no control character but the tab.
    let text = String::from_utf8_lossy(bytes);
    for line in text.split("\r\n") {
        assert!(!line.contains(['\r', '\n', '\0', '\u{7f}']), "{line:?}");
    }
    let hosts = head.headers.get_all("host").count();
    assert!(hosts == 1 || (hosts == 0 && head.version == Version::Http10), "{hosts} hosts");
    let target = head.target();
    assert!(target.starts_with('/') || target == "*", "{target}");
    assert!(target.bytes().all(|byte| byte.is_ascii_graphic()), "{target}");
    // RFC 9112 §6: never two ways to frame a body.
    let coded = head.headers.contains("transfer-encoding");
    let lengths = head.headers.get_all("content-length").count();
    assert!(lengths <= 1 && !(coded && lengths > 0));
    assert_eq!(decoded.framing == Framing::Chunked, coded);
    reads_like_httparse(bytes, head, limits);
}

/// An independent parser, and a more lenient one, makes the same of what is accepted.
fn reads_like_httparse(bytes: &[u8], head: &RequestHead, limits: &Limits) {
    let mut fields = vec![httparse::EMPTY_HEADER; limits.max_headers];
    let mut request = httparse::Request::new(&mut fields);
    let parsed = request.parse(bytes);
    if parsed == Err(httparse::Error::Version) {
        // It knows no higher minor versions.
        assert_eq!(head.version, Version::Http11);
        return;
    }
    assert_eq!(parsed, Ok(httparse::Status::Complete(bytes.len())));
    assert_eq!(request.method, Some(head.method.as_str()));
    assert_eq!(request.version, Some(u8::from(head.version == Version::Http11)));
    let target = request.path.unwrap();
    if target.starts_with('/') {
        assert_eq!(target, head.target());
        // A target in absolute form replaces `Host`.
        let read: Vec<_> = request.headers.iter().map(|field| (field.name, field.value)).collect();
        assert_eq!(read, head.headers.iter().collect::<Vec<_>>());
    }
}
