//! Methods, redirects, and the responses that the router gives itself.

use http::Method;
use photon_core::{Handler, Request, Response};

use crate::table::{check, router};

#[test]
fn methods() {
    check(
        &["GET /items", "POST /items", "DELETE /items/{id}", "GET /items/new", "TRACE /trace", "HEAD /trace"],
        &[
            ("GET /items", "GET /items"),
            ("HEAD /items", "GET /items"),
            ("POST /items", "POST /items"),
            ("PUT /items", "405 GET, HEAD, OPTIONS, POST"),
            ("QUERY /items", "405 GET, HEAD, OPTIONS, POST"),
            // RFC 9110 §9.1: methods are case-sensitive, and one that nothing here knows is not implemented.
            ("BREW /items", "501"),
            ("get /items", "501"),
            ("BREW /nowhere", "501"),
            ("OPTIONS /items", "options GET, HEAD, OPTIONS, POST"),
            ("OPTIONS /items?x=1", "options GET, HEAD, OPTIONS, POST"),
            ("HEAD /items/5", "405 DELETE, OPTIONS"),
            ("OPTIONS /items/5", "options DELETE, OPTIONS"),
            ("DELETE /items/5", "DELETE /items/{id} id=5"),
            // The more specific path decides, whatever its methods.
            ("DELETE /items/new", "405 GET, HEAD, OPTIONS"),
            ("HEAD /trace", "HEAD /trace"),
            ("TRACE /trace", "TRACE /trace"),
            ("GET /trace", "405 HEAD, OPTIONS, TRACE"),
            ("BREW /none", "501"),
            ("OPTIONS /none", "404"),
            ("OPTIONS *", "options DELETE, GET, HEAD, OPTIONS, POST, TRACE"),
            ("GET *", "400"),
        ],
    );
}

#[test]
fn operations_of_their_own_win_over_automatic_ones() {
    check(
        &["GET /x", "HEAD /x", "OPTIONS /x"],
        &[("HEAD /x", "HEAD /x"), ("OPTIONS /x", "OPTIONS /x"), ("PUT /x", "405 GET, HEAD, OPTIONS")],
    );
}

#[test]
fn a_slash_more_or_less_redirects() {
    check(
        &["/items", "/dirs/", "/items/{id}", "/a/{x}/", "POST /made", "/f/{p:path}"],
        &[
            ("/items/", "307 /items"),
            ("/items/?q=a%20b&c", "307 /items?q=a%20b&c"),
            ("/items/?", "307 /items?"),
            ("/dirs", "307 /dirs/"),
            ("/dirs?x=//evil.example/", "307 /dirs/?x=//evil.example/"),
            ("/items/a%2Fb%20c/", "307 /items/a%2Fb%20c"),
            ("/items/%C3%BC/", "307 /items/%C3%BC"),
            ("/a/%25", "307 /a/%25/"),
            ("/a/b", "307 /a/b/"),
            ("/it%65ms/", "307 /it%65ms"),
            ("/made/", "307 /made"),
            ("POST /made/", "307 /made"),
            ("POST /items/", "307 /items"),
            ("/items//", "404"),
            ("/none/", "404"),
            ("/f", "404"),
            ("/f/x/", "/f/{p:path} p=x/"),
        ],
    );
    check(&["/a"], &[("/", "404"), ("//", "404")]);
    check(&["/"], &[("//", "307 /"), ("///", "404"), ("", "400")]);
}

#[test]
fn a_redirect_never_leaves_the_host() {
    check(
        &["//{host}", "//{host}/{path}/", "/{a}/{b}", "/{x}", "/"],
        &[
            ("//evil.example/", "404"),
            ("//evil.example/x", "404"),
            ("/\\evil.example/", "404"),
            ("/\\evil.example/x/", "404"),
            ("/\t/evil.example/", "404"),
            ("/a/\\evil/", "404"),
            ("/%5Cevil.example/", "307 /%5Cevil.example"),
            ("/%2Fevil.example/", "307 /%2Fevil.example"),
            ("/http:/evil.example/", "307 /http:/evil.example"),
            ("/a%0D%0Aset-cookie:x/", "307 /a%0D%0Aset-cookie:x"),
        ],
    );
}

fn call(handler: &impl Handler, method: &str, target: &str) -> Response {
    handler.call(&mut Request::new(Method::from_bytes(method.as_bytes()).unwrap(), target))
}

#[test]
fn outcomes_become_responses() {
    let router = router(&["GET /items", "GET /items/{id}"]);
    for (method, target, status, field, body) in [
        ("GET", "/items", 200, ("content-type", "text/plain"), "GET /items"),
        ("HEAD", "/items", 200, ("content-type", "text/plain"), "GET /items"),
        ("GET", "/none", 404, ("content-type", "application/json"), r#"{"detail":"Not Found"}"#),
        ("PUT", "/items", 405, ("allow", "GET, HEAD, OPTIONS"), r#"{"detail":"Method Not Allowed"}"#),
        ("BREW", "/items", 501, ("content-type", "application/json"), r#"{"detail":"Not Implemented"}"#),
        ("BREW", "/items", 501, ("connection", "close"), r#"{"detail":"Not Implemented"}"#),
        ("PUT", "/items", 405, ("content-type", "application/json"), r#"{"detail":"Method Not Allowed"}"#),
        ("OPTIONS", "/items", 204, ("allow", "GET, HEAD, OPTIONS"), ""),
        ("GET", "/items/%zz", 400, ("content-type", "application/json"), r#"{"detail":"Bad Request"}"#),
        ("GET", "/items/?a=b", 307, ("location", "/items?a=b"), ""),
    ] {
        let response = call(&router, method, target);
        assert_eq!(response.status.as_u16(), status, "{method} {target}");
        assert_eq!(response.headers.get(field.0), Some(field.1), "{method} {target}");
        assert_eq!(response.body.as_bytes(), Some(body.as_bytes()), "{method} {target}");
    }
}

#[test]
fn the_route_table_is_sorted() {
    let router = router(&["POST /b", "GET /b", "GET /a/{x}", "DELETE /b", "GET /"]);
    let table: Vec<String> = router
        .endpoints()
        .map(|endpoint| {
            assert_eq!(endpoint.operation_id(), format!("{} {}", endpoint.method(), endpoint.path()));
            endpoint.operation_id().to_owned()
        })
        .collect();
    assert_eq!(table, ["GET /", "GET /a/{x}", "DELETE /b", "GET /b", "POST /b"]);
}
