//! The header of the PROXY protocol, rule by rule (`proxy-protocol.txt` §2.1 and §2.2).

use std::net::Ipv6Addr;

use photon_http::{MAX_PROXY_HEADER, ProxyError, ProxyHeader, ProxySource, decode_proxy_header};

const SIGNATURE_2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

fn client(text: &str) -> ProxySource {
    ProxySource::Client(text.parse().unwrap())
}

/// A header of version 2 with this command, this family, and these bytes behind them.
fn binary(command: u8, family: u8, block: &[u8]) -> Vec<u8> {
    let length = u16::try_from(block.len()).unwrap().to_be_bytes();
    [SIGNATURE_2, &[0x20 | command, family], &length, block].concat()
}

fn tcp4() -> Vec<u8> {
    [&[192, 0, 2, 7][..], &[198, 51, 100, 1], &56324u16.to_be_bytes(), &443u16.to_be_bytes()].concat()
}

fn tcp6() -> Vec<u8> {
    let ip = |text: &str| text.parse::<Ipv6Addr>().unwrap().octets();
    let ports = [56324u16.to_be_bytes(), 443u16.to_be_bytes()].concat();
    [&ip("2001:db8::7")[..], &ip("2001:db8::1"), &ports].concat()
}

#[track_caller]
fn check(header: &[u8], source: ProxySource) {
    let expected = ProxyHeader { consumed: header.len(), source };
    let mut input = header.to_vec();
    input.extend_from_slice(b"GET / HTTP/1.1\r\n");
    assert_eq!(decode_proxy_header(&input), Ok(Some(expected)));
    for end in 0..header.len() {
        assert_eq!(decode_proxy_header(&header[..end]), Ok(None), "{end}");
    }
    for end in header.len()..input.len() {
        assert_eq!(decode_proxy_header(&input[..end]), Ok(Some(expected)), "{end}");
    }
}

/// The error comes, whatever follows, and no split makes a header of it.
#[track_caller]
fn refuse(input: &[u8], error: ProxyError) {
    assert_eq!(decode_proxy_header(input), Err(error), "{}", input.escape_ascii());
    let first = (0..=input.len()).find(|&end| decode_proxy_header(&input[..end]) != Ok(None)).unwrap();
    for end in first..=input.len() {
        assert_eq!(decode_proxy_header(&input[..end]), Err(error), "{end} of {}", input.escape_ascii());
    }
}

#[test]
fn proxy_v1_addresses() {
    for (line, source) in [
        ("TCP4 192.0.2.7 198.51.100.1 56324 443", client("192.0.2.7:56324")),
        ("TCP4 255.255.255.255 255.255.255.255 65535 65535", client("255.255.255.255:65535")),
        ("TCP4 0.0.0.0 0.0.0.0 0 0", client("0.0.0.0:0")),
        ("TCP6 2001:db8::7 2001:DB8::1 56324 443", client("[2001:db8::7]:56324")),
        ("TCP6 ::ffff:192.0.2.7 ::1 1 2", client("[::ffff:192.0.2.7]:1")),
        (
            "TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535",
            client("[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"),
        ),
    ] {
        check(format!("PROXY {line}\r\n").as_bytes(), source);
    }
}

#[test]
fn proxy_v1_unknown_ignores_the_rest_of_the_line() {
    let longest = format!("UNKNOWN {}", "f".repeat(107 - 16));
    for rest in ["UNKNOWN", "UNKNOWN ", "UNKNOWN a b c d e f g \u{e4}", &longest] {
        check(format!("PROXY {rest}\r\n").as_bytes(), ProxySource::Unknown);
    }
    assert_eq!(format!("PROXY {longest}\r\n").len(), 107);
}

#[test]
fn proxy_v1_refuses_what_does_not_match_exactly() {
    for rest in [
        "TCP4 192.0.2.7 198.51.100.1 56324",
        "TCP4 192.0.2.7 198.51.100.1 56324 443 ",
        "TCP4 192.0.2.7 198.51.100.1 56324 443 1",
        "TCP4  192.0.2.7 198.51.100.1 56324 443",
        "TCP4\t192.0.2.7 198.51.100.1 56324 443",
        " TCP4 192.0.2.7 198.51.100.1 56324 443",
        "tcp4 192.0.2.7 198.51.100.1 56324 443",
        "UDP4 192.0.2.7 198.51.100.1 56324 443",
        "TCP4 192.0.2.007 198.51.100.1 56324 443",
        "TCP4 192.0.2 198.51.100.1 56324 443",
        "TCP4 192.0.2.256 198.51.100.1 56324 443",
        "TCP4 ::1 ::1 56324 443",
        "TCP6 192.0.2.7 198.51.100.1 56324 443",
        "TCP6 2001:db8::7 198.51.100.1 56324 443",
        "TCP6 fe80::1%eth0 ::1 56324 443",
        "TCP6 [::1] ::1 56324 443",
        "TCP4 192.0.2.7 198.51.100.1 056324 443",
        "TCP4 192.0.2.7 198.51.100.1 00 443",
        "TCP4 192.0.2.7 198.51.100.1 +1 443",
        "TCP4 192.0.2.7 198.51.100.1 -1 443",
        "TCP4 192.0.2.7 198.51.100.1 1 65536",
        "TCP4 192.0.2.7 198.51.100.1 1 ",
        "TCP4 192.0.2.7 nonsense 1 2",
        "UNKNOWNx",
        "unknown",
        "",
    ] {
        refuse(format!("PROXY {rest}\r\n").as_bytes(), ProxyError::Line);
    }
}

#[test]
fn proxy_v1_ends_with_both_characters_of_its_line_end() {
    for input in [
        "PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\r\n",
        "PROXY UNKNOWN a\rb\r\n",
        "PROXY UNKNOWN\n\r\n",
    ] {
        refuse(input.as_bytes(), ProxyError::Line);
    }
}

#[test]
fn proxy_v1_has_107_bytes_at_most() {
    let line = format!("PROXY UNKNOWN {}\r\n", "f".repeat(107 - 15));
    assert_eq!(line.len(), 108);
    refuse(line.as_bytes(), ProxyError::TooLong(107));
    refuse(format!("PROXY {}", "1".repeat(5000)).as_bytes(), ProxyError::TooLong(107));
}

#[test]
fn proxy_v2_addresses() {
    check(&binary(1, 0x11, &tcp4()), client("192.0.2.7:56324"));
    check(&binary(1, 0x21, &tcp6()), client("[2001:db8::7]:56324"));
}

#[test]
fn proxy_v2_local_ignores_everything_else() {
    for (family, block) in [(0, &[][..]), (0x11, &tcp4()), (0x11, &[1]), (0xff, &[0; 300])] {
        check(&binary(0, family, block), ProxySource::Proxy);
    }
}

#[test]
fn proxy_v2_unspecified_unix_and_datagram_sources_are_unknown() {
    for (family, length) in
        [(0x00, 0), (0x00, 40), (0x01, 12), (0x10, 12), (0x12, 12), (0x22, 36), (0x31, 216), (0x32, 216)]
    {
        check(&binary(1, family, &vec![1; length]), ProxySource::Unknown);
    }
}

#[test]
fn proxy_v2_skips_what_is_added() {
    let added = [&tcp4()[..], &[0x04, 0, 3, 1, 2, 3], &[0xe0, 0xff]].concat();
    check(&binary(1, 0x11, &added), client("192.0.2.7:56324"));
    let longest = [tcp4(), vec![0; MAX_PROXY_HEADER - 16 - 12]].concat();
    check(&binary(1, 0x11, &longest), client("192.0.2.7:56324"));
}

#[test]
fn proxy_v2_refuses_other_versions_commands_families_and_lengths() {
    let with = |at: usize, byte: u8| {
        let mut header = binary(1, 0x11, &tcp4());
        header[at] = byte;
        header
    };
    for byte in [0x01, 0x11, 0x31, 0xf1] {
        refuse(&with(12, byte), ProxyError::Version);
    }
    for byte in [0x22, 0x2f] {
        refuse(&with(12, byte), ProxyError::Command);
    }
    for byte in [0x13, 0x41, 0xf0, 0x1f] {
        refuse(&with(13, byte), ProxyError::Family);
    }
    refuse(&binary(1, 0x11, &tcp4()[..11]), ProxyError::Addresses);
    refuse(&binary(1, 0x21, &tcp6()[..35]), ProxyError::Addresses);
    refuse(&binary(1, 0x21, &[]), ProxyError::Addresses);
    for command in [0, 1] {
        let long = binary(command, 0x11, &vec![0; MAX_PROXY_HEADER - 16 + 1]);
        refuse(&long, ProxyError::TooLong(MAX_PROXY_HEADER));
    }
}

#[test]
fn bytes_of_anything_else_are_refused_at_the_first_that_differs() {
    for input in ["GET / HTTP/1.1\r\n", "\r\nPROXY ", "PROXYTCP4 ", "proxy TCP4 ", "\x16\x03\x01", "PROX "] {
        refuse(input.as_bytes(), ProxyError::Signature);
    }
    assert_eq!(decode_proxy_header(b"G"), Err(ProxyError::Signature));
    let mut signature = SIGNATURE_2.to_vec();
    signature[11] = b'\r';
    refuse(&signature, ProxyError::Signature);
}
