//! The long form names both.
use photon::prelude::*;

#[photon_route(path = "/items")]
fn no_method() {}

#[photon_route(method = "GET")]
fn no_path() {}

#[photon_route(method = "get", path = "/items")]
fn lower_case() {}

fn main() {}
