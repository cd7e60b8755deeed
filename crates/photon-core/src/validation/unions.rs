//! Values that may be one of several things: enumerations, nullable values, tagged unions.

use serde_json::{Map, Value};

use super::walk::{Mode, Walker};
use super::{Errors, Fault, Location};

/// The values that `enum` or `const` allow.
pub(super) fn allowed_values(schema: &Value) -> Option<Vec<Value>> {
    if let Some(values) = schema["enum"].as_array() {
        return Some(values.clone());
    }
    schema.get("const").map(|value| vec![value.clone()])
}

/// Why a value is none of the allowed ones.
pub(super) fn not_allowed(allowed: &[Value]) -> Fault {
    let quoted: Vec<String> = allowed
        .iter()
        .map(|value| match value {
            Value::String(text) => format!("'{text}'"),
            other => other.to_string(),
        })
        .collect();
    let expected = match quoted.as_slice() {
        [all @ .., last] if !all.is_empty() => format!("{} or {last}", all.join(", ")),
        _ => quoted.concat(),
    };
    Fault::new("enum", format!("Input should be {expected}")).context("expected", expected)
}

/// One way to be right: the schema as it is written, and what it refers to. A tag can be in either.
#[derive(Clone, Copy)]
struct Variant<'s> {
    written: &'s Value,
    resolved: &'s Value,
}

impl<'s> Variant<'s> {
    fn is_null(self) -> bool {
        self.resolved["type"] == "null"
    }

    /// The constant that a property has to be.
    fn constant(self, property: &str) -> Option<&'s Value> {
        let constant = |schema: &'s Value| schema["properties"][property].get("const");
        constant(self.written).or_else(|| constant(self.resolved))
    }

    fn properties(self) -> impl Iterator<Item = &'s String> {
        [self.written, self.resolved]
            .into_iter()
            .filter_map(|schema| schema["properties"].as_object())
            .flat_map(Map::keys)
    }

    /// Whether it is an object of one required name: how serde writes a variant's data by default.
    fn is_named_by(self, fields: &Map<String, Value>) -> bool {
        let required = self.resolved["required"].as_array().map_or(0, Vec::len);
        let mut names = self.properties();
        let (first, more) = (names.next(), names.any(|_| true));
        required == 1 && !more && first.is_some_and(|name| fields.contains_key(name))
    }
}

/// Checks a value that has to be one of `variants`.
pub(super) fn walk(walker: &mut Walker<'_>, variants: &[Value], value: &mut Value, location: &mut Location) {
    let variants: Vec<Variant<'_>> =
        variants.iter().map(|written| Variant { written, resolved: walker.resolve(written) }).collect();
    if value.is_null() && variants.iter().any(|variant| variant.is_null()) {
        return;
    }
    let variants: Vec<Variant<'_>> = variants.into_iter().filter(|variant| !variant.is_null()).collect();
    let constants: Vec<Value> =
        variants.iter().filter_map(|variant| allowed_values(variant.resolved)).flatten().collect();
    if constants.contains(value) {
        return;
    }
    if let Some(tag) = common_tag(&variants) {
        return tagged(walker, &variants, tag, value, location);
    }
    let open: Vec<Variant<'_>> =
        variants.into_iter().filter(|variant| allowed_values(variant.resolved).is_none()).collect();
    // A text cannot have meant to be one of the objects.
    let objects = open.iter().all(|variant| variant.resolved["type"] == "object");
    match open.as_slice() {
        [_, ..] if value.is_string() && objects && !constants.is_empty() => {
            walker.fault(not_allowed(&constants), value, location);
        }
        [] => walker.fault(not_allowed(&constants), value, location),
        // A nullable value, mostly.
        [only] => walker.walk(only.written, value, location),
        several => best_variant(walker, several, value, location),
    }
}

/// The property that is a different constant in every variant, if there is one.
fn common_tag<'s>(variants: &[Variant<'s>]) -> Option<&'s str> {
    let is_tag = |name: &str| {
        let constants: Option<Vec<&Value>> = variants.iter().map(|variant| variant.constant(name)).collect();
        constants.is_some_and(|constants| {
            constants.iter().enumerate().all(|(index, constant)| !constants[..index].contains(constant))
        })
    };
    variants.first()?.properties().map(String::as_str).find(|name| is_tag(name))
}

/// Internally and adjacently tagged unions: the tag says which variant the value means to be.
fn tagged(
    walker: &mut Walker<'_>,
    variants: &[Variant<'_>],
    tag: &str,
    value: &mut Value,
    location: &mut Location,
) {
    let Value::Object(fields) = &*value else {
        let message = "Input should be a valid dictionary or object to extract fields from";
        walker.fault(Fault::new("model_attributes_type", message), value, location);
        return;
    };
    let Some(found) = fields.get(tag) else {
        let message = format!("Unable to extract tag using discriminator '{tag}'");
        let fault = Fault::new("union_tag_not_found", message).context("discriminator", format!("'{tag}'"));
        walker.fault(fault, value, location);
        return;
    };
    if let Some(variant) = variants.iter().find(|variant| variant.constant(tag) == Some(found)) {
        return walker.walk(variant.written, value, location);
    }
    let expected: Vec<String> = variants
        .iter()
        .filter_map(|variant| variant.constant(tag))
        .map(|constant| format!("'{}'", constant.as_str().unwrap_or_default()))
        .collect();
    let found = found.as_str().map_or_else(|| found.to_string(), str::to_owned);
    let message = format!(
        "Input tag '{found}' found using '{tag}' does not match any of the expected tags: {}",
        expected.join(", ")
    );
    let fault = Fault::new("union_tag_invalid", message).context("expected_tags", expected.join(", "));
    walker.fault(fault, value, location);
}

/// Untagged and externally tagged unions: the variant that the value meets, or comes closest to.
fn best_variant(
    walker: &mut Walker<'_>,
    variants: &[Variant<'_>],
    value: &mut Value,
    location: &mut Location,
) {
    // An externally tagged variant is an object of one known name, so a name of only one decides.
    if let Value::Object(fields) = &*value {
        let mut named = variants.iter().filter(|variant| variant.is_named_by(fields));
        if let (Some(variant), None) = (named.next(), named.next()) {
            return walker.walk(variant.written, value, location);
        }
    }
    let mut best: Option<Errors> = None;
    for variant in variants {
        let mut errors = walker.errors.fork();
        // What a failed attempt coerced must not stay. Strict JSON coerces nothing that matters, and
        // copying at every level of a deep value would take its size times its depth.
        let mut copy = (walker.mode != Mode::Json).then(|| value.clone());
        walker.fork(&mut errors).walk(variant.written, copy.as_mut().unwrap_or(value), location);
        if errors.is_empty() {
            if let Some(copy) = copy {
                *value = copy;
            }
            return;
        }
        // The variant that got deepest into the value, then the one with the fewest faults.
        let rank = |errors: &Errors| {
            let depth = errors.details().iter().map(|detail| detail.loc.len()).max().unwrap_or_default();
            (std::cmp::Reverse(depth), errors.count())
        };
        if best.as_ref().is_none_or(|best| rank(&errors) < rank(best)) {
            best = Some(errors);
        }
    }
    if let Some(best) = best {
        walker.errors.append(best);
    }
}
