//! An argument option with a typing error.
use photon::prelude::*;

#[get("/items")]
fn list_items(#[query(defualt = 10)] limit: u32) -> u32 {
    limit
}

fn main() {}
