//! The workloads that need no framework, on may_minihttp, as its examples write them. Listens on `HOST`/`PORT`.

use std::io;

use may_minihttp::{HttpServer, HttpService, Request, Response};
use serde::Serialize;

static KIB: [u8; 1024] = [b'x'; 1024];
static MIB: [u8; 1024 * 1024] = [b'x'; 1024 * 1024];

#[derive(Serialize)]
struct Message {
    message: &'static str,
}

#[derive(Clone)]
struct Service;

impl HttpService for Service {
    fn call(&mut self, request: Request<'_, '_, '_>, response: &mut Response<'_>) -> io::Result<()> {
        match request.path() {
            "/plaintext" => {
                response.header("Content-Type: text/plain; charset=utf-8").body("Hello, World!");
            }
            "/json" => {
                response.header("Content-Type: application/json");
                response.body_vec(serde_json::to_vec(&Message { message: "Hello, World!" })?);
            }
            "/kib" => {
                response.header("Content-Type: application/octet-stream").body_vec(KIB.to_vec());
            }
            "/mib" => {
                response.header("Content-Type: application/octet-stream").body_vec(MIB.to_vec());
            }
            _ => {
                response.status_code(404, "Not Found");
            }
        }
        Ok(())
    }
}

fn main() -> io::Result<()> {
    let host = std::env::var("HOST").unwrap_or_else(|_| "127.0.0.1".to_owned());
    let port = std::env::var("PORT").unwrap_or_else(|_| "8001".to_owned());
    HttpServer(Service)
        .start(format!("{host}:{port}"))?
        .join()
        .map_err(|_| io::Error::other("the server panicked"))
}
