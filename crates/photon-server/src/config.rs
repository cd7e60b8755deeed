//! What a server is willing to wait for and to hold.

use std::time::Duration;

use photon_core::TrustedProxies;
use photon_http::Limits;

/// Time limits, size limits and the connection cap of a server.
///
/// Times are kept to about a tenth of a second.
///
/// ```
/// use std::time::Duration;
/// use photon_server::ServerConfig;
///
/// let config = ServerConfig { idle_timeout: Duration::from_secs(20), ..ServerConfig::default() };
/// assert_eq!(config.header_timeout, Duration::from_secs(10));
/// ```
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// How long the head of a request may take from its first byte to its last; 10 s by default.
    /// A slower one is answered with 408.
    pub header_timeout: Duration,
    /// Over how long the rate of a request's body is measured; 30 s by default. In each such time
    /// the client has to send `min_body_rate` times it, or the end of the body. A slower one is
    /// answered with 408.
    pub body_timeout: Duration,
    /// How many bytes of a body a client has to send in a second, on average over `body_timeout`;
    /// 2,048 by default. With 0 one byte in that time is enough.
    pub min_body_rate: u32,
    /// How long a connection may stay open without a request; 75 s by default. It is then closed
    /// without an answer. While the client still receives the response before, at `min_write_rate` or
    /// faster, it stays; if the client takes that more slowly, it is reset.
    pub idle_timeout: Duration,
    /// Over how long the rate is measured at which a client accepts a response; 30 s by default.
    /// In each such time it has to accept `min_write_rate` times it. The connection of a slower one
    /// is reset.
    pub write_timeout: Duration,
    /// How many bytes of a response a client has to accept in a second, on average over
    /// `write_timeout`; 2,048 by default. With 0 one byte in that time is enough.
    pub min_write_rate: u32,
    /// How long a request may take altogether, from the end of its head to the last byte of its
    /// response. The default, `None`, leaves that to the limits above. A handler is not interrupted;
    /// what it reads from the client or writes to it after that time fails.
    pub request_timeout: Option<Duration>,
    /// How long a shutdown waits for requests that are being answered; 10 s by default. What is
    /// not finished then is cut.
    pub drain_deadline: Duration,
    /// How long a connection without a request stays open when a shutdown begins, for a request that
    /// is on its way already; 250 ms by default. It is answered with `Connection: close`, so that
    /// clients that are sending at that moment lose nothing.
    pub drain_grace: Duration,
    /// HTTPS instead of HTTP, with these certificates. The default, `None`, is HTTP.
    #[cfg(feature = "tls")]
    pub tls: Option<crate::TlsConfig>,
    /// The proxies before this server that are believed when they say whose request they forward: what they say is found in
    /// `Request::client`, `scheme` and `host`. None by default.
    pub trusted_proxies: TrustedProxies,
    /// Whether each connection begins with the PROXY protocol (version 1 or 2), by which a proxy says whose connection it
    /// is: `Request::peer` is then that client's address, and what the client says of itself is believed only if it is a
    /// trusted proxy in turn. False by default.
    ///
    /// The header has to come, within `header_timeout` and before anything else, TLS included. Connections that do not come
    /// from `trusted_proxies`, and those that begin with anything else, are closed without an answer; why is logged as
    /// `DEBUG`. So this is for an address that only the proxies connect to. For health checks of the proxy (`LOCAL`)
    /// and clients without an IP address (`UNKNOWN`, `UNSPEC`, Unix sockets) `peer` stays the proxy, and nothing that
    /// they say of themselves is believed.
    pub proxy_protocol: bool,
    /// Whether another process may listen on the same TCP addresses (`SO_REUSEPORT`): the kernel then spreads connections
    /// over both. For a new version of a program that takes over while the old one drains. False by default: a port that
    /// is taken is an error.
    ///
    /// A server that stops leaves new connections to the one that was started after it, serves those that were made
    /// before for another tenth of a second, and then closes its listener: none is reset. The other way to that are
    /// sockets of the service manager, [`Server::inherited`](crate::Server::inherited).
    pub reuse_port: bool,
    /// Bounds on the size of a request.
    pub limits: Limits,
    /// How many connections may be open at a time. The default, `None`, is what the machine
    /// allows: [`photon_runtime::max_connections`]. Those beyond are answered with 503.
    pub max_connections: Option<usize>,
    /// How many bytes of memory the bodies of all requests together may occupy, from their arrival
    /// to the end of their handlers. The default, `None`, is a quarter of the memory that the
    /// machine or its control group has, or 1 GiB if neither says. A request whose body would go
    /// beyond is answered with 503. Not counted are bodies that come whole with one read, and what a handler
    /// keeps of a body that it reads piece by piece, a form for example.
    pub max_body_memory: Option<usize>,
}

/// A quarter of the memory there is.
pub(crate) fn usual_body_memory() -> usize {
    let total = std::fs::read_to_string("/proc/meminfo").ok();
    let total = total.as_deref().and_then(total_memory);
    // Control groups, version 2; "max" is no number.
    let group = std::fs::read_to_string("/sys/fs/cgroup/memory.max").ok();
    let group = group.and_then(|text| text.trim().parse().ok());
    total.into_iter().chain(group).min().map_or(1 << 30, |bytes: usize| bytes / 4)
}

/// The bytes in the line `MemTotal:  16384 kB`.
fn total_memory(meminfo: &str) -> Option<usize> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<usize>().ok()?.checked_mul(1024)
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(30),
            min_body_rate: 2048,
            idle_timeout: Duration::from_secs(75),
            write_timeout: Duration::from_secs(30),
            min_write_rate: 2048,
            request_timeout: None,
            drain_deadline: Duration::from_secs(10),
            drain_grace: Duration::from_millis(250),
            trusted_proxies: TrustedProxies::default(),
            proxy_protocol: false,
            reuse_port: false,
            #[cfg(feature = "tls")]
            tls: None,
            limits: Limits::default(),
            max_connections: None,
            max_body_memory: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_body_memory_is_derived_from_the_machine() {
        assert_eq!(total_memory("MemTotal:       16384 kB\nMemFree:  1 kB\n"), Some(16 * 1024 * 1024));
        assert_eq!(total_memory("MemTotal: much\n"), None);
        assert_eq!(total_memory(""), None);
        let bytes = usual_body_memory();
        assert!((1 << 20..1 << 50).contains(&bytes), "{bytes}");
    }
}
