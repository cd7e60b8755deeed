//! From the text of a seed to rows in a table.

use std::path::Path;

use photon_runtime::Wait;
use sea_orm::sea_query::{Expr, ExprTrait, SelectStatement};
use sea_orm::{
    ActiveModelBehavior, ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, DbBackend, DbErr,
    IdenStatic, IntoActiveModel, Iterable, ModelTrait, PrimaryKeyToColumn, PrimaryKeyTrait, QueryFilter,
    Statement, Value,
};
use serde_json::Map;

use super::{SeedError, Seedable, Seeded};
use crate::Transaction;
use crate::json;

type Row = Map<String, serde_json::Value>;

/// How a seed is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Yaml,
    Json,
    /// One of them.
    Any,
}

impl Format {
    pub(super) fn of(path: &Path) -> Result<Self, SeedError> {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("yaml" | "yml") => Ok(Self::Yaml),
            Some("json") => Ok(Self::Json),
            _ => Err(SeedError::Format {
                place: path.display().to_string(),
                problem: "the name of a seed ends in .yaml, .yml or .json".to_owned(),
            }),
        }
    }

    fn rows(self, text: &str) -> Result<Vec<Row>, String> {
        let json = |text| serde_json::from_str(text).map_err(|error| error.to_string());
        // YAML 1.2 knows no other truths than `true` and `false`; `NO` is a country.
        let options = serde_saphyr::options! { strict_booleans: true };
        match self {
            Self::Json => json(text),
            Self::Yaml => {
                serde_saphyr::from_str_with_options(text, options).map_err(|error| error.to_string())
            }
            // JSON is YAML but for some escapes, so what is wrong with it, YAML says as well.
            Self::Any => json(text).or_else(|_| Self::Yaml.rows(text)),
        }
    }
}

/// Seeds a table from text.
pub(super) fn text<E: Seedable>(
    tx: &Transaction,
    place: &str,
    text: &str,
    format: Format,
) -> Result<Seeded, SeedError> {
    let rows = format.rows(text).map_err(|problem| SeedError::Format { place: place.to_owned(), problem })?;
    let backend = tx.get_database_backend();
    let mut seeded = Seeded::default();
    for (index, row) in rows.iter().enumerate() {
        let (place, row_number) = (|| place.to_owned(), index + 1);
        let values = values::<E>(row, backend).map_err(|problem| SeedError::Row {
            place: place(),
            row: row_number,
            problem,
        })?;
        seeded += save::<E>(tx, values).wait().map_err(|error| match error {
            // The value is of the column's kind, but not what its type takes.
            DbErr::Type(problem) => SeedError::Row { place: place(), row: row_number, problem },
            source => SeedError::Refused { place: place(), row: row_number, source },
        })?;
    }
    if seeded.inserted > 0 && backend == DbBackend::Postgres {
        advance_sequence::<E>(tx).wait()?;
    }
    Ok(seeded)
}

/// The values of a row by column; the primary key is among them.
fn values<E: Seedable>(row: &Row, backend: DbBackend) -> Result<Vec<(E::Column, Value)>, String> {
    let mut values = Vec::with_capacity(row.len());
    let mut judge = <E::ActiveModel as ActiveModelTrait>::default();
    for (field, json) in row {
        let is_called = |column: &E::Column| column.json_key() == field || column.as_str() == field;
        let Some(column) = E::Column::iter().find(is_called) else {
            let fields: Vec<&str> = E::Column::iter().map(|column| column.json_key()).collect();
            return Err(format!("there is no field {field}; the fields are {}", fields.join(", ")));
        };
        let value = value::<E>(column, json, backend)
            .map_err(|expected| format!("{field} should be {expected}, not {json}"))?;
        judge.try_set(column, value.clone()).map_err(|_| format!("{field} cannot be {json}"))?;
        values.push((column, value));
    }
    let missing = |key: &E::Column| !values.iter().any(|(column, _)| column.as_str() == key.as_str());
    match E::PrimaryKey::iter().map(PrimaryKeyToColumn::into_column).find(missing) {
        Some(key) => Err(format!("{} is missing, which says which row it is", key.json_key())),
        None => Ok(values),
    }
}

fn value<E: Seedable>(
    column: E::Column,
    json: &serde_json::Value,
    backend: DbBackend,
) -> Result<Value, json::Expected> {
    let kind = E::Model::get_value_type(column);
    #[cfg(feature = "postgres")]
    if matches!(column.def().get_column_type(), sea_orm::ColumnType::Array(_)) {
        return json::list_from_json(&kind, json, backend);
    }
    json::from_json(&kind, json, backend)
}

/// Inserts a row, or updates it if it is there and differs.
async fn save<E: Seedable>(tx: &Transaction, values: Vec<(E::Column, Value)>) -> Result<Seeded, DbErr> {
    let is_key = |column: E::Column| E::PrimaryKey::from_column(column).is_some();
    let keys = values.iter().filter(|(column, _)| is_key(*column));
    let key = keys.fold(Condition::all(), |key, (column, value)| key.add(column.eq(value.clone())));
    let Some(model) = E::find().filter(key).one(tx).await? else {
        let mut row = <E::ActiveModel as ActiveModelBehavior>::new();
        for (column, value) in values {
            row.try_set(column, value)?;
        }
        row.insert(tx).await?;
        return Ok(Seeded { inserted: 1, ..Seeded::default() });
    };
    let different: Vec<_> =
        values.into_iter().filter(|(column, value)| model.get(*column) != *value).collect();
    if different.is_empty() {
        return Ok(Seeded { unchanged: 1, ..Seeded::default() });
    }
    let mut row = model.into_active_model();
    for (column, value) in different {
        row.try_set(column, value)?;
    }
    row.update(tx).await?;
    Ok(Seeded { updated: 1, ..Seeded::default() })
}

/// PostgreSQL's sequence does not notice ids that it did not give. It only goes forward here, for ids that were given
/// and whose rows are gone.
async fn advance_sequence<E: Seedable>(tx: &Transaction) -> Result<(), DbErr> {
    let mut keys = E::PrimaryKey::iter();
    let (Some(key), None, true) = (keys.next(), keys.next(), E::PrimaryKey::auto_increment()) else {
        return Ok(());
    };
    let (entity, column) = (E::default(), key.into_column());
    // The function takes the table as it is written in SQL and the column as it is called.
    let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    let schema = entity.schema_name().map(|schema| quoted(schema) + ".").unwrap_or_default();
    let table = schema + &quoted(entity.table_name());
    let greatest = Expr::col(column).max().cast_as("bigint");
    let greatest = SelectStatement::new().expr_as(greatest, "greatest").from(entity.table_ref()).to_owned();
    let Some(row) = tx.query_one(&greatest).await? else { return Ok(()) };
    let greatest: Option<i64> = row.try_get("", "greatest")?;
    let sql = "SELECT setval(sequence, $3) FROM (SELECT pg_get_serial_sequence($1, $2)::regclass AS sequence) found \
               WHERE $3 > COALESCE(pg_sequence_last_value(sequence), 0)";
    let values = [table.into(), column.as_str().into(), greatest.into()];
    tx.query_one_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, values)).await?;
    Ok(())
}
