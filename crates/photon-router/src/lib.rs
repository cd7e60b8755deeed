//! OpenAPI 3.1 documents, and a router that is built from one.
//!
//! Cargo features: `yaml` (off by default) reads and writes documents as YAML.

pub mod openapi;
mod percent;
