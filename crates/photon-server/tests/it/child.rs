//! Runs one test of this binary again in a process of its own, for what ends or bends a process.

use std::process::{Child, Command, Stdio};

const VARIABLE: &str = "PHOTON_TEST_CHILD";

/// Whether this process is the child that runs the named test's body.
pub(crate) fn is_child(test: &str) -> bool {
    std::env::var(VARIABLE).is_ok_and(|name| name == test)
}

/// Runs the named test as a child, which must succeed.
#[track_caller]
pub(crate) fn succeeds(test: &str) {
    let output = start(test, "exec \"$@\"").wait_with_output().unwrap();
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}\n{}", text(&output.stdout), text(&output.stderr));
}

/// Starts the named test as a child by way of a shell, which can set limits before it ends with `exec "$@"`.
pub(crate) fn start(test: &str, script: &str) -> Child {
    Command::new("sh")
        .args(["-c", script, "sh"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(VARIABLE, test)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}
