//! The database workloads on Photon.
//!
//! `DATABASE_URL` chooses SQLite or PostgreSQL, `POOL` the number of connections, `HOST`/`PORT` where
//! it listens.

mod entities;

use minijinja::value::Serde;
use minijinja::{Environment, context};
use photon::db::DbOptions;
use photon::db::sea_orm::prelude::*;
use photon::db::sea_orm::{IntoActiveModel, QueryOrder, QuerySelect, Set};
use photon::prelude::*;

use entities::{account, entry, fortune, world};

#[model(output)]
struct Balances {
    from: i64,
    to: i64,
}

#[get("/world/{id}", errors(404))]
fn read_world(id: i32, db: Db) -> Result<world::Model> {
    world::Entity::find_by_id(id).one(&db).wait().or_404()
}

#[get("/worlds")]
fn list_worlds(from: i32, db: Db) -> Result<Vec<world::Model>> {
    let worlds =
        world::Entity::find().filter(world::Column::Id.gte(from)).order_by_asc(world::Column::Id).limit(20);
    Ok(worlds.all(&db).wait()?)
}

#[post("/world/{id}", errors(404))]
fn change_world(id: i32, number: i32, db: Db) -> Result<world::Model> {
    let mut world = world::Entity::find_by_id(id).one(&db).wait().or_404()?.into_active_model();
    world.random_number = Set(number);
    Ok(world.update(&db).wait()?)
}

#[post("/transfer", errors(404))]
fn transfer(from: i32, to: i32, amount: i64, db: Db) -> Result<Balances> {
    db.transaction(|tx| {
        let accounts = account::Entity::find()
            .filter(account::Column::Id.is_in([from, to]))
            .order_by_asc(account::Column::Id)
            .lock_exclusive()
            .all(tx)
            .wait()?;
        let find = |id| accounts.iter().find(|account| account.id == id).cloned().or_404();
        let (payer, payee) = (find(from)?, find(to)?);
        let balances = Balances { from: payer.balance - amount, to: payee.balance + amount };
        for (account, balance) in [(payer, balances.from), (payee, balances.to)] {
            let mut account = account.into_active_model();
            account.balance = Set(balance);
            account.update(tx).wait()?;
        }
        let entries = [(from, -amount), (to, amount)].map(|(account, amount)| entry::ActiveModel {
            account_id: Set(account),
            amount: Set(amount),
            ..Default::default()
        });
        entry::Entity::insert_many(entries).exec(tx).wait()?;
        Ok(balances)
    })
}

#[get("/fortunes")]
fn list_fortunes(db: Db, templates: State<Environment<'static>>) -> Result<Html<String>> {
    let mut fortunes = fortune::Entity::find().all(&db).wait()?;
    fortunes.push(fortune::Model { id: 0, message: "Additional fortune added at request time.".to_owned() });
    fortunes.sort_by(|a, b| a.message.cmp(&b.message));
    Ok(Html(templates.get_template("fortunes.html")?.render(context! { fortunes => Serde(&fortunes) })?))
}

fn main() -> photon::Result<()> {
    let url = std::env::var("DATABASE_URL").expect("DATABASE_URL names the database");
    let pool = std::env::var("POOL").map_or(16, |pool| pool.parse().expect("POOL is a number"));
    let mut templates = Environment::new();
    // The name's ending switches escaping on.
    templates.add_template("fortunes.html", include_str!("../../fortunes.html"))?;
    App::new()
        .title("Benchmark")
        .database(Db::with_options(DbOptions::new(url).max_connections(pool))?)
        .state(templates)
        .routes(routes![read_world, list_worlds, change_world, transfer, list_fortunes])
        .run()
}
