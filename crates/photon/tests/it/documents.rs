//! The OpenAPI document that an application makes of its routes, and the pages that show it.

use photon::prelude::*;
use photon::testing::TestClient;
use serde_json::{Value, json};

mod shop {
    use photon::prelude::*;

    #[model]
    pub(crate) struct Item {
        pub(crate) sku: String,
    }

    /// Read a shop item.
    #[get("/shop/{id}", tags = ["shop"])]
    pub(crate) fn read(id: u32) -> Item {
        Item { sku: id.to_string() }
    }
}

mod blog {
    use photon::prelude::*;

    #[model]
    pub(crate) struct Item {
        pub(crate) title: String,
    }

    #[get("/blog/{id}", deprecated)]
    pub(crate) fn read(id: u32) -> Item {
        Item { title: id.to_string() }
    }
}

#[model]
struct Draft {
    #[schemars(example = "On lamps")]
    title: String,
    /// How many people like it.
    #[serde(default)]
    likes: u32,
}

#[model]
struct Page<T> {
    items: Vec<T>,
}

#[model]
struct Tree {
    name: String,
    children: Vec<Tree>,
}

/// Save a draft.
///
/// It stays a draft.
#[post("/drafts", status = 201, errors(404, 409), response_description = "Saved")]
fn save_draft(draft: Draft) -> Draft {
    draft
}

#[get("/pages", summary = "Pages of drafts", operation_id = "drafts")]
fn pages(
    /// Which page.
    #[query(default = 1, ge = 1, example = 2)]
    page: u32,
    #[query(deprecated)] old: Option<String>,
    #[query(hidden)] secret: Option<String>,
) -> Page<Draft> {
    let _ = (page, old, secret);
    Page { items: Vec::new() }
}

#[get("/trees")]
fn trees() -> Vec<Tree> {
    Vec::new()
}

#[put("/two/{id}")]
fn two(id: u32, draft: Draft, tree: Option<Tree>) {
    let _ = (id, draft, tree);
}

#[get("/hidden", hidden)]
fn hidden() {}

#[get("/files/{path:path}")]
fn files(path: String) -> String {
    path
}

fn app() -> App {
    App::new().title("Documents <&>").routes(routes![
        shop::read,
        blog::read,
        save_draft,
        pages,
        trees,
        two,
        hidden,
        files
    ])
}

fn document() -> Value {
    serde_json::to_value(app().document().expect("a document")).expect("JSON")
}

#[test]
fn operations_are_described() {
    let document = document();
    let draft = &document["paths"]["/drafts"]["post"];
    assert_eq!(draft["summary"], "Save Draft");
    assert_eq!(draft["description"], "Save a draft.\n\nIt stays a draft.");
    assert_eq!(draft["operationId"], "save_draft");
    assert_eq!(draft["requestBody"]["required"], true);
    let responses = draft["responses"].as_object().expect("responses");
    assert_eq!(responses.keys().collect::<Vec<_>>(), ["201", "404", "409", "422"]);
    assert_eq!(responses["201"]["description"], "Saved");
    assert_eq!(
        responses["404"]["content"]["application/json"]["schema"]["$ref"],
        "#/components/schemas/HTTPError"
    );

    let pages = &document["paths"]["/pages"]["get"];
    assert_eq!((&pages["summary"], &pages["operationId"]), (&json!("Pages of drafts"), &json!("drafts")));
    let parameters = pages["parameters"].as_array().expect("parameters");
    assert_eq!(parameters.len(), 2, "{parameters:?}");
    assert_eq!(parameters[0]["description"], "Which page.");
    assert_eq!(parameters[0]["example"], 2);
    assert_eq!(parameters[0]["schema"]["minimum"], 1);
    assert_eq!(parameters[0]["schema"]["default"], 1);
    assert_eq!(parameters[1]["deprecated"], true);
    assert_eq!(
        document["paths"]["/trees"]["get"]["responses"].as_object().map(serde_json::Map::len),
        Some(1)
    );
    assert_eq!(document["paths"].get("/hidden"), None);
    assert_eq!(document["paths"]["/files/{path}"]["get"]["parameters"][0]["x-photon-catch-all"], true);
}

#[test]
fn names_are_unique() {
    let document = document();
    assert_eq!(document["paths"]["/shop/{id}"]["get"]["operationId"], "shop_read");
    assert_eq!(document["paths"]["/blog/{id}"]["get"]["operationId"], "blog_read");
    assert_eq!(document["paths"]["/blog/{id}"]["get"]["deprecated"], true);
    let schemas = document["components"]["schemas"].as_object().expect("schemas");
    let names: Vec<&String> = schemas.keys().collect();
    assert_eq!(
        names,
        [
            "DraftInput",
            "DraftOutput",
            "HTTPError",
            "Page_Draft",
            "Tree",
            "blog_Item",
            "shop_Item",
            "HTTPValidationError",
            "ValidationError"
        ]
    );
    assert_eq!(schemas["shop_Item"]["properties"]["sku"]["type"], "string");
    assert_eq!(schemas["blog_Item"]["properties"]["title"]["type"], "string");
    // A default makes a field optional on the way in and certain on the way out.
    assert_eq!(schemas["DraftInput"]["required"], json!(["title"]));
    assert_eq!(schemas["DraftOutput"]["required"], json!(["title", "likes"]));
    assert_eq!(
        schemas["Page_Draft"]["properties"]["items"]["items"]["$ref"],
        "#/components/schemas/DraftOutput"
    );
    assert_eq!(schemas["Tree"]["properties"]["children"]["items"]["$ref"], "#/components/schemas/Tree");
    assert!(!document.to_string().contains("x-photon-type"));
}

#[test]
fn every_reference_leads_somewhere() {
    fn check(value: &Value, document: &Value) {
        match value {
            Value::Object(object) => {
                if let Some(target) = object.get("$ref").and_then(Value::as_str) {
                    let pointer = target.strip_prefix('#').expect("a local reference");
                    assert!(document.pointer(pointer).is_some(), "{target} leads nowhere");
                }
                object.values().for_each(|value| check(value, document));
            }
            Value::Array(items) => items.iter().for_each(|value| check(value, document)),
            _ => {}
        }
    }
    let document = document();
    check(&document, &document);
}

#[test]
fn several_bodies_are_one_object() {
    let document = document();
    let body = &document["paths"]["/two/{id}"]["put"]["requestBody"];
    let schema = &body["content"]["application/json"]["schema"];
    assert_eq!(schema["required"], json!(["draft"]));
    assert_eq!(schema["properties"]["tree"]["$ref"], "#/components/schemas/Tree");
}

#[test]
fn the_document_is_served() {
    let client = TestClient::new(app());
    let response = client.get("/openapi.json").send().assert_status(200);
    assert_eq!(response.header("content-type"), Some("application/json"));
    assert_eq!(response.json::<Value>(), document());
    client.get("/hidden").send().assert_status(200);
}

#[test]
fn the_pages_load_everything_from_here() {
    let client = TestClient::new(app());
    for page in ["/docs", "/redoc"] {
        let response = client.get(page).send().assert_status(200);
        assert!(response.text().contains("Documents &lt;&amp;&gt;"), "{page}: the title is escaped");
        let policy = response.header("content-security-policy").expect("a policy");
        assert!(policy.contains("script-src 'self'"), "{policy}");
        let sources =
            response.text().split(['"', '\'']).filter(|text| text.starts_with(page)).map(str::to_owned);
        let sources: Vec<String> = sources.collect();
        assert!(!sources.is_empty());
        for source in sources {
            assert!(!client.get(&source).send().assert_status(200).bytes().is_empty(), "{source}");
        }
        assert!(!response.text().contains("http://") && !response.text().contains("https://"), "{page}");
    }
}

#[test]
fn pages_move_and_go() {
    let app = || App::new().routes(routes![trees]);
    let moved = TestClient::new(app().docs_path("/api/docs").redoc_path(None).openapi_path("/api/schema"));
    assert!(moved.get("/api/docs/start.js").send().assert_status(200).text().contains("/api/schema"));
    moved.get("/api/schema").send().assert_status(200);
    for gone in ["/docs", "/redoc", "/openapi.json"] {
        moved.get(gone).send().assert_status(404);
    }
    let off = TestClient::new(app().openapi_path(None));
    for gone in ["/docs", "/redoc", "/openapi.json"] {
        off.get(gone).send().assert_status(404);
    }
}
