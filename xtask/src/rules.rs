//! The rules for one source file: header, runtime confinement, markers of unfinished work.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::source::{Source, words};

/// The one crate that may name `may` and contain `unsafe`.
pub(crate) const RUNTIME: &str = "crates/photon-runtime";

/// The coroutine crates: everything but the runtime crate goes through the runtime crate.
pub(crate) const COROUTINE_CRATES: [&str; 2] = ["may", "generator"];

/// A broken rule, where it is broken.
#[derive(Debug, PartialEq)]
pub(crate) struct Problem {
    pub(crate) path: PathBuf,
    /// Counted from 1; 0 is the whole file.
    pub(crate) line: usize,
    pub(crate) message: String,
}

impl Problem {
    pub(crate) fn new(path: &Path, line: usize, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, message: message.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.path.display(), self.message),
            line => write!(f, "{}:{line}: {}", self.path.display(), self.message),
        }
    }
}

/// Applies every rule for one file; `path` is relative to the repository.
pub(crate) fn check_file(path: &Path, text: &str, source: &Source) -> Vec<Problem> {
    let mut problems = Vec::new();
    header(path, text, &mut problems);
    if !path.starts_with(RUNTIME) {
        confinement(path, source, &mut problems);
    }
    unfinished(path, source, &mut problems);
    problems
}

/// A file begins with a `//!` line that says something. Only a `#!` interpreter line, blank lines
/// and inner attributes (`#![…]`, over several lines too) may come before it.
fn header(path: &Path, text: &str, problems: &mut Vec<Problem>) {
    let mut inside_attribute = false;
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        let interpreter = index == 0 && line.starts_with("#!") && !line.starts_with("#![");
        if inside_attribute || line.starts_with("#![") {
            inside_attribute = !line.ends_with(']');
        } else if !line.is_empty() && !interpreter {
            match line.strip_prefix("//!") {
                Some(said) if !said.trim().is_empty() => {}
                _ => problems.push(Problem::new(
                    path,
                    index + 1,
                    "the file must begin with `//!` saying what it is for and what it is not",
                )),
            }
            return;
        }
    }
    problems.push(Problem::new(path, 0, "the file is empty: remove it or say with `//!` what it is for"));
}

fn confinement(path: &Path, source: &Source, problems: &mut Vec<Problem>) {
    for (index, line) in source.code.lines().enumerate() {
        let mut before = "";
        for (word, after) in words(line) {
            let after = after.trim_start();
            let named = after.starts_with("::") || before == "use" || before == "crate";
            if word == "unsafe" {
                problems.push(Problem::new(path, index + 1, format!("`unsafe` outside {RUNTIME}")));
            } else if COROUTINE_CRATES.contains(&word) && named {
                problems.push(Problem::new(path, index + 1, format!("`{word}` is named outside {RUNTIME}")));
            }
            before = word;
        }
    }
}

fn unfinished(path: &Path, source: &Source, problems: &mut Vec<Problem>) {
    let lines = source.code.lines().zip(source.comments.lines());
    for (index, (code, comment)) in lines.enumerate() {
        let mut report = |what: &str| problems.push(Problem::new(path, index + 1, what));
        for (word, after) in words(code) {
            if matches!(word, "todo" | "unimplemented") && after.starts_with('!') {
                report("unfinished code: write it or leave it out");
            }
        }
        let attribute = code.trim_start().starts_with("#[");
        if attribute && words(code).any(|(word, _)| word == "ignore") {
            report("an ignored test proves nothing: make it run or remove it");
        }
        if words(comment).any(|(word, _)| matches!(word, "FIXME" | "XXX" | "TODO" | "HACK")) {
            report("a marker of unfinished work: do it, or say plainly what the limit is");
        }
        let fence = comment.split_once("```").map(|(_, info)| info);
        if fence.is_some_and(|info| words(info).any(|(word, _)| word == "ignore")) {
            report("an ignored example is not compiled: use `no_run`, `compile_fail` or `text`");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines on which `text` breaks a rule when it lies at `path`.
    fn lines(path: &str, text: &str) -> Vec<usize> {
        let path = Path::new(path);
        check_file(path, text, &Source::new(text)).iter().map(|problem| problem.line).collect()
    }

    #[track_caller]
    fn check(text: &str, expected: &[usize]) {
        assert_eq!(lines("crates/photon-http/src/a.rs", text), expected, "{text}");
    }

    #[test]
    fn a_file_begins_with_its_header() {
        check("//! Why.\n", &[]);
        check("\n//! Why.\n", &[]);
        check("#!/usr/bin/env cargo\n//! Why.\n", &[]);
        check("#![no_std]\n#![expect(\n    dead_code\n)]\n//! Why.\n", &[]);
        check("fn a() {}\n", &[1]);
        check("//!\nfn a() {}\n", &[1]);
        check("// Why.\n//! Why.\n", &[1]);
        check("#![no_std]\nuse a;\n//! Late.\n", &[2]);
        check("/// Item.\nfn a() {}\n", &[1]);
        check("", &[0]);
    }

    #[test]
    fn the_runtime_alone_names_may() {
        check("//! a\nuse may::go;\n", &[2]);
        check("//! a\nfn f() { may :: coroutine::sleep(d); }\n", &[2]);
        check("//! a\nextern crate may;\n", &[2]);
        check("//! a\nuse may;\n", &[2]);
        check("//! a\nuse generator::Gn;\n", &[2]);
        check("//! It may::be\n// use may::go\nlet s = \"may::go\";\n", &[]);
        check("//! a\nlet may = dismay::x;\nuse crate::generator_name;\n", &[]);
        assert_eq!(lines("crates/photon-runtime/src/a.rs", "//! a\nuse may::go;\n"), [] as [usize; 0]);
        assert_eq!(lines("crates/photon-runtime2/src/a.rs", "//! a\nuse may::go;\n"), [2]);
    }

    #[test]
    fn the_runtime_alone_is_unsafe() {
        check("//! a\nunsafe fn f() {}\n", &[2]);
        check("//! a\nfn f() { g(quote! { unsafe {} }) }\n", &[2]);
        check("//! unsafe\n#![forbid(unsafe_code)]\nlet s = r#\"unsafe\"#; // unsafe\n", &[]);
        assert_eq!(lines("crates/photon-runtime/src/a.rs", "//! a\nunsafe fn f() {}\n"), [] as [usize; 0]);
    }

    #[test]
    fn nothing_is_left_unfinished() {
        check("//! a\nfn f() { todo!() }\n", &[2]);
        check("//! a\nfn f() { unimplemented!(\"x\") }\n", &[2]);
        check("//! a\n#[ignore]\nfn f() {}\n", &[2]);
        check("//! a\n    #[ignore = \"slow\"]\nfn f() {}\n", &[2]);
        check("//! a\n#[cfg_attr(unix, ignore)]\nfn f() {}\n", &[2]);
        check("//! a\n// FIXME: x\n/* XXX */\n// TODO\n", &[2, 3, 4]);
        check("//! ```ignore\n//! x\n//! ```\n", &[1]);
        check("//! ```no_run\n//! x\n//! ```\nlet todo = \"todo!() FIXME\"; ignore(todo);\n", &[]);
    }
}
