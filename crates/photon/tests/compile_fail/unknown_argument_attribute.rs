//! An argument attribute with a typing error.
use photon::prelude::*;

#[get("/items")]
fn list_items(#[qurey] limit: u32) -> u32 {
    limit
}

fn main() {}
