//! What wraps every request: code before and after the rest of the application.

use photon_core::{Request, Response};

use crate::lifecycle::Service;

/// A function around the rest of the application.
pub(crate) trait Middleware: Send + Sync + 'static {
    fn call(&self, request: &mut Request, next: Next<'_>) -> Response;
}

impl<F> Middleware for F
where
    F: Fn(&mut Request, Next<'_>) -> Response + Send + Sync + 'static,
{
    fn call(&self, request: &mut Request, next: Next<'_>) -> Response {
        self(request, next)
    }
}

/// The rest of the application, as a middleware sees it.
pub struct Next<'a> {
    pub(crate) middleware: &'a [Box<dyn Middleware>],
    pub(crate) service: &'a Service,
}

impl Next<'_> {
    /// Lets the rest of the application answer.
    pub fn run(self, request: &mut Request) -> Response {
        match self.middleware.split_first() {
            Some((first, middleware)) => first.call(request, Next { middleware, service: self.service }),
            None => self.service.answer(request),
        }
    }
}
