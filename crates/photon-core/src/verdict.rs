//! Which answers errors of other crates deserve: a database's "this exists already" is a 409, not a 500.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::io;
use std::sync::{PoisonError, RwLock};

use http::StatusCode;
use photon_http::MultipartError;

use crate::BodyError;

/// The answer that an error deserves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    pub(crate) status: StatusCode,
    pub(crate) detail: Cow<'static, str>,
    pub(crate) header: Option<(&'static str, &'static str)>,
}

impl Verdict {
    /// A status, and what the client is told.
    #[must_use]
    pub fn new(status: StatusCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { status, detail: detail.into(), header: None }
    }

    /// Adds a header field.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.header = Some((name, value));
        self
    }
}

/// Looks at an error and says what it deserves, if it knows.
pub type Judge = fn(&(dyn StdError + 'static)) -> Option<Verdict>;

static JUDGES: RwLock<Vec<Judge>> = RwLock::new(Vec::new());

/// From now on every error that becomes an [`HttpError`](crate::HttpError) through `?` is shown to this function, and
/// so are its causes. The first that knows an error decides.
///
/// This is for crates that bring errors of their own to applications. An application's own errors implement
/// [`IntoResponse`](crate::IntoResponse).
pub fn judge_errors(judge: Judge) {
    JUDGES.write().unwrap_or_else(PoisonError::into_inner).push(judge);
}

/// What an error or one of its causes deserves.
pub(crate) fn judge(error: &(dyn StdError + 'static)) -> Option<Verdict> {
    let judges = JUDGES.read().unwrap_or_else(PoisonError::into_inner);
    let mut cause = Some(error);
    while let Some(error) = cause {
        // `source` of an I/O error passes over the error that it was made from.
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if let Some(error) = inner.and_then(|inner| inner.downcast_ref::<BodyError>()) {
            let status = error.status();
            let verdict = Verdict::new(status, status.canonical_reason().unwrap_or_default());
            return Some(if status == StatusCode::SERVICE_UNAVAILABLE {
                verdict.header("retry-after", "1")
            } else {
                verdict
            });
        }
        let form =
            inner.and_then(|inner| inner.downcast_ref()).or_else(|| error.downcast_ref::<MultipartError>());
        if let Some(error) = form {
            return Some(Verdict::new(error.status(), error.to_string()));
        }
        if let Some(verdict) = judges.iter().find_map(|judge| judge(error)) {
            return Some(verdict);
        }
        cause = error.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use std::fmt;

    use super::*;
    use crate::HttpError;

    #[derive(Debug)]
    struct Taken;

    #[derive(Debug)]
    struct Wrapped(Taken);

    impl fmt::Display for Taken {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("the key (name)=(secret) is taken")
        }
    }

    impl fmt::Display for Wrapped {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("cannot save")
        }
    }

    impl StdError for Taken {}

    impl StdError for Wrapped {
        fn source(&self) -> Option<&(dyn StdError + 'static)> {
            Some(&self.0)
        }
    }

    #[test]
    fn an_error_or_its_cause_decides_on_the_answer() {
        judge_errors(|error| {
            error
                .downcast_ref::<Taken>()
                .map(|_| Verdict::new(StatusCode::CONFLICT, "taken").header("x-why", "name"))
        });
        for error in [HttpError::from(Taken), HttpError::from(Wrapped(Taken))] {
            assert_eq!(error.status(), 409);
            assert_eq!(error.detail(), "taken");
            // The cause is for the log.
            assert!(error.to_string().contains("secret"));
        }
        assert_eq!(HttpError::from(fmt::Error).status(), 500);
    }
}
