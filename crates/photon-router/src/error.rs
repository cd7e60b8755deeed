//! Why a document and its handlers do not make a router. All of it is found at launch.

use std::fmt;

use http::Method;

use crate::openapi::RefError;
use crate::template::TemplateError;

/// Why a document and its handlers do not make a router.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RouterError {
    /// A path of the document is not a path template.
    Template {
        /// The path.
        path: String,
        /// What is wrong with it.
        reason: TemplateError,
    },
    /// Two paths match the same requests and neither is more specific (OpenAPI 3.1.0 §4.8.8.1).
    Ambiguous {
        /// The path that stands first in the document.
        first: String,
        /// The other path.
        second: String,
    },
    /// A reference that routing depends on leads nowhere.
    Reference {
        /// The path that holds the reference.
        path: String,
        /// What is wrong with it.
        reason: RefError,
    },
    /// An operation has no `operationId`, so no handler can be registered for it.
    NoOperationId {
        /// The operation's method.
        method: Method,
        /// The operation's path.
        path: String,
    },
    /// Two operations have the same `operationId`.
    DuplicateOperationId {
        /// The `operationId`.
        operation_id: String,
        /// Method and path of the operation that stands first in the document.
        first: (Method, String),
        /// Method and path of the other operation.
        second: (Method, String),
    },
    /// More than one handler was registered for each of these operations.
    DuplicateHandlers(Vec<String>),
    /// Operations without handler, or handlers without operation.
    Unmatched {
        /// The operations without handler.
        operations: Vec<MissingHandler>,
        /// The handlers without operation.
        handlers: Vec<UnknownOperation>,
    },
}

/// An operation that no handler was registered for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingHandler {
    /// The operation's name.
    pub operation_id: String,
    /// The operation's method.
    pub method: Method,
    /// The operation's path.
    pub path: String,
    /// A registered name that is spelt much like it and belongs to no operation.
    pub suggestion: Option<String>,
}

/// A name that a handler was registered for and that no operation has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownOperation {
    /// The name.
    pub operation_id: String,
    /// An operation's name that is spelt much like it.
    pub suggestion: Option<String>,
}

impl fmt::Display for RouterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Template { path, reason } => write!(f, "{path:?} is not a path template: {reason}"),
            Self::Ambiguous { first, second } => write!(
                f,
                "the paths {first:?} and {second:?} match the same requests; put all methods under one of them"
            ),
            Self::Reference { path, reason } => write!(f, "in path {path:?}: {reason}"),
            Self::NoOperationId { method, path } => {
                write!(f, "{method} {path} has no operationId; handlers are registered by it")
            }
            Self::DuplicateOperationId { operation_id, first, second } => write!(
                f,
                "{} {} and {} {} have the same operationId {operation_id:?}",
                first.0, first.1, second.0, second.1
            ),
            Self::DuplicateHandlers(names) => {
                write!(f, "more than one handler is registered for {}", quoted(names))
            }
            Self::Unmatched { operations, handlers } => {
                let mut lines = Vec::new();
                for missing in operations {
                    let MissingHandler { operation_id, method, path, suggestion } = missing;
                    let hint = suggestion.as_ref().map_or(String::new(), |name| {
                        format!("; a handler is registered as {name:?}, is it meant?")
                    });
                    lines.push(format!(
                        "no handler is registered for {operation_id:?} ({method} {path}){hint}"
                    ));
                }
                for UnknownOperation { operation_id, suggestion } in handlers {
                    let hint =
                        suggestion.as_ref().map_or(String::new(), |name| format!("; did you mean {name:?}?"));
                    lines.push(format!(
                        "a handler is registered for {operation_id:?}, which the document does not have{hint}"
                    ));
                }
                f.write_str(&lines.join("\n"))
            }
        }
    }
}

impl std::error::Error for RouterError {}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ")
}

/// The candidate that is spelt most like `name`, if one is much like it.
pub(crate) fn near_miss<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    // `readItem` and `read-item` are `read_item` in another convention.
    let plain = |text: &str| -> Vec<char> {
        text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    let name = plain(name);
    candidates
        .into_iter()
        .map(|candidate| (distance(&name, &plain(candidate)), candidate))
        .filter(|(distance, _)| *distance <= name.len() / 3)
        .min()
        .map(|(_, candidate)| candidate.to_owned())
}

// How many characters must be added, removed or replaced to make `b` of `a` (Levenshtein).
fn distance(a: &[char], b: &[char]) -> usize {
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let replaced = above[j] + usize::from(x != y);
            row.push(replaced.min(above[j + 1] + 1).min(row[j] + 1));
        }
        above = row;
    }
    above[b.len()]
}
