//! Extractors that say in the type where a value comes from, and shared state.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use super::FromRequest;
use crate::validation::Errors;
use crate::{Argument, HttpError, OperationDoc, Request, Source};

macro_rules! wrappers {
    ($($(#[$documentation:meta])* $wrapper:ident from $source:ident)*) => {$(
        $(#[$documentation])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        pub struct $wrapper<T>(pub T);

        impl<T> Deref for $wrapper<T> {
            type Target = T;

            fn deref(&self) -> &T {
                &self.0
            }
        }

        impl<T> DerefMut for $wrapper<T> {
            fn deref_mut(&mut self) -> &mut T {
                &mut self.0
            }
        }

        impl<T: FromRequest> FromRequest for $wrapper<T> {
            const BODY: bool = matches!(Source::$source, Source::Body);

            fn from_request(request: &mut Request) -> Result<Self, HttpError> {
                let argument = Argument::new("value", Source::$source);
                let mut errors = Errors::new();
                Self::from_argument(request, &argument, &mut errors).ok_or_else(|| errors.into_error())
            }

            fn from_argument(request: &mut Request, argument: &Argument, errors: &mut Errors) -> Option<Self> {
                T::from_argument(request, &argument.at(Source::$source), errors).map(Self)
            }

            fn is_present(request: &Request, argument: &Argument) -> bool {
                T::is_present(request, &argument.at(Source::$source))
            }

            fn describe(argument: &Argument, operation: &mut OperationDoc<'_>) {
                T::describe(&argument.at(Source::$source), operation);
            }
        }
    )*};
}

wrappers! {
    /// A parameter of the path template, or all of them as a struct.
    Path from Path
    /// A query parameter, or several as a struct.
    Query from Query
    /// A header field, or several as a struct; underscores in names stand for hyphens.
    Header from Header
    /// A cookie, or several as a struct.
    Cookie from Cookie
    /// A JSON body; as a return value, a JSON response.
    Json from Body
}

/// A value that the application shares with all its handlers, given to it with `.state(value)`.
///
/// A handler that takes state which the application does not have stops the launch, not a request.
#[derive(Debug)]
pub struct State<T>(pub Arc<T>);

impl<T> Clone for State<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Deref for State<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Send + Sync + 'static> FromRequest for State<T> {
    fn from_request(request: &mut Request) -> Result<Self, HttpError> {
        let state = request.context().and_then(|context| context.get::<T>());
        state.map(Self).ok_or_else(|| {
            let name = std::any::type_name::<T>();
            HttpError::internal(format!("no state of type {name}: give it to the application with .state(…)"))
        })
    }

    fn describe(_argument: &Argument, operation: &mut OperationDoc<'_>) {
        operation.needs_state::<T>();
    }
}
