//! A dependency that gives nothing.
use photon::prelude::*;

#[dependency]
fn check_token(#[header] x_token: String) {}

fn main() {}
