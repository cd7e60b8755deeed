//! What a route attribute knows of one argument of its handler, as a constant.

use std::sync::OnceLock;

use serde_json::Value;

use crate::Schemas;
use crate::validation::Constraints;

/// Where an argument is read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The type decides: scalars come from the query, models from the body.
    Auto,
    /// A parameter of the path template.
    Path,
    /// The query string.
    Query,
    /// A header field.
    Header,
    /// A cookie.
    Cookie,
    /// The JSON body.
    Body,
}

impl Source {
    /// The first step of a location, and the `in` of a documented parameter.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Query | Self::Auto => "query",
            Self::Header => "header",
            Self::Cookie => "cookie",
            Self::Body => "body",
        }
    }

    /// What [`Source::Auto`] means for a type.
    #[must_use]
    pub const fn or_by_type(self, scalar: bool) -> Self {
        match (self, scalar) {
            (Self::Auto, true) => Self::Query,
            (Self::Auto, false) => Self::Body,
            (source, _) => source,
        }
    }
}

/// One argument of a handler, as its route attribute describes it.
#[derive(Debug)]
pub struct Argument {
    /// The name on the wire.
    pub name: &'static str,
    /// Where it is read from.
    pub source: Source,
    /// What its value has to meet.
    pub constraints: Constraints,
    /// Whether it is one of several keys of the body.
    pub embed: bool,
    /// The value when it is absent, for the document.
    pub default: Option<fn() -> Value>,
    /// What it is for.
    pub description: Option<&'static str>,
    /// A value that it could have.
    pub example: Option<fn() -> Value>,
    /// Whether clients should stop using it.
    pub deprecated: bool,
    /// Whether the document leaves it out.
    pub hidden: bool,
    schema: OnceLock<Value>,
}

impl Argument {
    /// An argument without constraints and documentation.
    #[must_use]
    pub const fn new(name: &'static str, source: Source) -> Self {
        Self {
            name,
            source,
            constraints: Constraints::NONE,
            embed: false,
            default: None,
            description: None,
            example: None,
            deprecated: false,
            hidden: false,
            schema: OnceLock::new(),
        }
    }

    /// The schema of the argument's type with all that it refers to, made at the first use.
    pub(crate) fn schema<T: schemars::JsonSchema>(&self) -> &Value {
        self.schema.get_or_init(Schemas::standalone::<T>)
    }
}
