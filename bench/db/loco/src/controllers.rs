//! The controllers of the five workloads.

use loco_rs::prelude::*;
use sea_orm::{SqliteTransactionMode, TransactionOptions};
use serde::{Deserialize, Serialize};

use crate::entities::{account, entry, fortune, world};
use crate::views::MiniJinja;

pub fn routes() -> Vec<Routes> {
    vec![
        Routes::at("/world").get("/{id}", read_world).post("/{id}", change_world),
        Routes::new().get("/worlds", list_worlds).post("/transfer", transfer).get("/fortunes", fortunes),
    ]
}

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

async fn load_world(ctx: &AppContext, id: i32) -> Result<world::Model> {
    world::Entity::find_by_id(id).one(&ctx.db).await?.ok_or(Error::NotFound)
}

async fn read_world(State(ctx): State<AppContext>, Path(id): Path<i32>) -> Result<Response> {
    format::json(load_world(&ctx, id).await?)
}

async fn list_worlds(State(ctx): State<AppContext>, Query(start): Query<Start>) -> Result<Response> {
    let worlds = world::Entity::find()
        .filter(world::Column::Id.gte(start.from))
        .order_by_asc(world::Column::Id)
        .limit(20)
        .all(&ctx.db)
        .await?;
    format::json(worlds)
}

async fn change_world(
    State(ctx): State<AppContext>,
    Path(id): Path<i32>,
    Query(change): Query<Change>,
) -> Result<Response> {
    let mut world = load_world(&ctx, id).await?.into_active_model();
    world.random_number = Set(change.number);
    format::json(world.update(&ctx.db).await?)
}

async fn transfer(
    State(ctx): State<AppContext>,
    Query(Transfer { from, to, amount }): Query<Transfer>,
) -> Result<Response> {
    // A transaction that begins by reading and then finds that another has written meanwhile cannot
    // wait its turn: SQLite refuses it. IMMEDIATE takes the lock for writing first.
    let immediate = TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..Default::default()
    };
    let tx = ctx.db.begin_with_options(immediate).await?;
    let accounts = account::Entity::find()
        .filter(account::Column::Id.is_in([from, to]))
        .order_by_asc(account::Column::Id)
        .lock_exclusive()
        .all(&tx)
        .await?;
    let find = |id| accounts.iter().find(|account| account.id == id).cloned().ok_or(Error::NotFound);
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
    format::json(balances)
}

async fn fortunes(
    State(ctx): State<AppContext>,
    ViewEngine(views): ViewEngine<MiniJinja>,
) -> Result<Response> {
    let mut fortunes = fortune::Entity::find().all(&ctx.db).await?;
    fortunes.push(fortune::Model { id: 0, message: "Additional fortune added at request time.".to_owned() });
    fortunes.sort_by(|a, b| a.message.cmp(&b.message));
    format::view(&views, "fortunes.html", Page { fortunes })
}

#[derive(Serialize)]
struct Page {
    fortunes: Vec<fortune::Model>,
}
