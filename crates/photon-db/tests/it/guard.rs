//! What makes sure that nothing outlives this process: shells that wait for a pipe from here to close.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;

/// Removes a directory once the pipe is closed and the servers in it have ended.
const JANITOR: &str = r#"
read -r _
tries=0
until rm -rf "$1" 2>/dev/null || [ "$tries" -ge 100 ]; do
    tries=$((tries + 1))
    sleep 0.1
done
"#;

/// Starts a shell whose input ends with this process, however that ends.
pub(crate) fn shell(script: &str, arguments: &[String]) -> Child {
    let child = Command::new("sh")
        .args(["-c", script, "sh"])
        .args(arguments)
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // What the terminal or a supervisor sends to this process is not meant for the shell.
        .process_group(0)
        .spawn();
    child.unwrap()
}

/// A directory for all files of this process, removed when it has ended.
pub(crate) fn root() -> &'static Path {
    static ROOT: LazyLock<(PathBuf, Child)> = LazyLock::new(|| {
        let path = std::env::temp_dir().join(format!("photon-db-{}", std::process::id()));
        // One that was left by a process with the same number.
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir(&path).unwrap();
        let janitor = shell(JANITOR, &[path.to_str().unwrap().to_owned()]);
        (path, janitor)
    });
    &ROOT.0
}
