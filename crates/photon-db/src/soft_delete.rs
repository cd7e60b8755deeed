//! Soft delete: rows that are marked as deleted instead of being gone.

use std::future::Future;
use std::time::SystemTime;

use sea_orm::prelude::DateTimeUtc;
use sea_orm::sea_query::{Expr, IntoValueTuple};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, IdenStatic, Iterable, ModelTrait,
    PrimaryKeyToColumn, PrimaryKeyTrait, QueryFilter, Select, Value,
};

use crate::timestamps::as_value;

type KeyOf<E> = <<E as EntityTrait>::PrimaryKey as PrimaryKeyTrait>::ValueType;

/// An entity whose rows stay in the table when they are deleted, with the time of it in a nullable column.
///
/// SeaORM's own `find` finds deleted rows too, and its `delete` really deletes. A unique column keeps the values of
/// deleted rows taken unless its index leaves them out (`WHERE deleted_at IS NULL`). Hooks are not called, and nothing
/// but the one column is written.
///
/// ```
/// mod note {
///     use photon_db::SoftDelete;
///     use photon_db::sea_orm;
///     use photon_db::sea_orm::entity::prelude::*;
///
///     #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
///     #[sea_orm(table_name = "note")]
///     pub struct Model {
///         #[sea_orm(primary_key)]
///         pub id: i32,
///         pub deleted_at: Option<DateTimeUtc>,
///     }
///
///     #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
///     pub enum Relation {}
///
///     impl ActiveModelBehavior for ActiveModel {}
///
///     impl SoftDelete for Entity {
///         fn deleted_at() -> Column {
///             Column::DeletedAt
///         }
///     }
/// }
///
/// use note::Entity as Note;
/// use photon_db::sea_orm::{ConnectionTrait, DbErr};
/// use photon_db::{Db, SoftDelete, SoftDeleteModel};
/// use photon_runtime::Wait;
///
/// let db = Db::open("sqlite::memory:")?;
/// db.execute_unprepared("CREATE TABLE note (id INTEGER PRIMARY KEY, deleted_at TEXT); INSERT INTO note (id) VALUES (1)")
///     .wait()?;
/// let note = Note::find_live_by_id(1).one(&db).wait()?.unwrap();
/// assert!(note.soft_delete(&db).wait()?);
/// assert!(Note::find_live().one(&db).wait()?.is_none());
/// assert!(!Note::soft_delete_by_id(&db, 1).wait()?, "it was deleted before");
/// assert!(Note::restore_by_id(&db, 1).wait()?);
/// # Ok::<(), DbErr>(())
/// ```
pub trait SoftDelete: EntityTrait {
    /// The nullable column that holds the time of the deletion, of one of chrono's types.
    fn deleted_at() -> Self::Column;

    /// Selects the rows that are not deleted.
    #[must_use]
    fn find_live() -> Select<Self> {
        Self::find().live()
    }

    /// Selects the row with a primary key if it is not deleted.
    #[must_use]
    fn find_live_by_id(id: impl Into<KeyOf<Self>>) -> Select<Self> {
        Self::find_by_id(id).live()
    }

    /// Selects the rows that are deleted.
    #[must_use]
    fn find_deleted() -> Select<Self> {
        Self::find().filter(Self::deleted_at().is_not_null())
    }

    /// Marks a row as deleted. The answer is whether that was news: `false` if there is no such row or it was deleted
    /// before, whose time stays.
    ///
    /// # Errors
    /// The database's, or `DbErr::Type` if the column is no timestamp.
    fn soft_delete_by_id<C: ConnectionTrait>(
        db: &C,
        id: impl Into<KeyOf<Self>>,
    ) -> impl Future<Output = Result<bool, DbErr>> + Send {
        mark::<Self, C>(db, key_is::<Self>(id.into().into_value_tuple()), true)
    }

    /// Takes a deletion back. The answer is whether that was news: `false` if there is no such row or it was not
    /// deleted.
    ///
    /// # Errors
    /// The database's.
    fn restore_by_id<C: ConnectionTrait>(
        db: &C,
        id: impl Into<KeyOf<Self>>,
    ) -> impl Future<Output = Result<bool, DbErr>> + Send {
        mark::<Self, C>(db, key_is::<Self>(id.into().into_value_tuple()), false)
    }
}

/// [`SoftDelete`] for a row at hand.
pub trait SoftDeleteModel: ModelTrait {
    /// Whether the row was deleted when it was read.
    fn is_deleted(&self) -> bool;

    /// As [`SoftDelete::soft_delete_by_id`]. The model itself stays as it was read.
    ///
    /// # Errors
    /// The database's, or `DbErr::Type` if the column is no timestamp.
    fn soft_delete<C: ConnectionTrait>(&self, db: &C) -> impl Future<Output = Result<bool, DbErr>> + Send;

    /// As [`SoftDelete::restore_by_id`]. The model itself stays as it was read.
    ///
    /// # Errors
    /// The database's.
    fn restore<C: ConnectionTrait>(&self, db: &C) -> impl Future<Output = Result<bool, DbErr>> + Send;
}

impl<M: ModelTrait> SoftDeleteModel for M
where
    M::Entity: SoftDelete,
{
    fn is_deleted(&self) -> bool {
        self.get(M::Entity::deleted_at()).is_some()
    }

    fn soft_delete<C: ConnectionTrait>(&self, db: &C) -> impl Future<Output = Result<bool, DbErr>> + Send {
        mark::<M::Entity, C>(db, key_is::<M::Entity>(self.get_primary_key_value()), true)
    }

    fn restore<C: ConnectionTrait>(&self, db: &C) -> impl Future<Output = Result<bool, DbErr>> + Send {
        mark::<M::Entity, C>(db, key_is::<M::Entity>(self.get_primary_key_value()), false)
    }
}

/// [`live`](Self::live) for selects that do not begin with [`SoftDelete::find_live`], such as those of related rows.
pub trait SoftDeleteQuery: Sized {
    /// Leaves out the rows that are deleted.
    #[must_use]
    fn live(self) -> Self;
}

impl<E: SoftDelete> SoftDeleteQuery for Select<E> {
    fn live(self) -> Self {
        self.filter(E::deleted_at().is_null())
    }
}

fn key_is<E: EntityTrait>(key: impl IntoIterator<Item = Value>) -> Condition {
    let columns = E::PrimaryKey::iter().map(PrimaryKeyToColumn::into_column);
    columns.zip(key).fold(Condition::all(), |condition, (column, value)| condition.add(column.eq(value)))
}

/// Deletes or restores the row if it is not so already, in one statement: of two at once, one does it.
async fn mark<E: SoftDelete, C: ConnectionTrait>(
    db: &C,
    key: Condition,
    delete: bool,
) -> Result<bool, DbErr> {
    let column = E::deleted_at();
    let kind = E::Model::get_value_type(column);
    let time = as_value(DateTimeUtc::from(SystemTime::now()), &kind).ok_or_else(|| {
        DbErr::Type(format!("{}.{} is no timestamp of chrono", E::default().table_name(), column.as_str()))
    })?;
    let (value, due) = if delete { (time, column.is_null()) } else { (time.as_null(), column.is_not_null()) };
    let update = E::update_many().col_expr(column, column.save_as(Expr::val(value)));
    let done = update.filter(key).filter(due).exec(db).await?;
    Ok(done.rows_affected > 0)
}

#[cfg(all(test, feature = "sqlite"))]
mod tests;
