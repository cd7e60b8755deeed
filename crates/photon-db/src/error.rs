//! What a database's errors mean to the client of a handler.

use std::error::Error as StdError;
use std::sync::Once;

use http::StatusCode;
use photon_core::{Verdict, judge_errors};
use sea_orm::{DbErr, RuntimeErr, SqlErr};

/// Lets `?` turn database errors into the answers that they deserve; see [`judge`].
pub(crate) fn register() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| judge_errors(judge));
}

/// The status and detail for an error, if it is one of the database's that a client should know about.
fn judge(error: &(dyn StdError + 'static)) -> Option<Verdict> {
    let error = error.downcast_ref::<DbErr>()?;
    match error.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(_)) => {
            return Some(Verdict::new(StatusCode::CONFLICT, "something with these values exists already"));
        }
        Some(SqlErr::ForeignKeyConstraintViolation(_)) => {
            return Some(Verdict::new(
                StatusCode::CONFLICT,
                "this refers to something that does not exist, or something else refers to it",
            ));
        }
        _ => {}
    }
    match error {
        // A number or a text that no column of the database can hold, whatever its type says.
        DbErr::TryIntoErr { from: "u64", into: "i64", .. } => Some(does_not_fit()),
        DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error))
            if is_value_that_does_not_fit(error) =>
        {
            Some(does_not_fit())
        }
        DbErr::RecordNotFound(_) | DbErr::RecordNotUpdated => {
            Some(Verdict::new(StatusCode::NOT_FOUND, "Not Found"))
        }
        // Nothing was done: no connection was to be had.
        DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => Some(unavailable()),
        // What was done has been undone, and may well succeed the next time.
        DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error))
            if lost_a_race(error) =>
        {
            Some(unavailable())
        }
        _ => None,
    }
}

fn does_not_fit() -> Verdict {
    Verdict::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "a value is too large or too long, or has a character that cannot be stored",
    )
}

/// Data exceptions, SQLSTATE class 22: a text that is too long, a number out of range, and for PostgreSQL the
/// character U+0000, which it cannot store.
fn is_value_that_does_not_fit(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(error) = error else { return false };
    matches!(error.code().as_deref(), Some("22001" | "22003" | "22021" | "22P05"))
}

fn unavailable() -> Verdict {
    Verdict::new(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable").header("retry-after", "1")
}

/// Deadlocks, serialisation failures and locks that were not to be had.
pub(crate) fn lost_a_race(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(error) = error else { return false };
    // PostgreSQL: serialization_failure, deadlock_detected, lock_not_available.
    // MySQL by SQLSTATE: 40001 is a deadlock. SQLite: BUSY, LOCKED and BUSY_SNAPSHOT.
    matches!(error.code().as_deref(), Some("40001" | "40P01" | "55P03" | "5" | "6" | "517"))
}
