//! Handlers that take forms with files.

use photon::prelude::*;
use photon::testing::TestClient;
use photon::{Body, Multipart, MultipartLimits};
use serde_json::{Value, json};

const FORM: &str = "multipart/form-data; boundary=b";

/// List the parts.
#[post("/list")]
fn list(mut form: Multipart) -> Result<String> {
    let mut list = Vec::new();
    while let Some(part) = form.next_part()? {
        let head = format!("{} {:?} {:?}", part.name(), part.file_name(), part.content_type());
        list.push(format!("{head} {}", part.text(10)?));
    }
    Ok(list.join("\n"))
}

#[post("/few")]
fn few(mut form: Multipart) -> Result<StatusCode> {
    form.set_part_limits(MultipartLimits { max_parts: 1, ..MultipartLimits::default() });
    while form.next_part()?.is_some() {}
    Ok(StatusCode::NO_CONTENT)
}

/// Send all files on.
#[post("/pour")]
fn pour(mut form: Multipart) -> Response {
    let body = Body::stream(move |out| {
        while let Some(mut part) = form.next_part()? {
            std::io::copy(&mut part, out)?;
        }
        Ok(())
    });
    Response::with_body("text/plain", body)
}

fn client() -> TestClient {
    TestClient::new(App::new().routes(routes![list, few, pour]))
}

fn part(head: &str, data: &str) -> String {
    format!("--b\r\nContent-Disposition: form-data; {head}\r\n\r\n{data}\r\n")
}

#[test]
fn parts_are_arguments_one_by_one() {
    let client = client();
    let file = part("name=\"f\"; filename=\"%22a%22.txt\"\r\nContent-Type: text/plain", "1\r\n2");
    let body = format!("{}{file}--b--\r\n", part("name=\"a\"", "one"));
    let answer =
        client.post("/list").header("content-type", FORM).body(body.clone()).send().assert_status(200);
    assert_eq!(answer.text(), "a None None one\nf Some(\"\\\"a\\\".txt\") Some(\"text/plain\") 1\r\n2");
    assert_eq!(client.post("/pour").header("content-type", FORM).body(body).send().text(), "one1\r\n2");
}

#[test]
fn what_is_no_form_is_refused_in_words() {
    let client = client();
    let ask = |path: &str, content_type: &str, body: String, status: u16| {
        let request = client.post(path).header("content-type", content_type).body(body);
        request.send().assert_status(status).json::<Value>()["detail"].clone()
    };
    let whole = format!("{}--b--", part("name=a", "one"));
    assert_eq!(
        ask("/list", "text/plain", whole.clone(), 415),
        json!("the content type is not multipart/form-data")
    );
    let boundary = json!("missing, repeated or malformed boundary of the form (RFC 2046 §5.1.1)");
    assert_eq!(ask("/list", "multipart/form-data", whole.clone(), 400), boundary);
    let truncated = json!("the form ends before its last boundary (RFC 2046 §5.1.1)");
    assert_eq!(ask("/list", "multipart/form-data; boundary=c", whole.clone(), 400), truncated);
    assert_eq!(ask("/list", FORM, part("name=a", "one"), 400), truncated);
    let long = format!("{}--b--", part("name=a", "12345678901"));
    assert_eq!(ask("/list", FORM, long, 413), json!("a part of the form holds more than 10 bytes"));
    let many = part("name=a", "").repeat(2);
    assert_eq!(ask("/few", FORM, many, 413), json!("the form has more than 1 parts"));
    client.post("/few").header("content-type", FORM).body(whole).send().assert_status(204);
}

#[test]
fn the_document_says_that_it_is_a_form() {
    let document = client().get("/openapi.json").send().json::<Value>();
    let body = &document["paths"]["/list"]["post"]["requestBody"];
    let content = json!({"multipart/form-data": {"schema": {"type": "object"}}});
    assert_eq!(body, &json!({"required": true, "content": content}));
}
