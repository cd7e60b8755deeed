//! MariaDB servers: one that the tests share, and others that a test may do anything to.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use photon_db::Db;

use super::process::Process;
use super::{Server, administrator, as_account, directory, free_port, path, run};

/// The account of Debian's package.
const ACCOUNT: &str = "mysql";

/// One server.
pub(crate) struct MariaDb {
    directory: PathBuf,
    port: u16,
    process: Option<Process>,
}

impl MariaDb {
    /// The server that the tests share, and its administrator.
    pub(crate) fn shared() -> &'static (Self, Db) {
        static SHARED: LazyLock<(MariaDb, Db)> = LazyLock::new(|| {
            let server = MariaDb::new();
            let administrator = server.administrator();
            (server, administrator)
        });
        &SHARED
    }

    /// A server for one test alone, started.
    ///
    /// What it has committed survives its being killed: the kernel has it, though perhaps no disk.
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("mariadb-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let directory = directory(&name, ACCOUNT);
        run(&as_account(
            ACCOUNT,
            ["cp", "-a", path(&template().join("data")), path(&directory.join("data"))],
        ));
        let mut server = Self { directory, port: free_port(), process: None };
        server.start();
        server
    }

    fn log(&self) -> PathBuf {
        self.directory.join("log")
    }
}

impl Server for MariaDb {
    fn start(&mut self) {
        assert!(self.process.is_none(), "the server runs");
        let setting = |name: &str, value: &str| format!("--{name}={value}");
        let mut words = as_account(ACCOUNT, [path(&binary("mariadbd")), "--no-defaults"]);
        words.extend([
            setting("datadir", path(&self.directory.join("data"))),
            setting("port", &self.port.to_string()),
            setting("bind-address", "127.0.0.1"),
            setting("socket", path(&self.directory.join("socket"))),
            setting("pid-file", path(&self.directory.join("pid"))),
            setting("tmpdir", path(&self.directory)),
            setting("character-set-server", "utf8mb4"),
            setting("max-connections", "300"),
            setting("innodb-buffer-pool-size", "64M"),
            setting("innodb-flush-log-at-trx-commit", "2"),
            setting("loose-innodb-flush-method", "nosync"),
            setting("loose-sync-frm", "off"),
            "--skip-log-bin".to_owned(),
            "--skip-name-resolve".to_owned(),
        ]);
        self.process = Some(Process::start(&self.log(), "KILL", &words));
    }

    fn crash(&mut self) {
        self.process.take().expect("the server runs").end("KILL");
    }

    fn url(&self, database: &str) -> String {
        format!("mysql://root@127.0.0.1:{}/{database}", self.port)
    }

    fn administrator(&self) -> Db {
        administrator(&self.url("mysql"), &self.log())
    }
}

/// An initialised data directory that servers start with copies of.
fn template() -> &'static Path {
    static TEMPLATE: LazyLock<PathBuf> = LazyLock::new(|| {
        let directory = directory("mariadb-template", ACCOUNT);
        let data = format!("--datadir={}", path(&directory.join("data")));
        run(&as_account(
            ACCOUNT,
            [
                path(&binary("mariadb-install-db")),
                "--no-defaults",
                &data,
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
                "--innodb-log-file-size=8M",
            ],
        ));
        directory
    });
    &TEMPLATE
}

fn binary(name: &str) -> PathBuf {
    let mut directories: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH").unwrap()).collect();
    directories.push("/usr/sbin".into());
    let mut found = directories.iter().map(|directory| directory.join(name)).filter(|path| path.exists());
    found
        .next()
        .unwrap_or_else(|| panic!("`{name}` is missing: install MariaDB's server (Debian: mariadb-server)"))
}
