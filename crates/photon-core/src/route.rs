//! One operation of an application: what a route attribute makes of a function.

use std::sync::Arc;

use http::{Method, StatusCode};

use crate::{Handler, OperationDoc};

/// A method, a path template, a handler, and what the document says of them.
#[derive(Clone)]
pub struct Route {
    /// The request method.
    pub method: Method,
    /// The path template, such as `/items/{id}`; `{rest:path}` at its end takes slashes too.
    pub path: String,
    /// The operation's name in the document and in generated clients: the function's name.
    pub operation_id: String,
    /// Whether `operation_id` was written down and must stay; others are qualified by `module` when
    /// two functions have the same name.
    pub named: bool,
    /// The path of the module that the function is in.
    pub module: &'static str,
    /// One line: what it does. The function's name as a title by default.
    pub summary: Option<String>,
    /// More than a line: the function's doc comment.
    pub description: Option<String>,
    /// The groups that the documentation pages show it in.
    pub tags: Vec<String>,
    /// Whether clients should stop using it.
    pub deprecated: bool,
    /// Whether the document leaves it out. It is routed all the same.
    pub hidden: bool,
    /// The status of a response that the handler gives as 200.
    pub status: StatusCode,
    /// What the expected response is.
    pub response_description: Option<String>,
    /// The error statuses that the handler answers with.
    pub errors: Vec<StatusCode>,
    /// What answers the request.
    pub handler: Arc<dyn Handler>,
    /// Fills in the parameters, bodies and responses.
    pub describe: fn(&mut OperationDoc<'_>),
}

impl std::fmt::Debug for Route {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Route({} {} → {})", self.method, self.path, self.operation_id)
    }
}

/// What `routes![…]` takes: a function with a route attribute.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no route",
    label = "has no route attribute",
    note = "put `#[get(\"/path\")]` or another route attribute on the function"
)]
pub trait RouteSource {
    /// The route that the attribute describes.
    fn route() -> Route;
}
