//! The rows beyond a row, in an order of several columns: what pagination by cursor asks the database.
//!
//! Rows are compared column by column, as dictionaries compare words. What SeaORM's own cursor does not know of is done
//! here: columns in different directions, NULL, and whether there is anything on the other side.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sea_orm::sea_query::{ArrayType, BinOper, Expr, ExprTrait, SimpleExpr};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ColumnType, Condition, ConnectionTrait, DbBackend, DbErr, EntityTrait,
    FromQueryResult, IdenStatic, Iterable, ModelTrait, Order, PrimaryKeyToColumn, QueryFilter, QueryOrder,
    QueryResult, QuerySelect, QueryTrait, Select, Value,
};

use super::{CursorOrder, CursorPage};
use crate::json;

/// The longest cursor, in bytes.
pub(super) const LONGEST: usize = 1024;

/// An order in which no two rows are equal.
pub(super) struct Keyset<E: EntityTrait> {
    keys: Vec<Key<E::Column>>,
    backend: DbBackend,
}

struct Key<C> {
    column: C,
    descending: bool,
    nullable: bool,
    kind: ArrayType,
    /// What is compared: the column, but for MySQL's enumerations their texts. MySQL itself sorts those by their
    /// place in the list of texts and compares them as texts.
    compared: SimpleExpr,
    /// The alias under which the value is selected once more, as text. SQLite compares times as the texts that they
    /// are stored as, and several texts stand for one time: `2024-05-31 18:30:00` is `CURRENT_TIMESTAMP`'s way,
    /// `2024-05-31T18:30:00+00:00` the driver's. Only the stored one is in its place.
    text: Option<String>,
}

/// The row with these values in the keys' columns, there or not, from which one looks on.
pub(super) struct Edge {
    values: Vec<Value>,
    /// Whether the row itself counts as beyond.
    inclusive: bool,
}

/// The rows nearest to an edge, and the edges that the first and the last of them are.
struct Nearest<M> {
    items: Vec<M>,
    first: Option<Edge>,
    last: Option<Edge>,
}

impl<E: EntityTrait> Keyset<E> {
    pub(super) fn new(order: CursorOrder<E::Column>, backend: DbBackend) -> Self {
        let CursorOrder(mut columns) = order;
        let descending = columns.last().is_some_and(|(_, descending)| *descending);
        for key in E::PrimaryKey::iter().map(PrimaryKeyToColumn::into_column) {
            if !columns.iter().any(|(column, _)| column.as_str() == key.as_str()) {
                columns.push((key, descending));
            }
        }
        let keys = columns.into_iter().enumerate().map(|(index, (column, descending))| {
            let (kind, definition) = (E::Model::get_value_type(column), column.def());
            let text =
                (backend == DbBackend::Sqlite && is_time(&kind)).then(|| format!("photon_cursor_{index}"));
            let is_enumeration = matches!(definition.get_column_type(), ColumnType::Enum { .. });
            let compared = match Expr::col(column.as_column_ref()) {
                column if backend == DbBackend::MySql && is_enumeration => column.cast_as("char"),
                column => column,
            };
            Key { column, descending, nullable: definition.is_null(), kind, compared, text }
        });
        Self { keys: keys.collect(), backend }
    }

    /// The rows beyond an edge, or from the start: behind it, or before it if the flag beside it says so.
    pub(super) async fn page<C: ConnectionTrait>(
        &self,
        query: Select<E>,
        db: &C,
        cursor: Option<(Edge, bool)>,
        limit: u64,
    ) -> Result<CursorPage<E::Model>, DbErr> {
        let (edge, backwards) = cursor.map_or((None, false), |(edge, backwards)| (Some(edge), backwards));
        let mut statement = self.rows(query.clone(), edge.as_ref(), backwards).limit(limit + 1);
        let mut rows = db.query_all(QueryTrait::query(&mut statement)).await?;
        let more = rows.len() as u64 > limit;
        rows.truncate(limit as usize);
        let Nearest { mut items, first, last } = self.read(&rows)?;
        drop(rows);
        let behind = match (edge, first) {
            (None, _) => None,
            (Some(_), Some(first)) => Some(first),
            // Nothing is left on this side. What is left is on the other, the edge included.
            (Some(edge), None) => Some(Edge { inclusive: !edge.inclusive, ..edge }),
        };
        let behind = match behind {
            Some(edge) if self.any_beyond(query, db, &edge, !backwards).await? => Some(self.encode(&edge)?),
            _ => None,
        };
        let ahead = last.filter(|_| more).map(|edge| self.encode(&edge)).transpose()?;
        let (next, previous) = if backwards { (behind, ahead) } else { (ahead, behind) };
        if backwards {
            items.reverse();
        }
        Ok(CursorPage { items, next, previous })
    }

    fn read(&self, rows: &[QueryResult]) -> Result<Nearest<E::Model>, DbErr> {
        let models = rows.iter().map(|row| E::Model::from_query_result(row, ""));
        let items = models.collect::<Result<Vec<_>, _>>()?;
        let edge = |row: Option<&QueryResult>, model: Option<&E::Model>| {
            row.zip(model).map(|(row, model)| self.edge(row, model)).transpose()
        };
        let (first, last) = (edge(rows.first(), items.first())?, edge(rows.last(), items.last())?);
        Ok(Nearest { items, first, last })
    }

    /// The rows beyond an edge, nearest first.
    pub(super) fn rows(&self, mut query: Select<E>, edge: Option<&Edge>, backwards: bool) -> Select<E> {
        QueryTrait::query(&mut query).clear_order_by().reset_offset();
        for key in &self.keys {
            let order = if key.descending ^ backwards { Order::Desc } else { Order::Asc };
            query = query.order_by(key.compared.clone(), order);
            if let Some(alias) = &key.text {
                query = query.expr_as(Expr::col(key.column.as_column_ref()).cast_as("text"), alias.as_str());
            }
        }
        match edge {
            Some(edge) => query.filter(self.beyond(edge, backwards)),
            None => query,
        }
    }

    /// The part of a list that is before an edge.
    pub(super) fn before(&self, list: Select<E>, edge: &Edge) -> Select<E> {
        list.filter(self.beyond(edge, true))
    }

    async fn any_beyond<C: ConnectionTrait>(
        &self,
        query: Select<E>,
        db: &C,
        edge: &Edge,
        backwards: bool,
    ) -> Result<bool, DbErr> {
        let mut query = query
            .filter(self.beyond(edge, backwards))
            .select_only()
            .expr_as(Expr::cust("1"), "present")
            .limit(1);
        let statement = QueryTrait::query(&mut query).clear_order_by().reset_offset();
        Ok(db.query_one(statement).await?.is_some())
    }

    /// Whether a row is beyond an edge.
    fn beyond(&self, edge: &Edge, backwards: bool) -> Condition {
        let mut alternatives = Condition::any();
        let mut equal_so_far = Condition::all();
        for (key, value) in self.keys.iter().zip(&edge.values) {
            if let Some(further) = self.further(key, value, backwards) {
                alternatives = alternatives.add(equal_so_far.clone().add(further));
            }
            equal_so_far = equal_so_far.add(key.column.eq(value.clone()));
        }
        if edge.inclusive {
            alternatives = alternatives.add(equal_so_far);
        }
        // Follows from the alternatives, and lets the database begin in the middle of an index.
        let bound = self.keys.first().zip(edge.values.first()).filter(|(key, _)| !key.nullable);
        let bound = bound.map(|(key, value)| {
            let up = !(key.descending ^ backwards);
            key.compare(if up { BinOper::GreaterThanOrEqual } else { BinOper::SmallerThanOrEqual }, value)
        });
        Condition::all().add_option(bound).add(alternatives)
    }

    /// Whether a column's value is further than this one, unless none can be.
    fn further(&self, key: &Key<E::Column>, value: &Value, backwards: bool) -> Option<SimpleExpr> {
        let up = !(key.descending ^ backwards);
        // PostgreSQL takes NULL for greater than everything, the others for smaller.
        let null_is_further = up == (self.backend == DbBackend::Postgres);
        if !value.is_some() {
            return (!null_is_further).then(|| key.column.is_not_null());
        }
        let further = key.compare(if up { BinOper::GreaterThan } else { BinOper::SmallerThan }, value);
        Some(if key.nullable && null_is_further { further.or(key.column.is_null()) } else { further })
    }

    /// A row as an edge.
    fn edge(&self, row: &QueryResult, model: &E::Model) -> Result<Edge, DbErr> {
        let value = |key: &Key<E::Column>| match &key.text {
            Some(alias) => row.try_get::<Option<String>>("", alias).map(Value::from),
            None => Ok(model.get(key.column)),
        };
        Ok(Edge { values: self.keys.iter().map(value).collect::<Result<_, _>>()?, inclusive: false })
    }

    fn encode(&self, edge: &Edge) -> Result<String, DbErr> {
        let values = self.keys.iter().zip(&edge.values).map(|(key, value)| {
            json::to_json(value).ok_or_else(|| {
                DbErr::Type(format!("a list cannot be paged by {}: no type for that", key.column.as_str()))
            })
        });
        let values = values.collect::<Result<Vec<_>, _>>()?;
        let cursor = URL_SAFE_NO_PAD.encode(serde_json::json!([edge.inclusive, values]).to_string());
        if cursor.len() > LONGEST {
            let columns: Vec<&str> = self.keys.iter().map(|key| key.column.as_str()).collect();
            let columns = columns.join(", ");
            return Err(DbErr::Custom(format!(
                "values of {columns} are too long for a cursor of {LONGEST} bytes"
            )));
        }
        Ok(cursor)
    }

    /// Reads a cursor. Whatever a client makes up, it is values of the columns' own types, or nothing.
    pub(super) fn decode(&self, cursor: &str) -> Option<Edge> {
        if cursor.len() > LONGEST {
            return None;
        }
        let text = URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let (inclusive, values): (bool, Vec<serde_json::Value>) = serde_json::from_slice(&text).ok()?;
        if values.len() != self.keys.len() {
            return None;
        }
        // Knows which texts an enumeration has, which columns are never NULL, and what wrappers ask for.
        let mut judge = <E::ActiveModel as ActiveModelTrait>::default();
        let values = self.keys.iter().zip(values).map(|(key, json)| {
            let value = json::from_json(&key.kind, &json, self.backend).ok()?;
            judge.try_set(key.column, value.clone()).ok()?;
            Some(if key.text.is_some() { Value::from(json.as_str().map(str::to_owned)) } else { value })
        });
        Some(Edge { values: values.collect::<Option<_>>()?, inclusive })
    }
}

impl<C: ColumnTrait> Key<C> {
    fn compare(&self, operator: BinOper, value: &Value) -> SimpleExpr {
        self.compared.clone().binary(operator, self.column.save_as(Expr::val(value.clone())))
    }
}

fn is_time(kind: &ArrayType) -> bool {
    matches!(
        kind,
        ArrayType::ChronoDate
            | ArrayType::ChronoTime
            | ArrayType::ChronoDateTime
            | ArrayType::ChronoDateTimeUtc
            | ArrayType::ChronoDateTimeLocal
            | ArrayType::ChronoDateTimeWithTimeZone
    )
}
