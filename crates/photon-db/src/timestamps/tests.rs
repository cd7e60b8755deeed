//! When timestamps are set, and when not.

use photon_runtime::Wait;
use sea_orm::prelude::DateTimeUtc;
use sea_orm::sea_query::ArrayType;
use sea_orm::{
    ActiveModelTrait, ActiveValue, EntityTrait, IntoActiveModel, NotSet, Set, TransactionTrait, Unchanged,
};

use super::{as_value, stamp, stamp_all};
use crate::fixtures::{HOSTILE, database, post};

fn new(title: &str) -> post::ActiveModel {
    post::ActiveModel { title: Set(title.to_owned()), state: Set(post::State::Draft), ..Default::default() }
}

fn long_ago() -> DateTimeUtc {
    "2001-02-03T04:05:06Z".parse().unwrap()
}

#[test]
fn an_insert_sets_both_and_an_update_the_second() {
    let db = database();
    let post = db.transaction(|tx| new(HOSTILE).insert(tx).wait()).unwrap();
    assert!(post.created_at > long_ago());
    assert_eq!(post.updated_at.unwrap().to_utc(), post.created_at);
    assert_eq!(post.deleted_at, None, "a timestamp of another name is left alone");

    let mut change = post.clone().into_active_model();
    change.title = Set("other".to_owned());
    let tx = db.begin().wait().unwrap();
    let changed = change.update(&tx).wait().unwrap();
    assert_eq!(changed.created_at, post.created_at);
    assert!(changed.updated_at > post.updated_at);
}

#[test]
fn what_the_code_sets_stays() {
    let db = database();
    let set = post::ActiveModel { created_at: Set(long_ago()), updated_at: Set(None), ..new("old") };
    let post = set.insert(&db).wait().unwrap();
    assert_eq!((post.created_at, post.updated_at), (long_ago(), None));
    let time = long_ago().fixed_offset();
    let mut change = post.into_active_model();
    (change.title, change.updated_at) = (Set("new".to_owned()), Set(Some(time)));
    assert_eq!(change.update(&db).wait().unwrap().updated_at, Some(time));
}

#[test]
fn an_update_of_nothing_changes_no_time() {
    let db = database();
    let post = new("same").insert(&db).wait().unwrap();
    let same = post.clone().into_active_model().update(&db).wait().unwrap();
    assert_eq!(same, post);
    let cases = [
        (post::ActiveModel { id: Set(1), ..Default::default() }, false),
        (post::ActiveModel { updated_at: Unchanged(None), ..Default::default() }, false),
        (post::ActiveModel { id: Unchanged(1), rank: Set(None), ..Default::default() }, true),
        (post::ActiveModel { id: Unchanged(1), deleted_at: Set(None), ..Default::default() }, true),
    ];
    for (mut model, stamped) in cases {
        let before = model.clone();
        stamp(&mut model, false);
        assert_eq!(matches!(model.updated_at, ActiveValue::Set(_)), stamped, "{before:?}");
        assert_eq!(model.created_at, NotSet);
    }
}

#[test]
fn many_rows_are_stamped_on_the_way() {
    let db = database();
    let rows = ["a", "b"]
        .map(new)
        .into_iter()
        .chain([post::ActiveModel { created_at: Set(long_ago()), ..new("c") }]);
    post::Entity::insert_many(stamp_all(rows)).exec(&db).wait().unwrap();
    let posts = post::Entity::find().all(&db).wait().unwrap();
    assert!(posts.iter().all(|post| post.updated_at.is_some()));
    assert_eq!(posts.iter().filter(|post| post.created_at == long_ago()).count(), 1);
}

#[test]
fn each_type_of_a_time_gets_its_own_value() {
    let kinds = [
        ArrayType::ChronoDateTime,
        ArrayType::ChronoDateTimeUtc,
        ArrayType::ChronoDateTimeLocal,
        ArrayType::ChronoDateTimeWithTimeZone,
    ];
    for kind in kinds {
        let value = as_value(long_ago(), &kind).unwrap();
        assert_eq!(value.chrono_as_naive_utc_in_string().unwrap(), "2001-02-03 04:05:06");
    }
    assert_eq!(as_value(long_ago(), &ArrayType::BigInt), None);
}
