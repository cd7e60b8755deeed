//! What generated code calls. Not for people: it changes with the macros.

use serde::de::value::{Error as ValueError, StrDeserializer};
use serde::de::{DeserializeOwned, IntoDeserializer};
use serde_json::Value;
use validator::{ValidationErrors, ValidationErrorsKind};

pub use crate::extract::{argument_or, describe, from_argument, from_request, is_present};
pub use crate::validation::{Bound, Constraints, Errors, Fault, Measure};
pub use crate::{Argument, IntoResponse, OperationDoc, RouteSource, Source};
use crate::{Model, Schemas, validation};
pub use crate::{json_into_response, model_from_request};

/// Where an argument keeps the schema of its type.
pub type SchemaPlace = std::sync::OnceLock<Value>;

/// A default or an example as JSON.
///
/// # Panics
/// If the value cannot be JSON, at launch.
pub fn to_json(value: &impl serde::Serialize) -> Value {
    serde_json::to_value(value).expect("defaults and examples serialise to JSON")
}

/// Reads an enumeration without data from its serde name.
pub fn parse_enumeration<T: Model + DeserializeOwned>(text: &str) -> Result<T, Fault> {
    let deserializer: StrDeserializer<'_, ValueError> = text.into_deserializer();
    T::deserialize(deserializer).map_err(|error| {
        // The schema knows the names; why the text is none of them is the walk's to say.
        let schema = Schemas::standalone::<T>();
        let mut errors = Errors::new();
        let mut value = Value::String(text.to_owned());
        validation::walk(&schema, &schema, validation::Mode::Text, &mut value, &mut Vec::new(), &mut errors);
        match errors.details().first() {
            Some(detail) => {
                let fault = Fault::new(detail.kind, detail.msg.clone());
                let context = detail.ctx.as_ref().and_then(|context| context.get("expected"));
                context.map_or(fault.clone(), |expected| fault.context("expected", expected.clone()))
            }
            None => Fault::new("value_error", format!("Value error, {error}")),
        }
    })
}

/// A field to check if its type is a model. Which of the two traits below applies is settled by
/// method resolution: it prefers the one that needs no further reference, where that one applies.
pub struct Checked<'a, T>(pub &'a T);

/// For fields that are models.
pub trait CheckModel {
    /// Checks the field and notes what failed under its name.
    fn add_failed(&self, name: &'static str, failed: &mut ValidationErrors);
}

impl<T: Model> CheckModel for Checked<'_, T> {
    fn add_failed(&self, name: &'static str, failed: &mut ValidationErrors) {
        let Err(mut errors) = self.0.check() else { return };
        let kind = match errors.errors_mut().remove("_tmp_validator") {
            Some(collection) => collection,
            None => ValidationErrorsKind::Struct(Box::new(errors)),
        };
        // A field whose own checks failed already is reported by those.
        failed.errors_mut().entry(name.into()).or_insert(kind);
    }
}

/// For fields that are not.
pub trait CheckNothing {
    /// Does nothing.
    fn add_failed(&self, _name: &'static str, _failed: &mut ValidationErrors) {}
}

impl<T> CheckNothing for &Checked<'_, T> {}

/// Gives failed checks the names that their fields have in JSON.
pub fn rename_failed(failed: &mut ValidationErrors, names: &[(&'static str, &'static str)]) {
    for (field, wire_name) in names {
        if let Some(kind) = failed.errors_mut().remove(*field) {
            failed.errors_mut().insert((*wire_name).into(), kind);
        }
    }
}
