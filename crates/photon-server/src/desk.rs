//! What a connection needs only while it is served: the request that is read and answered, and the time of day as text.
//!
//! Nearly all connections wait nearly all the time. So each worker has a few desks, which go round among its connections
//! like its [buffers](crate::buffers): one that waits occupies less memory, and the desk that was used last, which the
//! processor still has at hand, is used next.

use std::cell::RefCell;

use photon_core::Request;
use photon_http::DateLine;

/// Desks that a worker keeps at most.
const KEPT: usize = 32;

thread_local! {
    #[expect(clippy::vec_box, reason = "they are handed out and taken back as boxes")]
    static FREE: RefCell<Vec<Box<Desk>>> = const { RefCell::new(Vec::new()) };
}

pub(crate) struct Desk {
    /// The server it was last used for. Requests keep the context of their application, which is not another server's.
    server: u64,
    /// Nothing but buffers and the context is left of the one before.
    pub(crate) request: Request,
    pub(crate) date: DateLine,
}

impl Desk {
    /// The desk that was used last, or a new one.
    pub(crate) fn take(server: u64) -> Box<Desk> {
        let free = FREE.with_borrow_mut(Vec::pop);
        let mut desk = free.unwrap_or_else(|| {
            Box::new(Desk { server, request: Request::default(), date: DateLine::default() })
        });
        if desk.server != server {
            (desk.server, desk.request) = (server, Request::default());
        }
        desk
    }

    /// Gives the desk to the next connection, which must find nothing of this one on it.
    pub(crate) fn give(mut self: Box<Desk>) {
        self.request.clear();
        self.request.set_peer(None);
        self.request.set_tls(None);
        self.request.set_proxies(None);
        FREE.with_borrow_mut(|free| {
            if free.len() < KEPT {
                free.push(self);
            }
        });
    }
}
