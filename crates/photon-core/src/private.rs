//! What generated code calls. Not for people: it changes with the macros.

use std::any::TypeId;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use serde::de::value::{Error as ValueError, StrDeserializer};
use serde::de::{DeserializeOwned, IntoDeserializer};
use serde_json::Value;
use validator::{ValidationErrors, ValidationErrorsKind};

pub use crate::extract::{argument_or, describe, from_argument, from_request, is_present};
pub use crate::validation::{Bound, Constraints, Errors, Fault, Measure};
pub use crate::{Argument, IntoResponse, OperationDoc, RouteSource, Source};
use crate::{HttpError, Model, Schemas, validation};
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
pub fn parse_enumeration<T: Model + DeserializeOwned + 'static>(text: &str) -> Result<T, Fault> {
    let deserializer: StrDeserializer<'_, ValueError> = text.into_deserializer();
    T::deserialize(deserializer).map_err(|error| {
        // The schema knows the names; why the text is none of them is the walk's to say.
        let schema = schema_of::<T>();
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

/// The schema of a type, made once: a client may send wrong names as often as it likes.
fn schema_of<T: Model + 'static>() -> Arc<Value> {
    static KNOWN: LazyLock<RwLock<HashMap<TypeId, Arc<Value>>>> = LazyLock::new(RwLock::default);
    if let Some(schema) = KNOWN.read().unwrap_or_else(PoisonError::into_inner).get(&TypeId::of::<T>()) {
        return Arc::clone(schema);
    }
    let schema = Arc::new(Schemas::standalone::<T>());
    KNOWN.write().unwrap_or_else(PoisonError::into_inner).insert(TypeId::of::<T>(), Arc::clone(&schema));
    schema
}

/// The error of a dependency. Which of the two traits below applies is settled as for [`Checked`]: an
/// error that makes a response of its own does so, any other is a plain 500.
pub struct Rejected<E>(pub Option<E>);

/// For errors that are responses.
pub trait RejectWithResponse {
    /// Makes the error the answer.
    fn reject(&mut self, errors: &mut Errors);
}

impl<E: IntoResponse> RejectWithResponse for Rejected<E> {
    fn reject(&mut self, errors: &mut Errors) {
        if let Some(error) = self.0.take() {
            errors.reject(HttpError::ready(error.into_response()));
        }
    }
}

/// For other errors.
pub trait RejectWithError {
    /// Makes the error the answer.
    fn reject(&mut self, errors: &mut Errors);
}

impl<E: Into<HttpError>> RejectWithError for &mut Rejected<E> {
    fn reject(&mut self, errors: &mut Errors) {
        if let Some(error) = self.0.take() {
            errors.reject(error.into());
        }
    }
}

/// Checks a text field against a pattern of `#[validate(pattern = "…")]`.
pub fn check_pattern(
    name: &'static str,
    field: &impl Model,
    expression: &'static str,
    failed: &mut ValidationErrors,
) {
    let constraints = Constraints { pattern: Some(expression), ..Constraints::NONE };
    if let Some(fault) = constraints.check(field.measure()) {
        let mut error = validator::ValidationError::new("pattern");
        error.message = Some(fault.message.into());
        failed.add(name, error);
    }
}

/// A field to check if its type is a model. Which of the two traits below applies is settled by
/// method resolution: it prefers the one that needs no further reference, where that one applies.
pub struct Checked<'a, T>(pub &'a T);

/// For fields that are models.
pub trait CheckModel {
    /// Checks the field and notes what failed under its name; without a name, as the container's own.
    fn add_failed(&self, name: &'static str, failed: &mut ValidationErrors);
}

impl<T: Model> CheckModel for Checked<'_, T> {
    fn add_failed(&self, name: &'static str, failed: &mut ValidationErrors) {
        if let Err(errors) = self.0.check() {
            nest_failed(name, errors, failed);
        }
    }
}

/// Puts failed checks under a name; without a name, among the container's own.
pub fn nest_failed(name: &'static str, mut nested: ValidationErrors, failed: &mut ValidationErrors) {
    if nested.is_empty() {
        return;
    }
    if name.is_empty() {
        for (name, kind) in nested.into_errors() {
            failed.errors_mut().entry(name).or_insert(kind);
        }
        return;
    }
    let kind = match nested.errors_mut().remove("_tmp_validator") {
        Some(collection) => collection,
        None => ValidationErrorsKind::Struct(Box::new(nested)),
    };
    // A field whose own checks failed already is reported by those; what `#[validate(nested)]` found
    // knows less than this.
    let known = failed.errors_mut().entry(name.into()).or_insert_with(|| kind.clone());
    if !matches!(known, ValidationErrorsKind::Field(_)) {
        *known = kind;
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
