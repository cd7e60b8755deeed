//! A struct as parameters: each field is a query, header, cookie or path parameter of its own.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::loose;
use crate::text::{cookie_pairs, items, query_pairs, single_text};
use crate::validation::{Errors, Location, Mode};
use crate::{Argument, Model, OperationDoc, ParameterDoc, Request, Source};

pub(super) fn read<T: Model + DeserializeOwned>(
    request: &Request,
    argument: &Argument,
    source: Source,
    errors: &mut Errors,
) -> Option<T> {
    let schema = argument.schema::<T>();
    let value = Value::Object(fields(request, source, &schema));
    let before = errors.count();
    let mut location: Location = vec![source.name().into()];
    let typed = loose::typed(value, &schema, Mode::Text, &argument.constraints, &mut location, errors);
    errors.rename_since(before, |name| wire_name(name, source));
    typed
}

/// The request's texts under the names that the schema knows, lists where it wants lists. Names that
/// it does not know come along where the type forbids them, so that the walk can say so, or takes
/// them, as a map does.
fn fields(request: &Request, source: Source, schema: &Value) -> Map<String, Value> {
    let mut fields = Map::new();
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let key = wire_name(name, source);
        if wants_list(field, schema) {
            let values = items(request, source, &key);
            if !values.is_empty() {
                fields.insert(name.clone(), json!(values));
            }
        } else if let Some(value) = single_text(request, source, &key) {
            fields.insert(name.clone(), json!(value));
        }
    }
    if schema.get("additionalProperties").is_some() {
        let mut add = |name: &str, value: &str| {
            if !fields.contains_key(name) {
                fields.insert(name.to_owned(), json!(value));
            }
        };
        match source {
            Source::Query => {
                query_pairs(request.query().unwrap_or_default()).for_each(|(name, value)| add(&name, &value));
            }
            Source::Cookie => cookie_pairs(request.headers()).for_each(|(name, value)| add(name, value)),
            // Every client sends header fields of its own, and the path has no others.
            _ => {}
        }
    }
    fields
}

/// Header fields are written with hyphens where Rust has underscores.
fn wire_name(field: &str, source: Source) -> String {
    if source == Source::Header { field.replace('_', "-") } else { field.to_owned() }
}

fn resolve<'s>(field: &'s Value, root: &'s Value) -> &'s Value {
    let target =
        field["$ref"].as_str().and_then(|path| path.strip_prefix('#')).and_then(|path| root.pointer(path));
    target.unwrap_or(field)
}

fn wants_list(field: &Value, root: &Value) -> bool {
    let field = resolve(field, root);
    let is_list = |schema: &Value| match &schema["type"] {
        Value::String(kind) => kind == "array",
        Value::Array(kinds) => kinds.iter().any(|kind| kind == "array"),
        _ => false,
    };
    is_list(field) || field["anyOf"].as_array().is_some_and(|variants| variants.iter().any(is_list))
}

/// Documents each field as a parameter.
pub(super) fn describe<T: Model>(source: Source, operation: &mut OperationDoc<'_>) {
    let schema = operation.schemas.input_inline::<T>();
    if schema.get("properties").is_none() && schema.get("additionalProperties").is_none() {
        let name = T::schema_name();
        operation.mistakes.push(format!(
            "{name} cannot be read from the {}: it is neither one text nor a struct with named fields",
            source.name()
        ));
    }
    let whole = crate::Schemas::standalone::<T>();
    for (name, field) in whole["properties"].as_object().into_iter().flatten() {
        if resolve(field, &whole).get("properties").is_some() {
            let type_name = T::schema_name();
            operation.mistakes.push(format!(
                "the field {name} of {type_name} is a struct itself, which no parameter in the {} can hold",
                source.name()
            ));
        }
    }
    let required = |name: &str| {
        schema["required"].as_array().is_some_and(|required| required.iter().any(|required| required == name))
    };
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let mut field = field.clone();
        let description = field.as_object_mut().and_then(|field| field.remove("description"));
        operation.parameters.push(ParameterDoc {
            name: wire_name(name, source),
            location: source.name(),
            required: required(name) || source == Source::Path,
            deprecated: field["deprecated"] == Value::Bool(true),
            schema: field,
            description: description.and_then(|text| text.as_str().map(str::to_owned)),
            example: None,
        });
    }
}
