//! Names, in development, what keeps a worker from its other coroutines.
//!
//! A coroutine gives its worker away only where it waits. A long computation or a blocking call of
//! the operating system stops everything else on the worker, and nothing in the program's own
//! output would say why. So whoever runs foreign code says what it is for ([`doing`]), and a thread
//! looks now and then whether one of them runs too long without a wait.

use std::fmt;
use std::io::Write;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::coroutine::{Coroutine, with_current};

/// How long a coroutine may run before it is named, unless `PHOTON_WATCHDOG_MS` says otherwise.
const DEFAULT_LIMIT: Duration = Duration::from_millis(500);

/// What a worker runs right now, as far as anybody said.
#[derive(Default)]
pub(crate) struct Watch {
    /// Milliseconds since the watchdog began, plus one; zero while nothing that is watched runs.
    since: AtomicU64,
    what: Mutex<Option<Arc<str>>>,
}

struct Watchdog {
    limit: Duration,
    began: Instant,
    watches: Mutex<Vec<(usize, &'static Watch)>>,
}

/// The watchdog, if there is one: in debug builds, or where `PHOTON_WATCHDOG_MS` gives a limit. Zero
/// means none.
fn watchdog() -> Option<&'static Watchdog> {
    static WATCHDOG: OnceLock<Option<Watchdog>> = OnceLock::new();
    let watchdog = WATCHDOG.get_or_init(|| {
        let default = if cfg!(debug_assertions) { DEFAULT_LIMIT } else { Duration::ZERO };
        let limit = match std::env::var("PHOTON_WATCHDOG_MS").as_deref().map(|text| (text, text.parse())) {
            Ok((_, Ok(milliseconds))) => Duration::from_millis(milliseconds),
            Ok((text, Err(_))) => {
                say(format_args!(
                    "PHOTON_WATCHDOG_MS is {text:?}, but must be a number of milliseconds; it is ignored"
                ));
                default
            }
            Err(_) => default,
        };
        (!limit.is_zero()).then(|| Watchdog { limit, began: Instant::now(), watches: Mutex::default() })
    });
    watchdog.as_ref()
}

/// Says what the current coroutine is doing until the value is dropped, so that it can be named if it holds its
/// worker too long: more than 500 ms without a wait, or `PHOTON_WATCHDOG_MS`. The message goes to standard error,
/// once each time.
///
/// Release builds watch only if that variable is set; otherwise, and on plain threads, `what` is not even called.
///
/// ```
/// let doing = photon_runtime::doing(|| "GET /answer".into());
/// let answer = 42;
/// drop(doing);
/// # assert_eq!(answer, 42);
/// ```
#[must_use = "it is over when the value is dropped"]
pub fn doing(what: impl FnOnce() -> Arc<str>) -> Doing {
    let outer = watchdog().and_then(|watchdog| {
        with_current(|current| {
            let coroutine = current?;
            watchdog.attend(coroutine);
            let outer = coroutine.doing.replace(Some(what()));
            coroutine.worker.watch.resume(coroutine);
            Some(outer)
        })
    });
    Doing { outer, _of_this_coroutine: PhantomData }
}

/// While it lives, its coroutine is doing what it was made with. See [`doing`].
pub struct Doing {
    /// What the coroutine was doing before; `None` if nobody watches.
    outer: Option<Option<Arc<str>>>,
    _of_this_coroutine: PhantomData<*const ()>,
}

impl Drop for Doing {
    fn drop(&mut self) {
        let Some(outer) = self.outer.take() else { return };
        with_current(|current| {
            let Some(coroutine) = current else { return };
            coroutine.worker.watch.pause();
            coroutine.doing.replace(outer);
            coroutine.worker.watch.resume(coroutine);
        });
    }
}

impl Watch {
    /// The coroutine waits, or is done.
    #[inline]
    pub(crate) fn pause(&self) {
        self.since.store(0, Ordering::Release);
    }

    /// The coroutine runs on.
    #[inline]
    pub(crate) fn resume(&self, coroutine: &Coroutine) {
        if let Some(what) = &*coroutine.doing.borrow() {
            self.start(Arc::clone(what));
        }
    }

    fn start(&self, what: Arc<str>) {
        let Some(watchdog) = watchdog() else { return };
        *self.what.lock().unwrap_or_else(PoisonError::into_inner) = Some(what);
        let now = u64::try_from(watchdog.began.elapsed().as_millis()).unwrap_or(u64::MAX - 1);
        self.since.store(now + 1, Ordering::Release);
    }
}

impl Watchdog {
    /// Sees to it that the coroutine's worker is watched, and that somebody watches.
    fn attend(&'static self, coroutine: &Coroutine) {
        let mut watches = self.watches.lock().unwrap_or_else(PoisonError::into_inner);
        let worker = coroutine.worker;
        if watches.iter().any(|(id, _)| *id == worker.id) {
            return;
        }
        watches.push((worker.id, worker.watch));
        if watches.len() == 1 {
            // Without a thread there is no watchdog; the program does not need one to be right.
            let _ = thread::Builder::new().name("photon-watchdog".into()).spawn(|| self.watch());
        }
    }

    fn watch(&self) -> ! {
        let mut named: Vec<u64> = Vec::new();
        loop {
            thread::sleep((self.limit / 4).max(Duration::from_millis(1)));
            let watches = self.watches.lock().unwrap_or_else(PoisonError::into_inner).clone();
            named.resize(watches.len(), 0);
            for ((worker, watch), named) in watches.iter().zip(&mut named) {
                let since = watch.since.load(Ordering::Acquire);
                if since == 0 || since == *named {
                    continue;
                }
                let held = self.began.elapsed().saturating_sub(Duration::from_millis(since - 1));
                if held < self.limit {
                    continue;
                }
                let what = watch.what.lock().unwrap_or_else(PoisonError::into_inner).clone();
                // It may have ended while its name was read.
                if watch.since.load(Ordering::Acquire) == since {
                    *named = since;
                    report(what.as_deref().unwrap_or("something"), *worker, held);
                }
            }
        }
    }
}

fn report(what: &str, worker: usize, held: Duration) {
    say(format_args!(
        "{what} has held worker {worker} for {} ms without waiting; every other coroutine of that worker stands \
         still. Run long computations and blocking calls in photon::blocking(|| ..)",
        held.as_millis()
    ));
}

/// A line on standard error, if there is one.
fn say(line: fmt::Arguments<'_>) {
    let _ = writeln!(std::io::stderr(), "photon: {line}");
}
