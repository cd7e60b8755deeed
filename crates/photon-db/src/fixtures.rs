//! A table for this crate's own tests.

use photon_runtime::Wait;
use sea_orm::{ConnectionTrait, Schema};

use crate::Db;

/// What ends a statement and drops the table where text is taken for SQL.
pub(crate) const HOSTILE: &str = "x'); DROP TABLE posts; --\" ` \\";

pub(crate) mod post {
    use photon_core::Model as PhotonModel;
    use schemars::JsonSchema;
    use sea_orm::entity::prelude::*;
    use serde::Serialize;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, Serialize, JsonSchema)]
    #[sea_orm(table_name = "posts")]
    #[schemars(rename = "Post")]
    pub(crate) struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        #[sea_orm(default_value = "untitled")]
        pub title: String,
        pub rank: Option<i32>,
        pub state: State,
        #[schemars(skip)]
        pub meta: Option<Json>,
        #[sea_orm(default_expr = "Expr::current_timestamp()")]
        #[schemars(with = "String")]
        pub created_at: DateTimeUtc,
        #[schemars(with = "Option<String>")]
        pub updated_at: Option<DateTimeWithTimeZone>,
        #[schemars(with = "Option<String>")]
        pub deleted_at: Option<DateTime>,
    }

    #[derive(Clone, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum, Serialize, JsonSchema)]
    #[sea_orm(rs_type = "String", db_type = "Text")]
    pub(crate) enum State {
        #[sea_orm(string_value = "draft")]
        Draft,
        #[sea_orm(string_value = "public")]
        Public,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    crate::timestamps!(ActiveModel);

    impl crate::SoftDelete for Entity {
        fn deleted_at() -> Column {
            Column::DeletedAt
        }
    }

    impl PhotonModel for Model {}
}

/// A database in memory with an empty table of posts.
pub(crate) fn database() -> Db {
    let db = Db::open("sqlite::memory:").unwrap();
    let table = Schema::new(db.get_database_backend()).create_table_from_entity(post::Entity);
    db.execute(&table).wait().unwrap();
    db
}

/// The same with posts of these ids, titles and ranks, all created at once.
pub(crate) fn posts(rows: &[(i32, &str, Option<i32>)]) -> Db {
    use sea_orm::{EntityTrait, Set};

    let db = database();
    let created_at = "2024-05-31T18:30:00Z".parse().unwrap();
    let models = rows.iter().map(|(id, title, rank)| post::ActiveModel {
        id: Set(*id),
        title: Set((*title).to_owned()),
        rank: Set(*rank),
        state: Set(post::State::Public),
        created_at: Set(created_at),
        ..Default::default()
    });
    post::Entity::insert_many(models).exec(&db).wait().unwrap();
    db
}
