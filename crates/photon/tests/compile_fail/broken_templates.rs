//! Path templates with mistakes.
use photon::prelude::*;

#[get("items")]
fn no_slash() {}

#[get("/items/{id")]
fn open_brace() {}

#[get("/items/{}")]
fn no_name(id: u32) {}

#[get("/items/{id}/{id}")]
fn twice(id: u32) {}

#[get("/files/{path:path}/raw")]
fn rest_not_last(path: String) {}

#[get("/items/{id:int}")]
fn converter(id: u32) {}

#[get("/items?page={page}")]
fn query(page: u32) {}

#[get("/items/:id")]
fn colon(id: u32) {}

fn main() {}
