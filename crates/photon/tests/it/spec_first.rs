//! Applications whose document comes first.

use photon::openapi::Document;
use photon::testing::TestClient;
use photon::{App, Dispatcher, Request, Response};

const DOCUMENT: &str = r#"{
    "openapi": "3.1.0",
    "info": {"title": "Greeter", "version": "2.0"},
    "paths": {
        "/hello/{name}": {
            "get": {
                "operationId": "hello",
                "parameters": [{"name": "name", "in": "path", "required": true, "schema": {"type": "string"}}],
                "responses": {"200": {"description": "A greeting"}}
            }
        }
    }
}"#;

fn hello(request: &mut Request) -> Response {
    Response::with_body(
        "text/plain",
        format!("Hello {}", request.path_params.get("name").unwrap_or("nobody")),
    )
}

fn document() -> Document {
    Document::from_json(DOCUMENT).expect("a document")
}

#[test]
fn handlers_are_found_by_operation() {
    let mut dispatcher = Dispatcher::new();
    dispatcher.register_handler("hello", hello);
    let client = TestClient::new(App::from_spec(document(), dispatcher));
    assert_eq!(client.get("/hello/Ada").send().assert_status(200).text(), "Hello Ada");
    let served = client.get("/openapi.json").send().json::<serde_json::Value>();
    assert_eq!(served["info"]["title"], "Greeter");
    assert!(served["paths"]["/hello/{name}"]["get"].is_object());
    client.get("/docs").send().assert_status(200);
}

#[test]
fn an_operation_without_a_handler_stops_the_launch() {
    let message = App::from_spec(document(), Dispatcher::new()).build().err().expect("a mistake").to_string();
    assert!(message.contains("hello"), "{message}");
}
