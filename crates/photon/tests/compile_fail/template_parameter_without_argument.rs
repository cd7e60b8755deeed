//! The template has a parameter that no argument takes.
use photon::prelude::*;

#[get("/items/{item_id}")]
fn read_item(id: u32) -> u32 {
    id
}

fn main() {}
