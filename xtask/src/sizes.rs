//! Sizes: lines per crate, long files, long functions. Only a very long file breaks a rule.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::rules::Problem;
use crate::source::{Source, words};

/// Files of more lines than this are listed.
const LONG_FILE: usize = 300;
/// Files of more lines of code than this (blank lines and comments do not count) are refused.
const MAX_CODE: usize = 500;
/// Functions of more lines than this are listed.
const LONG_FUNCTION: usize = 70;

#[derive(Default)]
struct Package {
    files: usize,
    lines: usize,
    code: usize,
}

/// What was seen of all files, for the report.
#[derive(Default)]
pub(crate) struct Sizes {
    packages: BTreeMap<PathBuf, Package>,
    long: Vec<String>,
}

impl Sizes {
    /// Counts one file; `path` is relative to the repository.
    pub(crate) fn add(&mut self, path: &Path, source: &Source) -> Option<Problem> {
        let lines = source.code.lines().count();
        let code = source.code.lines().filter(|line| !line.trim().is_empty()).count();
        let package = self.packages.entry(package_of(path)).or_default();
        package.files += 1;
        package.lines += lines;
        package.code += code;
        if lines > LONG_FILE {
            self.long.push(format!("{}: {lines} lines, {code} of code", path.display()));
        }
        for function in functions(&source.code) {
            if function.lines > LONG_FUNCTION {
                let Function { name, line, lines } = function;
                self.long.push(format!("{}:{line}: `{name}` has {lines} lines", path.display()));
            }
        }
        (code > MAX_CODE).then(|| {
            Problem::new(path, 0, format!("{code} lines of code: split the file, {MAX_CODE} is the limit"))
        })
    }

    /// Prints the report.
    pub(crate) fn print(&self) {
        println!("{:<28}{:>6}{:>8}{:>8}", "sizes", "files", "lines", "code");
        let mut total = Package::default();
        for (path, package) in &self.packages {
            let Package { files, lines, code } = package;
            println!("{:<28}{files:>6}{lines:>8}{code:>8}", path.display().to_string());
            total.files += files;
            total.lines += lines;
            total.code += code;
        }
        println!("{:<28}{:>6}{:>8}{:>8}", "all", total.files, total.lines, total.code);
        if !self.long.is_empty() {
            println!("longer than {LONG_FILE} lines a file or {LONG_FUNCTION} a function:");
            for line in &self.long {
                println!("  {line}");
            }
        }
    }
}

/// `crates/photon-core/src/lib.rs` belongs to `crates/photon-core`, `xtask/src/main.rs` to `xtask`.
fn package_of(path: &Path) -> PathBuf {
    let depth = if path.starts_with("xtask") { 1 } else { 2 };
    path.components().take(depth).collect()
}

#[derive(Debug, PartialEq)]
struct Function {
    name: String,
    /// Counted from 1.
    line: usize,
    /// From the line of `fn` to that of the closing brace.
    lines: usize,
}

/// The functions of a file that have a body. Nested ones count in both.
fn functions(code: &str) -> Vec<Function> {
    let mut found = Vec::new();
    for (index, line) in code.lines().enumerate() {
        for (word, after) in words(line) {
            let Some((name, _)) = words(after).next().filter(|_| word == "fn") else { continue };
            // `fn(u32)` is a type; a name follows the keyword at once.
            if !after.trim_start().starts_with(name) {
                continue;
            }
            let column = after.as_ptr() as usize - line.as_ptr() as usize;
            if let Some(lines) = body_lines(code, index, column) {
                found.push(Function { name: name.to_owned(), line: index + 1, lines });
            }
        }
    }
    found
}

/// The lines up to the end of the body; `None` if a `;` comes first, outside all brackets.
fn body_lines(code: &str, start: usize, column: usize) -> Option<usize> {
    let (mut braces, mut brackets) = (0, 0);
    for (count, line) in code.lines().skip(start).enumerate() {
        let line = if count == 0 { &line[column..] } else { line };
        for c in line.chars() {
            match c {
                '(' | '[' => brackets += 1,
                ')' | ']' => brackets -= 1,
                '{' => braces += 1,
                '}' => braces -= 1,
                ';' if braces == 0 && brackets == 0 => return None,
                _ => {}
            }
            if c == '}' && braces == 0 {
                return Some(count + 1);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_measured() {
        let code = "fn a() -> [u8; 2] {\n    [1, 2]\n}\ntrait T {\n    fn b();\n}\nfn c(f: fn(u8)) {}\n";
        let found: Vec<_> = functions(code).into_iter().map(|f| (f.name, f.line, f.lines)).collect();
        assert_eq!(found, [("a".to_owned(), 1, 3), ("c".to_owned(), 7, 1)]);
    }

    #[test]
    fn long_files_and_functions_are_listed() {
        let function = |lines| format!("fn f() {{\n{}}}\n", "    a();\n".repeat(lines - 2));
        let listed = |text: &str| {
            let mut sizes = Sizes::default();
            assert!(sizes.add(Path::new("crates/x/src/a.rs"), &Source::new(text)).is_none());
            sizes.long.len()
        };
        assert_eq!(listed(&function(LONG_FUNCTION)), 0);
        assert_eq!(listed(&function(LONG_FUNCTION + 1)), 1);
        assert_eq!(listed(&"// a\n".repeat(LONG_FILE)), 0);
        assert_eq!(listed(&"// a\n".repeat(LONG_FILE + 1)), 1);
    }

    #[test]
    fn a_very_long_file_is_refused_for_its_code_alone() {
        let refused = |text: &str| Sizes::default().add(Path::new("a.rs"), &Source::new(text)).is_some();
        assert!(refused(&"a();\n".repeat(MAX_CODE + 1)));
        assert!(!refused(&"a();\n\n// b\n".repeat(MAX_CODE)));
    }

    #[test]
    fn files_belong_to_packages() {
        assert_eq!(package_of(Path::new("crates/photon/src/app/run.rs")), Path::new("crates/photon"));
        assert_eq!(package_of(Path::new("xtask/src/main.rs")), Path::new("xtask"));
    }
}
