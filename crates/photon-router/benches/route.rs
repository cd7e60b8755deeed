//! How long it takes to find the operation of a request in a table of 200 operations.
//!
//! `cargo bench -p photon-web-router` prints nanoseconds per request and path.

use std::hint::black_box;
use std::time::Instant;

use http::Method;
use photon_core::{Request, Response};
use photon_router::openapi::{Document, Operation, Parameter, ParameterIn};
use photon_router::{Dispatcher, Outcome, Router, split_catch_all};

const RESOURCES: [&str; 25] = [
    "users", "items", "orders", "carts", "payments", "invoices", "reviews", "tags", "images", "files",
    "teams", "projects", "issues", "comments", "labels", "branches", "commits", "releases", "hooks", "keys",
    "events", "alerts", "reports", "plans", "quotas",
];

fn table() -> Router {
    let mut document = Document::new("Table", "1");
    let mut dispatcher = Dispatcher::new();
    let mut add = |method: Method, path: &str| {
        let id = format!("{method} {path}");
        let (path, catch_all) = split_catch_all(path);
        let mut operation = Operation { operation_id: Some(id.clone()), ..Operation::default() };
        if let Some(name) = catch_all {
            let mut parameter = Parameter { name, location: ParameterIn::Path, ..Parameter::default() };
            parameter.extensions.insert("x-photon-catch-all".into(), true.into());
            operation.parameters.push(parameter.into());
        }
        *document.paths.entry(path).or_default().operation_mut(&method).unwrap() = Some(operation);
        dispatcher.register_handler(id, |_: &mut Request| Response::default());
    };
    for name in RESOURCES {
        add(Method::GET, &format!("/api/v1/{name}"));
        add(Method::POST, &format!("/api/v1/{name}"));
        add(Method::GET, &format!("/api/v1/{name}/{{id}}"));
        add(Method::PUT, &format!("/api/v1/{name}/{{id}}"));
        add(Method::DELETE, &format!("/api/v1/{name}/{{id}}"));
        add(Method::GET, &format!("/api/v1/{name}/{{id}}/history/{{version}}"));
        add(Method::GET, &format!("/api/v1/{name}/{{id}}/{{name}}.{{ext}}"));
        add(Method::GET, &format!("/static/{name}/{{path:path}}"));
    }
    Router::from_spec(&document, dispatcher).unwrap()
}

fn main() {
    let router = table();
    println!("{} operations", router.endpoints().count());
    for (what, target) in [
        ("fixed", "/api/v1/projects"),
        ("one parameter, with query", "/api/v1/projects/4711?q=abc&limit=10"),
        ("two parameters", "/api/v1/projects/4711/history/12"),
        ("mixed segment", "/api/v1/projects/4711/report.pdf"),
        ("catch-all", "/static/images/a/b/c/d.png"),
        ("escaped", "/api/v1/projects/J%C3%BCrgen"),
        ("not found", "/api/v1/nothing/4711/x"),
    ] {
        let mut request = Request::new(Method::GET, target);
        let mut run = |count: u32| {
            let start = Instant::now();
            for _ in 0..count {
                let outcome = router.route(black_box(&mut request));
                assert!(!matches!(black_box(outcome), Outcome::BadPath));
            }
            start.elapsed().as_secs_f64() * 1e9 / f64::from(count)
        };
        run(100_000);
        let best = (0..5).map(|_| run(500_000)).fold(f64::INFINITY, f64::min);
        println!("{best:7.1} ns  {what}: {target}");
    }
}
