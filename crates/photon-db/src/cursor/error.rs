//! Why there is no page, and what the client gets instead.

use std::fmt;

use photon_core::{HttpError, IntoResponse, Response};
use sea_orm::DbErr;

/// Why there is no page. Through `?` a cursor that is none becomes a 404, for there is no such place in the list, and a
/// database's error what it always does. No schema can say which texts are cursors, so this is not a 422.
// No `std::error::Error`: all of those become an `HttpError` in one and the same way, which knows no 404.
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
        match error {
            CursorError::Invalid { parameter, reason, .. } => {
                Self::not_found(format!("{parameter}: {reason}"))
            }
            CursorError::Db(error) => error.into(),
        }
    }
}

impl IntoResponse for CursorError {
    fn into_response(self) -> Response {
        HttpError::from(self).into_response()
    }
}
