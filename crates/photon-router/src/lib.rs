//! OpenAPI 3.1 documents, and a router that is built from one.
//!
//! [`openapi`] models documents; [`Router`] finds the handler that a request is meant for.
//!
//! Cargo features: `yaml` (off by default) reads and writes documents as YAML.

mod build;
mod checks;
mod dispatcher;
mod error;
mod mixed;
pub mod openapi;
mod percent;
mod router;
mod template;
mod tree;

pub use dispatcher::Dispatcher;
pub use error::{MissingHandler, RouterError, UnknownOperation};
pub use router::{Endpoint, Outcome, Router};
pub use template::{TemplateError, split_catch_all};
