//! One suite for SQLite, PostgreSQL and MariaDB, and what happens when servers fail. One binary, so that one runtime
//! and one server of each kind serve all tests.

mod cancelled;
mod crud;
mod databases;
mod entities;
mod errors;
#[cfg(any(feature = "postgres", feature = "mysql"))]
mod faults;
mod guard;
mod logs;
#[cfg(feature = "mysql")]
mod mariadb;
mod migrations;
mod pool;
#[cfg(any(feature = "postgres", feature = "mysql"))]
mod races;
mod savepoints;
mod scans;
#[cfg(any(feature = "postgres", feature = "mysql"))]
mod servers;
#[cfg(feature = "sqlite")]
mod sqlite;
mod statements;
mod streams;
mod timeouts;
mod transactions;

/// Starts the runtime with the settings that the tests rely on.
fn runtime() {
    let settings = photon_runtime::Settings { workers: 2, blocking_threads: 4, ..Default::default() };
    photon_runtime::start(settings).unwrap();
}
