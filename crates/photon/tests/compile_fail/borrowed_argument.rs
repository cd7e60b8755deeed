//! A handler that borrows what only the request could own.
use photon::prelude::*;

#[get("/hello/{name}")]
fn hello(name: &str) -> String {
    name.to_owned()
}

fn main() {}
