//! One request as a handler sees it: head, body, path parameters and what middleware attached.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use http::Method;
use photon_http::{Headers, RequestHead, Scheme};

use crate::{BodyReader, Context, HttpError, IncomingBody, RequestId, Response, TlsInfo, TrustedProxies};

/// One HTTP request.
///
/// A connection keeps one `Request` and fills it anew for every request it reads, so that a
/// request needs no allocation of its own. A handler that keeps the request takes it out with
/// [`std::mem::take`].
#[derive(Default)]
pub struct Request {
    /// The request line and header fields.
    pub head: RequestHead,
    /// What of the body was read: all of it in a handler, unless the handler takes a [`BodyReader`] or a
    /// [`Multipart`](crate::Multipart). Middleware that wants it calls [`read_body`](Self::read_body).
    pub body: Bytes,
    /// The parameters that the route's path template names, decoded.
    pub path_params: PathParams,
    peer: Option<SocketAddr>,
    tls: Option<Arc<TlsInfo>>,
    proxies: Option<Arc<TrustedProxies>>,
    context: Option<Arc<Context>>,
    extensions: Extensions,
    id: OnceLock<RequestId>,
    hooks: Vec<ResponseHook>,
    incoming: Option<Box<dyn IncomingBody>>,
}

/// What is to be done with the response before it leaves the application; see [`Request::on_response`].
pub type ResponseHook = Box<dyn FnOnce(&mut Response) + Send + Sync>;

impl Request {
    /// A request without header fields and body, for tests and in-process calls.
    #[must_use]
    pub fn new(method: Method, target: &str) -> Self {
        Self { head: RequestHead::new(method, target), ..Self::default() }
    }

    /// The request method.
    #[must_use]
    pub fn method(&self) -> &Method {
        &self.head.method
    }

    /// The path, percent-encoded as it came.
    #[must_use]
    pub fn path(&self) -> &str {
        self.head.path()
    }

    /// What follows the first `?`, percent-encoded as it came.
    #[must_use]
    pub fn query(&self) -> Option<&str> {
        self.head.query()
    }

    /// The header fields.
    #[must_use]
    pub fn headers(&self) -> &Headers {
        &self.head.headers
    }

    /// The first value of a header field, if it is UTF-8.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.headers.get(name)
    }

    /// The address of the other end of the connection; `None` by a Unix socket, and for an in-process request. Where
    /// connections begin with the PROXY protocol, the address that it says. Behind other proxies this is the last one of
    /// them, and [`client`](Self::client) is the client.
    #[must_use]
    pub fn peer(&self) -> Option<SocketAddr> {
        self.peer
    }

    /// Says who sent the request. The server calls this once per connection.
    pub fn set_peer(&mut self, peer: Option<SocketAddr>) {
        self.peer = peer;
    }

    /// What is known of the connection's TLS; `None` for a plain one.
    #[must_use]
    pub fn tls(&self) -> Option<&TlsInfo> {
        self.tls.as_deref()
    }

    /// Says that the request came by TLS, or that it did not. Stays set when the connection moves on to its next
    /// request. The server calls this.
    pub fn set_tls(&mut self, tls: Option<Arc<TlsInfo>>) {
        self.head.scheme = if tls.is_some() { Scheme::Https } else { Scheme::Http };
        self.tls = tls;
    }

    /// Says that the other end of the connection is one of these proxies, which are believed, or that it is none. Stays
    /// set when the connection moves on to its next request. The server calls this.
    pub fn set_proxies(&mut self, proxies: Option<Arc<TrustedProxies>>) {
        self.proxies = proxies;
    }

    /// The proxies that are believed, if one of them has sent this request.
    pub(crate) fn proxies(&self) -> Option<&TrustedProxies> {
        self.proxies.as_deref()
    }

    /// The application that answers the request: its state and settings.
    #[must_use]
    pub fn context(&self) -> Option<&Arc<Context>> {
        self.context.as_ref()
    }

    /// Names the application that answers the request. Stays set when the connection moves on to
    /// its next request.
    pub fn set_context(&mut self, context: &Arc<Context>) {
        if !self.context.as_ref().is_some_and(|current| Arc::ptr_eq(current, context)) {
            self.context = Some(Arc::clone(context));
        }
    }

    /// What tells this request from others, for logs: the client's `X-Request-Id` if it sent a sensible one (1 to 128
    /// visible ASCII characters), otherwise one of this process's own.
    #[must_use]
    pub fn id(&self) -> &RequestId {
        self.id.get_or_init(|| {
            self.header("x-request-id").and_then(RequestId::given).unwrap_or_else(RequestId::next)
        })
    }

    /// Reads what has not arrived of the body, and gives all of it. A body that could not be read stays so.
    ///
    /// # Errors
    /// The answer that the client deserves: 400 for a malformed body, 408 if it comes too slowly, 413 if it is longer
    /// than the server allows, 503 if the server has no room for it.
    #[inline]
    pub fn read_body(&mut self) -> Result<&Bytes, HttpError> {
        if let Some(incoming) = &mut self.incoming {
            self.body = incoming.read_all()?;
            self.incoming = None;
        }
        Ok(&self.body)
    }

    /// Takes the body off the request, to be read as it arrives.
    pub fn take_body(&mut self) -> BodyReader {
        BodyReader::new(std::mem::take(&mut self.body), self.incoming.take())
    }

    /// Says how the body is read, if it has not all arrived. The server calls this.
    pub fn set_incoming(&mut self, incoming: Option<Box<dyn IncomingBody>>) {
        self.incoming = incoming;
    }

    /// Has something done once the handler has answered, before the response leaves the application: a transaction
    /// committed, a field added. The latest comes first. Nothing is done if the handler panics; then the hook is
    /// dropped.
    ///
    /// Errors that a client gets before its handler runs, such as a 422, are responses like any other.
    pub fn on_response(&mut self, hook: impl FnOnce(&mut Response) + Send + Sync + 'static) {
        self.hooks.push(Box::new(hook));
    }

    /// Does what was asked for by [`Self::on_response`]. The application calls this.
    pub fn run_response_hooks(&mut self, response: &mut Response) {
        while let Some(hook) = self.hooks.pop() {
            hook(response);
        }
    }

    /// Drops what was attached to a request that was not answered by its handler: values, and hooks without running
    /// them. The application calls this.
    pub fn abandon(&mut self) {
        self.hooks.clear();
        self.extensions.clear();
    }

    /// Values that middleware and dependencies attached to this request.
    #[must_use]
    pub fn extensions(&self) -> &Extensions {
        &self.extensions
    }

    /// Values that middleware and dependencies attach to this request, one per type.
    pub fn extensions_mut(&mut self) -> &mut Extensions {
        &mut self.extensions
    }

    /// Forgets the request and keeps the buffers, what is known of the connection, and the context for the connection's
    /// next one.
    pub fn clear(&mut self) {
        self.head.clear();
        self.body = Bytes::new();
        self.path_params.clear();
        self.extensions.clear();
        self.id.take();
        self.hooks.clear();
        self.incoming = None;
    }
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Request")
            .field("method", self.method())
            .field("target", &self.head.target())
            .field("headers", self.headers())
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// The values that a path template's parameters took, percent-decoded, in template order.
#[derive(Debug, Clone, Default)]
pub struct PathParams {
    text: String,
    // Ends of name and value in `text`; a parameter starts where the one before it ends.
    ends: Vec<(u32, u32)>,
}

impl PathParams {
    /// The value of the parameter called `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find_map(|(key, value)| (key == name).then_some(value))
    }

    /// Names and values in template order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut start = 0;
        self.ends.iter().map(move |&(name_end, value_end)| {
            let (name_end, value_end) = (name_end as usize, value_end as usize);
            let pair = (&self.text[start..name_end], &self.text[name_end..value_end]);
            start = value_end;
            pair
        })
    }

    /// How many parameters the template has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether the template has no parameter.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Adds a parameter. The router calls this with the decoded value.
    pub fn push(&mut self, name: &str, value: &str) {
        self.text.push_str(name);
        let name_end = self.text.len();
        self.text.push_str(value);
        let end = |length: usize| u32::try_from(length).expect("a request target holds less than 4 GiB");
        self.ends.push((end(name_end), end(self.text.len())));
    }

    /// Removes all parameters and keeps the buffers.
    pub fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
    }
}

/// Values by type, attached to one request. Empty ones cost nothing.
#[derive(Default)]
pub struct Extensions {
    values: Option<HashMap<TypeId, Box<dyn Any + Send + Sync>>>,
}

impl Extensions {
    /// Attaches a value and gives back the one of the same type that was attached before.
    pub fn insert<T: Any + Send + Sync>(&mut self, value: T) -> Option<T> {
        let before = self.values.get_or_insert_default().insert(TypeId::of::<T>(), Box::new(value))?;
        before.downcast().ok().map(|value| *value)
    }

    /// The attached value of type `T`.
    #[must_use]
    pub fn get<T: Any + Send + Sync>(&self) -> Option<&T> {
        self.values.as_ref()?.get(&TypeId::of::<T>())?.downcast_ref()
    }

    /// The attached value of type `T`, to change.
    pub fn get_mut<T: Any + Send + Sync>(&mut self) -> Option<&mut T> {
        self.values.as_mut()?.get_mut(&TypeId::of::<T>())?.downcast_mut()
    }

    /// Takes the attached value of type `T` off.
    pub fn remove<T: Any + Send + Sync>(&mut self) -> Option<T> {
        self.values.as_mut()?.remove(&TypeId::of::<T>())?.downcast().ok().map(|value| *value)
    }

    /// Takes all values off.
    pub fn clear(&mut self) {
        if self.values.as_ref().is_some_and(|values| !values.is_empty()) {
            self.values = None;
        }
    }
}
