//! Sleeping and yielding, at home.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::clock::{Alarm, instant_after};
use crate::coroutine::with_current;

/// Suspends the calling coroutine, or blocks the calling thread, for at least this long.
///
/// On a coroutine the time rounds up to whole milliseconds and the coroutine stays on its worker.
///
/// # Panics
/// If called while a future is being polled; use `tokio::time::sleep(..).await` there.
///
/// ```
/// use std::time::{Duration, Instant};
/// let start = Instant::now();
/// photon_runtime::spawn(|| photon_runtime::sleep(Duration::from_millis(5))).join().unwrap();
/// assert!(start.elapsed() >= Duration::from_millis(5));
/// ```
#[track_caller]
pub fn sleep(duration: Duration) {
    sleep_until(instant_after(duration));
}

/// Suspends the calling coroutine, or blocks the calling thread, until the instant has passed.
///
/// # Panics
/// If called while a future is being polled.
#[track_caller]
pub fn sleep_until(instant: Instant) {
    with_current(|current| match current {
        Some(coroutine) if !std::thread::panicking() => {
            coroutine.assert_may_park("sleep");
            let clock = &coroutine.worker.clock;
            let key = clock.set(instant, Alarm::Unpark(Arc::clone(&coroutine.parker)));
            while clock.is_set(key) {
                coroutine.park();
            }
        }
        // A plain thread, or a destructor of a coroutine that unwinds: see `wait`.
        _ => std::thread::sleep(instant.saturating_duration_since(Instant::now())),
    });
}

/// Lets everything else that is ready on this worker run first, including connections that became readable.
///
/// On a plain thread this is [`std::thread::yield_now`]. While the coroutine unwinds it does nothing.
///
/// # Panics
/// If called while a future is being polled; use `tokio::task::yield_now().await` there.
#[track_caller]
pub fn yield_now() {
    with_current(|current| match current {
        Some(_) if std::thread::panicking() => {}
        Some(coroutine) => {
            coroutine.assert_may_park("yield_now");
            coroutine.yield_now();
        }
        None => std::thread::yield_now(),
    });
}
