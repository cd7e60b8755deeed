//! What the code of the guide stands on: the shop example's tables, the preludes, and a database in memory.

#[path = "../examples/shop/src/entities/mod.rs"]
pub(crate) mod entities;
#[path = "../examples/shop/src/migrations/mod.rs"]
pub(crate) mod migrations;

pub(crate) use entities::{customer, line, order, product};
pub(crate) use migrations::Migrator;
pub(crate) use photon::db::prelude::*;
pub(crate) use photon::prelude::*;
pub(crate) use photon::testing::TestClient;

/// An empty shop.
pub(crate) fn database() -> Db {
    let db = Db::open("sqlite::memory:").expect("a database");
    db.migrate::<Migrator>().expect("its tables");
    db
}

/// The same with products of these names, of each of which there are five.
pub(crate) fn database_with(names: &[&str]) -> Db {
    let db = database();
    for name in names {
        lamp(name).insert(&db).wait().expect("a product");
    }
    db
}

/// Something to put on sale.
pub(crate) fn lamp(name: &str) -> product::ActiveModel {
    product::ActiveModel { name: Set(name.to_owned()), price: Set(950), stock: Set(5), ..Default::default() }
}
