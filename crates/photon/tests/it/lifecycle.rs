//! Middleware, panics and what requests share.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use photon::Handler;
use photon::prelude::*;
use photon::testing::TestClient;

#[get("/")]
fn index(request: &Request, count: State<AtomicUsize>) -> String {
    count.fetch_add(1, Ordering::Relaxed);
    request.extensions().get::<String>().cloned().unwrap_or_default()
}

#[get("/panic")]
fn panics() -> u32 {
    panic!("on purpose")
}

#[test]
fn middleware_wraps_in_order() {
    let app = App::new()
        .state(AtomicUsize::new(0))
        .routes(routes![index])
        .middleware(|request, next| {
            request.extensions_mut().insert("outer".to_owned());
            let mut response = next.run(request);
            response.headers.append("x-trail", "outer");
            response
        })
        .middleware(|request, next| {
            let text = request.extensions().get::<String>().cloned().unwrap_or_default() + " inner";
            request.extensions_mut().insert(text);
            if request.header("x-stop").is_some() {
                return StatusCode::IM_A_TEAPOT.into_response();
            }
            let mut response = next.run(request);
            response.headers.append("x-trail", "inner");
            response
        });
    let client = TestClient::new(app);
    let response = client.get("/").send().assert_status(200);
    assert_eq!(response.text(), "outer inner");
    assert_eq!(response.headers().get_all("x-trail").collect::<Vec<_>>(), ["inner", "outer"]);
    let stopped = client.get("/").header("x-stop", "1").send().assert_status(418);
    assert_eq!(stopped.headers().get_all("x-trail").collect::<Vec<_>>(), ["outer"]);
    client.get("/nowhere").send().assert_status(404);
}

#[test]
fn a_panic_is_500_and_reveals_nothing() {
    let service = App::new().routes(routes![panics]).build().expect("an application");
    let response = service.call(&mut Request::new(photon::Method::GET, "/panic"));
    assert_eq!(response.status, 500);
    assert_eq!(response.body.as_bytes(), Some(&br#"{"detail":"Internal Server Error"}"#[..]));
}

#[test]
#[should_panic(expected = "on purpose")]
fn a_test_client_passes_panics_on() {
    TestClient::new(App::new().routes(routes![panics])).get("/panic").send();
}

#[test]
fn state_is_shared() {
    let count = Arc::new(AtomicUsize::new(0));
    let client = TestClient::new(App::new().shared_state(Arc::clone(&count)).routes(routes![index]));
    for _ in 0..3 {
        client.get("/").send().assert_status(200);
    }
    assert_eq!(count.load(Ordering::Relaxed), 3);
}

/// Names that generated code could use too.
mod names {
    use photon::prelude::*;

    #[get("/handle")]
    pub(super) fn handle() -> &'static str {
        "handle"
    }

    #[get("/describe/{request}")]
    pub(super) fn describe(request: String, errors: Option<u32>) -> String {
        format!("{request} {errors:?}")
    }

    #[get("/route")]
    #[deprecated]
    pub(super) fn route() -> &'static str {
        "route"
    }
}

#[test]
fn handlers_may_have_any_name() {
    let client = TestClient::new(App::new().routes(routes![names::handle, names::describe, names::route]));
    assert_eq!(client.get("/handle").send().text(), "handle");
    assert_eq!(client.get("/describe/x?errors=1").send().text(), "x Some(1)");
    assert_eq!(client.get("/route").send().text(), "route");
}
