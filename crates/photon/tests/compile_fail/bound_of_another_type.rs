//! Bounds that the type does not have.
use photon::prelude::*;

#[get("/a")]
fn number_bound_on_text(#[query(ge = 1)] name: String) {}

#[get("/b")]
fn length_of_number(#[query(max_length = 3)] limit: u32) {}

fn main() {}
