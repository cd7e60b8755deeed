//! The life of a connection: read, decode, call the handler, write, in a loop.
//!
//! All requests that one read brings are answered in order before anything is written, and then
//! with one write. The handler runs here, on the connection's own coroutine.

use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::SystemTime;

use http::{Method, StatusCode};
use photon_core::{Body, Handler, Request, Response};
use photon_http::{
    BodyDecoder, BodyForm, BodyLength, DateLine, DecodeError, Decoded, Framing, HeadDecoder, Reply, Version,
    encode_continue, encode_head,
};
use photon_runtime::net::TcpStream;

use crate::input::SMALL;
use crate::link::{Awaiting, Link, Progress, Stop};
use crate::shared::{Admission, BodyMemory, Shared};
use crate::stream::StreamedBody;

/// Answers collected before they are written, even if more requests are waiting.
const WRITE_AT: usize = 64 * 1024;

/// A body of more bytes is written from where it is instead of being copied behind its head.
const COPY_UP_TO: usize = 16 * 1024;

/// An input buffer of so many bytes receives bodies that do not fit the small one.
const BODY_BUFFER: usize = 64 * 1024;

/// The body of a connection's coroutine: serves it until it ends.
pub(crate) fn served(
    peer: SocketAddr,
    admission: Admission,
    handler: Arc<dyn Handler>,
) -> impl FnOnce(TcpStream) + Send + 'static {
    // Here, so that a handler's backtrace passes from the runtime straight to this file.
    move |stream| serve(stream, peer, admission, &*handler)
}

fn serve(stream: TcpStream, peer: SocketAddr, mut admission: Admission, handler: &dyn Handler) {
    admission.register(stream.waker());
    let shared = &*admission.shared;
    let _ = stream.set_nodelay(true);
    let mut connection = Connection {
        link: Link::new(stream, shared),
        shared,
        handler,
        peer,
        decoder: HeadDecoder::default(),
        in_head: false,
        request: Request::default(),
        body_memory: BodyMemory::new(shared),
        date: DateLine::default(),
    };
    let end = connection.run();
    connection.finish(end);
}

/// Answers a connection for which there is no room.
pub(crate) fn turn_away(stream: TcpStream, shared: &Shared) {
    let mut link = Link::new(stream, shared);
    let response = detail(StatusCode::SERVICE_UNAVAILABLE);
    encode_error(&mut link.out, &response, false, &mut DateLine::default());
    if link.flush().is_ok() {
        link.linger();
    }
}

/// Why a connection ends.
#[derive(Clone, Copy)]
enum End {
    /// Nobody is there to answer, or nothing to say.
    Quiet,
    /// The last response is in the output.
    Answered,
    /// The request is refused with this status.
    Refused(StatusCode),
}

impl From<Stop> for End {
    fn from(_: Stop) -> Self {
        Self::Quiet
    }
}

impl From<DecodeError> for End {
    fn from(error: DecodeError) -> Self {
        tracing::debug!(%error, "request refused");
        Self::Refused(error.status())
    }
}

struct Connection<'a> {
    link: Link<'a>,
    shared: &'a Shared,
    handler: &'a dyn Handler,
    peer: SocketAddr,
    decoder: HeadDecoder,
    /// Whether the time limit of the current head has started.
    in_head: bool,
    request: Request,
    /// What the request's body occupies of the server's memory for bodies.
    body_memory: BodyMemory<'a>,
    date: DateLine,
}

impl Connection<'_> {
    fn run(&mut self) -> End {
        loop {
            if let Err(end) = self.receive().and_then(|()| self.answer_received()) {
                return end;
            }
        }
    }

    /// Waits for the first bytes of a head, or for more of one.
    fn receive(&mut self) -> Result<(), End> {
        let config = &self.shared.config;
        let awaiting = if self.link.input.is_idle() {
            self.in_head = false;
            self.link.input.shrink();
            self.link.start_limit(config.idle_timeout);
            Awaiting::Request
        } else {
            if !self.in_head {
                self.in_head = true;
                self.link.start_limit(config.header_timeout);
            }
            Awaiting::Rest
        };
        match self.link.read(awaiting) {
            Ok(_) => Ok(()),
            Err(Stop::TimedOut) if self.in_head => Err(End::Refused(StatusCode::REQUEST_TIMEOUT)),
            Err(stop) => Err(stop.into()),
        }
    }

    /// Answers every request that is complete in the input and writes the answers.
    fn answer_received(&mut self) -> Result<(), End> {
        while let Some(decoded) = self.decoder.decode(
            self.link.input.bytes(),
            &self.shared.config.limits,
            &mut self.request.head,
        )? {
            self.link.input.consume(decoded.consumed);
            if decoded.framing != Framing::None {
                self.read_body(&decoded)?;
            }
            self.answer(&decoded)?;
            self.body_memory.release();
            self.link.take_turn();
            if decoded.consumed <= SMALL {
                self.request.clear();
            } else {
                self.request = Request::default();
            }
            // If there is the start of another head, its time has not begun.
            self.in_head = false;
            if self.link.out.len() >= WRITE_AT {
                self.link.flush()?;
            }
        }
        Ok(self.link.flush()?)
    }

    /// Reads the whole body of a request, asking for it if the client waits to be asked.
    fn read_body(&mut self, decoded: &Decoded) -> Result<(), End> {
        let mut decoder = BodyDecoder::new(decoded.framing, &self.shared.config.limits);
        let expected = usize::try_from(decoder.expected()).unwrap_or(usize::MAX);
        let mut body = Vec::with_capacity(expected.min(BODY_BUFFER));
        let mut used = decoder.decode(self.link.input.bytes(), &mut body)?;
        self.link.input.consume(used);
        if !decoder.is_done() {
            // RFC 9110 §10.1.1: no 100 when some of the body has already come.
            if decoded.expect_continue && used == 0 {
                encode_continue(&mut self.link.out);
            }
            // The client may wait for earlier answers before it sends the rest.
            self.link.flush()?;
            let mut progress = Progress::start(&mut self.link, self.shared.config.body_timeout);
            while !decoder.is_done() {
                if !self.body_memory.grow_to(body.capacity()) {
                    return Err(End::Refused(StatusCode::SERVICE_UNAVAILABLE));
                }
                match self.link.read(Awaiting::Rest) {
                    Ok(_) => {}
                    Err(Stop::TimedOut) => return Err(End::Refused(StatusCode::REQUEST_TIMEOUT)),
                    Err(stop) => return Err(stop.into()),
                }
                used = decoder.decode(self.link.input.bytes(), &mut body)?;
                self.link.input.consume(used);
                progress.passed(&mut self.link, used);
                // A client that fills the buffer gets a larger one; a promise alone does not.
                if !self.link.is_drained() {
                    self.link.input.grow(BODY_BUFFER);
                }
            }
        }
        self.request.body = body.into();
        Ok(())
    }

    /// Calls the handler and puts its response in the output.
    fn answer(&mut self, decoded: &Decoded) -> Result<(), End> {
        self.request.set_peer(Some(self.peer));
        let (version, head) = (self.request.head.version, self.request.head.method == Method::HEAD);
        // The application turns panics into responses itself; this is for what escapes it.
        let called = catch_unwind(AssertUnwindSafe(|| self.handler.call(&mut self.request)));
        let keep_alive = decoded.keep_alive && called.is_ok() && !self.shared.is_draining();
        let mut response = called.unwrap_or_else(|_| detail(StatusCode::INTERNAL_SERVER_ERROR));
        if response.status.is_informational() {
            tracing::error!(status = %response.status, "a handler answered with an interim status");
            response = detail(StatusCode::INTERNAL_SERVER_ERROR);
        }
        if self.respond(response, Reply { version, head, keep_alive })? { Ok(()) } else { Err(End::Answered) }
    }

    /// Puts a response in the output, or writes it if it is large or streamed. Returns whether
    /// the connection goes on.
    fn respond(&mut self, response: Response, reply: Reply) -> Result<bool, End> {
        let Response { status, headers, body } = response;
        let length =
            body.as_bytes().map_or(BodyLength::Unknown, |bytes| BodyLength::Known(bytes.len() as u64));
        refresh(&mut self.date);
        let (form, keep_alive) = encode_head(&mut self.link.out, reply, status, &headers, length, &self.date);
        match (form, body) {
            (BodyForm::Omitted, _) => {}
            (_, Body::Stream(write)) => {
                let chunked = form == BodyForm::Chunked;
                StreamedBody::new(&mut self.link, chunked).send(write)?;
            }
            (_, body) => {
                let bytes = body.as_bytes().unwrap_or_default();
                if bytes.len() <= COPY_UP_TO {
                    self.link.out.extend_from_slice(bytes);
                } else {
                    self.link.flush()?;
                    self.link.write(bytes)?;
                }
            }
        }
        Ok(keep_alive)
    }

    /// Says what there is left to say, and closes.
    fn finish(mut self, end: End) {
        match end {
            End::Quiet => return,
            End::Answered => {}
            End::Refused(status) => {
                // Not to be kept from others while this client is listened to.
                self.body_memory.release();
                // RFC 9110 §9.3.2, also for a request that was refused before its method was read.
                let head =
                    self.request.head.method == Method::HEAD || self.link.input.bytes().starts_with(b"HEAD ");
                encode_error(&mut self.link.out, &detail(status), head, &mut self.date);
            }
        }
        // Always, because the client may have sent more while its request was answered.
        if self.link.flush().is_ok() {
            self.link.linger();
        }
    }
}

fn refresh(date: &mut DateLine) {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    date.set(now.map_or(0, |now| now.as_secs()));
}

/// A response in the form that all of Photon's errors have.
fn detail(status: StatusCode) -> Response {
    let reason = status.canonical_reason().unwrap_or_default();
    let mut response =
        Response::with_body("application/json", format!(r#"{{"detail":"{reason}"}}"#)).status(status);
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers.append("retry-after", "1");
    }
    response
}

/// Puts the last response of a connection in the output, to a request that could not be read.
fn encode_error(out: &mut Vec<u8>, response: &Response, head: bool, date: &mut DateLine) {
    refresh(date);
    let body = response.body.as_bytes().unwrap_or_default();
    let reply = Reply { version: Version::Http11, head, keep_alive: false };
    let length = BodyLength::Known(body.len() as u64);
    if encode_head(out, reply, response.status, &response.headers, length, date).0 == BodyForm::Plain {
        out.extend_from_slice(body);
    }
}
