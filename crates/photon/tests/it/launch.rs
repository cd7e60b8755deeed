//! Mistakes that stop an application before it serves anything.

use photon::prelude::*;

#[get("/items/{id}")]
fn read_item(id: u32) -> u32 {
    id
}

#[get("/items/{id}")]
fn read_item_again(id: u32) -> u32 {
    id
}

#[put("/items/{item_id}")]
fn update_item(item_id: u32) -> u32 {
    item_id
}

#[get("/other", operation_id = "read_item")]
fn other() {}

#[get("/more", operation_id = "read_item")]
fn more() {}

#[get("/state")]
fn state(names: State<Vec<String>>) -> usize {
    names.len()
}

#[photon_route(method = "PURGE", path = "/cache")]
fn purge() {}

fn message(routes: Vec<photon::Route>) -> String {
    App::new().routes(routes).build().err().expect("a mistake").to_string()
}

#[test]
fn mistakes_are_named() {
    let cases: Vec<(Vec<photon::Route>, &[&str])> = vec![
        (routes![read_item, read_item_again], &["read_item", "read_item_again", "GET /items/{id}"]),
        (routes![read_item, read_item], &["read_item", "GET /items/{id}"]),
        (routes![read_item, update_item], &["/items/{id}", "/items/{item_id}"]),
        (routes![other, more], &["\"read_item\"", "GET /other", "GET /more"]),
        (routes![state], &["state", "State<alloc::vec::Vec<alloc::string::String>>", ".state("]),
        (routes![purge], &["PURGE /cache"]),
    ];
    for (routes, parts) in cases {
        let message = message(routes);
        for part in parts {
            assert!(message.contains(part), "{part:?} is missing in {message:?}");
        }
    }
}

#[test]
fn a_right_application_launches() {
    App::new().state(Vec::<String>::new()).routes(routes![read_item, state]).build().expect("no mistake");
}

#[test]
fn a_handler_stays_a_function() {
    assert_eq!(read_item(7), 7);
    assert_eq!(read_item_again(8), 8);
}

/// One handler for each route attribute.
mod methods {
    use photon::prelude::*;

    #[get("/methods")]
    pub(super) fn read() -> &'static str {
        "get"
    }

    #[head("/methods")]
    pub(super) fn look() -> (StatusCode, [(&'static str, &'static str); 1], ()) {
        (StatusCode::OK, [("x-handler", "head")], ())
    }

    #[options("/methods")]
    pub(super) fn ask() -> &'static str {
        "options"
    }

    #[post("/methods")]
    pub(super) fn create() -> &'static str {
        "post"
    }

    #[put("/methods")]
    pub(super) fn replace() -> &'static str {
        "put"
    }

    #[patch("/methods")]
    pub(super) fn change() -> &'static str {
        "patch"
    }

    #[delete("/methods")]
    pub(super) fn remove() -> &'static str {
        "delete"
    }

    #[photon_route(method = "TRACE", path = "/methods", tags = ["long form"])]
    pub(super) fn trace() -> &'static str {
        "trace"
    }
}

#[test]
fn every_route_attribute_answers_its_method() {
    use methods::{ask, change, create, look, read, remove, replace, trace};
    let app = App::new().routes(routes![read, look, ask, create, replace, change, remove, trace]);
    let client = photon::testing::TestClient::new(app);
    for method in ["GET", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE"] {
        let request = client.request(method.parse().expect("a method"), "/methods");
        assert_eq!(request.send().assert_status(200).text(), method.to_lowercase());
    }
    assert_eq!(client.head("/methods").send().assert_status(200).header("x-handler"), Some("head"));
}
