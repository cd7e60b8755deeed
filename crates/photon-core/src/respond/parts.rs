//! A status and header fields beside a body: `(StatusCode, T)`, `(Headers, T)`, both, or pairs.

use http::StatusCode;
use photon_http::Headers;

use super::IntoResponse;
use crate::{HttpError, OperationDoc, Response};

impl<T: IntoResponse> IntoResponse for (StatusCode, T) {
    fn into_response(self) -> Response {
        self.1.into_response().status(self.0)
    }

    fn describe(operation: &mut OperationDoc<'_>) {
        T::describe(operation);
    }
}

impl<T: IntoResponse> IntoResponse for (Headers, T) {
    fn into_response(self) -> Response {
        let mut response = self.1.into_response();
        // The first of a name replaces the body's own, such as its content type; repeats add up.
        for (name, _) in self.0.iter() {
            response.headers.remove(name);
        }
        for (name, value) in self.0.iter() {
            response.headers.append(name, value);
        }
        response
    }

    fn describe(operation: &mut OperationDoc<'_>) {
        T::describe(operation);
    }
}

impl<T: IntoResponse> IntoResponse for (StatusCode, Headers, T) {
    fn into_response(self) -> Response {
        (self.1, self.2).into_response().status(self.0)
    }

    fn describe(operation: &mut OperationDoc<'_>) {
        T::describe(operation);
    }
}

/// Header fields as pairs. One that must not go on the wire is a 500.
impl<T: IntoResponse, V: AsRef<str>, const N: usize> IntoResponse for ([(&str, V); N], T) {
    fn into_response(self) -> Response {
        let mut headers = Headers::new();
        for (name, value) in &self.0 {
            if let Err(error) = headers.try_append(name, value.as_ref()) {
                return HttpError::internal(error).into_response();
            }
        }
        (headers, self.1).into_response()
    }

    fn describe(operation: &mut OperationDoc<'_>) {
        T::describe(operation);
    }
}

impl<T: IntoResponse, V: AsRef<str>, const N: usize> IntoResponse for (StatusCode, [(&str, V); N], T) {
    fn into_response(self) -> Response {
        (self.1, self.2).into_response().status(self.0)
    }

    fn describe(operation: &mut OperationDoc<'_>) {
        T::describe(operation);
    }
}
