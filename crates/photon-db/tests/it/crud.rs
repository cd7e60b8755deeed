//! Entities through SeaORM: rows in, rows out, rows changed, rows gone.

use photon_db::Db;
use photon_db::sea_orm::ActiveValue::Set;
use photon_db::sea_orm::prelude::{DateTimeUtc, Expr, Json, Uuid};
use photon_db::sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, ModelTrait, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect,
};
use photon_runtime::Wait;

use crate::databases::on_each_database;
use crate::entities::{author, book, create, create_library, sample};

on_each_database! {
    rows_are_inserted_found_changed_and_deleted,
    many_rows_are_inserted_filtered_and_paged,
    relations_are_followed,
    each_type_keeps_its_values,
    nulls_stay_nulls,
}

fn rows_are_inserted_found_changed_and_deleted(db: &Db) {
    create_library(db);
    let ada = crate::entities::author("Ada").insert(db).wait().unwrap();
    let bob = crate::entities::author("Bob").insert(db).wait().unwrap();
    assert_eq!(author::Entity::find_by_id(ada.id).one(db).wait().unwrap(), Some(ada.clone()));

    let mut changed = ada.clone().into_active_model();
    changed.name = Set("Ada Lovelace".to_owned());
    let changed = changed.update(db).wait().unwrap();
    assert_eq!(author::Entity::find_by_id(ada.id).one(db).wait().unwrap(), Some(changed));

    assert_eq!(bob.clone().delete(db).wait().unwrap().rows_affected, 1);
    assert_eq!(author::Entity::find_by_id(bob.id).one(db).wait().unwrap(), None);
    assert_eq!(author::Entity::find().count(db).wait().unwrap(), 1);
}

fn many_rows_are_inserted_filtered_and_paged(db: &Db) {
    create_library(db);
    let authors = (0..250).map(|number| crate::entities::author(format!("author {number:03}")));
    author::Entity::insert_many(authors).exec(db).wait().unwrap();

    let ends_in_seven =
        author::Entity::find().filter(author::Column::Name.like("%7")).all(db).wait().unwrap();
    assert_eq!(ends_in_seven.len(), 25);
    let ordered = author::Entity::find().order_by_desc(author::Column::Name);
    let pages = ordered.paginate(db, 100);
    assert_eq!(pages.num_pages().wait().unwrap(), 3);
    let last: Vec<String> =
        pages.fetch_page(2).wait().unwrap().into_iter().map(|author| author.name).collect();
    assert_eq!((last.len(), last[49].as_str()), (50, "author 000"));

    let renamed = author::Entity::update_many()
        .col_expr(author::Column::Name, Expr::value("the last"))
        .filter(author::Column::Name.eq("author 249"))
        .exec(db);
    assert_eq!(renamed.wait().unwrap().rows_affected, 1);
    let gone = author::Entity::delete_many().filter(author::Column::Name.starts_with("author")).exec(db);
    assert_eq!(gone.wait().unwrap().rows_affected, 249);
}

fn relations_are_followed(db: &Db) {
    create_library(db);
    for (name, titles) in [("Ada", vec!["Notes"]), ("Bob", vec!["One", "Two"]), ("Eve", vec![])] {
        let author = crate::entities::author(name).insert(db).wait().unwrap();
        for title in titles {
            crate::entities::book(author.id, title).insert(db).wait().unwrap();
        }
    }
    let library = author::Entity::find()
        .find_with_related(book::Entity)
        .order_by_asc(author::Column::Name)
        .order_by_asc(book::Column::Title)
        .all(db)
        .wait()
        .unwrap();
    let titles: Vec<(String, Vec<String>)> = library
        .into_iter()
        .map(|(author, books)| (author.name, books.into_iter().map(|book| book.title).collect()))
        .collect();
    let expected = [("Ada", vec!["Notes"]), ("Bob", vec!["One", "Two"]), ("Eve", vec![])];
    let expected =
        expected.map(|(name, titles)| (name.to_owned(), titles.into_iter().map(str::to_owned).collect()));
    assert_eq!(titles, expected);

    let names: Vec<String> = author::Entity::find()
        .select_only()
        .column(author::Column::Name)
        .into_tuple()
        .all(db)
        .wait()
        .unwrap();
    assert_eq!(names.len(), 3);
}

fn each_type_keeps_its_values(db: &Db) {
    create(db, sample::Entity).unwrap();
    let document: Json = serde_json::json!({"deep": [1, 2.5, null, {"ä": "\u{1F680}"}], "empty": {}});
    for (id, text, big, real, flag) in [
        (1, "plain", 0, 0.0, false),
        (2, "", i64::MIN, f64::MAX, true),
        (3, "quotes ' \" ` \\ and \n lines, \u{1F680}", i64::MAX, -1.5e-300, true),
    ] {
        let sample = sample::Model {
            id: Uuid::from_u128(id),
            text: text.to_owned(),
            big,
            real,
            flag,
            at: moment(1_700_000_000),
            day: DateTimeUtc::UNIX_EPOCH.date_naive(),
            document: document.clone(),
            bytes: (0..=255).collect(),
            text_or_null: Some(text.to_owned()),
            big_or_null: Some(big),
            real_or_null: Some(real),
            flag_or_null: Some(flag),
            at_or_null: Some(moment(1)),
            day_or_null: Some(DateTimeUtc::UNIX_EPOCH.date_naive()),
            uuid_or_null: Some(Uuid::from_u128(u128::MAX)),
            document_or_null: Some(Json::Array(Vec::new())),
            bytes_or_null: Some(Vec::new()),
        };
        sample.clone().into_active_model().insert(db).wait().unwrap();
        assert_eq!(sample::Entity::find_by_id(sample.id).one(db).wait().unwrap(), Some(sample));
    }
}

fn nulls_stay_nulls(db: &Db) {
    create(db, sample::Entity).unwrap();
    let sample = sample::Model {
        id: Uuid::nil(),
        text: "not null".to_owned(),
        big: 1,
        real: 1.0,
        flag: true,
        at: moment(1_700_000_000),
        day: DateTimeUtc::UNIX_EPOCH.date_naive(),
        document: Json::Bool(true),
        bytes: vec![0],
        text_or_null: None,
        big_or_null: None,
        real_or_null: None,
        flag_or_null: None,
        at_or_null: None,
        day_or_null: None,
        uuid_or_null: None,
        document_or_null: None,
        bytes_or_null: None,
    };
    sample.clone().into_active_model().insert(db).wait().unwrap();
    assert_eq!(sample::Entity::find().one(db).wait().unwrap(), Some(sample));
    let with_text = sample::Entity::find().filter(sample::Column::TextOrNull.is_not_null());
    assert_eq!(with_text.count(db).wait().unwrap(), 0);
}

/// Whole seconds, because MySQL's timestamps are.
fn moment(seconds: i64) -> DateTimeUtc {
    DateTimeUtc::from_timestamp(seconds, 0).unwrap()
}
