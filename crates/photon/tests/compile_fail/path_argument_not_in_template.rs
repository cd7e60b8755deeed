//! `#[path]` names a parameter that the template does not have.
use photon::prelude::*;

#[get("/items/{item_id}")]
fn read_item(#[path] item_ids: u32) -> u32 {
    item_ids
}

fn main() {}
