//! Calls an application in tests: in process, without a socket.
//!
//! A request takes the same way as one from a connection, coroutine included. A handler's panic is
//! the test's panic, so that its message is what the test reports.

use std::net::SocketAddr;
use std::panic::resume_unwind;
use std::sync::Arc;

use photon_core::{Body, Headers, Method, Request, Response, TrustedProxies};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::App;
use crate::lifecycle::Service;

/// Sends requests to an application.
///
/// ```
/// use photon::prelude::*;
/// use photon::testing::TestClient;
///
/// #[get("/double/{number}")]
/// fn double(number: u32) -> u32 {
///     2 * number
/// }
///
/// let client = TestClient::new(App::new().routes(routes![double]));
/// assert_eq!(client.get("/double/21").send().json::<u32>(), 42);
/// assert_eq!(client.get("/double/x").send().status(), 422);
/// ```
pub struct TestClient {
    service: Arc<Service>,
    proxies: Arc<TrustedProxies>,
}

impl TestClient {
    /// A client of an application, which is started as if it were served: [`App::on_start`] has its effect.
    ///
    /// # Panics
    /// If the application would not start, with the reason.
    #[must_use]
    pub fn new(mut app: App) -> Self {
        let on_start = std::mem::take(&mut app.on_start);
        let proxies = Arc::new(std::mem::take(&mut app.server.trusted_proxies));
        let service =
            app.into_service().unwrap_or_else(|error| panic!("the application does not start: {error}"));
        if let Err(error) = on_start.into_iter().try_for_each(|hook| hook()) {
            panic!("the application does not start: {error}");
        }
        Self { service: Arc::new(service), proxies }
    }

    /// Begins a request of any method. The target is a path with an optional query.
    pub fn request(&self, method: Method, target: &str) -> TestRequest<'_> {
        TestRequest { client: self, request: Request::new(method, target) }
    }

    /// Begins a GET request.
    pub fn get(&self, target: &str) -> TestRequest<'_> {
        self.request(Method::GET, target)
    }

    /// Begins a POST request.
    pub fn post(&self, target: &str) -> TestRequest<'_> {
        self.request(Method::POST, target)
    }

    /// Begins a PUT request.
    pub fn put(&self, target: &str) -> TestRequest<'_> {
        self.request(Method::PUT, target)
    }

    /// Begins a PATCH request.
    pub fn patch(&self, target: &str) -> TestRequest<'_> {
        self.request(Method::PATCH, target)
    }

    /// Begins a DELETE request.
    pub fn delete(&self, target: &str) -> TestRequest<'_> {
        self.request(Method::DELETE, target)
    }

    /// Begins a HEAD request.
    pub fn head(&self, target: &str) -> TestRequest<'_> {
        self.request(Method::HEAD, target)
    }

    /// Begins an OPTIONS request.
    pub fn options(&self, target: &str) -> TestRequest<'_> {
        self.request(Method::OPTIONS, target)
    }
}

/// A request that is not sent yet.
#[must_use = "a request does nothing until `.send()`"]
pub struct TestRequest<'a> {
    client: &'a TestClient,
    request: Request,
}

impl TestRequest<'_> {
    /// Adds a header field.
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.request.head.headers.append(name, value);
        self
    }

    /// Says from which address the request comes. Without it, it comes from nowhere: in process.
    ///
    /// If it is the address of one of the [trusted proxies](App::trusted_proxies), what the header fields say of the client
    /// is believed.
    pub fn peer(mut self, address: SocketAddr) -> Self {
        let proxies = &self.client.proxies;
        self.request.set_peer(Some(address));
        self.request.set_proxies(proxies.trusts(Some(address)).then(|| Arc::clone(proxies)));
        self
    }

    /// Sets a JSON body and its content type.
    ///
    /// # Panics
    /// If the value cannot be JSON.
    pub fn json(mut self, value: &(impl Serialize + ?Sized)) -> Self {
        let body =
            serde_json::to_vec(value).unwrap_or_else(|error| panic!("the body cannot be JSON: {error}"));
        self.request.head.headers.insert("content-type", "application/json");
        self.body(body)
    }

    /// Sets the body.
    pub fn body(mut self, body: impl Into<bytes::Bytes>) -> Self {
        self.request.body = body.into();
        self
    }

    /// Sends the request and waits for the response.
    ///
    /// # Panics
    /// With the handler's own panic, if it panics.
    pub fn send(self) -> TestResponse {
        let Self { client, mut request } = self;
        if !request.headers().contains("host") {
            request.head.headers.append("host", "testserver");
        }
        let service = Arc::clone(&client.service);
        let answered = photon_runtime::spawn(move || {
            let response = service.call_unguarded(&mut request);
            TestResponse::receive(response, request.method())
        });
        answered.join().unwrap_or_else(|panic| resume_unwind(panic))
    }
}

/// A response as the client of a server would see it.
#[derive(Debug, Clone)]
pub struct TestResponse {
    status: u16,
    headers: Headers,
    body: Vec<u8>,
}

impl TestResponse {
    fn receive(response: Response, method: &Method) -> Self {
        let Response { status, headers, body } = response;
        let bodiless = *method == Method::HEAD || matches!(status.as_u16(), 204 | 304);
        let body = match body {
            _ if bodiless => Vec::new(),
            Body::Stream(write) => {
                let mut bytes = Vec::new();
                write(&mut bytes).unwrap_or_else(|error| panic!("the streamed body failed: {error}"));
                bytes
            }
            body => body.as_bytes().unwrap_or_default().to_vec(),
        };
        Self { status: status.as_u16(), headers, body }
    }

    /// The status as a number.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The first value of a header field.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)
    }

    /// All header fields.
    #[must_use]
    pub fn headers(&self) -> &Headers {
        &self.headers
    }

    /// The body.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.body
    }

    /// The body as text.
    ///
    /// # Panics
    /// If it is no UTF-8.
    #[must_use]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap_or_else(|error| panic!("the body is no text: {error}"))
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// If it is no JSON of that type, with the body.
    #[must_use]
    pub fn json<T: DeserializeOwned>(&self) -> T {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error} in {}", String::from_utf8_lossy(&self.body)))
    }

    /// Checks the status and gives the response back, for a chain.
    ///
    /// # Panics
    /// If the status is another, with the body.
    #[track_caller]
    pub fn assert_status(self, status: u16) -> Self {
        let body = String::from_utf8_lossy(&self.body);
        assert!(self.status == status, "status {} instead of {status}: {body}", self.status);
        self
    }
}
