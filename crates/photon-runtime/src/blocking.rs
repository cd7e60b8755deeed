//! Blocking or long-running work on a bounded pool of threads, while the coroutine that asked is parked.

use std::cell::UnsafeCell;
use std::collections::VecDeque;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::coroutine::{Coroutine, Parker, with_current};
use crate::runtime;

/// How long an idle thread of the pool stays.
const IDLE: Duration = Duration::from_secs(10);

/// Runs a closure that blocks or computes for long on another thread, and waits for it.
///
/// The calling coroutine parks and its worker serves others meanwhile. The closure may borrow from the caller.
/// At most [`Settings::blocking_threads`](crate::Settings) closures run at once; more wait in line. Threads end
/// after ten idle seconds. On a plain thread, which may block anyway, the closure is simply called.
///
/// # Panics
/// With the closure's own panic. Also if called while a future is being polled; use
/// `tokio::task::spawn_blocking` there.
///
/// ```
/// let path = String::from("/proc/self/comm");
/// let name = photon_runtime::spawn(move || photon_runtime::blocking(|| std::fs::read_to_string(&path)));
/// assert!(name.join().unwrap().is_ok());
/// ```
#[track_caller]
pub fn blocking<F, T>(f: F) -> T
where
    F: FnOnce() -> T + Send,
    T: Send,
{
    with_current(|current| match current {
        Some(coroutine) if !thread::panicking() => {
            coroutine.assert_may_park("blocking");
            on_pool(coroutine, f)
        }
        _ => f(),
    })
}

/// A closure and its result, on the stack of the coroutine that waits for it.
struct Slot<F, T> {
    work: UnsafeCell<Work<F, T>>,
    done: AtomicBool,
    parker: Arc<Parker>,
}

union Work<F, T> {
    f: ManuallyDrop<F>,
    outcome: ManuallyDrop<thread::Result<T>>,
}

/// A slot whose type is forgotten.
struct Job {
    slot: *const (),
    // SAFETY: contract: to be called once, with the slot it was made with.
    run: unsafe fn(*const ()),
}

// SAFETY: a job is made only from slots of `Send` closures with `Send` results, and run once.
unsafe impl Send for Job {}

fn on_pool<F, T>(coroutine: &Coroutine, f: F) -> T
where
    F: FnOnce() -> T + Send,
    T: Send,
{
    let slot = Slot {
        work: UnsafeCell::new(Work { f: ManuallyDrop::new(f) }),
        done: AtomicBool::new(false),
        parker: Arc::clone(&coroutine.parker),
    };
    POOL.submit(Job { slot: (&raw const slot).cast(), run: run::<F, T> });
    // From here to `done` the slot belongs to the pool. Nothing below can unwind, and a suspended coroutine is
    // never dropped, so the slot outlives the job, borrows included.
    while !slot.done.load(Ordering::Acquire) {
        coroutine.park();
    }
    // SAFETY: `done` says that the job has put the outcome in place of the closure and is finished with the slot.
    match unsafe { ManuallyDrop::into_inner(slot.work.into_inner().outcome) } {
        Ok(value) => value,
        Err(panic) => resume_unwind(panic),
    }
}

/// # Safety
/// `slot` must point to a `Slot<F, T>` that holds its closure, and that stays in place until it says `done`.
unsafe fn run<F, T>(slot: *const ())
where
    F: FnOnce() -> T,
{
    let slot = slot.cast::<Slot<F, T>>();
    // SAFETY: the slot is alive until `done` is set; nobody else touches `work` before that.
    let (work, parker) = unsafe { ((*slot).work.get(), Arc::clone(&(*slot).parker)) };
    // SAFETY: the closure is there and is taken out exactly once.
    let f = unsafe { ManuallyDrop::take(&mut (*work).f) };
    let outcome = catch_unwind(AssertUnwindSafe(f));
    // SAFETY: as above; the closure is gone, so the outcome takes its place without dropping anything.
    unsafe { (*work).outcome = ManuallyDrop::new(outcome) };
    // SAFETY: the last access: the coroutine may see `done` at once and leave the frame the slot is in.
    unsafe { (*slot).done.store(true, Ordering::Release) };
    parker.unpark();
}

struct Pool {
    state: Mutex<State>,
    work: Condvar,
}

struct State {
    queue: VecDeque<Job>,
    threads: usize,
    idle: usize,
}

static POOL: Pool =
    Pool { state: Mutex::new(State { queue: VecDeque::new(), threads: 0, idle: 0 }), work: Condvar::new() };

/// How many threads the pool has now.
#[cfg(test)]
fn pool_threads() -> usize {
    POOL.lock().threads
}

impl Pool {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn submit(&self, job: Job) {
        let mut state = self.lock();
        state.queue.push_back(job);
        if state.idle >= state.queue.len() {
            drop(state);
            self.work.notify_one();
            return;
        }
        if state.threads >= runtime().settings.blocking_threads {
            return;
        }
        state.threads += 1;
        drop(state);
        let started = thread::Builder::new().name("photon-blocking".into()).spawn(|| POOL.serve());
        if started.is_err() {
            self.without_thread();
        }
    }

    /// The system refused a thread. Others of the pool will come round to the job; without any, the calling
    /// worker has to do it, which is slow but ends. So it does with the jobs of those who saw that a thread was
    /// about to start and relied on it.
    #[cold]
    fn without_thread(&self) {
        let mut state = self.lock();
        state.threads -= 1;
        while state.threads == 0
            && let Some(job) = state.queue.pop_front()
        {
            drop(state);
            // SAFETY: the job was taken from the queue, and is thereby run once.
            unsafe { (job.run)(job.slot) };
            state = self.lock();
        }
    }

    fn serve(&self) {
        // Closures may create and drop values that need tokio.
        let _tokio = runtime().tokio.enter();
        let mut state = self.lock();
        loop {
            if let Some(job) = state.queue.pop_front() {
                drop(state);
                // SAFETY: the job was taken from the queue, and is thereby run once.
                unsafe { (job.run)(job.slot) };
                state = self.lock();
                continue;
            }
            state.idle += 1;
            let (guard, timeout) =
                self.work.wait_timeout(state, IDLE).unwrap_or_else(PoisonError::into_inner);
            state = guard;
            state.idle -= 1;
            if timeout.timed_out() && state.queue.is_empty() {
                state.threads -= 1;
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Settings, sleep, spawn, start};
    use std::sync::atomic::AtomicUsize;

    #[test]
    fn jobs_that_relied_on_a_thread_that_was_refused_are_done() {
        unsafe fn count(slot: *const ()) {
            // SAFETY: the slots below are counters that outlive the call.
            unsafe { &*slot.cast::<AtomicUsize>() }.fetch_add(1, Ordering::SeqCst);
        }
        let done = AtomicUsize::new(0);
        let job = || Job { slot: (&raw const done).cast(), run: count };
        let pool = |threads| Pool {
            state: Mutex::new(State { queue: [job(), job(), job()].into(), threads, idle: 0 }),
            work: Condvar::new(),
        };
        pool(1).without_thread();
        assert_eq!(done.load(Ordering::SeqCst), 3);
        // A thread that runs will do them.
        pool(2).without_thread();
        assert_eq!(done.load(Ordering::SeqCst), 3);
    }

    #[test]
    fn the_pool_is_bounded_and_parks_only_the_coroutine() {
        static RUNNING: AtomicUsize = AtomicUsize::new(0);
        static MOST: AtomicUsize = AtomicUsize::new(0);
        start(Settings { workers: 2, blocking_threads: 3, ..Settings::default() }).unwrap();
        let slow: Vec<_> = (0..12)
            .map(|_| {
                spawn(|| {
                    blocking(|| {
                        MOST.fetch_max(RUNNING.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        thread::sleep(Duration::from_millis(50));
                        RUNNING.fetch_sub(1, Ordering::SeqCst);
                    });
                })
            })
            .collect();
        // The workers are free meanwhile: twelve jobs on three threads take at least 200 ms.
        let quick = spawn(|| (0..10).for_each(|_| sleep(Duration::from_millis(1))));
        quick.join().unwrap();
        assert!(slow.iter().any(|job| !job.is_finished()));
        for job in slow {
            job.join().unwrap();
        }
        assert_eq!(MOST.load(Ordering::SeqCst), 3);
        assert_eq!(pool_threads(), 3);
    }
}
