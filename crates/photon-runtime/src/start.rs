//! Starting the runtime once, and checking that `may` pins coroutines the way this crate relies on.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use may::coroutine::Builder;

use crate::clock::run_clock;
use crate::limits::Limits;
use crate::reactor::Reactor;
use crate::settings::{Settings, SettingsError};
use crate::spawn::Starting;
use crate::worker::{Mail, Mailbox, Worker, run_courier};
use crate::{leader, overflow, sys, worker};

/// Stacks that `may` keeps for reuse; they exist from the start.
pub(crate) const POOLED_STACKS: usize = 256;

/// A worker that has not reported by then is not going to.
const START_PATIENCE: Duration = Duration::from_secs(10);

/// The running runtime. There is one per process, and it never stops.
pub(crate) struct Runtime {
    pub(crate) settings: Settings,
    pub(crate) limits: Limits,
    pub(crate) mailboxes: Vec<&'static Mailbox>,
    pub(crate) reactors: Vec<&'static Reactor>,
    pub(crate) tokio: tokio::runtime::Runtime,
    /// Connections by worker, to place the next one.
    pub(crate) connections: Vec<AtomicUsize>,
}

impl Runtime {
    pub(crate) fn workers(&self) -> usize {
        self.mailboxes.len()
    }
}

static RUNTIME: OnceLock<Runtime> = OnceLock::new();

/// Why the runtime could not be started.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum StartError {
    /// It runs already, with other settings.
    AlreadyStarted {
        /// The settings in force.
        running: Settings,
    },
    /// A setting is outside its range.
    Settings(SettingsError),
    /// The kernel refused something that a worker needs.
    Io {
        /// What was being prepared.
        doing: &'static str,
        /// Why it failed.
        error: Arc<io::Error>,
    },
    /// The `may` crate of this build does not keep coroutines on their threads.
    NotPinned {
        /// What was seen.
        seen: String,
    },
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::AlreadyStarted { running } => {
                write!(f, "the runtime runs already, with other settings: {running:?}")
            }
            StartError::Settings(error) => error.fmt(f),
            StartError::Io { doing, error } => write!(f, "the runtime cannot start: {doing}: {error}"),
            StartError::NotPinned { seen } => write!(
                f,
                "the runtime cannot start: `may` does not keep coroutines on their threads ({seen}). Probably \
                 another dependency enables its `work_steal` feature; `cargo tree -e features -i may` shows which"
            ),
        }
    }
}

impl std::error::Error for StartError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            StartError::Settings(error) => Some(error),
            StartError::Io { error, .. } => Some(error),
            StartError::AlreadyStarted { .. } | StartError::NotPinned { .. } => None,
        }
    }
}

impl From<StartError> for io::Error {
    fn from(error: StartError) -> Self {
        io::Error::other(error)
    }
}

/// Starts the runtime with these settings. Whoever uses the runtime first starts it otherwise, with
/// [`Settings::from_env`]. Repeating a start with the same settings does nothing.
///
/// # Errors
/// See [`StartError`].
///
/// ```
/// let settings = photon_runtime::Settings { workers: 2, ..Default::default() };
/// photon_runtime::start(settings.clone()).unwrap();
/// assert_eq!(photon_runtime::workers(), 2);
/// assert!(photon_runtime::start(photon_runtime::Settings { workers: 3, ..settings }).is_err());
/// ```
pub fn start(settings: Settings) -> Result<(), StartError> {
    settings.check().map_err(StartError::Settings)?;
    let wanted = settings.clone();
    let runtime = start_once(|| Ok(settings))?;
    if runtime.settings == wanted {
        Ok(())
    } else {
        Err(StartError::AlreadyStarted { running: runtime.settings.clone() })
    }
}

/// How many worker threads there are. Starts the runtime if necessary.
///
/// # Panics
/// If the runtime cannot be started.
#[must_use]
pub fn workers() -> usize {
    runtime().workers()
}

/// How many coroutines may exist at once.
///
/// Each takes two of the memory maps that the kernel's `vm.max_map_count` allows a process; the rest of them is
/// left to everything else. Starts the runtime if necessary.
///
/// # Panics
/// If the runtime cannot be started.
#[must_use]
pub fn max_coroutines() -> usize {
    runtime().limits.coroutines
}

/// How many connections a server should accept at most: one open file each, with room left for other files. Starts the
/// runtime if necessary, which raises the soft limit of open files to the hard limit.
///
/// # Panics
/// If the runtime cannot be started.
#[must_use]
pub fn max_connections() -> usize {
    runtime().limits.connections
}

/// The running runtime, started now if necessary.
#[inline]
pub(crate) fn runtime() -> &'static Runtime {
    match try_runtime() {
        Ok(runtime) => runtime,
        Err(error) => panic!("{error}"),
    }
}

#[inline]
pub(crate) fn try_runtime() -> Result<&'static Runtime, StartError> {
    match RUNTIME.get() {
        Some(runtime) => Ok(runtime),
        None => start_once(|| Settings::from_env().map_err(StartError::Settings)),
    }
}

/// The runtime, if it runs.
pub(crate) fn running() -> Option<&'static Runtime> {
    RUNTIME.get()
}

#[cold]
fn start_once(
    settings: impl FnOnce() -> Result<Settings, StartError>,
) -> Result<&'static Runtime, StartError> {
    // A failed start is final: `may` cannot be started twice.
    static FAILED: Mutex<Option<StartError>> = Mutex::new(None);
    let mut failed = FAILED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(runtime) = RUNTIME.get() {
        return Ok(runtime);
    }
    if let Some(error) = &*failed {
        return Err(error.clone());
    }
    match build(settings()?) {
        Ok(runtime) => Ok(RUNTIME.get_or_init(|| runtime)),
        Err(error) => Err(failed.insert(error).clone()),
    }
}

fn doing(doing: &'static str) -> impl Fn(io::Error) -> StartError {
    move |error| StartError::Io { doing, error: Arc::new(error) }
}

fn build(settings: Settings) -> Result<Runtime, StartError> {
    let workers = settings.workers;
    let words = settings.stack_size.next_multiple_of(4096) / size_of::<usize>();
    may::config().set_workers(workers).set_stack_size(words).set_pool_capacity(POOLED_STACKS);
    may::config().set_worker_pin(false);
    // By default an idle worker wakes a hundred times a second to look for work that can only arrive as an event.
    may::config().set_timeout_ns(3600 * 1_000_000_000);
    overflow::remember_handlers();
    let open_files = sys::raise_open_files();

    let tokio = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("photon-tokio")
        .enable_all()
        .build()
        .map_err(doing("starting tokio"))?;

    let (sender, reports) = channel();
    let mut mailboxes = Vec::with_capacity(workers);
    let mut reactors = Vec::with_capacity(workers);
    for id in 0..workers {
        let bell = at_home(sys::eventfd(), id, workers).map_err(doing("creating an eventfd"))?;
        let timer = at_home(sys::timerfd(), id, workers).map_err(doing("creating a timerfd"))?;
        let mailbox: &'static Mailbox = Box::leak(Box::new(Mailbox::new(bell)));
        mailboxes.push(mailbox);
        let epoll = at_home(sys::epoll(), id, workers).map_err(doing("creating an epoll instance"))?;
        let reactor: &'static Reactor = Box::leak(Box::new(Reactor::new(id, epoll, mailbox)));
        reactors.push(reactor);
        let (tokio, reports) = (tokio.handle().clone(), sender.clone());
        let plan = Plan { id, reactor, timer, stack_size: settings.stack_size, tokio, reports };
        start_worker(plan).map_err(doing("starting a worker"))?;
    }
    drop(sender);
    verify_threads(workers, &reports)?;
    verify_order(mailboxes[0])?;
    overflow::install_handler();
    let limits = Limits::measure(open_files, POOLED_STACKS, workers * leader::FOLLOWERS);
    let connections = (0..workers).map(|_| AtomicUsize::new(0)).collect();
    Ok(Runtime { settings, limits, mailboxes, reactors, tokio, connections })
}

/// Moves a new descriptor to a number that maps to the worker.
pub(crate) fn at_home(fd: io::Result<OwnedFd>, worker: usize, workers: usize) -> io::Result<OwnedFd> {
    let mut fd = fd?;
    while fd.as_raw_fd() as usize % workers != worker {
        let min = fd.as_raw_fd() + 1;
        // The number that did not fit stays open until the next one is found, so it is not found again.
        fd = sys::duplicate_from(fd.as_fd(), min)?;
    }
    Ok(fd)
}

struct Plan {
    id: usize,
    reactor: &'static Reactor,
    timer: OwnedFd,
    stack_size: usize,
    tokio: tokio::runtime::Handle,
    reports: Sender<Report>,
}

/// What a courier says about the thread it ran on, before and after its first event.
struct Report {
    worker: usize,
    began: i32,
    resumed: io::Result<i32>,
}

fn start_worker(plan: Plan) -> io::Result<()> {
    let id = plan.id;
    launch(id, move || {
        let began = sys::thread_id();
        sys::name_thread(&format!("photon-{id}"));
        let prepared = overflow::use_alternative_stack();
        let worker = Worker::install(id, plan.reactor, plan.timer);
        // Entered for good: values that need tokio may be created and dropped outside of any poll.
        std::mem::forget(plan.tokio.enter());
        // It begins at the courier's first wait, and finds the worker installed.
        let clock = launch(id, move || {
            if let Err(error) = worker::current().map_or(Ok(()), run_clock) {
                eprintln!("photon: the clock of worker {id} could not start: {error}");
                std::process::abort();
            }
        });
        let reports = plan.reports.clone();
        let report = move |resumed| {
            // The receiver is gone only if the start has failed already.
            let _ = reports.send(Report { worker: id, began, resumed });
        };
        let leader = leader::start(id, plan.stack_size);
        if let Err(error) = prepared.and(clock).and(leader) {
            return report(Err(error));
        }
        let ready = || {
            worker.crew.find_selector(worker.mailbox);
            let _ = plan.reports.send(Report { worker: id, began, resumed: Ok(sys::thread_id()) });
        };
        if let Err(error) = run_courier(worker, ready) {
            report(Err(error));
        }
    })
}

/// Starts one of the runtime's own coroutines.
pub(crate) fn launch(worker: usize, f: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let starting = Starting::on(worker);
    let main = move || {
        drop(starting);
        f();
    };
    // SAFETY: see `spawn::start_coroutine`; these coroutines hold no thread-local reference over a wait, and
    // whether they stay on their thread is what `verify_threads` finds out before anybody relies on it.
    unsafe { Builder::new().id(worker).spawn(main) }.map(|_detached| ())
}

/// Every courier must have been resumed on the thread it began on, and no two may share a thread.
fn verify_threads(workers: usize, reports: &Receiver<Report>) -> Result<(), StartError> {
    let mut threads = Vec::with_capacity(workers);
    for _ in 0..workers {
        let Ok(report) = reports.recv_timeout(START_PATIENCE) else {
            let seen = format!("only {} of {workers} workers reported", threads.len());
            return Err(StartError::NotPinned { seen });
        };
        let Report { worker, began, resumed } = report;
        let resumed = resumed.map_err(doing("starting a worker"))?;
        if began != resumed {
            let seen = format!("the courier of worker {worker} went from thread {began} to {resumed}");
            return Err(StartError::NotPinned { seen });
        }
        if threads.contains(&began) {
            let seen = format!("worker {worker} shares thread {began} with another worker");
            return Err(StartError::NotPinned { seen });
        }
        threads.push(began);
    }
    Ok(())
}

/// A build of `may` that steals work keeps a quiet worker's coroutines in place, so threads alone prove little.
///
/// But it also runs a newly queued coroutine before it looks at sockets, where the build that this crate needs
/// runs the socket's coroutine first. The probe rings the courier, then queues a coroutine, and sees who is first.
fn verify_order(mailbox: &'static Mailbox) -> Result<(), StartError> {
    let (sender, first) = channel();
    let probe = move || {
        let (courier, queued) = (sender.clone(), sender);
        let went = Arc::new(AtomicBool::new(false));
        let goes = Arc::clone(&went);
        mailbox.send(Mail::Run(Box::new(move |_| {
            if !went.swap(true, Ordering::AcqRel) {
                let _ = courier.send("courier");
            }
        })));
        let started = launch(0, move || {
            if !goes.swap(true, Ordering::AcqRel) {
                let _ = queued.send("queue");
            }
        });
        debug_assert!(started.is_ok());
    };
    launch(0, probe).map_err(doing("probing the scheduler"))?;
    match first.recv_timeout(START_PATIENCE) {
        Ok("courier") => Ok(()),
        Ok(_) => Err(StartError::NotPinned { seen: "queued coroutines run before sockets".to_owned() }),
        Err(_) => Err(StartError::NotPinned { seen: "worker 0 does not answer".to_owned() }),
    }
}
