//! Requests, responses, handlers, extraction and validation of the Photon web framework.

mod context;
mod handler;
mod request;
mod response;

pub use context::Context;
pub use handler::Handler;
pub use photon_http::{Headers, InvalidHeader, RequestHead, Version};
pub use request::{Extensions, PathParams, Request};
pub use response::{Body, BodyWriter, Response};
