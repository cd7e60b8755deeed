//! From a request to the arguments of a handler.
//!
//! Each argument type implements [`FromRequest`]. Types with a schema (numbers, texts, `#[model]`
//! types, lists of them) share one way in, [`model`]; everything else brings its own.

mod body;
mod loose;
mod model;
mod objects;
mod raw;
mod wrappers;

pub use body::CoercedBodies;
pub use model::{describe, from_argument, from_request, is_present};
pub use raw::{Cookies, Peer};
pub(crate) use raw::{describe_body, describe_raw_body};
pub use wrappers::{Cookie, Header, Json, Path, Query, State};

use crate::validation::Errors;
use crate::{Argument, HttpError, Model, OperationDoc, Request, Source};

/// A type that a handler can take as an argument.
///
/// Implement it for what your handlers have in common: a session, a tenant, a parsed signature.
///
/// ```
/// use photon_core::{FromRequest, HttpError, Request, Result};
///
/// struct Tenant(String);
///
/// impl FromRequest for Tenant {
///     fn from_request(request: &mut Request) -> Result<Self> {
///         let name = request.header("x-tenant").ok_or_else(|| HttpError::bad_request("no x-tenant"))?;
///         Ok(Tenant(name.to_owned()))
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be taken from a request",
    label = "not something a handler can take",
    note = "for a JSON body or a parameter, put `#[model]` on `{Self}`",
    note = "for a dependency, implement `FromRequest` for it or write a `#[dependency]` function that returns it",
    note = "for shared state, take `State<{Self}>`; for the request itself, take `&Request`"
)]
pub trait FromRequest: Sized {
    /// Whether the type comes from the body unless an attribute says otherwise.
    #[doc(hidden)]
    const BODY: bool = false;

    /// Whether the handler has to start before the body is there.
    #[doc(hidden)]
    const STREAM: bool = false;

    /// Takes the value from the request.
    ///
    /// # Errors
    /// The answer that the client gets instead of the handler's.
    fn from_request(request: &mut Request) -> Result<Self, HttpError>;

    /// Takes the value of one argument and adds to `errors` whatever is wrong with it.
    #[doc(hidden)]
    fn from_argument(request: &mut Request, _argument: &Argument, errors: &mut Errors) -> Option<Self> {
        match Self::from_request(request) {
            Ok(value) => Some(value),
            Err(error) => {
                errors.reject(error);
                None
            }
        }
    }

    /// Whether the request says anything about the argument, so that a default is not wanted.
    #[doc(hidden)]
    fn is_present(_request: &Request, _argument: &Argument) -> bool {
        true
    }

    /// Adds what the argument needs to the document.
    #[doc(hidden)]
    fn describe(_argument: &Argument, _operation: &mut OperationDoc<'_>) {}
}

/// An absent value is `None`; a value that is there has to be right.
impl<T: FromRequest> FromRequest for Option<T> {
    const BODY: bool = T::BODY;
    const STREAM: bool = T::STREAM;

    fn from_request(request: &mut Request) -> Result<Self, HttpError> {
        T::from_request(request).map(Some)
    }

    fn from_argument(request: &mut Request, argument: &Argument, errors: &mut Errors) -> Option<Self> {
        if T::is_present(request, argument) {
            T::from_argument(request, argument, errors).map(Some)
        } else {
            Some(None)
        }
    }

    fn is_present(request: &Request, argument: &Argument) -> bool {
        T::is_present(request, argument)
    }

    fn describe(argument: &Argument, operation: &mut OperationDoc<'_>) {
        let (parameters, bodies) = (operation.parameters.len(), operation.bodies.len());
        T::describe(argument, operation);
        for parameter in &mut operation.parameters[parameters..] {
            // OpenAPI 3.1 §4.8.12.1: a path parameter is always required.
            parameter.required = parameter.location == "path";
        }
        for body in &mut operation.bodies[bodies..] {
            body.required = false;
        }
    }
}

/// The value of an argument, or its default if the request says nothing about it.
#[doc(hidden)]
pub fn argument_or<T: FromRequest>(
    request: &mut Request,
    argument: &Argument,
    errors: &mut Errors,
    default: impl FnOnce() -> T,
) -> Option<T> {
    if T::is_present(request, argument) {
        T::from_argument(request, argument, errors)
    } else {
        Some(default())
    }
}

macro_rules! model_arguments {
    ($($type:ty)*) => {$(
        impl FromRequest for $type {
            $crate::model_from_request!();
        }
    )*};
}

/// The body of `impl FromRequest` for a type that implements `Model` and `Deserialize`.
#[doc(hidden)]
#[macro_export]
macro_rules! model_from_request {
    () => {
        const BODY: bool = !<Self as $crate::Model>::SCALAR;

        fn from_request(request: &mut $crate::Request) -> ::std::result::Result<Self, $crate::HttpError> {
            $crate::private::from_request(request)
        }

        fn from_argument(
            request: &mut $crate::Request,
            argument: &$crate::Argument,
            errors: &mut $crate::Errors,
        ) -> ::std::option::Option<Self> {
            $crate::private::from_argument(request, argument, errors)
        }

        fn is_present(request: &$crate::Request, argument: &$crate::Argument) -> bool {
            $crate::private::is_present::<Self>(request, argument)
        }

        fn describe(argument: &$crate::Argument, operation: &mut $crate::OperationDoc<'_>) {
            $crate::private::describe::<Self>(argument, operation);
        }
    };
}

model_arguments!(i8 i16 i32 i64 isize u8 u16 u32 u64 usize f32 f64 bool char String serde_json::Value);

impl<T: Model + serde::de::DeserializeOwned> FromRequest for std::collections::HashMap<String, T> {
    model_from_request!();
}

impl<T: Model + serde::de::DeserializeOwned> FromRequest for std::collections::BTreeMap<String, T> {
    model_from_request!();
}

impl<T: Model + serde::de::DeserializeOwned> FromRequest for Box<T> {
    model_from_request!();
}

/// A list of scalars is every value of a parameter; a list of models is a JSON body; a list of `u8`
/// is the body as it came.
impl<T: Model + serde::de::DeserializeOwned> FromRequest for Vec<T> {
    const BODY: bool = !T::SCALAR;

    fn from_request(request: &mut Request) -> Result<Self, HttpError> {
        T::list_from_bytes(&request.body).map_or_else(|| model::from_request(request), Ok)
    }

    fn from_argument(request: &mut Request, argument: &Argument, errors: &mut Errors) -> Option<Self> {
        if is_raw_body::<T>(argument) {
            return T::list_from_bytes(&request.body);
        }
        match argument.source.or_by_type(T::SCALAR) {
            Source::Body => model::from_argument(request, argument, errors),
            source if T::SCALAR => model::list(request, argument, source, errors),
            _ => model::from_argument(request, argument, errors),
        }
    }

    fn is_present(request: &Request, argument: &Argument) -> bool {
        match argument.source.or_by_type(T::SCALAR) {
            _ if is_raw_body::<T>(argument) => !request.body.is_empty(),
            Source::Body => body::is_present(request, argument),
            source => crate::text::texts(request, source, argument.name).next().is_some(),
        }
    }

    fn describe(argument: &Argument, operation: &mut OperationDoc<'_>) {
        match argument.source.or_by_type(T::SCALAR) {
            _ if is_raw_body::<T>(argument) => raw::describe_raw_body(argument, operation),
            Source::Body => model::describe::<Self>(argument, operation),
            source if T::SCALAR => model::describe_list::<Self>(argument, source, operation),
            source => objects::describe::<Self>(source, operation),
        }
    }
}

/// Whether a list is no list but the bytes of the body.
fn is_raw_body<T: Model>(argument: &Argument) -> bool {
    T::BYTE && matches!(argument.source, Source::Auto | Source::Body)
}
