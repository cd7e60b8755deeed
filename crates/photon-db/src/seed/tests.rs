//! Seeds: what they are written in, what becomes of them, and what is said of their mistakes.

use std::path::PathBuf;

use photon_runtime::Wait;
use sea_orm::{ActiveModelTrait, ConnectionTrait, DbErr, EntityTrait, QueryOrder, Schema, TransactionTrait};
use serde_json::json;

use super::{SeedError, Seeded, Seeds, seed, seed_text};
use crate::Db;
use crate::fixtures::{HOSTILE, database, post};

mod comment {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "comments")]
    pub(super) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub post_id: i32,
        #[sea_orm(column_name = "body")]
        pub text: String,
        pub likes: Option<i64>,
        pub score: f64,
        pub price: Decimal,
        pub data: Vec<u8>,
        pub day: Date,
        pub pinned: bool,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(super) enum Relation {
        #[sea_orm(
            belongs_to = "super::post::Entity",
            from = "Column::PostId",
            to = "super::post::Column::Id"
        )]
        Post,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

const COMMENTS: &str = "
- id: 7c9e6679-7425-40de-944b-e07fc1f90ae7
  post_id: 1
  text: &text NO
  score: 1
  price: 19.90
  data: AP8=
  day: 2024-05-31
  pinned: true
- {id: 00000000-0000-0000-0000-000000000001, post_id: 2, body: *text, likes: 3, score: .5, price: '7', data: '', day: '2024-06-01', pinned: false}
";

const POSTS: &str = "
- id: 1
  title: First
  state: public
  meta: {tags: [a, 2, null]}
- id: 2
  state: draft
  rank: -3
  created_at: 2024-05-31T18:30:00+02:00
";

fn seeded(inserted: u64, updated: u64, unchanged: u64) -> Seeded {
    Seeded { inserted, updated, unchanged }
}

fn all(db: &Db) -> Vec<post::Model> {
    post::Entity::find().order_by_asc(post::Column::Id).all(db).wait().unwrap()
}

#[test]
fn rows_are_inserted_with_the_defaults_of_what_they_leave_out() {
    let db = database();
    assert_eq!(seed_text::<post::Entity>(&db, POSTS).unwrap(), seeded(2, 0, 0));
    let posts = all(&db);
    assert_eq!((posts[0].title.as_str(), posts[1].title.as_str()), ("First", "untitled"));
    assert_eq!((posts[0].rank, posts[1].rank), (None, Some(-3)));
    assert_eq!(posts[0].meta, Some(json!({"tags": ["a", 2, null]})));
    assert_eq!(posts[1].created_at.to_rfc3339(), "2024-05-31T16:30:00+00:00");
    assert!(posts[0].updated_at.is_some(), "hooks are called");
}

#[test]
fn seeding_twice_is_seeding_once() {
    let db = database();
    seed_text::<post::Entity>(&db, POSTS).unwrap();
    let before = all(&db);
    assert_eq!(seed_text::<post::Entity>(&db, POSTS).unwrap(), seeded(0, 0, 2));
    assert_eq!(all(&db), before);

    // Whatever somebody changed in the meantime is changed back, and what the seed says nothing of stays.
    let changed = post::ActiveModel {
        title: sea_orm::Set("x".into()),
        rank: sea_orm::Set(Some(5)),
        ..before[0].clone().into()
    };
    changed.update(&db).wait().unwrap();
    assert_eq!(seed_text::<post::Entity>(&db, POSTS).unwrap(), seeded(0, 1, 1));
    let after = all(&db);
    assert_eq!((after[0].title.as_str(), after[0].rank), ("First", Some(5)));
    assert_eq!(after[1], before[1]);
}

#[test]
fn every_kind_of_value_is_read() {
    let db = database();
    let table = Schema::new(db.get_database_backend()).create_table_from_entity(comment::Entity);
    db.execute(&table).wait().unwrap();
    seed_text::<post::Entity>(&db, POSTS).unwrap();
    assert_eq!(seed_text::<comment::Entity>(&db, COMMENTS).unwrap(), seeded(2, 0, 0));
    assert_eq!(seed_text::<comment::Entity>(&db, COMMENTS).unwrap(), seeded(0, 0, 2));
    let comments = comment::Entity::find().order_by_asc(comment::Column::PostId).all(&db).wait().unwrap();
    let first = &comments[0];
    assert_eq!((first.text.as_str(), first.likes, first.score, first.pinned), ("NO", None, 1.0, true));
    assert_eq!((first.price.to_string().as_str(), first.day.to_string().as_str()), ("19.9", "2024-05-31"));
    assert_eq!(first.data, [0, 255]);
    assert_eq!((comments[1].text.as_str(), comments[1].likes, comments[1].score), ("NO", Some(3), 0.5));
}

#[test]
fn json_is_read_as_well_and_hostile_text_stays_text() {
    let db = database();
    let rows = json!([{"id": 1, "title": HOSTILE, "state": "public", "meta": [HOSTILE]}, {"id": 2, "title": "\u{1f600}\0", "state": "draft"}]);
    // With the escapes that YAML does not have.
    let text = rows.to_string().replace('\u{1f600}', "\\ud83d\\ude00");
    assert_eq!(seed_text::<post::Entity>(&db, &text).unwrap(), seeded(2, 0, 0));
    let posts = all(&db);
    assert_eq!((posts[0].title.as_str(), posts[1].title.as_str()), (HOSTILE, "\u{1f600}\0"));
    assert_eq!(posts[0].meta, Some(json!([HOSTILE])));
}

#[test]
fn mistakes_are_named_with_their_row_and_nothing_is_seeded() {
    let db = database();
    let fields = "id, title, rank, state, meta, created_at, updated_at, deleted_at";
    let row = |problem: &str| format!("seed of posts, row 2: {problem}");
    let cases = [
        ("nmae: x", row(&format!("there is no field nmae; the fields are {fields}"))),
        (
            "\"'; DROP TABLE posts\": 1",
            row(&format!("there is no field '; DROP TABLE posts; the fields are {fields}")),
        ),
        ("title: 1.10", row("title should be a text, not 1.1")),
        ("title: null", row("title cannot be null")),
        ("rank: high", row("rank should be a whole number of 32 bits, not \"high\"")),
        ("rank: 1e99", row("rank should be a whole number of 32 bits, not 1e+99")),
        ("state: secret", row("state cannot be \"secret\"")),
        (
            "created_at: today",
            row("created_at should be a date and time such as 2024-05-31T18:30:00Z, not \"today\""),
        ),
    ];
    for (mistake, message) in cases {
        let text = format!("[{{id: 1, state: draft}}, {{id: 2, state: draft, {mistake}}}]")
            .replace("state: draft, state", "state");
        let error = seed_text::<post::Entity>(&db, &text).unwrap_err();
        assert_eq!(error.to_string(), message);
        assert!(matches!(error, SeedError::Row { row: 2, .. }));
    }
    let error = seed_text::<post::Entity>(&db, "[{id: 1, state: draft}, {state: draft}]").unwrap_err();
    assert_eq!(error.to_string(), row("id is missing, which says which row it is"));
    let error = seed_text::<post::Entity>(&db, "[{id: 1, state: draft}, {id: 2}]").unwrap_err();
    assert!(matches!(error, SeedError::Refused { row: 2, .. }), "{error}");
    for text in ["id: 1", "[1]", "[{id: 1", "- id: 1\n  id: 2"] {
        let error = seed_text::<post::Entity>(&db, text).unwrap_err();
        assert!(matches!(error, SeedError::Format { .. }), "{text}: {error}");
    }
    assert_eq!(all(&db), []);
    for text in ["[]", "# none yet"] {
        assert_eq!(seed_text::<post::Entity>(&db, text).unwrap(), Seeded::default());
    }
}

#[test]
fn a_seed_is_part_of_the_transaction_that_it_is_given() {
    let db = database();
    let undone: Result<(), DbErr> = db.transaction(|tx| {
        seed_text::<post::Entity>(tx, POSTS)?;
        Err(seed_text::<post::Entity>(tx, "[{}]").unwrap_err().into())
    });
    assert!(undone.unwrap_err().to_string().contains("row 1: id is missing"));
    assert_eq!(all(&db), []);
    let tx = db.begin().wait().unwrap();
    assert_eq!(seed_text::<post::Entity>(&tx, POSTS).unwrap(), seeded(2, 0, 0));
}

/// A directory that is gone with the test.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str, files: &[(&str, &str)]) -> Self {
        let path = std::env::temp_dir().join(format!("photon-seeds-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        for (file, text) in files {
            std::fs::write(path.join(file), text).unwrap();
        }
        Self(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_file_is_yaml_or_json_by_its_name() {
    let directory =
        Directory::new("names", &[("a.yaml", POSTS), ("b.json", POSTS), ("c.json", "[]"), ("d.txt", "[]")]);
    let db = database();
    let file = |name: &str| seed::<post::Entity>(&db, directory.0.join(name));
    assert_eq!(file("a.yaml").unwrap(), seeded(2, 0, 0));
    assert_eq!(file("c.json").unwrap(), Seeded::default());
    let error = file("b.json").unwrap_err();
    assert!(matches!(&error, SeedError::Format { place, .. } if place.ends_with("b.json")), "{error}");
    assert!(file("d.txt").unwrap_err().to_string().ends_with("ends in .yaml, .yml or .json"));
    let error = file("e.yml").unwrap_err();
    assert!(matches!(&error, SeedError::Read { path, .. } if path.ends_with("e.yml")), "{error}");
}

#[test]
fn a_directory_is_seeded_in_order_and_as_a_whole() {
    let db = database();
    db.execute(&Schema::new(db.get_database_backend()).create_table_from_entity(comment::Entity))
        .wait()
        .unwrap();
    let directory = Directory::new(
        "order",
        &[("posts.yml", POSTS), ("comments.yaml", COMMENTS), ("more.json", "[{\"id\": 3}]")],
    );
    let seeds = Seeds::in_directory(&directory.0).table::<post::Entity>().table::<comment::Entity>();
    let error = seeds.clone().file::<post::Entity>("more.json").run(&db).unwrap_err();
    assert!(error.to_string().contains("more.json, row 1: "), "{error}");
    assert_eq!(all(&db), []);
    assert_eq!(seeds.run(&db).unwrap(), seeded(4, 0, 0));
    assert_eq!(seeds.run(&db).unwrap(), seeded(0, 0, 4));
    // Children before their parents.
    db.execute_unprepared("DELETE FROM comments; DELETE FROM posts").wait().unwrap();
    let wrong = Seeds::in_directory(&directory.0).table::<comment::Entity>().table::<post::Entity>();
    let error = wrong.run(&db).unwrap_err();
    assert!(
        matches!(&error, SeedError::Refused { row: 1, place, .. } if place.ends_with("comments.yaml")),
        "{error}"
    );
    let missing = Seeds::in_directory(directory.0.join("none")).table::<post::Entity>().run(&db).unwrap_err();
    assert!(matches!(&missing, SeedError::Read { path, .. } if path.ends_with("posts.yaml")), "{missing}");
}
