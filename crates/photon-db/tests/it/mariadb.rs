//! What only MariaDB does.

use std::time::Duration;

use photon_db::Db;
use photon_db::sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};
use photon_runtime::{Elapsed, Wait};

use crate::databases::{Database, Kind, number, run};
use crate::pool::settled;

/// MariaDB prepares a statement only when it may look at the table, and so this one is given up half prepared.
#[test]
fn a_transaction_goes_on_in_step_after_half_a_preparation() {
    let database = Database::new(Kind::MariaDb);
    let db: &Db = &database;
    run(
        db,
        "CREATE TABLE t (n INTEGER); CREATE TABLE locked (n INTEGER); INSERT INTO locked VALUES (1), (2)",
    )
    .unwrap();
    let locker = database.open(|options| options.max_connections(1));
    let outcome = db.transaction(|tx| {
        run(tx, "INSERT INTO t VALUES (1)")?;
        run(&locker, "LOCK TABLES locked WRITE")?;
        let look =
            Statement::from_string(DbBackend::MySql, "SELECT COUNT(*) AS n, 'a' AS a, 'b' AS b FROM locked");
        assert_eq!(tx.query_one_raw(look).wait_timeout(Duration::from_millis(30)).map(drop), Err(Elapsed));
        run(&locker, "UNLOCK TABLES")?;
        for _ in 0..3 {
            assert_eq!(number(tx, "SELECT COUNT(*) AS n FROM t")?, 1);
        }
        Ok::<(), DbErr>(())
    });
    settled(db);
    let expected = if outcome.is_ok() { 1 } else { 0 };
    assert_eq!(number(db, "SELECT COUNT(*) AS n FROM t").unwrap(), expected, "{outcome:?}");
}
