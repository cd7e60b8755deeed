//! A plain struct is no response.
use photon::prelude::*;

struct Item;

#[get("/item")]
fn read_item() -> Result<Item> {
    Ok(Item)
}

fn main() {
    let _ = routes![read_item];
}
