//! What conformance suites and load generators are pointed at: one route for each thing they try.

use std::collections::BTreeMap;
use std::time::Duration;

use photon::prelude::*;
use photon::{Body, BodyReader, Bytes};

#[get("/")]
fn index() -> &'static str {
    "Photon probe\n"
}

/// Give back the body.
#[post("/")]
fn echo_at_root(body: Bytes) -> Bytes {
    body
}

/// Give back the body.
#[post("/echo")]
fn echo_body(body: Bytes) -> Bytes {
    body
}

/// Count the bytes of a body of up to 1 GiB while it arrives.
#[post("/count")]
fn count(mut body: BodyReader) -> Result<String> {
    body.set_limit(1 << 30);
    Ok(std::io::copy(&mut body, &mut std::io::sink())?.to_string())
}

/// Send a body back while it arrives.
#[post("/pour")]
fn pour(mut body: BodyReader) -> Response {
    body.set_limit(1 << 30);
    Response::with_body(
        "application/octet-stream",
        Body::stream(move |out| std::io::copy(&mut body, out).map(|_| ())),
    )
}

/// Give back the header fields, one per line.
#[get("/echo")]
fn echo_headers(request: &Request) -> String {
    let mut text = String::new();
    for (name, value) in request.headers().iter() {
        text.push_str(&format!("{name}: {}\n", String::from_utf8_lossy(value)));
    }
    text
}

/// Give back the cookies.
#[get("/cookie")]
fn cookies(cookies: Cookies) -> BTreeMap<String, String> {
    cookies.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Say where the request comes from: the client's address, and scheme and host as it sees them.
#[get("/client")]
fn client(request: &Request) -> String {
    let client = request.client().map_or("nobody".to_owned(), |client| client.to_string());
    format!("{client} {}://{}\n", request.scheme(), request.host().unwrap_or_default())
}

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

/// Give back a valid user.
#[post("/users")]
fn create_user(user: User) -> User {
    user
}

/// Panic, to see that nobody else notices.
#[get("/panic")]
fn panic() -> &'static str {
    panic!("a probe asked for this panic")
}

/// Answer after a while.
#[get("/slow/{ms}")]
fn slow(#[path(le = 60_000)] ms: u64) -> String {
    photon::sleep(Duration::from_millis(ms));
    format!("slept {ms} ms\n")
}

fn app() -> App {
    App::new()
        .title("Probe")
        .routes(routes![index, echo_at_root, echo_body, echo_headers, cookies, plaintext, json])
        .routes(routes![read_item, create_user, count, pour, panic, slow, client])
}

fn main() -> photon::Result<()> {
    app().run()
}

#[cfg(test)]
mod tests {
    use photon::testing::TestClient;
    use serde_json::{Value, json};

    #[test]
    fn every_route_answers() {
        let client = TestClient::new(super::app());
        assert_eq!(client.get("/").send().assert_status(200).text(), "Photon probe\n");
        assert_eq!(client.post("/echo").body("abc").send().assert_status(200).bytes(), b"abc");
        assert_eq!(client.post("/count").body("abc").send().assert_status(200).text(), "3");
        assert_eq!(client.post("/pour").body("abc").send().assert_status(200).bytes(), b"abc");
        assert_eq!(client.post("/").body("abc").send().assert_status(200).bytes(), b"abc");
        assert!(client.get("/echo").header("x-a", "b").send().text().contains("x-a: b\n"));
        let cookies = client.get("/cookie").header("cookie", "a=1; b=2").send().json::<Value>();
        assert_eq!(cookies, json!({"a": "1", "b": "2"}));
        let item = client.get("/items/7?q=x&limit=3").send().assert_status(200).json::<Value>();
        assert_eq!(item, json!({"id": 7, "q": "x", "limit": 3}));
        let user = json!({"name": "Ada", "email": "ada@example.com", "age": 36, "tags": ["a"]});
        assert_eq!(client.post("/users").json(&user).send().assert_status(200).json::<Value>(), user);
        assert_eq!(client.get("/client").send().assert_status(200).text(), "nobody http://testserver\n");
        assert!(client.get("/slow/1").send().assert_status(200).text().contains("1 ms"));
    }

    #[test]
    #[should_panic(expected = "a probe asked for this panic")]
    fn a_test_sees_the_panic() {
        client_of_panic();
    }

    fn client_of_panic() {
        TestClient::new(super::app()).get("/panic").send();
    }
}
