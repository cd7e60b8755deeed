//! Documents as text: JSON, and YAML with the cargo feature `yaml`.

use std::fmt;

use serde::Deserialize;
use serde_json::Value;

use super::Document;

/// Why a text is not an OpenAPI 3.1 document.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParseError {
    /// The text is malformed, or a value in it has the wrong type; the message names line and
    /// column.
    Invalid(String),
    /// The document is written in another version of OpenAPI than 3.1.
    Version(String),
    /// The text does not say which version of OpenAPI it is written in.
    NoVersion,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(message) => write!(f, "not an OpenAPI document: {message}"),
            Self::Version(found) => write!(f, "the document is written in OpenAPI {found}; 3.1 is needed"),
            Self::NoVersion => {
                f.write_str("not an OpenAPI document: the member \"openapi\" with the version, such as \"3.1.0\", is missing")
            }
        }
    }
}

impl std::error::Error for ParseError {}

// Other versions have other members, so the version is looked at before anything else.
#[derive(Deserialize)]
struct Versions {
    openapi: Option<Value>,
    swagger: Option<Value>,
}

impl Versions {
    fn check(self) -> Result<(), ParseError> {
        let version = self.openapi.or(self.swagger).ok_or(ParseError::NoVersion)?;
        match version {
            Value::String(version) if version == "3.1" || version.starts_with("3.1.") => Ok(()),
            Value::String(version) => Err(ParseError::Version(version)),
            other => Err(ParseError::Version(other.to_string())),
        }
    }
}

impl Document {
    /// Reads a document from JSON.
    ///
    /// # Errors
    /// The text is not JSON, is written in another version of OpenAPI than 3.1, lacks a required
    /// member or has a value of the wrong type.
    ///
    /// ```
    /// use photon_router::openapi::Document;
    ///
    /// let document = Document::from_json(r#"{"openapi": "3.1.0", "info": {"title": "Shop", "version": "1"}}"#)?;
    /// assert_eq!(document.info.title, "Shop");
    /// let error = Document::from_json(r#"{"swagger": "2.0"}"#).unwrap_err();
    /// assert_eq!(error.to_string(), "the document is written in OpenAPI 2.0; 3.1 is needed");
    /// # Ok::<(), photon_router::openapi::ParseError>(())
    /// ```
    // Inlined so that only programs that read documents compile the reading of all their parts.
    #[inline]
    pub fn from_json(text: &str) -> Result<Self, ParseError> {
        let invalid = |error: serde_json::Error| ParseError::Invalid(error.to_string());
        serde_json::from_str::<Versions>(text).map_err(invalid)?.check()?;
        serde_json::from_str(text).map_err(invalid)
    }

    /// The document as JSON, in one line.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a document holds strings as keys and writes to memory")
    }

    /// The document as JSON, indented.
    #[must_use]
    pub fn to_json_pretty(&self) -> String {
        serde_json::to_string_pretty(self).expect("a document holds strings as keys and writes to memory")
    }

    /// Reads a document from YAML. Needs the cargo feature `yaml`.
    ///
    /// # Errors
    /// As for [`Document::from_json`]; also if aliases would make a small text large, if
    /// values nest deeper than 64, or if there are more than 250,000 of them.
    #[cfg(feature = "yaml")]
    #[inline]
    pub fn from_yaml(text: &str) -> Result<Self, ParseError> {
        let invalid = |error: serde_saphyr::Error| ParseError::Invalid(error.to_string());
        serde_saphyr::from_str::<Versions>(text).map_err(invalid)?.check()?;
        serde_saphyr::from_str(text).map_err(invalid)
    }

    /// The document as YAML. Needs the cargo feature `yaml`.
    #[cfg(feature = "yaml")]
    #[must_use]
    pub fn to_yaml(&self) -> String {
        serde_saphyr::to_string(self).expect("a document holds strings as keys and writes to memory")
    }
}
