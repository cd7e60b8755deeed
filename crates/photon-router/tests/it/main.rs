//! Integration tests of the router crate, in one binary.

mod checking;
mod documents;
mod hostile;
mod launch;
mod matching;
mod model;
mod references;
mod responses;
mod table;
#[cfg(feature = "yaml")]
mod yaml;
