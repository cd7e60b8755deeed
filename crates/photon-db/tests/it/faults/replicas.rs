//! Which server answers: the primary or a replica. The two do not replicate here, so that their rows tell.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::Method;
use photon_core::{Context, FromRequest, Request};
use photon_db::sea_orm::{
    AccessMode, ConnectionTrait, DbBackend, DbErr, Statement, StreamTrait, TransactionOptions,
    TransactionTrait,
};
use photon_db::{Db, DbOptions};
use photon_runtime::{Wait, WaitIter};

use crate::databases::{Database, Kind, run};
use crate::servers::{Postgres, Server};

const WHICH: &str = "SELECT name FROM which";

/// Two databases that differ in the name that they give themselves.
fn servers() -> (Database, Database) {
    let servers = (Database::new(Kind::Postgres), Database::new(Kind::Postgres));
    introduce(&servers.0, "primary");
    introduce(&servers.1, "replica");
    servers
}

fn introduce(db: &Db, name: &str) {
    run(db, &format!("CREATE TABLE which AS SELECT '{name}' AS name")).unwrap();
}

fn which(connection: &impl ConnectionTrait) -> String {
    ask(connection, WHICH).unwrap()
}

fn ask(connection: &impl ConnectionTrait, sql: &str) -> Result<String, DbErr> {
    let statement = Statement::from_string(DbBackend::Postgres, sql);
    connection.query_one_raw(statement).wait()?.expect("a name").try_get("", "name")
}

#[test]
fn reads_go_to_the_replica_and_all_else_to_the_primary() {
    let (primary, replica) = servers();
    // Handles share what they know of writes, so each case has handles of its own.
    let open = || primary.open(|options| options.replica(replica.url()));
    let writing = "WITH w AS (UPDATE which SET name = name RETURNING name) SELECT name FROM w";
    for (expected, sql) in [
        ("replica", WHICH),
        ("replica", "WITH w AS (SELECT * FROM which) SELECT name FROM w"),
        ("primary", "SELECT name FROM which FOR UPDATE"),
        ("primary", writing),
        ("primary", "UPDATE which SET name = name RETURNING name"),
    ] {
        assert_eq!(ask(&open(), sql).unwrap(), expected, "{sql}");
    }
    assert_eq!(which(&open().primary()), "primary");

    let rows = open().stream_raw(Statement::from_string(DbBackend::Postgres, WHICH)).wait().unwrap();
    let names: Vec<String> = rows.wait_iter().map(|row| row.unwrap().try_get("", "name").unwrap()).collect();
    assert_eq!(names, ["replica"]);

    assert_eq!(open().transaction(|tx| ask(tx, WHICH)).unwrap(), "primary");
    let read_only = TransactionOptions { access_mode: Some(AccessMode::ReadOnly), ..Default::default() };
    assert_eq!(open().transaction_with(read_only, |tx| ask(tx, WHICH)).unwrap(), "replica");
}

#[test]
fn whoever_has_written_reads_from_the_primary() {
    let (primary, replica) = servers();
    let open = || primary.open(|options| options.replica(replica.url()));
    let db = open();
    let other_handle = db.clone();
    assert_eq!((which(&db), which(&other_handle)), ("replica".to_owned(), "replica".to_owned()));
    run(&db, "UPDATE which SET name = name").unwrap();
    assert_eq!((which(&db), which(&other_handle)), ("primary".to_owned(), "primary".to_owned()));

    let db = open();
    let tx = db.begin().wait().unwrap();
    assert_eq!(which(&db), "primary");
    drop(tx);
}

#[test]
fn each_request_begins_anew() {
    let (primary, replica) = servers();
    let db = primary.open(|options| options.replica(replica.url()));
    let mut context = Context::default();
    context.insert(Arc::new(db));
    let context = Arc::new(context);
    let request = || {
        let mut request = Request::new(Method::GET, "/");
        request.set_context(&context);
        request
    };
    for _ in 0..2 {
        let mut writes = request();
        let (one, other) = (Db::from_request(&mut writes).unwrap(), Db::from_request(&mut writes).unwrap());
        let (mut reads, mut idle) = (request(), request());
        let reads = Db::from_request(&mut reads).unwrap();
        assert_eq!((which(&one), which(&other), which(&reads)), in_words(["replica", "replica", "replica"]));
        run(&one, "UPDATE which SET name = name").unwrap();
        assert_eq!((which(&one), which(&other), which(&reads)), in_words(["primary", "primary", "replica"]));
        assert_eq!(which(&Db::from_request(&mut idle).unwrap()), "replica");
    }
}

fn in_words(names: [&str; 3]) -> (String, String, String) {
    let [one, other, third] = names.map(str::to_owned);
    (one, other, third)
}

#[test]
fn replicas_take_turns() {
    let (primary, replica) = servers();
    let second = Database::new(Kind::Postgres);
    introduce(&second, "second replica");
    let db = primary.open(|options| options.replica(replica.url()).replica(second.url()));
    let mut names: Vec<String> = (0..10).map(|_| which(&db)).collect();
    names.sort();
    names.dedup();
    assert_eq!(names, ["replica", "second replica"]);
}

#[test]
fn the_primary_stands_in_for_a_replica_that_is_down() {
    crate::runtime();
    let primary = Database::new(Kind::Postgres);
    introduce(&primary, "primary");
    let mut replica = Postgres::new();
    introduce(&replica.administrator(), "replica");
    let options = DbOptions::new(primary.url()).replica(replica.url("postgres"));
    let db = Db::with_options(options.test_after_idle(Duration::ZERO)).unwrap();
    assert_eq!(which(&db), "replica");

    replica.crash();
    let began = Instant::now();
    for _ in 0..5 {
        assert_eq!(which(&db), "primary");
    }
    assert!(began.elapsed() < Duration::from_secs(2), "reads waited for {:?}", began.elapsed());

    replica.start();
    replica.administrator().close();
    let began = Instant::now();
    while which(&db) == "primary" {
        assert!(began.elapsed() < Duration::from_secs(10), "the replica is not used again");
        photon_runtime::sleep(Duration::from_millis(50));
    }
    assert_eq!(which(&db), "replica");
}
