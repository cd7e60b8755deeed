//! A status that HTTP does not have.
use photon::prelude::*;

#[get("/items", status = 42)]
fn list_items() {}

fn main() {}
