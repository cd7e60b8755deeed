//! The whole API, called in process, each test on a database of its own: SQLite in memory, or with
//! `TEST_DATABASE_URL=postgres://…` a database on that server.

use photon::db::testing::TestDb;
use photon::testing::{TestClient, TestResponse};
use serde_json::{Value, json};

use crate::app;
use crate::migrations::Migrator;

struct Shop {
    client: TestClient,
    // Dropped after the client.
    db: TestDb,
}

impl Shop {
    fn new() -> Self {
        let db = TestDb::new::<Migrator>();
        Self { client: TestClient::new(app(db.db())), db }
    }

    fn get(&self, target: &str) -> TestResponse {
        self.client.get(target).send()
    }

    fn post(&self, target: &str, body: &Value) -> TestResponse {
        self.client.post(target).json(body).send()
    }

    fn product(&self, name: &str, stock: i32) -> i64 {
        let product = json!({"name": name, "price": 950, "stock": stock});
        self.post("/products", &product).assert_status(201).json::<Value>()["id"].as_i64().unwrap()
    }

    fn customer(&self) -> i64 {
        let customer = json!({"name": "Ada", "email": "ada@example.com"});
        self.post("/customers", &customer).assert_status(201).json::<Value>()["id"].as_i64().unwrap()
    }

    fn stock(&self, product: i64) -> i64 {
        self.get(&format!("/products/{product}")).assert_status(200).json::<Value>()["stock"]
            .as_i64()
            .unwrap()
    }
}

#[test]
fn products_are_created_read_changed_and_taken_off_sale() {
    let shop = Shop::new();
    let id = shop.product("Lamp", 3);
    let product = shop.get(&format!("/products/{id}")).assert_status(200).json::<Value>();
    assert_eq!(
        (&product["name"], &product["price"], &product["stock"]),
        (&json!("Lamp"), &json!(950), &json!(3))
    );
    assert_eq!(product["created_at"], product["updated_at"]);

    let change = json!({"name": "Lantern", "price": 800});
    let changed = shop.client.put(&format!("/products/{id}")).json(&change).send().assert_status(200);
    assert_eq!(changed.json::<Value>()["stock"], 3);
    let delivered = shop.post(&format!("/products/{id}/deliveries"), &json!({"quantity": 4}));
    assert_eq!(delivered.assert_status(200).json::<Value>()["stock"], 7);

    for status in [204, 404] {
        shop.client.delete(&format!("/products/{id}")).send().assert_status(status);
    }
    shop.get(&format!("/products/{id}")).assert_status(404);
    shop.post(&format!("/products/{id}/deliveries"), &json!({"quantity": 4})).assert_status(404);
    assert_eq!(shop.get("/products").json::<Value>()["total"], 0);
}

#[test]
fn products_come_page_by_page() {
    let shop = Shop::new();
    for name in ["Chair", "Apple", "Bench", "Arm%chair"] {
        shop.product(name, 0);
    }
    let page = shop.get("/products?page=2&per_page=3").assert_status(200).json::<Value>();
    assert_eq!(
        (&page["total"], &page["pages"], &page["items"][0]["name"]),
        (&json!(4), &json!(2), &json!("Chair"))
    );
    // A percent sign is a wildcard of SQL, and here it is a percent sign.
    assert_eq!(shop.get("/products?q=Arm%25ch").json::<Value>()["total"], 1);
    assert_eq!(shop.get("/products?q=A%25e").json::<Value>()["total"], 0);
    assert_eq!(shop.get("/products?q=x'%20OR%20'1'='1").json::<Value>()["total"], 0);
    shop.get("/products?per_page=101").assert_status(422);
    shop.get("/products?page=0").assert_status(422);
}

#[test]
fn an_address_is_taken_once() {
    let shop = Shop::new();
    let id = shop.customer();
    assert_eq!(shop.get(&format!("/customers/{id}")).assert_status(200).json::<Value>()["name"], "Ada");
    shop.post("/customers", &json!({"name": "Eve", "email": "ada@example.com"})).assert_status(409);
    shop.post("/customers", &json!({"name": "", "email": "ada"})).assert_status(422);
}

#[test]
fn an_order_takes_all_of_its_lines_or_nothing() {
    let shop = Shop::new();
    let (customer, lamp, chair) = (shop.customer(), shop.product("Lamp", 5), shop.product("Chair", 1));
    let order = |lines: Value| shop.post("/orders", &json!({"customer_id": customer, "lines": lines}));
    let line = |product: i64, quantity: i64| json!({"product_id": product, "quantity": quantity});

    // The same product twice counts once.
    let placed =
        order(json!([line(chair, 1), line(lamp, 1), line(lamp, 2)])).assert_status(201).json::<Value>();
    assert_eq!((&placed["total"], placed["lines"].as_array().unwrap().len()), (&json!(4 * 950), 2));
    assert_eq!((shop.stock(lamp), shop.stock(chair)), (2, 0));
    assert_eq!(shop.get(&format!("/orders/{}", placed["id"])).assert_status(200).json::<Value>(), placed);

    let refused = order(json!([line(lamp, 1), line(chair, 1)])).assert_status(409);
    assert!(refused.text().contains("only 0"), "{}", refused.text());
    order(json!([line(lamp, 1), line(999, 1)])).assert_status(404);
    order(json!([])).assert_status(422);
    shop.post("/orders", &json!({"customer_id": 999, "lines": [line(lamp, 1)]})).assert_status(404);
    assert_eq!(shop.stock(lamp), 2);
}

#[test]
fn a_cancellation_brings_everything_back_once() {
    let shop = Shop::new();
    let (customer, lamp) = (shop.customer(), shop.product("Lamp", 5));
    let order = json!({"customer_id": customer, "lines": [{"product_id": lamp, "quantity": 4}]});
    let id = shop.post("/orders", &order).assert_status(201).json::<Value>()["id"].clone();
    for _ in 0..2 {
        let cancelled = shop.post(&format!("/orders/{id}/cancellation"), &json!({})).assert_status(200);
        assert_eq!(cancelled.json::<Value>()["cancelled"], true);
        assert_eq!(shop.stock(lamp), 5);
    }
    shop.post("/orders/999/cancellation", &json!({})).assert_status(404);
}

#[test]
fn orders_are_listed_from_the_latest() {
    let shop = Shop::new();
    let (customer, lamp) = (shop.customer(), shop.product("Lamp", 50));
    let order = json!({"customer_id": customer, "lines": [{"product_id": lamp, "quantity": 1}]});
    let mut placed: Vec<i64> =
        (0..5).map(|_| shop.post("/orders", &order).json::<Value>()["id"].as_i64().unwrap()).collect();
    placed.reverse();

    let mut seen = Vec::new();
    let mut target = "/orders?limit=2".to_owned();
    loop {
        let page = shop.get(&target).assert_status(200).json::<Value>();
        seen.extend(page["items"].as_array().unwrap().iter().map(|order| order["id"].as_i64().unwrap()));
        let Some(next) = page["next"].as_str() else { break };
        target = format!("/orders?limit=2&after={next}");
    }
    assert_eq!(seen, placed);
    shop.get("/orders?after=nonsense").assert_status(404);
    assert_eq!(shop.get("/orders?customer_id=999").json::<Value>()["items"], json!([]));
}

#[test]
fn seeds_fill_the_shelves_again_and_again() {
    let shop = Shop::new();
    for _ in 0..2 {
        crate::seed(&shop.db).unwrap();
        assert_eq!(shop.get("/products").json::<Value>()["total"], 5);
        let order = json!({"customer_id": 2, "lines": [{"product_id": 1, "quantity": 25}]});
        shop.post("/orders", &order).assert_status(201);
        shop.post("/orders", &order).assert_status(409);
    }
    // What comes next has an id of its own.
    assert_eq!(shop.product("Stool", 1), 6);
}
