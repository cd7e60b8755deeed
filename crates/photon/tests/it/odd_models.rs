//! Models and handlers written in the less usual ways that Rust and serde allow.

use std::collections::{BTreeMap, HashMap, HashSet};

use photon::prelude::*;
use photon::testing::TestClient;
use serde_json::{Value, json};

use crate::faults;

#[model]
#[derive(PartialEq, Eq, Hash)]
struct Tag {
    #[validate(length(min = 3))]
    name: String,
}

#[model]
struct Child {
    tags: Vec<Tag>,
}

#[model]
#[serde(rename_all = "camelCase")]
struct Containers {
    #[validate(nested)]
    nested_child: Child,
    #[serde(default)]
    pair: Option<[Tag; 2]>,
    #[serde(default)]
    unique: HashSet<Tag>,
    #[serde(default)]
    by_number: BTreeMap<u32, Tag>,
    #[serde(default, rename = "skip")]
    renamed: Vec<Tag>,
    #[serde(skip)]
    hidden: Vec<Tag>,
    #[cfg(any())]
    absent: NoSuchType,
}

#[model]
struct Limits {
    #[validate(range(min = 1))]
    limit: u32,
}

#[model]
struct Flattened {
    #[serde(flatten)]
    limits: Limits,
    #[validate(length(min = 2))]
    r#type: String,
}

#[model]
#[serde(transparent)]
struct Name {
    #[validate(length(min = 3))]
    value: String,
}

#[model]
enum Shape {
    Circle(Limits),
    Named {
        inner: Limits,
    },
    Nothing,
    #[cfg(any())]
    Absent(NoSuchType),
}

#[model]
#[serde(tag = "kind")]
enum Payment {
    Card(Tag),
    Cash(Limits),
}

#[post("/containers")]
fn containers(body: Containers) -> usize {
    body.nested_child.tags.len() + body.hidden.len()
}

#[post("/flattened")]
fn flattened(body: Flattened) -> String {
    body.r#type
}

#[post("/names")]
fn names(body: Vec<Name>) -> usize {
    body.len()
}

#[post("/shapes")]
fn shapes(body: Vec<Shape>) -> usize {
    body.len()
}

#[post("/payment")]
fn payment(body: Payment) -> Json<Payment> {
    Json(body)
}

#[get("/type/{type}")]
fn raw(r#type: String, #[allow(unused)] other: Option<u32>) -> String {
    r#type
}

const HALF: f64 = 0.5;

#[get("/bytes")]
fn bytes(
    #[query] level: Vec<u8>,
    #[query(le = HALF)] ratio: Option<f64>,
    #[query(ge = 2, max_length = 2)] ids: Vec<u32>,
) -> Json<Value> {
    Json(json!([level, ratio, ids]))
}

#[get("/headers")]
fn headers(user_agent: Option<Header<String>>, #[header] x_ids: Vec<u32>) -> Json<Value> {
    Json(json!([user_agent.map(|header| header.0), x_ids]))
}

#[get("/any")]
fn any(Query(all): Query<HashMap<String, String>>) -> Json<Value> {
    Json(json!(all))
}

// The names that generated code has for its own variables.
#[get("/request/{id}")]
fn request(id: u32) -> u32 {
    id
}

#[get("/errors")]
fn errors(page: Option<u32>) -> Option<u32> {
    page
}

struct FromPath(u32);

#[dependency]
fn from_path(#[path] item_id: u32) -> FromPath {
    FromPath(item_id)
}

#[get("/items/{item_id}")]
fn with_path_dependency(item: FromPath) -> u32 {
    item.0
}

#[get("/elsewhere")]
fn without_its_parameter(item: FromPath) -> u32 {
    item.0
}

#[model]
struct Outer {
    inner: Inner,
}

#[model]
struct Inner {
    #[serde(default)]
    tags: Vec<String>,
}

#[post("/outer")]
fn outer(outer: Outer) -> Outer {
    outer
}

#[model]
struct Address {
    #[validate(pattern = "^[0-9]{5}$", length(max = 5))]
    zip: String,
    #[validate(pattern = "^[A-Z]{2}$")]
    country: Option<String>,
}

#[post("/address")]
fn address(address: Address) -> Address {
    address
}

/// An error with an answer of its own.
struct Teapot;

impl IntoResponse for Teapot {
    fn into_response(self) -> Response {
        (StatusCode::IM_A_TEAPOT, "short and stout").into_response()
    }
}

struct Coffee;

#[dependency]
fn coffee() -> Result<Coffee, Teapot> {
    Err(Teapot)
}

struct Number;

#[dependency]
fn number() -> Result<Number, std::num::ParseIntError> {
    "no number".parse::<u32>().map(|_| Number)
}

#[get("/brew")]
fn brew(_coffee: Coffee) {}

#[get("/count")]
fn count(_number: Number) {}

#[test]
fn patterns_are_checked_and_documented() {
    let app = || App::new().routes(routes![address]);
    let client = TestClient::new(app());
    client.post("/address").json(&json!({"zip": "12345", "country": "DE"})).send().assert_status(200);
    client.post("/address").json(&json!({"zip": "12345"})).send().assert_status(200);
    let refused = client.post("/address").json(&json!({"zip": "1234", "country": "de"})).send();
    assert_eq!(
        faults(&refused),
        ["string_pattern_mismatch body.zip", "string_pattern_mismatch body.country"]
    );
    let document = serde_json::to_value(app().document().expect("a document")).expect("JSON");
    assert_eq!(
        document["components"]["schemas"]["AddressInput"]["properties"]["zip"]["pattern"],
        "^[0-9]{5}$"
    );
}

#[test]
fn a_dependency_answers_with_its_own_error() {
    let client = TestClient::new(App::new().routes(routes![brew, count]));
    assert_eq!(client.get("/brew").send().assert_status(418).text(), "short and stout");
    client.get("/count").send().assert_status(500);
}

fn client() -> TestClient {
    let app = App::new()
        .routes(routes![containers, flattened, names, shapes, payment, raw, bytes, headers, any])
        .routes(routes![request, errors, with_path_dependency]);
    TestClient::new(app)
}

#[test]
fn nested_models_are_checked_wherever_they_are() {
    let client = client();
    let short = json!({"name": "a"});
    let cases: Vec<(&str, Value, &[&str])> = vec![
        (
            "/containers",
            json!({"nestedChild": {"tags": [short]}, "pair": [{"name": "abc"}, short], "unique": [short],
                   "byNumber": {"7": short}, "skip": [short]}),
            &[
                "string_too_short body.nestedChild.tags.0.name",
                "string_too_short body.pair.1.name",
                "string_too_short body.unique.0.name",
                "string_too_short body.byNumber.7.name",
                "string_too_short body.skip.0.name",
            ],
        ),
        (
            "/flattened",
            json!({"limit": 0, "type": "x"}),
            &["greater_than_equal body.limit", "string_too_short body.type"],
        ),
        ("/names", json!(["abc", "a"]), &["string_too_short body.1"]),
        (
            "/shapes",
            json!([{"Circle": {"limit": 0}}, {"Named": {"inner": {"limit": 0}}}, "Nothing", "Other"]),
            &[
                "greater_than_equal body.0.Circle.limit",
                "greater_than_equal body.1.Named.inner.limit",
                "enum body.3",
            ],
        ),
        ("/payment", json!({"kind": "Cash", "limit": 0}), &["greater_than_equal body.limit"]),
        ("/payment", json!({"kind": "Card", "limit": 1}), &["missing body.name"]),
        ("/payment", json!({"kind": "Cheque"}), &["union_tag_invalid body"]),
    ];
    for (target, body, expected) in cases {
        let mut found = faults(&client.post(target).json(&body).send());
        found.sort();
        let mut expected: Vec<&str> = expected.to_vec();
        expected.sort_unstable();
        assert_eq!(found, expected, "{target} {body}");
    }
    let right = json!({"nestedChild": {"tags": [{"name": "abc"}]}});
    assert_eq!(client.post("/containers").json(&right).send().text(), "1");
}

#[test]
fn parameters_in_unusual_places_are_read() {
    let client = client();
    let cases = [
        ("/bytes?level=1&level=2&ratio=0.3&ids=2", json!([[1, 2], 0.3, [2]])),
        ("/any?a=1&b=2", json!({"a": "1", "b": "2"})),
        ("/request/7", json!(7)),
        ("/errors?page=3", json!(3)),
        ("/items/5", json!(5)),
    ];
    for (target, expected) in cases {
        let response = client.get(target).send();
        assert_eq!(response.status(), 200, "{target}: {}", response.text());
        assert_eq!(response.json::<Value>(), expected, "{target}");
    }
    assert_eq!(client.get("/type/x").send().text(), "x");
    let response = client.get("/headers").header("user-agent", "probe").header("x-ids", "1, 2,3").send();
    assert_eq!(response.json::<Value>(), json!(["probe", [1, 2, 3]]));
    let response = client.get("/bytes?ids=1&ids=5&ratio=0.6").send();
    assert_eq!(faults(&response), ["less_than_equal query.ratio", "greater_than_equal query.ids.0"]);
    assert_eq!(faults(&client.get("/bytes?ids=2&ids=3&ids=4").send()), ["too_long query.ids"]);
}

#[test]
fn documents_say_what_is_checked() {
    let app = App::new().routes(routes![bytes, outer]);
    let document = serde_json::to_value(app.document().expect("a document")).expect("JSON");
    let parameters = document["paths"]["/bytes"]["get"]["parameters"].as_array().expect("parameters");
    assert_eq!(parameters[0]["schema"]["items"]["maximum"], 255);
    assert_eq!(parameters[2]["schema"]["items"]["minimum"], 2);
    assert_eq!(parameters[2]["schema"]["maxItems"], 2);
    let post = &document["paths"]["/outer"]["post"];
    let request = &post["requestBody"]["content"]["application/json"]["schema"]["$ref"];
    let response = &post["responses"]["200"]["content"]["application/json"]["schema"]["$ref"];
    assert_eq!(
        (request, response),
        (&json!("#/components/schemas/OuterInput"), &json!("#/components/schemas/OuterOutput"))
    );
    let schemas = &document["components"]["schemas"];
    assert_eq!(schemas["OuterInput"]["properties"]["inner"]["$ref"], "#/components/schemas/InnerInput");
    assert_eq!(schemas["InnerInput"].get("required"), None);
}

#[test]
fn impossible_operations_stop_the_launch() {
    #[get("/pattern")]
    fn pattern(#[query(pattern = "[")] text: String) -> String {
        text
    }
    #[get("/same/{name}")]
    fn one(name: String) -> String {
        name
    }
    #[put("/same/{name:path}")]
    fn rest(name: String) -> String {
        name
    }
    #[get("/struct/{tag}")]
    fn list(#[path] tag: Vec<Vec<u32>>) -> usize {
        tag.len()
    }
    #[get("/default")]
    fn default(#[query(default = 200, le = 100)] limit: u32) -> u32 {
        limit
    }
    #[model]
    struct Deep {
        inner: Inner,
    }
    #[get("/deep")]
    fn deep(#[query] deep: Deep) -> usize {
        deep.inner.tags.len()
    }
    let message = |routes| App::new().routes(routes).build().err().expect("a mistake").to_string();
    assert!(message(routes![without_its_parameter]).contains("item_id"));
    assert!(message(routes![pattern]).contains("\"[\""));
    assert!(message(routes![one, rest]).contains("rest of the path"));
    assert!(message(routes![list]).contains("cannot be read from the path"));
    assert!(message(routes![default]).contains("the default of limit"));
    assert!(message(routes![deep]).contains("the field inner of Deep"));
}
