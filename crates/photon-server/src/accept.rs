//! The listener's loop: who is let in, who is turned away, and what happens when the machine has
//! no more to give.

use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use photon_core::Handler;
use photon_runtime::net::Incoming;

use crate::connection;
use crate::listen::Place;
use crate::shared::Shared;

/// Pauses after a failed accept: the first, and the longest. The usual cause is that the process
/// has no file descriptor left, and asking again at once would only burn the processor.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// Connections that are told 503 at the same time; others beyond the cap are closed without it.
const TURNED_AWAY_AT_ONCE: usize = 64;

/// Connections accepted in a row before others on the listener's worker get their turn.
const TURN: u32 = 16;

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

/// Accepts connections until the server stops, and then those that are in the queue already: the
/// kernel has let them in and would reset them.
pub(crate) fn run(listener: &Place, shared: &Arc<Shared>, handler: &Arc<dyn Handler>) {
    let mut door = Door {
        cap: shared.config.max_connections.unwrap_or_else(photon_runtime::max_connections),
        shared,
        handler,
        turned_away: Arc::default(),
        accepted: 0,
    };
    let mut pause = FIRST_PAUSE;
    while !shared.is_closing() {
        match listener.accept().and_then(|incoming| door.let_in(incoming)) {
            Ok(()) => pause = FIRST_PAUSE,
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                if pause == FIRST_PAUSE {
                    tracing::error!(%error, "cannot accept connections; trying again");
                }
                photon_runtime::sleep(pause);
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
    if shared.config.reuse_port && listener.step_aside() {
        let start = Instant::now();
        while start.elapsed() < HANDOVER && !shared.is_cut() {
            empty_queue(listener, &mut door);
            photon_runtime::sleep(HANDOVER_STEP);
        }
    }
    empty_queue(listener, &mut door);
}

/// Takes the connections that wait in the queue of a server that stops.
fn empty_queue(listener: &Place, door: &mut Door<'_>) {
    for _ in 0..LAST_CALL {
        if door.shared.is_cut() {
            return;
        }
        match listener.try_accept().and_then(|incoming| door.let_in(incoming)) {
            Ok(()) => {}
            Err(error) if is_of_one_connection(&error) => {}
            Err(_) => return,
        }
    }
}

/// Who decides what becomes of an accepted connection.
struct Door<'a> {
    /// How many connections there may be.
    cap: usize,
    shared: &'a Arc<Shared>,
    handler: &'a Arc<dyn Handler>,
    /// Connections that are being told 503.
    turned_away: Arc<AtomicUsize>,
    accepted: u32,
}

impl Door<'_> {
    /// Serves the connection or turns it away, and yields now and then.
    fn let_in(&mut self, incoming: Incoming) -> io::Result<()> {
        let done = if !self.may_come(&incoming) {
            Ok(())
        } else if self.shared.connections() < self.cap {
            self.admit(incoming)
        } else {
            self.turn_away(incoming);
            Ok(())
        };
        self.accepted = self.accepted.wrapping_add(1);
        if self.accepted.is_multiple_of(TURN) {
            photon_runtime::yield_now();
        }
        done
    }

    /// Whether the connection comes from where connections have to come from.
    fn may_come(&self, incoming: &Incoming) -> bool {
        if !self.shared.config.proxy_protocol || self.shared.proxies_of(incoming.peer_addr()).is_some() {
            return true;
        }
        tracing::debug!(peer = ?incoming.peer_addr(), "connection refused: it is not from a trusted proxy");
        false
    }

    /// Hands the connection to a worker. If a request that has to wait could have no coroutine, the client is told so.
    fn admit(&self, incoming: Incoming) -> io::Result<()> {
        if photon_runtime::live_coroutines() >= photon_runtime::max_coroutines() {
            refuse(incoming);
            return Err(io::Error::other("all coroutines that vm.max_map_count allows are in use"));
        }
        let admission = self.shared.admit();
        let handler = Arc::clone(self.handler);
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
        let (shared, count) = (Arc::clone(self.shared), Arc::clone(&self.turned_away));
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

/// Whether only the connection that was to be accepted failed, or the wait was interrupted.
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
