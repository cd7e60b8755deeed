//! Arguments from the JSON body.
//!
//! The usual case is one parse straight into the type. Only a body that fails it, or one that holds
//! several arguments, is parsed into a loose value and walked.

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::loose;
use crate::text::is_json;
use crate::validation::{Errors, Fault, Location, Mode, Segment};
use crate::{Argument, Model, Request};

/// Attached to a request (or to an application's state) whose JSON bodies may hold numbers and
/// booleans as text, as Pydantic takes them by default.
#[derive(Debug, Clone, Copy)]
pub struct CoercedBodies;

/// The body parsed into a loose value, kept for the other arguments of the same handler.
struct ParsedBody(Result<Value, (Fault, usize)>);

pub(super) fn read<T: Model + DeserializeOwned>(
    request: &mut Request,
    argument: &Argument,
    errors: &mut Errors,
) -> Option<T> {
    if !argument.embed
        && has_json_type(request)
        && let Ok(value) = serde_json::from_slice::<T>(&request.body)
        && argument.constraints.check(value.measure()).is_none()
        && value.check().is_ok()
        // `null` would do for a unit or an `Option`, but it is how a client says "no body".
        && request.body.trim_ascii() != b"null"
    {
        return Some(value);
    }
    explain(request, argument, errors)
}

pub(super) fn is_present(request: &Request, argument: &Argument) -> bool {
    let body = request.body.trim_ascii();
    if body.is_empty() || body == b"null" {
        return false;
    }
    if !argument.embed {
        return true;
    }
    match serde_json::from_slice::<Value>(body) {
        Ok(Value::Object(fields)) => fields.get(argument.name).is_some_and(|value| !value.is_null()),
        _ => true,
    }
}

/// Reads the body the slow way: finds out all that is wrong, or coerces what can be.
fn explain<T: Model + DeserializeOwned>(
    request: &mut Request,
    argument: &Argument,
    errors: &mut Errors,
) -> Option<T> {
    let mut location: Location = vec!["body".into()];
    let value = match loose_value(request, argument, &mut location) {
        Ok(value) => value,
        Err((fault, input)) => {
            errors.push(location, fault, &input);
            return None;
        }
    };
    let mode = if coerces(request) { Mode::Lax } else { Mode::Json };
    loose::typed(value, &argument.schema::<T>(), mode, &argument.constraints, &mut location, errors)
}

/// The part of the body that is the argument, and where it is.
fn loose_value(
    request: &mut Request,
    argument: &Argument,
    location: &mut Location,
) -> Result<Value, (Fault, Value)> {
    if request.body.is_empty() {
        if argument.embed {
            location.push(argument.name.into());
        }
        return Err((Fault::missing(), Value::Null));
    }
    if !has_json_type(request) {
        let message = "Input should be a valid dictionary or object to extract fields from";
        let text = String::from_utf8_lossy(&request.body).into_owned();
        return Err((Fault::new("model_attributes_type", message), Value::String(text)));
    }
    if !argument.embed {
        // The only argument that reads the body takes the tree as it is; a large one is not copied.
        return match parse(&request.body) {
            Ok(Value::Null) => Err((Fault::missing(), Value::Null)),
            Ok(body) => Ok(body),
            Err((fault, position)) => {
                location.push(Segment::Index(position));
                Err((fault, json!({})))
            }
        };
    }
    match &parsed(request).0 {
        Err((fault, position)) => {
            location.push(Segment::Index(*position));
            Err((fault.clone(), json!({})))
        }
        Ok(body) => {
            location.push(argument.name.into());
            match body.get(argument.name) {
                Some(value) if !value.is_null() => Ok(value.clone()),
                _ => Err((Fault::missing(), Value::Null)),
            }
        }
    }
}

fn parse(body: &[u8]) -> Result<Value, (Fault, usize)> {
    serde_json::from_slice(body).map_err(|error| invalid_json(&error, body))
}

fn parsed(request: &mut Request) -> &ParsedBody {
    if request.extensions().get::<ParsedBody>().is_none() {
        let body = parse(&request.body);
        request.extensions_mut().insert(ParsedBody(body));
    }
    let Some(parsed) = request.extensions().get() else { unreachable!("inserted above") };
    parsed
}

fn has_json_type(request: &Request) -> bool {
    request.header("content-type").is_some_and(is_json)
}

fn coerces(request: &Request) -> bool {
    request.extensions().get::<CoercedBodies>().is_some()
        || request.context().is_some_and(|context| context.get::<CoercedBodies>().is_some())
}

/// What is wrong with a body that is no JSON, in the words of Python's parser, and at which
/// character.
fn invalid_json(error: &serde_json::Error, body: &[u8]) -> (Fault, usize) {
    let text = error.to_string();
    let serde_says = text.rsplit_once(" at line ").map_or(text.as_str(), |(message, _)| message);
    let message = match serde_says {
        "key must be a string" => "Expecting property name enclosed in double quotes",
        "expected value" | "expected ident" | "EOF while parsing a value" => "Expecting value",
        "expected `:`" | "EOF while parsing an object" => "Expecting ':' delimiter",
        "expected `,` or `}`" | "expected `,` or `]`" | "EOF while parsing a list" => {
            "Expecting ',' delimiter"
        }
        "EOF while parsing a string" => "Unterminated string",
        "trailing characters" => "Extra data",
        "trailing comma" => "Illegal trailing comma",
        other => other,
    };
    let line_start: usize = body
        .split_inclusive(|byte| *byte == b'\n')
        .take(error.line().saturating_sub(1))
        .map(<[u8]>::len)
        .sum();
    let offset = (line_start + error.column().saturating_sub(1)).min(body.len());
    let position = String::from_utf8_lossy(&body[..offset]).chars().count();
    (Fault::new("json_invalid", "JSON decode error").context("error", message), position)
}
