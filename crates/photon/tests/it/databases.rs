//! Databases in handlers: arguments, transactions of a request, errors as answers, entities as models.

use photon::db::prelude::*;
use photon::db::sea_orm::Schema;
use photon::prelude::*;
use photon::testing::TestClient;
use photon::{LaunchError, Migrate};
use serde_json::{Value, json};

mod product {
    use photon::db::prelude::*;
    use photon::model;

    /// Something on sale.
    #[model]
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "product")]
    pub(super) struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        #[sea_orm(unique)]
        #[validate(length(min = 2, max = 80))]
        pub name: String,
        /// In cents.
        pub price: Option<i64>,
        pub created_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(super) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

#[model]
struct NewProduct {
    name: String,
}

fn row(name: String) -> product::ActiveModel {
    product::ActiveModel {
        name: Set(name),
        price: Set(Some(950)),
        created_at: Set(DateTimeUtc::default()),
        ..Default::default()
    }
}

#[get("/products/{id}", errors(404))]
fn read(id: i32, db: Db) -> Result<product::Model> {
    product::Entity::find_by_id(id).one(&db).wait().or_404()
}

#[get("/products")]
fn list(db: Db) -> Result<Vec<product::Model>> {
    Ok(product::Entity::find().order_by_asc(product::Column::Id).all(&db).wait()?)
}

#[post("/products", status = 201, errors(409))]
fn create(product: NewProduct, db: Db) -> Result<product::Model> {
    Ok(row(product.name).insert(&db).wait()?)
}

/// Saves, and then answers with the status that it was asked for.
#[post("/answer/{status}")]
fn answer(status: u16, product: NewProduct, tx: Tx, again: Tx) -> Result<StatusCode> {
    row(product.name.clone()).insert(&tx).wait()?;
    // Both arguments are one transaction.
    product::Entity::find().filter(product::Column::Name.eq(product.name)).one(&again).wait().or_404()?;
    if status == 599 {
        panic!("expected");
    }
    StatusCode::from_u16(status).map_err(|_| HttpError::bad_request("no status"))
}

/// In SQLite, deferred constraints are checked when the transaction is committed.
#[post("/dangling")]
fn dangling(tx: Tx) -> Result<()> {
    tx.execute_unprepared("INSERT INTO line (product_id) VALUES (77)").wait()?;
    Ok(())
}

#[get("/rows")]
fn rows(db: Db) -> Result<Vec<String>> {
    let stream = product::Entity::find().order_by_asc(product::Column::Id).stream(&db).wait()?;
    Ok(stream.wait_iter().map(|product| product.map(|product| product.name)).collect::<Result<_, _>>()?)
}

#[get("/broken")]
fn broken(db: Db) -> Result<u64> {
    Ok(db.execute_unprepared("SELEKT").wait()?.rows_affected())
}

/// No database but MySQL has such numbers.
#[get("/large/{number}")]
fn large(number: u64, db: Db) -> Result<bool> {
    Ok(product::Entity::find().filter(product::Column::Price.eq(number)).one(&db).wait()?.is_some())
}

struct Reports;

#[get("/reports")]
fn reports(reports: NamedDb<Reports>, db: Db) -> Result<Vec<i32>> {
    let count = |db: &Db| -> Result<i32> {
        let count = Statement::from_string(ConnectionTrait::get_database_backend(db), "SELECT n FROM which");
        Ok(db.query_one_raw(count).wait().or_404()?.try_get("", "n")?)
    };
    Ok(vec![count(&reports)?, count(&db)?])
}

fn database() -> Db {
    let db = Db::open("sqlite::memory:").unwrap();
    let mut table = Schema::new(DbBackend::Sqlite).create_table_from_entity(product::Entity);
    db.execute(&*table.if_not_exists()).wait().unwrap();
    db.execute_unprepared(
        "CREATE TABLE line (product_id INTEGER REFERENCES product (id) DEFERRABLE INITIALLY DEFERRED)",
    )
    .wait()
    .unwrap();
    db
}

fn client() -> TestClient {
    let routes = routes![read, list, create, answer, dangling, rows, broken, large];
    TestClient::new(App::new().database(database()).routes(routes))
}

fn names(client: &TestClient) -> Vec<String> {
    client.get("/rows").send().assert_status(200).json()
}

#[test]
fn an_entity_is_a_documented_response() {
    let client = client();
    client.post("/products").json(&json!({"name": "Lamp"})).send().assert_status(201);
    let product = client.get("/products/1").send().assert_status(200).json::<Value>();
    assert_eq!(product, json!({"id": 1, "name": "Lamp", "price": 950, "created_at": "1970-01-01T00:00:00Z"}));
    assert_eq!(
        client.get("/products/2").send().assert_status(404).json::<Value>(),
        json!({"detail": "Not Found"})
    );
    let app = App::new().database(database()).routes(routes![read]);
    let document: Value = serde_json::from_str(&app.document().unwrap().to_json()).unwrap();
    let answer =
        &document["paths"]["/products/{id}"]["get"]["responses"]["200"]["content"]["application/json"];
    // By its table: all entities are called `Model`.
    assert_eq!(answer["schema"]["$ref"], "#/components/schemas/Product");
    let schema = &document["components"]["schemas"]["Product"];
    assert_eq!(schema["properties"]["name"]["maxLength"], 80);
    assert_eq!(schema["properties"]["created_at"]["format"], "date-time");
    assert_eq!(schema["description"], "Something on sale.");
}

#[test]
fn constraints_are_conflicts_and_the_rest_is_a_secret() {
    let client = client();
    client.post("/products").json(&json!({"name": "Lamp"})).send().assert_status(201);
    let refused = client.post("/products").json(&json!({"name": "Lamp"})).send().assert_status(409);
    assert!(!refused.text().contains("UNIQUE"), "{}", refused.text());
    let broken = client.get("/broken").send().assert_status(500);
    assert_eq!(broken.json::<Value>(), json!({"detail": "Internal Server Error"}));
}

#[test]
fn numbers_that_no_column_holds_are_the_clients_fault() {
    let client = client();
    client.get(&format!("/large/{}", i64::MAX)).send().assert_status(200);
    client.get(&format!("/large/{}", u64::MAX)).send().assert_status(422);
}

#[test]
fn the_answer_decides_on_the_transaction() {
    let client = client();
    for (status, kept) in [(200, true), (201, true), (204, true), (302, false), (404, false), (500, false)] {
        let name = format!("Lamp {status}");
        client.post(&format!("/answer/{status}")).json(&json!({"name": name})).send().assert_status(status);
        assert_eq!(names(&client).contains(&name), kept, "{status}");
    }
    // An error beside the answer.
    client.post("/answer/200").json(&json!({"name": "Lamp 200"})).send().assert_status(409);
    client.post("/answer/99").json(&json!({"name": "Lamp 99"})).send().assert_status(400);
    assert_eq!(names(&client), ["Lamp 200", "Lamp 201", "Lamp 204"]);
}

#[test]
fn a_panic_rolls_back_and_the_connection_comes_back() {
    let client = client();
    for _ in 0..3 {
        let request = std::panic::AssertUnwindSafe(|| {
            client.post("/answer/599").json(&json!({"name": "Lamp"})).send();
        });
        std::panic::catch_unwind(request).unwrap_err();
    }
    // SQLite has one writer: had it been lost, this would find none.
    client.post("/answer/200").json(&json!({"name": "Chair"})).send().assert_status(200);
    assert_eq!(names(&client), ["Chair"]);
}

#[test]
fn a_commit_that_fails_is_the_answer() {
    let client = client();
    client.post("/dangling").send().assert_status(409);
    client.post("/products").json(&json!({"name": "Lamp"})).send().assert_status(201);
}

#[test]
fn several_databases_go_by_the_name_of_a_type() {
    let numbered = |n: i32| {
        let db = Db::open("sqlite::memory:").unwrap();
        db.execute_unprepared(&format!("CREATE TABLE which AS SELECT {n} AS n")).wait().unwrap();
        db
    };
    let app =
        App::new().database(numbered(1)).named_database::<Reports>(numbered(2)).routes(routes![reports]);
    assert_eq!(TestClient::new(app).get("/reports").send().json::<Vec<i32>>(), [2, 1]);
}

#[test]
fn a_missing_database_stops_the_launch() {
    let said = |app: App| match app.build() {
        Err(error @ LaunchError::MissingState { .. }) => error.to_string(),
        other => panic!("{:?}", other.map(|_| ()).map_err(|error| error.to_string())),
    };
    let message = said(App::new().routes(routes![read]));
    assert!(message.contains("a database") && message.contains(".database(…)"), "{message}");
    let message = said(App::new().database(database()).routes(routes![reports]));
    assert!(message.contains("NamedDb") && message.contains("Reports"), "{message}");
}

// The trait's own signature leaves the lifetime out, and async_trait takes it literally.
#[allow(elided_lifetimes_in_paths)]
mod migrations {
    use photon::db::migration::prelude::*;

    #[derive(DeriveMigrationName)]
    struct CreateNote;

    #[async_trait::async_trait]
    impl MigrationTrait for CreateNote {
        async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
            manager.get_connection().execute_unprepared("CREATE TABLE note (text TEXT NOT NULL)").await?;
            Ok(())
        }

        async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
            manager.get_connection().execute_unprepared("DROP TABLE note").await?;
            Ok(())
        }
    }

    pub(super) struct Migrator;

    #[async_trait::async_trait]
    impl MigratorTrait for Migrator {
        fn migrations() -> Vec<Box<dyn MigrationTrait>> {
            vec![Box::new(CreateNote)]
        }
    }
}

#[test]
fn pending_migrations_are_applied_or_named_before_the_first_request() {
    let db = || Db::open("sqlite::memory:").unwrap();
    for (migrate, applied) in [(Migrate::Always, true), (Migrate::InDevelopment, cfg!(debug_assertions))] {
        let db = db();
        let app = App::new().database(db.clone()).migrations::<migrations::Migrator>(migrate);
        if applied {
            let _client = TestClient::new(app);
            assert!(db.migrations::<migrations::Migrator>().status().unwrap().iter().all(|one| one.applied));
        }
    }
    let app = App::new().database(db()).migrations::<migrations::Migrator>(Migrate::Never);
    let refused =
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(TestClient::new(app)))).unwrap_err();
    let message = refused.downcast_ref::<String>().unwrap();
    assert!(message.contains("does not start") && message.contains("databases"), "{message}");
}
