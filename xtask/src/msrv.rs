//! The minimum supported Rust version: what the workspace declares is what has been built.

use std::path::Path;
use std::process::Command;

/// Passes if the compiler at hand is the declared version, for then every test runs on it.
/// Otherwise the workspace is checked with a `rustup` toolchain of that version.
pub(crate) fn run(root: &Path) -> Result<(), String> {
    let manifest =
        std::fs::read_to_string(root.join("Cargo.toml")).map_err(|e| format!("Cargo.toml: {e}"))?;
    let declared = declared(&manifest).ok_or("Cargo.toml declares no `rust-version`")?;
    let output = Command::new("rustc").arg("--version").output().map_err(|e| format!("rustc: {e}"))?;
    let version = String::from_utf8_lossy(&output.stdout);
    let version = version.trim();
    if is_release_of(version, declared) {
        println!("rust-version {declared} is the compiler at hand ({version}): the tests run on it");
        return Ok(());
    }
    println!("rust-version {declared} is not the compiler at hand ({version}): checking with {declared}");
    let status = Command::new("rustup")
        .args(["run", "--install", declared])
        .args(["cargo", "check", "--workspace", "--all-targets", "--locked"])
        .current_dir(root)
        .status()
        .map_err(|e| format!("rustup: {e}"))?;
    if status.success() {
        return Ok(());
    }
    Err(format!(
        "the workspace does not build with its `rust-version` {declared}, or that cannot be had here"
    ))
}

fn declared(manifest: &str) -> Option<&str> {
    let line = manifest.lines().find_map(|line| line.trim().strip_prefix("rust-version"))?;
    line.split('"').nth(1)
}

/// Whether `rustc 1.95.0 (…)` is a release of 1.95.
fn is_release_of(rustc: &str, declared: &str) -> bool {
    let release = rustc.split(' ').nth(1).unwrap_or_default();
    release == declared || release.strip_prefix(declared).is_some_and(|rest| rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_declaration_is_read() {
        assert_eq!(declared("[workspace.package]\nrust-version = \"1.95\"\n"), Some("1.95"));
        assert_eq!(declared("[workspace.package]\nversion = \"1.95\"\n"), None);
    }

    #[test]
    fn a_release_matches_its_own_version_only() {
        assert!(is_release_of("rustc 1.95.0 (59807616e 2026-04-14)", "1.95"));
        assert!(is_release_of("rustc 1.95.1 (59807616e 2026-04-14)", "1.95"));
        assert!(is_release_of("rustc 1.95.1", "1.95.1"));
        assert!(!is_release_of("rustc 1.96.0 (59807616e 2026-04-14)", "1.95"));
        assert!(!is_release_of("rustc 1.9.0", "1.95"));
        assert!(!is_release_of("rustc 1.95.0-nightly", "1.96"));
    }
}
