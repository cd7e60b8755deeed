//! Products and customers.

use photon::db::migration::prelude::*;
use photon::db::migration::schema::{
    big_integer, integer, pk_auto, string_len, string_len_uniq, timestamp_with_time_zone,
    timestamp_with_time_zone_null,
};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let products = Table::create()
            .table(Product::Table)
            .col(pk_auto(Product::Id))
            .col(string_len(Product::Name, 80))
            .col(big_integer(Product::Price))
            // The database has the last word on what must never happen.
            .col(integer(Product::Stock).check(Expr::col(Product::Stock).gte(0)))
            .col(timestamp_with_time_zone(Product::CreatedAt))
            .col(timestamp_with_time_zone(Product::UpdatedAt))
            .col(timestamp_with_time_zone_null(Product::DeletedAt))
            .take();
        manager.create_table(products).await?;
        let customers = Table::create()
            .table(Customer::Table)
            .col(pk_auto(Customer::Id))
            .col(string_len(Customer::Name, 80))
            .col(string_len_uniq(Customer::Email, 200))
            .col(timestamp_with_time_zone(Customer::CreatedAt))
            .take();
        manager.create_table(customers).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(Customer::Table).take()).await?;
        manager.drop_table(Table::drop().table(Product::Table).take()).await
    }

    /// All of it or nothing, in SQLite too.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

#[derive(DeriveIden)]
enum Product {
    Table,
    Id,
    Name,
    Price,
    Stock,
    CreatedAt,
    UpdatedAt,
    DeletedAt,
}

#[derive(DeriveIden)]
enum Customer {
    Table,
    Id,
    Name,
    Email,
    CreatedAt,
}
