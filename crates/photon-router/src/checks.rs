//! Checks a request against what its operation documents, for handlers that do not check.
//!
//! Parameters of every style are read but `label`, `matrix`, and objects written as one text; those
//! and bodies other than JSON are left to the handler. Checking changes nothing in the request.

use std::sync::Arc;

use photon_core::validation::{Errors, Fault, Location, Mode, walk};
use photon_core::{
    Argument, FromRequest, IntoResponse, Json, Request, Response, Source, cookie_pairs, decode_component,
    is_json,
};
use serde_json::{Map, Value, json};

use crate::openapi::{
    Document, MediaType, Operation, Parameter, ParameterIn, ParameterStyle, RefError, RefOr, RequestBody,
};

/// What the parameters and the body of one operation have to meet.
pub(crate) struct Checks {
    // What local references of the schemas point into.
    root: Arc<Value>,
    parameters: Vec<ParameterCheck>,
    body: Option<BodyCheck>,
}

struct ParameterCheck {
    name: String,
    source: Source,
    required: bool,
    schema: Value,
    form: Form,
}

/// How a value is written in the request.
enum Form {
    /// As one text.
    Text,
    /// As one text with items between separators.
    List(&'static [&'static str]),
    /// As one text per item.
    Repeated,
    /// As one parameter per field: its name in the request, its name, and whether it may repeat.
    Fields(Vec<(String, String, bool)>),
    /// As JSON.
    Json,
}

struct BodyCheck {
    required: bool,
    schema: Value,
    // The documented media types that are not JSON.
    others: Vec<String>,
}

/// The schemas of a document where `#/components/schemas/…` finds them.
pub(crate) fn root(document: &Document) -> Arc<Value> {
    let schemas: Map<String, Value> = document.components.schemas.clone().into_iter().collect();
    Arc::new(json!({"components": {"schemas": schemas}}))
}

impl Checks {
    /// The checks of an operation, if it needs any; `shared` are the parameters of its path.
    pub(crate) fn new<'a>(
        document: &'a Document,
        root: &Arc<Value>,
        operation: &'a Operation,
        shared: impl Iterator<Item = &'a RefOr<Parameter>>,
    ) -> Result<Option<Self>, RefError> {
        let mut documented: Vec<&Parameter> = Vec::new();
        // Those of the operation come first and override those of the path (§4.8.10.1).
        for parameter in operation.parameters.iter().chain(shared) {
            let parameter = document.resolve(parameter)?;
            let known =
                |other: &&Parameter| (&other.name, other.location) == (&parameter.name, parameter.location);
            if !documented.iter().any(known) && !is_ignored(parameter) {
                documented.push(parameter);
            }
        }
        let mut parameters = Vec::new();
        for parameter in documented {
            parameters.extend(ParameterCheck::new(document, parameter)?);
        }
        // FastAPI lists faults in this order, whatever the order of the document.
        parameters.sort_by_key(|check| match check.source {
            Source::Path => 0,
            Source::Query => 1,
            Source::Header => 2,
            _ => 3,
        });
        let body = operation.request_body.as_ref().map(|body| document.resolve(body)).transpose()?;
        let body = body.and_then(BodyCheck::new);
        let has_any = body.is_some() || !parameters.is_empty();
        Ok(has_any.then(|| Self { root: Arc::clone(root), parameters, body }))
    }

    /// The 422 response with every fault, if there is one.
    pub(crate) fn refuse(&self, request: &mut Request) -> Option<Response> {
        let mut errors = Errors::new();
        for check in &self.parameters {
            check.run(request, &self.root, &mut errors);
        }
        if let Some(body) = &self.body {
            body.run(request, &self.root, &mut errors);
        }
        (!errors.is_empty()).then(|| errors.into_response())
    }
}

// §4.8.12.1: header parameters of these names shall be ignored; other parts of a document speak
// of them.
fn is_ignored(parameter: &Parameter) -> bool {
    let is = |name: &str| parameter.name.eq_ignore_ascii_case(name);
    parameter.location == ParameterIn::Header && (is("accept") || is("content-type") || is("authorization"))
}

impl ParameterCheck {
    fn new(document: &Document, parameter: &Parameter) -> Result<Option<Self>, RefError> {
        let source = match parameter.location {
            ParameterIn::Path => Source::Path,
            ParameterIn::Query => Source::Query,
            ParameterIn::Header => Source::Header,
            ParameterIn::Cookie => Source::Cookie,
        };
        let json = parameter.content.iter().find(|(name, _)| is_json(name)).map(|(_, media)| media);
        let (schema, form) = match (&parameter.schema, json) {
            (Some(schema), _) => {
                (schema.clone(), form(parameter, document.resolve_schema(schema)?, document)?)
            }
            (None, Some(media)) => (media.schema.clone().unwrap_or(Value::Bool(true)), Some(Form::Json)),
            (None, None) => return Ok(None),
        };
        let required = parameter.required;
        Ok(form.map(|form| Self { name: parameter.name.clone(), source, required, schema, form }))
    }

    fn run(&self, request: &Request, root: &Value, errors: &mut Errors) {
        let mut location: Location = vec![self.source.name().into(), self.name.as_str().into()];
        let Some(mut value) = self.read(request) else {
            if self.required {
                errors.push(location, Fault::missing(), &Value::Null);
            }
            return;
        };
        let mut mode = Mode::Text;
        if let (Form::Json, Value::String(text)) = (&self.form, &value) {
            mode = Mode::Json;
            match serde_json::from_str(text) {
                Ok(parsed) => value = parsed,
                Err(error) => {
                    let fault = Fault::new("json_invalid", "JSON decode error");
                    errors.push(location, fault.context("error", error.to_string()), &json!({}));
                    return;
                }
            }
        }
        walk(&self.schema, root, mode, &mut value, &mut location, errors);
    }

    // The value as the request has it, with a text for every scalar.
    fn read(&self, request: &Request) -> Option<Value> {
        let list = |texts: Vec<String>| (!texts.is_empty()).then(|| json!(texts));
        match &self.form {
            Form::Text | Form::Json => single(request, self.source, &self.name).map(Value::String),
            Form::Repeated => list(texts(request, self.source, &self.name, &[])),
            Form::List(separators) => list(texts(request, self.source, &self.name, separators)),
            Form::Fields(fields) => {
                let mut object = Map::new();
                for (key, field, repeats) in fields {
                    let value = match repeats {
                        true => list(texts(request, self.source, key, &[])),
                        false => single(request, self.source, key).map(Value::String),
                    };
                    object.extend(value.map(|value| (field.clone(), value)));
                }
                (!object.is_empty()).then_some(Value::Object(object))
            }
        }
    }
}

// How a parameter is written (§4.8.12.3); `None` for what is not checked.
fn form(parameter: &Parameter, schema: &Value, document: &Document) -> Result<Option<Form>, RefError> {
    use ParameterStyle::{DeepObject, Form as Exploding, PipeDelimited, Simple, SpaceDelimited};
    let usual = match parameter.location {
        ParameterIn::Path | ParameterIn::Header => Simple,
        ParameterIn::Query | ParameterIn::Cookie => Exploding,
    };
    let style = parameter.style.unwrap_or(usual);
    let explode = parameter.explode.unwrap_or(style == Exploding);
    if accepts(schema, "array", document)? {
        return Ok(match style {
            Exploding if explode => Some(Form::Repeated),
            Exploding | Simple => Some(Form::List(&[","])),
            SpaceDelimited => Some(Form::List(&["%20", "+", " "])),
            PipeDelimited => Some(Form::List(&["|", "%7C", "%7c"])),
            _ => None,
        });
    }
    if !accepts(schema, "object", document)? {
        return Ok(matches!(style, Exploding | Simple).then_some(Form::Text));
    }
    let deep = style == DeepObject;
    let exploded = style == Exploding && explode;
    if !(deep || exploded) {
        return Ok(None);
    }
    let mut fields = Vec::new();
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let key = if deep { format!("{}[{name}]", parameter.name) } else { name.clone() };
        fields.push((key, name.clone(), accepts(field, "array", document)?));
    }
    Ok(Some(Form::Fields(fields)))
}

// Whether a value of this type may be valid, as far as one look at the schema tells.
fn accepts(schema: &Value, kind: &str, document: &Document) -> Result<bool, RefError> {
    let schema = document.resolve_schema(schema)?;
    let of_type = |schema: &Value| match &schema["type"] {
        Value::String(name) => name == kind,
        Value::Array(names) => names.iter().any(|name| name == kind),
        _ => false,
    };
    let mut found = of_type(schema);
    for keyword in ["anyOf", "oneOf", "allOf"] {
        for variant in schema[keyword].as_array().into_iter().flatten() {
            found |= of_type(document.resolve_schema(variant)?);
        }
    }
    Ok(found)
}

// The text that counts if a name is there several times: the last of a query or of cookies, and
// the first header field, as for a handler's arguments.
fn single(request: &Request, source: Source, name: &str) -> Option<String> {
    let mut texts = texts(request, source, name, &[]);
    if source == Source::Header { (!texts.is_empty()).then(|| texts.swap_remove(0)) } else { texts.pop() }
}

// Every text under a name, divided at the separators. Those of a query divide before decoding, so
// that an escaped comma is part of an item.
fn texts(request: &Request, source: Source, name: &str, separators: &[&str]) -> Vec<String> {
    let mut texts = Vec::new();
    let mut add = |text: &str| texts.extend(divide(text, separators).into_iter().map(str::to_owned));
    match source {
        Source::Path => request.path_params.get(name).into_iter().for_each(add),
        Source::Header => {
            request.headers().get_all(name).for_each(add);
            // RFC 9110 §5.6.1: the items of a list may have white space around them.
            texts.iter_mut().for_each(|text| *text = text.trim().to_owned());
        }
        Source::Cookie => {
            cookie_pairs(request.headers()).filter(|(key, _)| *key == name).for_each(|(_, value)| add(value));
        }
        _ => {
            for pair in request.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
                let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
                if decode_component(key) == name {
                    let items = divide(value, separators);
                    texts.extend(items.into_iter().map(|item| decode_component(item).into_owned()));
                }
            }
        }
    }
    texts
}

fn divide<'a>(text: &'a str, separators: &[&str]) -> Vec<&'a str> {
    let mut items = vec![text];
    for separator in separators {
        items = items.into_iter().flat_map(|item| item.split(separator)).collect();
    }
    items
}

impl BodyCheck {
    // A body that is not documented as JSON is not checked.
    fn new(body: &RequestBody) -> Option<Self> {
        let (_, media): (_, &MediaType) = body.content.iter().find(|(name, _)| is_json(name))?;
        let others = body.content.keys().filter(|name| !is_json(name)).map(|name| essence(name)).collect();
        let schema = media.schema.clone().unwrap_or(Value::Bool(true));
        Some(Self { required: body.required, schema, others })
    }

    fn run(&self, request: &mut Request, root: &Value, errors: &mut Errors) {
        let argument = Argument::new("body", Source::Body);
        let kind = essence(request.header("content-type").unwrap_or_default());
        // A documented JSON body is checked even where a range would let it through unread.
        let is_other = !is_json(&kind) && self.others.iter().any(|other| matches_range(other, &kind));
        if is_other || (!self.required && !Json::<Value>::is_present(request, &argument)) {
            return;
        }
        // Reads the body as a handler's argument would, with the same faults.
        let Some(Json(mut value)) = Json::<Value>::from_argument(request, &argument, errors) else { return };
        walk(&self.schema, root, Mode::Json, &mut value, &mut vec!["body".into()], errors);
    }
}

fn essence(media_type: &str) -> String {
    media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

// Whether a media type is of a documented one, which may be a range: `text/*` (§4.8.13.1).
fn matches_range(range: &str, essence: &str) -> bool {
    match range.strip_suffix('*') {
        Some("*/") => !essence.is_empty() && !is_json(essence),
        Some(kind) => essence.starts_with(kind),
        None => essence == range,
    }
}
