//! The workloads on ntex with tokio, as its documentation writes such handlers: no middleware, no logging, one worker per
//! core. Listens on `HOST`/`PORT`.

use ntex::util::Bytes;
use ntex::web::types::{Json, Path, Query};
use ntex::web::{self, App, HttpResponse};
use serde::{Deserialize, Serialize};
use validator::Validate;

static KIB: [u8; 1024] = [b'x'; 1024];
static MIB: [u8; 1024 * 1024] = [b'x'; 1024 * 1024];

#[derive(Serialize)]
struct Message {
    message: &'static str,
}

#[derive(Deserialize, Validate)]
struct ItemQuery {
    q: Option<String>,
    #[serde(default = "ten")]
    #[validate(range(min = 1, max = 100))]
    limit: u32,
}

fn ten() -> u32 {
    10
}

#[derive(Serialize)]
struct Item {
    id: u32,
    q: Option<String>,
    limit: u32,
}

#[derive(Serialize, Deserialize, Validate)]
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

#[web::get("/plaintext")]
async fn plaintext() -> &'static str {
    "Hello, World!"
}

#[web::get("/json")]
async fn json() -> HttpResponse {
    HttpResponse::Ok().json(&Message { message: "Hello, World!" })
}

#[web::get("/items/{id}")]
async fn read_item(id: Path<u32>, query: Query<ItemQuery>) -> HttpResponse {
    let query = query.into_inner();
    match query.validate() {
        Ok(()) => HttpResponse::Ok().json(&Item { id: id.into_inner(), q: query.q, limit: query.limit }),
        Err(errors) => HttpResponse::UnprocessableEntity().json(&errors),
    }
}

#[web::post("/users")]
async fn create_user(user: Json<User>) -> HttpResponse {
    match user.validate() {
        Ok(()) => HttpResponse::Ok().json(&user.into_inner()),
        Err(errors) => HttpResponse::UnprocessableEntity().json(&errors),
    }
}

#[web::get("/kib")]
async fn kib() -> HttpResponse {
    HttpResponse::Ok().content_type("application/octet-stream").body(Bytes::from_static(&KIB))
}

#[web::get("/mib")]
async fn mib() -> HttpResponse {
    HttpResponse::Ok().content_type("application/octet-stream").body(Bytes::from_static(&MIB))
}

#[ntex::main]
async fn main() -> std::io::Result<()> {
    let host = std::env::var("HOST").unwrap_or_else(|_| "127.0.0.1".to_owned());
    let port = std::env::var("PORT").unwrap_or_else(|_| "8001".to_owned());
    let app = async || App::new().service((plaintext, json, read_item, create_user, kib, mib));
    web::server(app).backlog(4096).bind(format!("{host}:{port}"))?.run().await
}
