//! A function without a route attribute.
use photon::prelude::*;

fn read_item() -> u32 {
    1
}

fn main() {
    let _ = routes![read_item];
}
