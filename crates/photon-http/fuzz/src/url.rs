//! Paths, queries and cookies: nothing panics, and what is encoded stays in its place.

use std::sync::OnceLock;

use http::Method;
use photon_core::{Request, Response, cookie_pairs, decode_component, query_pairs};
use photon_router::openapi::Document;
use photon_router::{Dispatcher, Outcome, Router};

const TEMPLATES: [&str; 6] = ["/", "/a/{x}", "/a/{x}/b", "/files/{rest}", "/{x}.{y}", "/a/fixed"];

fn router() -> &'static Router {
    static ROUTER: OnceLock<Router> = OnceLock::new();
    ROUTER.get_or_init(|| {
        let mut dispatcher = Dispatcher::new();
        let paths = TEMPLATES.iter().enumerate().map(|(number, path)| {
            let id = format!("operation{number}");
            dispatcher.register_handler(id.as_str(), |_: &mut Request| Response::default());
            format!(r#""{path}": {{"get": {{"operationId": "{id}"}}}}"#)
        });
        let paths: Vec<String> = paths.collect();
        let text = format!(
            r#"{{"openapi": "3.1.0", "info": {{"title": "x", "version": "1"}}, "paths": {{{}}}}}"#,
            paths.join(",")
        );
        let document = Document::from_json(&text).expect("a document");
        Router::from_spec(&document, dispatcher).expect("a router")
    })
}

fn encode(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// # Panics
/// If something does not hold.
pub fn check(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    for (name, value) in query_pairs(&text) {
        assert!(name.len() <= 3 * text.len() && value.len() <= 3 * text.len());
    }
    assert_eq!(decode_component(&encode(&text)), text);
    let query = format!("{}={}&a=b", encode(&text), encode(&text));
    let pairs: Vec<_> = query_pairs(&query).collect();
    assert_eq!(pairs.len(), 2);
    assert_eq!((&*pairs[0].0, &*pairs[0].1), (&*text, &*text));
    let mut request = Request::new(Method::GET, "/");
    if request.head.headers.try_append("cookie", data).is_ok() {
        let longest = cookie_pairs(request.headers()).map(|(name, value)| name.len() + value.len()).max();
        assert!(longest.unwrap_or(0) <= data.len());
    }
    routes(&text);
}

fn routes(text: &str) {
    let mut request = Request::new(Method::GET, text);
    let _ = router().route(&mut request);
    // A value that is encoded is one segment, whatever is in it, and comes back as it was.
    let path = format!("/a/{}", encode(text));
    let mut request = Request::new(Method::GET, &path);
    if let Outcome::Handler(endpoint) = router().route(&mut request) {
        assert!(matches!(endpoint.path(), "/a/{x}" | "/a/fixed"), "{path} is {}", endpoint.path());
        assert!(endpoint.path() == "/a/fixed" || request.path_params.get("x") == Some(text));
    } else {
        assert!(text.is_empty() || text.contains('\0'), "{text:?} is not found");
    }
}
