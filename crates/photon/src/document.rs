//! From routes to the OpenAPI document that describes and routes them.

use std::collections::{HashMap, HashSet};

use photon_core::{
    BodyDoc, OperationDoc, ParameterDoc, References, ResponseDoc, Route, Schemas, StateDoc, StatusCode,
    validation_error_schemas,
};
use photon_router::openapi::{
    Document, MediaType, Operation, Parameter, ParameterIn, RefOr, RequestBody, Response,
};
use photon_router::split_catch_all;
use serde_json::{Map, Value, json};

use crate::App;
use crate::launch::LaunchError;

/// The document that the application serves: everything but what is hidden.
pub(crate) fn public_document(app: &App) -> Result<Document, LaunchError> {
    let mut base = app.spec.as_ref().map(|(document, _)| document.clone()).unwrap_or_default();
    base.info = app.info.clone();
    base.servers.extend(app.servers.iter().cloned());
    base.tags.extend(app.tags.iter().cloned());
    // Names are decided over all routes, so that hiding one does not rename another.
    let ids = operation_ids(&app.routes)?;
    let shown = app.routes.iter().zip(ids).filter(|(route, _)| !route.hidden);
    let (routes, ids): (Vec<&Route>, Vec<String>) = shown.unzip();
    Ok(assemble(base, &routes, &ids)?.0)
}

/// A document of all routes, hidden ones too, for the router.
pub(crate) struct RoutingDocument {
    pub(crate) document: Document,
    /// The operations' names, in the order of the routes.
    pub(crate) operation_ids: Vec<String>,
    pub(crate) states: Vec<NeededState>,
}

/// State that some operation takes.
pub(crate) struct NeededState {
    pub(crate) operation: String,
    pub(crate) needed: StateDoc,
}

pub(crate) fn routing_document(base: Document, routes: &[Route]) -> Result<RoutingDocument, LaunchError> {
    let operation_ids = operation_ids(routes)?;
    let routes: Vec<&Route> = routes.iter().collect();
    let (document, states) = assemble(base, &routes, &operation_ids)?;
    Ok(RoutingDocument { document, operation_ids, states })
}

/// One name per operation: the function's, with its module where two functions share one.
fn operation_ids(routes: &[Route]) -> Result<Vec<String>, LaunchError> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for route in routes {
        *counts.entry(&route.operation_id).or_default() += 1;
    }
    let mut taken: HashMap<String, &Route> = HashMap::new();
    let mut ids = Vec::with_capacity(routes.len());
    for route in routes {
        let shared = counts[route.operation_id.as_str()] > 1 && !route.named;
        let module = route.module.rsplit("::").next().unwrap_or_default();
        let id = if shared { format!("{module}_{}", route.operation_id) } else { route.operation_id.clone() };
        if let Some(other) = taken.insert(id.clone(), route) {
            let name = |route: &Route| format!("{} {}", route.method, route.path);
            let operations = [name(other), name(route)];
            return Err(if operations[0] == operations[1] {
                let [route, _] = operations;
                LaunchError::DuplicateRoute { route, operations: [id.clone(), id] }
            } else {
                LaunchError::DuplicateOperation { operation_id: id, operations }
            });
        }
        ids.push(id);
    }
    Ok(ids)
}

fn assemble(
    mut document: Document,
    routes: &[&Route],
    ids: &[String],
) -> Result<(Document, Vec<NeededState>), LaunchError> {
    let mut schemas = Schemas::default();
    let mut facts: Vec<Facts> = routes.iter().map(|route| Facts::of(route, &mut schemas)).collect();
    // What the types are called is known when all of them are.
    let errors = validation_error_schemas();
    let taken = errors.keys().chain(document.components.schemas.keys()).cloned();
    let (components, references) = schemas.finish(taken);
    document.components.schemas.extend(components);
    let mut states = Vec::new();
    let mut validated = false;
    for ((route, id), mut facts) in routes.iter().zip(ids).zip(facts.drain(..)) {
        facts.resolve(&references);
        validated |= facts.is_validated();
        let needed = facts.states.drain(..);
        states.extend(needed.map(|needed| NeededState { operation: id.clone(), needed }));
        let (path, catch_all) = split_catch_all(&route.path);
        if let Some(mistake) = facts.mistake(&path) {
            return Err(LaunchError::Operation { operation: id.clone(), mistake });
        }
        let operation = operation(route, id, &path, catch_all.as_deref(), facts);
        place(&mut document, route, path, operation)?;
    }
    if validated {
        document.components.schemas.extend(errors);
    }
    Ok((document, states))
}

/// What a route's arguments and return type say of it.
struct Facts {
    parameters: Vec<ParameterDoc>,
    bodies: Vec<BodyDoc>,
    responses: Vec<ResponseDoc>,
    states: Vec<StateDoc>,
    mistakes: Vec<String>,
}

impl Facts {
    fn of(route: &Route, schemas: &mut Schemas) -> Self {
        let mut doc = OperationDoc::new(schemas);
        (route.describe)(&mut doc);
        for error in &route.errors {
            doc.error_response(*error);
        }
        let OperationDoc { mut parameters, bodies, responses, states, mistakes, .. } = doc;
        // Two dependencies may read the same parameter; OpenAPI 3.1 §4.8.10.1 wants it once.
        let mut seen = HashSet::new();
        parameters.retain(|parameter| {
            let header = parameter.location == "header";
            let name = if header { parameter.name.to_ascii_lowercase() } else { parameter.name.clone() };
            seen.insert((parameter.location, name))
        });
        Self { parameters, bodies, responses, states, mistakes }
    }

    /// What is wrong with the operation at this path, if anything is.
    fn mistake(&self, path: &str) -> Option<String> {
        let foreign = self.parameters.iter().find(|parameter| {
            parameter.location == "path" && !path.contains(&format!("{{{}}}", parameter.name))
        });
        let foreign =
            foreign.map(|parameter| format!("{path} has no parameter {:?}, which it reads", parameter.name));
        self.mistakes.first().cloned().or(foreign)
    }

    fn resolve(&mut self, references: &References) {
        let parameters = self.parameters.iter_mut().map(|parameter| &mut parameter.schema);
        let bodies = self.bodies.iter_mut().map(|body| &mut body.schema);
        let contents = self.responses.iter_mut().filter_map(|response| response.content.as_mut());
        parameters
            .chain(bodies)
            .chain(contents.map(|(_, schema)| schema))
            .for_each(|schema| references.resolve(schema));
    }

    /// Whether a request can be refused for what it says.
    fn is_validated(&self) -> bool {
        !self.parameters.is_empty() || self.bodies.iter().any(|body| body.content_type == "application/json")
    }
}

fn place(
    document: &mut Document,
    route: &Route,
    path: String,
    operation: Operation,
) -> Result<(), LaunchError> {
    let item = document.paths.entry(path).or_default();
    let Some(slot) = item.operation_mut(&route.method) else {
        return Err(LaunchError::UnsupportedMethod {
            method: route.method.clone(),
            path: route.path.clone(),
        });
    };
    if let Some(other) = slot {
        let name = |operation: &Operation| operation.operation_id.clone().unwrap_or_default();
        return Err(LaunchError::DuplicateRoute {
            route: format!("{} {}", route.method, route.path),
            operations: [name(other), name(&operation)],
        });
    }
    *slot = Some(operation);
    // All operations of a path are one place in the route tree.
    let takes_rest = |operation: &Operation| {
        operation
            .parameters
            .iter()
            .filter_map(RefOr::item)
            .any(|known| known.extensions.contains_key(CATCH_ALL))
    };
    let mut kinds = item.operations().map(|(_, operation)| takes_rest(operation));
    let first = kinds.next();
    if kinds.any(|kind| Some(kind) != first) {
        let mistake = format!(
            "{} takes the rest of the path with {{…:path}}, and another operation of the same path does not",
            route.path
        );
        return Err(LaunchError::Operation { operation: route.operation_id.clone(), mistake });
    }
    Ok(())
}

/// The extension that marks the parameter which takes the rest of the path.
const CATCH_ALL: &str = "x-photon-catch-all";

fn operation(route: &Route, id: &str, path: &str, catch_all: Option<&str>, facts: Facts) -> Operation {
    let validated = facts.is_validated();
    let Facts { parameters, bodies, responses, .. } = facts;
    let mut operation = Operation {
        tags: route.tags.clone(),
        summary: Some(route.summary.clone().unwrap_or_else(|| title_case(&route.operation_id))),
        description: route.description.clone(),
        operation_id: Some(id.to_owned()),
        deprecated: route.deprecated,
        request_body: request_body(bodies).map(RefOr::Item),
        ..Operation::default()
    };
    let mut parameters: Vec<Parameter> =
        parameters.into_iter().map(|doc| parameter(doc, catch_all)).collect();
    add_unread_path_parameters(&mut parameters, path, catch_all);
    operation.parameters = parameters.into_iter().map(RefOr::Item).collect();
    for (status, response) in described_responses(route, responses) {
        operation.responses.insert(status.as_u16().to_string(), RefOr::Item(response));
    }
    if validated {
        let schema = json!({"$ref": "#/components/schemas/HTTPValidationError"});
        let response = content_response("Validation Error".to_owned(), "application/json", schema);
        operation.responses.entry("422".to_owned()).or_insert(RefOr::Item(response));
    }
    operation
}

fn parameter(doc: ParameterDoc, catch_all: Option<&str>) -> Parameter {
    let mut extensions = Map::new();
    if doc.location == "path" && catch_all == Some(doc.name.as_str()) {
        extensions.insert(CATCH_ALL.to_owned(), json!(true));
    }
    Parameter {
        location: match doc.location {
            "path" => ParameterIn::Path,
            "header" => ParameterIn::Header,
            "cookie" => ParameterIn::Cookie,
            _ => ParameterIn::Query,
        },
        name: doc.name,
        description: doc.description,
        required: doc.required,
        deprecated: doc.deprecated,
        schema: Some(doc.schema),
        example: doc.example,
        extensions,
        ..Parameter::default()
    }
}

/// A parameter of the template that no argument documents, because a dependency reads it by hand or
/// nobody does, is a text.
fn add_unread_path_parameters(parameters: &mut Vec<Parameter>, path: &str, catch_all: Option<&str>) {
    let names = path.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name);
    for name in names {
        let known = parameters.iter().any(|known| known.location == ParameterIn::Path && known.name == name);
        if !known {
            let schema = json!({"type": "string"});
            let doc = ParameterDoc {
                name: name.to_owned(),
                location: "path",
                required: true,
                schema,
                description: None,
                deprecated: false,
                example: None,
            };
            parameters.push(parameter(doc, catch_all));
        }
    }
}

/// One body argument is the body; several, or an embedded one, are keys of an object.
fn request_body(bodies: Vec<BodyDoc>) -> Option<RequestBody> {
    let (json_bodies, mut others): (Vec<_>, Vec<_>) =
        bodies.into_iter().partition(|body| body.content_type == "application/json");
    let required = json_bodies.iter().any(|body| body.required);
    let mut body = match json_bodies.len() {
        0 => others.pop()?,
        1 if !json_bodies[0].embed => json_bodies.into_iter().next()?,
        _ => embedded(&json_bodies),
    };
    let media_type =
        MediaType { schema: Some(body.schema.take()), example: body.example, ..MediaType::default() };
    let content = [(body.content_type.to_owned(), media_type)].into_iter().collect();
    let required = required || body.required;
    Some(RequestBody { content, required, description: body.description, ..RequestBody::default() })
}

fn embedded(bodies: &[BodyDoc]) -> BodyDoc {
    let required: Vec<&String> = bodies.iter().filter(|body| body.required).map(|body| &body.name).collect();
    let mut schema = json!({"type": "object", "required": required});
    if required.is_empty() {
        schema.as_object_mut().and_then(|schema| schema.remove("required"));
    }
    let property = |body: &BodyDoc| {
        let mut schema = body.schema.clone();
        if let Some(description) = &body.description {
            schema["description"] = json!(description);
        }
        if let Some(example) = &body.example {
            schema["examples"] = json!([example]);
        }
        (body.name.clone(), schema)
    };
    let properties: Map<String, Value> = bodies.iter().map(property).collect();
    schema["properties"] = Value::Object(properties);
    BodyDoc {
        name: String::new(),
        content_type: "application/json",
        required: !required.is_empty(),
        schema,
        embed: false,
        description: None,
        example: None,
    }
}

/// The responses with the status that the route attribute gives the expected one.
fn described_responses(route: &Route, mut responses: Vec<ResponseDoc>) -> Vec<(StatusCode, Response)> {
    if let Some(expected) = responses.iter_mut().find(|response| response.status == StatusCode::OK) {
        expected.status = route.status;
    } else if let Some(redirect) = responses.iter_mut().find(|response| response.status.is_redirection()) {
        // The handler's own redirect, which the attribute may say more of.
        if route.status.is_redirection() {
            redirect.status = route.status;
        }
    } else if !responses.iter().any(|response| response.status.is_success()) {
        responses.insert(0, ResponseDoc { status: route.status, description: None, content: None });
    }
    let described = |doc: ResponseDoc| {
        let expected = doc.status == route.status;
        let phrase = if expected {
            "Successful Response"
        } else {
            doc.status.canonical_reason().unwrap_or("Response")
        };
        let own = if expected { route.response_description.clone() } else { None };
        let description = own.or(doc.description).unwrap_or_else(|| phrase.to_owned());
        // RFC 9110 §15.3.5, §15.3.6 and §15.4.5: these have no content.
        let empty = matches!(doc.status.as_u16(), 204 | 205 | 304);
        let response = match doc.content.filter(|_| !empty) {
            Some((content_type, schema)) => content_response(description, content_type, schema),
            None => Response { description, ..Response::default() },
        };
        (doc.status, response)
    };
    responses.into_iter().map(described).collect()
}

fn content_response(description: String, content_type: &str, schema: Value) -> Response {
    let media_type = MediaType { schema: Some(schema), ..MediaType::default() };
    let content = [(content_type.to_owned(), media_type)].into_iter().collect();
    Response { description, content, ..Response::default() }
}

/// `read_item` → `Read Item`.
fn title_case(name: &str) -> String {
    let capitalised = |word: &str| {
        let mut chars = word.chars();
        chars
            .next()
            .map(|first| first.to_uppercase().collect::<String>() + chars.as_str())
            .unwrap_or_default()
    };
    name.split('_').filter(|word| !word.is_empty()).map(capitalised).collect::<Vec<_>>().join(" ")
}
