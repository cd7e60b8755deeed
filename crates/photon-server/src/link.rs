//! One connection's socket with its time limits: bytes in, bytes out, or the reason why not.
//! Requests and responses are no concern of this module.

use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use photon_http::{ProxySource, decode_proxy_header};
use photon_runtime::net::{Ready, TcpStream};

use crate::buffers;
use crate::input::Input;
use crate::shared::Shared;
#[cfg(feature = "tls")]
use crate::tls::Session;
use crate::transport::Transport;

/// When a wait has taken this long, memory that costs something to get again is given back.
const QUIET: Duration = Duration::from_millis(500);

/// Reads, answers and writes in a row before others on this worker get their turn. A client that
/// always has something to say, or always takes more, would otherwise keep the worker to itself.
const TURN: u32 = 96;

/// How many bytes, read or written, count as another step: what is done with them may take longer than the step.
const STEP_BYTES: usize = 4096;

/// How long, and for how many bytes, a closing connection listens to a client that still sends.
/// Closing at once would reset the connection and could destroy the response on its way.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_BYTES: usize = 4 * 1024 * 1024;

/// The same while the server stops, which waits for it.
const LINGER_DRAINING: Duration = Duration::from_millis(500);

/// Why a connection cannot go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The client closed or reset the connection.
    Gone,
    /// The time limit passed.
    TimedOut,
    /// The server stops, and nothing has begun on this connection.
    Draining,
    /// The server stops, and whatever has begun is cut.
    Cut,
}

impl From<Stop> for io::Error {
    fn from(stop: Stop) -> Self {
        let (kind, text) = match stop {
            Stop::Gone => (ErrorKind::BrokenPipe, "the client closed the connection"),
            Stop::TimedOut => (ErrorKind::TimedOut, "the client takes too long"),
            Stop::Draining | Stop::Cut => (ErrorKind::ConnectionAborted, "the server stops"),
        };
        Self::new(kind, text)
    }
}

/// What a connection waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Awaiting {
    /// A request, of which nothing has come.
    Request,
    /// The rest of something.
    Rest,
    /// Whatever comes on a connection that has left HTTP.
    Message,
}

pub(crate) struct Link {
    /// What was received and not used yet.
    pub(crate) input: Input,
    /// What is to be sent.
    pub(crate) out: Vec<u8>,
    stream: Transport,
    shared: Arc<Shared>,
    /// Whether the socket has no more to read until it says so.
    drained: bool,
    /// What is left of the current time limit after the wait was called a long one.
    rest: Duration,
    /// How far the client was when the time began in which it has to accept enough; `None` while it has nothing to accept.
    acceptance: Option<Acceptance>,
    /// When the request that is being answered has to be over.
    until: Option<Instant>,
    /// Whether the time for a last request has begun.
    is_late: bool,
    /// Reads, answers and writes until the next yield.
    turn: u32,
}

impl Link {
    pub(crate) fn new(stream: Transport, shared: Arc<Shared>) -> Self {
        Self {
            input: Input::default(),
            out: Vec::new(),
            stream,
            shared,
            drained: false,
            rest: Duration::ZERO,
            acceptance: None,
            until: None,
            is_late: false,
            turn: TURN,
        }
    }

    /// Reads the header with which a proxy says whose connection this is, within the time limit for a head. To be called
    /// before anything else is read.
    pub(crate) fn proxy_source(&mut self) -> Result<ProxySource, Stop> {
        self.start_limit(self.shared.config.header_timeout);
        loop {
            match decode_proxy_header(self.input.bytes()) {
                Ok(Some(header)) => {
                    self.input.consume(header.consumed);
                    return Ok(header.source);
                }
                // The decoder decides before there is more than the buffer holds.
                Ok(None) => {}
                Err(error) => {
                    tracing::debug!(%error, "connection refused");
                    return Err(Stop::Gone);
                }
            }
            let awaiting = if self.input.bytes().is_empty() { Awaiting::Request } else { Awaiting::Rest };
            self.read(awaiting).inspect_err(|stop| {
                if *stop == Stop::TimedOut {
                    tracing::debug!("connection refused: the PROXY header does not come in time");
                }
            })?;
        }
    }

    /// Does the handshake of TLS within the time limit for a head. What has been read already is the start of it.
    #[cfg(feature = "tls")]
    pub(crate) fn handshake(&mut self, session: Session) -> Result<(), Stop> {
        self.start_limit(self.shared.config.header_timeout);
        let begun = self.input.bytes().to_vec();
        self.input.consume(begun.len());
        if self.stream.start_tls(session, &begun).is_err() {
            self.linger();
            return Err(Stop::Gone);
        }
        loop {
            self.take_turn();
            match self.stream.handshake() {
                Ok(crate::tls::Handshake::Done) => return Ok(()),
                Ok(crate::tls::Handshake::Waiting) => self.wait_to_read(Awaiting::Rest)?,
                Err(_) => {
                    // So that the client sees why, and not a reset.
                    self.linger();
                    return Err(Stop::Gone);
                }
            }
        }
    }

    /// What is known of the connection's TLS.
    #[cfg(feature = "tls")]
    pub(crate) fn tls_info(&self) -> Option<photon_core::TlsInfo> {
        self.stream.tls_info()
    }

    /// The stream, to wait for.
    pub(crate) fn stream(&mut self) -> &mut TcpStream {
        self.stream.stream()
    }

    /// Starts a time limit for what [`Link::read`] waits for.
    pub(crate) fn start_limit(&mut self, limit: Duration) {
        let limit = self.within_request(limit);
        let first = limit.min(QUIET);
        self.rest = limit - first;
        self.stream.set_deadline(Some(first));
    }

    /// Starts the time limit of a whole request, if there is one.
    pub(crate) fn start_request(&mut self) {
        if let Some(limit) = self.shared.config.request_timeout {
            self.until = Some(Instant::now() + limit);
        }
    }

    /// Ends the time limit of a whole request.
    pub(crate) fn end_request(&mut self) {
        self.until = None;
    }

    /// What is left of a time limit within that of the whole request.
    fn within_request(&self, limit: Duration) -> Duration {
        match self.until {
            Some(until) => limit.min(until.saturating_duration_since(Instant::now())),
            None => limit,
        }
    }

    /// Whether everything that the client sent was read and used.
    pub(crate) fn is_drained(&self) -> bool {
        self.drained && self.input.bytes().is_empty()
    }

    /// Reads once, waiting for bytes if there are none.
    pub(crate) fn read(&mut self, awaiting: Awaiting) -> Result<usize, Stop> {
        loop {
            if let Some(count) = self.try_read(awaiting)? {
                return Ok(count);
            }
            self.wait_to_read(awaiting)?;
        }
    }

    /// Reads once. If there is nothing, the buffers that are not needed in a wait are given back, and what comes next is a
    /// wait for the stream, and then [`Link::waited`].
    ///
    /// A read that does not fill the buffer has emptied the socket, so the next one does not ask the kernel before that.
    pub(crate) fn try_read(&mut self, awaiting: Awaiting) -> Result<Option<usize>, Stop> {
        loop {
            let stopping = awaiting != Awaiting::Rest && self.shared.is_draining();
            if self.drained && !stopping {
                self.give_buffers(awaiting);
                return Ok(None);
            }
            self.take_turn();
            let room = self.input.room();
            match self.stream.try_read(room) {
                Ok(0) => return Err(Stop::Gone),
                Ok(count) => {
                    let room = room.len();
                    self.drained = self.stream.is_drained_by(count, room);
                    self.input.filled(count);
                    self.count_bytes(count);
                    if self.out.capacity() == 0 {
                        self.out = buffers::output();
                    }
                    return Ok(Some(count));
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    if stopping {
                        self.prepare_end(awaiting)?;
                        self.give_buffers(awaiting);
                        return Ok(None);
                    }
                    self.drained = true;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Err(Stop::Gone),
            }
        }
    }

    /// Waits within the time limit, and has the socket looked at after it.
    fn wait_to_read(&mut self, awaiting: Awaiting) -> Result<(), Stop> {
        let ready = self.stream.wait_ready();
        self.waited(awaiting, ready)?;
        if ready == Ready::Deadline {
            // Whoever has been quiet for so long does not need it soon.
            photon_runtime::trim_stack();
        }
        Ok(())
    }

    /// Goes on after a wait that this has ended, and has the socket looked at.
    pub(crate) fn waited(&mut self, awaiting: Awaiting, ready: Ready) -> Result<(), Stop> {
        // Whatever ended the wait may have been the only sign that there is something to read.
        self.drained = false;
        if self.shared.is_cut() {
            return Err(Stop::Cut);
        }
        match ready {
            Ready::Io | Ready::Woken => Ok(()),
            Ready::Deadline if self.is_late && awaiting != Awaiting::Rest => Err(Stop::Draining),
            Ready::Deadline if self.rest.is_zero() && awaiting == Awaiting::Request => self.end_idle(),
            Ready::Deadline if self.rest.is_zero() => Err(Stop::TimedOut),
            Ready::Deadline => {
                self.stream.set_deadline(Some(std::mem::take(&mut self.rest)));
                self.input.release();
                self.forget_acceptance_of_all();
                if awaiting == Awaiting::Request && self.stream.unreceived() > 0 {
                    self.start_acceptance();
                }
                Ok(())
            }
        }
    }

    /// Ends a wait for a request, unless the client is still receiving the response before, as fast as it has to.
    fn end_idle(&mut self) -> Result<(), Stop> {
        if self.stream.unreceived() == 0 {
            return Err(Stop::TimedOut);
        }
        let limit = self.shared.config.idle_timeout;
        // The first look at it was after that.
        if self.acceptance.is_some() {
            self.check_acceptance(limit.saturating_sub(QUIET))?;
        }
        self.start_acceptance();
        self.stream.set_deadline(Some(limit));
        Ok(())
    }

    /// Gives back the buffers that are not needed in a wait.
    fn give_buffers(&mut self, awaiting: Awaiting) {
        match awaiting {
            Awaiting::Request => self.input.release(),
            Awaiting::Rest | Awaiting::Message => self.input.release_small(),
        }
        if self.out.is_empty() {
            buffers::give_output(std::mem::take(&mut self.out));
        }
    }

    /// Starts the time for a request that was on its way when the server began to stop.
    fn prepare_end(&mut self, awaiting: Awaiting) -> Result<(), Stop> {
        if awaiting == Awaiting::Message {
            return Err(Stop::Draining);
        }
        if !std::mem::replace(&mut self.is_late, true) {
            self.rest = Duration::ZERO;
            self.stream.set_deadline(Some(self.shared.config.drain_grace));
        }
        Ok(())
    }

    fn wait(&mut self) -> Result<Ready, Stop> {
        let ready = self.stream.wait_ready();
        // Whatever ended the wait may have been the only sign that there is something to read.
        self.drained = false;
        if self.shared.is_cut() { Err(Stop::Cut) } else { Ok(ready) }
    }

    /// Writes the output.
    pub(crate) fn flush(&mut self) -> Result<(), Stop> {
        if !self.out.is_empty() {
            let mut out = std::mem::take(&mut self.out);
            let written = self.write(&out);
            out.clear();
            self.out = out;
            written?;
        }
        Ok(())
    }

    /// Writes the output and then all of `bytes`, which are not copied.
    pub(crate) fn write_after_output(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        self.forget_acceptance_of_all();
        let sent = match self.stream.try_write_both(&self.out, bytes) {
            Ok(sent) => {
                self.count_bytes(sent);
                sent
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => 0,
            Err(_) => return Err(Stop::Gone),
        };
        // In one step if the client takes as much; the rest in its turn.
        if sent < self.out.len() {
            self.out.drain(..sent);
            self.flush()?;
            return self.write(bytes);
        }
        let of_bytes = sent - self.out.len();
        self.out.clear();
        self.write(&bytes[of_bytes..])
    }

    /// Writes all of `bytes`, as fast as the client has to take them.
    pub(crate) fn write(&mut self, mut bytes: &[u8]) -> Result<(), Stop> {
        self.forget_acceptance_of_all();
        while !bytes.is_empty() || self.stream.has_pending() {
            self.take_turn();
            match self.stream.try_write(bytes) {
                Ok(0) if !bytes.is_empty() => return Err(Stop::Gone),
                Ok(count) => {
                    bytes = &bytes[count..];
                    self.count_bytes(count);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.wait_to_write()?,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Err(Stop::Gone),
            }
        }
        Ok(())
    }

    /// Waits until the client accepts more, within the time limit of a write. That goes on from one piece of a response to
    /// the next, as long as the client is behind.
    fn wait_to_write(&mut self) -> Result<(), Stop> {
        let limit = self.shared.config.write_timeout;
        let rest = self.acceptance.and_then(|acceptance| limit.checked_sub(acceptance.start.elapsed()));
        let rest = rest.unwrap_or_else(|| {
            self.start_acceptance();
            limit
        });
        self.stream.set_deadline(Some(self.within_request(rest)));
        if self.wait()? != Ready::Deadline {
            return Ok(());
        }
        // The kernel asks for more when a good part of what it holds is gone, which a slow client may need longer for.
        self.check_acceptance(limit)?;
        self.acceptance = None;
        Ok(())
    }

    /// Before more is sent: a client that has received all there was is not behind, and its time is to begin anew.
    fn forget_acceptance_of_all(&mut self) {
        if self.acceptance.is_some() && self.stream.unreceived() == 0 {
            self.acceptance = None;
        }
    }

    fn start_acceptance(&mut self) {
        self.acceptance = Some(Acceptance { start: Instant::now(), received: self.stream.received() });
    }

    /// Ends a connection whose client has not accepted as much as it has to in the time that has passed, or whose request
    /// is over.
    fn check_acceptance(&mut self, passed: Duration) -> Result<(), Stop> {
        let enough = window(self.shared.config.min_write_rate, passed) as u64;
        let accepted = self
            .acceptance
            .map_or(0, |acceptance| self.stream.received().saturating_sub(acceptance.received));
        if accepted < enough || self.until.is_some_and(|until| until <= Instant::now()) {
            // What the client does not take, the kernel is not to keep for it either.
            self.reset_at_close();
            return Err(Stop::TimedOut);
        }
        Ok(())
    }

    /// Begins to count anew: others have had their turn.
    pub(crate) fn begin_turn(&mut self) {
        self.turn = TURN;
    }

    /// Counts a step, and yields after many.
    pub(crate) fn take_turn(&mut self) {
        self.turn -= 1;
        if self.turn == 0 {
            self.turn = TURN;
            photon_runtime::yield_now();
        }
    }

    /// Has the next yield come earlier, by as much as these bytes count.
    fn count_bytes(&mut self, count: usize) {
        let steps = u32::try_from(count / STEP_BYTES).unwrap_or(u32::MAX);
        self.turn = self.turn.saturating_sub(steps).max(1);
    }

    /// Whether the server stops and waits for nothing any more.
    pub(crate) fn is_cut(&self) -> bool {
        self.shared.is_cut()
    }

    /// Sees to it that the client does not take what it got for everything.
    pub(crate) fn reset_at_close(&self) {
        // Otherwise the connection is gone, which the client sees as well.
        let _ = self.stream.reset_at_close();
    }

    /// Closes the sending side and lets the client see it before the rest is closed (RFC 9112
    /// §9.6).
    pub(crate) fn linger(&mut self) {
        if self.stream.finish().is_err() {
            return;
        }
        self.rest = Duration::ZERO;
        let limit = if self.shared.is_draining() { LINGER_DRAINING } else { LINGER };
        self.stream.set_deadline(Some(limit));
        let mut left = LINGER_BYTES;
        while left > 0 {
            self.input.consume(self.input.bytes().len());
            self.take_turn();
            match self.stream.try_read(self.input.room()) {
                Ok(0) => return,
                Ok(count) => left = left.saturating_sub(count),
                Err(error) if error.kind() == ErrorKind::WouldBlock => match self.wait() {
                    Ok(Ready::Io) => {}
                    Ok(Ready::Woken) => self.stream.set_deadline(Some(LINGER_DRAINING)),
                    Ok(Ready::Deadline) | Err(_) => return,
                },
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
    }
}

/// How many bytes have to pass within one time limit, for this many in a second.
fn window(rate: u32, limit: Duration) -> usize {
    let bytes = u128::from(rate) * limit.as_millis() / 1000;
    usize::try_from(bytes).unwrap_or(usize::MAX).max(1)
}

/// How far a client was at a time.
#[derive(Clone, Copy)]
struct Acceptance {
    start: Instant,
    /// Bytes that it had received of the whole connection.
    received: u64,
}

/// Restarts the time limit of a body whenever enough of it has come.
#[derive(Default)]
pub(crate) struct Progress {
    /// Bytes since the limit was started; `None` before the first read.
    passed: Option<usize>,
}

impl Progress {
    /// Whether something has come already.
    pub(crate) fn has_passed(&self) -> bool {
        self.passed.is_some_and(|passed| passed > 0)
    }

    pub(crate) fn before_read(&mut self, link: &mut Link) {
        let config = &link.shared.config;
        let limit = config.body_timeout;
        if self.passed.is_none_or(|passed| passed >= window(config.min_body_rate, limit)) {
            self.passed = Some(0);
            link.start_limit(limit);
        }
    }

    pub(crate) fn passed(&mut self, count: usize) {
        self.passed = self.passed.map(|passed| passed + count);
    }
}
