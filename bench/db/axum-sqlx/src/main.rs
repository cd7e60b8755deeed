//! The database workloads on axum with sqlx: SQL by hand, as lean as this stack gets.
//!
//! `DATABASE_URL` chooses SQLite or PostgreSQL, `POOL` the number of connections, `HOST`/`PORT` where
//! it listens. No middleware and no logging.

mod backend;
mod views;

use std::time::Duration;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::serve::ListenerExt;
use serde::{Deserialize, Serialize};
use sqlx::ConnectOptions;
use sqlx::pool::PoolOptions;
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};

#[derive(Serialize, sqlx::FromRow)]
struct World {
    id: i32,
    #[serde(rename = "randomNumber")]
    #[sqlx(rename = "randomnumber")]
    random_number: i32,
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

/// Without the ping before each use, which sqlx sends by default and which costs a round trip.
fn pool<D: sqlx::Database>() -> PoolOptions<D> {
    PoolOptions::new().max_connections(number("POOL", 16)).test_before_acquire(false)
}

fn number(name: &str, default: u32) -> u32 {
    std::env::var(name)
        .map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::var("DATABASE_URL")?;
    let app = if url.starts_with("sqlite:") {
        let options = url
            .parse::<SqliteConnectOptions>()?
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .busy_timeout(Duration::from_secs(5))
            .disable_statement_logging();
        backend::sqlite::routes(pool().connect_with(options).await?)
    } else {
        let options = url.parse::<PgConnectOptions>()?.disable_statement_logging();
        backend::postgres::routes(pool().connect_with(options).await?)
    };
    let host = std::env::var("HOST").unwrap_or_else(|_| "127.0.0.1".to_owned());
    let listener =
        tokio::net::TcpListener::bind(format!("{host}:{}", number("PORT", 8001))).await?.tap_io(|stream| {
            // A response goes out at once.
            let _ = stream.set_nodelay(true);
        });
    axum::serve(listener, app).await?;
    Ok(())
}
