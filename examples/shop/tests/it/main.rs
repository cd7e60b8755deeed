//! The program from outside: it starts with nothing installed, and 64 clients at once never buy more than there is.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

/// A shop on a free port, in a directory of its own; ended with the test.
struct Shop {
    child: Child,
    port: u16,
    directory: PathBuf,
}

impl Shop {
    fn start(name: &str, database: Option<&str>) -> Self {
        let directory = std::env::temp_dir().join(format!("photon-shop-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&directory);
        std::fs::create_dir(&directory).expect("a directory");
        let mut command = Command::new(env!("CARGO_BIN_EXE_shop"));
        match database {
            Some(url) => command.env("DATABASE_URL", url),
            None => command.env_remove("DATABASE_URL"),
        };
        command.current_dir(&directory).env("HOST", "127.0.0.1").env("PORT", "0").stderr(Stdio::piped());
        let child = command.spawn().expect("the shop starts");
        let mut shop = Self { child, port: 0, directory };
        let mut said = BufReader::new(shop.child.stderr.take().expect("piped"));
        let mut line = String::new();
        // Migrations are told of before the address.
        while shop.port == 0 {
            line.clear();
            assert_ne!(said.read_line(&mut line).expect("text"), 0, "the shop ended before it listened");
            let port = line.trim().split_once("http://").and_then(|(_, address)| address.rsplit(':').next());
            shop.port = port.and_then(|port| port.parse().ok()).unwrap_or(0);
        }
        // What it says later must not fill the pipe.
        thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
        shop
    }

    fn connect(&self) -> Client {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a timeout");
        stream.set_nodelay(true).expect("no delay");
        Client(BufReader::new(stream))
    }

    /// Ends it as a service manager does; it has to end well.
    fn stop(&mut self) {
        let sent = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        assert!(sent.expect("kill runs").success());
        assert!(self.child.wait().expect("an end").success());
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// One connection that is kept.
struct Client(BufReader<TcpStream>);

impl Client {
    fn send(&mut self, method: &str, target: &str, body: Option<&Value>) -> (u16, Value) {
        let body = body.map(Value::to_string).unwrap_or_default();
        let head = format!(
            "{method} {target} HTTP/1.1\r\nhost: shop\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        self.0.get_mut().write_all(format!("{head}{body}").as_bytes()).expect("a request");
        let mut line = String::new();
        self.0.read_line(&mut line).expect("a status line");
        let status = line.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        let mut length = 0;
        loop {
            line.clear();
            self.0.read_line(&mut line).expect("a header field");
            let Some((name, value)) = line.split_once(':') else { break };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().expect("a length");
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).expect("a body");
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    fn get(&mut self, target: &str) -> Value {
        let (status, body) = self.send("GET", target, None);
        assert_eq!(status, 200, "{target}: {body}");
        body
    }

    fn create(&mut self, target: &str, body: &Value) -> i64 {
        let (status, body) = self.send("POST", target, Some(body));
        assert_eq!(status, 201, "{target}: {body}");
        body["id"].as_i64().expect("an id")
    }
}

/// 64 clients want 1,280 pieces of 5 products, of which there are 100 each.
fn nobody_buys_what_is_not_there(shop: &Shop) {
    const CLIENTS: u64 = 64;
    const ORDERS: u64 = 4;
    const STOCK: i64 = 100;
    let mut client = shop.connect();
    let customer = client.create("/customers", &json!({"name": "Ada", "email": "ada@example.com"}));
    let products: Vec<i64> = (0..5)
        .map(|n| json!({"name": format!("Product {n}"), "price": 100 + n, "stock": STOCK}))
        .map(|product| client.create("/products", &product))
        .collect();

    let sold: Vec<BTreeMap<i64, i64>> = thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|number| {
                let (mut client, products) = (shop.connect(), products.clone());
                scope.spawn(move || {
                    let mut bought = BTreeMap::new();
                    for order in 0..ORDERS {
                        // Different clients name the products in different sequences.
                        let first = ((number + order) % 5) as usize;
                        let lines: Vec<(i64, i64)> = match number % 2 {
                            0 => vec![(products[first], 2), (products[(first + 1) % 5], 3)],
                            _ => vec![(products[(first + 1) % 5], 3), (products[first], 2)],
                        };
                        let wanted: Vec<Value> = lines
                            .iter()
                            .map(|(product, quantity)| json!({"product_id": product, "quantity": quantity}))
                            .collect();
                        let order = json!({"customer_id": customer, "lines": wanted});
                        match client.send("POST", "/orders", Some(&order)) {
                            (201, _) => lines.iter().for_each(|(product, quantity)| {
                                *bought.entry(*product).or_default() += quantity;
                            }),
                            (409, body) => {
                                assert!(body["detail"].as_str().unwrap().contains("only"), "{body}");
                            }
                            (status, body) => panic!("{status}: {body}"),
                        }
                    }
                    bought
                })
            })
            .collect();
        clients.into_iter().map(|client| client.join().expect("no client fails")).collect()
    });

    let mut refused = 0;
    for product in products {
        let stock = client.get(&format!("/products/{product}"))["stock"].as_i64().expect("a stock");
        let bought: i64 = sold.iter().filter_map(|bought| bought.get(&product)).sum();
        assert_eq!(stock, STOCK - bought, "product {product}");
        assert!((0..=STOCK).contains(&stock), "product {product}: {stock}");
        refused += i64::from(stock < 3);
    }
    // The test was hard enough: most products ran out.
    assert!(refused >= 3, "only {refused} products ran out");
}

/// Clients that hang up before the answer: each order is there as a whole or not at all.
fn hanging_up_leaves_nothing_half_done(shop: &Shop) {
    const STOCK: i64 = 1_000;
    let mut client = shop.connect();
    let customer = client.create("/customers", &json!({"name": "Eve", "email": "eve@example.com"}));
    let product = client.create("/products", &json!({"name": "Chair", "price": 100, "stock": STOCK}));
    let order =
        json!({"customer_id": customer, "lines": [{"product_id": product, "quantity": 1}]}).to_string();
    let request = format!(
        "POST /orders HTTP/1.1\r\nhost: shop\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{order}",
        order.len()
    );
    thread::scope(|scope| {
        for number in 0..64_u64 {
            let (mut client, request) = (shop.connect(), request.as_bytes());
            scope.spawn(move || {
                client.0.get_mut().write_all(request).expect("a request");
                thread::sleep(Duration::from_micros(number * 50));
                // Dropped, and so closed, with or without an answer on its way.
            });
        }
    });
    // What was begun is finished without its client; then everything adds up and stays so.
    let mut consistent = 0;
    for _ in 0..200 {
        let stock = client.get(&format!("/products/{product}"))["stock"].as_i64().expect("a stock");
        let (mut ordered, mut target) = (0, format!("/orders?customer_id={customer}&limit=100"));
        loop {
            let page = client.get(&target);
            ordered += page["items"].as_array().expect("orders").len() as i64;
            let Some(next) = page["next"].as_str() else { break };
            target = format!("/orders?customer_id={customer}&limit=100&after={next}");
        }
        consistent = if stock == STOCK - ordered { consistent + 1 } else { 0 };
        if consistent == 10 {
            return;
        }
        thread::sleep(Duration::from_millis(20));
    }
    panic!("stock and orders do not add up");
}

#[test]
fn it_starts_with_nothing_installed_and_keeps_its_data() {
    let mut shop = Shop::start("file", None);
    nobody_buys_what_is_not_there(&shop);
    hanging_up_leaves_nothing_half_done(&shop);
    assert_eq!(shop.connect().get("/openapi.json")["info"]["title"], "Shop");
    shop.stop();
    let file = shop.directory.join("shop.db");
    assert!(file.exists());
    // Everything is in the file itself: the log was put into it at the end.
    assert!(!shop.directory.join("shop.db-wal").exists());
}

#[test]
fn on_postgresql_it_is_the_same() {
    let Ok(url) = std::env::var("TEST_DATABASE_URL") else { return };
    let shop = Shop::start("postgres", Some(&url));
    nobody_buys_what_is_not_there(&shop);
    hanging_up_leaves_nothing_half_done(&shop);
}
