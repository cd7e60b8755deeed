//! Requests, responses, handlers, extraction and validation of the Photon web framework.
//!
//! This crate does no I/O: it turns a [`Request`] into a handler's arguments and what the handler
//! returns into a [`Response`], and tells the document what it knows of both.
//!
//! Cargo features, both off by default: `uuid` and `chrono` make those crates' types arguments,
//! fields and responses.

mod argument;
mod context;
mod error;
mod extract;
mod foreign;
mod handler;
mod incoming;
mod model;
mod multipart;
mod operation;
mod or_404;
mod origin;
#[doc(hidden)]
pub mod private;
mod proxies;
mod request;
mod request_id;
mod respond;
mod response;
mod route;
mod schema;
mod text;
mod tls_info;
mod upgrade;
pub mod validation;
mod verdict;

pub use argument::{Argument, Source};
pub use context::Context;
pub use error::{HttpError, Result};
pub use extract::{CoercedBodies, Cookie, Cookies, FromRequest, Header, Json, Path, Peer, Query, State};
pub use handler::Handler;
pub use http::{Method, StatusCode};
pub use incoming::{BodyError, BodyReader, IncomingBody};
pub use model::Model;
pub use multipart::{Multipart, Part};
pub use operation::{BodyDoc, OperationDoc, ParameterDoc, ResponseDoc, StateDoc, validation_error_schemas};
pub use or_404::OrNotFound;
pub use photon_http::{
    ClientAddr, Headers, InvalidHeader, MultipartError, MultipartLimits, RequestHead, Scheme, Version,
};
pub use proxies::{ForwardedFields, ProxiesError, TrustedProxies};
pub use request::{Extensions, PathParams, Request, ResponseHook};
pub use request_id::RequestId;
pub use respond::{Html, IntoResponse, Redirect};
pub use response::{Body, BodyWriter, Response};
pub use route::{Route, RouteSource};
pub use schema::{References, Schemas};
pub use text::{cookie_pairs, decode_component, is_json, query_pairs};
pub use tls_info::TlsInfo;
pub use upgrade::{UpgradeHandler, Upgraded, UpgradedConnection};
pub use validation::{ErrorDetail, Errors};
pub use verdict::{Judge, Verdict, judge_errors};
