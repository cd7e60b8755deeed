//! The doors of a server: who is let in, who is turned away, and what happens when the machine has
//! no more to give.
//!
//! Accepting needs no coroutine, and if its worker is kept from it by a handler that computes, another one does it.

use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use photon_core::Handler;
use photon_runtime::net::{self, EventHandler, Incoming, Ready, TcpStream};
use photon_runtime::sync::oneshot::{self, Receiver, Sender};

use crate::connection;
use crate::listen::Place;
use crate::shared::Shared;

/// Pauses after a failed accept: the first, and the longest. The usual cause is that the process
/// has no file descriptor left, and asking again at once would only burn the processor.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// Connections that are told 503 at the same time; others beyond the cap are closed without it.
const TURNED_AWAY_AT_ONCE: usize = 64;

/// Connections accepted in a row before others on the worker get their turn.
const TURN: usize = 16;

/// Connections taken from the queue of a server that stops: more than a queue holds, and a bound, so
/// that clients that keep coming cannot keep the server.
const LAST_CALL: usize = 8192;

/// How long connections whose handshake had begun with a listener get to finish it, when another has taken over its
/// address: a round trip or two, and how often they are looked for.
const HANDOVER: Duration = Duration::from_millis(100);
const HANDOVER_STEP: Duration = Duration::from_millis(2);

/// What a client is told when there can be no coroutine to tell it.
const NO_COROUTINE: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\n\
    content-length: 32\r\nretry-after: 1\r\nconnection: close\r\n\r\n{\"detail\":\"Service Unavailable\"}";

/// A place to listen, and who decides there what becomes of connections.
pub(crate) struct Door {
    place: Place,
    readiness: TcpStream,
    /// How many connections there may be.
    cap: usize,
    shared: Arc<Shared>,
    handler: Arc<dyn Handler>,
    /// Connections that are being told 503.
    turned_away: Arc<AtomicUsize>,
    /// How long to wait after the next failure, and until when since the last one.
    pause: Duration,
    paused_until: Option<Instant>,
    /// To be told when the place is closed; taken then.
    closed: Option<Sender<()>>,
}

/// Accepts connections at a place until the server stops. The receiver hears when it has been closed, and if it has failed
/// hears nothing any more.
pub(crate) fn open(
    worker: usize,
    (place, readiness): (Place, TcpStream),
    shared: &Arc<Shared>,
    handler: &Arc<dyn Handler>,
) -> Receiver<()> {
    let (closed, receiver) = oneshot::channel();
    let door = Door {
        place,
        readiness,
        cap: shared.config.max_connections.unwrap_or_else(photon_runtime::max_connections),
        shared: Arc::clone(shared),
        handler: Arc::clone(handler),
        turned_away: Arc::default(),
        pause: FIRST_PAUSE,
        paused_until: None,
        closed: Some(closed),
    };
    net::start_handler(worker, door);
    receiver
}

impl EventHandler for Door {
    fn stream(&mut self) -> &mut TcpStream {
        &mut self.readiness
    }

    fn may_wait(&self) -> bool {
        // Closing does, for a moment, but not for the sake of a client.
        false
    }

    fn handle(mut self: Box<Self>, _event: Ready) -> Option<Box<dyn EventHandler>> {
        for _ in 0..TURN {
            if self.shared.is_closing() {
                self.close();
                return None;
            }
            match self.paused_until {
                Some(until) if Instant::now() < until => return Some(self),
                Some(_) => self.end_pause(),
                None => {}
            }
            match self.place.try_accept().and_then(|incoming| self.let_in(incoming)) {
                Ok(()) => self.pause = FIRST_PAUSE,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Some(self),
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => self.begin_pause(&error),
            }
        }
        // There may be more, which the kernel does not say again: after the others on this worker.
        self.readiness.waker().wake();
        Some(self)
    }
}

impl Door {
    fn begin_pause(&mut self, error: &io::Error) {
        if self.pause == FIRST_PAUSE {
            tracing::error!(%error, "cannot accept connections; trying again");
        }
        self.paused_until = Some(Instant::now() + self.pause);
        self.readiness.set_deadline(Some(self.pause));
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
    }

    fn end_pause(&mut self) {
        self.paused_until = None;
        self.readiness.set_deadline(None);
    }

    /// Accepts what is in the queue of a server that stops: the kernel has let it in and would reset it.
    fn close(mut self: Box<Self>) {
        if self.shared.config.reuse_port && self.place.step_aside() {
            let start = Instant::now();
            while start.elapsed() < HANDOVER && !self.shared.is_cut() {
                self.empty_queue();
                photon_runtime::sleep(HANDOVER_STEP);
            }
        }
        self.empty_queue();
        let closed = self.closed.take();
        drop(self);
        let _ = closed.map(|closed| closed.send(()));
    }

    fn empty_queue(&self) {
        for accepted in 1..=LAST_CALL {
            if self.shared.is_cut() {
                return;
            }
            if accepted % TURN == 0 {
                photon_runtime::yield_now();
            }
            match self.place.try_accept().and_then(|incoming| self.let_in(incoming)) {
                Ok(()) => {}
                Err(error) if is_of_one_connection(&error) => {}
                Err(_) => return,
            }
        }
    }

    /// Serves the connection or turns it away.
    fn let_in(&self, incoming: Incoming) -> io::Result<()> {
        if self.may_come(&incoming) { self.admit(incoming) } else { Ok(()) }
    }

    /// Whether the connection comes from where connections have to come from.
    fn may_come(&self, incoming: &Incoming) -> bool {
        if !self.shared.config.proxy_protocol || self.shared.proxies_of(incoming.peer_addr()).is_some() {
            return true;
        }
        tracing::debug!(peer = ?incoming.peer_addr(), "connection refused: it is not from a trusted proxy");
        false
    }

    /// Hands the connection to a worker, if there is room for it. If a request that has to wait could have no coroutine,
    /// the client is told so.
    fn admit(&self, incoming: Incoming) -> io::Result<()> {
        let Some(admission) = self.shared.admit(self.cap) else {
            self.turn_away(incoming);
            return Ok(());
        };
        if photon_runtime::live_coroutines() >= photon_runtime::max_coroutines() {
            refuse(incoming);
            return Err(io::Error::other("all coroutines that vm.max_map_count allows are in use"));
        }
        let handler = Arc::clone(&self.handler);
        let peer = incoming.peer_addr();
        incoming.handle(|stream| connection::admitted(stream, peer, admission, handler));
        Ok(())
    }

    /// Starts a coroutine that answers 503, unless there are many of them already.
    fn turn_away(&self, incoming: Incoming) {
        if self.turned_away.fetch_add(1, Ordering::AcqRel) >= TURNED_AWAY_AT_ONCE {
            self.turned_away.fetch_sub(1, Ordering::AcqRel);
            return;
        }
        let (shared, count) = (Arc::clone(&self.shared), Arc::clone(&self.turned_away));
        let spawned = incoming.spawn(move |stream| {
            connection::turn_away(stream, &shared);
            count.fetch_sub(1, Ordering::AcqRel);
        });
        if let Err(refused) = spawned {
            self.turned_away.fetch_sub(1, Ordering::AcqRel);
            refuse(refused.incoming);
        }
    }
}

/// Answers 503 without waiting for anything: what does not work at once is left undone.
fn refuse(incoming: Incoming) {
    let mut stream = incoming.into_std();
    // A request that stays unread would reset the connection, and the answer with it.
    let _ = stream.read(&mut [0; 4096]);
    let _ = stream.write(NO_COROUTINE);
    let _ = stream.shutdown(Shutdown::Write);
}

/// Whether only the connection that was to be accepted failed, or the call was interrupted.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Interrupted
            | ErrorKind::ConnectionAborted
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionRefused
            | ErrorKind::TimedOut
    )
}
