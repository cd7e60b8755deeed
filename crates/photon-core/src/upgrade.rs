//! Leaving HTTP: a connection that goes on in another protocol (RFC 9110 §7.8).

use std::fmt;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

use photon_http::Version;

use crate::{Request, Response, StatusCode};

/// What speaks the other protocol: called once, on the handler's coroutine, when the client has been told.
pub type UpgradeHandler = Box<dyn FnOnce(Upgraded) + Send>;

/// A connection that does not speak HTTP any more: what a server hands over. Handlers have [`Upgraded`].
pub trait UpgradedConnection: Read + Write + Send {
    /// How long a read may wait; `None` is for ever.
    fn set_read_timeout(&mut self, timeout: Option<Duration>);

    /// The address of the other side, if it has one.
    fn peer(&self) -> Option<SocketAddr>;
}

/// A connection after its upgrade. What the client sent behind its request is read first.
///
/// Writes are collected; [`flush`](Write::flush) sends them. Reads and writes block the coroutine and nothing else. A
/// client that does not take what is written is cut as one that does not take a response. When the server stops, reads
/// fail with [`io::ErrorKind::ConnectionAborted`], and there is time for a last word until the drain deadline.
pub struct Upgraded(Box<dyn UpgradedConnection>);

impl Upgraded {
    /// Wraps a connection. The server calls this.
    #[must_use]
    pub fn new(connection: impl UpgradedConnection + 'static) -> Self {
        Self(Box::new(connection))
    }

    /// How long a read may wait, to a tenth of a second; `None`, the default, is for ever. A longer one fails with
    /// [`io::ErrorKind::TimedOut`], and the connection is still there.
    pub fn set_read_timeout(&mut self, timeout: Option<Duration>) {
        self.0.set_read_timeout(timeout);
    }

    /// The address of the other side, if it has one.
    #[must_use]
    pub fn peer(&self) -> Option<SocketAddr> {
        self.0.peer()
    }
}

impl Read for Upgraded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Upgraded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl fmt::Debug for Upgraded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upgraded").field("peer", &self.peer()).finish_non_exhaustive()
    }
}

impl Response {
    /// 101 Switching Protocols: the connection goes on in `protocol`, which `serve` speaks.
    ///
    /// A client that has not asked for this protocol gets 426 Upgrade Required instead (RFC 9110 §15.5.22).
    ///
    /// ```
    /// use std::io::{BufRead, BufReader, Write};
    ///
    /// use photon_core::Response;
    ///
    /// /// Answers every line with its length.
    /// fn lengths() -> Response {
    ///     Response::upgrade("lengths", |connection| {
    ///         let mut connection = BufReader::new(connection);
    ///         let mut line = String::new();
    ///         while connection.read_line(&mut line).is_ok_and(|count| count > 0) {
    ///             let answer = format!("{}\n", line.trim_end().len());
    ///             let out = connection.get_mut();
    ///             if out.write_all(answer.as_bytes()).and_then(|()| out.flush()).is_err() {
    ///                 break;
    ///             }
    ///             line.clear();
    ///         }
    ///     })
    /// }
    /// # assert_eq!(lengths().status, 101);
    /// ```
    ///
    /// # Panics
    /// If `protocol` is no text for a header field.
    #[must_use]
    pub fn upgrade(protocol: &str, serve: impl FnOnce(Upgraded) + Send + 'static) -> Self {
        let body = crate::Body::Upgrade(Box::new(serve));
        Self::new(StatusCode::SWITCHING_PROTOCOLS).header("upgrade", protocol).body(body)
    }
}

impl Request {
    /// Whether the client asks for the connection to go on in `protocol` (RFC 9110 §7.8).
    #[must_use]
    pub fn wants_upgrade(&self, protocol: &str) -> bool {
        let lists = |field, name: &str| {
            let elements = self.headers().get_all(field).flat_map(|value| value.split(','));
            elements.map(str::trim).any(|element| element.eq_ignore_ascii_case(name))
        };
        self.head.version == Version::Http11 && lists("connection", "upgrade") && lists("upgrade", protocol)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Method;

    #[test]
    fn rfc9110_7_8_an_upgrade_is_asked_for_in_two_fields() {
        for (fields, wanted) in [
            (&[("connection", "Upgrade"), ("upgrade", "websocket")][..], true),
            (&[("connection", "keep-alive, upgrade"), ("upgrade", "h2c, WebSocket")], true),
            (&[("connection", "keep-alive"), ("upgrade", "websocket")], false),
            (&[("connection", "upgrade"), ("upgrade", "h2c")], false),
            (&[("connection", "upgrade")], false),
            (&[("upgrade", "websocket")], false),
        ] {
            let mut request = Request::new(Method::GET, "/");
            for (name, value) in fields {
                request.head.headers.append(name, value);
            }
            assert_eq!(request.wants_upgrade("websocket"), wanted, "{fields:?}");
            request.head.version = Version::Http10;
            assert!(!request.wants_upgrade("websocket"));
        }
    }
}
