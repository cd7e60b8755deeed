//! A deadline for a part of a future, kept by the clock of the worker that polls it.
//!
//! `tokio::time::timeout` works too, but its timers live on another thread, which each of them may have to wake.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use crate::clock::{Alarm, TimerKey, instant_after};
use crate::runtime;
use crate::wait::Elapsed;
use crate::worker::{self, Mail};

/// Limits the time that a future may take, inside async code; the time rounds up to whole milliseconds.
///
/// In blocking code [`Wait::wait_timeout`](crate::Wait::wait_timeout) does the same in one step. A future that is
/// ready at once costs nothing more.
///
/// # Errors
/// [`Elapsed`] if the future was not ready in time. It is dropped then.
///
/// ```
/// use std::time::Duration;
/// use photon_runtime::{Elapsed, Wait, timeout};
///
/// let work = async {
///     let slow = timeout(Duration::from_millis(1), std::future::pending::<()>()).await;
///     let quick = timeout(Duration::from_secs(9), async { 42 }).await;
///     (slow, quick)
/// };
/// assert_eq!(work.wait(), (Err(Elapsed), Ok(42)));
/// ```
pub async fn timeout<F: Future>(after: Duration, future: F) -> Result<F::Output, Elapsed> {
    let mut future = pin!(future);
    let mut deadline = None;
    let mut timer = Timer::None;
    poll_fn(move |context| {
        if let Poll::Ready(output) = future.as_mut().poll(context) {
            return Poll::Ready(Ok(output));
        }
        // Counted from the first poll, which is when the work begins.
        let deadline = *deadline.get_or_insert_with(|| instant_after(after));
        timer.poll(deadline, context).map(|()| Err(Elapsed))
    })
    .await
}

/// What wakes the future at its deadline, wherever it is polled.
enum Timer {
    None,
    Worker(WorkerTimer),
    Thread(Pin<Box<tokio::time::Sleep>>),
}

impl Timer {
    fn poll(&mut self, deadline: Instant, context: &mut Context<'_>) -> Poll<()> {
        let Some(worker) = worker::current() else {
            if !matches!(self, Timer::Thread(_)) {
                *self = Timer::Thread(Box::pin(tokio::time::sleep_until(deadline.into())));
            }
            let Timer::Thread(sleep) = self else { return Poll::Pending };
            return sleep.as_mut().poll(context);
        };
        match self {
            Timer::Worker(timer) if timer.home == worker.id => {
                if worker.clock.is_set(timer.key) {
                    Poll::Pending
                } else {
                    Poll::Ready(())
                }
            }
            _ => {
                // Dropping what was there first takes its alarm back.
                let key = worker.clock.set(deadline, Alarm::Wake(context.waker().clone()));
                *self = Timer::Worker(WorkerTimer { home: worker.id, key });
                Poll::Pending
            }
        }
    }
}

/// An alarm of a worker's clock, removed however the future ends.
struct WorkerTimer {
    home: usize,
    key: TimerKey,
}

impl Drop for WorkerTimer {
    fn drop(&mut self) {
        let key = self.key;
        match worker::current() {
            Some(worker) if worker.id == self.home => {
                worker.clock.cancel(key);
            }
            _ => runtime().mailboxes[self.home].send(Mail::Run(Box::new(move |worker| {
                worker.clock.cancel(key);
            }))),
        }
    }
}
