//! The life of a connection: read, decode, call the handler, write, in a loop.
//!
//! All requests that one read brings are answered in order before anything is written, and then
//! with one write. The handler runs here. Between requests a connection has no coroutine, and neither has it while a head
//! arrives; whatever else it waits for, it waits for where the code stands.

use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use http::{Method, StatusCode};
#[cfg(feature = "tls")]
use photon_core::TlsInfo;
use photon_core::{Body, Handler, Headers, Request, Response, TrustedProxies, UpgradeHandler, Upgraded};
use photon_http::{
    BodyDecoder, BodyForm, BodyLength, DateLine, DecodeError, Decoded, Framing, HeadDecoder, ProxySource,
    Reply, Version, encode_continue, encode_head, encode_switch,
};
use photon_runtime::net::{EventHandler, Ready, TcpStream};

use crate::buffers::SMALL;
use crate::desk::Desk;
use crate::incoming::{Incoming, Lent, Loan};
use crate::link::{Awaiting, Link, Stop};
use crate::shared::{Admission, Shared};
use crate::stream::{Line, StreamedBody};
#[cfg(feature = "tls")]
use crate::tls::Session;
use crate::transport::Transport;
use crate::tunnel::Tunnel;

/// Answers collected before they are written, even if more requests are waiting.
const WRITE_AT: usize = 64 * 1024;

/// A body of more bytes is written from where it is instead of being copied behind its head.
const COPY_UP_TO: usize = 16 * 1024;

/// A connection that has just been accepted, to be served by whoever has its events.
pub(crate) fn admitted(
    stream: TcpStream,
    peer: Option<SocketAddr>,
    admission: Admission,
    handler: Arc<dyn Handler>,
) -> impl EventHandler {
    let link = Box::new(Link::new(Transport::plain(stream), Arc::clone(&admission.shared)));
    Connection {
        admission,
        handler,
        peer,
        link: Some(link),
        is_new: true,
        decoder: HeadDecoder::default(),
        in_head: false,
        #[cfg(feature = "tls")]
        tls: None,
        proxies: None,
    }
}

/// Answers a connection for which there is no room. By TLS it is closed without a word, which costs no handshake.
pub(crate) fn turn_away(stream: TcpStream, shared: &Arc<Shared>) {
    #[cfg(feature = "tls")]
    if shared.config.tls.is_some() {
        return;
    }
    let mut link = Link::new(Transport::plain(stream), Arc::clone(shared));
    let response = detail(StatusCode::SERVICE_UNAVAILABLE);
    encode_error(&mut link.out, &response, false, &mut DateLine::default());
    if link.flush().is_ok() {
        link.linger();
    }
}

/// Why a connection ends.
enum End {
    /// Nobody is there to answer, or nothing to say.
    Quiet,
    /// The last response is in the output.
    Answered,
    /// The request is refused with this status.
    Refused(StatusCode),
    /// The connection goes on in another protocol; these are the fields of the response that says so.
    Switched(Headers, UpgradeHandler),
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

/// What there is of a connection while it waits for a request.
struct Connection {
    admission: Admission,
    handler: Arc<dyn Handler>,
    peer: Option<SocketAddr>,
    /// Taken while the connection is served.
    link: Option<Box<Link>>,
    /// Whether nothing has been read or written yet.
    is_new: bool,
    decoder: HeadDecoder,
    /// Whether the time limit of the current head has started.
    in_head: bool,
    #[cfg(feature = "tls")]
    tls: Option<Arc<TlsInfo>>,
    /// The trusted proxies, if the peer is one of them.
    proxies: Option<Arc<TrustedProxies>>,
}

impl EventHandler for Connection {
    fn stream(&mut self) -> &mut TcpStream {
        self.link.as_mut().expect("a connection that waits has its link").stream()
    }

    fn handle(mut self: Box<Self>, event: Ready) -> Option<Box<dyn EventHandler>> {
        let link = self.link.take()?;
        let mut desk = Desk::take(self.admission.shared.number);
        let (link, served) = self.serve(&mut desk, link, event);
        match served {
            Ok(()) => {
                desk.give();
                self.link = Some(link);
                Some(self)
            }
            Err(end) => {
                self.finish(desk, link, end);
                None
            }
        }
    }
}

// Functions that answer are not inlined: what they need on the stack must not be part of the frames in which others wait.
impl Connection {
    /// Serves the connection until it has to wait for a request, or is at its end. The link is given away for a request
    /// whose body is read while it is answered.
    fn serve(&mut self, desk: &mut Desk, mut link: Box<Link>, event: Ready) -> (Box<Link>, Result<(), End>) {
        link.begin_turn();
        let begun = if std::mem::take(&mut self.is_new) {
            self.greet(&mut link).map(|()| true).map_err(End::from)
        } else {
            let waited = link.waited(self.awaiting(), event);
            let waited = waited.map_err(|stop| self.end_of_wait(desk, &link, stop));
            waited.and_then(|()| self.receive(desk, &mut link))
        };
        self.introduce(&mut desk.request);
        match begun {
            Ok(true) => self.run(desk, link),
            begun => (link, begun.map(|_waits| ())),
        }
    }

    /// What comes before the first request.
    #[inline(never)]
    fn greet(&mut self, link: &mut Link) -> Result<(), Stop> {
        self.admission.register(link.stream().waker());
        self.proxies = self.admission.shared.proxies_of(self.peer).cloned();
        if self.admission.shared.config.proxy_protocol {
            match link.proxy_source()? {
                ProxySource::Client(address) => {
                    self.peer = Some(address);
                    self.proxies = self.admission.shared.proxies_of(self.peer).cloned();
                }
                // Nobody is to be taken for the proxy: some say LOCAL for clients that come by a Unix socket, too.
                ProxySource::Proxy | ProxySource::Unknown => self.proxies = None,
            }
        }
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.admission.shared.config.tls {
            link.handshake(Session::new(tls.current()).map_err(|_| Stop::Gone)?)?;
            self.tls = link.tls_info().map(Arc::new);
        }
        Ok(())
    }

    /// Tells the request what is known of its connection.
    fn introduce(&self, request: &mut Request) {
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.tls {
            request.set_tls(Some(Arc::clone(tls)));
        }
        if let Some(proxies) = &self.proxies {
            request.set_proxies(Some(Arc::clone(proxies)));
        }
    }

    /// Answers what has come and receives more, until there is nothing to receive.
    fn run(&mut self, desk: &mut Desk, mut link: Box<Link>) -> (Box<Link>, Result<(), End>) {
        loop {
            // What came with the header of a proxy is there before anything is waited for.
            loop {
                match self.answer_received(desk, &mut link) {
                    Ok(None) => break,
                    Ok(Some(arriving)) => {
                        let answered;
                        (link, answered) = self.answer_arriving(desk, link, &arriving);
                        if let Err(end) = answered {
                            return (link, Err(end));
                        }
                    }
                    Err(end) => return (link, Err(end)),
                }
            }
            self.begin_to_wait(&mut link);
            match self.receive(desk, &mut link) {
                Ok(true) => {}
                received => return (link, received.map(|_waits| ())),
            }
        }
    }

    /// Starts the time limit for the first bytes of a head, or for the rest of one.
    fn begin_to_wait(&mut self, link: &mut Link) {
        let config = &self.admission.shared.config;
        if link.input.is_idle() {
            self.in_head = false;
            link.start_limit(config.idle_timeout);
        } else if !self.in_head {
            self.in_head = true;
            link.start_limit(config.header_timeout);
        }
    }

    fn awaiting(&self) -> Awaiting {
        if self.in_head { Awaiting::Rest } else { Awaiting::Request }
    }

    /// Receives what is there; false if the connection has to wait.
    fn receive(&mut self, desk: &mut Desk, link: &mut Link) -> Result<bool, End> {
        match link.try_read(self.awaiting()) {
            Ok(count) => Ok(count.is_some()),
            Err(stop) => Err(self.end_of_wait(desk, link, stop)),
        }
    }

    fn end_of_wait(&self, desk: &mut Desk, link: &Link, stop: Stop) -> End {
        if stop != Stop::TimedOut || !self.in_head {
            return stop.into();
        }
        if let Some(method) = HeadDecoder::method(link.input.bytes()) {
            desk.request.head.method = method;
        }
        End::Refused(StatusCode::REQUEST_TIMEOUT)
    }

    /// Answers every request that is complete in the input and writes the answers. Stops at a request whose body is
    /// still arriving, and gives what its head says.
    #[inline(never)]
    fn answer_received(&mut self, desk: &mut Desk, link: &mut Link) -> Result<Option<Arriving>, End> {
        while let Some(decoded) = self.decoder.decode(
            link.input.bytes(),
            &self.admission.shared.config.limits,
            &mut desk.request.head,
        )? {
            link.input.consume(decoded.consumed);
            link.start_request();
            if decoded.framing != Framing::None {
                let decoder = BodyDecoder::new(decoded.framing, &self.admission.shared.config.limits);
                let Some(body) = whole_body(link, decoder.clone())? else {
                    return Ok(Some(Arriving { decoded, body: decoder }));
                };
                desk.request.body = body.into();
            }
            let (response, reply) = self.call(&mut desk.request, &decoded);
            // RFC 9110 §7.8: before 101, even if there is no body left to ask for.
            if decoded.expect_continue && matches!(response.body, Body::Upgrade(_)) {
                encode_continue(&mut link.out);
            }
            let goes_on = respond(&mut desk.date, &mut Line::Own(link), response, reply)?;
            self.end_request(&mut desk.request, link, &decoded);
            if !goes_on {
                return Err(End::Answered);
            }
        }
        link.flush()?;
        Ok(None)
    }

    /// Answers a request whose body is read meanwhile.
    #[inline(never)]
    fn answer_arriving(
        &mut self,
        desk: &mut Desk,
        link: Box<Link>,
        arriving: &Arriving,
    ) -> (Box<Link>, Result<(), End>) {
        let Arriving { decoded, body } = arriving;
        let loan = Loan::new(Lent::new(link, body.clone(), decoded.expect_continue, &self.admission.shared));
        desk.request.set_incoming(Some(Box::new(Incoming::new(&loan))));
        let (response, mut reply) = self.call(&mut desk.request, decoded);
        // What the handler has not taken is read by nobody any more.
        desk.request.set_incoming(None);
        let is_stream = matches!(response.body, Body::Stream(_));
        let responded = if is_stream {
            // It may read on.
            respond(&mut desk.date, &mut Line::Lent(&loan), response, reply)
        } else {
            loan.with(|lent| {
                reply.keep_alive &= lent.may_go_on();
                respond(&mut desk.date, &mut Line::Own(&mut lent.link), response, reply)
            })
            .unwrap_or(Err(End::Quiet))
        };
        let mut lent = loan.take().expect("nobody else ends a loan");
        let end = match responded {
            Ok(true) if lent.may_go_on() && lent.skip_rest() => Ok(()),
            Ok(_) => Err(End::Answered),
            // What follows the body is the new protocol's.
            Err(End::Switched(..)) if !lent.skip_rest() => Err(End::Refused(StatusCode::BAD_REQUEST)),
            Err(switched @ End::Switched(..)) => {
                // RFC 9110 §7.8: before 101.
                lent.say_continue();
                Err(switched)
            }
            Err(end) => Err(end),
        };
        let mut link = lent.link;
        self.end_request(&mut desk.request, &mut link, decoded);
        (link, end)
    }

    /// Forgets a request that was answered.
    fn end_request(&mut self, request: &mut Request, link: &mut Link, decoded: &Decoded) {
        link.end_request();
        link.take_turn();
        if decoded.consumed <= SMALL {
            request.clear();
        } else {
            *request = Request::default();
        }
        // Also because a handler may have taken the request away.
        self.introduce(request);
        // If there is the start of another head, its time has not begun.
        self.in_head = false;
    }

    /// Calls the handler. Gives its response, and in what form it has to be sent.
    fn call(&mut self, request: &mut Request, decoded: &Decoded) -> (Response, Reply) {
        request.set_peer(self.peer);
        let (version, head) = (request.head.version, request.head.method == Method::HEAD);
        // The application turns panics into responses itself; this is for what escapes it.
        let called = catch_unwind(AssertUnwindSafe(|| self.handler.call(request)));
        let keep_alive = decoded.keep_alive && called.is_ok() && !self.admission.shared.is_draining();
        let mut response = called.unwrap_or_else(|_| detail(StatusCode::INTERNAL_SERVER_ERROR));
        if let Body::Upgrade(_) = response.body {
            let protocol = response.headers.get("upgrade").unwrap_or_default();
            if !request.wants_upgrade(protocol) {
                // RFC 9110 §15.5.22: with the protocol that is required.
                response = detail(StatusCode::UPGRADE_REQUIRED).header("upgrade", protocol);
            }
        } else if response.status.is_informational() {
            tracing::error!(status = %response.status, "a handler answered with an interim status");
            response = detail(StatusCode::INTERNAL_SERVER_ERROR);
        }
        (response, Reply { version, head, keep_alive })
    }

    /// Says what there is left to say, and closes.
    #[inline(never)]
    fn finish(&self, mut desk: Box<Desk>, mut link: Box<Link>, end: End) {
        match end {
            End::Quiet => return desk.give(),
            End::Switched(headers, serve) => {
                refresh(&mut desk.date);
                encode_switch(&mut link.out, &headers, &desk.date);
                desk.give();
                link.end_request();
                if link.flush().is_ok() {
                    serve(Upgraded::new(Tunnel::new(link, self.peer)));
                }
                return;
            }
            End::Answered => {}
            End::Refused(status) => {
                // RFC 9110 §9.3.2. Of a head that is malformed the method was read all the same.
                let head = desk.request.head.method == Method::HEAD;
                encode_error(&mut link.out, &detail(status), head, &mut desk.date);
            }
        }
        desk.give();
        // Always, because the client may have sent more while its request was answered.
        if link.flush().is_ok() {
            link.linger();
        }
    }
}

/// Puts a response in the output, or writes it if it is large or streamed. Returns whether
/// the connection goes on.
fn respond(date: &mut DateLine, line: &mut Line<'_>, response: Response, reply: Reply) -> Result<bool, End> {
    let Response { status, headers, body } = response;
    if let Body::Upgrade(serve) = body {
        return Err(End::Switched(headers, serve));
    }
    let length = body.as_bytes().map_or(BodyLength::Unknown, |bytes| BodyLength::Known(bytes.len() as u64));
    refresh(date);
    let encode = |link: &mut Link| encode_head(&mut link.out, reply, status, &headers, length, date);
    let (form, keep_alive) = line.with(encode)?;
    match (form, body) {
        (BodyForm::Omitted, _) => {}
        (_, Body::Stream(write)) => {
            StreamedBody::new(line, form == BodyForm::Chunked).send(write)?;
        }
        (_, body) => {
            let bytes = body.as_bytes().unwrap_or_default();
            line.with(|link| {
                if bytes.len() <= COPY_UP_TO {
                    link.out.extend_from_slice(bytes);
                    return Ok(());
                }
                link.write_after_output(bytes)
            })??;
        }
    }
    line.with(|link| if link.out.len() >= WRITE_AT { link.flush() } else { Ok(()) })??;
    Ok(keep_alive)
}

/// A request that can be answered before its body is there.
struct Arriving {
    decoded: Decoded,
    body: BodyDecoder,
}

/// The body, if all of it has arrived. Otherwise it stays where it is.
fn whole_body(link: &mut Link, mut decoder: BodyDecoder) -> Result<Option<Vec<u8>>, End> {
    let input = link.input.bytes();
    let expected = decoder.expected();
    if expected > input.len() as u64 {
        return Ok(None);
    }
    let mut body = Vec::with_capacity(expected as usize);
    match decoder.decode(input, &mut body) {
        Ok(used) if decoder.is_done() => {
            link.input.consume(used);
            Ok(Some(body))
        }
        // The handler may take more than others.
        Ok(_) | Err(DecodeError::BodyTooLarge(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn refresh(date: &mut DateLine) {
    date.set(photon_runtime::unix_seconds());
}

/// A response in the form that all of Photon's errors have.
fn detail(status: StatusCode) -> Response {
    let reason = status.canonical_reason().unwrap_or_default();
    // RFC 9110 §15.6.6: a client is told which versions there are.
    let more = match status {
        StatusCode::HTTP_VERSION_NOT_SUPPORTED => ": this server speaks HTTP/1.1 and HTTP/1.0",
        _ => "",
    };
    let mut response =
        Response::with_body("application/json", format!(r#"{{"detail":"{reason}{more}"}}"#)).status(status);
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
