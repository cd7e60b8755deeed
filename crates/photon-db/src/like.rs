//! Searching for text as somebody typed it, whose `%` and `_` are no wildcards.

use sea_orm::sea_query::LikeExpr;

/// Marks the character after it as itself. No backslash, which databases disagree about.
const ESCAPE: char = '!';

/// A pattern for `LIKE` that is met by texts which contain this one, wherever. SeaORM's `contains` takes `%` and `_` in
/// it as wildcards; this does not.
///
/// Whether upper and lower case are the same is the database's choice: they are for SQLite (ASCII letters) and for
/// MySQL's usual collations, not for PostgreSQL.
///
/// ```
/// # mod post {
/// #     use photon_db::prelude::*;
/// #     #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
/// #     #[sea_orm(table_name = "post")]
/// #     pub struct Model {
/// #         #[sea_orm(primary_key)]
/// #         pub id: i32,
/// #         pub title: String,
/// #     }
/// #     #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
/// #     pub enum Relation {}
/// #     impl ActiveModelBehavior for ActiveModel {}
/// # }
/// use photon_db::prelude::*;
/// use photon_db::{Db, containing};
/// use photon_runtime::Wait;
///
/// fn count(db: &Db, text: &str) -> Result<usize, DbErr> {
///     Ok(post::Entity::find().filter(post::Column::Title.like(containing(text))).all(db).wait()?.len())
/// }
/// # let db = Db::open("sqlite::memory:")?;
/// # db.execute_unprepared("CREATE TABLE post (id INTEGER PRIMARY KEY, title TEXT)").wait()?;
/// # db.execute_unprepared("INSERT INTO post (title) VALUES ('100 % cotton'), ('a_b!c'), ('plain')").wait()?;
/// # for (text, found) in [("%", 1), ("0 % c", 1), ("_", 1), ("!", 1), ("plai", 1), ("%%", 0), ("' OR 1=1", 0), ("", 3)] {
/// #     assert_eq!(count(&db, text)?, found, "{text}");
/// # }
/// # Ok::<(), DbErr>(())
/// ```
#[must_use]
pub fn containing(text: &str) -> LikeExpr {
    LikeExpr::new(format!("%{}%", escaped(text))).escape(ESCAPE)
}

/// A pattern for `LIKE` that is met by texts which begin with this one; otherwise as [`containing`]. An index may help
/// the database with it.
#[must_use]
pub fn starting_with(text: &str) -> LikeExpr {
    LikeExpr::new(format!("{}%", escaped(text))).escape(ESCAPE)
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        if matches!(char, '%' | '_' | ESCAPE) {
            escaped.push(ESCAPE);
        }
        escaped.push(char);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn wildcards_stand_for_themselves() {
        for (text, expected) in [("plain", "plain"), ("100%", "100!%"), ("a_b", "a!_b"), ("wow!", "wow!!")] {
            assert_eq!(escaped(text), expected);
        }
    }
}
