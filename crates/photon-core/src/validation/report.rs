//! Faults that only the typed checks of the `validator` crate found: custom functions, fields that
//! have to match, and whatever a schema cannot say.

use serde_json::{Map, Value};
use validator::{ValidationError, ValidationErrors, ValidationErrorsKind};

use super::{Errors, Fault, Location, Segment};

/// Adds the failed checks to `errors`, each at its place below `location`.
///
/// A place that already has a fault is left out: the walk has said there what the check means.
pub fn report_failed_checks(
    failed: &ValidationErrors,
    input: &Value,
    location: &mut Location,
    errors: &mut Errors,
) {
    let mut fields: Vec<_> = failed.errors().iter().collect();
    // The checks come in a hash map; people compare responses, so the order has to be one.
    fields.sort_by_key(|field| field.0.clone());
    for (name, kind) in fields {
        // `__all__` holds the checks of the whole struct, and this other name those of a list:
        // their place is the value's own.
        if matches!(name.as_ref(), "__all__" | "_tmp_validator") {
            report(kind, input, location, errors);
            continue;
        }
        location.push(Segment::Name(name.to_string()));
        report(kind, input.get(name.as_ref()).unwrap_or(&Value::Null), location, errors);
        location.pop();
    }
}

fn report(kind: &ValidationErrorsKind, input: &Value, location: &mut Location, errors: &mut Errors) {
    match kind {
        ValidationErrorsKind::Struct(nested) => report_failed_checks(nested, input, location, errors),
        ValidationErrorsKind::List(items) => {
            for (index, nested) in items {
                location.push(Segment::Index(*index));
                report_failed_checks(nested, input.get(*index).unwrap_or(&Value::Null), location, errors);
                location.pop();
            }
        }
        ValidationErrorsKind::Field(failures) => {
            if errors.details().iter().any(|known| known.loc == *location) {
                return;
            }
            for failure in failures {
                errors.push(location.clone(), fault(failure), input);
            }
        }
    }
}

fn fault(failure: &ValidationError) -> Fault {
    let message = match (&failure.message, failure.code.as_ref()) {
        (Some(message), _) => message.to_string(),
        (None, "must_match") => "the two fields must match".to_owned(),
        (None, code) => code.replace('_', " "),
    };
    Fault::new("value_error", format!("Value error, {message}")).context("error", Value::Object(Map::new()))
}
