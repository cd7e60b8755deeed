//! Nobody would choose the type.
use photon::prelude::*;

#[get("/items")]
fn list_items<T>(item: T) {}

fn main() {}
