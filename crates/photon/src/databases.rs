//! The databases of an application, and what is done about pending migrations when it starts.

use std::sync::Arc;

use photon_core::HttpError;
use photon_db::migration::MigratorTrait;
use photon_db::{Db, NamedDb};

use crate::App;

/// What happens at the start to migrations that the database does not have yet. Never nothing: a program whose
/// tables are not there is told so before its first request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Migrate {
    /// In a debug build they are applied. In a release build they stop the launch, because a production database
    /// is migrated on purpose. The default.
    #[default]
    InDevelopment,
    /// They are applied, in release builds too. Instances that start together take turns.
    Always,
    /// They stop the launch, with their names.
    Never,
}

impl Migrate {
    fn applies(self) -> bool {
        match self {
            Self::InDevelopment => cfg!(debug_assertions),
            Self::Always => true,
            Self::Never => false,
        }
    }
}

impl App {
    /// Gives handlers a database, which they take as `db: Db` or `tx: Tx`. Its connections are closed after the last
    /// request.
    ///
    /// Nothing is connected before the start, so that `openapi` and `routes` work while the database is down.
    ///
    /// ```
    /// use photon::db::sea_orm::{ConnectionTrait, Statement};
    /// use photon::prelude::*;
    /// use photon::testing::TestClient;
    ///
    /// #[get("/answer")]
    /// fn answer(db: Db) -> Result<i32> {
    ///     let query = Statement::from_string(db.get_database_backend(), "SELECT 42 AS answer");
    ///     Ok(db.query_one_raw(query).wait().or_404()?.try_get("", "answer")?)
    /// }
    ///
    /// let app = App::new().database(Db::open("sqlite::memory:").unwrap()).routes(routes![answer]);
    /// assert_eq!(TestClient::new(app).get("/answer").send().json::<i32>(), 42);
    /// ```
    #[must_use]
    pub fn database(mut self, db: Db) -> Self {
        self.context.insert(Arc::new(db.clone()));
        self.on_stop(move || db.close())
    }

    /// Gives handlers one more database, which they take as `reports: NamedDb<Reports>`; the name is a type of the
    /// application's own.
    #[must_use]
    pub fn named_database<D: 'static>(mut self, db: Db) -> Self {
        self.context.insert(Arc::new(NamedDb::<D>::new(db.clone())));
        self.on_stop(move || db.close())
    }

    /// Says which migrations the application's database needs, and what happens at the start if some are pending.
    ///
    /// # Panics
    /// If the application has no database yet: [`App::database`] comes first.
    #[must_use]
    pub fn migrations<M: MigratorTrait + 'static>(self, migrate: Migrate) -> Self {
        let db = self.context.get::<Db>();
        let db = db
            .unwrap_or_else(|| panic!("migrations need a database: call .database(…) before .migrations(…)"));
        self.on_start(move || {
            let migrations = db.migrations::<M>();
            let outcome = if migrate.applies() { migrations.up(None) } else { migrations.check() };
            // A launch that fails says why in full, and is no answer to a client.
            outcome.map_err(HttpError::internal)
        })
    }
}
