//! The order of a list that is paged by cursor.

/// The columns by which a list is ordered, each upwards or downwards.
///
/// One column or an array of them is an order upwards. The primary key is added where it is missing, so that no two
/// rows are equal. NULL comes where the database puts it: last in PostgreSQL, first elsewhere.
/// Enumerations of MySQL go by their texts.
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
/// #         pub pinned: bool,
/// #         pub created_at: DateTimeUtc,
/// #     }
/// #     #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
/// #     pub enum Relation {}
/// #     impl ActiveModelBehavior for ActiveModel {}
/// # }
/// use photon_db::CursorOrder;
/// use post::Column::{CreatedAt, Id, Pinned};
///
/// let latest_first = CursorOrder::desc([CreatedAt, Id]);
/// let pinned_first = CursorOrder::desc([Pinned]).then_asc([CreatedAt, Id]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CursorOrder<C>(pub(super) Vec<(C, bool)>);

impl<C> CursorOrder<C> {
    /// From the smallest to the greatest.
    #[must_use]
    pub fn asc(columns: impl IntoIterator<Item = C>) -> Self {
        Self(Vec::new()).then_asc(columns)
    }

    /// From the greatest to the smallest.
    #[must_use]
    pub fn desc(columns: impl IntoIterator<Item = C>) -> Self {
        Self(Vec::new()).then_desc(columns)
    }

    /// Among rows that are equal so far, from the smallest to the greatest.
    #[must_use]
    pub fn then_asc(mut self, columns: impl IntoIterator<Item = C>) -> Self {
        self.0.extend(columns.into_iter().map(|column| (column, false)));
        self
    }

    /// Among rows that are equal so far, from the greatest to the smallest.
    #[must_use]
    pub fn then_desc(mut self, columns: impl IntoIterator<Item = C>) -> Self {
        self.0.extend(columns.into_iter().map(|column| (column, true)));
        self
    }
}

impl<C> From<C> for CursorOrder<C> {
    fn from(column: C) -> Self {
        Self::asc([column])
    }
}

impl<C, const N: usize> From<[C; N]> for CursorOrder<C> {
    fn from(columns: [C; N]) -> Self {
        Self::asc(columns)
    }
}
