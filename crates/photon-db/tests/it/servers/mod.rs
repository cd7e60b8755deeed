//! Throwaway database servers on loopback ports, which end with this process however it ends. Nothing here touches a
//! service of the machine.

#[cfg(feature = "mysql")]
mod mariadb;
#[cfg(feature = "postgres")]
mod postgres;
mod process;

use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use photon_db::{Db, DbOptions};

#[cfg(feature = "mysql")]
pub(crate) use mariadb::MariaDb;
#[cfg(feature = "postgres")]
pub(crate) use postgres::Postgres;

/// A server that can be killed.
pub(crate) trait Server {
    /// Starts it. Whoever wants to use it has to wait until it answers.
    fn start(&mut self);

    /// Ends all its processes at once, as a crash does.
    fn crash(&mut self);

    /// The URL of one of its databases.
    fn url(&self, database: &str) -> String;

    /// Connections as its superuser, once it answers.
    fn administrator(&self) -> Db;
}

/// A port that nobody listens on.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").unwrap().uid() == 0
}

/// A command as an account if this process is root, because servers refuse to run as root.
fn as_account<'a>(account: &str, words: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut command = Vec::new();
    if is_root() {
        command.extend(
            ["setpriv", "--reuid", account, "--regid", account, "--clear-groups", "--"].map(str::to_owned),
        );
    }
    command.extend(words.into_iter().map(str::to_owned));
    command
}

/// A directory for a server that runs as an account.
fn directory(name: &str, account: &str) -> PathBuf {
    let path = crate::guard::root().join(name);
    std::fs::create_dir(&path).unwrap();
    if is_root() {
        chown(&path, Some(id("-u", account)), Some(id("-g", account))).unwrap();
    }
    path
}

fn id(kind: &str, account: &str) -> u32 {
    let output = Command::new("id").args([kind, account]).output().unwrap();
    let number = String::from_utf8(output.stdout).unwrap();
    number.trim().parse().unwrap_or_else(|_| panic!("there is no account {account:?} to run a server as"))
}

/// Runs a command that prepares a server.
fn run(words: &[String]) {
    let output = Command::new(&words[0]).args(&words[1..]).current_dir("/").stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("{}: {error}", words[0]));
    assert!(
        output.status.success(),
        "{words:?}: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// The administrator's connections to a server, once it answers.
fn administrator(url: &str, log: &Path) -> Db {
    crate::runtime();
    let options = DbOptions::new(url).max_connections(4).acquire_timeout(Duration::from_secs(30));
    let db = Db::with_options(options).unwrap();
    if let Err(error) = db.ping() {
        let log = std::fs::read_to_string(log).unwrap_or_default();
        panic!("{url} does not answer: {error}\n{log}");
    }
    db
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}
