//! Integration tests of the router crate, in one binary.

mod documents;
mod references;
#[cfg(feature = "yaml")]
mod yaml;
