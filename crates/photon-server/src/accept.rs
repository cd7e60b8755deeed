//! The listener's loop: who is let in, who is turned away, and what happens when the machine has
//! no more to give.

use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use photon_core::Handler;
use photon_runtime::net::{Incoming, TcpListener};

use crate::connection;
use crate::shared::Shared;

/// Pauses after a failed accept: the first, and the longest. The usual cause is that the process
/// has no file descriptor left, and asking again at once would only burn the processor.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// Connections that are told 503 at the same time; others beyond the cap are closed without it.
const TURNED_AWAY_AT_ONCE: usize = 64;

/// Connections accepted in a row before others on the listener's worker get their turn.
const TURN: u32 = 16;

/// Accepts connections until the server stops.
pub(crate) fn run(listener: &TcpListener, shared: &Arc<Shared>, handler: &Arc<dyn Handler>) {
    let cap = shared.config.max_connections.unwrap_or_else(photon_runtime::max_connections);
    let turned_away = Arc::new(AtomicUsize::new(0));
    let mut pause = FIRST_PAUSE;
    let mut accepted: u32 = 0;
    while !shared.is_draining() {
        let done = listener.accept().and_then(|incoming| {
            if shared.connections() < cap {
                admit(incoming, shared, handler)
            } else {
                turn_away(incoming, shared, &turned_away);
                Ok(())
            }
        });
        match done {
            Ok(()) => {
                pause = FIRST_PAUSE;
                accepted = accepted.wrapping_add(1);
                if accepted.is_multiple_of(TURN) {
                    photon_runtime::yield_now();
                }
            }
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
}

/// Starts the coroutine of a connection. If there can be none, the connection is closed.
fn admit(incoming: Incoming, shared: &Arc<Shared>, handler: &Arc<dyn Handler>) -> io::Result<()> {
    let admission = shared.admit();
    let handler = Arc::clone(handler);
    let peer = incoming.peer_addr();
    incoming
        .spawn(connection::served(peer, admission, handler))
        .map_err(|refused| io::Error::other(refused.error))
}

/// Starts a coroutine that answers 503, unless there are many of them already.
fn turn_away(incoming: Incoming, shared: &Arc<Shared>, turned_away: &Arc<AtomicUsize>) {
    if turned_away.fetch_add(1, Ordering::AcqRel) >= TURNED_AWAY_AT_ONCE {
        turned_away.fetch_sub(1, Ordering::AcqRel);
        return;
    }
    let (shared, count) = (Arc::clone(shared), Arc::clone(turned_away));
    let spawned = incoming.spawn(move |stream| {
        connection::turn_away(stream, &shared);
        count.fetch_sub(1, Ordering::AcqRel);
    });
    if spawned.is_err() {
        turned_away.fetch_sub(1, Ordering::AcqRel);
    }
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
