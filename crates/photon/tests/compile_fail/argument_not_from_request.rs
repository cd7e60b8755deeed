//! A plain struct is neither a body nor a dependency.
use photon::prelude::*;

struct Item {
    name: String,
}

#[post("/items")]
fn create_item(item: Item) -> String {
    item.name
}

fn main() {
    let _ = routes![create_item];
}
