//! The tables that the tests use.

use photon_db::sea_orm::{ConnectionTrait, DbErr, EntityTrait, Schema};
use photon_runtime::Wait;

pub(crate) mod author {
    use photon_db::sea_orm;
    use photon_db::sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "author")]
    pub(crate) struct Model {
        #[sea_orm(primary_key)]
        pub(crate) id: i32,
        #[sea_orm(unique)]
        pub(crate) name: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {
        #[sea_orm(has_many = "super::book::Entity")]
        Book,
    }

    impl Related<super::book::Entity> for Entity {
        fn to() -> RelationDef {
            Relation::Book.def()
        }
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub(crate) mod book {
    use photon_db::sea_orm;
    use photon_db::sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "book")]
    pub(crate) struct Model {
        #[sea_orm(primary_key)]
        pub(crate) id: i32,
        pub(crate) author_id: i32,
        pub(crate) title: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {
        #[sea_orm(
            belongs_to = "super::author::Entity",
            from = "Column::AuthorId",
            to = "super::author::Column::Id"
        )]
        Author,
    }

    impl Related<super::author::Entity> for Entity {
        fn to() -> RelationDef {
            Relation::Author.def()
        }
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// One column of each type, and the same that can be null.
pub(crate) mod sample {
    use photon_db::sea_orm;
    use photon_db::sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "sample")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) id: Uuid,
        #[sea_orm(column_type = "Text")]
        pub(crate) text: String,
        pub(crate) big: i64,
        pub(crate) real: f64,
        pub(crate) flag: bool,
        pub(crate) at: DateTimeUtc,
        pub(crate) day: Date,
        pub(crate) document: Json,
        #[sea_orm(column_type = "Blob")]
        pub(crate) bytes: Vec<u8>,
        #[sea_orm(column_type = "Text", nullable)]
        pub(crate) text_or_null: Option<String>,
        pub(crate) big_or_null: Option<i64>,
        pub(crate) real_or_null: Option<f64>,
        pub(crate) flag_or_null: Option<bool>,
        pub(crate) at_or_null: Option<DateTimeUtc>,
        pub(crate) day_or_null: Option<Date>,
        pub(crate) uuid_or_null: Option<Uuid>,
        pub(crate) document_or_null: Option<Json>,
        pub(crate) bytes_or_null: Option<Vec<u8>>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Creates an entity's table.
pub(crate) fn create<E: EntityTrait>(connection: &impl ConnectionTrait, entity: E) -> Result<(), DbErr> {
    let table = Schema::new(connection.get_database_backend()).create_table_from_entity(entity);
    connection.execute(&table).wait().map(drop)
}

/// Creates the tables of authors and their books.
pub(crate) fn create_library(connection: &impl ConnectionTrait) {
    create(connection, author::Entity).unwrap();
    create(connection, book::Entity).unwrap();
}

/// An author who is not in the database yet.
pub(crate) fn author(name: impl Into<String>) -> author::ActiveModel {
    use photon_db::sea_orm::ActiveValue::{NotSet, Set};
    author::ActiveModel { id: NotSet, name: Set(name.into()) }
}

/// A book that is not in the database yet.
pub(crate) fn book(author: i32, title: impl Into<String>) -> book::ActiveModel {
    use photon_db::sea_orm::ActiveValue::{NotSet, Set};
    book::ActiveModel { id: NotSet, author_id: Set(author), title: Set(title.into()) }
}
