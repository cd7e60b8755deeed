//! What cannot be a model.
use photon::prelude::*;

#[model]
union Number {
    int: u32,
    float: f32,
}

#[model]
enum Shape {
    Circle {
        #[validate(range(min = 1))]
        radius: u32,
    },
}

#[model(inptu)]
struct Item {
    name: String,
}

#[model]
struct Name(#[validate(length(min = 3))] String);

#[model]
struct Address {
    #[schemars(regex(pattern = "^[0-9]{5}$"))]
    zip: String,
}

fn main() {}
