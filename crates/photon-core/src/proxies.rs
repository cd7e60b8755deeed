//! Which proxies are believed when they say whose request they forward, and in which header fields they say it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

/// The proxies in front of a server that are believed. By default there are none.
///
/// It is read from text: addresses, networks, `unix` for whoever comes by a Unix socket, and `loopback` for 127.0.0.0/8 and
/// `::1`, with commas or spaces between them. An address of IPv4 also stands for the one of IPv6 that wraps it
/// (`::ffff:192.0.2.7`), which is how a socket for both kinds sees it.
///
/// ```
/// use photon_core::TrustedProxies;
///
/// let proxies: TrustedProxies = "10.0.0.0/8, 2001:db8::7, unix".parse().unwrap();
/// assert!(proxies.trusts("10.1.2.3:4711".parse().ok()));
/// assert!(proxies.trusts("[::ffff:10.1.2.3]:4711".parse().ok()));
/// assert!(!proxies.trusts("192.0.2.1:4711".parse().ok()));
/// // Who has no address has come by a Unix socket.
/// assert!(proxies.trusts(None));
///
/// let mistake = "10.0.0.0/33".parse::<TrustedProxies>().unwrap_err();
/// assert_eq!(mistake.to_string(), "\"10.0.0.0/33\" is no trusted proxy: an IPv4 network has a prefix of 0 to 32 bits");
/// ```
///
/// Name the proxies as exactly as you can. Whoever connects from one of these addresses can claim to be anybody.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TrustedProxies {
    networks: Vec<Network>,
    unix: bool,
    fields: ForwardedFields,
}

/// The header fields in which trusted proxies say whose request they forward.
///
/// Only fields that every proxy in front of the server sets or removes can be believed, because a proxy passes on those
/// that it does not know, as the client sent them. So the fields of one kind are never mixed with those of the other.
///
/// ```
/// use photon_core::ForwardedFields;
///
/// let fields: ForwardedFields = "x-forwarded-for, x-forwarded-proto, x-forwarded-host".parse().unwrap();
/// assert_eq!(fields, ForwardedFields::XForwarded { proto: true, host: true });
/// assert_eq!("forwarded".parse(), Ok(ForwardedFields::Forwarded));
/// assert!("forwarded, x-forwarded-for".parse::<ForwardedFields>().is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ForwardedFields {
    /// `Forwarded` (RFC 7239).
    Forwarded,
    /// `X-Forwarded-For`, and of these two those that are true. The default is the first of them.
    XForwarded {
        /// `X-Forwarded-Proto`: the scheme.
        proto: bool,
        /// `X-Forwarded-Host`: the host.
        host: bool,
    },
}

impl Default for ForwardedFields {
    fn default() -> Self {
        Self::XForwarded { proto: true, host: false }
    }
}

/// A text that says nothing of trusted proxies. Its own text names the part that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProxiesError {
    /// An entry that is no address, no network and none of the words.
    Proxy {
        /// The entry.
        entry: String,
        /// What is wrong with it.
        mistake: String,
    },
    /// Header fields that do not go together, or that nobody knows.
    Fields(String),
}

impl fmt::Display for ProxiesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Proxy { entry, mistake } => write!(f, "{entry:?} is no trusted proxy: {mistake}"),
            Self::Fields(text) => write!(
                f,
                "{text:?} does not say which fields proxies set: it is forwarded, or x-forwarded-for with x-forwarded-proto \
                 and x-forwarded-host"
            ),
        }
    }
}

impl std::error::Error for ProxiesError {}

impl TrustedProxies {
    /// Believes these header fields instead of `X-Forwarded-For` and `X-Forwarded-Proto`.
    #[must_use]
    pub fn fields(self, fields: ForwardedFields) -> Self {
        Self { fields, ..self }
    }

    /// The header fields that are believed.
    #[must_use]
    pub fn forwarded_fields(&self) -> ForwardedFields {
        self.fields
    }

    /// Whether nobody is trusted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.networks.is_empty() && !self.unix
    }

    /// Whether the other end of a connection is trusted. `None` is one that has come by a Unix socket.
    #[must_use]
    pub fn trusts(&self, peer: Option<SocketAddr>) -> bool {
        peer.map_or(self.unix, |peer| self.trusts_ip(peer.ip()))
    }

    /// Whether a proxy with this address is trusted.
    #[must_use]
    pub fn trusts_ip(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        self.networks.iter().any(|network| network.contains(ip))
    }
}

impl FromStr for TrustedProxies {
    type Err = ProxiesError;

    fn from_str(text: &str) -> Result<Self, ProxiesError> {
        let mut proxies = Self::default();
        for entry in parts(text) {
            match entry {
                "unix" => proxies.unix = true,
                "loopback" => {
                    proxies.networks.push(Network { ip: Ipv4Addr::new(127, 0, 0, 0).into(), prefix: 8 });
                    proxies.networks.push(Network { ip: Ipv6Addr::LOCALHOST.into(), prefix: 128 });
                }
                _ => proxies.networks.push(
                    Network::parse(entry)
                        .map_err(|mistake| ProxiesError::Proxy { entry: entry.to_owned(), mistake })?,
                ),
            }
        }
        Ok(proxies)
    }
}

impl FromStr for ForwardedFields {
    type Err = ProxiesError;

    fn from_str(text: &str) -> Result<Self, ProxiesError> {
        let (mut forwarded, mut address, mut proto, mut host) = (false, false, false, false);
        for name in parts(text) {
            let field = match name.to_ascii_lowercase().as_str() {
                "forwarded" => &mut forwarded,
                "x-forwarded-for" => &mut address,
                "x-forwarded-proto" => &mut proto,
                "x-forwarded-host" => &mut host,
                _ => return Err(ProxiesError::Fields(text.to_owned())),
            };
            *field = true;
        }
        match (forwarded, address) {
            (true, false) if !proto && !host => Ok(Self::Forwarded),
            (false, true) => Ok(Self::XForwarded { proto, host }),
            _ => Err(ProxiesError::Fields(text.to_owned())),
        }
    }
}

/// What stands between commas and spaces.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split([',', ' ', '\t', '\n']).filter(|part| !part.is_empty())
}

/// The addresses that begin with the same bits. An IPv4 address is never one of IPv6.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Network {
    ip: IpAddr,
    prefix: u8,
}

impl Network {
    fn parse(entry: &str) -> Result<Self, String> {
        let (address, prefix) = entry.split_once('/').map_or((entry, None), |(ip, bits)| (ip, Some(bits)));
        let ip = address.parse::<IpAddr>();
        let ip = ip.map_err(
            |_| "it is no IP address, no network such as 10.0.0.0/8, no \"unix\" and no \"loopback\"",
        )?;
        let (version, most) = if ip.is_ipv4() { (4, 32) } else { (6, 128) };
        let digits = prefix.filter(|bits| bits.bytes().all(|byte| byte.is_ascii_digit()));
        let bits = match prefix {
            None => Some(most),
            Some(_) => digits.and_then(|bits| bits.parse().ok()).filter(|&bits| bits <= most),
        };
        let bits = bits.ok_or_else(|| format!("an IPv{version} network has a prefix of 0 to {most} bits"))?;
        let network = Self { ip, prefix: bits };
        let first = network.first();
        if first != ip {
            return Err(format!("it has bits beyond its prefix; the network is {first}/{bits}"));
        }
        Ok(network.canonical())
    }

    /// The first address: the one without bits beyond the prefix.
    fn first(&self) -> IpAddr {
        let prefix = u32::from(self.prefix);
        match self.ip {
            IpAddr::V4(ip) => Ipv4Addr::from_bits(ip.to_bits() & leading_ones(prefix, 32) as u32).into(),
            IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() & leading_ones(prefix, 128)).into(),
        }
    }

    /// The same network of IPv4, if it is one that is wrapped in IPv6.
    fn canonical(self) -> Self {
        match self.ip.to_canonical() {
            ip @ IpAddr::V4(_) if self.ip.is_ipv6() && self.prefix >= 96 => {
                Self { ip, prefix: self.prefix - 96 }
            }
            _ => self,
        }
    }

    fn contains(&self, ip: IpAddr) -> bool {
        self.ip.is_ipv4() == ip.is_ipv4() && Self { ip, prefix: self.prefix }.first() == self.ip
    }
}

/// As many ones as `count` at the upper end of a number of `width` bits.
fn leading_ones(count: u32, width: u32) -> u128 {
    let all = u128::MAX >> (128 - width);
    all & !all.checked_shr(count).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(text: &str) -> TrustedProxies {
        text.parse().unwrap()
    }

    #[test]
    fn networks_hold_the_addresses_of_their_prefix() {
        for (network, inside, outside) in [
            (
                "10.0.0.0/8",
                &["10.0.0.0", "10.255.255.255", "::ffff:10.1.2.3"][..],
                &["9.255.255.255", "11.0.0.0", "::"][..],
            ),
            ("192.0.2.7", &["192.0.2.7", "::ffff:192.0.2.7"], &["192.0.2.6", "192.0.2.8"]),
            ("192.0.2.8/31", &["192.0.2.8", "192.0.2.9"], &["192.0.2.7", "192.0.2.10"]),
            ("0.0.0.0/0", &["0.0.0.0", "255.255.255.255"], &["::1", "2001:db8::1"]),
            ("::/0", &["::1", "2001:db8::1"], &["192.0.2.7", "::ffff:192.0.2.7"]),
            ("2001:db8::/33", &["2001:db8:7fff::1"], &["2001:db8:8000::1", "2001:db7::1", "32.1.13.184"]),
            ("2001:db8::7", &["2001:db8::7"], &["2001:db8::6"]),
            ("::ffff:10.0.0.0/104", &["10.9.9.9"], &["11.0.0.0"]),
            ("::ffff:10.0.0.1", &["10.0.0.1", "::ffff:10.0.0.1"], &["10.0.0.2"]),
            ("loopback", &["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"], &["128.0.0.1", "::2"]),
        ] {
            let proxies = proxies(network);
            let trusts = |ip: &&str| proxies.trusts_ip(ip.parse().unwrap());
            assert!(inside.iter().all(trusts), "{network}");
            assert!(!outside.iter().any(trusts), "{network}");
            assert!(!proxies.trusts(None), "{network}");
        }
    }

    #[test]
    fn nobody_is_trusted_without_being_named() {
        for text in ["", " , ", "\t"] {
            assert_eq!(proxies(text), TrustedProxies::default());
            assert!(proxies(text).is_empty());
        }
        assert!(!TrustedProxies::default().trusts(None));
        let unix = proxies("unix");
        assert!(unix.trusts(None) && !unix.is_empty() && !unix.trusts("127.0.0.1:1".parse().ok()));
    }

    #[test]
    fn a_mistake_names_the_entry_and_what_is_wrong_with_it() {
        for (entry, words) in [
            ("proxy.example", "no IP address"),
            ("10.0.0.0:80", "no IP address"),
            ("10.0.0", "no IP address"),
            ("/8", "no IP address"),
            ("Unix", "no IP address"),
            ("10.0.0.0/", "prefix of 0 to 32 bits"),
            ("10.0.0.0/33", "prefix of 0 to 32 bits"),
            ("10.0.0.0/+8", "prefix of 0 to 32 bits"),
            ("10.0.0.0/255.0.0.0", "prefix of 0 to 32 bits"),
            ("::/129", "prefix of 0 to 128 bits"),
            ("10.0.0.1/8", "the network is 10.0.0.0/8"),
            ("2001:db8::1/32", "the network is 2001:db8::/32"),
        ] {
            let error = format!("127.0.0.1, {entry},unix").parse::<TrustedProxies>().unwrap_err().to_string();
            assert!(error.contains(words) && error.starts_with(&format!("{entry:?} is no")), "{error}");
        }
    }

    #[test]
    fn fields_are_those_of_one_kind() {
        let x = |proto, host| Ok(ForwardedFields::XForwarded { proto, host });
        for (text, expected) in [
            ("X-Forwarded-For", x(false, false)),
            ("x-forwarded-proto,x-forwarded-for", x(true, false)),
            ("x-forwarded-for x-forwarded-host", x(false, true)),
            ("Forwarded", Ok(ForwardedFields::Forwarded)),
        ] {
            assert_eq!(text.parse(), expected, "{text}");
        }
        for text in
            ["", "x-forwarded-proto", "x-forwarded-host", "forwarded,x-forwarded-host", "x-real-ip", "*"]
        {
            let error = text.parse::<ForwardedFields>().unwrap_err();
            assert!(error.to_string().contains(&format!("{text:?}")), "{error}");
        }
    }
}
