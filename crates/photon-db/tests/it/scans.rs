//! Long results in little memory. Each scan has a process of its own, whose memory no other test uses.

use std::process::Command;

use photon_db::Db;
use photon_db::sea_orm::StreamTrait;
use photon_runtime::{Wait, WaitIter, spawn};

use crate::databases::{Database, Kind, backend};
use crate::streams::numbers;

/// Code that is not optimised takes some microseconds for each row, and a tenth of them shows as much.
const ROWS: u64 = if cfg!(debug_assertions) { 1_000_000 } else { 10_000_000 };

/// Rows that were kept would take ten times as much.
const MAX_GROWTH: usize = 32 << 20;

/// Tells the process of its own which database to read.
const VARIABLE: &str = "PHOTON_TEST_SCAN";

#[cfg(feature = "sqlite")]
#[test]
fn in_sqlite() {
    scan_in_child("scans::in_sqlite", Kind::SqliteFile);
}

#[cfg(feature = "postgres")]
#[test]
fn in_postgres() {
    scan_in_child("scans::in_postgres", Kind::Postgres);
}

#[cfg(feature = "mysql")]
#[test]
fn in_mariadb() {
    scan_in_child("scans::in_mariadb", Kind::MariaDb);
}

/// Runs this test in a process of its own, or does its work if this is that process.
fn scan_in_child(test: &str, kind: Kind) {
    if let Ok(url) = std::env::var(VARIABLE) {
        crate::runtime();
        return spawn(move || scan(&Db::open(&url).unwrap())).join_or_unwind();
    }
    let database = Database::new(kind);
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(VARIABLE, database.url())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}\n{text}", output.status);
}

fn scan(db: &Db) {
    // What the first statement takes is not what rows take.
    let first = db.stream_raw(numbers(backend(db), 1_000)).wait().unwrap().wait_iter().count();
    assert_eq!(first, 1_000);
    let before = resident();
    let (mut sum, mut most) = (0, before);
    let rows = db.stream_raw(numbers(backend(db), ROWS)).wait().unwrap().wait_iter();
    for (index, row) in rows.enumerate() {
        sum += row.unwrap().try_get_by_index::<i64>(0).unwrap();
        if index % 100_000 == 0 {
            most = resident().max(most);
        }
    }
    let rows = ROWS as i64;
    assert_eq!(sum, rows * (rows + 1) / 2);
    let growth = resident().max(most) - before;
    assert!(growth < MAX_GROWTH, "{} KiB more than before", growth >> 10);
}

/// How many bytes of memory this process uses.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() << 10
}
