//! What a server is willing to wait for and to hold.

use std::time::Duration;

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
    /// How long each 64 KiB of a request's body may take, and what is left at its end; 30 s by
    /// default. A slower one is answered with 408.
    pub body_timeout: Duration,
    /// How long a connection may stay open without a request; 75 s by default. It is then closed
    /// without an answer.
    pub idle_timeout: Duration,
    /// How long a client may take to accept each 64 KiB of a response; 30 s by default. The
    /// connection of a slower one is closed.
    pub write_timeout: Duration,
    /// How long a shutdown waits for requests that are being answered; 10 s by default. What is
    /// not finished then is cut.
    pub drain_deadline: Duration,
    /// Bounds on the size of a request.
    pub limits: Limits,
    /// How many connections may be open at a time. The default, `None`, is what the machine
    /// allows: [`photon_runtime::max_connections`]. Those beyond are answered with 503.
    pub max_connections: Option<usize>,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(75),
            write_timeout: Duration::from_secs(30),
            drain_deadline: Duration::from_secs(10),
            limits: Limits::default(),
            max_connections: None,
        }
    }
}
