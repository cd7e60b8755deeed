//! What a route attribute knows of one argument of its handler, as a constant.

use std::borrow::Cow;
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
#[derive(Debug, Clone, Copy)]
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
    schema: Option<&'static OnceLock<Value>>,
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
            schema: None,
        }
    }

    /// Gives the argument a place to keep the schema of its type in, made at the first use.
    #[must_use]
    pub const fn keeping_schema(mut self, place: &'static OnceLock<Value>) -> Self {
        self.schema = Some(place);
        self
    }

    /// The same argument, read from elsewhere.
    #[must_use]
    pub(crate) const fn at(mut self, source: Source) -> Self {
        self.source = source;
        self
    }

    /// The schema of the argument's type with all that it refers to.
    pub(crate) fn schema<T: schemars::JsonSchema>(&self) -> Cow<'static, Value> {
        match self.schema {
            Some(place) => Cow::Borrowed(place.get_or_init(Schemas::standalone::<T>)),
            None => Cow::Owned(Schemas::standalone::<T>()),
        }
    }
}
