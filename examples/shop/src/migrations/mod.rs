//! The tables' history, for sea-orm-migration. A migration that has been applied somewhere is not edited any more;
//! another one follows it. Each is called after its file.

// `async_trait` takes the trait's signatures literally, and they leave a lifetime out.
#![allow(elided_lifetimes_in_paths)]

mod m20261125_000001_create_products;
mod m20261125_000002_create_orders;

use photon::db::migration::prelude::*;

pub(crate) struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261125_000001_create_products::Migration),
            Box::new(m20261125_000002_create_orders::Migration),
        ]
    }
}
