//! The life of a request inside an application: context, middleware, router, and 500 for a panic.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use photon_core::{Context, Handler, HttpError, IntoResponse, Request, Response, StatusCode};
use photon_router::Router;

use crate::middleware::{Middleware, Next};

/// An application that is put together and answers requests.
pub(crate) struct Service {
    pub(crate) context: Arc<Context>,
    pub(crate) middleware: Vec<Box<dyn Middleware>>,
    pub(crate) router: Router,
}

impl Service {
    /// Answers a request and lets panics through, for tests to see.
    pub(crate) fn call_unguarded(&self, request: &mut Request) -> Response {
        request.set_context(&self.context);
        if self.middleware.is_empty() {
            return self.answer(request);
        }
        Next { middleware: &self.middleware, service: self }.run(request)
    }

    /// What middleware goes around: the router, the handler, and what was asked for when it has answered.
    #[inline]
    pub(crate) fn answer(&self, request: &mut Request) -> Response {
        let mut response = self.router.call(request);
        request.run_response_hooks(&mut response);
        response
    }
}

impl Handler for Service {
    fn call(&self, request: &mut Request) -> Response {
        // Nothing of the panicking handler is looked at afterwards but the request, which the
        // connection clears before it reads the next one.
        let answer = catch_unwind(AssertUnwindSafe(|| {
            let _doing = photon_runtime::doing(|| format!("{} {}", request.method(), request.path()).into());
            self.call_unguarded(request)
        }));
        answer.unwrap_or_else(|_| {
            // What was to be done with the handler's answer, such as a commit, is not done.
            request.abandon();
            // The panic hook has printed what happened and where; the client learns nothing of it.
            tracing::error!(method = %request.method(), path = request.path(), "a handler panicked");
            HttpError::new(StatusCode::INTERNAL_SERVER_ERROR).into_response()
        })
    }
}
