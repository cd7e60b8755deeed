//! `.or_404()`: what is not there is a 404.

use crate::HttpError;

/// Turns an absent value into a 404.
///
/// ```
/// use photon_core::{HttpError, OrNotFound, Result};
///
/// fn find(id: u32) -> std::result::Result<Option<&'static str>, std::fmt::Error> {
///     Ok((id == 1).then_some("lamp"))
/// }
///
/// fn read(id: u32) -> Result<&'static str> {
///     find(id).or_404()
/// }
///
/// assert_eq!(read(1).unwrap(), "lamp");
/// assert_eq!(read(2).unwrap_err().status(), 404);
/// assert_eq!(None::<u32>.or_404().unwrap_err().status(), 404);
/// ```
pub trait OrNotFound {
    /// What is there if it is.
    type Value;

    /// The value, or a 404 with the detail "Not Found".
    ///
    /// # Errors
    /// 404 if there is no value; if there was an error instead, that error.
    fn or_404(self) -> Result<Self::Value, HttpError>;
}

impl<T> OrNotFound for Option<T> {
    type Value = T;

    fn or_404(self) -> Result<T, HttpError> {
        self.ok_or_else(|| HttpError::new(http::StatusCode::NOT_FOUND))
    }
}

impl<T, E: Into<HttpError>> OrNotFound for Result<Option<T>, E> {
    type Value = T;

    fn or_404(self) -> Result<T, HttpError> {
        self.map_err(Into::into)?.or_404()
    }
}
