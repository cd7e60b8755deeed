//! What one path offers: operations, their parameters, bodies and responses (§4.8.9 to §4.8.21).

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use http::Method;

use super::{Callback, Extensions, ExternalDocs, Map, RefOr, Responses, SecurityRequirement, Server};

/// The operations of one path (§4.8.9).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PathItem {
    /// Where the path item really stands.
    #[serde(rename = "$ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// One line about all operations of the path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// More about all operations of the path, in CommonMark.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The GET operation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub get: Option<Operation>,
    /// The PUT operation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub put: Option<Operation>,
    /// The POST operation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub post: Option<Operation>,
    /// The DELETE operation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delete: Option<Operation>,
    /// The OPTIONS operation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub options: Option<Operation>,
    /// The HEAD operation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub head: Option<Operation>,
    /// The PATCH operation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patch: Option<Operation>,
    /// The TRACE operation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace: Option<Operation>,
    /// Where the path is served, instead of the document's servers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub servers: Vec<Server>,
    /// The parameters of all operations of the path.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<RefOr<Parameter>>,
    /// Members that OpenAPI does not name.
    #[serde(flatten)]
    pub extensions: Extensions,
}

impl PathItem {
    /// The operations with their methods, in the order of the specification.
    pub fn operations(&self) -> impl Iterator<Item = (Method, &Operation)> {
        [
            (Method::GET, &self.get),
            (Method::PUT, &self.put),
            (Method::POST, &self.post),
            (Method::DELETE, &self.delete),
            (Method::OPTIONS, &self.options),
            (Method::HEAD, &self.head),
            (Method::PATCH, &self.patch),
            (Method::TRACE, &self.trace),
        ]
        .into_iter()
        .filter_map(|(method, operation)| Some((method, operation.as_ref()?)))
    }

    /// The place of a method's operation; `None` for a method that OpenAPI 3.1 has no place for.
    pub fn operation_mut(&mut self, method: &Method) -> Option<&mut Option<Operation>> {
        Some(match method.as_str() {
            "GET" => &mut self.get,
            "PUT" => &mut self.put,
            "POST" => &mut self.post,
            "DELETE" => &mut self.delete,
            "OPTIONS" => &mut self.options,
            "HEAD" => &mut self.head,
            "PATCH" => &mut self.patch,
            "TRACE" => &mut self.trace,
            _ => return None,
        })
    }
}

/// One operation: a method of a path (§4.8.10).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Operation {
    /// The tags that group operations.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// One line about the operation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// More about it, in CommonMark.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// More to read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_docs: Option<ExternalDocs>,
    /// The operation's name, one per document. Handlers are registered by it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation_id: Option<String>,
    /// The parameters, in addition to those of the path.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<RefOr<Parameter>>,
    /// The body of the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_body: Option<RefOr<RequestBody>>,
    /// The possible responses.
    #[serde(default, skip_serializing_if = "Responses::is_blank")]
    pub responses: Responses,
    /// The requests that the application may send in consequence, by name.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub callbacks: Map<RefOr<Callback>>,
    /// Whether callers should move to something else.
    #[serde(default, skip_serializing_if = "is_false")]
    pub deprecated: bool,
    /// What a request must carry, instead of the document's; an empty list says nothing at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub security: Option<Vec<SecurityRequirement>>,
    /// Where the operation is served, instead of the path's servers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub servers: Vec<Server>,
    /// Members that OpenAPI does not name.
    #[serde(flatten)]
    pub extensions: Extensions,
}

/// One parameter of an operation (§4.8.12). Name and place together are its identity.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Parameter {
    /// The parameter's name, with its case; header names compare without regard to case.
    pub name: String,
    /// Where the parameter stands.
    #[serde(rename = "in")]
    pub location: ParameterIn,
    /// What it means.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whether a request must have it; true for every path parameter.
    #[serde(default, skip_serializing_if = "is_false")]
    pub required: bool,
    /// Whether callers should do without it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub deprecated: bool,
    /// Whether a query parameter may come without a value.
    #[serde(default, skip_serializing_if = "is_false")]
    pub allow_empty_value: bool,
    /// How a value is written as text; `form` in query and cookie, `simple` elsewhere if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub style: Option<ParameterStyle>,
    /// Whether each item of an array or object stands alone; true for `form` if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explode: Option<bool>,
    /// Whether the value may hold reserved characters unescaped.
    #[serde(default, skip_serializing_if = "is_false")]
    pub allow_reserved: bool,
    /// The JSON Schema of the value.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub schema: Option<Value>,
    /// An example of a value.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub example: Option<Value>,
    /// Examples of values, by name.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub examples: Map<RefOr<Example>>,
    /// How the value is written, by the one media type; excludes `schema` and `style`.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub content: Map<MediaType>,
    /// Members that OpenAPI does not name.
    #[serde(flatten)]
    pub extensions: Extensions,
}

/// Where a parameter stands in a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ParameterIn {
    /// In the path, where the template names it.
    Path,
    /// Behind the `?`.
    #[default]
    Query,
    /// In a header field.
    Header,
    /// In the `Cookie` header field.
    Cookie,
}

/// How a parameter's value is written as text (§4.8.12.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ParameterStyle {
    /// `;id=5` in a path.
    Matrix,
    /// `.5` in a path.
    Label,
    /// `5` or `3,4` in a path or header.
    Simple,
    /// `id=5` or `id=3&id=4` in a query or cookie.
    Form,
    /// `id=3 4` in a query.
    SpaceDelimited,
    /// `id=3|4` in a query.
    PipeDelimited,
    /// `id[a]=3` in a query.
    DeepObject,
}

/// The body of a request (§4.8.13).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RequestBody {
    /// What it means.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// How it may be written, by media type or media type range.
    #[serde(default)]
    pub content: Map<MediaType>,
    /// Whether a request must have it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub required: bool,
    /// Members that OpenAPI does not name.
    #[serde(flatten)]
    pub extensions: Extensions,
}

/// How content of one media type looks (§4.8.14).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct MediaType {
    /// The JSON Schema of the content.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub schema: Option<Value>,
    /// An example of the content.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub example: Option<Value>,
    /// Examples of the content, by name.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub examples: Map<RefOr<Example>>,
    /// How parts of a form or multipart body are written, by property.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub encoding: Map<Encoding>,
    /// Members that OpenAPI does not name.
    #[serde(flatten)]
    pub extensions: Extensions,
}

/// How one property of a form or multipart body is written (§4.8.15).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Encoding {
    /// The media types it may have, separated by commas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// The header fields of its part.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub headers: Map<RefOr<Header>>,
    /// How its value is written as text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub style: Option<ParameterStyle>,
    /// Whether each item of an array or object stands alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explode: Option<bool>,
    /// Whether the value may hold reserved characters unescaped.
    #[serde(default, skip_serializing_if = "is_false")]
    pub allow_reserved: bool,
    /// Members that OpenAPI does not name.
    #[serde(flatten)]
    pub extensions: Extensions,
}

/// One possible response (§4.8.17).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Response {
    /// What it means.
    pub description: String,
    /// The header fields, by name.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub headers: Map<RefOr<Header>>,
    /// The body, by media type.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub content: Map<MediaType>,
    /// What can be asked for next, by name.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub links: Map<RefOr<Link>>,
    /// Members that OpenAPI does not name.
    #[serde(flatten)]
    pub extensions: Extensions,
}

/// One header field of a response or part (§4.8.21): a parameter whose name is its key.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// What it means.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whether it is always there.
    #[serde(default, skip_serializing_if = "is_false")]
    pub required: bool,
    /// Whether it will go.
    #[serde(default, skip_serializing_if = "is_false")]
    pub deprecated: bool,
    /// How its value is written as text; only `simple` is possible.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub style: Option<ParameterStyle>,
    /// Whether an object is written as `key=value`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explode: Option<bool>,
    /// The JSON Schema of the value.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub schema: Option<Value>,
    /// An example of a value.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub example: Option<Value>,
    /// Examples of values, by name.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub examples: Map<RefOr<Example>>,
    /// How the value is written, by the one media type; excludes `schema` and `style`.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub content: Map<MediaType>,
    /// Members that OpenAPI does not name.
    #[serde(flatten)]
    pub extensions: Extensions,
}

/// One example (§4.8.19).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Example {
    /// One line about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// More about it, in CommonMark.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The example itself; excludes `external_value`.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub value: Option<Value>,
    /// The URI of the example.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_value: Option<String>,
    /// Members that OpenAPI does not name.
    #[serde(flatten)]
    pub extensions: Extensions,
}

/// What can be asked for after a response (§4.8.20).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Link {
    /// The URI reference of the operation; excludes `operation_id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation_ref: Option<String>,
    /// The name of the operation; excludes `operation_ref`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation_id: Option<String>,
    /// Values or runtime expressions for the operation's parameters, by name.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub parameters: Map<Value>,
    /// A value or runtime expression for the operation's body.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub request_body: Option<Value>,
    /// What the link means.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Where the operation is served.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<Server>,
    /// Members that OpenAPI does not name.
    #[serde(flatten)]
    pub extensions: Extensions,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands the field over by reference")]
fn is_false(value: &bool) -> bool {
    !value
}

// `Option<Value>` reads `null` as absent; an example may well be `null`.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}
