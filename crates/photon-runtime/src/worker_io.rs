//! Sockets of tokio, driven by the worker whose coroutines wait for them.
//!
//! A library that opens its sockets through tokio, as sqlx does, waits for whichever tokio runtime was entered when
//! the socket was opened. By default that is the runtime's one tokio thread: every answer then crosses threads
//! twice. Here each worker has a small tokio runtime of its own that does nothing but I/O. Its epoll descriptor is
//! readable when one of its sockets is, so it is itself registered with the worker's selector, and a coroutine of
//! the worker, the *driver*, dispatches the events. A wake is then a direct unpark on the same thread.
//!
//! It has no timers, and tasks are not spawned on it: those stay with the tokio thread, whose context is the one
//! that is entered everywhere else.

use std::future::{Future, poll_fn};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::pin::pin;

use may::io::{CoIo, WaitIo};
use tokio::net::UnixStream;
use tokio::runtime::Runtime;

use crate::runtime;
use crate::start::{at_home, launch};
use crate::sys::{self, Number};
use crate::worker::{self, AbortOnUnwind, Worker};

/// Polls a future so that the sockets it opens through tokio belong to the worker that it is polled on.
///
/// Their readiness is then noticed on that worker, without another thread: worth it for connections that are kept,
/// such as those of a database pool. They work from anywhere, but are cheapest on their own worker. Time limits and
/// tasks inside the future do not work, because this part of tokio has no timers and runs no tasks: use
/// [`timeout`](crate::timeout()) around it.
///
/// On a plain thread, and where the kernel does not say what is needed (`/proc` is missing), the future is simply
/// polled.
pub async fn worker_io<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|context| {
        let _entered = worker::current().and_then(Worker::io).map(Runtime::enter);
        future.as_mut().poll(context)
    })
    .await
}

/// Starts tokio's I/O on the worker that this is called on. `None` if it cannot be driven there.
pub(crate) fn start(worker: &'static Worker) -> Option<&'static Runtime> {
    match try_start(worker) {
        Ok(tokio) => Some(tokio),
        Err(error) => {
            eprintln!("photon: sockets of tokio stay with its own thread: {error}");
            None
        }
    }
}

fn try_start(worker: &'static Worker) -> io::Result<&'static Runtime> {
    let tokio = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let selector = selector_of(&tokio, worker.id)?;
    let events = CoIo::new(Number(selector.as_raw_fd())).map_err(io::Error::from)?;
    // Lives as long as the worker, which is as long as the process.
    let tokio: &'static Runtime = Box::leak(Box::new(tokio));
    launch(worker.id, move || drive(tokio, &events, selector))?;
    Ok(tokio)
}

/// The body of the driver.
fn drive(tokio: &'static Runtime, events: &CoIo<Number>, _open: OwnedFd) {
    let _fatal = AbortOnUnwind("the I/O driver");
    loop {
        // Asks the kernel once, without waiting, and wakes whoever waits for what it says.
        tokio.block_on(tokio::task::yield_now());
        // Edge-triggered: what happened since then is an event of its own.
        events.wait_io();
    }
}

/// A duplicate of the descriptor that tokio waits with, at a number that belongs to the worker.
fn selector_of(tokio: &Runtime, worker: usize) -> io::Result<OwnedFd> {
    let _entered = tokio.enter();
    // tokio does not tell. But the kernel lists what an epoll instance watches, so let this one watch something.
    let (known, _other_end) = UnixStream::pair()?;
    at_home(sys::epoll_watching(known.as_raw_fd()), worker, runtime().workers())
}
