//! An argument that is there only sometimes.
use photon::prelude::*;

#[get("/items")]
fn list_items(#[cfg(unix)] limit: u32) -> u32 {
    limit
}

fn main() {}
