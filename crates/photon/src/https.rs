//! HTTPS for an application: its certificates, and the way there from HTTP.

use std::sync::Arc;

use photon_core::{Handler, HttpError, IntoResponse, Request, Response, Result, StatusCode};
use photon_runtime::JoinHandle;
use photon_server::{BindError, Handle, Server, ServerConfig, TlsConfig};

use crate::App;

impl App {
    /// Serves HTTPS with these certificates instead of HTTP.
    ///
    /// Without it the environment variables `PHOTON_TLS_CERT` and `PHOTON_TLS_KEY`, two PEM files, decide. The files are
    /// read again when they change; see [`TlsConfig`].
    ///
    /// ```no_run
    /// use photon::TlsConfig;
    /// use photon::prelude::*;
    ///
    /// # #[get("/")]
    /// # fn index() -> &'static str {
    /// #     "hello"
    /// # }
    /// fn main() -> photon::Result<()> {
    ///     App::new()
    ///         .routes(routes![index])
    ///         .bind("0.0.0.0:443")
    ///         .tls(TlsConfig::from_pem_files("fullchain.pem", "privkey.pem")?)
    ///         .redirect_http("0.0.0.0:80")
    ///         .run()
    /// }
    /// ```
    #[must_use]
    pub fn tls(mut self, config: TlsConfig) -> Self {
        self.server.tls = Some(config);
        self
    }

    /// Listens on one more address, with plain HTTP, and sends everybody who comes there to the same place by HTTPS: 308
    /// Permanent Redirect, which keeps the method (RFC 9110 §15.4.9). Only for an application that serves HTTPS.
    #[must_use]
    pub fn redirect_http(mut self, address: impl Into<String>) -> Self {
        self.redirect_http = Some(address.into());
        self
    }

    /// The port at which clients reach HTTPS, where [`redirect_http`](Self::redirect_http) sends them: by default the first
    /// one that the application listens on. To be said where that is another one, as behind the port mapping of a container.
    #[must_use]
    pub fn https_port(mut self, port: u16) -> Self {
        self.https_port = Some(port);
        self
    }
}

/// The certificates that the environment names, if it names any.
pub(crate) fn from_environment() -> Result<Option<TlsConfig>> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    match (variable("PHOTON_TLS_CERT"), variable("PHOTON_TLS_KEY")) {
        (None, None) => Ok(None),
        (Some(certificates), Some(key)) => Ok(Some(TlsConfig::from_pem_files(certificates, key)?)),
        _ => Err(HttpError::internal(
            "PHOTON_TLS_CERT and PHOTON_TLS_KEY belong together, and one of them is not set",
        )),
    }
}

/// The listener that sends everybody to HTTPS, while it is needed.
pub(crate) struct Redirect {
    handle: Handle,
    serving: JoinHandle<std::io::Result<photon_server::Report>>,
}

impl Redirect {
    /// Starts to redirect from an address to HTTPS on a port, within the limits of the server that is there.
    pub(crate) fn start(address: &str, port: u16, https: &ServerConfig) -> Result<Self, BindError> {
        let server = Server::bind_with(address, ServerConfig { tls: None, ..https.clone() })?;
        let handle = server.handle();
        let serving = photon_runtime::spawn(move || server.serve(Arc::new(ToHttps { port })));
        Ok(Self { handle, serving })
    }

    pub(crate) fn stop(self) {
        self.handle.shutdown();
        let _ = self.serving.join();
    }
}

struct ToHttps {
    port: u16,
}

impl Handler for ToHttps {
    fn call(&self, request: &mut Request) -> Response {
        match location(request, self.port) {
            Some(location) => Response::new(StatusCode::PERMANENT_REDIRECT).header("location", location),
            None => HttpError::new(StatusCode::BAD_REQUEST).into_response(),
        }
    }
}

/// The same place by HTTPS. The server has checked that the host is one, and the target a path.
fn location(request: &Request, port: u16) -> Option<String> {
    let authority = request.host()?;
    let target = Some(request.head.target()).filter(|target| target.starts_with('/'))?;
    let host = match authority.strip_prefix('[') {
        Some(literal) => &authority[..literal.find(']')? + 2],
        None => authority.split(':').next()?,
    };
    Some(match port {
        443 => format!("https://{host}{target}"),
        _ => format!("https://{host}:{port}{target}"),
    })
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpStream;

    use photon_core::{ForwardedFields, Method, TrustedProxies};

    use super::*;

    #[test]
    fn a_process_can_take_over_the_redirect_of_another() {
        let config = ServerConfig { reuse_port: true, ..ServerConfig::default() };
        let free = Server::bind_with("127.0.0.1:0", config.clone()).unwrap().local_addr();
        let old = Redirect::start(&free.to_string(), 8443, &config).unwrap();
        let new = Redirect::start(&free.to_string(), 8443, &config).unwrap();
        let ask = || {
            let mut client = TcpStream::connect(free).unwrap();
            client.write_all(b"GET /a HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\n").unwrap();
            let mut answer = String::new();
            client.read_to_string(&mut answer).unwrap();
            assert!(answer.starts_with("HTTP/1.1 308 Permanent Redirect\r\n"), "{answer}");
            assert!(answer.contains("\r\nlocation: https://b:8443/a\r\n"), "{answer}");
        };
        ask();
        old.stop();
        ask();
        new.stop();
        assert!(TcpStream::connect(free).is_err());
    }

    #[test]
    fn a_redirect_has_an_address_of_its_own() {
        let taken = Server::bind("127.0.0.1:0").unwrap();
        let refused = Redirect::start(&taken.local_addr().to_string(), 443, &ServerConfig::default());
        assert!(matches!(refused, Err(BindError::Listen(_))));
    }

    #[test]
    fn a_redirect_keeps_host_target_and_method() {
        for (host, target, port, expected) in [
            ("example.org", "/a?b=c", 443, Some("https://example.org/a?b=c")),
            ("example.org:80", "/", 443, Some("https://example.org/")),
            ("example.org:8080", "/%20", 8443, Some("https://example.org:8443/%20")),
            ("[::1]:80", "/", 443, Some("https://[::1]/")),
            // A browser would take this path for a host, if it stood alone.
            ("example.org", "//evil.example/", 443, Some("https://example.org//evil.example/")),
            ("example.org", "*", 443, None),
        ] {
            let mut request = Request::new(Method::POST, target);
            request.head.headers.append("host", host);
            assert_eq!(location(&request, port).as_deref(), expected, "{host} {target}");
            let response = ToHttps { port }.call(&mut request);
            assert_eq!(response.status, if expected.is_some() { 308 } else { 400 });
        }
        assert_eq!(location(&Request::new(Method::GET, "/"), 443), None);
        // Behind a proxy, the place is that of the client.
        let mut request = Request::new(Method::GET, "/a");
        let proxies = "unix".parse::<TrustedProxies>().unwrap();
        let fields = ForwardedFields::XForwarded { proto: true, host: true };
        request.set_proxies(Some(Arc::new(proxies.fields(fields))));
        request.head.headers.append("host", "127.0.0.1:8080");
        request.head.headers.append("x-forwarded-host", "example.org");
        assert_eq!(location(&request, 443).as_deref(), Some("https://example.org/a"));
    }
}
