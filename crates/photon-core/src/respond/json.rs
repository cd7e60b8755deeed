//! Values that go out as JSON.

use std::collections::{BTreeMap, HashMap};

use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::IntoResponse;
use crate::{Body, HttpError, Json, Model, OperationDoc, Response};

impl Response {
    /// A 200 response with `value` as its JSON body. A value that cannot be JSON is a 500, and the
    /// log says why.
    #[must_use]
    pub fn json(value: &(impl Serialize + ?Sized)) -> Self {
        let mut body = Vec::with_capacity(128);
        match serde_json::to_writer(&mut body, value) {
            Ok(()) => {
                let mut response = Self::default();
                response.headers.append("content-type", "application/json");
                response.body = Body::Vec(body);
                response
            }
            Err(error) => HttpError::internal(error).into_response(),
        }
    }
}

impl<T: Serialize + JsonSchema> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        Response::json(&self.0)
    }

    fn describe(operation: &mut OperationDoc<'_>) {
        operation.json_response::<T>(StatusCode::OK);
    }
}

/// The body of `impl IntoResponse` for a type that goes out as JSON.
#[doc(hidden)]
#[macro_export]
macro_rules! json_into_response {
    () => {
        fn into_response(self) -> $crate::Response {
            $crate::Response::json(&self)
        }

        fn describe(operation: &mut $crate::OperationDoc<'_>) {
            operation.json_response::<Self>($crate::StatusCode::OK);
        }
    };
}

macro_rules! json_responses {
    ($($type:ty)*) => {$(
        impl IntoResponse for $type {
            json_into_response!();
        }
    )*};
}

json_responses!(i8 i16 i32 i64 isize u8 u16 u32 u64 usize f32 f64 bool Value);

/// A list is a JSON array; a list of `u8` is bytes.
impl<T: Model + Serialize> IntoResponse for Vec<T> {
    fn into_response(self) -> Response {
        match T::list_into_bytes(self) {
            Ok(bytes) => Response::with_body("application/octet-stream", bytes),
            Err(list) => Response::json(&list),
        }
    }

    fn describe(operation: &mut OperationDoc<'_>) {
        if T::BYTE {
            operation.content_response(StatusCode::OK, "application/octet-stream");
        } else {
            operation.json_response::<Self>(StatusCode::OK);
        }
    }
}

impl<T: Model + Serialize> IntoResponse for Box<T> {
    json_into_response!();
}

impl<T: Model + Serialize> IntoResponse for HashMap<String, T> {
    json_into_response!();
}

impl<T: Model + Serialize> IntoResponse for BTreeMap<String, T> {
    json_into_response!();
}

/// `None` is `null`.
impl<T: Model + Serialize> IntoResponse for Option<T> {
    json_into_response!();
}
