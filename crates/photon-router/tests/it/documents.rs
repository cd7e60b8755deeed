//! Documents are read and written without loss and in the specification's order.

use photon_router::openapi::{
    Document, Operation, Parameter, ParameterIn, ParseError, PathItem, RefOr, Response, SecurityScheme,
};
use serde_json::{Value, json};

pub(crate) const SHOP: &str = include_str!("../documents/shop.json");

pub(crate) fn shop() -> Document {
    Document::from_json(SHOP).unwrap()
}

#[test]
fn writes_what_it_read_in_the_same_order() {
    let written = shop().to_json_pretty();
    assert_eq!(written, SHOP.trim_end());
    assert_eq!(Document::from_json(&written).unwrap(), shop());
    assert_eq!(Document::from_json(&shop().to_json()).unwrap(), shop());
}

#[test]
fn reads_values_into_their_fields() {
    let shop = shop();
    let items = &shop.paths["/items"];
    let list = items.get.as_ref().unwrap();
    assert_eq!(list.operation_id.as_deref(), Some("list_items"));
    let tags = list.parameters[1].item().unwrap();
    assert_eq!((tags.location, tags.explode), (ParameterIn::Query, Some(false)));
    assert_eq!(tags.examples["none"].item().unwrap().value, Some(Value::Null));
    assert!(
        matches!(&list.responses["4XX"], RefOr::Ref(r) if r.reference == "#/components/responses/Problem")
    );
    assert_eq!(list.responses.extensions["x-cache"], json!(true));
    assert_eq!(shop.paths.extensions["x-origin"], json!("hand-written"));
    assert_eq!(shop.paths["/items/{id}"].get.as_ref().unwrap().security, Some(vec![]));
    assert_eq!(items.post.as_ref().unwrap().security.as_ref().unwrap().len(), 2);
    assert!(matches!(
        shop.components.security_schemes["jwt"].item().unwrap(),
        SecurityScheme::Http { scheme, .. } if scheme == "bearer"
    ));
    assert_eq!(shop.extensions["x-generated"], json!(false));
    let methods: Vec<_> = items.operations().map(|(method, _)| method.to_string()).collect();
    assert_eq!(methods, ["GET", "POST"]);
}

#[test]
fn writes_no_empty_member() {
    assert_eq!(
        Document::new("Shop", "1").to_json(),
        r#"{"openapi":"3.1.0","info":{"title":"Shop","version":"1"}}"#
    );
    let operation = Operation {
        parameters: vec![
            Parameter { name: "q".into(), location: ParameterIn::Query, ..Parameter::default() }.into(),
        ],
        responses: [("200".to_owned(), Response { description: "OK".into(), ..Response::default() }.into())]
            .into_iter()
            .collect(),
        ..Operation::default()
    };
    let mut document = Document::new("Shop", "1");
    document.paths.insert("/".into(), PathItem { get: Some(operation), ..PathItem::default() });
    assert_eq!(
        serde_json::to_string(&document.paths).unwrap(),
        r#"{"/":{"get":{"parameters":[{"name":"q","in":"query"}],"responses":{"200":{"description":"OK"}}}}}"#
    );
}

#[test]
fn refuses_other_versions() {
    for (text, found) in [
        (r#"{"swagger": "2.0", "info": {}}"#, "2.0"),
        (r#"{"openapi": "3.0.3", "info": {"title": "Shop", "version": "1"}, "paths": {}}"#, "3.0.3"),
        (r#"{"openapi": "3.2.0", "info": {"title": "Shop", "version": "1"}}"#, "3.2.0"),
        (r#"{"openapi": "3.10.0", "info": {"title": "Shop", "version": "1"}}"#, "3.10.0"),
        (r#"{"openapi": 3.1, "info": {"title": "Shop", "version": "1"}}"#, "3.1"),
    ] {
        assert_eq!(Document::from_json(text), Err(ParseError::Version(found.into())), "{text}");
    }
    assert_eq!(Document::from_json("{}"), Err(ParseError::NoVersion));
    assert!(
        Document::from_json(r#"{"openapi": "3.1.1", "info": {"title": "Shop", "version": "1"}}"#).is_ok()
    );
}

#[test]
fn says_where_a_document_is_wrong() {
    let head = "{\"openapi\": \"3.1.0\",\n\"info\": {\"title\": \"Shop\", \"version\": \"1\"},\n";
    for (rest, message) in [
        ("\"paths\": 5}", "invalid type: integer `5`, expected an object at line 3 column 10"),
        ("\"paths\": {\"/\": {\"get\": {\"deprecated\": \"no\"}}}}", "line 3 column 42"),
        (
            "\"paths\": {\"/\": {\"get\": {\"responses\":\n{\"200\": {}}}}}}",
            "missing field `description` at line 4 column 11",
        ),
        (
            "\"paths\": {\"/\": {\"parameters\":\n[{\"name\": \"q\", \"in\": \"body\"}]}}}",
            "unknown variant `body`, expected one of `path`, `query`, `header`, `cookie` at line 4 column 29",
        ),
        ("\"paths\": {\"/\": {}, \"/\": {}}}", "\"/\" stands twice in one object at line 3 column 22"),
        ("\"paths\": ", "EOF while parsing a value at line 3 column 9"),
    ] {
        let error = Document::from_json(&format!("{head}{rest}")).unwrap_err().to_string();
        assert!(error.contains(message), "{rest}: {error}");
    }
}
