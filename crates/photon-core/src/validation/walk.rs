//! Walks a loose JSON value along its schema, coercing where that is allowed and collecting every
//! fault with its place.
//!
//! It knows the keywords that schemars writes for Rust types (JSON Schema 2020-12) and those that
//! people write most. Of the others, `oneOf` is taken as `anyOf`, and `if`, `contains`,
//! `dependentSchemas`, `propertyNames` and `unevaluated…` are not looked at.
//! For a Rust type the typed deserialisation that follows has the last word.

use std::cell::Cell;
use std::collections::HashSet;

use serde_json::{Number, Value, json};

use super::constraints::{
    check_schema_fields, check_schema_items, check_schema_number, check_schema_text, pattern,
};
use super::{Errors, Fault, Location, Measure, Segment, formats, unions};

/// How literally a value has to be of its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Every scalar comes as text: parameters and forms.
    Text,
    /// JSON, taken literally: `"5"` is no number. What the document says is what is accepted.
    Json,
    /// JSON as Pydantic takes it by default: `"5"` is a number where a number is wanted.
    Lax,
}

/// Checks `value` against `schema`, coercing it in place, and adds every fault to `errors`.
///
/// `root` is the schema that local references (`#/$defs/…`) point into; `location` is where the
/// value is and comes back unchanged.
pub fn walk(
    schema: &Value,
    root: &Value,
    mode: Mode,
    value: &mut Value,
    location: &mut Location,
    errors: &mut Errors,
) {
    let steps = Cell::new(1000 + STEPS_PER_VALUE * count(value));
    Walker { root, mode, errors, depth: 0, steps: &steps }.walk(schema, value, location);
}

/// How often a walk may look at each value, on average. Unions in unions are tried variant by
/// variant, which could be exponentially often.
const STEPS_PER_VALUE: usize = 16;

/// How many values a value holds, itself included.
fn count(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(count).sum::<usize>(),
        Value::Object(fields) => 1 + fields.values().map(count).sum::<usize>(),
        _ => 1,
    }
}

/// Deeper nesting than any JSON that the parser lets in (it stops at 128).
const DEEPEST: usize = 512;

pub(super) struct Walker<'a> {
    pub(super) root: &'a Value,
    pub(super) mode: Mode,
    pub(super) errors: &'a mut Errors,
    depth: usize,
    steps: &'a Cell<usize>,
}

impl<'a> Walker<'a> {
    /// A walker over the same schema that collects elsewhere, to try a variant.
    pub(super) fn fork<'b>(&self, errors: &'b mut Errors) -> Walker<'b>
    where
        'a: 'b,
    {
        Walker { root: self.root, mode: self.mode, errors, depth: self.depth, steps: self.steps }
    }

    pub(super) fn walk(&mut self, schema: &Value, value: &mut Value, location: &mut Location) {
        if self.errors.is_full() {
            return;
        }
        let Some(steps) = self.steps.get().checked_sub(1).filter(|_| self.depth < DEEPEST) else {
            // What was not looked at must not pass for right.
            let fault = Fault::new("too_complex", "Input is too deeply nested or ambiguous to be checked");
            return self.errors.push(location.clone(), fault, &Value::Null);
        };
        self.steps.set(steps);
        self.depth += 1;
        self.walk_keywords(schema, value, location);
        self.depth -= 1;
    }

    fn walk_keywords(&mut self, schema: &Value, value: &mut Value, location: &mut Location) {
        if schema.get("$ref").is_some() {
            let target = self.resolve(schema);
            if !std::ptr::eq(target, schema) {
                self.walk(target, value, location);
            }
        }
        for part in schema["allOf"].as_array().into_iter().flatten() {
            self.walk(part, value, location);
        }
        for key in ["anyOf", "oneOf"] {
            if let Some(variants) = schema[key].as_array() {
                unions::walk(self, variants, value, location);
            }
        }
        if let Some(excluded) = schema.get("not") {
            self.check_not(excluded, value, location);
        }
        if let Some(allowed) = unions::allowed_values(schema) {
            self.check_allowed(&allowed, value, location);
            return;
        }
        self.check_type(schema, value, location);
    }

    fn check_not(&mut self, excluded: &Value, value: &Value, location: &mut Location) {
        let mut errors = self.errors.fork();
        self.fork(&mut errors).walk(excluded, &mut value.clone(), location);
        if errors.is_empty() {
            let message = "Value error, the value is one that is excluded";
            self.fault(Fault::new("value_error", message), value, location);
        }
    }

    /// Follows `$ref` to the schema it means; the schema itself if it has none or it dangles.
    pub(super) fn resolve<'s>(&self, schema: &'s Value) -> &'s Value
    where
        'a: 's,
    {
        let mut schema = schema;
        // A chain of references longer than this is a cycle.
        for _ in 0..32 {
            let target = schema["$ref"]
                .as_str()
                .and_then(|path| path.strip_prefix('#'))
                .and_then(|path| self.root.pointer(path));
            match target {
                Some(target) => schema = target,
                None => break,
            }
        }
        schema
    }

    pub(super) fn fault(&mut self, fault: Fault, value: &Value, location: &Location) {
        self.errors.push(location.clone(), fault, value);
    }

    fn check_allowed(&mut self, allowed: &[Value], value: &mut Value, location: &Location) {
        if allowed.contains(value) {
            return;
        }
        if let (Mode::Text | Mode::Lax, Value::String(text)) = (self.mode, &*value)
            && let Some(scalar) =
                allowed.iter().find(|allowed| !allowed.is_string() && allowed.to_string() == *text)
        {
            *value = scalar.clone();
            return;
        }
        let fault = unions::not_allowed(allowed);
        self.fault(fault, value, location);
    }

    fn check_type(&mut self, schema: &Value, value: &mut Value, location: &mut Location) {
        let Some(kind) = wanted_type(&schema["type"], value) else {
            return;
        };
        match kind {
            "string" => self.string(schema, value, location),
            "integer" => self.integer(schema, value, location),
            "number" => self.number(schema, value, location),
            "boolean" => self.boolean(value, location),
            "array" => self.array(schema, value, location),
            "object" => self.object(schema, value, location),
            "null" if !value.is_null() => {
                self.fault(Fault::new("none_required", "Input should be None"), value, location);
            }
            _ => {}
        }
    }

    fn string(&mut self, schema: &Value, value: &Value, location: &Location) {
        let fault = match value {
            Value::String(text) => check_schema_text(schema, text)
                .or_else(|| schema["format"].as_str().and_then(|format| formats::check(format, text))),
            _ => Some(Fault::new("string_type", "Input should be a valid string")),
        };
        if let Some(fault) = fault {
            self.fault(fault, value, location);
        }
    }

    fn integer(&mut self, schema: &Value, value: &mut Value, location: &Location) {
        let (number, fault) = match value {
            Value::Number(number) => (integral(number), None),
            Value::String(text) => (parse_integer(text, self.mode), parsing_fault(text, self.mode, true)),
            _ => (None, Some(Fault::new("int_type", "Input should be a valid integer"))),
        };
        let Some(number) = number else {
            let fraction = || {
                let message = "Input should be a valid integer, got a number with a fractional part";
                Fault::new("int_from_float", message)
            };
            self.fault(fault.unwrap_or_else(fraction), value, location);
            return;
        };
        if let Some(fault) = check_schema_number(schema, Measure::Int(number)) {
            self.fault(fault, value, location);
        } else if let Some(number) = Number::from_i128(number) {
            *value = Value::Number(number);
        }
    }

    fn number(&mut self, schema: &Value, value: &mut Value, location: &Location) {
        let (number, fault) = match value {
            Value::Number(number) => (number.as_f64(), None),
            Value::String(text) => (parse_float(text, self.mode), parsing_fault(text, self.mode, false)),
            _ => (None, Some(Fault::new("float_type", "Input should be a valid number"))),
        };
        let Some(number) = number else {
            let fault = fault.unwrap_or_else(|| Fault::new("float_type", "Input should be a valid number"));
            self.fault(fault, value, location);
            return;
        };
        if !number.is_finite() {
            self.fault(Fault::new("finite_number", "Input should be a finite number"), value, location);
        } else if let Some(fault) = check_schema_number(schema, Measure::Float(number)) {
            self.fault(fault, value, location);
        } else if value.is_string() {
            *value = json!(number);
        }
    }

    fn boolean(&mut self, value: &mut Value, location: &Location) {
        let parsed = match (&*value, self.mode) {
            (Value::Bool(_), _) => return,
            (Value::String(text), Mode::Text | Mode::Lax) => parse_boolean(text),
            _ => None,
        };
        match parsed {
            Some(boolean) => *value = Value::Bool(boolean),
            None if value.is_string() => {
                let message = "Input should be a valid boolean, unable to interpret input";
                self.fault(Fault::new("bool_parsing", message), value, location);
            }
            None => self.fault(Fault::new("bool_type", "Input should be a valid boolean"), value, location),
        }
    }

    fn array(&mut self, schema: &Value, value: &mut Value, location: &mut Location) {
        let Value::Array(items) = value else {
            self.fault(Fault::new("list_type", "Input should be a valid list"), value, location);
            return;
        };
        let prefix = schema["prefixItems"].as_array().map_or(&[][..], Vec::as_slice);
        for (index, item) in items.iter_mut().enumerate() {
            let item_schema = prefix.get(index).or_else(|| schema.get("items"));
            if let Some(item_schema) = item_schema {
                location.push(Segment::Index(index));
                self.walk(item_schema, item, location);
                location.pop();
            }
        }
        let fault = check_schema_items(schema, items.len()).or_else(|| {
            let unique = schema["uniqueItems"] == Value::Bool(true);
            let mut seen = HashSet::new();
            let repeated = unique && !items.iter().all(|item| seen.insert(item.to_string()));
            repeated.then(|| Fault::new("value_error", "Value error, the items have to be different"))
        });
        if let Some(fault) = fault {
            self.fault(fault, value, location);
        }
    }

    fn object(&mut self, schema: &Value, value: &mut Value, location: &mut Location) {
        let properties = schema["properties"].as_object();
        let Value::Object(fields) = value else {
            let fault = if properties.is_some() {
                let message = "Input should be a valid dictionary or object to extract fields from";
                Fault::new("model_attributes_type", message)
            } else {
                Fault::new("dict_type", "Input should be a valid dictionary")
            };
            self.fault(fault, value, location);
            return;
        };
        let required = schema["required"].as_array().map_or(&[][..], Vec::as_slice);
        let is_required = |name: &str| required.iter().any(|required| required == name);
        let is_missing = |name: &str| is_required(name) && !fields.contains_key(name);
        // What a missing field reports as its input is the object as it came, if that can be repeated.
        let original = if required.iter().filter_map(Value::as_str).any(is_missing) {
            self.errors.repeatable_fields(fields)
        } else {
            Value::Null
        };
        for (name, field_schema) in properties.into_iter().flatten() {
            location.push(Segment::Name(name.clone()));
            if let Some(field) = fields.get_mut(name) {
                self.walk(field_schema, field, location);
            } else if is_required(name) {
                self.errors.push(location.clone(), Fault::missing(), &original);
            }
            location.pop();
        }
        let is_known = |name: &str| properties.is_some_and(|known| known.contains_key(name));
        for name in required.iter().filter_map(Value::as_str).filter(|name| !is_known(name)) {
            if !fields.contains_key(name) {
                location.push(name.into());
                self.errors.push(location.clone(), Fault::missing(), &original);
                location.pop();
            }
        }
        if let Some(fault) = check_schema_fields(schema, fields.len()) {
            self.errors.push(location.clone(), fault, &Value::Null);
        }
        let (by_pattern, others) =
            (schema["patternProperties"].as_object(), schema.get("additionalProperties"));
        for (name, field) in fields.iter_mut().filter(|(name, _)| !is_known(name)) {
            let matching = by_pattern
                .into_iter()
                .flatten()
                .find(|(expression, _)| pattern(expression).is_ok_and(|regex| regex.is_match(name)));
            let Some(extra_schema) = matching.map(|(_, schema)| schema).or(others) else { continue };
            location.push(Segment::Name(name.clone()));
            if *extra_schema == Value::Bool(false) {
                let fault = Fault::new("extra_forbidden", "Extra inputs are not permitted");
                self.errors.push(location.clone(), fault, field);
            } else {
                self.walk(extra_schema, field, location);
            }
            location.pop();
        }
    }
}

/// The one type to check the value as: the schema's, or of several the one that the value is.
fn wanted_type<'s>(types: &'s Value, value: &Value) -> Option<&'s str> {
    let is = |name: &str| match value {
        Value::Null => name == "null",
        Value::Bool(_) => name == "boolean",
        Value::Number(number) => name == "number" || (name == "integer" && integral(number).is_some()),
        Value::String(_) => name == "string",
        Value::Array(_) => name == "array",
        Value::Object(_) => name == "object",
    };
    match types {
        Value::String(name) => Some(name),
        Value::Array(names) => {
            let names = || names.iter().filter_map(Value::as_str);
            names().find(|name| is(name)).or_else(|| names().find(|name| *name != "null"))
        }
        // A schema that leaves the type open still says what a text or an object has to be like.
        _ => Some(match value {
            Value::String(_) => "string",
            Value::Number(_) => "number",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
            Value::Null | Value::Bool(_) => return None,
        }),
    }
}

/// The integer that a JSON number is; `5.0` is one (JSON Schema 2020-12 §6.1.1).
fn integral(number: &Number) -> Option<i128> {
    number.as_i128().or_else(|| {
        let float = number.as_f64()?;
        (float.fract() == 0.0 && float.abs() < 1e30).then_some(float as i128)
    })
}

fn parse_integer(text: &str, mode: Mode) -> Option<i128> {
    if mode == Mode::Json { None } else { text.trim().parse().ok() }
}

fn parse_float(text: &str, mode: Mode) -> Option<f64> {
    if mode == Mode::Json { None } else { text.trim().parse().ok() }
}

/// Why a text is no number. A text that reads as one is refused for its type alone, in strict JSON.
fn parsing_fault(text: &str, mode: Mode, integer: bool) -> Option<Fault> {
    let trimmed = text.trim();
    let reads = if integer { trimmed.parse::<i128>().is_ok() } else { trimmed.parse::<f64>().is_ok() };
    Some(match (integer, mode == Mode::Json && reads) {
        (true, true) => Fault::new("int_type", "Input should be a valid integer"),
        (false, true) => Fault::new("float_type", "Input should be a valid number"),
        (true, false) => int_parsing(),
        (false, false) => float_parsing(),
    })
}

pub(crate) fn int_parsing() -> Fault {
    Fault::new("int_parsing", "Input should be a valid integer, unable to parse string as an integer")
}

pub(crate) fn float_parsing() -> Fault {
    Fault::new("float_parsing", "Input should be a valid number, unable to parse string as a number")
}

/// The words that Pydantic reads as booleans.
pub(crate) fn parse_boolean(text: &str) -> Option<bool> {
    let is_one_of = |words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    if is_one_of(&["true", "1", "on", "yes", "t", "y"]) {
        Some(true)
    } else if is_one_of(&["false", "0", "off", "no", "f", "n"]) {
        Some(false)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unions_in_unions_take_bounded_time() {
        let list = json!({"type": "array", "items": {"$ref": "#"}});
        // Every level can be either of two lists, so there are 2^100 ways to read the value.
        let schema = json!({"anyOf": [list, list]});
        let value = (0..100).fold(json!(1), |value, _| json!([value]));
        let mut errors = Errors::new();
        walk(&schema, &schema, Mode::Json, &mut value.clone(), &mut Vec::new(), &mut errors);
        assert!(errors.count() <= 100);
    }

    #[test]
    fn values_are_coerced_where_they_may_be() {
        let schema = json!({
            "type": "object",
            "properties": {
                "int": {"type": "integer"},
                "float": {"type": ["number", "null"]},
                "flag": {"$ref": "#/$defs/Flag"},
                "size": {"enum": ["s", 1]},
            },
            "$defs": {"Flag": {"type": "boolean"}},
        });
        let cases = [
            (
                Mode::Text,
                json!({"int": " 5 ", "float": "1.5", "flag": "yes", "size": "1"}),
                json!({"int": 5, "float": 1.5, "flag": true, "size": 1}),
                0,
            ),
            (Mode::Json, json!({"int": 5.0, "float": null}), json!({"int": 5, "float": null}), 0),
            (
                Mode::Json,
                json!({"int": "5", "float": "1", "flag": "yes"}),
                json!({"int": "5", "float": "1", "flag": "yes"}),
                3,
            ),
            (Mode::Lax, json!({"int": "x", "flag": 2}), json!({"int": "x", "flag": 2}), 2),
            (Mode::Json, json!({"int": 1.5, "size": "xl"}), json!({"int": 1.5, "size": "xl"}), 2),
        ];
        for (mode, mut value, expected, faults) in cases {
            let mut errors = Errors::new();
            walk(&schema, &schema, mode, &mut value, &mut Vec::new(), &mut errors);
            assert_eq!((&value, errors.count()), (&expected, faults), "{mode:?}: {:?}", errors.details());
        }
    }
}
