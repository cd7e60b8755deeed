//! A route option with a typing error.
use photon::prelude::*;

#[get("/items", tag = ["items"])]
fn list_items() -> u32 {
    1
}

fn main() {}
