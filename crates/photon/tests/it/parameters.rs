//! Path, query, header and cookie parameters: where they come from and what is wrong with them.

use photon::prelude::*;
use photon::testing::TestClient;
use serde_json::{Value, json};

use crate::faults;

#[get("/path/{id}")]
fn path(id: u8) -> u8 {
    id
}

#[get("/text/{text}")]
fn text(text: String) -> String {
    text
}

#[get("/rest/{path:path}")]
fn rest(path: String) -> String {
    path
}

#[get("/query")]
fn query(
    required: i64,
    optional: Option<f64>,
    #[query(default = true)] flag: bool,
    #[query(default = "none")] text: String,
    #[query(alias = "item-query")] aliased: Option<String>,
    list: Vec<u32>,
) -> Json<Value> {
    Json(json!([required, optional, flag, text, aliased, list]))
}

#[get("/bounds")]
fn bounds(
    #[query(gt = 0, lt = 1.5)] ratio: Option<f64>,
    #[query(ge = -3, le = 3, multiple_of = 3)] steps: Option<i32>,
    #[query(min_length = 2, max_length = 4, pattern = "^[a-z]+$")] name: Option<String>,
    #[query(min_length = 1, max_length = 2)] tags: Option<Vec<String>>,
    letter: Option<char>,
) -> Json<Value> {
    Json(json!([ratio, steps, name, tags, letter]))
}

#[get("/others")]
fn others(
    #[header] user_agent: Option<String>,
    #[header] x_token: Vec<String>,
    #[cookie] session: Option<String>,
    #[cookie(alias = "__Host-id")] id: Option<u32>,
) -> Json<Value> {
    Json(json!([user_agent, x_token, session, id]))
}

#[model]
#[serde(rename_all = "kebab-case")]
enum Size {
    Small,
    ExtraLarge,
}

#[model]
struct Sku(String);

#[get("/sku/{sku}")]
fn sku(sku: Sku) -> String {
    sku.0
}

#[get("/enumeration/{size}")]
fn enumeration(size: Size, other: Option<Size>) -> Json<Value> {
    Json(json!([size, other]))
}

#[model]
#[serde(deny_unknown_fields)]
struct Filters {
    #[validate(range(min = 1, max = 100))]
    limit: u32,
    #[serde(default)]
    offset: u32,
    #[serde(default)]
    tags: Vec<String>,
    order: Option<Size>,
}

#[get("/struct")]
fn structured(#[query] filters: Filters) -> Filters {
    filters
}

#[get("/wrapped/{id}")]
fn wrapped(
    Path(id): Path<u32>,
    Query(filters): Query<Filters>,
    Header(x_tag): Header<Option<String>>,
) -> Json<Value> {
    Json(json!([id, filters.limit, x_tag]))
}

fn client() -> TestClient {
    let routes = routes![path, text, rest, query, bounds, others, enumeration, structured, wrapped, sku];
    TestClient::new(App::new().routes(routes))
}

#[test]
fn values_are_read() {
    let client = client();
    let cases = [
        ("/path/255", json!(255)),
        ("/query?required=-5", json!([-5, null, true, "none", null, []])),
        (
            "/query?required=1&optional=2.5&flag=off&text=a+b%21&item-query=q&list=1&list=2",
            json!([1, 2.5, false, "a b!", "q", [1, 2]]),
        ),
        ("/query?required=1&required=2", json!([2, null, true, "none", null, []])),
        ("/query?required=+7&flag=YES", json!([7, null, true, "none", null, []])),
        ("/bounds", json!([null, null, null, null, null])),
        (
            "/bounds?ratio=1.4&steps=-3&name=abc&tags=a&tags=b&letter=%C3%A9",
            json!([1.4, -3, "abc", ["a", "b"], "é"]),
        ),
        ("/enumeration/extra-large?other=small", json!(["extra-large", "small"])),
        ("/struct?limit=5", json!({"limit": 5, "offset": 0, "tags": [], "order": null})),
        (
            "/struct?limit=5&tags=a&tags=b&order=small&offset=2",
            json!({"limit": 5, "offset": 2, "tags": ["a", "b"], "order": "small"}),
        ),
        ("/wrapped/3?limit=4", json!([3, 4, null])),
    ];
    for (target, expected) in cases {
        let response = client.get(target).send();
        assert_eq!(response.status(), 200, "{target}: {}", response.text());
        assert_eq!(response.json::<Value>(), expected, "{target}");
    }
}

#[test]
fn paths_are_decoded_once() {
    let client = client();
    let cases = [
        ("/text/a%20b", "a b"),
        ("/text/a%2Fb", "a/b"),
        ("/text/a%252Fb", "a%2Fb"),
        ("/text/caf%C3%A9", "café"),
        ("/text/a+b", "a+b"),
        ("/sku/A-1", "A-1"),
        ("/rest/a/b%2Fc/d", "a/b/c/d"),
    ];
    for (target, expected) in cases {
        assert_eq!(client.get(target).send().text(), expected, "{target}");
    }
    for target in ["/text/%zz", "/text/%ff", "/text/a%00b"] {
        assert_eq!(client.get(target).send().status(), 400, "{target}");
    }
    assert_eq!(client.get("/text/").send().status(), 404);
}

#[test]
fn header_fields_and_cookies_are_read() {
    let response = client()
        .get("/others")
        .header("User-Agent", "probe")
        .header("X-Token", "a")
        .header("x-token", "b")
        .header("Cookie", "session=one; __Host-id=7")
        .header("Cookie", "session=two")
        .send();
    assert_eq!(response.json::<Value>(), json!(["probe", ["a", "b"], "two", 7]));
    let response = client().get("/others").header("cookie", "__Host-id=x").send();
    assert_eq!(faults(&response), ["int_parsing cookie.__Host-id"]);
    let response = client().get("/wrapped/1?limit=1").header("x-tag", "t").send();
    assert_eq!(response.json::<Value>(), json!([1, 1, "t"]));
}

#[test]
fn every_fault_is_reported() {
    let client = client();
    let cases: &[(&str, &[&str])] = &[
        ("/path/256", &["less_than_equal path.id"]),
        ("/path/-1", &["greater_than_equal path.id"]),
        ("/path/x", &["int_parsing path.id"]),
        ("/path/1.5", &["int_parsing path.id"]),
        ("/path/99999999999999999999999999999999999999999", &["int_parsing path.id"]),
        ("/query", &["missing query.required"]),
        (
            "/query?optional=x&flag=maybe&list=1&list=a&list=b",
            &[
                "missing query.required",
                "float_parsing query.optional",
                "bool_parsing query.flag",
                "int_parsing query.list.1",
                "int_parsing query.list.2",
            ],
        ),
        ("/query?required=", &["int_parsing query.required"]),
        ("/query?required=1&optional=nan", &["finite_number query.optional"]),
        ("/query?required=1&optional=inf", &["finite_number query.optional"]),
        ("/bounds?ratio=0&steps=4", &["greater_than query.ratio", "less_than_equal query.steps"]),
        ("/bounds?ratio=1.5&steps=2", &["less_than query.ratio", "multiple_of query.steps"]),
        ("/bounds?name=a", &["string_too_short query.name"]),
        ("/bounds?name=abcde", &["string_too_long query.name"]),
        ("/bounds?name=ABC", &["string_pattern_mismatch query.name"]),
        ("/bounds?tags=a&tags=b&tags=c", &["too_long query.tags"]),
        ("/bounds?letter=ab", &["string_type query.letter"]),
        ("/enumeration/medium", &["enum path.size"]),
        ("/struct", &["missing query.limit"]),
        (
            "/struct?limit=101&offset=-1&order=huge&tool=plumbus",
            &[
                "less_than_equal query.limit",
                "greater_than_equal query.offset",
                "enum query.order",
                "extra_forbidden query.tool",
            ],
        ),
        ("/wrapped/x?limit=0", &["int_parsing path.id", "greater_than_equal query.limit"]),
    ];
    for (target, expected) in cases {
        assert_eq!(faults(&client.get(target).send()), *expected, "{target}");
    }
}

#[test]
fn a_fault_has_fastapi_s_shape() {
    let body = client().get("/enumeration/medium?other=x").send().text().to_owned();
    let expected = concat!(
        r#"{"detail":[{"type":"enum","loc":["path","size"],"msg":"Input should be 'small' or 'extra-large'","#,
        r#""input":"medium","ctx":{"expected":"'small' or 'extra-large'"}},"#,
        r#"{"type":"enum","loc":["query","other"],"msg":"Input should be 'small' or 'extra-large'","#,
        r#""input":"x","ctx":{"expected":"'small' or 'extra-large'"}}]}"#
    );
    assert_eq!(body, expected);
}
