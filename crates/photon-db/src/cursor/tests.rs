//! Pages by cursor, to the end and back, and cursors that nobody gave.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Method;
use photon_core::validation::Errors;
use photon_core::{Argument, FromRequest, HttpError, IntoResponse, OperationDoc, Request, Schemas, Source};
use photon_runtime::Wait;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, QueryOrder, QueryTrait,
    TransactionTrait,
};
use serde_json::{Value, json};

use super::keyset::{Keyset, LONGEST};
use crate::fixtures::{HOSTILE, database, post, posts};
use crate::{CursorError, CursorOrder, CursorPage, CursorParams, CursorQuery, Db};
use post::Column::{CreatedAt, Id, Rank, State, Title, UpdatedAt};

type Params = CursorParams<100>;
type Order = CursorOrder<post::Column>;

fn params(limit: u64) -> Params {
    Params { limit, ..Params::default() }
}

fn after(cursor: &str) -> Params {
    Params { after: Some(cursor.to_owned()), ..Params::default() }
}

fn page(db: &Db, order: &Order, params: Params) -> Result<CursorPage<post::Model>, CursorError> {
    post::Entity::find().cursor_page(db, order.clone(), params).wait()
}

fn ids(page: &CursorPage<post::Model>) -> Vec<i32> {
    page.items.iter().map(|post| post.id).collect()
}

/// All pages from the first to the last, then from the last to the first; each walk's ids in the list's order.
fn walk(db: &Db, order: &Order, limit: u64) -> (Vec<Vec<i32>>, Vec<Vec<i32>>) {
    let mut current = page(db, order, params(limit)).unwrap();
    assert_eq!(current.previous, None, "nothing is before the start");
    let mut forwards = vec![ids(&current)];
    while let Some(next) = current.next {
        current = page(db, order, Params { after: Some(next), ..params(limit) }).unwrap();
        assert!(!current.items.is_empty(), "a page that was announced has rows");
        forwards.push(ids(&current));
    }
    let mut backwards = vec![ids(&current)];
    while let Some(previous) = current.previous {
        current = page(db, order, Params { before: Some(previous), ..params(limit) }).unwrap();
        assert!(current.next.is_some(), "there is the page that it came from");
        backwards.insert(0, ids(&current));
    }
    (forwards, backwards)
}

#[test]
fn walks_meet_every_row_once_in_order() {
    let db = posts(&[
        (1, "b", None),
        (2, "a", Some(2)),
        (3, "a", Some(1)),
        (4, HOSTILE, None),
        (5, "b", Some(2)),
        (6, "a", Some(1)),
        (7, "b", Some(-1)),
    ]);
    let orders = [
        (Order::asc([]), [1, 2, 3, 4, 5, 6, 7]),
        (Id.into(), [1, 2, 3, 4, 5, 6, 7]),
        (Order::desc([Id]), [7, 6, 5, 4, 3, 2, 1]),
        ([CreatedAt, Id].into(), [1, 2, 3, 4, 5, 6, 7]),
        (Order::desc([CreatedAt]), [7, 6, 5, 4, 3, 2, 1]),
        ([Title].into(), [2, 3, 6, 1, 5, 7, 4]),
        (Order::desc([Title]).then_asc([Id]), [4, 1, 5, 7, 2, 3, 6]),
        // SQLite takes NULL for the smallest value.
        ([Rank].into(), [1, 4, 7, 3, 6, 2, 5]),
        (Order::desc([Rank]).then_asc([Title, Id]), [2, 5, 3, 6, 7, 1, 4]),
        (Order::asc([Title]).then_desc([Rank]), [2, 6, 3, 5, 7, 1, 4]),
        (Order::asc([State, UpdatedAt]), [1, 2, 3, 4, 5, 6, 7]),
    ];
    for (order, expected) in orders {
        for limit in [1, 2, 3, 6, 7, 8, u64::MAX] {
            let (forwards, backwards) = walk(&db, &order, limit);
            assert_eq!(forwards.concat(), expected, "{order:?} by {limit}");
            assert_eq!(backwards.concat(), expected, "{order:?} by {limit}, backwards");
            let size = usize::try_from(limit).unwrap_or(usize::MAX);
            assert!(forwards[..forwards.len() - 1].iter().all(|page| page.len() == size));
        }
    }
}

#[test]
fn times_are_paged_as_they_are_stored() {
    let db = database();
    // Four ways to write times between noon and one; SQLite compares the texts.
    let times = [
        "2024-05-31 12:00:00",
        "2024-05-31 12:30:00",
        "2024-05-31T12:10:00+00:00",
        "2024-05-31T12:20:00.5+00:00",
        "2024-05-31 12:30:00",
        "2024-05-31T12:20:00.25Z",
    ];
    for time in times {
        let sql = format!("INSERT INTO posts (title, state, created_at) VALUES ('x', 'public', '{time}')");
        db.execute_unprepared(&sql).wait().unwrap();
    }
    for limit in 1..4 {
        let (forwards, backwards) = walk(&db, &[CreatedAt].into(), limit);
        assert_eq!(forwards.concat(), [1, 2, 5, 3, 6, 4]);
        assert_eq!(backwards.concat(), [1, 2, 5, 3, 6, 4]);
    }
}

#[test]
fn an_empty_table_is_one_empty_page() {
    let page = page(&database(), &[CreatedAt].into(), params(5)).unwrap();
    assert_eq!((page.items.len(), page.next, page.previous), (0, None, None));
}

#[test]
fn rows_that_go_leave_the_way_back_open() {
    let db = posts(&[(1, "a", None), (2, "b", None), (3, "c", None)]);
    let order = Order::asc([Id]);
    let first = page(&db, &order, params(2)).unwrap();
    post::Entity::delete_by_id(3).exec(&db).wait().unwrap();
    // Nothing is behind the second row any more, but it is itself the end of what is before.
    let behind = page(&db, &order, Params { after: first.next, ..params(2) }).unwrap();
    assert_eq!((ids(&behind), &behind.next), (vec![], &None));
    let back = page(&db, &order, Params { before: behind.previous, ..params(2) }).unwrap();
    assert_eq!((ids(&back), back.previous, back.next.is_some()), (vec![1, 2], None, false));

    let third = posts(&[(1, "a", None), (2, "b", None), (3, "c", None)]);
    let second = page(&third, &order, Params { limit: 1, ..params(1) }).unwrap();
    let second = page(&third, &order, Params { after: second.next, ..params(1) }).unwrap();
    post::Entity::delete_many().filter(Id.lt(3)).exec(&third).wait().unwrap();
    let before = page(&third, &order, Params { before: second.previous, ..params(1) }).unwrap();
    assert_eq!((ids(&before), &before.previous), (vec![], &None));
    let on = page(&third, &order, Params { after: before.next, ..params(1) }).unwrap();
    assert_eq!((ids(&on), on.next, on.previous), (vec![3], None, None));
    // All gone.
    post::Entity::delete_many().exec(&third).wait().unwrap();
    let nothing = page(&third, &order, after(&cursor(&json!([false, [2]])))).unwrap();
    assert_eq!((nothing.items.len(), nothing.next, nothing.previous), (0, None, None));
}

#[test]
fn the_querys_own_conditions_stay_and_its_order_goes() {
    let db = posts(&[(1, "a", None), (2, "b", None), (3, "a", None), (4, "a", None)]);
    let query = || post::Entity::find().filter(Title.is_in(["a", HOSTILE])).order_by_desc(Id);
    let first = db.transaction(|tx| query().cursor_page(tx, Id, params(2)).wait()).unwrap();
    assert_eq!(ids(&first), [1, 3]);
    let tx = db.begin().wait().unwrap();
    let second = query().cursor_page(&tx, [Id], Params { after: first.next, ..params(2) }).wait().unwrap();
    assert_eq!((ids(&second), second.next), (vec![4], None));
}

#[test]
fn the_database_can_begin_in_the_middle_of_an_index() {
    let keyset = Keyset::<post::Entity>::new(Order::desc([CreatedAt, Id]), DbBackend::Postgres);
    let edge = keyset.decode(&cursor(&json!([false, ["2024-05-31T18:30:00Z", 1]])));
    let sql = keyset.rows(post::Entity::find(), edge.as_ref(), false).build(DbBackend::Postgres).to_string();
    let time = "'2024-05-31 18:30:00.000000 +00:00'";
    let condition = format!(
        "WHERE \"posts\".\"created_at\" <= {time} AND (\"posts\".\"created_at\" < {time} \
         OR (\"posts\".\"created_at\" = {time} AND \"posts\".\"id\" < 1)) \
         ORDER BY \"posts\".\"created_at\" DESC, \"posts\".\"id\" DESC"
    );
    assert!(sql.ends_with(&condition), "{sql}");
}

fn cursor(json: &Value) -> String {
    URL_SAFE_NO_PAD.encode(json.to_string())
}

#[test]
fn made_up_cursors_are_values_or_refused() {
    let db = posts(&[(1, "a", None), (2, "b", Some(1))]);
    let order: Order = [Title, State, CreatedAt, Id].into();
    let good = "2024-05-31T18:30:00Z";
    for title in [HOSTILE, "' OR 1=1 --", "a\0", "${jndi}", "%"] {
        let made_up = cursor(&json!([false, [title, "public", good, 1]]));
        let page = page(&db, &order, after(&made_up)).unwrap();
        assert!(page.items.iter().all(|post| post.title.as_str() > title));
    }
    assert_eq!(post::Entity::find().all(&db).wait().unwrap().len(), 2);
    let refused = [
        String::new(),
        "a".to_owned(),
        "%%%".to_owned(),
        HOSTILE.to_owned(),
        URL_SAFE_NO_PAD.encode(b"\xff\xfe"),
        cursor(&json!("a")),
        cursor(&json!([false, []])),
        cursor(&json!([false, ["a", "public", good]])),
        cursor(&json!([false, ["a", "public", good, 1, 1]])),
        cursor(&json!([0, ["a", "public", good, 1]])),
        cursor(&json!([false, [1, "public", good, 1]])),
        cursor(&json!([false, [null, "public", good, 1]])),
        cursor(&json!([false, ["a", "secret", good, 1]])),
        cursor(&json!([false, ["a", "public", "1) OR (1=1", 1]])),
        cursor(&json!([false, ["a", "public", good, "1 OR 1=1"]])),
        cursor(&json!([false, ["a", "public", good, 1.5]])),
        cursor(&json!([false, ["a", "public", good, 3_000_000_000_u32]])),
        cursor(&json!([false, ["a", "public", good, {"$gt": 0}]])),
        cursor(&json!([false, ["a".repeat(LONGEST), "public", good, 1]])),
        "a".repeat(1_000_000),
    ];
    for made_up in &refused {
        let error = page(&db, &order, after(made_up)).unwrap_err();
        assert!(
            matches!(&error, CursorError::Invalid { parameter: "after", cursor, .. } if cursor == made_up)
        );
        let error = HttpError::from(error);
        assert_eq!(error.status(), 404);
        assert_eq!(error.detail(), "after: this is no cursor of this list");
    }
    let before = Params { before: Some("x".to_owned()), ..Params::default() };
    let error = page(&db, &order, before).unwrap_err();
    assert!(error.to_string().starts_with("before=x: "), "{error}");
}

#[test]
fn rows_whose_cursor_would_be_too_long_are_an_error_of_the_server() {
    let db = posts(&[(1, &"a".repeat(LONGEST), None), (2, "b", None)]);
    let error = HttpError::from(page(&db, &[Title].into(), params(1)).unwrap_err());
    assert_eq!(error.status(), 500);
    assert!(error.to_string().contains("title, id"), "{error}");
}

fn read(query: &str) -> Result<Params, Value> {
    let mut request = Request::new(Method::GET, &format!("/posts?{query}"));
    let mut errors = Errors::new();
    let argument = Argument::new("cursor", Source::Auto);
    Params::from_argument(&mut request, &argument, &mut errors).ok_or_else(|| json!(errors.details()))
}

#[test]
fn requests_say_from_where_and_how_many() {
    assert_eq!(read(""), Ok(Params::default()));
    assert_eq!(read("after=x%2Fy&limit=5"), Ok(Params { limit: 5, ..after("x/y") }));
    assert_eq!(read("before=x"), Ok(Params { before: Some("x".to_owned()), ..Params::default() }));
    let faults = read("limit=0").unwrap_err();
    assert_eq!(
        (&faults[0]["type"], &faults[0]["loc"]),
        (&json!("greater_than_equal"), &json!(["query", "limit"]))
    );
    let both = Params { before: Some("y".to_owned()), ..after("x") };
    assert_eq!(read("after=x&before=y"), Ok(both.clone()));
    let faults = read("limit=101&after=x&before=y").unwrap_err();
    assert_eq!(
        (&faults[0]["type"], &faults[0]["loc"]),
        (&json!("less_than_equal"), &json!(["query", "limit"]))
    );
}

#[test]
fn two_cursors_bound_a_list() {
    let db = posts(&[(1, "a", None), (2, "b", None), (3, "c", None), (4, "d", None), (5, "e", None)]);
    let order: CursorOrder<_> = Id.into();
    let first = page(&db, &order, params(1)).unwrap();
    let fourth = page(&db, &order, params(4)).unwrap();
    let fifth = page(&db, &order, Params { after: fourth.next, ..params(1) }).unwrap();
    let between =
        |limit| Params { after: first.next.clone(), before: fifth.previous.clone(), ..params(limit) };
    let start = page(&db, &order, between(2)).unwrap();
    assert_eq!(ids(&start), [2, 3]);
    assert!(start.next.is_some() && start.previous.is_some());
    let rest = page(&db, &order, Params { after: start.next, ..between(2) }).unwrap();
    assert_eq!((ids(&rest), rest.next), (vec![4], None));
    // The other way round nothing is between them.
    let nothing = Params { after: fifth.previous.clone(), before: first.next.clone(), ..params(2) };
    assert_eq!(ids(&page(&db, &order, nothing).unwrap()), [0; 0]);
    let wrong = Params { before: Some("y".to_owned()), ..between(2) };
    assert!(matches!(page(&db, &order, wrong), Err(CursorError::Invalid { parameter: "before", .. })));
}

#[test]
fn the_document_has_the_parameters_and_the_page() {
    let mut schemas = Schemas::default();
    let mut operation = OperationDoc::new(&mut schemas);
    Params::describe(&Argument::new("cursor", Source::Auto), &mut operation);
    <CursorPage<post::Model> as IntoResponse>::describe(&mut operation);
    let names: Vec<_> = operation.parameters.iter().map(|parameter| parameter.name.as_str()).collect();
    assert_eq!(names, ["after", "before", "limit"]);
    assert!(
        operation.parameters.iter().all(|parameter| !parameter.required && parameter.location == "query")
    );
    assert_eq!(operation.parameters[0].schema["maxLength"], 1024);
    assert_eq!(operation.parameters[2].schema["default"], 20);
    let (named, _) = schemas.finish([]);
    assert!(named.contains_key("CursorPage_Post"), "{named:?}");
}
