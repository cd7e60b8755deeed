//! What can be wrong with a seed, and where.

use std::error::Error as StdError;
use std::path::PathBuf;
use std::{fmt, io};

use sea_orm::DbErr;

/// Why nothing was seeded.
#[derive(Debug)]
pub enum SeedError {
    /// The file cannot be read.
    Read {
        /// Its path.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// It is no list of rows.
    Format {
        /// The file, or the table of a text.
        place: String,
        /// What is wrong.
        problem: String,
    },
    /// A row does not fit the table.
    Row {
        /// The file, or the table of a text.
        place: String,
        /// Which row of the list, counted from 1.
        row: usize,
        /// What is wrong, with the field.
        problem: String,
    },
    /// The database refuses a row.
    Refused {
        /// The file, or the table of a text.
        place: String,
        /// Which row of the list, counted from 1.
        row: usize,
        /// What the database says.
        source: DbErr,
    },
    /// Anything else that the database says.
    Db(DbErr),
}

impl fmt::Display for SeedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read { path, source } => write!(f, "{}: {source}", path.display()),
            Self::Format { place, problem } => write!(f, "{place}: {problem}"),
            Self::Row { place, row, problem } => write!(f, "{place}, row {row}: {problem}"),
            Self::Refused { place, row, source } => write!(f, "{place}, row {row}: {source}"),
            Self::Db(source) => source.fmt(f),
        }
    }
}

impl StdError for SeedError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Read { source, .. } => Some(source),
            Self::Refused { source, .. } | Self::Db(source) => Some(source),
            Self::Format { .. } | Self::Row { .. } => None,
        }
    }
}

impl From<DbErr> for SeedError {
    fn from(error: DbErr) -> Self {
        Self::Db(error)
    }
}

/// For closures of transactions whose error is the database's.
impl From<SeedError> for DbErr {
    fn from(error: SeedError) -> Self {
        match error {
            SeedError::Db(source) => source,
            other => Self::Custom(other.to_string()),
        }
    }
}
