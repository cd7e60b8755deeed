//! The error that a handler returns: a status, a detail for the client, a cause for the log.

use std::error::Error as StdError;
use std::fmt;

use http::StatusCode;
use photon_http::Headers;
use serde::Serialize;
use serde_json::{Value, json};

use crate::verdict::{Verdict, judge};
use crate::{IntoResponse, Response};

/// What handlers and dependencies return.
pub type Result<T, E = HttpError> = std::result::Result<T, E>;

/// An answer that is not the expected one: a status, and a detail that the client gets as
/// `{"detail": …}`.
///
/// Any [`std::error::Error`] turns into one through `?`: the client then sees a bare 500, and the
/// error with its causes goes to the log. Errors that mean something to clients, such as a database's
/// "this exists already", get the status that they deserve. An error type of your own that implements [`IntoResponse`]
/// answers for itself where a function returns it as it is: `fn read() -> Result<Item, ShopError>`.
///
/// ```
/// use photon_core::HttpError;
///
/// fn find(id: u32) -> Result<&'static str, HttpError> {
///     match id {
///         1 => Ok("one"),
///         _ => Err(HttpError::not_found("no such number")),
///     }
/// }
/// assert_eq!(find(2).unwrap_err().status(), 404);
/// ```
pub struct HttpError(Box<Inner>);

struct Inner {
    status: StatusCode,
    detail: Value,
    headers: Headers,
    source: Option<Box<dyn StdError + Send + Sync>>,
    /// The whole answer, if an error type of the application's own made one.
    ready: Option<Response>,
}

impl HttpError {
    /// An error with the status's own phrase as its detail.
    #[must_use]
    pub fn new(status: StatusCode) -> Self {
        let phrase = status.canonical_reason().unwrap_or("Unknown Error");
        Self(Box::new(Inner {
            status,
            detail: json!(phrase),
            headers: Headers::new(),
            source: None,
            ready: None,
        }))
    }

    /// An error with a detail: a text, or anything that serialises.
    ///
    /// # Panics
    /// If `detail` cannot be JSON, such as a map whose keys are no strings.
    #[must_use]
    pub fn with_detail(status: StatusCode, detail: impl Serialize) -> Self {
        let mut error = Self::new(status);
        error.0.detail = serde_json::to_value(detail).expect("the detail of an error serialises to JSON");
        error
    }

    /// 400 Bad Request.
    #[must_use]
    pub fn bad_request(detail: impl Serialize) -> Self {
        Self::with_detail(StatusCode::BAD_REQUEST, detail)
    }

    /// 401 Unauthorized. HTTP asks for a `WWW-Authenticate` field beside it (RFC 9110 §11.6.1).
    #[must_use]
    pub fn unauthorized(detail: impl Serialize) -> Self {
        Self::with_detail(StatusCode::UNAUTHORIZED, detail)
    }

    /// 403 Forbidden.
    #[must_use]
    pub fn forbidden(detail: impl Serialize) -> Self {
        Self::with_detail(StatusCode::FORBIDDEN, detail)
    }

    /// 404 Not Found.
    #[must_use]
    pub fn not_found(detail: impl Serialize) -> Self {
        Self::with_detail(StatusCode::NOT_FOUND, detail)
    }

    /// 409 Conflict.
    #[must_use]
    pub fn conflict(detail: impl Serialize) -> Self {
        Self::with_detail(StatusCode::CONFLICT, detail)
    }

    /// 500 for the client, without a word of what went wrong; `source` goes to the log.
    #[must_use]
    pub fn internal(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR).source(source)
    }

    /// Adds a header field to the answer.
    ///
    /// # Panics
    /// If the name or value must not go on the wire; see [`Headers::try_append`].
    #[must_use]
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.0.headers.append(name, value);
        self
    }

    /// Adds the cause, for the log only.
    #[must_use]
    pub fn source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// An error that answers with a response that is there already.
    #[doc(hidden)]
    #[must_use]
    pub fn ready(response: Response) -> Self {
        let mut error = Self::new(response.status);
        error.0.ready = Some(response);
        error
    }

    /// The status that the client gets.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The detail that the client gets.
    #[must_use]
    pub fn detail(&self) -> &Value {
        &self.0.detail
    }
}

impl<E: StdError + Send + Sync + 'static> From<E> for HttpError {
    fn from(source: E) -> Self {
        let Some(Verdict { status, detail, header }) = judge(&source) else { return Self::internal(source) };
        let error = Self::with_detail(status, detail).source(source);
        match header {
            Some((name, value)) => error.header(name, value),
            None => error,
        }
    }
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &self.0;
        let Some(source) = &inner.source else {
            return match &inner.detail {
                Value::String(detail) => write!(f, "{}: {detail}", inner.status),
                detail => write!(f, "{}: {detail}", inner.status),
            };
        };
        let mut text = source.to_string();
        let mut cause = source.source();
        while let Some(error) = cause {
            // Many errors name their cause themselves.
            let said = error.to_string();
            if !text.contains(&said) {
                text.push_str(": ");
                text.push_str(&said);
            }
            cause = error.source();
        }
        f.write_str(&text)
    }
}

// What `main` prints when it returns the error, so it reads as a sentence.
impl fmt::Debug for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl IntoResponse for HttpError {
    fn into_response(self) -> Response {
        if self.0.source.is_some() {
            let status = self.0.status.as_u16();
            match status {
                500.. => tracing::error!(status, error = %self, "request failed"),
                _ => tracing::debug!(status, error = %self, "request refused"),
            }
        }
        let Inner { status, detail, headers, ready, .. } = *self.0;
        if let Some(response) = ready {
            return response;
        }
        let mut response = Response::json(&json!({ "detail": detail })).status(status);
        for (name, value) in headers.iter() {
            response.headers.append(name, value);
        }
        response
    }
}
