//! The text that separates the parts of a body, and where it is announced.

use super::MultipartError;
use super::disposition::{Parameters, Value};
use crate::class::ByteClass;

/// The most characters that a boundary may have (RFC 2046 §5.1.1).
const MAX_LENGTH: usize = 70;

/// `bchars` of RFC 2046 §5.1.1.
static BCHARS: ByteClass = ByteClass::alphanumeric_and(b"'()+_,-./:=? ");

/// A boundary as RFC 2046 §5.1.1 has them: 1 to 70 characters of a small set, the last of them no space. None is a line
/// end, which is why a delimiter is found in one pass.
///
/// ```
/// use photon_http::{Boundary, MultipartError};
///
/// let boundary = Boundary::from_content_type("multipart/form-data; boundary=AaB03x").unwrap();
/// assert_eq!(boundary.as_str(), "AaB03x");
/// assert_eq!(Boundary::from_content_type("text/plain"), Err(MultipartError::NotFormData));
/// assert_eq!(Boundary::from_content_type("multipart/form-data"), Err(MultipartError::Boundary));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Boundary(String);

impl Boundary {
    /// Takes the boundary as it stands behind the two hyphens.
    ///
    /// # Errors
    /// [`MultipartError::Boundary`] if it is none.
    pub fn new(boundary: &str) -> Result<Self, MultipartError> {
        let is_boundary = (1..=MAX_LENGTH).contains(&boundary.len())
            && BCHARS.holds_all(boundary.as_bytes())
            && !boundary.ends_with(' ');
        if is_boundary { Ok(Self(boundary.to_owned())) } else { Err(MultipartError::Boundary) }
    }

    /// Reads the boundary from the value of a `Content-Type` field. A boundary with characters that no token may hold
    /// has to be quoted there (RFC 9110 §5.6.6). Other parameters are checked and otherwise ignored.
    ///
    /// # Errors
    /// [`MultipartError::NotFormData`] for another type, [`MultipartError::ContentType`] for malformed parameters,
    /// [`MultipartError::Boundary`] if there is no boundary, a malformed one or several.
    pub fn from_content_type(value: &str) -> Result<Self, MultipartError> {
        let (essence, parameters) = value.split_at(value.find(';').unwrap_or(value.len()));
        if !essence.trim_matches([' ', '\t']).eq_ignore_ascii_case("multipart/form-data") {
            return Err(MultipartError::NotFormData);
        }
        let mut boundary = None;
        for parameter in Parameters::new(parameters.as_bytes()) {
            let (name, value) = parameter.ok_or(MultipartError::ContentType)?;
            if name.eq_ignore_ascii_case(b"boundary") && boundary.replace(value).is_some() {
                return Err(MultipartError::Boundary);
            }
        }
        // No character of a boundary is ever escaped, so the text between the quotes is the boundary or none.
        let (Value::Token(text) | Value::Quoted(text)) = boundary.ok_or(MultipartError::Boundary)?;
        Self::new(std::str::from_utf8(text).map_err(|_| MultipartError::Boundary)?)
    }

    /// The boundary without hyphens before it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
