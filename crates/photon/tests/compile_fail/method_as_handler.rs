//! A method has no request to take itself from.
use photon::prelude::*;

struct Store;

impl Store {
    #[get("/items")]
    fn items(&self) -> u32 {
        1
    }
}

fn main() {}
