//! What handlers return and what clients get.

use photon::prelude::*;
use photon::testing::TestClient;
use photon::{Body, Bytes, Headers};
use serde_json::{Value, json};

#[get("/text")]
fn text() -> &'static str {
    "hello"
}

#[get("/string")]
fn string() -> String {
    "hello".to_owned()
}

#[get("/html")]
fn html() -> Html<&'static str> {
    Html("<p>hello</p>")
}

#[get("/bytes")]
fn bytes() -> Bytes {
    Bytes::from_static(b"\x00\x01")
}

#[get("/vec")]
fn vec() -> Vec<u8> {
    vec![0, 1]
}

#[get("/unit")]
fn unit() {}

#[get("/none")]
fn none() -> Option<u32> {
    None
}

#[get("/number")]
fn number() -> f64 {
    1.5
}

#[get("/numbers")]
fn numbers() -> Vec<u32> {
    vec![1, 2]
}

#[post("/created", status = 201)]
fn created() -> Json<Value> {
    Json(json!({}))
}

#[delete("/gone", status = 204)]
fn gone() {}

#[get("/tuple")]
fn tuple() -> (StatusCode, [(&'static str, &'static str); 2], &'static str) {
    (StatusCode::ACCEPTED, [("x-a", "1"), ("content-type", "text/markdown")], "# hello")
}

#[get("/headers")]
fn headers() -> (Headers, &'static str) {
    let mut headers = Headers::new();
    headers.append("set-cookie", "a=1");
    headers.append("set-cookie", "b=2");
    (headers, "two cookies")
}

#[get("/redirect")]
fn redirect() -> Redirect {
    Redirect::to("/text")
}

#[get("/split")]
fn split() -> Redirect {
    Redirect::to("/text\r\nset-cookie: evil=1")
}

#[get("/error/{status}")]
fn error(status: u16) -> Result<()> {
    let status = StatusCode::from_u16(status).map_err(|_| HttpError::bad_request("no status"))?;
    Err(HttpError::with_detail(status, json!({"code": 7})).header("x-reason", "because"))
}

#[get("/internal")]
fn internal() -> Result<u32> {
    Ok("no number".parse::<u32>()?)
}

#[get("/stream")]
fn stream() -> Response {
    Response::default().body(Body::stream(|sink| {
        sink.write_all(b"one ")?;
        sink.flush()?;
        sink.write_all(b"two")
    }))
}

#[get("/async")]
async fn asynchronous() -> u32 {
    let mut woken = false;
    // Pending once, and woken from another coroutine.
    std::future::poll_fn(move |context| {
        if std::mem::replace(&mut woken, true) {
            return std::task::Poll::Ready(42);
        }
        let waker = context.waker().clone();
        photon::spawn(move || waker.wake());
        std::task::Poll::Pending
    })
    .await
}

fn client() -> TestClient {
    TestClient::new(
        App::new()
            .routes(routes![
                text, string, html, bytes, vec, unit, none, number, numbers, created, gone, tuple
            ])
            .routes(routes![headers, redirect, split, error, internal, stream, asynchronous]),
    )
}

#[test]
fn each_type_has_its_media_type_and_body() {
    let cases: &[(&str, Option<&str>, &[u8])] = &[
        ("/text", Some("text/plain; charset=utf-8"), b"hello"),
        ("/string", Some("text/plain; charset=utf-8"), b"hello"),
        ("/html", Some("text/html; charset=utf-8"), b"<p>hello</p>"),
        ("/bytes", Some("application/octet-stream"), b"\x00\x01"),
        ("/vec", Some("application/octet-stream"), b"\x00\x01"),
        ("/unit", None, b""),
        ("/none", Some("application/json"), b"null"),
        ("/number", Some("application/json"), b"1.5"),
        ("/numbers", Some("application/json"), b"[1,2]"),
        ("/stream", None, b"one two"),
        ("/async", Some("application/json"), b"42"),
    ];
    let client = client();
    for (target, content_type, body) in cases {
        let response = client.get(target).send().assert_status(200);
        assert_eq!(response.header("content-type"), *content_type, "{target}");
        assert_eq!(response.bytes(), *body, "{target}");
        let head = client.head(target).send().assert_status(200);
        assert_eq!(head.bytes(), b"", "HEAD {target}");
    }
}

#[test]
fn statuses_and_header_fields() {
    let client = client();
    client.post("/created").send().assert_status(201);
    assert_eq!(client.delete("/gone").send().assert_status(204).bytes(), b"");
    let tuple = client.get("/tuple").send().assert_status(202);
    assert_eq!((tuple.header("x-a"), tuple.header("content-type")), (Some("1"), Some("text/markdown")));
    assert_eq!(tuple.headers().get_all("content-type").count(), 1);
    let headers = client.get("/headers").send();
    assert_eq!(headers.headers().get_all("set-cookie").collect::<Vec<_>>(), ["a=1", "b=2"]);
    assert_eq!(client.get("/redirect").send().assert_status(303).header("location"), Some("/text"));
}

#[test]
fn a_header_value_cannot_split_a_response() {
    let response = client().get("/split").send().assert_status(500);
    assert_eq!(response.header("location"), None);
    assert_eq!(response.header("set-cookie"), None);
}

#[test]
fn errors_have_one_envelope() {
    let client = client();
    let response = client.get("/error/418").send().assert_status(418);
    assert_eq!(response.json::<Value>(), json!({"detail": {"code": 7}}));
    assert_eq!(response.header("x-reason"), Some("because"));
    let response = client.get("/internal").send().assert_status(500);
    assert_eq!(response.json::<Value>(), json!({"detail": "Internal Server Error"}));
    assert_eq!(
        client.get("/nowhere").send().assert_status(404).json::<Value>(),
        json!({"detail": "Not Found"})
    );
    let response = client.put("/text").send().assert_status(405);
    assert_eq!(response.json::<Value>(), json!({"detail": "Method Not Allowed"}));
    assert_eq!(response.header("allow"), Some("GET, HEAD, OPTIONS"));
    assert_eq!(client.options("/created").send().header("allow"), Some("OPTIONS, POST"));
    let slash = client.get("/text/?q=1").send().assert_status(307);
    assert_eq!(slash.header("location"), Some("/text?q=1"));
}
