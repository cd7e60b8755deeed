//! What this program logs, for tests to look at.

use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

static WRITTEN: Mutex<Vec<u8>> = Mutex::new(Vec::new());

fn written() -> MutexGuard<'static, Vec<u8>> {
    WRITTEN.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Log;

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        written().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// From now on what is logged is remembered, whichever thread logs it.
pub(crate) fn remember() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
            .with_ansi(false)
            .with_writer(|| Log);
        subscriber.init();
    });
}

/// The remembered lines that contain a text.
pub(crate) fn lines_with(text: &str) -> Vec<String> {
    let written = written();
    String::from_utf8_lossy(&written).lines().filter(|line| line.contains(text)).map(str::to_owned).collect()
}
