//! From a document and handlers to a route table, or to the reason why not.

use std::collections::HashMap;

use http::Method;
use photon_core::Handler;
use serde_json::Value;

use crate::Dispatcher;
use crate::dispatcher::Registered;
use crate::error::{MissingHandler, RouterError, UnknownOperation, near_miss};
use crate::openapi::{Document, Operation, Parameter, ParameterIn, PathItem, RefOr};
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
        let operations = operations(document, path, item)?;
        let template = template(document, path, item, &operations)?;
        if operations.is_empty() {
            continue;
        }
        add_template(&mut tree, &templates, &template)?;
        for (method, operation) in operations {
            let operation_id =
                operation.operation_id.as_deref().filter(|id| !id.is_empty()).ok_or_else(|| {
                    RouterError::NoOperationId { method: method.clone(), path: path.clone() }
                })?;
            planned.push(Planned { route: templates.len(), method, path, operation_id });
        }
        templates.push(template);
    }
    check_unique(&planned)?;
    let routes = join(templates, &planned, dispatcher)?;
    Ok((tree, routes))
}

// The operations of a path: its own ones and, for other methods, those where its `$ref` leads.
fn operations<'a>(
    document: &'a Document,
    path: &str,
    item: &'a PathItem,
) -> Result<Vec<(Method, &'a Operation)>, RouterError> {
    let target = document
        .resolve_path_item(item)
        .map_err(|reason| RouterError::Reference { path: path.into(), reason })?;
    let mut operations: Vec<_> = item.operations().collect();
    for (method, operation) in target.operations() {
        if !operations.iter().any(|(own, _)| *own == method) {
            operations.push((method, operation));
        }
    }
    Ok(operations)
}

fn template(
    document: &Document,
    path: &str,
    item: &PathItem,
    operations: &[(Method, &Operation)],
) -> Result<Template, RouterError> {
    let reference = |reason| RouterError::Reference { path: path.into(), reason };
    let shared = &document.resolve_path_item(item).map_err(reference)?.parameters;
    let mut catch_all = None;
    let lists = operations.iter().map(|(_, operation)| &operation.parameters);
    for parameter in lists.chain([&item.parameters, shared]).flatten() {
        let parameter: &Parameter = resolve(document, path, parameter)?;
        if parameter.location == ParameterIn::Path
            && parameter.extensions.get(CATCH_ALL) == Some(&Value::Bool(true))
        {
            catch_all = Some(parameter.name.as_str());
        }
    }
    Template::parse(path, catch_all).map_err(|reason| RouterError::Template { path: path.into(), reason })
}

fn resolve<'a>(
    document: &'a Document,
    path: &str,
    parameter: &'a RefOr<Parameter>,
) -> Result<&'a Parameter, RouterError> {
    document.resolve(parameter).map_err(|reason| RouterError::Reference { path: path.into(), reason })
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
    templates: Vec<Template>,
    planned: &[Planned<'_>],
    dispatcher: Dispatcher,
) -> Result<Vec<Route>, RouterError> {
    let mut handlers = dispatcher.handlers;
    let mut routes: Vec<Route> = templates.into_iter().map(Route::new).collect();
    let mut missing = Vec::new();
    for operation in planned {
        match handlers.swap_remove(operation.operation_id) {
            Some(Registered { handler, .. }) => {
                let route = &mut routes[operation.route];
                route.add(endpoint(operation, handler));
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

fn endpoint(operation: &Planned<'_>, handler: Box<dyn Handler>) -> Endpoint {
    Endpoint {
        method: operation.method.clone(),
        path: operation.path.into(),
        operation_id: operation.operation_id.into(),
        handler,
    }
}
