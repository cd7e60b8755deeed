//! From a document and handlers to a route table, or to the reason why not.

use std::collections::HashMap;
use std::sync::Arc;

use http::Method;
use serde_json::Value;

use crate::Dispatcher;
use crate::checks::{self, Checks};
use crate::dispatcher::Registered;
use crate::error::{MissingHandler, RouterError, UnknownOperation, near_miss};
use crate::openapi::{Document, Operation, Parameter, ParameterIn, PathItem, RefError, RefOr};
use crate::router::{Endpoint, Route};
use crate::template::Template;
use crate::tree::Tree;

/// The extension of a path parameter that takes the rest of the path, slashes included.
const CATCH_ALL: &str = "x-photon-catch-all";

/// One operation of the document on its way into the table.
struct Planned<'a> {
    route: usize,
    method: Method,
    path: &'a str,
    operation_id: &'a str,
    operation: &'a Operation,
    // The parameters of all operations of the path.
    shared: Vec<&'a RefOr<Parameter>>,
}

/// Builds the tree and the routes that its numbers point to.
pub(crate) fn build(document: &Document, dispatcher: Dispatcher) -> Result<(Tree, Vec<Route>), RouterError> {
    if !dispatcher.duplicates.is_empty() {
        return Err(RouterError::DuplicateHandlers(dispatcher.duplicates));
    }
    let mut tree = Tree::default();
    let mut templates: Vec<Template> = Vec::new();
    let mut planned = Vec::new();
    for (path, item) in &document.paths.entries {
        let operations = plan(document, path, item, templates.len())?;
        let template = template(document, path, &operations)?;
        if operations.is_empty() {
            continue;
        }
        add_template(&mut tree, &templates, &template)?;
        templates.push(template);
        planned.extend(operations);
    }
    check_unique(&planned)?;
    let routes = join(document, templates, &planned, dispatcher)?;
    Ok((tree, routes))
}

// The operations of a path: its own ones and, for other methods, those where its `$ref` leads.
fn plan<'a>(
    document: &'a Document,
    path: &'a str,
    item: &'a PathItem,
    route: usize,
) -> Result<Vec<Planned<'a>>, RouterError> {
    let target = document.resolve_path_item(item).map_err(|reason| in_path(path, reason))?;
    let mut planned: Vec<Planned<'_>> = Vec::new();
    for (method, operation) in item.operations().chain(target.operations()) {
        if planned.iter().any(|known| known.method == method) {
            continue;
        }
        let operation_id = operation
            .operation_id
            .as_deref()
            .filter(|id| !id.is_empty())
            .ok_or_else(|| RouterError::NoOperationId { method: method.clone(), path: path.into() })?;
        let shared = item.parameters.iter().chain(&target.parameters).collect();
        planned.push(Planned { route, method, path, operation_id, operation, shared });
    }
    Ok(planned)
}

fn template(document: &Document, path: &str, operations: &[Planned<'_>]) -> Result<Template, RouterError> {
    let mut catch_all = None;
    for operation in operations {
        for parameter in operation.operation.parameters.iter().chain(operation.shared.iter().copied()) {
            let parameter = document.resolve(parameter).map_err(|reason| in_path(path, reason))?;
            if parameter.location == ParameterIn::Path
                && parameter.extensions.get(CATCH_ALL) == Some(&Value::Bool(true))
            {
                catch_all = Some(parameter.name.as_str());
            }
        }
    }
    Template::parse(path, catch_all).map_err(|reason| RouterError::Template { path: path.into(), reason })
}

fn in_path(path: &str, reason: RefError) -> RouterError {
    RouterError::Reference { path: path.into(), reason }
}

fn add_template(tree: &mut Tree, others: &[Template], template: &Template) -> Result<(), RouterError> {
    let ambiguous = |other: usize| RouterError::Ambiguous {
        first: others[other].text.clone(),
        second: template.text.clone(),
    };
    tree.insert(template, others.len()).map_err(ambiguous)?;
    // Mixed segments can match the same text without looking alike: `a{x}` and `{x}b`.
    if template.is_mixed()
        && let Some(other) = others.iter().position(|other| other.ties_with(template))
    {
        return Err(ambiguous(other));
    }
    Ok(())
}

fn check_unique(planned: &[Planned<'_>]) -> Result<(), RouterError> {
    let mut seen: HashMap<&str, &Planned<'_>> = HashMap::new();
    for operation in planned {
        if let Some(first) = seen.insert(operation.operation_id, operation) {
            return Err(RouterError::DuplicateOperationId {
                operation_id: operation.operation_id.into(),
                first: (first.method.clone(), first.path.into()),
                second: (operation.method.clone(), operation.path.into()),
            });
        }
    }
    Ok(())
}

fn join(
    document: &Document,
    templates: Vec<Template>,
    planned: &[Planned<'_>],
    dispatcher: Dispatcher,
) -> Result<Vec<Route>, RouterError> {
    let mut handlers = dispatcher.handlers;
    let mut routes: Vec<Route> = templates.into_iter().map(Route::new).collect();
    let root = checks::root(document);
    let mut missing = Vec::new();
    for operation in planned {
        match handlers.swap_remove(operation.operation_id) {
            Some(registered) => {
                routes[operation.route].add(endpoint(document, &root, operation, registered)?);
            }
            None => missing.push(operation),
        }
    }
    if missing.is_empty() && handlers.is_empty() {
        return Ok(routes);
    }
    let operations = missing.iter().map(|operation| MissingHandler {
        operation_id: operation.operation_id.into(),
        method: operation.method.clone(),
        path: operation.path.into(),
        suggestion: near_miss(operation.operation_id, handlers.keys().map(String::as_str)),
    });
    let mut unknown: Vec<&String> = handlers.keys().collect();
    unknown.sort();
    let unknown = unknown.into_iter().map(|name| UnknownOperation {
        operation_id: name.clone(),
        suggestion: near_miss(name, planned.iter().map(|operation| operation.operation_id)),
    });
    Err(RouterError::Unmatched { operations: operations.collect(), handlers: unknown.collect() })
}

fn endpoint(
    document: &Document,
    root: &Arc<Value>,
    planned: &Planned<'_>,
    registered: Registered,
) -> Result<Endpoint, RouterError> {
    let checks = if registered.checked {
        None
    } else {
        let checks = Checks::new(document, root, planned.operation, planned.shared.iter().copied());
        checks.map_err(|reason| in_path(planned.path, reason))?
    };
    Ok(Endpoint {
        method: planned.method.clone(),
        path: planned.path.into(),
        operation_id: planned.operation_id.into(),
        handler: registered.handler,
        checks,
        whole_body: !registered.checked,
    })
}
