//! Arguments of types with a schema: from one text, from several, from an object of texts, from a
//! JSON body.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{body, objects};
use crate::text::{items, single_text, texts};
use crate::validation::{Errors, Fault, Location, Measure, report_failed_checks};
use crate::{Argument, BodyDoc, HttpError, Model, OperationDoc, ParameterDoc, Request, Source};

/// Reads a model outside of a handler's argument list: from the JSON body.
pub fn from_request<T: Model + DeserializeOwned>(request: &mut Request) -> Result<T, HttpError> {
    let argument = Argument::new("body", Source::Body);
    let mut errors = Errors::new();
    from_argument(request, &argument, &mut errors).ok_or_else(|| errors.into_error())
}

/// Reads one argument from where its attribute or its type says.
pub fn from_argument<T: Model + DeserializeOwned>(
    request: &mut Request,
    argument: &Argument,
    errors: &mut Errors,
) -> Option<T> {
    match argument.source.or_by_type(T::SCALAR) {
        Source::Body => body::read(request, argument, errors),
        source if T::SCALAR => scalar(request, argument, source, errors),
        source => objects::read(request, argument, source, errors),
    }
}

/// Whether the request says anything about the argument.
pub fn is_present<T: Model>(request: &Request, argument: &Argument) -> bool {
    match argument.source.or_by_type(T::SCALAR) {
        Source::Body => body::is_present(request, argument),
        source if T::SCALAR => texts(request, source, argument.name).next().is_some(),
        _ => true,
    }
}

fn scalar<T: Model>(
    request: &Request,
    argument: &Argument,
    source: Source,
    errors: &mut Errors,
) -> Option<T> {
    let Some(text) = single_text(request, source, argument.name) else {
        errors.push(vec![source.name().into(), argument.name.into()], Fault::missing(), &Value::Null);
        return None;
    };
    let location = || vec![source.name().into(), argument.name.into()];
    parse(&text, argument, location, errors)
}

fn parse<T: Model>(
    text: &str,
    argument: &Argument,
    location: impl Fn() -> Location,
    errors: &mut Errors,
) -> Option<T> {
    let parsed = T::parse(text).and_then(|value| match argument.constraints.check(value.measure()) {
        None => Ok(value),
        Some(fault) => Err(fault),
    });
    match parsed {
        Ok(value) => match value.check() {
            Ok(()) => Some(value),
            Err(failed) => {
                report_failed_checks(&failed, &json!(text), &mut location(), errors);
                None
            }
        },
        Err(fault) => {
            errors.push(location(), fault, &json!(text));
            None
        }
    }
}

/// Every value of a parameter, each parsed. The attribute's lengths bound their number, its other
/// constraints each of them.
pub(super) fn list<T: Model>(
    request: &Request,
    argument: &Argument,
    source: Source,
    errors: &mut Errors,
) -> Option<Vec<T>> {
    let before = errors.count();
    let place = || vec![source.name().into(), argument.name.into()];
    let mut one = *argument;
    one.constraints = argument.constraints.of_items();
    let texts = items(request, source, argument.name);
    let mut values = Vec::with_capacity(texts.len());
    for (index, text) in texts.iter().enumerate() {
        let location = || vec![source.name().into(), argument.name.into(), index.into()];
        values.extend(parse(text, &one, location, errors));
        if errors.is_full() {
            return None;
        }
    }
    if errors.count() > before {
        return None;
    }
    if let Some(fault) = argument.constraints.check(Measure::Items(values.len())) {
        errors.push(place(), fault, &json!(texts));
        return None;
    }
    Some(values)
}

/// Documents an argument of a type with a schema.
pub fn describe<T: Model>(argument: &Argument, operation: &mut OperationDoc<'_>) {
    if argument.hidden {
        return;
    }
    match argument.source.or_by_type(T::SCALAR) {
        Source::Body => describe_body::<T>(argument, operation),
        source if T::SCALAR => {
            let schema = operation.schemas.input::<T>();
            describe_parameter(argument, source, schema, argument.default.is_none(), false, operation);
        }
        source => objects::describe::<T>(source, operation),
    }
}

/// Documents a parameter that may come several times. None at all is an empty list.
pub(super) fn describe_list<T: JsonSchema>(
    argument: &Argument,
    source: Source,
    operation: &mut OperationDoc<'_>,
) {
    if !argument.hidden {
        let schema = operation.schemas.input::<T>();
        let required =
            argument.constraints.min_length.is_some_and(|min| min > 0) && argument.default.is_none();
        describe_parameter(argument, source, schema, required, true, operation);
    }
}

fn describe_body<T: JsonSchema>(argument: &Argument, operation: &mut OperationDoc<'_>) {
    let mut schema = operation.schemas.input::<T>();
    let list = schema["type"] == "array";
    decorate(argument, &mut schema, list);
    operation.bodies.push(BodyDoc {
        name: argument.name.to_owned(),
        content_type: "application/json",
        schema,
        required: argument.default.is_none(),
        embed: argument.embed,
        description: argument.description.map(str::to_owned),
        example: argument.example.map(|example| example()),
    });
}

fn describe_parameter(
    argument: &Argument,
    source: Source,
    mut schema: Value,
    required: bool,
    list: bool,
    operation: &mut OperationDoc<'_>,
) {
    decorate(argument, &mut schema, list);
    if let Some(fault) = argument.default.and_then(|default| default_fault(argument, &default())) {
        let name = argument.name;
        operation
            .mistakes
            .push(format!("the default of {name} is not one of its own values: {}", fault.message));
    }
    operation.parameters.push(ParameterDoc {
        name: argument.name.to_owned(),
        location: source.name(),
        required: required || source == Source::Path,
        schema,
        description: argument.description.map(str::to_owned),
        deprecated: argument.deprecated,
        example: argument.example.map(|example| example()),
    });
}

/// Adds what the attribute says to the schema that the type gives.
fn decorate(argument: &Argument, schema: &mut Value, list: bool) {
    if let Value::Object(object) = schema {
        argument.constraints.document(object, list);
        if let Some(default) = argument.default {
            object.insert("default".to_owned(), default());
        }
    }
}

/// Which of its own constraints a default does not meet.
fn default_fault(argument: &Argument, default: &Value) -> Option<Fault> {
    let measure = match default {
        Value::String(text) => Measure::Text(text),
        Value::Array(items) => Measure::Items(items.len()),
        Value::Number(number) => match number.as_i128() {
            Some(int) => Measure::Int(int),
            None => Measure::Float(number.as_f64()?),
        },
        _ => return None,
    };
    argument.constraints.check(measure)
}
