//! PostgreSQL servers: one that the tests share, and others that a test may do anything to.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use photon_db::Db;

use super::process::Process;
use super::{Server, administrator, as_account, directory, free_port, path, run};

/// The account of Debian's package.
const ACCOUNT: &str = "postgres";

/// One server.
pub(crate) struct Postgres {
    directory: PathBuf,
    port: u16,
    process: Option<Process>,
}

impl Postgres {
    /// The server that the tests share, and its administrator.
    pub(crate) fn shared() -> &'static (Self, Db) {
        static SHARED: LazyLock<(Postgres, Db)> = LazyLock::new(|| {
            let server = Postgres::new();
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
        let name = format!("postgres-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let directory = directory(&name, ACCOUNT);
        run(&as_account(
            ACCOUNT,
            ["cp", "-a", path(&template().join("data")), path(&directory.join("data"))],
        ));
        let mut server = Self { directory, port: free_port(), process: None };
        server.start();
        server
    }

    /// Stops it in order.
    pub(crate) fn stop(&mut self) {
        self.process.take().expect("the server runs").end("INT");
    }

    fn log(&self) -> PathBuf {
        self.directory.join("log")
    }
}

impl Server for Postgres {
    fn start(&mut self) {
        assert!(self.process.is_none(), "the server runs");
        let (postgres, data) = (binary("postgres"), self.directory.join("data"));
        let port = self.port.to_string();
        let mut words = as_account(ACCOUNT, [path(&postgres), "-D", path(&data), "-p", &port]);
        for setting in [
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "fsync=off",
            "max_connections=200",
            "shared_buffers=32MB",
            "autovacuum=off",
        ] {
            words.extend(["-c".to_owned(), setting.to_owned()]);
        }
        self.process = Some(Process::start(&self.log(), "QUIT", &words));
    }

    fn crash(&mut self) {
        self.process.take().expect("the server runs").end("KILL");
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://photon@127.0.0.1:{}/{database}", self.port)
    }

    fn administrator(&self) -> Db {
        administrator(&self.url("postgres"), &self.log())
    }
}

/// An initialised data directory that servers start with copies of.
fn template() -> &'static Path {
    static TEMPLATE: LazyLock<PathBuf> = LazyLock::new(|| {
        let directory = directory("postgres-template", ACCOUNT);
        run(&as_account(
            ACCOUNT,
            [
                path(&binary("initdb")),
                "--pgdata",
                path(&directory.join("data")),
                "--username=photon",
                "--auth=trust",
                "--encoding=UTF8",
                "--no-locale",
                "--no-sync",
                "--wal-segsize=1",
            ],
        ));
        directory
    });
    &TEMPLATE
}

/// Where a program of the server is. Debian keeps those of each version in a directory of their own.
fn binary(name: &str) -> PathBuf {
    let mut directories: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH").unwrap()).collect();
    if let Ok(versions) = std::fs::read_dir("/usr/lib/postgresql") {
        let mut versions: Vec<PathBuf> =
            versions.map(|version| version.unwrap().path().join("bin")).collect();
        versions.sort();
        directories.extend(versions.into_iter().rev());
    }
    let mut found = directories.iter().map(|directory| directory.join(name)).filter(|path| path.exists());
    found
        .next()
        .unwrap_or_else(|| panic!("`{name}` is missing: install PostgreSQL's server (Debian: postgresql)"))
}
