//! The database workloads as a Loco application: its hooks, its controllers, its configuration.
//!
//! `db-loco start` with `LOCO_ENV=production` reads `config/production.yaml`, which takes `DATABASE_URL`,
//! `POOL`, `HOST` and `PORT` from the environment.

mod app;
mod controllers;
mod entities;
mod views;

#[tokio::main]
async fn main() -> loco_rs::Result<()> {
    loco_rs::cli::main::<app::App, app::Migrator>().await
}
