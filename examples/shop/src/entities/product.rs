//! What is on sale.

use photon::db::prelude::*;
use photon::db::{SoftDelete, timestamps};
use photon::model;

/// Something on sale.
#[model(output)]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "product")]
pub(crate) struct Model {
    #[sea_orm(primary_key)]
    pub(crate) id: i32,
    pub(crate) name: String,
    /// In cents.
    pub(crate) price: i64,
    /// How many are there.
    pub(crate) stock: i32,
    pub(crate) created_at: DateTimeUtc,
    pub(crate) updated_at: DateTimeUtc,
    /// When it was taken off sale; it stays on old orders.
    pub(crate) deleted_at: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

timestamps!(ActiveModel);

impl SoftDelete for Entity {
    fn deleted_at() -> Column {
        Column::DeletedAt
    }
}
