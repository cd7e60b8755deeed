//! What a request does with its database, seen from one place: which server it reads from, and who is told when a
//! statement is slow.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use photon_core::RequestId;

/// Truncates what goes to the log; a statement that inserts a thousand rows is long.
const LOGGED: usize = 2_000;

/// Shared by all handles of one request.
#[derive(Default)]
pub(crate) struct Session {
    /// Whether something was written: from then on reads go to the primary.
    wrote: AtomicBool,
    request: Option<RequestId>,
}

impl Session {
    pub(crate) fn of_request(request: RequestId) -> Self {
        Self { wrote: AtomicBool::new(false), request: Some(request) }
    }

    pub(crate) fn has_written(&self) -> bool {
        self.wrote.load(Ordering::Relaxed)
    }

    pub(crate) fn note_write(&self) {
        if !self.has_written() {
            self.wrote.store(true, Ordering::Relaxed);
        }
    }

    /// Logs a statement that took too long.
    pub(crate) fn observe(&self, began: Instant, threshold: Option<Duration>, sql: &str) {
        let Some(threshold) = threshold else { return };
        let took = began.elapsed();
        if took >= threshold {
            self.log_slow(took, sql);
        }
    }

    #[cold]
    fn log_slow(&self, took: Duration, sql: &str) {
        let sql = match sql.char_indices().nth(LOGGED) {
            Some((end, _)) => &sql[..end],
            None => sql,
        };
        let request_id = self.request.as_ref().map(tracing::field::display);
        tracing::warn!(target: "photon::db", took_ms = took.as_millis() as u64, request_id, sql, "slow statement");
    }
}
