//! What proxies say of clients: nothing panics, splits change nothing, and a client changes nothing of what a proxy has put
//! behind its words.

use std::net::SocketAddr;

use photon_http::{
    ClientAddr, MAX_PROXY_HEADER, ProxyError, ProxyHeader, ProxySource, decode_proxy_header,
    forwarded_elements, x_forwarded_for, x_forwarded_host, x_forwarded_proto,
};

use crate::choice;

/// # Panics
/// If something does not hold.
pub fn check(data: &[u8]) {
    let (number, input) = choice(data);
    header(number, input);
    // Behind the signatures, which take long to be found.
    header(number, &[b"PROXY TCP", input].concat());
    header(number, &[b"\r\n\r\n\0\r\nQUIT\n", input].concat());
    // Values come without the bytes that no field value holds.
    let line: Vec<u8> =
        input.iter().copied().filter(|&byte| byte == b'\t' || byte >= b' ' && byte != 127).collect();
    fields(number, &line);
}

/// What bytes that end at one of `ends` are decoded to, if the decoder is called at each of them until it decides.
fn decode(input: &[u8], ends: impl IntoIterator<Item = usize>) -> Result<Option<ProxyHeader>, ProxyError> {
    for end in ends {
        if let Some(header) = decode_proxy_header(&input[..end])? {
            return Ok(Some(header));
        }
    }
    Ok(None)
}

fn header(number: usize, input: &[u8]) {
    let whole = decode_proxy_header(input);
    assert_eq!(decode(input, [number % (input.len() + 1), input.len()]), whole);
    assert_eq!(decode(input, 0..=input.len()), whole);
    // A decision is made while there is room for the header, and stays.
    assert!(whole != Ok(None) || input.len() < MAX_PROXY_HEADER);
    let more = decode_proxy_header(&[input, b"\nmore"].concat());
    assert!(whole == Ok(None) || more == whole, "{whole:?} and with more {more:?}");
    let Ok(Some(ProxyHeader { consumed, source })) = whole else { return };
    assert!((15..=input.len().min(MAX_PROXY_HEADER)).contains(&consumed));
    if input[0] == b'P' {
        let line = std::str::from_utf8(&input[..consumed]);
        assert!(consumed <= 107 && input[..consumed].ends_with(b"\r\n"));
        match source {
            ProxySource::Client(SocketAddr::V4(_)) => {
                assert!(line.is_ok_and(|line| line.starts_with("PROXY TCP4 ")))
            }
            ProxySource::Client(SocketAddr::V6(_)) => {
                assert!(line.is_ok_and(|line| line.starts_with("PROXY TCP6 ")))
            }
            ProxySource::Unknown => assert!(input.starts_with(b"PROXY UNKNOWN")),
            ProxySource::Proxy => panic!("version 1 has no LOCAL"),
        }
    } else {
        assert_eq!(consumed, 16 + usize::from(input[14]) * 256 + usize::from(input[15]));
        assert_eq!(source == ProxySource::Proxy, input[12] == 0x20);
    }
}

fn fields(number: usize, line: &[u8]) {
    let hops: Vec<_> = x_forwarded_for(line).collect();
    let commas = line.iter().filter(|&&byte| byte == b',').count();
    assert!(hops.len() <= commas + 1 && forwarded_elements(line).count() <= commas + 1);
    for client in hops.into_iter().flatten() {
        read_again(client);
    }
    for element in forwarded_elements(line).flatten() {
        element.client.into_iter().for_each(read_again);
        assert!(
            element.host.is_none_or(|host| !host.is_empty() && !host.contains(['/', '@', ' ', '"', '\\']))
        );
    }
    assert!(x_forwarded_host(line).is_none_or(|host| !host.contains([',', ' ', '/', '@'])));
    assert!(x_forwarded_proto(line).is_none_or(|scheme| line.len() <= scheme.as_str().len()));
    // What a proxy adds is read as it was meant, whatever stands before it.
    let added = ["192.0.2.7", "192.0.2.7:80", "[2001:db8::7]", "[2001:db8::7]:80", "192.0.2.7"][number % 5];
    let between: &[u8] = [&b","[..], b", "][number % 2];
    let last = x_forwarded_for(&[line, between, added.as_bytes()].concat()).next();
    assert_eq!(last.flatten().map(|client| client.to_string()), Some(plain(added)));
    let decoys = ["", ";by=\"a,b\"", ";x=\"\\\",\\\\\"", ";proto=https;host=\"a.example\""];
    for decoy in decoys {
        let element = format!("for=\"{added}\"{decoy}");
        let joined = [line, between, element.as_bytes()].concat();
        let last = forwarded_elements(&joined).next().flatten().and_then(|element| element.client);
        assert_eq!(last.map(|client| client.to_string()), Some(plain(added)), "{}", joined.escape_ascii());
        // And what stands before it as if nothing had been added.
        let rest: Vec<_> = forwarded_elements(&joined).skip(1).collect();
        assert_eq!(rest, forwarded_elements(line).collect::<Vec<_>>());
    }
}

/// An address without a port is written without brackets.
fn plain(text: &str) -> String {
    if text.ends_with(']') { text.trim_matches(['[', ']']).to_owned() } else { text.to_owned() }
}

/// What was read and is written is read as the same.
fn read_again(client: ClientAddr) {
    assert_eq!(client.ip, client.ip.to_canonical());
    let text = client.to_string();
    assert_eq!(x_forwarded_for(text.as_bytes()).next(), Some(Some(client)), "{text}");
}
