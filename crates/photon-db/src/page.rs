//! Pagination by page number: page 3 of 12, and how many items there are in all.

use std::future::Future;

use photon_core::validation::Errors;
use photon_core::{
    Argument, FromRequest, HttpError, IntoResponse, Model, OperationDoc, Request, Response, StatusCode,
};
use schemars::JsonSchema;
use sea_orm::{
    ConnectionTrait, DbErr, EntityTrait, PaginatorTrait, Select, SelectModel, Selector, SelectorTrait,
};
use serde::Serialize;

use crate::bounded::{self, Bounded, USUAL};

/// Which page is wanted, as a handler's argument: the query parameters `page`, from 1, and `per_page`, from 1 to `MAX`.
///
/// The defaults are the first page and 20 items, or `MAX` if that is less. Other values are a 422. Pages far back make
/// the database walk over everything before them; [`CursorParams`](crate::CursorParams) does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageParams<const MAX: u64 = 100> {
    /// The page, counted from 1.
    pub page: u64,
    /// How many items a page has.
    pub per_page: u64,
}

impl<const MAX: u64> PageParams<MAX> {
    fn page_parameter() -> Bounded {
        Bounded::new("page", "The page, counted from 1.", u64::MAX, 1)
    }

    fn per_page_parameter() -> Bounded {
        const { assert!(MAX > 0, "a page has at least one item") };
        Bounded::new("per_page", "How many items a page has.", MAX, USUAL.min(MAX))
    }

    /// How many items come before the page, if that can be counted.
    fn offset(self) -> Option<u64> {
        self.page.saturating_sub(1).checked_mul(self.per_page)
    }
}

impl<const MAX: u64> Default for PageParams<MAX> {
    fn default() -> Self {
        Self { page: 1, per_page: USUAL.min(MAX) }
    }
}

impl<const MAX: u64> FromRequest for PageParams<MAX> {
    fn from_request(request: &mut Request) -> Result<Self, HttpError> {
        let mut errors = Errors::new();
        let argument = Argument::new("page", photon_core::Source::Query);
        Self::from_argument(request, &argument, &mut errors).ok_or_else(|| errors.into_error())
    }

    fn from_argument(request: &mut Request, _argument: &Argument, errors: &mut Errors) -> Option<Self> {
        let page = Self::page_parameter().read(request, errors);
        let per_page = Self::per_page_parameter().read(request, errors);
        Some(Self { page: page?, per_page: per_page? })
    }

    fn is_present(request: &Request, _argument: &Argument) -> bool {
        ["page", "per_page"].iter().any(|name| bounded::last(request, name).is_some())
    }

    fn describe(argument: &Argument, operation: &mut OperationDoc<'_>) {
        if !argument.hidden {
            Self::page_parameter().describe(operation);
            Self::per_page_parameter().describe(operation);
        }
    }
}

/// A page of items, and how many there are in all; as a return value, a JSON object.
///
/// The document calls it by its items: `Page<Post>` is `Page_Post`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "Page_{T}", description = "A page of items, and how many there are in all.")]
#[schemars(extend("x-photon-type" = type_path::<T>("Page")))]
pub struct Page<T> {
    /// The items, at most `per_page`.
    pub items: Vec<T>,
    /// The page, counted from 1.
    pub page: u64,
    /// How many items a page has.
    pub per_page: u64,
    /// How many items there are on all pages.
    pub total: u64,
    /// How many pages there are.
    pub pages: u64,
}

impl<T> Page<T> {
    /// The same page of other items, each made from one of these.
    #[must_use]
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Page<U> {
        let Self { items, page, per_page, total, pages } = self;
        Page { items: items.into_iter().map(f).collect(), page, per_page, total, pages }
    }
}

impl<T: Model> Model for Page<T> {}

impl<T: Model + Serialize> IntoResponse for Page<T> {
    fn into_response(self) -> Response {
        Response::json(&self)
    }

    fn describe(operation: &mut OperationDoc<'_>) {
        operation.json_response::<Self>(StatusCode::OK);
    }
}

/// The path of a generic type about `T`, by which the document tells `Page<post::Model>` from `Page<user::Model>`: its
/// module is that of `T`.
pub(crate) fn type_path<T: JsonSchema>(name: &str) -> String {
    let id = T::schema_id();
    let module = id.rsplit_once("::").map_or("", |(module, _)| module);
    format!("{module}::{name}_{}", T::schema_name())
}

/// [`page`](Self::page) for SeaORM's selects, as they are or after `into_model` and `into_partial_model`.
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
/// use photon_db::sea_orm::{DbErr, EntityTrait, QueryOrder};
/// use photon_db::{Db, Page, PageParams, PageQuery};
/// use photon_runtime::Wait;
///
/// fn list_posts(db: Db, page: PageParams) -> Result<Page<post::Model>, DbErr> {
///     post::Entity::find().order_by_asc(post::Column::Id).page(&db, page).wait()
/// }
/// # use photon_db::sea_orm::ConnectionTrait;
/// # let db = Db::open("sqlite::memory:")?;
/// # db.execute_unprepared("CREATE TABLE post (id INTEGER PRIMARY KEY); INSERT INTO post VALUES (1), (2), (3)").wait()?;
/// # let page = list_posts(db, PageParams { page: 2, per_page: 2 })?;
/// # assert_eq!((page.items.len(), page.total, page.pages), (1, 3, 2));
/// # Ok::<(), DbErr>(())
/// ```
pub trait PageQuery: Sized {
    /// What the rows become.
    type Item;

    /// Counts the rows and selects those of one page. A page behind the last one is empty.
    ///
    /// The query needs an order in which no two rows are equal; without one, rows may show up on two pages or on none.
    ///
    /// # Errors
    /// The database's.
    fn page<C: ConnectionTrait, const MAX: u64>(
        self,
        db: &C,
        params: PageParams<MAX>,
    ) -> impl Future<Output = Result<Page<Self::Item>, DbErr>> + Send;
}

impl<E: EntityTrait> PageQuery for Select<E>
where
    E::Model: Sync,
{
    type Item = E::Model;

    fn page<C: ConnectionTrait, const MAX: u64>(
        self,
        db: &C,
        params: PageParams<MAX>,
    ) -> impl Future<Output = Result<Page<E::Model>, DbErr>> + Send {
        page::<_, SelectModel<E::Model>, MAX>(self.into_model::<E::Model>(), db, params)
    }
}

impl<S: SelectorTrait + Send + Sync> PageQuery for Selector<S> {
    type Item = S::Item;

    fn page<C: ConnectionTrait, const MAX: u64>(
        self,
        db: &C,
        params: PageParams<MAX>,
    ) -> impl Future<Output = Result<Page<S::Item>, DbErr>> + Send {
        page(self, db, params)
    }
}

async fn page<C: ConnectionTrait, S: SelectorTrait + Send + Sync, const MAX: u64>(
    query: Selector<S>,
    db: &C,
    params: PageParams<MAX>,
) -> Result<Page<S::Item>, DbErr> {
    // Code, unlike a request, can ask for nothing.
    let params = PageParams::<MAX> { page: params.page.max(1), per_page: params.per_page.max(1) };
    let PageParams { page, per_page } = params;
    let paginator = query.paginate(db, per_page);
    let total = paginator.num_items().await?;
    let items = match params.offset() {
        Some(offset) if offset < total => paginator.fetch_page(page - 1).await?,
        _ => Vec::new(),
    };
    Ok(Page { items, page, per_page, total, pages: total.div_ceil(per_page) })
}

#[cfg(all(test, feature = "sqlite"))]
mod tests;
