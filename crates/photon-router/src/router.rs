//! Which handler answers a request, and what to answer if none does.

use std::sync::Arc;

use http::{Method, StatusCode};
use photon_core::{Handler, IntoResponse, Request, Response};

use crate::build::build;
use crate::checks::Checks;
use crate::openapi::Document;
use crate::template::Template;
use crate::tree::Tree;
use crate::{Dispatcher, RouterError, percent};

/// Finds the handler that a request is meant for. Built from a document, so what is documented is
/// what is served; the document's servers play no part.
///
/// Paths are compared percent-decoded, segment by segment: `%2F` is a slash inside a segment and
/// `.` and `..` are segments like others. The more specific template wins, whatever its methods:
/// per segment, text beats text mixed with parameters (`{name}.{ext}`; most literal characters
/// first), which beats a parameter, which beats a parameter that takes the rest of the path.
/// Parameters are never empty.
///
/// ```
/// use http::Method;
/// use photon_core::{Handler, Request, Response};
/// use photon_router::openapi::Document;
/// use photon_router::{Dispatcher, Router};
///
/// let document = Document::from_json(r#"{
///     "openapi": "3.1.0",
///     "info": {"title": "Greeter", "version": "1"},
///     "paths": {"/hello/{name}": {"get": {"operationId": "hello"}}}
/// }"#)?;
/// let mut dispatcher = Dispatcher::new();
/// dispatcher.register_handler("hello", |request: &mut Request| {
///     Response::with_body("text/plain", format!("Hello {}", request.path_params.get("name").unwrap()))
/// });
/// let router = Router::from_spec(&document, dispatcher)?;
///
/// let response = router.call(&mut Request::new(Method::GET, "/hello/J%C3%BCrgen"));
/// assert_eq!(response.body.as_bytes(), Some("Hello Jürgen".as_bytes()));
/// let response = router.call(&mut Request::new(Method::PUT, "/hello/Ada"));
/// assert_eq!(response.status, 405);
/// assert_eq!(response.headers.get("allow"), Some("GET, HEAD, OPTIONS"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Router {
    tree: Tree,
    routes: Vec<Route>,
    // What `OPTIONS *` is answered with.
    all_methods: String,
    // Methods that some route has beside the registered ones.
    own_methods: Vec<Method>,
}

/// One path of the table.
pub(crate) struct Route {
    template: Template,
    endpoints: Vec<Endpoint>,
    allow: String,
}

/// One operation with its handler.
///
/// Calling it checks the request against the document, unless the handler does, and then calls the
/// handler. Route the request first: that sets its path parameters.
pub struct Endpoint {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) operation_id: String,
    pub(crate) handler: Arc<dyn Handler>,
    // None if the handler checks its requests itself.
    pub(crate) checks: Option<Checks>,
    // Whether the handler finds the whole body in the request.
    pub(crate) whole_body: bool,
}

/// What becomes of a request.
#[derive(Debug)]
pub enum Outcome<'r> {
    /// This operation answers it; the request's path parameters are set.
    Handler(&'r Endpoint),
    /// The path exists with a slash more or less at its end. The text is what `Location` is to be:
    /// path and query, never a host.
    Redirect(String),
    /// The path does not exist.
    NotFound,
    /// The path exists, but not for this method. The text is what `Allow` is to be.
    MethodNotAllowed(&'r str),
    /// The method is none that anything here knows (RFC 9110 §9.1).
    UnknownMethod,
    /// The request asks which methods the path has. The text is what `Allow` is to be.
    Options(&'r str),
    /// The path is not one: it does not begin with a slash, has a malformed escape, or decodes to
    /// something that is not UTF-8 or holds NUL.
    BadPath,
}

impl Router {
    /// Builds the router of a document whose operations these handlers answer.
    ///
    /// # Errors
    /// A path is not a template, two paths match the same requests, an operation has no
    /// `operationId` or one that another has, an operation has no handler or a handler no
    /// operation, or a reference leads nowhere. All operations and handlers that have no partner are
    /// named in one error.
    pub fn from_spec(document: &Document, dispatcher: Dispatcher) -> Result<Self, RouterError> {
        let (tree, routes) = build(document, dispatcher)?;
        let all = routes.iter().flat_map(|route| &route.endpoints).map(|endpoint| &endpoint.method);
        let all_methods = allow(all.clone());
        let own_methods = all.filter(|method| !REGISTERED.contains(&method.as_str())).cloned().collect();
        Ok(Self { tree, routes, all_methods, own_methods })
    }

    /// Says what becomes of a request, and sets its path parameters if an operation answers it.
    ///
    /// HEAD is answered by the GET operation unless the path has one of its own; the request stays
    /// a HEAD request, and the server leaves the body out (RFC 9110 §9.3.2).
    pub fn route(&self, request: &mut Request) -> Outcome<'_> {
        let outcome = self.find(request);
        if matches!(outcome, Outcome::Handler(_)) || self.knows(&request.head.method) {
            outcome
        } else {
            Outcome::UnknownMethod
        }
    }

    fn knows(&self, method: &Method) -> bool {
        REGISTERED.contains(&method.as_str()) || self.own_methods.contains(method)
    }

    fn find(&self, request: &mut Request) -> Outcome<'_> {
        request.path_params.clear();
        let path = request.head.path();
        if let Some(number) = self.tree.find_fixed(path) {
            return self.routes[number].select(&request.head.method);
        }
        if path == "*" && request.head.method == Method::OPTIONS {
            return Outcome::Options(&self.all_methods);
        }
        if !path.starts_with('/') {
            return Outcome::BadPath;
        }
        // With escapes, segments are divided by NUL, which no path may hold, so that a decoded
        // slash stays inside its segment.
        let decoded;
        let (path, separator) = match percent::decode_segments(path) {
            Ok(None) => (path, b'/'),
            Ok(Some(text)) => {
                decoded = text;
                (decoded.as_str(), b'\0')
            }
            Err(percent::Malformed) => return Outcome::BadPath,
        };
        let Some(number) = self.tree.find(&path[1..], separator) else {
            return self.redirect(path, separator, request);
        };
        let route = &self.routes[number];
        let outcome = route.select(&request.head.method);
        if matches!(outcome, Outcome::Handler(_)) {
            route.template.capture(&path[1..], separator, &mut request.path_params);
        }
        outcome
    }

    // `path` is decoded; `Location` is made from the path as it came.
    fn redirect(&self, path: &str, separator: u8, request: &Request) -> Outcome<'_> {
        let separator_char = char::from(separator);
        let without = path.strip_suffix(separator_char);
        let exists = match without {
            Some("") => false,
            Some(path) => self.tree.find(&path[1..], separator).is_some(),
            None => self.tree.find(&format!("{}{separator_char}", &path[1..]), separator).is_some(),
        };
        if !exists {
            return Outcome::NotFound;
        }
        let path = request.path();
        let target = match without {
            Some(_) => path.strip_suffix('/').unwrap_or(path).to_owned(),
            None => format!("{path}/"),
        };
        if !stays_here(&target) {
            return Outcome::NotFound;
        }
        Outcome::Redirect(match request.query() {
            Some(query) => format!("{target}?{query}"),
            None => target,
        })
    }

    /// All operations, sorted by path and then by method.
    pub fn endpoints(&self) -> impl Iterator<Item = &Endpoint> {
        let mut endpoints: Vec<&Endpoint> = self.routes.iter().flat_map(|route| &route.endpoints).collect();
        endpoints.sort_by(|a, b| (&a.path, a.method.as_str()).cmp(&(&b.path, b.method.as_str())));
        endpoints.into_iter()
    }
}

// The methods of RFC 9110 §9.3, RFC 5789 and the QUERY method's draft: every server is expected to know them.
const REGISTERED: [&str; 10] =
    ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY"];

// A browser takes `//evil.example` for a host and reads `\` as `/`, and it drops tabs and line
// ends from a URL first (WHATWG URL §4.4). A path with any of these is not sent back.
fn stays_here(target: &str) -> bool {
    let plain = |byte: u8| byte > b' ' && byte != b'\\' && byte != 0x7f;
    target.starts_with('/') && !target.starts_with("//") && target.bytes().all(plain)
}

// RFC 9110 §10.2.1. GET brings HEAD along, and every path has OPTIONS.
fn allow<'a>(methods: impl Iterator<Item = &'a Method>) -> String {
    let mut names: Vec<&str> = methods.map(Method::as_str).collect();
    if names.contains(&"GET") {
        names.push("HEAD");
    }
    names.push("OPTIONS");
    names.sort_unstable();
    names.dedup();
    names.join(", ")
}

impl Route {
    pub(crate) fn new(template: Template) -> Self {
        Self { template, endpoints: Vec::new(), allow: allow(std::iter::empty()) }
    }

    pub(crate) fn add(&mut self, endpoint: Endpoint) {
        self.endpoints.push(endpoint);
        self.allow = allow(self.endpoints.iter().map(|endpoint| &endpoint.method));
    }

    fn endpoint(&self, method: &Method) -> Option<&Endpoint> {
        self.endpoints.iter().find(|endpoint| endpoint.method == *method)
    }

    fn select(&self, method: &Method) -> Outcome<'_> {
        if let Some(endpoint) = self.endpoint(method) {
            return Outcome::Handler(endpoint);
        }
        match *method {
            Method::HEAD => match self.endpoint(&Method::GET) {
                Some(endpoint) => Outcome::Handler(endpoint),
                None => Outcome::MethodNotAllowed(&self.allow),
            },
            Method::OPTIONS => Outcome::Options(&self.allow),
            _ => Outcome::MethodNotAllowed(&self.allow),
        }
    }
}

impl Endpoint {
    /// The operation's method.
    #[must_use]
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The path template, as the document has it.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The operation's name.
    #[must_use]
    pub fn operation_id(&self) -> &str {
        &self.operation_id
    }
}

impl Handler for Endpoint {
    fn call(&self, request: &mut Request) -> Response {
        if self.whole_body
            && let Err(error) = request.read_body()
        {
            return error.into_response();
        }
        if let Some(response) = self.checks.as_ref().and_then(|checks| checks.refuse(request)) {
            return response;
        }
        self.handler.call(request)
    }
}

impl Handler for Router {
    fn call(&self, request: &mut Request) -> Response {
        let detail =
            |status, body: &'static str| Response::with_body("application/json", body).status(status);
        match self.route(request) {
            Outcome::Handler(endpoint) => endpoint.call(request),
            Outcome::Redirect(location) => {
                Response::new(StatusCode::TEMPORARY_REDIRECT).header("location", location)
            }
            Outcome::NotFound => detail(StatusCode::NOT_FOUND, r#"{"detail":"Not Found"}"#),
            Outcome::MethodNotAllowed(allow) => {
                detail(StatusCode::METHOD_NOT_ALLOWED, r#"{"detail":"Method Not Allowed"}"#)
                    .header("allow", allow)
            }
            // Perhaps no method, but the rest of something that we and somebody before us have divided differently. So
            // nothing after it is believed (RFC 9112 §11.2).
            Outcome::UnknownMethod => detail(StatusCode::NOT_IMPLEMENTED, r#"{"detail":"Not Implemented"}"#)
                .header("connection", "close"),
            Outcome::Options(allow) => Response::new(StatusCode::NO_CONTENT).header("allow", allow),
            Outcome::BadPath => detail(StatusCode::BAD_REQUEST, r#"{"detail":"Bad Request"}"#),
        }
    }
}

impl std::fmt::Debug for Router {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.endpoints()).finish()
    }
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} {}", self.method, self.path, self.operation_id)
    }
}
