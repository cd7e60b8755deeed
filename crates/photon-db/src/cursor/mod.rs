//! Pagination by cursor: the rows after this one, however many there are before it.

mod error;
mod keyset;
mod order;
mod params;
#[cfg(all(test, feature = "sqlite"))]
mod tests;

use std::future::Future;

use photon_core::{IntoResponse, Model, OperationDoc, Response, StatusCode};
use schemars::JsonSchema;
use sea_orm::{ConnectionTrait, EntityTrait, Select};
use serde::Serialize;

pub use error::CursorError;
pub use order::CursorOrder;
pub use params::CursorParams;

use crate::page::type_path;
use keyset::Keyset;

/// Some items of a list, and where it goes on; as a return value, a JSON object.
///
/// The document calls it by its items: `CursorPage<Post>` is `CursorPage_Post`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "CursorPage_{T}", description = "Some items of a list, and where it goes on.")]
#[schemars(extend("x-photon-type" = type_path::<T>("CursorPage")))]
pub struct CursorPage<T> {
    /// The items, at most `limit`.
    pub items: Vec<T>,
    /// The cursor to send as `after` for the items behind these; `null` at the end.
    pub next: Option<String>,
    /// The cursor to send as `before` for the items before these; `null` at the start.
    pub previous: Option<String>,
}

impl<T> CursorPage<T> {
    /// The same page of other items, each made from one of these.
    #[must_use]
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> CursorPage<U> {
        let Self { items, next, previous } = self;
        CursorPage { items: items.into_iter().map(f).collect(), next, previous }
    }
}

impl<T: Model> Model for CursorPage<T> {}

impl<T: Model + Serialize> IntoResponse for CursorPage<T> {
    fn into_response(self) -> Response {
        Response::json(&self)
    }

    fn describe(operation: &mut OperationDoc<'_>) {
        operation.json_response::<Self>(StatusCode::OK);
    }
}

/// [`cursor_page`](Self::cursor_page) for SeaORM's selects.
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
/// #     }
/// #     #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
/// #     pub enum Relation {}
/// #     impl ActiveModelBehavior for ActiveModel {}
/// # }
/// use photon_core::Result;
/// use photon_db::sea_orm::EntityTrait;
/// use photon_db::{CursorOrder, CursorPage, CursorParams, CursorQuery, Db};
/// use photon_runtime::Wait;
///
/// fn list_posts(db: Db, cursor: CursorParams) -> Result<CursorPage<post::Model>> {
///     let latest_first = CursorOrder::desc([post::Column::Id]);
///     Ok(post::Entity::find().cursor_page(&db, latest_first, cursor).wait()?)
/// }
/// # use photon_db::sea_orm::ConnectionTrait;
/// # let db = Db::open("sqlite::memory:")?;
/// # db.execute_unprepared("CREATE TABLE post (id INTEGER PRIMARY KEY); INSERT INTO post VALUES (1), (2), (3)").wait()?;
/// # let first = list_posts(db.clone(), CursorParams { limit: 2, ..CursorParams::default() })?;
/// # let second = list_posts(db, CursorParams { after: first.next, ..CursorParams::default() })?;
/// # assert_eq!(second.items, [post::Model { id: 1 }]);
/// # assert!(second.next.is_none() && second.previous.is_some());
/// # Ok::<(), photon_core::HttpError>(())
/// ```
pub trait CursorQuery<E: EntityTrait>: Sized {
    /// Selects the rows that the parameters ask for, in this order instead of the query's own.
    ///
    /// A cursor holds the values of the columns in the last row or the first, so rows that come or go shift nothing.
    /// It is no secret: a client can read those values. It is no proof either: a client may make one up, and gets the
    /// rows from there. Texts longer than some hundred bytes, floating-point numbers and JSON make no good order.
    /// With a cursor a second statement asks whether there are rows on its other side. With two, the list is what is
    /// between them, read from its start.
    ///
    /// # Errors
    /// [`CursorError::Invalid`] for a cursor that does not fit the columns; the database's errors.
    fn cursor_page<C: ConnectionTrait, const MAX: u64>(
        self,
        db: &C,
        order: impl Into<CursorOrder<E::Column>>,
        params: CursorParams<MAX>,
    ) -> impl Future<Output = Result<CursorPage<E::Model>, CursorError>> + Send;
}

impl<E: EntityTrait> CursorQuery<E> for Select<E> {
    fn cursor_page<C: ConnectionTrait, const MAX: u64>(
        self,
        db: &C,
        order: impl Into<CursorOrder<E::Column>>,
        params: CursorParams<MAX>,
    ) -> impl Future<Output = Result<CursorPage<E::Model>, CursorError>> + Send {
        let keyset = Keyset::<E>::new(order.into(), db.get_database_backend());
        async move {
            let edge = |parameter, cursor: Option<String>| match cursor {
                None => Ok(None),
                Some(cursor) => keyset.decode(&cursor).map(Some).ok_or_else(|| {
                    let reason = "this is no cursor of this list";
                    CursorError::Invalid { parameter, cursor, reason }
                }),
            };
            let (after, before) = (edge("after", params.after)?, edge("before", params.before)?);
            let (list, cursor) = match (after, before) {
                (None, None) => (self, None),
                (Some(after), None) => (self, Some((after, false))),
                (None, Some(before)) => (self, Some((before, true))),
                (Some(after), Some(before)) => (keyset.before(self, &before), Some((after, false))),
            };
            Ok(keyset.page(list, db, cursor, params.limit.clamp(1, i64::MAX as u64 - 1)).await?)
        }
    }
}
