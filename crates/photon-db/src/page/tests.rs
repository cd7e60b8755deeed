//! Pages, and what requests ask for.

use http::Method;
use photon_core::validation::Errors;
use photon_core::{Argument, FromRequest, IntoResponse, OperationDoc, Request, Schemas, Source};
use photon_runtime::Wait;
use sea_orm::{
    ColumnTrait, DerivePartialModel, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, TransactionTrait,
};
use serde_json::{Value, json};

use crate::fixtures::{HOSTILE, post, posts};
use crate::{Page, PageParams, PageQuery};

const ARGUMENT: Argument = Argument::new("page", Source::Auto);

fn read<P: FromRequest>(query: &str) -> Result<P, Value> {
    let mut request = Request::new(Method::GET, &format!("/posts?{query}"));
    let mut errors = Errors::new();
    let params = P::from_argument(&mut request, &ARGUMENT, &mut errors);
    let whole = P::from_request(&mut request);
    assert_eq!(params.is_some(), whole.is_ok());
    params.ok_or_else(|| json!(errors.details()))
}

#[test]
fn requests_say_which_page_they_want() {
    let cases = [
        ("", (1, 20)),
        ("page=3", (3, 20)),
        ("per_page=100&page=2", (2, 100)),
        ("page=1&page=%32", (2, 20)),
        ("page=18446744073709551615", (u64::MAX, 20)),
        ("pages=7", (1, 20)),
    ];
    for (query, (page, per_page)) in cases {
        assert_eq!(read(query), Ok(PageParams::<100> { page, per_page }), "{query}");
    }
    assert_eq!(read(""), Ok(PageParams::<7> { page: 1, per_page: 7 }));
    assert_eq!(PageParams::<7>::default().per_page, 7);
}

#[test]
fn values_out_of_bounds_are_faults_with_their_bounds() {
    let fault = |query: &str| match read::<PageParams>(query).unwrap_err() {
        Value::Array(mut faults) if faults.len() == 1 => faults.remove(0),
        other => panic!("{other}"),
    };
    let least = |name: &str, input: &str| {
        json!({
            "type": "greater_than_equal", "loc": ["query", name],
            "msg": "Input should be greater than or equal to 1", "input": input, "ctx": {"ge": 1},
        })
    };
    assert_eq!(fault("page=0"), least("page", "0"));
    assert_eq!(fault("per_page=-5"), least("per_page", "-5"));
    for input in ["101", "99999999999999999999999"] {
        let most = json!({
            "type": "less_than_equal", "loc": ["query", "per_page"],
            "msg": "Input should be less than or equal to 100", "input": input, "ctx": {"le": 100},
        });
        assert_eq!(fault(&format!("per_page={input}")), most);
    }
    for input in ["two", "", "1.5", "1;DROP TABLE posts", HOSTILE] {
        let query = format!("per_page={}", input.replace('%', "%25").replace(' ', "+"));
        let fault = fault(&query);
        assert_eq!((&fault["type"], &fault["loc"]), (&json!("int_parsing"), &json!(["query", "per_page"])));
    }
    assert_eq!(read::<PageParams>("page=0&per_page=0").unwrap_err().as_array().unwrap().len(), 2);
}

#[test]
fn an_optional_page_is_absent_if_nothing_asks_for_it() {
    let request = |query: &str| Request::new(Method::GET, &format!("/posts?{query}"));
    assert!(!PageParams::<100>::is_present(&request("q=1"), &ARGUMENT));
    assert!(PageParams::<100>::is_present(&request("per_page=1"), &ARGUMENT));
}

#[test]
fn the_document_has_both_parameters_and_the_page() {
    let mut schemas = Schemas::default();
    let mut operation = OperationDoc::new(&mut schemas);
    <PageParams as FromRequest>::describe(&ARGUMENT, &mut operation);
    <Page<post::Model> as IntoResponse>::describe(&mut operation);
    let parameters: Vec<_> = operation
        .parameters
        .iter()
        .map(|parameter| (parameter.name.as_str(), parameter.location, parameter.required))
        .collect();
    assert_eq!(parameters, [("page", "query", false), ("per_page", "query", false)]);
    let schema = &operation.parameters[1].schema;
    assert_eq!((&schema["minimum"], &schema["maximum"]), (&json!(1), &json!(100)));
    assert_eq!((&schema["type"], &schema["default"]), (&json!("integer"), &json!(20)));
    assert!(operation.mistakes.is_empty());
    let (named, _) = schemas.finish([]);
    assert_eq!(named.keys().collect::<Vec<_>>(), ["Page_Post", "Post", "State"]);
    assert_eq!(named["Page_Post"]["description"], "A page of items, and how many there are in all.");
    let items = &named["Page_Post"]["properties"]["items"]["items"]["$ref"];
    assert_eq!(items, "#/components/schemas/Post");
    let mut hidden = ARGUMENT;
    hidden.hidden = true;
    let mut schemas = Schemas::default();
    let mut operation = OperationDoc::new(&mut schemas);
    <PageParams as FromRequest>::describe(&hidden, &mut operation);
    assert!(operation.parameters.is_empty());
}

mod blog {
    pub(super) mod post {
        #[derive(serde::Serialize, schemars::JsonSchema)]
        #[schemars(extend("x-photon-type" = concat!(module_path!(), "::Model")))]
        pub(crate) struct Model;
        impl photon_core::Model for Model {}
    }

    pub(super) mod author {
        #[derive(serde::Serialize, schemars::JsonSchema)]
        #[schemars(extend("x-photon-type" = concat!(module_path!(), "::Model")))]
        pub(crate) struct Model;
        impl photon_core::Model for Model {}
    }
}

#[test]
fn pages_of_types_with_one_name_are_named_by_their_modules() {
    let mut schemas = Schemas::default();
    let mut operation = OperationDoc::new(&mut schemas);
    <Page<blog::post::Model> as IntoResponse>::describe(&mut operation);
    operation.responses.clear();
    <Page<blog::author::Model> as IntoResponse>::describe(&mut operation);
    let (named, _) = schemas.finish([]);
    let names: Vec<_> = named.keys().collect();
    assert_eq!(names, ["author_Model", "author_Page_Model", "post_Model", "post_Page_Model"]);
}

fn ids(page: &Page<post::Model>) -> Vec<i32> {
    page.items.iter().map(|post| post.id).collect()
}

#[test]
fn pages_have_their_rows_and_the_totals() {
    let db = posts(&[(1, "a", None), (2, "b", None), (3, "c", None), (4, "d", None), (5, "e", None)]);
    let page = |page, per_page| {
        let query = post::Entity::find().order_by_desc(post::Column::Id);
        query.page(&db, PageParams::<100> { page, per_page }).wait().unwrap()
    };
    let cases = [
        ((1, 2), vec![5, 4], 3),
        ((3, 2), vec![1], 3),
        ((4, 2), vec![], 3),
        ((1, 5), vec![5, 4, 3, 2, 1], 1),
        ((0, 0), vec![5], 5),
        ((u64::MAX, u64::MAX), vec![], 1),
        ((u64::MAX, 1), vec![], 5),
        ((2, u64::MAX), vec![], 1),
    ];
    for ((number, per_page), items, pages) in cases {
        let page = page(number, per_page);
        assert_eq!((ids(&page), page.total, page.pages), (items, 5, pages), "{number} {per_page}");
    }
    let none =
        post::Entity::find().filter(post::Column::Title.eq(HOSTILE)).page(&db, PageParams::<100>::default());
    let none = none.wait().unwrap();
    assert_eq!((none.items.len(), none.total, none.pages), (0, 0, 0));
}

#[derive(Debug, PartialEq, DerivePartialModel)]
#[sea_orm(entity = "post::Entity")]
struct Title {
    title: String,
}

#[derive(Debug, PartialEq, FromQueryResult)]
struct Id {
    id: i32,
}

#[test]
fn pages_of_parts_come_from_transactions_too() {
    let db = posts(&[(1, "a", None), (2, "b", None)]);
    let query = || post::Entity::find().order_by_asc(post::Column::Id);
    let params = PageParams::<100> { page: 2, per_page: 1 };
    let titles = db.transaction(|tx| query().into_partial_model::<Title>().page(tx, params).wait()).unwrap();
    assert_eq!(titles.items, [Title { title: "b".to_owned() }]);
    let tx = db.begin().wait().unwrap();
    let ids = query().into_model::<Id>().page(&tx, params).wait().unwrap();
    assert_eq!(ids.map(|id| id.id).items, [2]);
}

#[test]
fn a_page_is_an_answer() {
    let page = Page { items: vec![1, 2], page: 1, per_page: 2, total: 3, pages: 2 };
    let response = page.into_response();
    assert_eq!(response.status, 200);
    let body: Value = serde_json::from_slice(response.body.as_bytes().unwrap()).unwrap();
    assert_eq!(body, json!({"items": [1, 2], "page": 1, "per_page": 2, "total": 3, "pages": 2}));
}
