//! Documents as YAML.

use photon_router::openapi::{Document, ParseError};
use serde_json::json;

use crate::documents::shop;

#[test]
fn writes_what_it_reads() {
    let yaml = shop().to_yaml();
    assert_eq!(Document::from_yaml(&yaml).unwrap(), shop(), "{yaml}");
}

#[test]
fn strings_stay_strings() {
    let strings = [
        "yes",
        "no",
        "on",
        "off",
        "null",
        "~",
        "",
        "1.0",
        "0x10",
        "1e3",
        "0o7",
        "017",
        "12:30:45",
        "true",
        ".inf",
        ".nan",
        "- a",
        "a: b",
        "#c",
        "a #b",
        "*a",
        "&a",
        "!t",
        "%d",
        "@x",
        "`y",
        "{a}",
        "[a]",
        "'q'",
        "\"q\"",
        " lead",
        "trail ",
        "two\nlines",
        "two\nlines\n",
        "tab\there",
        "\u{7}",
        "2026-11-23",
        "1_000",
        "=",
        "<<",
        "?",
        "N",
        "Y",
        "\u{85}",
        "\u{feff}x",
        "ünï",
        "---",
        "...",
        "\r\n",
        "  \n x",
        ": ",
        "-",
        "0",
        "+1",
        "1.",
    ];
    let mut document = Document::new("1.0", "1.0");
    for (number, text) in strings.iter().enumerate() {
        document
            .components
            .schemas
            .insert((*text).to_owned(), json!({"const": text, "n": number, "list": [text]}));
    }
    let yaml = document.to_yaml();
    let read = Document::from_yaml(&yaml).unwrap_or_else(|error| panic!("{error}\n{yaml}"));
    assert_eq!(read, document, "{yaml}");
}

#[test]
fn reads_what_people_write() {
    let text = "\
openapi: 3.1.0
info: {title: Shop, version: '1'}
paths:
  /items:
    get:
      operationId: list_items
      description: |
        Two
        lines
      responses:
        200:
          description: >-
            folded
            text
          content:
            application/json:
              schema: &item {type: object, minProperties: 1, maximum: 1.5, nullable: false, default: null}
        default: {description: Other, content: {application/json: {schema: *item}}}
";
    let document = Document::from_yaml(text).unwrap();
    let operation = document.paths["/items"].get.as_ref().unwrap();
    assert_eq!(operation.description.as_deref(), Some("Two\nlines\n"));
    let ok = operation.responses["200"].item().unwrap();
    assert_eq!(ok.description, "folded text");
    let schema =
        json!({"type": "object", "minProperties": 1, "maximum": 1.5, "nullable": false, "default": null});
    assert_eq!(ok.content["application/json"].schema.as_ref(), Some(&schema));
    let other = operation.responses["default"].item().unwrap();
    assert_eq!(other.content["application/json"].schema.as_ref(), Some(&schema));
}

#[test]
fn says_where_a_document_is_wrong() {
    assert_eq!(Document::from_yaml("swagger: '2.0'"), Err(ParseError::Version("2.0".into())));
    assert_eq!(Document::from_yaml("openapi: 3.0.3"), Err(ParseError::Version("3.0.3".into())));
    let head = "openapi: 3.1.0\ninfo:\n  title: Shop\n";
    for (rest, expected) in [
        ("  version: [1]\n", "line 4"),
        ("  version: '1'\npaths:\n  /:\n    get:\n      deprecated: maybe\n", "line 8"),
        ("  version: '1'\npaths: {\n", "line"),
        ("", "version"),
    ] {
        let error = Document::from_yaml(&format!("{head}{rest}")).unwrap_err().to_string();
        assert!(error.contains(expected), "{rest}: {error}");
    }
}

#[test]
fn aliases_cannot_blow_a_small_text_up() {
    let mut text = String::from(
        "openapi: 3.1.0\ninfo: {title: Shop, version: '1'}\nx-a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n",
    );
    for level in 1..12 {
        let alias = format!("*a{}", level - 1);
        text += &format!("x-a{level}: &a{level} [{}]\n", [alias.as_str(); 10].join(", "));
    }
    // Written out, this is 10^12 values: reading it in earnest would never end.
    assert!(matches!(Document::from_yaml(&text), Err(ParseError::Invalid(_))));
    let deep = format!("openapi: 3.1.0\ninfo: {{title: S, version: '1'}}\nx-deep: {}", "[".repeat(100_000));
    assert!(Document::from_yaml(&deep).is_err());
}
