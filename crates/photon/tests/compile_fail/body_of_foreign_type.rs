//! `Json` wants a model inside.
use photon::prelude::*;

struct Item;

#[post("/items")]
fn create_item(item: Json<Item>) {}

fn main() {
    let _ = routes![create_item];
}
