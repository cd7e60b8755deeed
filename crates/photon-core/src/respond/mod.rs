//! From what a handler returns to a response, and to its documentation.

mod json;
mod parts;
mod texts;

pub use texts::{Html, Redirect};

use crate::{OperationDoc, Response};

/// A type that a handler can return.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be returned from a handler",
    label = "not a response",
    note = "put `#[model]` on `{Self}` to send it as JSON, or wrap any `Serialize + JsonSchema` type in `Json`",
    note = "for a status or header fields beside it, return `(StatusCode, …)` or `(Headers, …)`"
)]
pub trait IntoResponse {
    /// Makes the response.
    fn into_response(self) -> Response;

    /// Documents the responses that the type stands for. By default nothing is said of them.
    fn describe(operation: &mut OperationDoc<'_>)
    where
        Self: Sized,
    {
        let _ = operation;
    }
}

impl IntoResponse for Response {
    fn into_response(self) -> Response {
        self
    }
}

impl<T: IntoResponse, E: IntoResponse> IntoResponse for Result<T, E> {
    fn into_response(self) -> Response {
        match self {
            Ok(value) => value.into_response(),
            Err(error) => error.into_response(),
        }
    }

    fn describe(operation: &mut OperationDoc<'_>) {
        T::describe(operation);
        // An error type may say which statuses it stands for; a success is not an error's to say.
        let expected = std::mem::take(&mut operation.responses);
        E::describe(operation);
        let errors = std::mem::replace(&mut operation.responses, expected);
        errors
            .into_iter()
            .filter(|error| error.status.as_u16() >= 400)
            .for_each(|error| operation.add(error));
    }
}
