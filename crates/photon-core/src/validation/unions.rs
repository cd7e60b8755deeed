//! Values that may be one of several things: enumerations, nullable values, tagged unions.

use serde_json::{Map, Value};

use super::walk::Walker;
use super::{Errors, Fault, Location};

/// The values that `enum` or `const` allow, or a union whose variants are all constants: how
/// schemars writes an enumeration with documented variants.
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

/// Checks a value that has to be one of `variants`.
pub(super) fn walk(walker: &mut Walker<'_>, variants: &[Value], value: &mut Value, location: &mut Location) {
    let resolved: Vec<&Value> = variants.iter().map(|variant| walker.resolve(variant)).collect();
    if resolved.iter().any(|variant| is_null(variant)) && value.is_null() {
        return;
    }
    let resolved: Vec<&Value> = resolved.into_iter().filter(|variant| !is_null(variant)).collect();
    let constants: Vec<Value> =
        resolved.iter().filter_map(|variant| allowed_values(variant)).flatten().collect();
    if constants.contains(value) {
        return;
    }
    if let Some(tag) = common_tag(&resolved) {
        return tagged(walker, &resolved, tag, value, location);
    }
    let open: Vec<&Value> =
        resolved.into_iter().filter(|variant| allowed_values(variant).is_none()).collect();
    if open.is_empty() {
        walker.fault(not_allowed(&constants), value, location);
        return;
    }
    best_variant(walker, &open, value, location);
}

fn is_null(schema: &Value) -> bool {
    schema["type"] == "null"
}

/// The property that is a different constant in every variant, if there is one.
fn common_tag<'s>(variants: &[&'s Value]) -> Option<&'s str> {
    let properties = |variant: &'s Value| variant["properties"].as_object();
    let first = properties(variants.first()?)?;
    let is_tag =
        |name: &str| variants.iter().all(|variant| variant["properties"][name].get("const").is_some());
    first.keys().map(String::as_str).find(|name| is_tag(name))
}

/// Internally and adjacently tagged unions: the tag says which variant the value means to be.
fn tagged(
    walker: &mut Walker<'_>,
    variants: &[&Value],
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
    let tag_of = |variant: &Value| variant["properties"][tag]["const"].clone();
    if let Some(variant) = variants.iter().find(|variant| tag_of(variant) == *found) {
        walker.walk(variant, value, location);
        return;
    }
    let expected: Vec<String> = variants
        .iter()
        .map(|variant| format!("'{}'", tag_of(variant).as_str().unwrap_or_default()))
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
fn best_variant(walker: &mut Walker<'_>, variants: &[&Value], value: &mut Value, location: &mut Location) {
    // An externally tagged variant is an object of one known name, so that name decides.
    let named = value.as_object().and_then(|fields| variants.iter().find(|variant| names(variant, fields)));
    if let Some(variant) = named {
        return walker.walk(variant, value, location);
    }
    let mut best: Option<Errors> = None;
    for variant in variants {
        let mut attempt = value.clone();
        let mut errors = Errors::new();
        walker.fork(&mut errors).walk(variant, &mut attempt, location);
        if errors.is_empty() {
            *value = attempt;
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

fn names(variant: &Value, fields: &Map<String, Value>) -> bool {
    let Some(properties) = variant["properties"].as_object() else { return false };
    let single =
        properties.len() == 1 && variant["required"].as_array().is_some_and(|names| names.len() == 1);
    single && properties.keys().all(|name| fields.contains_key(name))
}
