//! The parts of a document that others refer to, and how requests prove who sends them
//! (§4.8.7, §4.8.27 to §4.8.30).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Callback, Example, Extensions, Header, Link, Map, Parameter, PathItem, RefOr, RequestBody, Response,
};

/// The parts that others refer to as `#/components/<kind>/<name>` (§4.8.7).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Components {
    /// JSON Schemas by name.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub schemas: Map<Value>,
    /// Responses by name.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub responses: Map<RefOr<Response>>,
    /// Parameters by name.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub parameters: Map<RefOr<Parameter>>,
    /// Examples by name.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub examples: Map<RefOr<Example>>,
    /// Request bodies by name.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub request_bodies: Map<RefOr<RequestBody>>,
    /// Header fields by name.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub headers: Map<RefOr<Header>>,
    /// Security schemes by name.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub security_schemes: Map<RefOr<SecurityScheme>>,
    /// Links by name.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub links: Map<RefOr<Link>>,
    /// Callbacks by name.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub callbacks: Map<RefOr<Callback>>,
    /// Path items by name.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub path_items: Map<RefOr<PathItem>>,
    /// Members that OpenAPI does not name.
    #[serde(flatten)]
    pub extensions: Extensions,
}

impl Components {
    /// Whether there is nothing to refer to.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The security schemes that a request must satisfy together, with the scopes of each (§4.8.30).
pub type SecurityRequirement = Map<Vec<String>>;

/// How a request proves who sends it (§4.8.27).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum SecurityScheme {
    /// A key in a query parameter, header field or cookie.
    #[serde(rename = "apiKey")]
    ApiKey {
        /// What the scheme means.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        description: Option<String>,
        /// The name of the parameter, field or cookie.
        name: String,
        /// Where the key stands.
        #[serde(rename = "in")]
        location: SecurityLocation,
        /// Members that OpenAPI does not name.
        #[serde(flatten)]
        extensions: Extensions,
    },
    /// A scheme of the `Authorization` header field, such as `basic` and `bearer`.
    #[serde(rename = "http")]
    Http {
        /// What the scheme means.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        description: Option<String>,
        /// The scheme's registered name (RFC 9110 §16.4.1).
        scheme: String,
        /// A hint about the form of a bearer token, such as `JWT`.
        #[serde(rename = "bearerFormat", default, skip_serializing_if = "Option::is_none")]
        bearer_format: Option<String>,
        /// Members that OpenAPI does not name.
        #[serde(flatten)]
        extensions: Extensions,
    },
    /// A client certificate.
    #[serde(rename = "mutualTLS")]
    MutualTls {
        /// What the scheme means.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        description: Option<String>,
        /// Members that OpenAPI does not name.
        #[serde(flatten)]
        extensions: Extensions,
    },
    /// OAuth 2.0.
    #[serde(rename = "oauth2")]
    OAuth2 {
        /// What the scheme means.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        description: Option<String>,
        /// The flows that lead to a token.
        flows: Box<OAuthFlows>,
        /// Members that OpenAPI does not name.
        #[serde(flatten)]
        extensions: Extensions,
    },
    /// The `OpenID` Connect protocol.
    #[serde(rename = "openIdConnect")]
    OpenIdConnect {
        /// What the scheme means.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        description: Option<String>,
        /// The URL of the discovery document.
        #[serde(rename = "openIdConnectUrl")]
        open_id_connect_url: String,
        /// Members that OpenAPI does not name.
        #[serde(flatten)]
        extensions: Extensions,
    },
}

/// Where an API key stands in a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SecurityLocation {
    /// Behind the `?`.
    Query,
    /// In a header field.
    Header,
    /// In a cookie.
    Cookie,
}

/// The OAuth flows that a scheme offers (§4.8.28).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OAuthFlows {
    /// The implicit flow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub implicit: Option<OAuthFlow>,
    /// The resource owner password flow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<OAuthFlow>,
    /// The client credentials flow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_credentials: Option<OAuthFlow>,
    /// The authorization code flow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization_code: Option<OAuthFlow>,
    /// Members that OpenAPI does not name.
    #[serde(flatten)]
    pub extensions: Extensions,
}

/// One OAuth flow (§4.8.29).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OAuthFlow {
    /// Where the user consents; of the implicit and authorization code flows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization_url: Option<String>,
    /// Where a token is issued; of all flows but the implicit one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_url: Option<String>,
    /// Where a token is renewed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_url: Option<String>,
    /// What each scope permits; always written, even if empty.
    #[serde(default)]
    pub scopes: Map<String>,
    /// Members that OpenAPI does not name.
    #[serde(flatten)]
    pub extensions: Extensions,
}
