//! Why there is no page, and what the client gets instead.

use std::fmt;

use photon_core::validation::{Errors, Fault};
use photon_core::{HttpError, IntoResponse, Response};
use sea_orm::DbErr;
use serde_json::json;

use crate::bounded;

/// Why there is no page. Through `?` a cursor that is none becomes a 422, and a database's error what it always does.
// No `std::error::Error`: all of those become an `HttpError` in one and the same way, which knows no 422.
#[derive(Debug)]
pub enum CursorError {
    /// A cursor that is none of this list's.
    Invalid {
        /// The query parameter: `after` or `before`.
        parameter: &'static str,
        /// What the client sent.
        cursor: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The database's error.
    Db(DbErr),
}

impl CursorError {
    pub(super) fn report(self, errors: &mut Errors) {
        match self {
            Self::Invalid { parameter, cursor, reason } => {
                let fault =
                    Fault::new("value_error", format!("Value error, {reason}")).context("error", json!({}));
                errors.push(bounded::location(parameter), fault, &json!(cursor));
            }
            Self::Db(error) => errors.reject(error.into()),
        }
    }
}

impl fmt::Display for CursorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid { parameter, cursor, reason } => write!(f, "{parameter}={cursor}: {reason}"),
            Self::Db(error) => error.fmt(f),
        }
    }
}

impl From<DbErr> for CursorError {
    fn from(error: DbErr) -> Self {
        Self::Db(error)
    }
}

impl From<CursorError> for HttpError {
    fn from(error: CursorError) -> Self {
        let mut errors = Errors::new();
        error.report(&mut errors);
        errors.into_error()
    }
}

impl IntoResponse for CursorError {
    fn into_response(self) -> Response {
        HttpError::from(self).into_response()
    }
}
