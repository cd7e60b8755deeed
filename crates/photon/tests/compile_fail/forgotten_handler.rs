//! A handler that no `routes!` names is dead code.
#![deny(dead_code)]
use photon::prelude::*;

#[get("/items")]
fn list_items() -> u32 {
    1
}

fn main() {}
