//! The workloads on Photon. Listens on `HOST`/`PORT`.

use photon::Bytes;
use photon::prelude::*;

static KIB: [u8; 1024] = [b'x'; 1024];
static MIB: [u8; 1024 * 1024] = [b'x'; 1024 * 1024];

#[get("/plaintext")]
fn plaintext() -> &'static str {
    "Hello, World!"
}

#[model(output)]
struct Message {
    message: &'static str,
}

#[get("/json")]
fn json() -> Message {
    Message { message: "Hello, World!" }
}

#[model(output)]
struct Item {
    id: u32,
    q: Option<String>,
    limit: u32,
}

#[get("/items/{id}")]
fn read_item(id: u32, q: Option<String>, #[query(default = 10, ge = 1, le = 100)] limit: u32) -> Item {
    Item { id, q, limit }
}

#[model]
struct User {
    #[validate(length(min = 3))]
    name: String,
    #[validate(email)]
    email: String,
    #[validate(range(min = 0, max = 150))]
    age: u32,
    #[serde(default)]
    tags: Vec<String>,
}

#[post("/users")]
fn create_user(user: User) -> User {
    user
}

#[get("/kib")]
fn kib() -> Bytes {
    Bytes::from_static(&KIB)
}

#[get("/mib")]
fn mib() -> Bytes {
    Bytes::from_static(&MIB)
}

fn main() -> photon::Result<()> {
    App::new().title("Peer").routes(routes![plaintext, json, read_item, create_user, kib, mib]).run()
}
