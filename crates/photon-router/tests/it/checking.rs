//! Requests are checked against the document before a handler that does not check is called.

use std::sync::Arc;

use http::Method;
use photon_core::{Handler, Request, Response};
use photon_router::openapi::Document;
use photon_router::{Dispatcher, Router, RouterError};
use serde_json::{Value, json};

fn document(parameters: &Value, body: &Value) -> Document {
    let mut operation = json!({"operationId": "op", "parameters": parameters});
    if !body.is_null() {
        operation["requestBody"] = body.clone();
    }
    let document = json!({
        "openapi": "3.1.0",
        "info": {"title": "Checks", "version": "1"},
        "paths": {"/items/{id}": {
            "parameters": [
                {"name": "id", "in": "path", "required": true, "schema": {"type": "integer", "minimum": 1}},
                {"name": "q", "in": "query", "required": true, "schema": {"type": "string"}},
            ],
            "post": operation,
        }},
        "components": {
            "schemas": {
                "Item": {
                    "type": "object",
                    "required": ["name"],
                    "properties": {
                        "name": {"type": "string", "minLength": 3},
                        "parent": {"$ref": "#/components/schemas/Item"},
                    },
                },
                "Tags": {"type": "array", "items": {"type": "integer"}},
            },
            "parameters": {"limit": {"name": "limit", "in": "query", "schema": {"type": "integer", "maximum": 10}}},
        },
    });
    Document::from_json(&document.to_string()).unwrap()
}

fn pass(_: &mut Request) -> Response {
    Response::with_body("text/plain", "called")
}

fn router(parameters: &Value, body: &Value) -> Router {
    let mut dispatcher = Dispatcher::new();
    dispatcher.register_handler("op", pass);
    Router::from_spec(&document(parameters, body), dispatcher).unwrap()
}

/// The `[type, loc, input]` of every fault; empty if the handler was called.
fn faults(router: &Router, mut request: Request) -> Value {
    let response = router.call(&mut request);
    let body = response.body.as_bytes().unwrap();
    if body == b"called" {
        return json!([]);
    }
    assert_eq!(response.status, 422);
    assert_eq!(response.headers.get("content-type"), Some("application/json"));
    let body: Value = serde_json::from_slice(body).unwrap();
    let fault = |fault: &Value| json!([fault["type"], fault["loc"], fault["input"]]);
    body["detail"].as_array().unwrap().iter().map(fault).collect()
}

fn request(target: &str, fields: &[(&str, &str)], body: &str) -> Request {
    let mut request = Request::new(Method::POST, target);
    for (name, value) in fields {
        request.head.headers.append(name, value);
    }
    request.body = body.to_owned().into_bytes().into();
    request
}

#[test]
fn every_fault_of_every_source_is_in_one_response() {
    let router = router(
        &json!([
            {"name": "session", "in": "cookie", "required": true, "schema": {"type": "string"}},
            {"name": "X-Age", "in": "header", "schema": {"type": "integer"}},
            {"$ref": "#/components/parameters/limit"},
        ]),
        &json!({"required": true, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Item"}}}}),
    );
    let json_type = ("content-type", "application/json");
    let body = r#"{"name": "ab", "parent": {"name": 5, "parent": {}}}"#;
    assert_eq!(
        faults(&router, request("/items/0?limit=11", &[("x-age", "old"), json_type], body)),
        json!([
            ["greater_than_equal", ["path", "id"], "0"],
            ["less_than_equal", ["query", "limit"], "11"],
            ["missing", ["query", "q"], null],
            ["int_parsing", ["header", "X-Age"], "old"],
            ["missing", ["cookie", "session"], null],
            ["string_too_short", ["body", "name"], "ab"],
            ["string_type", ["body", "parent", "name"], 5],
            ["missing", ["body", "parent", "parent", "name"], {}],
        ])
    );
    let fine = [("x-age", "5"), ("cookie", "session=abc"), json_type];
    assert_eq!(faults(&router, request("/items/1?limit=10&q=", &fine, r#"{"name": "abc"}"#)), json!([]));
}

#[test]
fn the_response_has_the_shape_that_clients_know() {
    let router = router(&json!([]), &Value::Null);
    let response = router.call(&mut request("/items/x?q=1", &[], ""));
    assert_eq!(
        std::str::from_utf8(response.body.as_bytes().unwrap()).unwrap(),
        r#"{"detail":[{"type":"int_parsing","loc":["path","id"],"msg":"Input should be a valid integer, unable to parse string as an integer","input":"x"}]}"#
    );
}

#[test]
fn styles() {
    let ints = json!({"type": "array", "items": {"type": "integer"}});
    let point = json!({"type": "object", "required": ["x"], "properties": {
        "x": {"type": "integer"}, "tags": {"type": ["array", "null"], "items": {"type": "string", "maxLength": 1}},
    }});
    let q = |style: &str, explode: bool, schema: &Value| json!({"name": "q", "in": "query", "style": style, "explode": explode, "schema": schema});
    for (parameter, query, expected) in [
        (q("form", true, &ints), "q=1&q=2", json!([])),
        (q("form", true, &ints), "q=1&q=x", json!([["int_parsing", ["query", "q", 1], "x"]])),
        (q("form", true, &ints), "q=1,2", json!([["int_parsing", ["query", "q", 0], "1,2"]])),
        (q("form", false, &ints), "q=1,2", json!([])),
        (q("form", false, &ints), "q=1,x,3", json!([["int_parsing", ["query", "q", 1], "x"]])),
        (q("form", false, &ints), "q=1%2C2", json!([["int_parsing", ["query", "q", 0], "1,2"]])),
        (q("spaceDelimited", false, &ints), "q=1%202+3", json!([])),
        (q("pipeDelimited", false, &ints), "q=1|2%7C3|y", json!([["int_parsing", ["query", "q", 3], "y"]])),
        (q("form", true, &json!({"$ref": "#/components/schemas/Tags"})), "q=1&q=2", json!([])),
        (q("deepObject", true, &point), "q[x]=1&q%5Btags%5D=a&q[tags]=b", json!([])),
        (q("deepObject", true, &point), "q[x]=a", json!([["int_parsing", ["query", "q", "x"], "a"]])),
        (
            q("deepObject", true, &point),
            "q[tags]=ab",
            json!([["missing", ["query", "q", "x"], {"tags": ["ab"]}], ["string_too_long", ["query", "q", "tags", 0], "ab"]]),
        ),
        (q("form", true, &point), "x=5", json!([])),
        (q("form", true, &point), "x=z", json!([["int_parsing", ["query", "q", "x"], "z"]])),
        (q("form", true, &point), "other=z", json!([])),
        (
            q("form", true, &json!({"type": "boolean"})),
            "q=no&q=maybe",
            json!([["bool_parsing", ["query", "q"], "maybe"]]),
        ),
        (
            json!({"name": "q", "in": "query", "content": {"application/json": {"schema": {"type": "integer"}}}}),
            "q=%225%22",
            json!([["int_type", ["query", "q"], "5"]]),
        ),
        (
            json!({"name": "q", "in": "query", "content": {"application/json": {"schema": {"type": "integer"}}}}),
            "q=x",
            json!([["json_invalid", ["query", "q"], {}]]),
        ),
        // Not read, so not checked.
        (q("form", false, &point), "q=x,a", json!([])),
    ] {
        let router = router(&json!([parameter]), &Value::Null);
        let mut found = faults(&router, request(&format!("/items/1?{query}"), &[], ""));
        let mut expected = expected;
        for list in [&mut found, &mut expected] {
            list.as_array_mut().unwrap().sort_by_key(Value::to_string);
        }
        assert_eq!(found, expected, "{query} for {parameter}");
    }
}

#[test]
fn headers_and_cookies_may_be_lists() {
    let ints = json!({"type": "array", "items": {"type": "integer"}});
    let router = router(
        &json!([
            {"name": "q", "in": "query", "schema": {}},
            {"name": "X-Ids", "in": "header", "schema": ints},
            {"name": "ids", "in": "cookie", "explode": false, "schema": ints},
            {"name": "Authorization", "in": "header", "required": true, "schema": {"type": "string"}},
        ]),
        &Value::Null,
    );
    let fields = [("x-ids", "1, 2"), ("x-ids", "3"), ("cookie", "ids=4,5")];
    assert_eq!(faults(&router, request("/items/1", &fields, "")), json!([]));
    let fields = [("x-ids", "1, a"), ("cookie", "ids=4,b")];
    assert_eq!(
        faults(&router, request("/items/1", &fields, "")),
        json!([["int_parsing", ["header", "X-Ids", 1], "a"], ["int_parsing", ["cookie", "ids", 1], "b"]])
    );
}

#[test]
fn bodies() {
    let item = json!({"schema": {"$ref": "#/components/schemas/Item"}});
    let required = json!({"required": true, "content": {"application/json": item, "text/*": {}}});
    let optional = json!({"content": {"application/vnd.item+json; v=1": item}});
    let untyped = json!({"required": true, "content": {"application/xml": {}}});
    let json_type = "application/json; charset=utf-8";
    for (body, kind, text, expected) in [
        (&required, json_type, r#"{"name": "abc"}"#, json!([])),
        (&required, json_type, "", json!([["missing", ["body"], null]])),
        (&required, json_type, "null", json!([["missing", ["body"], null]])),
        (&required, json_type, r#"{"name" 5}"#, json!([["json_invalid", ["body", 8], {}]])),
        (&required, json_type, "[]", json!([["model_attributes_type", ["body"], []]])),
        (&required, "application/xml", "<a/>", json!([["model_attributes_type", ["body"], "<a/>"]])),
        (&required, "text/csv", "a,b", json!([])),
        (&optional, json_type, "", json!([])),
        (&optional, json_type, "null", json!([])),
        (
            &optional,
            "application/merge-patch+json",
            r#"{"name": "a"}"#,
            json!([["string_too_short", ["body", "name"], "a"]]),
        ),
        (&untyped, json_type, "anything", json!([])),
    ] {
        let router = router(&json!([]), body);
        let found = faults(&router, request("/items/1?q=1", &[("content-type", kind)], text));
        assert_eq!(found, expected, "{kind} {text}");
    }
}

#[test]
fn handlers_that_check_get_every_request() {
    let mut dispatcher = Dispatcher::new();
    dispatcher.register_checked_handler("op", Arc::new(pass));
    let router = Router::from_spec(&document(&json!([]), &Value::Null), dispatcher).unwrap();
    assert_eq!(faults(&router, request("/items/x", &[], "")), json!([]));
}

#[test]
fn references_are_followed_at_launch() {
    for reference in ["#/components/schemas/None", "other.json"] {
        let parameter = json!([{"name": "a", "in": "query", "schema": {"$ref": reference}}]);
        let mut dispatcher = Dispatcher::new();
        dispatcher.register_handler("op", pass);
        let error = Router::from_spec(&document(&parameter, &Value::Null), dispatcher).unwrap_err();
        assert!(matches!(error, RouterError::Reference { .. }), "{error}");
    }
}
