//! Texts, HTML, bytes, redirects and the empty response.

use std::borrow::Cow;

use bytes::Bytes;
use http::StatusCode;

use super::IntoResponse;
use crate::{Body, HttpError, OperationDoc, Response};

const TEXT: &str = "text/plain; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";
const BYTES: &str = "application/octet-stream";

macro_rules! body_responses {
    ($($type:ty as $content_type:ident documented $media_type:literal)*) => {$(
        impl IntoResponse for $type {
            fn into_response(self) -> Response {
                Response::with_body($content_type, self)
            }

            fn describe(operation: &mut OperationDoc<'_>) {
                operation.content_response(StatusCode::OK, $media_type);
            }
        }
    )*};
}

body_responses! {
    &'static str as TEXT documented "text/plain"
    String as TEXT documented "text/plain"
    &'static [u8] as BYTES documented "application/octet-stream"
    Bytes as BYTES documented "application/octet-stream"
}

impl IntoResponse for Cow<'static, str> {
    fn into_response(self) -> Response {
        match self {
            Cow::Borrowed(text) => text.into_response(),
            Cow::Owned(text) => text.into_response(),
        }
    }

    fn describe(operation: &mut OperationDoc<'_>) {
        operation.content_response(StatusCode::OK, "text/plain");
    }
}

/// An empty 200 response.
impl IntoResponse for () {
    fn into_response(self) -> Response {
        Response::default()
    }

    fn describe(operation: &mut OperationDoc<'_>) {
        operation.response(StatusCode::OK);
    }
}

/// An empty response with a status.
impl IntoResponse for StatusCode {
    fn into_response(self) -> Response {
        Response::new(self)
    }
}

/// A response of HTML.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Html<T>(pub T);

impl<T: Into<Body>> IntoResponse for Html<T> {
    fn into_response(self) -> Response {
        Response::with_body(HTML, self.0)
    }

    fn describe(operation: &mut OperationDoc<'_>) {
        operation.content_response(StatusCode::OK, "text/html");
    }
}

/// A response that sends the client elsewhere (RFC 9110 §15.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redirect {
    status: StatusCode,
    location: String,
}

impl Redirect {
    /// 303: get the other resource, whatever the method was. The answer to a form.
    #[must_use]
    pub fn to(location: impl Into<String>) -> Self {
        Self { status: StatusCode::SEE_OTHER, location: location.into() }
    }

    /// 307: send the same request there, this time.
    #[must_use]
    pub fn temporary(location: impl Into<String>) -> Self {
        Self { status: StatusCode::TEMPORARY_REDIRECT, location: location.into() }
    }

    /// 308: send the same request there, from now on.
    #[must_use]
    pub fn permanent(location: impl Into<String>) -> Self {
        Self { status: StatusCode::PERMANENT_REDIRECT, location: location.into() }
    }
}

/// A location that must not go on the wire, such as one with a line break, is a 500.
impl IntoResponse for Redirect {
    fn into_response(self) -> Response {
        let mut response = Response::new(self.status);
        match response.headers.try_append("location", &self.location) {
            Ok(()) => response,
            Err(error) => HttpError::internal(error).into_response(),
        }
    }

    /// Documented as 303; a route that redirects in another way says so with `status = 307`.
    fn describe(operation: &mut OperationDoc<'_>) {
        operation.response(StatusCode::SEE_OTHER);
    }
}
