//! The one shape that everything which answers a request has.

use crate::{Request, Response};

/// Anything that answers a request: a route, a router, middleware around them, an application.
///
/// It runs on a coroutine and may block there; others go on.
pub trait Handler: Send + Sync + 'static {
    /// Answers one request.
    fn call(&self, request: &mut Request) -> Response;
}

impl<F> Handler for F
where
    F: Fn(&mut Request) -> Response + Send + Sync + 'static,
{
    fn call(&self, request: &mut Request) -> Response {
        self(request)
    }
}
