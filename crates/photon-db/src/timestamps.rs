//! Timestamps that keep themselves: `created_at` and `updated_at`.

use std::time::SystemTime;

use sea_orm::prelude::DateTimeUtc;
use sea_orm::sea_query::ArrayType;
use sea_orm::{
    ActiveModelTrait, ActiveValue, EntityTrait, IdenStatic, Iterable, ModelTrait, PrimaryKeyToColumn, Value,
};

/// The columns, by their names in the database.
const CREATED: &str = "created_at";
const UPDATED: &str = "updated_at";

/// Sets the timestamps of rows that are inserted and updated one by one.
///
/// It implements SeaORM's `ActiveModelBehavior`: before an insert it sets the columns `created_at` and `updated_at`,
/// before an update `updated_at`, as [`stamp`](crate::stamp) does. It takes the place of the usual
/// `impl ActiveModelBehavior for ActiveModel {}`. Who has hooks of his own calls [`stamp`](crate::stamp) there.
///
/// SeaORM calls hooks for `insert`, `update` and `save` of an active model. `Entity::insert`, `Entity::insert_many`,
/// `Entity::update` and `Entity::update_many` call none: give inserts through [`stamp_all`](crate::stamp_all), and set
/// the column in updates.
///
/// ```
/// mod post {
///     use photon_db::sea_orm;
///     use photon_db::sea_orm::entity::prelude::*;
///
///     #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
///     #[sea_orm(table_name = "post")]
///     pub struct Model {
///         #[sea_orm(primary_key)]
///         pub id: i32,
///         pub title: String,
///         pub created_at: DateTimeUtc,
///         pub updated_at: DateTimeUtc,
///     }
///
///     #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
///     pub enum Relation {}
///
///     photon_db::timestamps!(ActiveModel);
/// }
///
/// use photon_db::Db;
/// use photon_db::sea_orm::{ActiveModelTrait, ConnectionTrait, DbErr, Schema, Set};
/// use photon_runtime::Wait;
///
/// let db = Db::open("sqlite::memory:")?;
/// let schema = Schema::new(db.get_database_backend());
/// db.execute(&schema.create_table_from_entity(post::Entity)).wait()?;
/// let post = post::ActiveModel { title: Set("Hello".to_owned()), ..Default::default() };
/// let post = post.insert(&db).wait()?;
/// assert_eq!(post.created_at, post.updated_at);
/// # Ok::<(), DbErr>(())
/// ```
#[macro_export]
macro_rules! timestamps {
    ($active_model:ty) => {
        #[$crate::sea_orm::prelude::async_trait::async_trait]
        impl $crate::sea_orm::ActiveModelBehavior for $active_model {
            async fn before_save<C>(
                mut self,
                _db: &C,
                insert: bool,
            ) -> ::std::result::Result<Self, $crate::sea_orm::DbErr>
            where
                C: $crate::sea_orm::ConnectionTrait,
            {
                $crate::stamp(&mut self, insert);
                ::std::result::Result::Ok(self)
            }
        }
    };
}

/// Sets `created_at` and `updated_at` for an insert, or `updated_at` for an update, to the time that it is.
///
/// What the code has set itself stays. An update that sets nothing else, not counting the primary key, is none and
/// changes no time. Columns may have any of chrono's types for points in time; others, and columns that are not there,
/// are left alone.
///
/// ```
/// # mod post {
/// #     use photon_db::sea_orm;
/// #     use photon_db::sea_orm::entity::prelude::*;
/// #     #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
/// #     #[sea_orm(table_name = "post")]
/// #     pub struct Model {
/// #         #[sea_orm(primary_key)]
/// #         pub id: i32,
/// #         pub title: String,
/// #         pub updated_at: Option<DateTimeUtc>,
/// #     }
/// #     #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
/// #     pub enum Relation {}
/// #     impl ActiveModelBehavior for ActiveModel {}
/// # }
/// use photon_db::sea_orm::{Set, Unchanged};
///
/// let mut post = post::ActiveModel { id: Unchanged(1), ..Default::default() };
/// photon_db::stamp(&mut post, false);
/// assert!(post.updated_at.is_not_set());
/// post.title = Set("Hello".to_owned());
/// photon_db::stamp(&mut post, false);
/// assert!(post.updated_at.is_set());
/// ```
pub fn stamp<A: ActiveModelTrait>(model: &mut A, insert: bool) {
    if !insert && !is_changed(model) {
        return;
    }
    let time = DateTimeUtc::from(SystemTime::now());
    for column in <A::Entity as EntityTrait>::Column::iter() {
        let due = match (column.as_str(), insert, model.get(column)) {
            (CREATED | UPDATED, true, ActiveValue::NotSet) => true,
            (UPDATED, false, value) => !matches!(value, ActiveValue::Set(_)),
            _ => false,
        };
        if due && let Some(value) = as_value(time, &<A::Entity as EntityTrait>::Model::get_value_type(column))
        {
            model.set(column, value);
        }
    }
}

/// The same for rows that go to `insert_many`, which calls no hooks.
///
/// ```
/// # mod post {
/// #     use photon_db::sea_orm;
/// #     use photon_db::sea_orm::entity::prelude::*;
/// #     #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
/// #     #[sea_orm(table_name = "post")]
/// #     pub struct Model {
/// #         #[sea_orm(primary_key)]
/// #         pub id: i32,
/// #         pub title: String,
/// #         pub created_at: DateTimeUtc,
/// #     }
/// #     #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
/// #     pub enum Relation {}
/// #     impl ActiveModelBehavior for ActiveModel {}
/// # }
/// use photon_db::sea_orm::{ConnectionTrait, DbErr, EntityTrait, Set};
/// use photon_db::{Db, stamp_all};
/// use photon_runtime::Wait;
///
/// fn import(db: &Db, titles: Vec<String>) -> Result<(), DbErr> {
///     let posts = titles.into_iter().map(|title| post::ActiveModel { title: Set(title), ..Default::default() });
///     post::Entity::insert_many(stamp_all(posts)).exec(db).wait()?;
///     Ok(())
/// }
/// # let db = Db::open("sqlite::memory:")?;
/// # db.execute_unprepared("CREATE TABLE post (id INTEGER PRIMARY KEY, title TEXT, created_at TEXT NOT NULL)").wait()?;
/// # import(&db, vec!["one".to_owned(), "two".to_owned()])?;
/// # assert_eq!(post::Entity::find().all(&db).wait()?.len(), 2);
/// # Ok::<(), DbErr>(())
/// ```
pub fn stamp_all<A: ActiveModelTrait>(models: impl IntoIterator<Item = A>) -> impl Iterator<Item = A> {
    models.into_iter().map(|mut model| {
        stamp(&mut model, true);
        model
    })
}

/// Whether an update writes anything but the time of the update. The primary key says which row it is.
fn is_changed<A: ActiveModelTrait>(model: &A) -> bool {
    <A::Entity as EntityTrait>::Column::iter().any(|column| {
        let is_key = || <A::Entity as EntityTrait>::PrimaryKey::from_column(column).is_some();
        column.as_str() != UPDATED && matches!(model.get(column), ActiveValue::Set(_)) && !is_key()
    })
}

/// A time as a value for a column of one of chrono's types.
pub(crate) fn as_value(time: DateTimeUtc, kind: &ArrayType) -> Option<Value> {
    Some(match kind {
        ArrayType::ChronoDateTime => Value::from(time.naive_utc()),
        ArrayType::ChronoDateTimeUtc => Value::from(time),
        ArrayType::ChronoDateTimeLocal => Value::from(sea_orm::prelude::DateTimeLocal::from(time)),
        ArrayType::ChronoDateTimeWithTimeZone => Value::from(time.fixed_offset()),
        _ => return None,
    })
}

#[cfg(all(test, feature = "sqlite"))]
mod tests;
