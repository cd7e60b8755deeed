//! Migrations of sea-orm-migration, by one instance at a time.

use std::fs::File;
use std::marker::PhantomData;
use std::path::Path;

use photon_runtime::Wait;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, Statement};
use sea_orm_migration::{MigrationStatus, MigratorTrait};

use crate::Db;

/// What the locks of PostgreSQL and MySQL are called: "photon" in hexadecimal, and in letters.
const ADVISORY_LOCK: i64 = 0x7068_6f74_6f6e;
const NAMED_LOCK: &str = "photon_migrations";

/// Migrates one database with the migrations of a migrator; from [`Db::migrations`].
///
/// Several instances may start at once: they migrate one after the other, and whoever comes later finds the work
/// done. The lock is PostgreSQL's advisory lock, MySQL's named lock or, for SQLite, a lock on the file's directory.
/// Everything here blocks until it is done, without a statement timeout.
pub struct Migrations<'a, M> {
    db: &'a Db,
    migrator: PhantomData<fn() -> M>,
}

/// One migration and whether it has been applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppliedMigration {
    /// The name of its file.
    pub name: String,
    /// Whether the database has it.
    pub applied: bool,
}

impl Db {
    /// The migrations of a migrator, for this database.
    #[must_use]
    pub fn migrations<M: MigratorTrait>(&self) -> Migrations<'_, M> {
        Migrations { db: self, migrator: PhantomData }
    }

    /// Applies all pending migrations.
    ///
    /// # Errors
    /// The database's; migrations that were applied before the failing one stay applied.
    pub fn migrate<M: MigratorTrait>(&self) -> Result<(), DbErr> {
        self.migrations::<M>().up(None)
    }
}

impl<M: MigratorTrait> Migrations<'_, M> {
    /// Applies pending migrations: so many, or all.
    ///
    /// # Errors
    /// The database's; migrations that were applied before the failing one stay applied.
    pub fn up(&self, steps: impl Into<Option<u32>>) -> Result<(), DbErr> {
        let steps = steps.into();
        self.locked(async |connection| M::up(connection, steps).await)
    }

    /// Takes back the latest migrations: so many, or all.
    ///
    /// # Errors
    /// The database's, or that a migration cannot be taken back.
    pub fn down(&self, steps: impl Into<Option<u32>>) -> Result<(), DbErr> {
        let steps = steps.into();
        self.locked(async |connection| M::down(connection, steps).await)
    }

    /// Drops all tables, data included, and applies all migrations.
    ///
    /// # Errors
    /// The database's.
    pub fn fresh(&self) -> Result<(), DbErr> {
        self.locked(async |connection| M::fresh(connection).await)
    }

    /// All migrations in order. Changes nothing, and so needs no right to.
    ///
    /// # Errors
    /// The database's, or that it has a migration which the program does not know.
    pub fn status(&self) -> Result<Vec<AppliedMigration>, DbErr> {
        // A replica may not have heard of the latest.
        let primary = self.db.primary();
        let migrations = async { M::get_migration_with_status_read_only(&primary).await }.wait()?;
        Ok(migrations
            .iter()
            .map(|migration| AppliedMigration {
                name: migration.name().to_owned(),
                applied: migration.status() == MigrationStatus::Applied,
            })
            .collect())
    }

    /// Makes sure that nothing is pending.
    ///
    /// # Errors
    /// `DbErr::Migration` with the names of what is pending, or the database's.
    pub fn check(&self) -> Result<(), DbErr> {
        let pending: Vec<String> = self
            .status()?
            .into_iter()
            .filter(|migration| !migration.applied)
            .map(|migration| migration.name)
            .collect();
        if pending.is_empty() {
            return Ok(());
        }
        let database = &self.db.servers.primary.connector().label;
        Err(DbErr::Migration(format!("{database} lacks {}", pending.join(", "))))
    }

    /// Runs something on a connection of SeaORM's own kind, which sea-orm-migration insists on, while no other
    /// instance migrates.
    fn locked(&self, work: impl AsyncFnOnce(&DatabaseConnection) -> Result<(), DbErr>) -> Result<(), DbErr> {
        let primary = &self.db.servers.primary;
        let connector = primary.connector();
        let _file = connector.file().map(lock_directory).transpose()?;
        let locked = async {
            // From then on a database in memory stays.
            let _alive = if connector.is_in_memory() { Some(primary.acquire().await?) } else { None };
            let _alone = if connector.is_in_memory() { Some(IN_MEMORY.lock().await) } else { None };
            let connection = connector.seaorm().await?;
            take_lock(&connection).await?;
            let outcome = work(&connection).await;
            // With its connection the server's lock is gone as well.
            let closed = connection.close().await;
            outcome.and(closed)
        };
        let outcome = locked.wait();
        // Whatever has become of the tables.
        self.db.servers.renew();
        outcome
    }
}

/// Instances of one program that migrate databases in memory.
static IN_MEMORY: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Waits for the server's lock, which belongs to the connection.
async fn take_lock(connection: &DatabaseConnection) -> Result<(), DbErr> {
    let backend = connection.get_database_backend();
    let sql = match backend {
        DbBackend::Postgres => format!("SELECT pg_advisory_lock({ADVISORY_LOCK})"),
        DbBackend::MySql => format!("SELECT GET_LOCK('{NAMED_LOCK}', 86400)"),
        _ => return Ok(()),
    };
    connection.query_one_raw(Statement::from_string(backend, sql)).await?;
    Ok(())
}

/// Waits for a lock on the directory of an SQLite file. The file itself must not be opened here: closing it again
/// would release SQLite's own locks (<https://www.sqlite.org/howtocorrupt.html>, section 2.2).
fn lock_directory(file: &Path) -> Result<File, DbErr> {
    let directory = match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    photon_runtime::blocking(|| {
        let handle = File::open(directory)?;
        handle.lock()?;
        Ok(handle)
    })
    .map_err(|error: std::io::Error| {
        DbErr::Migration(format!("cannot lock {} for the migration: {error}", directory.display()))
    })
}
