//! Routers from short texts, for the other modules.

use http::Method;
use photon_core::{Request, Response};
use photon_router::openapi::{Document, Operation, Parameter, ParameterIn};
use photon_router::{Dispatcher, Outcome, Router, RouterError, split_catch_all};
use serde_json::json;

/// A document with these operations: `"GET /items/{id}"`, or a path alone for GET. An operation's
/// name is its text. `{path:path}` at the end becomes a catch-all parameter.
pub(crate) fn document(operations: &[&str]) -> Document {
    let mut document = Document::new("Table", "1");
    for text in operations {
        let (method, path) = text.split_once(' ').unwrap_or(("GET", text));
        let (path, catch_all) = split_catch_all(path);
        let mut operation = Operation { operation_id: Some((*text).into()), ..Operation::default() };
        if let Some(name) = catch_all {
            let mut parameter =
                Parameter { name, location: ParameterIn::Path, required: true, ..Parameter::default() };
            parameter.extensions.insert("x-photon-catch-all".into(), json!(true));
            operation.parameters.push(parameter.into());
        }
        let item = document.paths.entry(path).or_default();
        *item.operation_mut(&method.parse().unwrap()).unwrap() = Some(operation);
    }
    document
}

/// Handlers that answer with the operation's name.
pub(crate) fn dispatcher(operations: &[&str]) -> Dispatcher {
    let mut dispatcher = Dispatcher::new();
    for text in operations {
        let body = (*text).to_owned();
        dispatcher
            .register_handler(*text, move |_: &mut Request| Response::with_body("text/plain", body.clone()));
    }
    dispatcher
}

pub(crate) fn try_router(operations: &[&str]) -> Result<Router, RouterError> {
    Router::from_spec(&document(operations), dispatcher(operations))
}

pub(crate) fn router(operations: &[&str]) -> Router {
    try_router(operations).unwrap()
}

/// What becomes of a request, as text: `GET /{id} id=5`, `404`, `405 GET`, `307 /x`.
pub(crate) fn outcome(router: &Router, request: &str) -> String {
    let (method, target) = request.split_once(' ').unwrap_or(("GET", request));
    let mut request = Request::new(Method::from_bytes(method.as_bytes()).unwrap(), target);
    request.path_params.push("left", "over");
    match router.route(&mut request) {
        Outcome::Handler(endpoint) => {
            let mut text = endpoint.operation_id().to_owned();
            for (name, value) in request.path_params.iter() {
                text += &format!(" {name}={value}");
            }
            text
        }
        Outcome::Redirect(location) => format!("307 {location}"),
        Outcome::NotFound => "404".into(),
        Outcome::MethodNotAllowed(allow) => format!("405 {allow}"),
        Outcome::UnknownMethod => "501".into(),
        Outcome::Options(allow) => format!("options {allow}"),
        Outcome::BadPath => "400".into(),
    }
}

/// Checks pairs of request and outcome.
pub(crate) fn check(operations: &[&str], cases: &[(&str, &str)]) {
    let router = router(operations);
    for (request, expected) in cases {
        assert_eq!(outcome(&router, request), *expected, "{request} among {operations:?}");
    }
}
