//! Seeds: rows that every database of an application has, and those of its tests, from YAML or JSON.

mod error;
mod load;
#[cfg(all(test, feature = "sqlite"))]
mod tests;

use std::path::{Path, PathBuf};

use photon_runtime::Wait;
use sea_orm::{EntityTrait, IntoActiveModel, TransactionTrait};

pub use error::SeedError;

use crate::Transaction;
use load::Format;

/// What became of the rows of a seed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Seeded {
    /// Rows that were not there.
    pub inserted: u64,
    /// Rows that were there with other values.
    pub updated: u64,
    /// Rows that were there as the seed has them.
    pub unchanged: u64,
}

impl std::ops::AddAssign for Seeded {
    fn add_assign(&mut self, other: Self) {
        self.inserted += other.inserted;
        self.updated += other.updated;
        self.unchanged += other.unchanged;
    }
}

/// An entity that can be seeded; every entity of SeaORM's derives is one.
pub trait Seedable: EntityTrait<Model: IntoActiveModel<Self::ActiveModel>, ActiveModel: Send> {}

impl<E: EntityTrait<Model: IntoActiveModel<E::ActiveModel>, ActiveModel: Send>> Seedable for E {}

/// Seeds a table from a file: `.yaml` or `.yml`, or `.json`.
///
/// The file is a list of rows, each a map from fields to values. Every row has its primary key, so that seeding twice
/// is seeding once: a row that is there is updated where it differs, others are inserted. Fields that a row leaves out
/// take their defaults when it is inserted and stay as they are when it is updated. Hooks such as those of
/// [`timestamps!`](crate::timestamps) are called. All of it is one transaction, or a savepoint of the transaction that
/// it is given. In PostgreSQL the table's ids then go on behind the greatest.
///
/// Times are texts such as `2024-05-31T18:30:00Z`, bytes are Base64, and a list is what a JSON column or one of
/// PostgreSQL's arrays takes.
///
/// # Errors
/// [`SeedError`], with the file and the row; nothing is seeded then.
///
/// # Panics
/// If called from async code.
///
/// ```
/// # mod product {
/// #     use photon_db::sea_orm;
/// #     use photon_db::sea_orm::entity::prelude::*;
/// #     #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
/// #     #[sea_orm(table_name = "products")]
/// #     pub struct Model {
/// #         #[sea_orm(primary_key)]
/// #         pub id: i32,
/// #         pub name: String,
/// #     }
/// #     #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
/// #     pub enum Relation {}
/// #     impl ActiveModelBehavior for ActiveModel {}
/// # }
/// # use photon_db::sea_orm::{ConnectionTrait, Schema};
/// # use photon_runtime::Wait;
/// # let directory = std::env::temp_dir().join(format!("photon-seed-{}", std::process::id()));
/// # std::fs::create_dir_all(&directory)?;
/// # let db = photon_db::Db::open("sqlite::memory:")?;
/// # db.execute(&Schema::new(db.get_database_backend()).create_table_from_entity(product::Entity)).wait()?;
/// # let file = directory.join("products.yaml");
/// std::fs::write(&file, "- id: 1\n  name: Lamp\n- id: 2\n  name: Desk\n")?;
/// let seeded = photon_db::seed::<product::Entity>(&db, &file)?;
/// assert_eq!(seeded.inserted, 2);
/// # std::fs::remove_dir_all(&directory)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn seed<E: Seedable>(
    db: &impl TransactionTrait<Transaction = Transaction>,
    file: impl AsRef<Path>,
) -> Result<Seeded, SeedError> {
    transaction(db, |tx| seed_file::<E>(tx, file.as_ref()))
}

/// The same from text, YAML or JSON: of a test, or compiled into the program by `include_str!`.
///
/// # Errors
/// [`SeedError`], with the table and the row; nothing is seeded then.
///
/// # Panics
/// If called from async code.
///
/// ```
/// # mod product {
/// #     use photon_db::sea_orm;
/// #     use photon_db::sea_orm::entity::prelude::*;
/// #     #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
/// #     #[sea_orm(table_name = "products")]
/// #     pub struct Model {
/// #         #[sea_orm(primary_key)]
/// #         pub id: i32,
/// #         pub name: String,
/// #     }
/// #     #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
/// #     pub enum Relation {}
/// #     impl ActiveModelBehavior for ActiveModel {}
/// # }
/// # use photon_db::sea_orm::{ConnectionTrait, Schema};
/// # use photon_runtime::Wait;
/// # let db = photon_db::Db::open("sqlite::memory:")?;
/// # db.execute(&Schema::new(db.get_database_backend()).create_table_from_entity(product::Entity)).wait()?;
/// let rows = "[{id: 1, name: Lamp}, {id: 2, name: Desk}]";
/// assert_eq!(photon_db::seed_text::<product::Entity>(&db, rows)?.inserted, 2);
/// assert_eq!(photon_db::seed_text::<product::Entity>(&db, rows)?.unchanged, 2);
///
/// let mistake = photon_db::seed_text::<product::Entity>(&db, "[{id: 3, nmae: Chair}]").unwrap_err();
/// assert_eq!(mistake.to_string(), "seed of products, row 1: there is no field nmae; the fields are id, name");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn seed_text<E: Seedable>(
    db: &impl TransactionTrait<Transaction = Transaction>,
    text: &str,
) -> Result<Seeded, SeedError> {
    transaction(db, |tx| {
        let place = format!("seed of {}", E::default().table_name());
        load::text::<E>(tx, &place, text, Format::Any)
    })
}

/// Seeds for several tables from the files of a directory, parents first.
///
/// ```no_run
/// # macro_rules! entity {
/// #     ($name:ident) => {
/// #         mod $name {
/// #             use photon_db::sea_orm;
/// #             use photon_db::sea_orm::entity::prelude::*;
/// #             #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
/// #             #[sea_orm(table_name = "products")]
/// #             pub struct Model {
/// #                 #[sea_orm(primary_key)]
/// #                 pub id: i32,
/// #             }
/// #             #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
/// #             pub enum Relation {}
/// #             impl ActiveModelBehavior for ActiveModel {}
/// #         }
/// #     };
/// # }
/// # entity!(category);
/// # entity!(product);
/// use photon_db::{Db, Seeds};
///
/// let db = Db::open("sqlite:shop.db")?;
/// let seeds = Seeds::in_directory("seeds")
///     .table::<category::Entity>() // seeds/categories.yaml
///     .table::<product::Entity>(); // seeds/products.yaml
/// seeds.run(&db)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Seeds {
    directory: PathBuf,
    files: Vec<(PathBuf, SeedFile)>,
}

type SeedFile = fn(&Transaction, &Path) -> Result<Seeded, SeedError>;

impl Seeds {
    /// No seeds yet, but where their files are.
    #[must_use]
    pub fn in_directory(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into(), files: Vec::new() }
    }

    /// Adds a table, whose file is called like it: `products.yaml`, `products.yml` or `products.json`.
    #[must_use]
    pub fn table<E: Seedable>(self) -> Self {
        let table = E::default().table_name().to_owned();
        let path = |extension: &str| self.directory.join(format!("{table}.{extension}"));
        let file = ["yaml", "yml", "json"].into_iter().map(path).find(|path| path.exists());
        let file = file.unwrap_or_else(|| path("yaml"));
        self.add::<E>(file)
    }

    /// Adds a table whose file is called otherwise.
    #[must_use]
    pub fn file<E: Seedable>(self, name: impl AsRef<Path>) -> Self {
        let file = self.directory.join(name);
        self.add::<E>(file)
    }

    fn add<E: Seedable>(mut self, file: PathBuf) -> Self {
        self.files.push((file, seed_file::<E>));
        self
    }

    /// Seeds all tables in the order in which they were added, in one transaction; see [`seed`].
    ///
    /// # Errors
    /// [`SeedError`], with the file and the row; nothing is seeded then.
    ///
    /// # Panics
    /// If called from async code.
    pub fn run(&self, db: &impl TransactionTrait<Transaction = Transaction>) -> Result<Seeded, SeedError> {
        transaction(db, |tx| {
            let mut all = Seeded::default();
            for (file, seed_file) in &self.files {
                all += seed_file(tx, file)?;
            }
            Ok(all)
        })
    }
}

fn seed_file<E: Seedable>(tx: &Transaction, path: &Path) -> Result<Seeded, SeedError> {
    let format = Format::of(path)?;
    let text = photon_runtime::blocking(|| std::fs::read_to_string(path))
        .map_err(|source| SeedError::Read { path: path.to_owned(), source })?;
    load::text::<E>(tx, &path.display().to_string(), &text, format)
}

fn transaction<T>(
    db: &impl TransactionTrait<Transaction = Transaction>,
    work: impl FnOnce(&Transaction) -> Result<T, SeedError>,
) -> Result<T, SeedError> {
    crate::transaction::run_blocking(db.begin().wait()?, work)
}
