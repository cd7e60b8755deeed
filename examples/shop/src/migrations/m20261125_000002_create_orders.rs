//! Orders and their lines.

use photon::db::migration::prelude::*;
use photon::db::migration::schema::{big_integer, boolean, integer, pk_auto, timestamp_with_time_zone};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let orders = Table::create()
            .table(Purchase::Table)
            .col(pk_auto(Purchase::Id))
            .col(integer(Purchase::CustomerId))
            .col(big_integer(Purchase::Total))
            .col(boolean(Purchase::Cancelled).default(false))
            .col(timestamp_with_time_zone(Purchase::CreatedAt))
            .foreign_key(
                ForeignKey::create().from(Purchase::Table, Purchase::CustomerId).to("customer", "id"),
            )
            .take();
        manager.create_table(orders).await?;
        let lines = Table::create()
            .table(Line::Table)
            .col(pk_auto(Line::Id))
            .col(integer(Line::OrderId))
            .col(integer(Line::ProductId))
            .col(integer(Line::Quantity))
            .col(big_integer(Line::Price))
            .foreign_key(
                ForeignKey::create().from(Line::Table, Line::OrderId).to(Purchase::Table, Purchase::Id),
            )
            .foreign_key(ForeignKey::create().from(Line::Table, Line::ProductId).to("product", "id"))
            .take();
        manager.create_table(lines).await?;
        let index = Index::create().name("line_order_id").table(Line::Table).col(Line::OrderId).take();
        manager.create_index(index).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(Line::Table).take()).await?;
        manager.drop_table(Table::drop().table(Purchase::Table).take()).await
    }

    /// All of it or nothing, in SQLite too.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

#[derive(DeriveIden)]
enum Purchase {
    Table,
    Id,
    CustomerId,
    Total,
    Cancelled,
    CreatedAt,
}

#[derive(DeriveIden)]
enum Line {
    Table,
    Id,
    OrderId,
    ProductId,
    Quantity,
    Price,
}
