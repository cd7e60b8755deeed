//! `tidy`: walks the repository, applies the rules, prints sizes and what is wrong.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::manifest;
use crate::rules::{self, Problem};
use crate::sizes::Sizes;
use crate::source::Source;

/// The repository root stays small enough to be read at a glance. Hidden entries do not count: they
/// are settings of tools.
const MAX_ROOT_ENTRIES: usize = 15;

/// Checks everything below `root`.
pub(crate) fn run(root: &Path) -> Result<(), String> {
    let mut files = Vec::new();
    walk(root, &mut files).map_err(|error| format!("{}: {error}", root.display()))?;
    files.sort();
    let mut problems = root_entries(root);
    let mut sizes = Sizes::default();
    let mut seen = 0;
    for file in &files {
        let path = file.strip_prefix(root).unwrap_or(file);
        let is_manifest = path.file_name().is_some_and(|name| name == "Cargo.toml");
        let is_source = path.extension().is_some_and(|extension| extension == "rs");
        if !is_manifest && !is_source {
            continue;
        }
        seen += 1;
        let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", path.display()))?;
        if is_manifest {
            problems.extend(manifest::check(path, &text));
        } else {
            let source = Source::new(&text);
            problems.extend(rules::check_file(path, &text, &source));
            problems.extend(sizes.add(path, &source));
        }
    }
    sizes.print();
    if problems.is_empty() {
        println!("tidy: {seen} files, nothing to say");
        return Ok(());
    }
    let list: Vec<String> = problems.iter().map(Problem::to_string).collect();
    Err(format!("{}\ntidy: {} problems in {seen} files", list.join("\n"), problems.len()))
}

/// Every file below `directory`, without what is hidden, built or installed.
fn walk(directory: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with('.') || matches!(&*name, "target" | "node_modules") {
            continue;
        }
        if entry.file_type()?.is_dir() {
            walk(&entry.path(), files)?;
        } else {
            files.push(entry.path());
        }
    }
    Ok(())
}

/// Counts what is kept at the root, as git sees it; without git nothing is counted.
fn root_entries(root: &Path) -> Vec<Problem> {
    let output = Command::new("git").arg("ls-files").current_dir(root).output();
    let Ok(output) = output else { return Vec::new() };
    let listing = String::from_utf8_lossy(&output.stdout);
    let entries = first_components(&listing);
    if entries.len() <= MAX_ROOT_ENTRIES {
        return Vec::new();
    }
    let message =
        format!("{} entries at the root, {MAX_ROOT_ENTRIES} at most: {}", entries.len(), entries.join(" "));
    vec![Problem::new(Path::new("."), 0, message)]
}

fn first_components(listing: &str) -> Vec<&str> {
    let first = listing.lines().filter_map(|path| path.split('/').next());
    let mut entries: Vec<&str> = first.filter(|entry| !entry.starts_with('.')).collect();
    entries.sort_unstable();
    entries.dedup();
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn visible_root_entries_are_counted_once() {
        assert_eq!(first_components(".ci/run\na/b\na/c/d\ne\n"), ["a", "e"]);
    }

    #[test]
    fn built_and_hidden_files_are_passed_over() {
        let root = std::env::temp_dir().join(format!("photon-tidy-{}", std::process::id()));
        for directory in ["target", ".git", "src", "node_modules"] {
            fs::create_dir_all(root.join(directory)).unwrap();
            fs::write(root.join(directory).join("a.rs"), "").unwrap();
        }
        let mut files = Vec::new();
        walk(&root, &mut files).unwrap();
        fs::remove_dir_all(&root).unwrap();
        assert_eq!(files, [root.join("src/a.rs")]);
    }

    #[test]
    fn a_broken_rule_fails_the_run() {
        let root = std::env::temp_dir().join(format!("photon-tidy-run-{}", std::process::id()));
        fs::create_dir_all(root.join("crates/photon-core/src")).unwrap();
        let file = root.join("crates/photon-core/src/lib.rs");
        fs::write(&file, "//! Why.\n").unwrap();
        assert_eq!(run(&root), Ok(()));
        fs::write(&file, "fn f() {}\n").unwrap();
        let message = run(&root).unwrap_err();
        fs::remove_dir_all(&root).unwrap();
        assert!(message.starts_with("crates/photon-core/src/lib.rs:1: "), "{message}");
    }
}
