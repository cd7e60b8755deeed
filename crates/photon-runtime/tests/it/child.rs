//! Runs one test of this binary again in a process of its own, for what ends or bends a process.

use std::process::{Child, Command, Output, Stdio};

const VARIABLE: &str = "PHOTON_TEST_CHILD";

/// Whether this process is the child that runs the named test's body.
pub(crate) fn is_child(test: &str) -> bool {
    std::env::var(VARIABLE).is_ok_and(|name| name == test)
}

/// Starts the named test as a child.
pub(crate) fn start(test: &str) -> Child {
    start_with(test, &[])
}

fn start_with(test: &str, variables: &[(&str, &str)]) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(VARIABLE, test)
        .envs(variables.iter().copied())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Runs the named test as a child to its end.
pub(crate) fn run(test: &str) -> Output {
    start(test).wait_with_output().unwrap()
}

/// Runs the named test as a child to its end, with environment variables.
pub(crate) fn run_with(test: &str, variables: &[(&str, &str)]) -> Output {
    start_with(test, variables).wait_with_output().unwrap()
}

/// Runs the named test as a child, which must succeed.
pub(crate) fn succeeds(test: &str) {
    let output = run(test);
    assert!(output.status.success(), "{}\n{}", output.status, text(&output));
}

/// Everything the child wrote.
pub(crate) fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
