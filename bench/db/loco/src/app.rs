//! The application's hooks.

use std::path::Path;
use std::time::Duration;

use loco_rs::Result;
use loco_rs::app::{AppContext, Hooks, Initializer};
use loco_rs::bgworker::Queue;
use loco_rs::boot::{BootResult, StartMode, create_app};
use loco_rs::config::Config;
use loco_rs::controller::AppRoutes;
use loco_rs::environment::Environment;
use loco_rs::prelude::async_trait;
use loco_rs::task::Tasks;
use sea_orm::{ConnectOptions, Database};
use sea_orm_migration::{MigrationTrait, MigratorTrait};
use sqlx::sqlite::SqliteSynchronous;

use crate::{controllers, views};

pub struct App;

#[async_trait]
impl Hooks for App {
    fn app_name() -> &'static str {
        env!("CARGO_CRATE_NAME")
    }

    async fn boot(mode: StartMode, environment: &Environment, config: Config) -> Result<BootResult> {
        create_app::<Self, Migrator>(mode, environment, config).await
    }

    async fn initializers(_ctx: &AppContext) -> Result<Vec<Box<dyn Initializer>>> {
        Ok(vec![Box::new(views::Templates)])
    }

    fn routes(_ctx: &AppContext) -> AppRoutes {
        AppRoutes::with_default_routes().add_routes(controllers::routes())
    }

    /// Connects to SQLite anew. Loco sets `synchronous` on one connection of its pool; the others would
    /// wait for the disk at each commit. Everything else stays as its configuration says.
    async fn after_context(mut ctx: AppContext) -> Result<AppContext> {
        let config = &ctx.config.database;
        if config.uri.starts_with("sqlite:") {
            let mut options = ConnectOptions::new(&config.uri);
            options
                .max_connections(config.max_connections)
                .min_connections(config.min_connections)
                .connect_timeout(Duration::from_millis(config.connect_timeout))
                .idle_timeout(Duration::from_millis(config.idle_timeout))
                .sqlx_logging(config.enable_logging)
                .map_sqlx_sqlite_opts(|sqlite| {
                    sqlite.synchronous(SqliteSynchronous::Normal).busy_timeout(Duration::from_secs(5))
                });
            ctx.db = Database::connect(options).await?;
        }
        Ok(ctx)
    }

    async fn connect_workers(_ctx: &AppContext, _queue: &Queue) -> Result<()> {
        Ok(())
    }

    fn register_tasks(_tasks: &mut Tasks) {}

    async fn truncate(_ctx: &AppContext) -> Result<()> {
        Ok(())
    }

    async fn seed(_ctx: &AppContext, _path: &Path) -> Result<()> {
        Ok(())
    }
}

/// No migrations: the benchmark makes the tables.
pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![]
    }
}
