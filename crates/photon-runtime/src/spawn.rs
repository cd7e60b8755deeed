//! Starting coroutines on their home workers and joining them.

use std::fmt;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker};
use std::thread::Result as Outcome;

use crate::coroutine::{Coroutine, with_current};
use crate::local;
use crate::overflow::StackBounds;
use crate::start::{Runtime, StartError, running, try_runtime};
use crate::wait::wait_for;
use crate::worker::current as current_worker;

/// Coroutines that have been started and have not ended.
static LIVE: AtomicUsize = AtomicUsize::new(0);

/// How many coroutines exist now, running or parked.
#[must_use]
pub fn live_coroutines() -> usize {
    LIVE.load(Ordering::Relaxed)
}

/// Starts a coroutine. Dropping the handle detaches it.
///
/// It runs on one worker thread from its first to its last instruction: the closure must be `Send` because it
/// is handed to that thread, but what it creates may be anything.
///
/// # Panics
/// If the coroutine cannot be started, which [`try_spawn`] reports as an error.
///
/// ```
/// let handle = photon_runtime::spawn(|| 1 + 1);
/// assert_eq!(handle.join().unwrap(), 2);
/// ```
#[track_caller]
pub fn spawn<F, T>(f: F) -> JoinHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    match try_spawn(f) {
        Ok(handle) => handle,
        Err(error) => panic!("{error}"),
    }
}

/// Starts a coroutine, or says why it cannot be started.
///
/// # Errors
/// See [`SpawnError`]. The closure is dropped then.
pub fn try_spawn<F, T>(f: F) -> Result<JoinHandle<T>, SpawnError>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    Builder::new().spawn(f)
}

/// Why a coroutine could not be started.
#[derive(Debug)]
#[non_exhaustive]
pub enum SpawnError {
    /// As many coroutines as the kernel's `vm.max_map_count` allows exist already.
    Limit {
        /// The limit, which is [`max_coroutines`](crate::max_coroutines).
        limit: usize,
    },
    /// The kernel refused the memory for the stack.
    Stack {
        /// Its size in bytes.
        size: usize,
    },
    /// The runtime could not be started.
    Start(StartError),
}

impl fmt::Display for SpawnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SpawnError::Limit { limit } => write!(
                f,
                "cannot spawn a coroutine: all {limit} that vm.max_map_count allows are in use; raise it with sysctl"
            ),
            SpawnError::Stack { size } => {
                write!(f, "cannot spawn a coroutine: the kernel refused {size} bytes of stack")
            }
            SpawnError::Start(error) => write!(f, "cannot spawn a coroutine: {error}"),
        }
    }
}

impl std::error::Error for SpawnError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            SpawnError::Start(error) => Some(error),
            SpawnError::Limit { .. } | SpawnError::Stack { .. } => None,
        }
    }
}

/// Starts a coroutine with a name, a stack size or a worker of choice.
///
/// ```
/// let handle = photon_runtime::Builder::new().name("sums").worker(0).spawn(photon_runtime::worker).unwrap();
/// assert_eq!(handle.join().unwrap(), Some(0));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Builder {
    name: Option<Arc<str>>,
    stack_size: Option<usize>,
    worker: Option<usize>,
}

impl Builder {
    /// A builder with the defaults: no name, the stack of the [`Settings`](crate::Settings), workers in turn.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Names the coroutine, for the message about its stack overflow.
    #[must_use]
    pub fn name(mut self, name: impl Into<Arc<str>>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The stack in bytes, at least 16 KiB, rounded up to whole pages. A size other than the default means that
    /// the stack is mapped and unmapped for this coroutine alone.
    #[must_use]
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.stack_size = Some(bytes.max(16 * 1024));
        self
    }

    /// The home worker, modulo the number of [`workers`](crate::workers).
    #[must_use]
    pub fn worker(mut self, worker: usize) -> Self {
        self.worker = Some(worker);
        self
    }

    /// Starts the coroutine.
    ///
    /// # Errors
    /// See [`SpawnError`]. The closure is dropped then.
    pub fn spawn<F, T>(self, f: F) -> Result<JoinHandle<T>, SpawnError>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let packet = Arc::new(Packet { state: Mutex::new(State::Running(None)) });
        let ours = Arc::clone(&packet);
        self.launch(move || {
            // What a panic left behind is seen only by whoever joins, and they learn of the panic.
            let outcome = catch_unwind(AssertUnwindSafe(f));
            with_current(|current| current.map(local::drop_all));
            ours.finish(outcome);
        })?;
        Ok(JoinHandle { packet })
    }

    /// Starts a coroutine whose body neither unwinds nor returns anything.
    pub(crate) fn launch(self, body: impl FnOnce() + Send + 'static) -> Result<(), SpawnError> {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let runtime = try_runtime().map_err(SpawnError::Start)?;
        let ticket = Ticket::take(runtime)?;
        let home = self.worker.unwrap_or_else(|| NEXT.fetch_add(1, Ordering::Relaxed)) % runtime.workers();
        let size = self.stack_size.unwrap_or(runtime.settings.stack_size);
        launch_at(home, size, self.name, move |_| {
            body();
            drop(ticket);
        })
    }
}

/// Starts a coroutine that leads its worker or follows. It is not counted: that is done while it waits in a handler.
pub(crate) fn launch_crew(
    home: usize,
    stack_size: usize,
    body: impl FnOnce(&Coroutine) + Send + 'static,
) -> Result<(), SpawnError> {
    launch_at(home, stack_size, None, body)
}

fn launch_at(
    home: usize,
    stack_size: usize,
    name: Option<Arc<str>>,
    body: impl FnOnce(&Coroutine) + Send + 'static,
) -> Result<(), SpawnError> {
    let size = page_multiple(stack_size);
    let starting = Starting::on(home);
    let main = move || {
        drop(starting);
        let anchor = 0u8;
        let stack = StackBounds { start: (&raw const anchor).addr(), size };
        let Some(worker) = current_worker().filter(|worker| worker.id == home) else {
            // Start-up verified that this cannot happen; going on would be unsound.
            eprintln!("photon: a coroutine for worker {home} was started on another thread; aborting");
            std::process::abort();
        };
        let coroutine = Coroutine::new(worker, name, stack);
        let entered = coroutine.entered();
        body(&coroutine);
        // The result may be dropped with the body, and make values once more.
        local::drop_all(&coroutine);
        drop(entered);
    };
    start_coroutine(home, size, main)
}

/// Tells a worker's leader of a coroutine that has not run yet, until this is dropped, which is the first thing it does:
/// `may` has a queue for such coroutines, and the leader must not sleep before it is empty.
pub(crate) struct Starting(Option<&'static AtomicUsize>);

impl Starting {
    pub(crate) fn on(worker: usize) -> Starting {
        // Until the runtime runs, no leader sleeps in a way that matters.
        let count = running().map(|runtime| &runtime.reactors[worker].starting);
        if let Some(count) = count {
            count.fetch_add(1, Ordering::Relaxed);
        }
        Starting(count)
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        if let Some(count) = self.0 {
            count.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// Hands the body to `may`, whose failure to map a stack is a panic.
fn start_coroutine(home: usize, size: usize, main: impl FnOnce() + Send + 'static) -> Result<(), SpawnError> {
    let builder = may::coroutine::Builder::new().id(home).stack_size(size / size_of::<usize>());
    // SAFETY: `may` asks that thread-locals are not relied on across waits, because its coroutines may change
    // threads. Ours never do (see the invariants in the crate documentation), and the stack has a guard page.
    let started = catch_unwind(AssertUnwindSafe(|| unsafe { builder.spawn(main) }));
    match started {
        Ok(Ok(_detached)) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(SpawnError::Stack { size }),
    }
}

fn page_multiple(bytes: usize) -> usize {
    // `may` keeps only stacks of its exact default size for reuse, and `generator` rounds up to pages.
    bytes.next_multiple_of(4096)
}

/// One coroutine's share of the limit.
struct Ticket;

impl Ticket {
    fn take(runtime: &Runtime) -> Result<Ticket, SpawnError> {
        let limit = runtime.limits.coroutines;
        if LIVE.fetch_add(1, Ordering::Relaxed) >= limit {
            LIVE.fetch_sub(1, Ordering::Relaxed);
            return Err(SpawnError::Limit { limit });
        }
        Ok(Ticket)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        LIVE.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Counts a coroutine whose handler has to wait.
pub(crate) fn count_in() {
    LIVE.fetch_add(1, Ordering::Relaxed);
}

/// Ends what [`count_in`] began.
pub(crate) fn count_out() {
    LIVE.fetch_sub(1, Ordering::Relaxed);
}

/// Whether there is room for another coroutine.
pub(crate) fn may_spawn() -> bool {
    running().is_some_and(|runtime| LIVE.load(Ordering::Relaxed) < runtime.limits.coroutines)
}

/// Where a coroutine leaves its result.
struct Packet<T> {
    state: Mutex<State<T>>,
}

enum State<T> {
    Running(Option<Waker>),
    Finished(Outcome<T>),
    Taken,
}

impl<T> Packet<T> {
    fn swap(&self, state: State<T>) -> State<T> {
        std::mem::replace(&mut *self.state.lock().unwrap_or_else(PoisonError::into_inner), state)
    }

    fn finish(&self, outcome: Outcome<T>) {
        if let State::Running(Some(waker)) = self.swap(State::Finished(outcome)) {
            waker.wake();
        }
    }

    fn poll(&self, waker: &Waker) -> Poll<Outcome<T>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match std::mem::replace(&mut *state, State::Taken) {
            State::Finished(outcome) => Poll::Ready(outcome),
            State::Running(_) | State::Taken => {
                *state = State::Running(Some(waker.clone()));
                Poll::Pending
            }
        }
    }
}

/// Waits for a coroutine's result. Works from coroutines and from threads.
pub struct JoinHandle<T> {
    packet: Arc<Packet<T>>,
}

impl<T> JoinHandle<T> {
    /// Waits for the coroutine to end and returns its result.
    ///
    /// # Errors
    /// The payload of the panic that ended the coroutine.
    ///
    /// # Panics
    /// If called while a future is being polled.
    #[track_caller]
    pub fn join(self) -> Outcome<T> {
        wait_for(poll_fn(|context| self.packet.poll(context.waker())))
    }

    /// Whether the coroutine has ended.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        matches!(
            *self.packet.state.lock().unwrap_or_else(PoisonError::into_inner),
            State::Finished(_) | State::Taken
        )
    }

    /// Waits for the coroutine to end and continues its panic, if that is how it ended.
    #[track_caller]
    pub fn join_or_unwind(self) -> T {
        self.join().unwrap_or_else(|panic| resume_unwind(panic))
    }
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinHandle").field("is_finished", &self.is_finished()).finish()
    }
}

/// Whether the caller is a coroutine of this runtime.
#[must_use]
pub fn is_coroutine() -> bool {
    with_current(|current| current.is_some())
}

/// The worker on which the calling coroutine lives, or `None` on a plain thread.
#[must_use]
pub fn worker() -> Option<usize> {
    with_current(|current| current.map(|coroutine| coroutine.worker.id))
}
