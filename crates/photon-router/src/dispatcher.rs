//! Handlers by the operation that they answer, until a router takes them.

use std::sync::Arc;

use indexmap::IndexMap;
use photon_core::Handler;

/// The handlers of an application by `operationId`; [`Router::from_spec`](crate::Router::from_spec)
/// joins them with the document's paths.
///
/// ```
/// use photon_core::{Request, Response};
/// use photon_router::Dispatcher;
///
/// let mut dispatcher = Dispatcher::new();
/// dispatcher.register_handler("ping", |_: &mut Request| Response::with_body("text/plain", "pong"));
/// ```
#[derive(Default)]
pub struct Dispatcher {
    pub(crate) handlers: IndexMap<String, Registered>,
    pub(crate) duplicates: Vec<String>,
}

pub(crate) struct Registered {
    pub(crate) handler: Arc<dyn Handler>,
    // Whether the handler checks parameters and body itself.
    pub(crate) checked: bool,
}

impl Dispatcher {
    /// A dispatcher without handlers.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Says which handler answers the operation with this `operationId`.
    ///
    /// The router checks the request's parameters and JSON body against the operation's schemas
    /// first, and answers 422 with every fault instead of calling the handler with a wrong one.
    ///
    /// A second handler for the same operation does not replace the first one; it makes
    /// [`Router::from_spec`](crate::Router::from_spec) fail.
    pub fn register_handler(&mut self, operation_id: impl Into<String>, handler: impl Handler) -> &mut Self {
        self.register(operation_id.into(), Registered { handler: Arc::new(handler), checked: false })
    }

    /// As [`register_handler`](Self::register_handler), for a handler that checks parameters and
    /// body itself: the router passes every request on, and leaves the body to be read by it. A handler made from a typed function does,
    /// and its operation is documented from the checks it makes.
    pub fn register_checked_handler(
        &mut self,
        operation_id: impl Into<String>,
        handler: Arc<dyn Handler>,
    ) -> &mut Self {
        self.register(operation_id.into(), Registered { handler, checked: true })
    }

    fn register(&mut self, operation_id: String, registered: Registered) -> &mut Self {
        if self.handlers.contains_key(&operation_id) {
            if !self.duplicates.contains(&operation_id) {
                self.duplicates.push(operation_id);
            }
        } else {
            self.handlers.insert(operation_id, registered);
        }
        self
    }
}

impl std::fmt::Debug for Dispatcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.handlers.keys()).finish()
    }
}
