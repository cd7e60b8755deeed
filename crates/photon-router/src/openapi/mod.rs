//! The document that says what an application serves: OpenAPI 3.1.0, §4.
//!
//! A model to build, read and write documents, and nothing more: it does not check that a
//! document makes sense. Schemas and examples stay [`serde_json::Value`], because JSON Schema is
//! a language of its own. Maps keep the order of the document, members without content are not
//! written, and members that OpenAPI does not name (`x-…`) are kept in `extensions`.

mod components;
mod keyed;
mod operation;
mod parse;
mod reference;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

pub use components::{
    Components, OAuthFlow, OAuthFlows, SecurityLocation, SecurityRequirement, SecurityScheme,
};
pub use keyed::{Callback, Keyed, Paths, Responses};
pub use operation::{
    Encoding, Example, Header, Link, MediaType, Operation, Parameter, ParameterIn, ParameterStyle, PathItem,
    RequestBody, Response,
};
pub use parse::ParseError;
pub use reference::{Component, RefError, RefOr, Reference};

/// A map that keeps the order in which its keys were added.
pub type Map<T> = IndexMap<String, T>;

/// Members that OpenAPI does not name, by name; those called `x-…` are its extensions (§4.9).
pub type Extensions = serde_json::Map<String, serde_json::Value>;

/// A whole OpenAPI document (§4.8.1).
///
/// ```
/// use photon_router::openapi::{Document, Operation, PathItem};
///
/// let mut document = Document::new("Shop", "1.0.0");
/// let operation = Operation { operation_id: Some("read_item".into()), ..Operation::default() };
/// document.paths.insert("/items/{id}".into(), PathItem { get: Some(operation), ..PathItem::default() });
/// assert_eq!(Document::from_json(&document.to_json()).unwrap(), document);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Document {
    /// The version of OpenAPI that the document is written in; `3.1.0` by default.
    pub openapi: String,
    /// What the document says about the application as a whole.
    pub info: Info,
    /// The URI of the schema dialect; JSON Schema 2020-12 with OpenAPI's additions if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub json_schema_dialect: Option<String>,
    /// Where the application is served.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub servers: Vec<Server>,
    /// The operations, by path template.
    #[serde(default, skip_serializing_if = "Keyed::is_blank")]
    pub paths: Paths,
    /// The requests that the application sends, by name.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub webhooks: Map<RefOr<PathItem>>,
    /// The parts that others refer to.
    #[serde(default, skip_serializing_if = "Components::is_empty")]
    pub components: Components,
    /// What a request must carry where its operation does not say; one of the list suffices.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub security: Vec<SecurityRequirement>,
    /// The tags of operations, in the order in which tools show them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Tag>,
    /// More to read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_docs: Option<ExternalDocs>,
    /// Members that OpenAPI does not name.
    #[serde(flatten)]
    pub extensions: Extensions,
}

impl Default for Document {
    fn default() -> Self {
        Self {
            openapi: "3.1.0".into(),
            info: Info::default(),
            json_schema_dialect: None,
            servers: Vec::new(),
            paths: Paths::default(),
            webhooks: Map::new(),
            components: Components::default(),
            security: Vec::new(),
            tags: Vec::new(),
            external_docs: None,
            extensions: Extensions::new(),
        }
    }
}

impl Document {
    /// A document without operations.
    #[must_use]
    pub fn new(title: impl Into<String>, version: impl Into<String>) -> Self {
        let info = Info { title: title.into(), version: version.into(), ..Info::default() };
        Self { info, ..Self::default() }
    }
}

/// What a document says about the application as a whole (§4.8.2).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Info {
    /// The application's name.
    pub title: String,
    /// One line about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// More about it, in CommonMark.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The URI of the terms of service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub terms_of_service: Option<String>,
    /// Whom to ask.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact: Option<Contact>,
    /// Under which licence the application is offered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub license: Option<License>,
    /// The version of the application (not of OpenAPI).
    pub version: String,
    /// Members that OpenAPI does not name.
    #[serde(flatten)]
    pub extensions: Extensions,
}

/// Whom to ask about an application (§4.8.3).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Contact {
    /// The name of the person or organisation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The URI of their page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Their e-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Members that OpenAPI does not name.
    #[serde(flatten)]
    pub extensions: Extensions,
}

/// Under which licence an application is offered (§4.8.4).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct License {
    /// The licence's name.
    pub name: String,
    /// Its SPDX expression; excludes `url`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identifier: Option<String>,
    /// The URI of its text; excludes `identifier`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Members that OpenAPI does not name.
    #[serde(flatten)]
    pub extensions: Extensions,
}

/// Where an application is served (§4.8.5).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Server {
    /// The URL that paths are appended to; may be relative and may hold `{variables}`.
    pub url: String,
    /// What is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The variables of `url`.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub variables: Map<ServerVariable>,
    /// Members that OpenAPI does not name.
    #[serde(flatten)]
    pub extensions: Extensions,
}

/// A variable in a server's URL (§4.8.6).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ServerVariable {
    /// The values it may have; any if empty.
    #[serde(rename = "enum", default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
    /// The value it has unless one is chosen.
    pub default: String,
    /// What it means.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Members that OpenAPI does not name.
    #[serde(flatten)]
    pub extensions: Extensions,
}

/// A tag of operations (§4.8.22).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tag {
    /// The tag's name, as operations give it.
    pub name: String,
    /// What the tag means.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// More to read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_docs: Option<ExternalDocs>,
    /// Members that OpenAPI does not name.
    #[serde(flatten)]
    pub extensions: Extensions,
}

/// More to read elsewhere (§4.8.11).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ExternalDocs {
    /// What is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The URI of it.
    pub url: String,
    /// Members that OpenAPI does not name.
    #[serde(flatten)]
    pub extensions: Extensions,
}
