//! What a database's errors become on their way to a client.

use photon_core::{HttpError, IntoResponse, Response};
use photon_db::Db;
use photon_db::sea_orm::{ActiveModelTrait, DbErr, EntityTrait, IntoActiveModel, ModelTrait};
use photon_runtime::Wait;

use crate::databases::{on_each_database, run};
use crate::entities::{author, book, create_library};

on_each_database! {
    constraints_that_are_violated_are_conflicts,
    what_is_not_there_is_not_found,
    other_errors_say_nothing_to_clients,
    a_closed_database_is_unavailable,
}

fn constraints_that_are_violated_are_conflicts(db: &Db) {
    create_library(db);
    let ada = author("Ada").insert(db).wait().unwrap();
    book(ada.id, "Notes").insert(db).wait().unwrap();

    let unique = author("Ada").insert(db).wait().unwrap_err();
    expect(unique, 409, "something with these values exists already");
    let same_key =
        author::Entity::insert(ada.clone().into_active_model().reset_all()).exec(db).wait().unwrap_err();
    expect(same_key, 409, "something with these values exists already");
    let dangling = book(ada.id + 1, "Nobody's").insert(db).wait().unwrap_err();
    expect(dangling, 409, "this refers to something that does not exist, or something else refers to it");
    let referenced = ada.delete(db).wait().unwrap_err();
    expect(referenced, 409, "this refers to something that does not exist, or something else refers to it");
    assert_eq!(book::Entity::find().all(db).wait().unwrap().len(), 1);
}

fn what_is_not_there_is_not_found(db: &Db) {
    create_library(db);
    let missing =
        author::ActiveModel { id: photon_db::sea_orm::ActiveValue::Unchanged(7), ..author("Nobody") };
    let error = missing.update(db).wait().unwrap_err();
    assert!(matches!(error, DbErr::RecordNotUpdated), "{error:?}");
    expect(DbErr::RecordNotFound("author 7".to_owned()), 404, "Not Found");
}

fn other_errors_say_nothing_to_clients(db: &Db) {
    run(db, "CREATE TABLE pair (a INTEGER NOT NULL, b INTEGER)").unwrap();
    for sql in
        ["SELEKT 1", "SELECT * FROM nowhere", "INSERT INTO pair (b) VALUES (NULL)", "INSERT INTO pair VALUES"]
    {
        let error = run(db, sql).unwrap_err();
        expect(error, 500, "Internal Server Error");
    }
}

fn a_closed_database_is_unavailable(db: &Db) {
    db.ping().unwrap();
    db.close();
    let response = expect(db.ping().unwrap_err(), 503, "Service Unavailable");
    assert_eq!(response.headers.get("retry-after"), Some("1"));
    expect(author::Entity::find().one(db).wait().unwrap_err(), 503, "Service Unavailable");
    expect(db.transaction(|_| Ok::<(), DbErr>(())).unwrap_err(), 503, "Service Unavailable");
}

/// An error as a client sees it.
#[track_caller]
pub(crate) fn expect(error: DbErr, status: u16, detail: &str) -> Response {
    let cause = error.to_string();
    let error = HttpError::from(error);
    assert_eq!((error.status().as_u16(), error.detail().as_str()), (status, Some(detail)), "{cause}");
    // The log has the cause.
    assert!(error.to_string().contains(&cause), "{error}");
    error.into_response()
}
