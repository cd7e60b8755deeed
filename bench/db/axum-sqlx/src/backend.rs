//! The handlers, once for each database: sqlx has a type for each, and its common driver, which would
//! need the code only once, is slower.

macro_rules! backend {
    ($module:ident, $database:ty, begin: $begin:literal, lock: $lock:literal) => {
        pub mod $module {
            use axum::extract::{Path, Query, State};
            use axum::response::Html;
            use axum::routing::{get, post};
            use axum::{Json, Router};
            use sqlx::{Pool, query, query_as};

            use crate::views::{self, Fortune};
            use crate::{Balances, Change, Failure, Start, Transfer, World};

            type Database = State<Pool<$database>>;

            pub fn routes(pool: Pool<$database>) -> Router {
                Router::new()
                    .route("/world/{id}", get(read_world).post(change_world))
                    .route("/worlds", get(list_worlds))
                    .route("/transfer", post(transfer))
                    .route("/fortunes", get(fortunes))
                    .with_state(pool)
            }

            async fn read_world(State(pool): Database, Path(id): Path<i32>) -> Result<Json<World>, Failure> {
                Ok(Json(find_world(&pool, id).await?))
            }

            async fn list_worlds(
                State(pool): Database,
                Query(start): Query<Start>,
            ) -> Result<Json<Vec<World>>, Failure> {
                let worlds =
                    query_as("SELECT id, randomnumber FROM world WHERE id >= $1 ORDER BY id LIMIT 20")
                        .bind(start.from)
                        .fetch_all(&pool)
                        .await?;
                Ok(Json(worlds))
            }

            async fn change_world(
                State(pool): Database,
                Path(id): Path<i32>,
                Query(change): Query<Change>,
            ) -> Result<Json<World>, Failure> {
                let mut world = find_world(&pool, id).await?;
                world.random_number = change.number;
                query("UPDATE world SET randomnumber = $1 WHERE id = $2")
                    .bind(world.random_number)
                    .bind(world.id)
                    .execute(&pool)
                    .await?;
                Ok(Json(world))
            }

            async fn find_world(pool: &Pool<$database>, id: i32) -> Result<World, Failure> {
                query_as("SELECT id, randomnumber FROM world WHERE id = $1")
                    .bind(id)
                    .fetch_optional(pool)
                    .await?
                    .ok_or(Failure::NotFound)
            }

            async fn transfer(
                State(pool): Database,
                Query(Transfer { from, to, amount }): Query<Transfer>,
            ) -> Result<Json<Balances>, Failure> {
                let mut transaction = pool.begin_with($begin).await?;
                let select =
                    concat!("SELECT id, balance FROM account WHERE id IN ($1, $2) ORDER BY id", $lock);
                let accounts: Vec<(i32, i64)> =
                    query_as(select).bind(from).bind(to).fetch_all(&mut *transaction).await?;
                let balance = |id| accounts.iter().find(|account| account.0 == id).ok_or(Failure::NotFound);
                let balances = Balances { from: balance(from)?.1 - amount, to: balance(to)?.1 + amount };
                for (id, balance) in [(from, balances.from), (to, balances.to)] {
                    query("UPDATE account SET balance = $1 WHERE id = $2")
                        .bind(balance)
                        .bind(id)
                        .execute(&mut *transaction)
                        .await?;
                }
                query("INSERT INTO entry (account_id, amount) VALUES ($1, $2), ($3, $4)")
                    .bind(from)
                    .bind(-amount)
                    .bind(to)
                    .bind(amount)
                    .execute(&mut *transaction)
                    .await?;
                transaction.commit().await?;
                Ok(Json(balances))
            }

            async fn fortunes(State(pool): Database) -> Result<Html<String>, Failure> {
                let fortunes: Vec<Fortune> =
                    query_as("SELECT id, message FROM fortune").fetch_all(&pool).await?;
                views::page(fortunes)
            }
        }
    };
}

backend!(postgres, sqlx::Postgres, begin: "BEGIN", lock: " FOR UPDATE");
// A transaction that begins by reading and then finds that another has written meanwhile cannot wait
// its turn: SQLite refuses it. IMMEDIATE takes the lock for writing first.
backend!(sqlite, sqlx::Sqlite, begin: "BEGIN IMMEDIATE", lock: "");
