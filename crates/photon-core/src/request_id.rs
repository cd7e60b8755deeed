//! A name for each request, so that what is logged about it can be found.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

/// The longest id that is taken from a client.
const LONGEST: usize = 128;

/// What tells one request from another: the client's `X-Request-Id` if it sent a sensible one, otherwise a number
/// that this process has not used before. Cheap to make and to clone; text only when it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(Repr);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Repr {
    Given(Arc<str>),
    Counted(u64),
}

impl RequestId {
    /// An id that this process has not used before.
    pub(crate) fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(Repr::Counted(NEXT.fetch_add(1, Ordering::Relaxed)))
    }

    /// A client's id, if it is 1 to 128 visible ASCII characters: it goes into logs.
    pub(crate) fn given(text: &str) -> Option<Self> {
        let sensible =
            !text.is_empty() && text.len() <= LONGEST && text.bytes().all(|byte| byte.is_ascii_graphic());
        sensible.then(|| Self(Repr::Given(text.into())))
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Tells the processes of one service apart.
        static PROCESS: OnceLock<u32> = OnceLock::new();
        match &self.0 {
            Repr::Given(text) => f.write_str(text),
            Repr::Counted(number) => {
                let process = PROCESS.get_or_init(|| RandomState::new().hash_one(std::process::id()) as u32);
                write!(f, "{process:08x}-{number:x}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_clients_are_kept_if_they_can_be_logged() {
        assert_eq!(RequestId::given("abc-123").unwrap().to_string(), "abc-123");
        let long = "x".repeat(LONGEST + 1);
        for refused in ["", "two words", "line\nbreak", "naïve", long.as_str()] {
            assert_eq!(RequestId::given(refused), None, "{refused:?}");
        }
    }

    #[test]
    fn others_differ() {
        let (first, second) = (RequestId::next().to_string(), RequestId::next().to_string());
        assert_ne!(first, second);
        assert_eq!(first.split('-').next(), second.split('-').next());
    }
}
