//! SeaORM from plain blocking code.
//!
//! A [`Db`] is a database with a pool of connections: SQLite compiled into the program, PostgreSQL, MySQL or MariaDB
//! by URL. It implements SeaORM's connection and transaction traits, so SeaORM's own documentation applies with
//! `.wait()` for `.await`:
//!
//! ```
//! use photon_db::Db;
//! use photon_db::sea_orm::ActiveValue::Set;
//! use photon_db::sea_orm::{self, ConnectionTrait, DbBackend, Schema, entity::prelude::*};
//! use photon_runtime::Wait;
//!
//! #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
//! #[sea_orm(table_name = "lamp")]
//! pub struct Model {
//!     #[sea_orm(primary_key)]
//!     pub id: i32,
//!     pub name: String,
//! }
//!
//! #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
//! pub enum Relation {}
//!
//! impl ActiveModelBehavior for ActiveModel {}
//!
//! fn main() -> Result<(), DbErr> {
//!     let db = Db::open("sqlite::memory:")?;
//!     db.execute(&Schema::new(DbBackend::Sqlite).create_table_from_entity(Entity)).wait()?;
//!     let lamp = db.transaction(|tx| ActiveModel { name: Set("Desk".to_owned()), ..Default::default() }.insert(tx).wait())?;
//!     assert_eq!(Entity::find_by_id(lamp.id).one(&db).wait()?, Some(lamp));
//!     Ok(())
//! }
//! ```
//!
//! The statements are SeaORM's, the connections are sqlx's; the pool between them is this crate's. It keeps each
//! connection on the worker thread that opened it and drives its socket there, which is what makes waiting cheap.
//!
//! # Features
//! `sqlite` (on by default), `postgres`, `mysql`; `tls` for encrypted connections to servers.

#[cfg(not(any(feature = "sqlite", feature = "postgres", feature = "mysql")))]
compile_error!("choose a database: the features are `sqlite`, `postgres` and `mysql`");

mod bounded;
mod connection;
mod connector;
mod cursor;
mod db;
mod error;
#[cfg(all(test, feature = "sqlite"))]
mod fixtures;
mod json;
mod like;
mod migrate;
mod options;
mod page;
mod pool;
mod prompt;
mod request;
mod run;
mod seed;
mod servers;
mod session;
mod soft_delete;
#[cfg(feature = "sqlite")]
mod sqlite;
mod statement;
mod stream;
pub mod testing;
mod timestamps;
mod transaction;
mod tx;
mod url;

pub use cursor::{CursorError, CursorOrder, CursorPage, CursorParams, CursorQuery};
pub use db::Db;
pub use like::{containing, starting_with};
pub use migrate::{AppliedMigration, Migrations};
pub use options::DbOptions;
pub use page::{Page, PageParams, PageQuery};
pub use pool::PoolMetrics;
pub use request::NamedDb;
pub use sea_orm;
pub use seed::{SeedError, Seedable, Seeded, Seeds, seed, seed_text};
pub use soft_delete::{SoftDelete, SoftDeleteModel, SoftDeleteQuery};
pub use stream::RowStream;
pub use timestamps::{stamp, stamp_all};
pub use transaction::Transaction;
pub use tx::Tx;

/// What entities and queries need of SeaORM: `use photon::db::prelude::*;`. SeaORM itself is among it, because its
/// derives name it.
pub mod prelude {
    pub use crate::{CursorQuery, PageQuery, SoftDelete, SoftDeleteModel, SoftDeleteQuery};
    pub use sea_orm;
    pub use sea_orm::entity::prelude::*;
    pub use sea_orm::{
        ActiveValue, Condition, DbBackend, IntoActiveModel, NotSet, QueryOrder, QuerySelect, QueryTrait, Set,
        Statement, TransactionSession, TransactionTrait,
    };
}

/// Migrations: sea-orm-migration, whose documentation applies.
pub mod migration {
    pub use sea_orm_migration::*;

    /// What a migration needs: `use photon::db::migration::prelude::*;`.
    pub mod prelude {
        pub use sea_orm_migration;
        pub use sea_orm_migration::prelude::*;
        pub use sea_orm_migration::schema;
    }
}
