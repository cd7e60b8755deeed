//! Whole numbers from 1 among the query parameters: what asks for a page, and how much of it.

use photon_core::validation::{Bound, Constraints, Errors, Measure};
use photon_core::{Argument, FromRequest, Model, OperationDoc, Request, Source, query_pairs};
use serde_json::{Value, json};

/// How many items a page has unless the client or the application says otherwise.
pub(crate) const USUAL: u64 = 20;

/// A query parameter from 1 to `max`.
pub(crate) struct Bounded {
    argument: Argument,
    default: u64,
}

impl Bounded {
    pub(crate) fn new(name: &'static str, description: &'static str, max: u64, default: u64) -> Self {
        let mut argument = Argument::new(name, Source::Query);
        argument.description = Some(description);
        argument.constraints =
            Constraints { ge: Some(Bound::Int(1)), le: Some(Bound::Int(max.into())), ..Constraints::NONE };
        Self { argument, default }
    }

    /// The number, or its default if the request does not say. What is wrong goes to `errors`.
    pub(crate) fn read(&self, request: &Request, errors: &mut Errors) -> Option<u64> {
        let Some(text) = last(request, self.argument.name) else { return Some(self.default) };
        // Wider than the number itself, so that one that is too large meets the bound and not the type's end.
        let parsed = match text.trim().parse::<i128>() {
            Ok(number) => match self.argument.constraints.check(Measure::Int(number)) {
                Some(fault) => Err(fault),
                None => Ok(number as u64),
            },
            Err(_) => u64::parse(&text),
        };
        parsed.map_err(|fault| errors.push(location(self.argument.name), fault, &json!(text))).ok()
    }

    pub(crate) fn describe(&self, operation: &mut OperationDoc<'_>) {
        let before = operation.parameters.len();
        u64::describe(&self.argument, operation);
        for parameter in &mut operation.parameters[before..] {
            parameter.required = false;
            if let Value::Object(schema) = &mut parameter.schema {
                schema.insert("default".to_owned(), json!(self.default));
            }
        }
    }
}

/// The last value of a query parameter, which is the one that counts.
pub(crate) fn last(request: &Request, name: &str) -> Option<String> {
    let pairs = query_pairs(request.query().unwrap_or_default());
    pairs.filter(|(key, _)| key == name).last().map(|(_, value)| value.into_owned())
}

/// Where a query parameter is, for a fault.
pub(crate) fn location(name: &str) -> photon_core::validation::Location {
    vec![Source::Query.name().into(), name.into()]
}
