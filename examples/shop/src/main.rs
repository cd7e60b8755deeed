//! A shop on a database: products, customers, orders whose stock never goes negative.
//!
//! `cargo run --release -p shop` needs nothing installed: it keeps an SQLite file, `shop.db`, in the current
//! directory. `DATABASE_URL=postgres://user@host/database` uses PostgreSQL instead. Then open
//! <http://127.0.0.1:8000/docs>. With the argument `seed` it fills its shelves and ends.

mod customers;
mod entities;
mod migrations;
mod orders;
mod products;
#[cfg(test)]
mod tests;

use entities::{customer, product};
use photon::Migrate;
use photon::db::seed_text;
use photon::prelude::*;

fn app(db: Db) -> App {
    App::new()
        .title("Shop")
        .version("1.0.0")
        .description("Products, customers and orders.")
        .database(db)
        // For a shop that starts with one command. Where several people depend on a database, it is migrated on
        // purpose instead: that is the default of release builds.
        .migrations::<migrations::Migrator>(Migrate::Always)
        .routes(routes![
            products::list_products,
            products::read_product,
            products::create_product,
            products::update_product,
            products::restock_product,
            products::delete_product,
        ])
        .routes(routes![customers::create_customer, customers::read_customer])
        .routes(routes![orders::create_order, orders::read_order, orders::list_orders, orders::cancel_order])
}

/// Something to look at. Doing it again brings the shelves back to what they were.
fn seed(db: &Db) -> photon::Result<()> {
    db.migrate::<migrations::Migrator>()?;
    let products = seed_text::<product::Entity>(db, include_str!("../seeds/products.yaml"))?;
    let customers = seed_text::<customer::Entity>(db, include_str!("../seeds/customers.yaml"))?;
    println!("products: {products:?}\ncustomers: {customers:?}");
    Ok(())
}

fn main() -> photon::Result<()> {
    let db = Db::from_env("sqlite:shop.db")?;
    match std::env::args().nth(1).as_deref() {
        Some("seed") => seed(&db),
        _ => app(db).run(),
    }
}
