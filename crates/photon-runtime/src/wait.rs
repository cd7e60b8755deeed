//! `.wait()`: the one bridge from futures to plain blocking code.
//!
//! A coroutine polls the future on its own stack and parks until the future's waker unparks it. A plain thread
//! hands the future to the embedded tokio, whose context both have while they poll.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use crate::clock::{Alarm, TimerKey, instant_after};
use crate::coroutine::{Coroutine, nested, with_current};
use crate::runtime;

/// How long a destructor that waits while its coroutine unwinds may block the worker thread.
const UNWINDING_PATIENCE: Duration = Duration::from_secs(10);

/// The time given to [`Wait::wait_timeout`] or [`Wait::wait_until`] was over before the future was ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Elapsed;

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the time to wait was over")
    }
}

impl std::error::Error for Elapsed {}

impl From<Elapsed> for std::io::Error {
    fn from(elapsed: Elapsed) -> Self {
        std::io::Error::new(std::io::ErrorKind::TimedOut, elapsed)
    }
}

/// Waits for futures in plain blocking code.
///
/// On a coroutine only the coroutine waits, and its worker serves others meanwhile; on a plain thread the thread
/// blocks. The future may borrow and need not be `Send`: it is polled where `.wait()` was called. tokio's context
/// is present on every worker and while a plain thread waits, so futures that need tokio (sqlx, reqwest, …)
/// work without further ado.
///
/// # Panics
/// If called while another future is being polled on this coroutine or thread, for example from inside an
/// `async` block that is itself driven by `.wait()`: use `.await` there.
///
/// ```
/// use photon_runtime::Wait;
/// assert_eq!(async { 6 * 7 }.wait(), 42);
/// ```
#[diagnostic::on_unimplemented(message = "`{Self}` is not a future", note = ".wait() waits for futures")]
pub trait Wait: IntoFuture + Sized {
    /// Blocks until the future is ready and returns its output.
    #[track_caller]
    fn wait(self) -> Self::Output {
        let future = pin!(self.into_future());
        match block_on(future, None) {
            Some(output) => output,
            None => unreachable!("a wait without a deadline cannot time out"),
        }
    }

    /// Blocks until the future is ready or the time is over; the time rounds up to whole milliseconds.
    ///
    /// # Errors
    /// [`Elapsed`] if the future was not ready in time. It is dropped then.
    #[track_caller]
    fn wait_timeout(self, timeout: Duration) -> Result<Self::Output, Elapsed> {
        self.wait_until(instant_after(timeout))
    }

    /// Blocks until the future is ready or the instant has passed, whichever is first.
    ///
    /// # Errors
    /// [`Elapsed`] if the future was not ready in time. It is dropped then.
    #[track_caller]
    fn wait_until(self, deadline: Instant) -> Result<Self::Output, Elapsed> {
        block_on(pin!(self.into_future()), Some(deadline)).ok_or(Elapsed)
    }
}

impl<F: IntoFuture> Wait for F {}

/// Drives a future to its end, or returns `None` once the deadline has passed.
#[track_caller]
pub(crate) fn block_on<F: Future>(future: Pin<&mut F>, deadline: Option<Instant>) -> Option<F::Output> {
    with_current(|current| match current {
        Some(coroutine) => on_coroutine(coroutine, future, deadline),
        None => on_thread(future, deadline),
    })
}

/// Blocks on a future of this crate's own primitives.
#[track_caller]
pub(crate) fn wait_for<F: Future>(future: F) -> F::Output {
    future.wait()
}

#[inline]
#[track_caller]
fn on_coroutine<F: Future>(
    coroutine: &Coroutine,
    mut future: Pin<&mut F>,
    deadline: Option<Instant>,
) -> Option<F::Output> {
    coroutine.assert_may_park(".wait()");
    match poll(coroutine, future.as_mut()) {
        Poll::Ready(output) => {
            coroutine.count_ready();
            Some(output)
        }
        Poll::Pending if std::thread::panicking() => Some(while_unwinding(future)),
        Poll::Pending => park_until_ready(coroutine, future, deadline),
    }
}

fn park_until_ready<F: Future>(
    coroutine: &Coroutine,
    mut future: Pin<&mut F>,
    deadline: Option<Instant>,
) -> Option<F::Output> {
    let timer = deadline.map(|at| {
        let alarm = Alarm::Unpark(Arc::clone(&coroutine.parker));
        Timer { coroutine, key: coroutine.worker.clock.set(at, alarm) }
    });
    loop {
        coroutine.park();
        if let Poll::Ready(output) = poll(coroutine, future.as_mut()) {
            return Some(output);
        }
        if timer.as_ref().is_some_and(|timer| !coroutine.worker.clock.is_set(timer.key)) {
            return None;
        }
    }
}

/// Removes an alarm however the wait ends.
struct Timer<'a> {
    coroutine: &'a Coroutine,
    key: TimerKey,
}

impl Drop for Timer<'_> {
    fn drop(&mut self) {
        self.coroutine.worker.clock.cancel(self.key);
    }
}

#[inline]
fn poll<F: Future>(coroutine: &Coroutine, future: Pin<&mut F>) -> Poll<F::Output> {
    struct Polling<'a>(&'a Coroutine);
    impl Drop for Polling<'_> {
        fn drop(&mut self) {
            self.0.polling.set(false);
        }
    }
    coroutine.polling.set(true);
    let _reset = Polling(coroutine);
    future.poll(&mut Context::from_waker(&coroutine.waker))
}

/// A destructor waits while its coroutine unwinds.
///
/// Parking now would let other coroutines run on a thread that counts as panicking, so the thread blocks
/// instead. What it waits for may need this very worker; rather than hang in silence, give up loudly.
#[cold]
fn while_unwinding<F: Future>(future: Pin<&mut F>) -> F::Output {
    match on_thread(future, Some(Instant::now() + UNWINDING_PATIENCE)) {
        Some(output) => output,
        None => {
            eprintln!(
                "photon: a destructor waited for {UNWINDING_PATIENCE:?} while its coroutine was unwinding; \
                 destructors that may block must hand their work to another coroutine. Aborting."
            );
            std::process::abort();
        }
    }
}

thread_local! {
    static THREAD_POLLING: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

#[track_caller]
fn on_thread<F: Future>(mut future: Pin<&mut F>, deadline: Option<Instant>) -> Option<F::Output> {
    struct Polling;
    impl Drop for Polling {
        fn drop(&mut self) {
            THREAD_POLLING.set(false);
        }
    }
    if THREAD_POLLING.get() {
        nested(".wait()");
    }
    let polled = std::future::poll_fn(|context| {
        THREAD_POLLING.set(true);
        let _reset = Polling;
        future.as_mut().poll(context)
    });
    // Panics with tokio's own message on a thread that drives tokio tasks: blocking it would be a deadlock.
    runtime().tokio.block_on(async {
        match deadline {
            None => Some(polled.await),
            Some(at) => tokio::time::timeout_at(at.into(), polled).await.ok(),
        }
    })
}
