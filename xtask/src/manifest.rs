//! The rules for manifests: dependencies point one way, and only the runtime depends on `may`.
//!
//! This reads the few shapes of `Cargo.toml` that the workspace uses, line by line; it is no TOML
//! parser.

use std::path::Path;

use crate::rules::{COROUTINE_CRATES, Problem, RUNTIME};

/// Which siblings each crate may build upon; ARCHITECTURE.md draws the same graph. Development
/// dependencies are free: tests may reach upwards.
const GRAPH: &[(&str, &[&str])] = &[
    ("photon-http", &[]),
    ("photon-runtime", &[]),
    ("photon-macros", &[]),
    ("photon-core", &["photon-http"]),
    ("photon-router", &["photon-core"]),
    ("photon-server", &["photon-http", "photon-core", "photon-runtime"]),
    ("photon-db", &["photon-core", "photon-runtime"]),
    (
        "photon",
        &[
            "photon-http",
            "photon-runtime",
            "photon-macros",
            "photon-core",
            "photon-router",
            "photon-server",
            "photon-db",
        ],
    ),
];

/// One dependency, as its manifest names it.
#[derive(Debug, PartialEq)]
struct Dependency {
    line: usize,
    /// The key, or the `package` it renames.
    name: String,
    development: bool,
}

/// Applies the rules to the manifest at `path`, which is relative to the repository.
pub(crate) fn check(path: &Path, text: &str) -> Vec<Problem> {
    let directory = path.parent().unwrap_or(Path::new(""));
    let allowed = match allowed_siblings(directory) {
        Ok(allowed) => allowed,
        Err(message) => return vec![Problem::new(path, 0, message)],
    };
    let mut problems = Vec::new();
    for dependency in dependencies(text) {
        let name = dependency.name.as_str();
        let mut report = |message| problems.push(Problem::new(path, dependency.line, message));
        if COROUTINE_CRATES.contains(&name) && directory != Path::new(RUNTIME) {
            report(format!("only {RUNTIME} depends on `{name}`"));
        }
        let forbidden = allowed.is_some_and(|allowed| {
            is_sibling(name) && !dependency.development && !allowed.contains(&short(name).as_str())
        });
        if forbidden {
            report(format!("{} must not depend on `{name}`", directory.display()));
        }
    }
    problems
}

/// `None` where the graph has no say: the workspace's own manifest, the benchmark peers and the fuzz targets.
fn allowed_siblings(directory: &Path) -> Result<Option<&'static [&'static str]>, String> {
    if directory.starts_with("examples") {
        return Ok(Some(&["photon"]));
    }
    if directory == Path::new("xtask") {
        return Ok(Some(&[]));
    }
    if directory.ends_with("fuzz") {
        return Ok(None);
    }
    let Ok(name) = directory.strip_prefix("crates") else { return Ok(None) };
    let name = name.to_string_lossy();
    let entry = GRAPH.iter().find(|(crate_name, _)| *crate_name == name);
    entry.map(|(_, allowed)| Some(*allowed)).ok_or_else(|| {
        format!("`{name}` has no place in the dependency graph: give it one in xtask/src/manifest.rs")
    })
}

fn is_sibling(name: &str) -> bool {
    GRAPH.iter().any(|(sibling, _)| *sibling == short(name))
}

/// The directory name of a package: `photon-web-http` lies in `photon-http`, `photon-web` in `photon`.
fn short(name: &str) -> String {
    name.replacen("photon-web", "photon", 1)
}

fn dependencies(text: &str) -> Vec<Dependency> {
    let mut found = Vec::new();
    let mut section = String::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default().trim();
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            name.trim().clone_into(&mut section);
        }
        if section.starts_with("workspace") {
            continue;
        }
        let Some(kind_at) = section.find("dependencies") else { continue };
        let development = section[..kind_at].ends_with("dev-");
        let mut push = |name: &str| {
            let name = name.trim().trim_matches('"').to_owned();
            found.push(Dependency { line: index + 1, name, development });
        };
        // A dependency is a key of `[dependencies]` or a table of its own, `[dependencies.name]`.
        let table = section[kind_at..].strip_prefix("dependencies.");
        match (line.split_once('='), table) {
            (Some((key, value)), None) => match value.split_once("package") {
                Some((_, package)) => push(package.split('"').nth(1).unwrap_or_default()),
                None => push(key.split('.').next().unwrap_or(key)),
            },
            (Some((key, value)), Some(_)) if key.trim() == "package" => push(value),
            (None, Some(name)) if line.starts_with('[') => push(name),
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(path: &str, text: &str) -> Vec<usize> {
        check(Path::new(path), text).iter().map(|problem| problem.line).collect()
    }

    #[test]
    fn every_shape_of_dependency_is_seen() {
        let text = "[package]\nname = \"x\"\n[dependencies]\na.workspace = true\nb = \"1\"\n\
                    c = { package = \"d\", version = \"1\" }\n[dev-dependencies]\ne = \"1\" # f = 1\n\
                    [target.'cfg(unix)'.dependencies]\ng = \"1\"\n[build-dependencies.h]\nversion = \"1\"\n\
                    [features]\ni = []\n";
        let found: Vec<_> = dependencies(text).into_iter().map(|d| (d.name, d.development)).collect();
        let expected = [("a", false), ("b", false), ("d", false), ("e", true), ("g", false), ("h", false)];
        assert_eq!(found, expected.map(|(name, development)| (name.to_owned(), development)));
    }

    #[test]
    fn dependencies_point_one_way() {
        let manifest = |name: &str| format!("[dependencies]\n{name}.workspace = true\n");
        assert_eq!(lines("crates/photon-core/Cargo.toml", &manifest("photon-http")), []);
        assert_eq!(lines("crates/photon-http/Cargo.toml", &manifest("photon-core")), [2]);
        assert_eq!(lines("crates/photon-router/Cargo.toml", &manifest("photon-runtime")), [2]);
        assert_eq!(lines("crates/photon-macros/Cargo.toml", &manifest("photon")), [2]);
        assert_eq!(lines("examples/a/Cargo.toml", &manifest("photon")), []);
        assert_eq!(lines("examples/a/Cargo.toml", &manifest("photon-core")), [2]);
        assert_eq!(lines("xtask/Cargo.toml", &manifest("photon")), [2]);
        assert_eq!(lines("Cargo.toml", "[workspace.dependencies]\nmay = \"1\"\n"), []);
    }

    #[test]
    fn a_renamed_sibling_is_still_a_sibling() {
        let text = "[dependencies]\nx = { package = \"photon-web-server\", path = \"../y\" }\n";
        assert_eq!(lines("crates/photon-core/Cargo.toml", text), [2]);
    }

    #[test]
    fn tests_may_reach_upwards_but_not_to_may() {
        let text = "[dev-dependencies]\nphoton.workspace = true\nmay.workspace = true\n";
        assert_eq!(lines("crates/photon-macros/Cargo.toml", text), [3]);
    }

    #[test]
    fn the_runtime_alone_depends_on_may() {
        let text = "[dependencies]\nmay.workspace = true\ngenerator = \"0.8\"\n";
        assert_eq!(lines("crates/photon-runtime/Cargo.toml", text), []);
        assert_eq!(lines("crates/photon-server/Cargo.toml", text), [2, 3]);
        assert_eq!(lines("bench/peers/axum/Cargo.toml", text), [2, 3]);
    }

    #[test]
    fn a_new_crate_needs_a_place_in_the_graph() {
        assert_eq!(lines("crates/photon-new/Cargo.toml", "[package]\n"), [0]);
    }
}
