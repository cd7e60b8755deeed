//! A shop's items and their reviews: typed, validated and documented. Start here.
//!
//! `cargo run --release -p quickstart`, then open <http://127.0.0.1:8000/docs>.

mod store;
#[cfg(test)]
mod tests;

use photon::prelude::*;
use store::Store;

/// What somebody sends to put an item on sale.
#[model]
struct NewItem {
    #[validate(length(min = 3, max = 80))]
    name: String,
    /// In euros.
    #[validate(range(exclusive_min = 0.0, max = 1_000_000.0))]
    price: f64,
    #[serde(default)]
    #[validate(length(max = 10))]
    tags: Vec<String>,
}

/// An item on sale.
#[model]
#[derive(Clone)]
struct Item {
    id: u32,
    name: String,
    price: f64,
    tags: Vec<String>,
}

/// How to order a list of items.
#[model]
#[serde(rename_all = "lowercase")]
enum Order {
    Name,
    Price,
}

#[model]
struct NewReview {
    #[validate(length(min = 1, max = 500))]
    text: String,
    #[validate(range(min = 1, max = 5))]
    stars: u8,
    #[validate(email)]
    author: String,
}

#[model]
#[derive(Clone)]
struct Review {
    id: u32,
    item_id: u32,
    text: String,
    stars: u8,
}

/// List items, a page at a time.
#[get("/items", tags = ["items"])]
fn list_items(
    /// Only items whose name contains this.
    #[query(max_length = 80)]
    q: Option<String>,
    #[query(default = Order::Name)] order: Order,
    #[query(default = 0)] offset: u32,
    #[query(default = 20, ge = 1, le = 100)] limit: u32,
    store: State<Store>,
) -> Vec<Item> {
    let mut items = store.items(|item| q.as_ref().is_none_or(|q| item.name.contains(q)));
    match order {
        Order::Name => items.sort_by(|a, b| a.name.cmp(&b.name)),
        Order::Price => items.sort_by(|a, b| a.price.total_cmp(&b.price)),
    }
    items.into_iter().skip(offset as usize).take(limit as usize).collect()
}

/// Read one item.
#[get("/items/{id}", tags = ["items"], errors(404))]
fn read_item(id: u32, store: State<Store>) -> Result<Item> {
    store.item(id).ok_or_else(|| HttpError::not_found("no such item"))
}

/// Put an item on sale.
#[post("/items", tags = ["items"], status = 201)]
fn create_item(item: NewItem, store: State<Store>) -> Item {
    store.add_item(item)
}

/// Change an item.
#[put("/items/{id}", tags = ["items"], errors(404))]
fn update_item(id: u32, item: NewItem, store: State<Store>) -> Result<Item> {
    store.update_item(id, item).ok_or_else(|| HttpError::not_found("no such item"))
}

/// Take an item off sale, with its reviews.
#[delete("/items/{id}", tags = ["items"], status = 204, errors(404))]
fn delete_item(id: u32, store: State<Store>) -> Result<()> {
    if store.remove_item(id) { Ok(()) } else { Err(HttpError::not_found("no such item")) }
}

/// Read what people say of an item.
#[get("/items/{id}/reviews", tags = ["reviews"], errors(404))]
fn list_reviews(
    id: u32,
    #[query(ge = 1, le = 5)] min_stars: Option<u8>,
    store: State<Store>,
) -> Result<Vec<Review>> {
    store.item(id).ok_or_else(|| HttpError::not_found("no such item"))?;
    Ok(store.reviews(id, min_stars.unwrap_or(1)))
}

/// Say something of an item.
#[post("/items/{id}/reviews", tags = ["reviews"], status = 201, errors(404))]
fn create_review(id: u32, review: NewReview, store: State<Store>) -> Result<Review> {
    store.add_review(id, review).ok_or_else(|| HttpError::not_found("no such item"))
}

fn app() -> App {
    App::new()
        .title("Quickstart")
        .version("1.0.0")
        .description("A shop's items and their reviews.")
        .tag("items", "What is on sale.")
        .tag("reviews", "What people say of it.")
        .state(Store::default())
        .routes(routes![list_items, read_item, create_item, update_item, delete_item])
        .routes(routes![list_reviews, create_review])
}

fn main() -> photon::Result<()> {
    app().run()
}
