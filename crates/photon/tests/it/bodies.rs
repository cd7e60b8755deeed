//! JSON bodies, whole and in parts, and bodies that are not looked into.

use std::collections::BTreeMap;

use photon::prelude::*;
use photon::testing::TestClient;
use photon::{BodyReader, Bytes};
use serde_json::{Value, json};

use crate::faults;

#[model]
struct Image {
    #[validate(url)]
    url: String,
    name: String,
}

#[model]
struct Item {
    #[validate(length(min = 3, max = 10))]
    name: String,
    #[validate(range(exclusive_min = 0.0))]
    price: f64,
    tax: Option<f64>,
    #[serde(default)]
    tags: Vec<String>,
    image: Option<Image>,
    #[serde(default)]
    more: Vec<Image>,
}

#[model]
struct User {
    username: String,
}

#[post("/item")]
fn item(item: Item) -> Item {
    item
}

#[post("/optional")]
fn optional(item: Option<User>) -> Option<User> {
    item
}

#[post("/two")]
fn two(item: Item, user: User, #[body(gt = 0)] importance: u32) -> Json<Value> {
    Json(json!({"name": item.name, "user": user.username, "importance": importance}))
}

#[post("/embedded")]
fn embedded(#[body(embed)] user: User) -> User {
    user
}

#[post("/list")]
fn list(items: Vec<User>) -> Vec<User> {
    items
}

#[post("/map")]
fn map(weights: BTreeMap<String, f64>) -> BTreeMap<String, f64> {
    weights
}

#[post("/raw")]
fn raw(body: Bytes) -> String {
    format!("{} bytes", body.len())
}

fn lower_case(name: &str) -> Result<(), validator::ValidationError> {
    if name.chars().all(char::is_lowercase) {
        return Ok(());
    }
    Err(validator::ValidationError::new("case").with_message("only lower case".into()))
}

#[model]
#[serde(rename_all = "camelCase")]
#[validate(schema(function = "passwords_match"))]
struct Registration {
    #[validate(custom(function = "lower_case"))]
    user_name: String,
    #[validate(length(min = 8))]
    password: String,
    password_again: String,
}

fn passwords_match(registration: &Registration) -> Result<(), validator::ValidationError> {
    if registration.password == registration.password_again {
        return Ok(());
    }
    Err(validator::ValidationError::new("passwords").with_message("the passwords differ".into()))
}

#[post("/register")]
fn register(registration: Registration) -> String {
    registration.user_name
}

#[model]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Shape {
    Circle { radius: f64 },
    Square { side: f64, corner: Option<Image> },
}

#[post("/shapes")]
fn shapes(shapes: Vec<Shape>) -> usize {
    shapes.len()
}

#[model]
struct Page<T> {
    items: Vec<T>,
    next: Option<u32>,
}

#[post("/page")]
fn page(page: Page<Item>) -> Page<User> {
    let items = page.items.into_iter().map(|item| User { username: item.name }).collect();
    Page { items, next: page.next }
}

fn app() -> App {
    App::new().routes(routes![item, optional, two, embedded, list, map, raw, register, shapes, page])
}

fn post(target: &str, body: &Value) -> photon::testing::TestResponse {
    TestClient::new(app()).post(target).json(body).send()
}

#[test]
fn valid_bodies_arrive() {
    let cases = [
        (
            "/item",
            json!({"name": "Lamp", "price": 9}),
            json!({"name": "Lamp", "price": 9.0, "tax": null, "tags": [], "image": null, "more": []}),
        ),
        ("/optional", json!({"username": "ada"}), json!({"username": "ada"})),
        ("/optional", json!(null), json!(null)),
        (
            "/two",
            json!({"item": {"name": "Lamp", "price": 1}, "user": {"username": "ada"}, "importance": 5}),
            json!({"name": "Lamp", "user": "ada", "importance": 5}),
        ),
        ("/embedded", json!({"user": {"username": "ada"}}), json!({"username": "ada"})),
        ("/list", json!([{"username": "ada"}]), json!([{"username": "ada"}])),
        ("/map", json!({"a": 1.5}), json!({"a": 1.5})),
        ("/shapes", json!([{"kind": "circle", "radius": 1}, {"kind": "square", "side": 1}]), json!(2)),
        (
            "/page",
            json!({"items": [{"name": "Lamp", "price": 1}]}),
            json!({"items": [{"username": "Lamp"}], "next": null}),
        ),
    ];
    for (target, body, expected) in cases {
        let response = post(target, &body);
        assert_eq!(response.status(), 200, "{target} {body}: {}", response.text());
        assert_eq!(response.json::<Value>(), expected, "{target}");
    }
}

#[test]
fn every_fault_is_reported() {
    let image = |url: &str| json!({"url": url, "name": "n"});
    let cases: Vec<(&str, Value, &[&str])> = vec![
        ("/item", json!({}), &["missing body.name", "missing body.price"]),
        ("/item", json!([]), &["model_attributes_type body"]),
        ("/item", json!(null), &["missing body"]),
        (
            "/item",
            json!({"name": 5, "price": "x", "tax": true, "tags": [1, "a", null], "image": "no"}),
            &[
                "string_type body.name",
                "float_parsing body.price",
                "float_type body.tax",
                "string_type body.tags.0",
                "string_type body.tags.2",
                "model_attributes_type body.image",
            ],
        ),
        (
            "/item",
            json!({"name": "ab", "price": 0}),
            &["string_too_short body.name", "greater_than body.price"],
        ),
        // Nested models are checked without `#[validate(nested)]`.
        (
            "/item",
            json!({"name": "Lamp", "price": 1, "image": image("no url"), "more": [image("http://a.b"), image("x")]}),
            &["url_parsing body.image.url", "url_parsing body.more.1.url"],
        ),
        // JSON is taken at its word.
        ("/item", json!({"name": "Lamp", "price": "9.5"}), &["float_type body.price"]),
        (
            "/two",
            json!({"item": {"price": 1}, "importance": 0}),
            &["missing body.item.name", "missing body.user", "greater_than body.importance"],
        ),
        ("/embedded", json!({"username": "ada"}), &["missing body.user"]),
        (
            "/list",
            json!([{"username": "ada"}, {}, {"username": 1}]),
            &["missing body.1.username", "string_type body.2.username"],
        ),
        ("/list", json!({}), &["list_type body"]),
        ("/map", json!({"a": "x"}), &["float_parsing body.a"]),
        ("/map", json!([]), &["dict_type body"]),
        (
            "/shapes",
            json!([{"kind": "circle"}, {"kind": "star"}, {}, {"kind": "square", "side": 1, "corner": {"url": "x"}}]),
            &[
                "missing body.0.radius",
                "union_tag_invalid body.1",
                "union_tag_not_found body.2",
                "url_parsing body.3.corner.url",
                "missing body.3.corner.name",
            ],
        ),
        ("/page", json!({"items": [{"name": "ab", "price": 1}]}), &["string_too_short body.items.0.name"]),
        (
            "/register",
            json!({"userName": "Ada", "password": "short", "passwordAgain": "short"}),
            &["string_too_short body.password", "value_error body.userName"],
        ),
        (
            "/register",
            json!({"userName": "ada", "password": "long enough", "passwordAgain": "other"}),
            &["value_error body"],
        ),
    ];
    for (target, body, expected) in cases {
        assert_eq!(faults(&post(target, &body)), expected, "{target} {body}");
    }
}

#[test]
fn a_failed_check_of_the_application_s_own_says_its_message() {
    let body = json!({"userName": "ada", "password": "long enough", "passwordAgain": "other"});
    let detail = &post("/register", &body).json::<Value>()["detail"][0];
    assert_eq!(detail["msg"], "Value error, the passwords differ");
    assert_eq!(detail["input"], body);
}

#[test]
fn what_is_no_json_is_explained() {
    let cases: &[(&str, &str, &str)] = &[
        ("{some broken json}", "json_invalid body.1", "Expecting property name enclosed in double quotes"),
        ("{\"name\": }", "json_invalid body.9", "Expecting value"),
        ("{\"name\": \"é\" 1}", "json_invalid body.13", "Expecting ',' delimiter"),
        ("[1] 2", "json_invalid body.4", "Extra data"),
    ];
    for (body, fault, message) in cases {
        let response = TestClient::new(app())
            .post("/item")
            .header("content-type", "application/json")
            .body(*body)
            .send();
        assert_eq!(faults(&response), [*fault], "{body}");
        let detail = &response.json::<Value>()["detail"][0];
        assert_eq!(detail["ctx"]["error"], *message, "{body}");
        assert_eq!(detail["input"], json!({}));
    }
}

#[test]
fn only_json_types_are_json() {
    let valid = r#"{"name": "Lamp", "price": 1}"#;
    let send = |content_type: Option<&str>, body: &'static str| {
        let mut request = TestClient::new(app()).post("/item").body(body).send();
        if let Some(content_type) = content_type {
            request =
                TestClient::new(app()).post("/item").header("content-type", content_type).body(body).send();
        }
        request
    };
    for content_type in ["application/json", "Application/JSON; charset=utf-8", "application/geo+json"] {
        assert_eq!(send(Some(content_type), valid).status(), 200, "{content_type}");
    }
    for content_type in [
        None,
        Some("text/plain"),
        Some("application/not-really-json"),
        Some("application/x-www-form-urlencoded"),
    ] {
        assert_eq!(faults(&send(content_type, valid)), ["model_attributes_type body"], "{content_type:?}");
    }
    assert_eq!(faults(&send(None, "")), ["missing body"]);
}

#[test]
fn raw_bodies_come_as_they_are() {
    assert_eq!(TestClient::new(app()).post("/raw").body("\u{0}{").send().text(), "2 bytes");
}

#[test]
fn bodies_are_coerced_on_demand() {
    let client = TestClient::new(app().coerce_json_bodies());
    let body = json!({"name": "Lamp", "price": "9.5", "tax": "1"});
    let response = client.post("/item").json(&body).send().assert_status(200);
    assert_eq!(response.json::<Value>()["price"], 9.5);
    let refused = client.post("/item").json(&json!({"name": "Lamp", "price": "x"})).send();
    assert_eq!(faults(&refused), ["float_parsing body.price"]);
}

#[test]
fn no_body_makes_an_endless_list() {
    let body = Value::Array(vec![json!({}); 5000]);
    let response = post("/list", &body);
    assert_eq!(faults(&response).len(), 100);
}

#[test]
fn deep_nesting_is_refused() {
    let body = "[".repeat(100_000);
    let response =
        TestClient::new(app()).post("/list").header("content-type", "application/json").body(body).send();
    assert_eq!(faults(&response).len(), 1);
}

#[test]
fn a_large_input_is_not_repeated_for_every_fault() {
    let fields = (0..5000).map(|index| (format!("field_{index}"), json!("x".repeat(100))));
    let body = Value::Object(fields.collect());
    let response = post("/item", &body);
    assert_eq!(faults(&response), ["missing body.name", "missing body.price"]);
    assert!(response.bytes().len() < 1024 * 1024, "{} bytes", response.bytes().len());
}

#[post("/lines/{name}")]
fn lines(name: String, body: BodyReader) -> Result<String> {
    let lines = std::io::BufRead::lines(std::io::BufReader::new(body)).collect::<Result<Vec<_>, _>>()?;
    Ok(format!("{name}: {}", lines.len()))
}

#[post("/limited")]
fn limited(mut body: BodyReader) -> Result<String> {
    body.set_limit(4);
    Ok(std::io::read_to_string(&mut body)?)
}

#[test]
fn a_body_can_be_read_as_it_arrives() {
    let client = TestClient::new(App::new().routes(routes![lines, limited]));
    assert_eq!(client.post("/lines/a").body("1\n2\n3").send().text(), "a: 3");
    assert_eq!(client.post("/lines/a").send().text(), "a: 0");
    assert_eq!(client.post("/limited").body("four").send().assert_status(200).text(), "four");
    let answer = client.post("/limited").body("five!").send().assert_status(413);
    assert_eq!(answer.json::<Value>(), json!({"detail": "Payload Too Large"}));
    // What is no text is the handler's own affair.
    client.post("/limited").body(vec![0xff]).send().assert_status(500);
    let document = client.get("/openapi.json").send().json::<Value>();
    let content = &document["paths"]["/lines/{name}"]["post"]["requestBody"]["content"];
    assert!(content.get("application/octet-stream").is_some(), "{content}");
}
