//! The database workloads on axum with SeaORM, as its documentation writes such handlers.
//!
//! `DATABASE_URL` chooses SQLite or PostgreSQL, `POOL` the number of connections, `HOST`/`PORT` where
//! it listens. No middleware and no logging.

mod entities;
mod views;

use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use axum::{Json, Router};
use sea_orm::prelude::*;
use sea_orm::{
    ConnectOptions, Database, IntoActiveModel, QueryOrder, QuerySelect, Set, SqliteTransactionMode,
    TransactionOptions, TransactionTrait,
};
use serde::{Deserialize, Serialize};
use sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};

use entities::{account, entry, fortune, world};

#[derive(Deserialize)]
struct Start {
    from: i32,
}

#[derive(Deserialize)]
struct Change {
    number: i32,
}

#[derive(Deserialize)]
struct Transfer {
    from: i32,
    to: i32,
    amount: i64,
}

#[derive(Serialize)]
struct Balances {
    from: i64,
    to: i64,
}

/// 404 for a row that is not there, 500 for everything else.
enum Failure {
    NotFound,
    Internal(String),
}

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Internal(error.to_string())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND.into_response(),
            Self::Internal(cause) => {
                eprintln!("{cause}");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }
}

async fn read_world(
    State(db): State<DatabaseConnection>,
    Path(id): Path<i32>,
) -> Result<Json<world::Model>, Failure> {
    Ok(Json(world::Entity::find_by_id(id).one(&db).await?.ok_or(Failure::NotFound)?))
}

async fn list_worlds(
    State(db): State<DatabaseConnection>,
    Query(start): Query<Start>,
) -> Result<Json<Vec<world::Model>>, Failure> {
    let worlds = world::Entity::find()
        .filter(world::Column::Id.gte(start.from))
        .order_by_asc(world::Column::Id)
        .limit(20)
        .all(&db)
        .await?;
    Ok(Json(worlds))
}

async fn change_world(
    State(db): State<DatabaseConnection>,
    Path(id): Path<i32>,
    Query(change): Query<Change>,
) -> Result<Json<world::Model>, Failure> {
    let world = world::Entity::find_by_id(id).one(&db).await?.ok_or(Failure::NotFound)?;
    let mut world = world.into_active_model();
    world.random_number = Set(change.number);
    Ok(Json(world.update(&db).await?))
}

async fn transfer(
    State(db): State<DatabaseConnection>,
    Query(Transfer { from, to, amount }): Query<Transfer>,
) -> Result<Json<Balances>, Failure> {
    // A transaction that begins by reading and then finds that another has written meanwhile cannot
    // wait its turn: SQLite refuses it. IMMEDIATE takes the lock for writing first.
    let immediate = TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..Default::default()
    };
    let tx = db.begin_with_options(immediate).await?;
    let accounts = account::Entity::find()
        .filter(account::Column::Id.is_in([from, to]))
        .order_by_asc(account::Column::Id)
        .lock_exclusive()
        .all(&tx)
        .await?;
    let find = |id| accounts.iter().find(|account| account.id == id).cloned().ok_or(Failure::NotFound);
    let (payer, payee) = (find(from)?, find(to)?);
    let balances = Balances { from: payer.balance - amount, to: payee.balance + amount };
    for (account, balance) in [(payer, balances.from), (payee, balances.to)] {
        let mut account = account.into_active_model();
        account.balance = Set(balance);
        account.update(&tx).await?;
    }
    let entries = [(from, -amount), (to, amount)].map(|(account, amount)| entry::ActiveModel {
        account_id: Set(account),
        amount: Set(amount),
        ..Default::default()
    });
    entry::Entity::insert_many(entries).exec(&tx).await?;
    tx.commit().await?;
    Ok(Json(balances))
}

async fn fortunes(State(db): State<DatabaseConnection>) -> Result<Html<String>, Failure> {
    views::page(fortune::Entity::find().all(&db).await?)
}

async fn connect() -> Result<DatabaseConnection, DbErr> {
    let mut options =
        ConnectOptions::new(std::env::var("DATABASE_URL").expect("DATABASE_URL names the database"));
    options
        .max_connections(number("POOL", 16))
        .sqlx_logging(false)
        // The ping before each use costs a round trip; SeaORM recommends this instead.
        .test_before_acquire_if_idle_for(Duration::from_secs(30))
        .map_sqlx_sqlite_opts(|sqlite| {
            sqlite
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Normal)
                .busy_timeout(Duration::from_secs(5))
        });
    Database::connect(options).await
}

fn number(name: &str, default: u32) -> u32 {
    std::env::var(name)
        .map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let app = Router::new()
        .route("/world/{id}", get(read_world).post(change_world))
        .route("/worlds", get(list_worlds))
        .route("/transfer", post(transfer))
        .route("/fortunes", get(fortunes))
        .with_state(connect().await?);
    let host = std::env::var("HOST").unwrap_or_else(|_| "127.0.0.1".to_owned());
    let listener =
        tokio::net::TcpListener::bind(format!("{host}:{}", number("PORT", 8001))).await?.tap_io(|stream| {
            // A response goes out at once.
            let _ = stream.set_nodelay(true);
        });
    axum::serve(listener, app).await?;
    Ok(())
}
