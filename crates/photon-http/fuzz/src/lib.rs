//! What must hold of whatever a client sends. Each module has a function `check`, which panics if it does not.
//!
//! The fuzz targets call them with what libfuzzer makes up; the test `replay` calls them with the corpus.

pub mod body;
pub mod connection;
pub mod head;
pub mod multipart;
pub mod proxy;
pub mod response;
pub mod url;

/// Splits the input of a target: a byte that chooses, and the rest.
fn choice(data: &[u8]) -> (usize, &[u8]) {
    match data {
        [first, rest @ ..] => (usize::from(*first), rest),
        [] => (0, data),
    }
}
