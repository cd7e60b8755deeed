//! The workloads on axum, as its documentation writes such handlers.
//!
//! No middleware and no logging: only what the workloads need. Listens on `HOST`/`PORT`.

use axum::body::Bytes;
use axum::extract::{Path, Query};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use validator::{Validate, ValidationErrors};

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

async fn plaintext() -> &'static str {
    "Hello, World!"
}

async fn json() -> Json<Message> {
    Json(Message { message: "Hello, World!" })
}

async fn read_item(Path(id): Path<u32>, Query(query): Query<ItemQuery>) -> Result<Json<Item>, Invalid> {
    query.validate()?;
    Ok(Json(Item { id, q: query.q, limit: query.limit }))
}

async fn create_user(Json(user): Json<User>) -> Result<Json<User>, Invalid> {
    user.validate()?;
    Ok(Json(user))
}

static KIB: [u8; 1024] = [b'x'; 1024];
static MIB: [u8; 1024 * 1024] = [b'x'; 1024 * 1024];

async fn kib() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/octet-stream")], Bytes::from_static(&KIB))
}

async fn mib() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/octet-stream")], Bytes::from_static(&MIB))
}

/// 422 with what the validator found.
struct Invalid(ValidationErrors);

impl From<ValidationErrors> for Invalid {
    fn from(errors: ValidationErrors) -> Self {
        Self(errors)
    }
}

impl IntoResponse for Invalid {
    fn into_response(self) -> Response {
        (StatusCode::UNPROCESSABLE_ENTITY, Json(self.0)).into_response()
    }
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let host = std::env::var("HOST").unwrap_or_else(|_| "127.0.0.1".to_owned());
    let port = std::env::var("PORT").unwrap_or_else(|_| "8001".to_owned());
    let app = Router::new()
        .route("/plaintext", get(plaintext))
        .route("/json", get(json))
        .route("/items/{id}", get(read_item))
        .route("/users", post(create_user))
        .route("/kib", get(kib))
        .route("/mib", get(mib));
    let listener = tokio::net::TcpListener::bind(format!("{host}:{port}")).await?.tap_io(|stream| {
        // A response goes out at once.
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, app).await
}
