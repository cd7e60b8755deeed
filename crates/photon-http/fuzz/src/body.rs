//! Bodies: splits change nothing, limits hold, and what was encoded is decoded.

use photon_http::{BodyDecoder, DecodeError, Framing, Limits, encode_chunk, encode_last_chunk};

use crate::choice;

fn limits() -> Limits {
    Limits { max_body: 500, max_chunk_extensions: 20, max_trailer_bytes: 60, ..Limits::default() }
}

/// The body, the bytes it took, and whether it is complete.
fn decode(framing: Framing, input: &[u8], ends: &[usize]) -> Result<(Vec<u8>, usize, bool), DecodeError> {
    let (mut decoder, mut body, mut used) = (BodyDecoder::new(framing, &limits()), Vec::new(), 0);
    for &end in ends {
        used += decoder.decode(&input[used..end.max(used)], &mut body)?;
    }
    Ok((body, used, decoder.is_done()))
}

/// # Panics
/// If something does not hold.
pub fn check(data: &[u8]) {
    let (number, input) = choice(data);
    let framing = if number % 4 == 0 { Framing::Length(number as u64 + 1) } else { Framing::Chunked };
    let whole = decode(framing, input, &[input.len()]);
    let everywhere: Vec<usize> = (0..=input.len()).collect();
    assert_eq!(decode(framing, input, &everywhere), whole, "byte by byte");
    let at = if input.is_empty() { 0 } else { number % input.len() };
    assert_eq!(decode(framing, input, &[at, input.len()]), whole, "split at {at}");
    if let Ok((body, used, done)) = &whole {
        assert!(body.len() as u64 <= limits().max_body && *used <= input.len());
        assert!(*done || *used == input.len(), "it stops before it is done");
        pieces(framing, input, body);
    }
    round_trip(number, input);
}

/// Taken piece by piece, a body is the same.
fn pieces(framing: Framing, input: &[u8], body: &[u8]) {
    let mut decoder = BodyDecoder::new(framing, &limits());
    let (mut at, mut taken) = (0, Vec::new());
    while let Ok((used, piece)) = decoder.next(&input[at..], 3) {
        at += used;
        taken.extend_from_slice(piece);
        assert!(piece.len() <= 3);
        if piece.is_empty() {
            break;
        }
    }
    assert_eq!(taken, body);
}

fn round_trip(number: usize, data: &[u8]) {
    let data = &data[..data.len().min(500)];
    let mut encoded = Vec::new();
    data.chunks(number % 50 + 1).for_each(|chunk| encode_chunk(&mut encoded, chunk));
    encode_last_chunk(&mut encoded);
    let length = encoded.len();
    encoded.extend_from_slice(b"GET / HTTP/1.1\r\n");
    assert_eq!(decode(Framing::Chunked, &encoded, &[encoded.len()]), Ok((data.to_vec(), length, true)));
}
