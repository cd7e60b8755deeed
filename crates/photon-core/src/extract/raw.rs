//! Arguments that are the request's own parts, without schema and validation.

use std::net::SocketAddr;

use bytes::Bytes;
use http::Method;
use photon_http::Headers;
use serde_json::Value;

use super::FromRequest;
use crate::text::cookie_pairs;
use crate::{Argument, BodyDoc, ClientAddr, HttpError, OperationDoc, Request};

pub(crate) fn describe_raw_body(argument: &Argument, operation: &mut OperationDoc<'_>) {
    describe_body(argument, operation, "application/octet-stream", serde_json::json!({}), false);
}

/// Adds a body of another type than JSON to the document.
pub(crate) fn describe_body(
    argument: &Argument,
    operation: &mut OperationDoc<'_>,
    content_type: &'static str,
    schema: Value,
    required: bool,
) {
    operation.bodies.push(BodyDoc {
        name: argument.name.to_owned(),
        content_type,
        schema,
        required,
        embed: false,
        description: argument.description.map(str::to_owned),
        example: None,
    });
}

/// The body as it came.
impl FromRequest for Bytes {
    fn from_request(request: &mut Request) -> Result<Self, HttpError> {
        Ok(request.body.clone())
    }

    fn describe(argument: &Argument, operation: &mut OperationDoc<'_>) {
        describe_raw_body(argument, operation);
    }
}

/// All header fields.
impl FromRequest for Headers {
    fn from_request(request: &mut Request) -> Result<Self, HttpError> {
        Ok(request.headers().clone())
    }
}

impl FromRequest for Method {
    fn from_request(request: &mut Request) -> Result<Self, HttpError> {
        Ok(request.method().clone())
    }
}

/// The address of the other end of the connection, as [`Request::peer`] has it; `None` for an in-process request. Behind
/// proxies that is the last of them, and [`ClientAddr`] is the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub Option<SocketAddr>);

impl FromRequest for Peer {
    fn from_request(request: &mut Request) -> Result<Self, HttpError> {
        Ok(Self(request.peer()))
    }
}

/// The address of the client, behind trusted proxies too, as [`Request::client`] has it. An application that may be asked by
/// somebody whose address is not known takes an `Option`.
impl FromRequest for ClientAddr {
    fn from_request(request: &mut Request) -> Result<Self, HttpError> {
        request.client().ok_or_else(|| {
            HttpError::internal(
                "the client's address is not known: take Option<ClientAddr> to answer all the same",
            )
        })
    }

    fn is_present(request: &Request, _argument: &Argument) -> bool {
        request.client().is_some()
    }
}

/// All cookies of a request, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cookies(Vec<(String, String)>);

impl Cookies {
    /// The value of a cookie; of several with one name, the last.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Names and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl FromRequest for Cookies {
    fn from_request(request: &mut Request) -> Result<Self, HttpError> {
        let pairs = cookie_pairs(request.headers());
        Ok(Self(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()))
    }
}
