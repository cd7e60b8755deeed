//! References lead to components, or say why not.

use photon_router::openapi::{Document, Parameter, PathItem, RefError, RefOr};
use serde_json::json;

fn document() -> Document {
    let named = |name: &str| Parameter { name: name.into(), ..Parameter::default() };
    let mut document = Document::new("Shop", "1");
    let parameters = &mut document.components.parameters;
    parameters.insert("limit".into(), named("limit").into());
    parameters.insert("a/b~c d".into(), named("escaped").into());
    parameters.insert("~1".into(), named("tilde").into());
    parameters.insert("alias".into(), RefOr::reference("#/components/parameters/limit"));
    parameters.insert("left".into(), RefOr::reference("#/components/parameters/right"));
    parameters.insert("right".into(), RefOr::reference("#/components/parameters/left"));
    parameters.insert("self".into(), RefOr::reference("#/components/parameters/self"));
    let schemas = &mut document.components.schemas;
    schemas.insert("Item".into(), json!({"properties": {"name": {"type": "string"}}}));
    schemas.insert("Alias".into(), json!({"$ref": "#/components/schemas/Item/properties/name"}));
    schemas.insert("Loop".into(), json!({"$ref": "#/components/schemas/Loop"}));
    document
}

#[test]
fn finds_components() {
    let document = document();
    for (reference, name) in
        [("limit", "limit"), ("alias", "limit"), ("a~1b~0c%20d", "escaped"), ("~01", "tilde")]
    {
        let reference = RefOr::<Parameter>::reference(format!("#/components/parameters/{reference}"));
        assert_eq!(document.resolve(&reference).unwrap().name, name);
    }
    let alias = json!({"$ref": "#/components/schemas/Alias"});
    assert_eq!(document.resolve_schema(&alias), Ok(&json!({"type": "string"})));
    let inline = json!({"type": "integer"});
    assert_eq!(document.resolve_schema(&inline), Ok(&inline));
}

#[test]
fn says_why_a_reference_leads_nowhere() {
    let document = document();
    for (reference, message) in [
        ("#/components/parameters/none", "nothing stands where \"#/components/parameters/none\" points to"),
        ("#/components/parameters/left", "\"#/components/parameters/left\" leads back to itself"),
        ("#/components/parameters/self", "leads back to itself"),
        ("#/components/schemas/Item", "is not of the form \"#/components/parameters/<name>\""),
        ("#/components/parameters/limit/schema", "is not of the form"),
        ("other.json#/components/parameters/limit", "is not of the form"),
        ("#/components/parameters/%zz", "is not of the form"),
    ] {
        let error = document.resolve(&RefOr::<Parameter>::reference(reference)).unwrap_err().to_string();
        assert!(error.contains(message), "{reference}: {error}");
    }
    for reference in ["Loop", "Item/properties/none", "None"] {
        let reference = format!("#/components/schemas/{reference}");
        assert!(document.resolve_schema(&json!({"$ref": reference})).is_err(), "{reference}");
    }
}

#[test]
fn path_items_refer_to_path_items() {
    let mut document = document();
    let items = &mut document.components.path_items;
    items.insert("real".into(), PathItem { summary: Some("real".into()), ..PathItem::default() }.into());
    items.insert("loop".into(), RefOr::reference("#/components/pathItems/loop"));
    let refer = |name: &str| PathItem {
        reference: Some(format!("#/components/pathItems/{name}")),
        ..PathItem::default()
    };
    assert_eq!(document.resolve_path_item(&refer("real")).unwrap().summary.as_deref(), Some("real"));
    assert!(matches!(document.resolve_path_item(&refer("loop")), Err(RefError::Cycle { .. })));
    assert!(matches!(document.resolve_path_item(&refer("none")), Err(RefError::Missing { .. })));
}
