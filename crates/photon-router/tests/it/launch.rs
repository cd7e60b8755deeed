//! Mistakes that a router refuses to start with.

use photon_router::openapi::{Document, Operation, Parameter, ParameterIn, PathItem, RefOr};
use photon_router::{Dispatcher, Router, RouterError};

use crate::documents::shop;
use crate::table::{check, dispatcher, document, outcome, router, try_router};

fn error(operations: &[&str]) -> String {
    try_router(operations).expect_err("these operations make no router").to_string()
}

#[test]
fn templates_that_match_the_same_paths() {
    for (first, second) in [
        ("/a/{x}", "/a/{y}"),
        ("/a/{x}/b", "/a/{y}/b"),
        ("/f/{x:path}", "/f/{y:path}"),
        ("/{a}.{b}", "/{x}.{y}"),
        ("/caf%C3%A9", "/café"),
        ("/a%2fb", "/a%2Fb"),
        ("/v{x}", "/{x}v"),
        ("/{a}-{b}/x", "/{c}-{d}/x"),
        ("/{a}.x-{b}", "/{a}-x.{b}"),
    ] {
        let plain = |path: &str| path.replace(":path", "");
        assert_eq!(
            error(&[first, second]),
            format!(
                "the paths {:?} and {:?} match the same requests; put all methods under one of them",
                plain(first),
                plain(second)
            )
        );
        // Another method is no excuse: the path is the same one (OpenAPI 3.1.0 §4.8.8.1).
        assert!(try_router(&[first, &format!("POST {second}")]).is_err());
    }
}

#[test]
fn templates_that_only_look_alike() {
    for pair in [
        ["/a/{x}", "/a/b"],
        ["/a/{x}", "/a/{x}/"],
        ["/a/{x}", "/{x}/a"],
        ["/a/{x}", "/a/{y:path}"],
        ["/{a}.json", "/{a}.yaml"],
        ["/a{x}", "/b{x}"],
        ["/a{x}b", "/b{x}a"],
        ["/a%2Fb", "/a/b"],
        ["/v{x}/1", "/{x}v/2"],
    ] {
        router(&pair);
    }
}

#[test]
fn malformed_templates() {
    for (path, message) in [
        ("items", "it must begin with a slash"),
        ("", "it must begin with a slash"),
        ("/{id", "its braces do not match up"),
        ("/id}", "its braces do not match up"),
        ("/{a{b}}", "its braces do not match up"),
        ("/}{", "its braces do not match up"),
        ("/{a/b}", "its braces do not match up"),
        ("/{}", "a parameter in it has no name"),
        ("/{a}/{a}", "two of its parameters are called \"a\""),
        ("/{a}-{a}", "two of its parameters are called \"a\""),
        ("/{a}{b}", "nothing separates the parameters of \"{a}{b}\""),
        ("/{id:int}", "the parameter name \"id:int\" holds a colon"),
        ("/{p:path}/x", "the parameter name \"p:path\" holds a colon"),
        ("/100%", "a percent escape in \"100%\" is malformed"),
        ("/%00", "a percent escape in \"%00\" is malformed"),
        ("/%ff{x}", "a percent escape in \"%ff{x}\" is malformed"),
        ("/a?b", "it holds '?' or '#'"),
    ] {
        let text = error(&[&format!("GET {path}")]);
        assert!(text.starts_with(&format!("{path:?} is not a path template: ")), "{text}");
        assert!(text.contains(message), "{text}");
    }
    assert!(error(&[&"/x".repeat(101)]).contains("it has more than 100 segments"));
    router(&[&"/x".repeat(100)]);
}

#[test]
fn a_catch_all_is_the_whole_last_segment() {
    for path in ["/{p}/x", "/x{p}", "/x"] {
        let mut document = document(&[path]);
        let mut parameter =
            Parameter { name: "p".into(), location: ParameterIn::Path, ..Parameter::default() };
        parameter.extensions.insert("x-photon-catch-all".into(), true.into());
        document.paths[path].parameters.push(parameter.into());
        let error = Router::from_spec(&document, dispatcher(&[path])).unwrap_err().to_string();
        assert!(error.contains("the catch-all parameter \"p\" must be the whole last segment"), "{error}");
    }
}

#[test]
fn operations_and_handlers_without_partner_are_all_named() {
    let document = document(&["GET /items/{id}", "POST /items", "GET /users", "PUT /users"]);
    let mut dispatcher =
        dispatcher(&["GET /users", "get-items/id", "POST items", "something else", "GET /usrs"]);
    dispatcher.register_handler("zzz", |_: &mut photon_core::Request| photon_core::Response::default());
    let error = Router::from_spec(&document, dispatcher).unwrap_err();
    assert_eq!(
        error.to_string(),
        "\
no handler is registered for \"GET /items/{id}\" (GET /items/{id}); a handler is registered as \"get-items/id\", is it meant?
no handler is registered for \"POST /items\" (POST /items); a handler is registered as \"POST items\", is it meant?
no handler is registered for \"PUT /users\" (PUT /users)
a handler is registered for \"GET /usrs\", which the document does not have; did you mean \"GET /users\"?
a handler is registered for \"POST items\", which the document does not have; did you mean \"POST /items\"?
a handler is registered for \"get-items/id\", which the document does not have; did you mean \"GET /items/{id}\"?
a handler is registered for \"something else\", which the document does not have
a handler is registered for \"zzz\", which the document does not have"
    );
}

#[test]
fn operation_ids() {
    let mut nameless = document(&["GET /items"]);
    let item = nameless.paths.get_mut("/items").unwrap();
    item.post = Some(Operation::default());
    let error = |document: &Document, names: &[&str]| {
        Router::from_spec(document, dispatcher(names)).unwrap_err().to_string()
    };
    assert_eq!(
        error(&nameless, &["GET /items"]),
        "POST /items has no operationId; handlers are registered by it"
    );
    let mut twice = document(&["GET /a", "PUT /b"]);
    twice.paths.get_mut("/b").unwrap().put.as_mut().unwrap().operation_id = Some("GET /a".into());
    assert_eq!(error(&twice, &["GET /a"]), "GET /a and PUT /b have the same operationId \"GET /a\"");
    assert_eq!(
        error(&document(&["/a"]), &["/a", "/b", "/a", "/a", "/c", "/c"]),
        "more than one handler is registered for \"/a\", \"/c\""
    );
}

#[test]
fn path_items_and_parameters_may_stand_elsewhere() {
    let mut document = Document::new("Table", "1");
    let operation = |name: &str| Operation { operation_id: Some(name.into()), ..Operation::default() };
    let mut rest = Parameter {
        name: "rest".into(),
        location: ParameterIn::Path,
        required: true,
        ..Parameter::default()
    };
    rest.extensions.insert("x-photon-catch-all".into(), true.into());
    document.components.parameters.insert("rest".into(), rest.into());
    let shared = PathItem {
        get: Some(operation("read")),
        parameters: vec![RefOr::reference("#/components/parameters/rest")],
        ..PathItem::default()
    };
    document.components.path_items.insert("files".into(), shared.into());
    let item = PathItem {
        reference: Some("#/components/pathItems/files".into()),
        put: Some(operation("write")),
        ..PathItem::default()
    };
    document.paths.insert("/files/{rest}".into(), item);
    let router = Router::from_spec(&document, dispatcher(&["read", "write"])).unwrap();
    assert_eq!(outcome(&router, "/files/a/b"), "read rest=a/b");
    assert_eq!(outcome(&router, "PUT /files/a/b"), "write rest=a/b");

    document.components.parameters.clear();
    let error = Router::from_spec(&document, dispatcher(&["read", "write"])).unwrap_err();
    assert!(matches!(&error, RouterError::Reference { path, .. } if path == "/files/{rest}"), "{error}");
}

#[test]
fn a_document_without_operations_routes_nothing() {
    let router = Router::from_spec(&Document::new("Empty", "1"), Dispatcher::new()).unwrap();
    assert_eq!(outcome(&router, "/"), "404");
    assert_eq!(outcome(&router, "OPTIONS *"), "options OPTIONS");
    assert_eq!(router.endpoints().count(), 0);
    let mut document = Document::new("Empty", "1");
    document.paths.insert("/x".into(), PathItem::default());
    let router = Router::from_spec(&document, Dispatcher::new()).unwrap();
    assert_eq!(outcome(&router, "/x"), "404");
}

#[test]
fn a_document_from_a_file_routes() {
    let names = ["list_items", "create_item", "read_item", "read_file"];
    let router = Router::from_spec(&shop(), dispatcher(&names)).unwrap();
    for (request, expected) in [
        ("GET /items", "list_items"),
        ("POST /items", "create_item"),
        ("GET /items/5", "read_item id=5"),
        ("GET /files/a/b.txt", "read_file path=a/b.txt"),
        ("GET /x-origin", "404"),
    ] {
        assert_eq!(outcome(&router, request), expected);
    }
    check(&[], &[("/items", "404")]);
}
