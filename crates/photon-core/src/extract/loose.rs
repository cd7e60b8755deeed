//! From a loose JSON value to a typed one, with every fault on the way.

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::Model;
use crate::validation::{Constraints, Errors, Fault, Location, Mode, report_failed_checks, walk};

/// Walks `value` along `schema`, then reads and checks it as a `T`. Whatever is wrong goes to `errors`.
pub(super) fn typed<T: Model + DeserializeOwned>(
    mut value: Value,
    schema: &Value,
    mode: Mode,
    constraints: &Constraints,
    location: &mut Location,
    errors: &mut Errors,
) -> Option<T> {
    let original = errors.repeatable(&value);
    let before = errors.count();
    walk(schema, schema, mode, &mut value, location, errors);
    match T::deserialize(value) {
        Ok(typed) => {
            if let Some(fault) = constraints.check(typed.measure()) {
                errors.push(location.clone(), fault, &original);
            }
            if let Err(failed) = typed.check() {
                report_failed_checks(&failed, &original, location, errors);
            }
            (errors.count() == before).then_some(typed)
        }
        Err(error) => {
            // The walk says what is wrong; what it does not know of, the type does.
            if errors.count() == before {
                let fault = Fault::new("value_error", format!("Value error, {error}"));
                errors.push(location.clone(), fault.context("error", json!({})), &original);
            }
            None
        }
    }
}
