//! Arguments that come from the application's own code.

use photon::prelude::*;
use photon::testing::TestClient;
use serde_json::{Value, json};

use crate::faults;

struct User(String);

/// Who sends the request.
#[dependency(errors(401))]
fn current_user(#[header] x_token: Option<String>, names: State<Vec<String>>) -> Result<User> {
    let token = x_token
        .ok_or_else(|| HttpError::unauthorized("Not authenticated").header("www-authenticate", "Bearer"))?;
    let name = names.iter().find(|name| **name == token).cloned();
    name.map(User).ok_or_else(|| HttpError::forbidden("unknown token"))
}

struct Paging {
    offset: u32,
    limit: u32,
}

#[dependency]
fn paging(#[query(default = 0)] offset: u32, #[query(default = 10, le = 50)] limit: u32) -> Paging {
    Paging { offset, limit }
}

struct Greeting(String);

// A dependency of a dependency.
#[dependency]
async fn greeting(user: User) -> Greeting {
    std::future::ready(()).await;
    Greeting(format!("Hello {}", user.0))
}

#[get("/greet")]
fn greet(greeting: Greeting, paging: Paging, #[query(default = 1)] times: u32) -> Json<Value> {
    Json(json!([greeting.0, paging.offset, paging.limit, times]))
}

fn client() -> TestClient {
    TestClient::new(App::new().state(vec!["ada".to_owned()]).routes(routes![greet]))
}

#[test]
fn dependencies_are_resolved() {
    let response = client().get("/greet?offset=2&times=3").header("x-token", "ada").send();
    assert_eq!(response.json::<Value>(), json!(["Hello ada", 2, 10, 3]));
}

#[test]
fn a_dependency_that_refuses_answers_before_faults_are_told() {
    let response = client().get("/greet?limit=500&times=x").send().assert_status(401);
    assert_eq!(response.header("www-authenticate"), Some("Bearer"));
    assert_eq!(response.json::<Value>(), json!({"detail": "Not authenticated"}));
    client().get("/greet").header("x-token", "eve").send().assert_status(403);
}

#[test]
fn faults_of_dependencies_and_arguments_come_together() {
    let response = client().get("/greet?limit=500&offset=a&times=x").header("x-token", "ada").send();
    let expected = ["int_parsing query.offset", "less_than_equal query.limit", "int_parsing query.times"];
    assert_eq!(faults(&response), expected);
}

#[test]
fn dependencies_are_documented() {
    let app = App::new().state(Vec::<String>::new()).routes(routes![greet]);
    let document = serde_json::to_value(app.document().expect("a document")).expect("JSON");
    let operation = &document["paths"]["/greet"]["get"];
    let names: Vec<_> =
        operation["parameters"].as_array().expect("parameters").iter().map(|p| &p["name"]).collect();
    assert_eq!(names, ["x-token", "offset", "limit", "times"]);
    assert!(operation["responses"]["401"].is_object(), "{operation}");
}
