//! Deleted rows stay, and deletions happen once.

use photon_runtime::Wait;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect, TransactionTrait,
};

use crate::fixtures::{HOSTILE, post, posts};
use crate::{Db, SoftDelete, SoftDeleteModel, SoftDeleteQuery};

fn ids(db: &Db, query: sea_orm::Select<post::Entity>) -> Vec<i32> {
    query.order_by_asc(post::Column::Id).all(db).wait().unwrap().iter().map(|post| post.id).collect()
}

#[test]
fn deleting_and_restoring_are_news_once() {
    let db = posts(&[(1, "a", None), (2, "b", None)]);
    let read = |id| post::Entity::find_by_id(id).one(&db).wait().unwrap().unwrap();
    let before = read(1);
    assert!(!before.is_deleted());
    assert!(before.soft_delete(&db).wait().unwrap());
    let deleted = read(1);
    assert!(deleted.is_deleted());
    assert!(deleted.deleted_at.unwrap() > before.created_at.naive_utc());
    assert_eq!(post::Model { deleted_at: None, ..deleted.clone() }, before, "nothing else is written");

    for again in [before.soft_delete(&db).wait(), post::Entity::soft_delete_by_id(&db, 1).wait()] {
        assert!(!again.unwrap());
    }
    assert_eq!(read(1), deleted, "the time of the first deletion stays");
    assert!(!post::Entity::soft_delete_by_id(&db, 99).wait().unwrap());

    assert!(deleted.restore(&db).wait().unwrap());
    assert_eq!(read(1), before);
    assert!(!before.restore(&db).wait().unwrap());
    assert!(!post::Entity::restore_by_id(&db, 99).wait().unwrap());
}

#[test]
fn finding_tells_the_living_from_the_deleted() {
    let db = posts(&[(1, "a", None), (2, HOSTILE, None), (3, "a", None)]);
    assert!(post::Entity::soft_delete_by_id(&db, 2).wait().unwrap());
    assert_eq!(ids(&db, post::Entity::find_live()), [1, 3]);
    assert_eq!(ids(&db, post::Entity::find_deleted()), [2]);
    assert_eq!(ids(&db, post::Entity::find()), [1, 2, 3]);
    assert_eq!(ids(&db, post::Entity::find_live_by_id(2)), [0; 0]);
    assert_eq!(ids(&db, post::Entity::find_live_by_id(3)), [3]);
    assert_eq!(ids(&db, post::Entity::find().filter(post::Column::Title.eq(HOSTILE)).live()), [0; 0]);
    assert_eq!(ids(&db, post::Entity::find_live().filter(post::Column::Title.eq("a")).limit(1)), [1]);
}

#[test]
fn a_deletion_is_part_of_its_transaction() {
    let db = posts(&[(1, "a", None)]);
    let undone = db.transaction(|tx| {
        assert!(post::Entity::soft_delete_by_id(tx, 1).wait()?);
        Err::<(), DbErr>(DbErr::Custom("no".to_owned()))
    });
    assert!(undone.is_err());
    assert_eq!(ids(&db, post::Entity::find_live()), [1]);
    let tx = db.begin().wait().unwrap();
    assert!(post::Entity::soft_delete_by_id(&tx, 1).wait().unwrap());
}

mod label {
    use sea_orm::entity::prelude::*;

    /// Two texts are its key.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "labels")]
    pub(super) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub name: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub language: String,
        pub gone: Option<DateTimeWithTimeZone>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(super) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}

    impl crate::SoftDelete for Entity {
        fn deleted_at() -> Column {
            Column::Gone
        }
    }
}

#[test]
fn keys_of_several_texts_are_values() {
    let db = Db::open("sqlite::memory:").unwrap();
    let sql = "CREATE TABLE labels (name TEXT, language TEXT, gone TEXT, PRIMARY KEY (name, language)); \
               INSERT INTO labels (name, language) VALUES ('a', 'en'), ('a', 'de'), ('b', 'en')";
    db.execute_unprepared(sql).wait().unwrap();
    let key = |name: &str, language: &str| (name.to_owned(), language.to_owned());
    for hostile in [HOSTILE, "' OR '1'='1", "%", "a' --"] {
        assert!(!label::Entity::soft_delete_by_id(&db, key(hostile, "en")).wait().unwrap());
        assert!(!label::Entity::soft_delete_by_id(&db, key("a", hostile)).wait().unwrap());
    }
    assert!(label::Entity::soft_delete_by_id(&db, key("a", "de")).wait().unwrap());
    let deleted = label::Entity::find_deleted().all(&db).wait().unwrap();
    assert_eq!(deleted.len(), 1);
    assert_eq!((deleted[0].name.as_str(), deleted[0].language.as_str()), ("a", "de"));
    assert!(deleted[0].restore(&db).wait().unwrap());
}

mod dated {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "dated")]
    pub(super) struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub day: Option<Date>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(super) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}

    impl crate::SoftDelete for Entity {
        fn deleted_at() -> Column {
            Column::Day
        }
    }
}

#[test]
fn a_column_that_is_no_timestamp_is_an_error() {
    let db = posts(&[(1, "a", None)]);
    let error = dated::Entity::soft_delete_by_id(&db, 1).wait().unwrap_err();
    assert_eq!(error.to_string(), "Type Error: dated.day is no timestamp of chrono");
}
