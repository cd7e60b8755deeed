//! The whole API, called in process.

use photon::testing::TestClient;
use serde_json::{Value, json};

use crate::app;

fn lamp() -> Value {
    json!({"name": "Lamp", "price": 9.5})
}

#[test]
fn items_are_created_read_changed_and_deleted() {
    let client = TestClient::new(app());
    let created = client.post("/items").json(&lamp()).send().assert_status(201);
    assert_eq!(created.json::<Value>(), json!({"id": 1, "name": "Lamp", "price": 9.5, "tags": []}));

    assert_eq!(client.get("/items/1").send().assert_status(200).json::<Value>()["name"], "Lamp");
    let changed = json!({"name": "Lantern", "price": 8, "tags": ["light"]});
    client.put("/items/1").json(&changed).send().assert_status(200);
    assert_eq!(client.get("/items?q=Lant").send().json::<Value>()[0]["price"], 8.0);

    client.delete("/items/1").send().assert_status(204);
    let missing = client.get("/items/1").send().assert_status(404);
    assert_eq!(missing.json::<Value>(), json!({"detail": "no such item"}));
}

#[test]
fn every_error_is_reported_at_once() {
    let client = TestClient::new(app());
    let response = client.put("/items/x").json(&json!({"name": "ab", "price": 0})).send().assert_status(422);
    assert_eq!(
        response.json::<Value>()["detail"],
        json!([
            {
                "type": "int_parsing",
                "loc": ["path", "id"],
                "msg": "Input should be a valid integer, unable to parse string as an integer",
                "input": "x"
            },
            {
                "type": "string_too_short",
                "loc": ["body", "name"],
                "msg": "String should have at least 3 characters",
                "input": "ab",
                "ctx": {"min_length": 3}
            },
            {
                "type": "greater_than",
                "loc": ["body", "price"],
                "msg": "Input should be greater than 0",
                "input": 0,
                "ctx": {"gt": 0.0}
            }
        ])
    );
}

/// The exchange that the README shows.
#[test]
fn faults_of_path_and_body_come_together() {
    let response =
        TestClient::new(app()).put("/items/x").json(&json!({"name": "ab"})).send().assert_status(422);
    let detail = response.json::<Value>()["detail"].clone();
    let faults: Vec<_> = (0..3).map(|index| (&detail[index]["type"], &detail[index]["loc"])).collect();
    assert_eq!(faults[0], (&json!("int_parsing"), &json!(["path", "id"])));
    assert_eq!(faults[1], (&json!("string_too_short"), &json!(["body", "name"])));
    assert_eq!(faults[2], (&json!("missing"), &json!(["body", "price"])));
    assert_eq!(detail[2]["input"], json!({"name": "ab"}));
}

#[test]
fn lists_are_ordered_and_paged() {
    let client = TestClient::new(app());
    for (name, price) in [("Chair", 30), ("Apple", 40), ("Bench", 20)] {
        client.post("/items").json(&json!({"name": name, "price": price})).send().assert_status(201);
    }
    let names = |target: &str| {
        let items = client.get(target).send().assert_status(200).json::<Vec<Value>>();
        items.into_iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names("/items"), ["Apple", "Bench", "Chair"]);
    assert_eq!(names("/items?order=price&limit=2"), ["Bench", "Chair"]);
    assert_eq!(names("/items?order=price&offset=2"), ["Apple"]);
    client.get("/items?order=size").send().assert_status(422);
    client.get("/items?limit=101").send().assert_status(422);
}

#[test]
fn reviews_belong_to_an_item() {
    let client = TestClient::new(app());
    let review = json!({"text": "Bright.", "stars": 4, "author": "ada@example.com"});
    client.post("/items/1/reviews").json(&review).send().assert_status(404);
    client.post("/items").json(&lamp()).send().assert_status(201);
    client.post("/items/1/reviews").json(&review).send().assert_status(201);
    assert_eq!(client.get("/items/1/reviews?min_stars=5").send().json::<Value>(), json!([]));
    assert_eq!(client.get("/items/1/reviews").send().json::<Value>()[0]["stars"], 4);
    let wrong = json!({"text": "Bright.", "stars": 6, "author": "ada"});
    let refused = client.post("/items/1/reviews").json(&wrong).send().assert_status(422);
    assert_eq!(refused.json::<Value>()["detail"].as_array().unwrap().len(), 2);
}
