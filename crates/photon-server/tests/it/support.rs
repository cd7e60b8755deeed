//! A server with a handler that does a bit of everything, and a client that sees every byte.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use http::StatusCode;
use photon_core::{Body, HttpError, IntoResponse, Request, Response};
use photon_server::{Handle, Report, Server, ServerConfig};

/// A wait that is longer than anything that goes well.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) handle: Handle,
    serving: JoinHandle<io::Result<Report>>,
}

pub(crate) fn start(config: ServerConfig) -> Running {
    run(Server::bind_with("127.0.0.1:0", config).unwrap())
}

/// Serves on a TCP address.
pub(crate) fn run(server: Server) -> Running {
    let (address, handle) = (server.local_addr(), server.handle());
    let serving = std::thread::spawn(move || server.serve(Arc::new(answer)));
    Running { address, handle, serving }
}

impl Running {
    pub(crate) fn client(&self) -> Client {
        Client::connect(self.address)
    }

    /// A client whose kernel takes so many bytes before they are read, twice that at most.
    pub(crate) fn client_with_room_for(&self, bytes: usize) -> Client {
        Client::connect_with_room_for(self.address, bytes)
    }

    /// Sends `input` on a connection of its own and returns the first answer.
    #[track_caller]
    pub(crate) fn ask(&self, input: impl AsRef<[u8]>) -> Answer {
        let mut client = self.client();
        client.send(input);
        client.answer()
    }

    #[track_caller]
    pub(crate) fn expect_no_connections(&self, after: &str) {
        let start = Instant::now();
        while self.handle.connections() > 0 {
            let count = self.handle.connections();
            assert!(start.elapsed() < Duration::from_secs(5), "{count} connections after {after:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub(crate) fn stop(self) -> Report {
        self.handle.shutdown();
        self.join()
    }

    pub(crate) fn join(self) -> Report {
        self.serving.join().unwrap().unwrap()
    }
}

pub(crate) fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")
}

fn answer(request: &mut Request) -> Response {
    let path = request.path().to_owned();
    let (name, argument) = path[1..].split_once('/').unwrap_or((&path[1..], ""));
    let number = || argument.parse::<usize>().unwrap();
    if !matches!(name, "pour" | "count" | "form" | "ignore" | "upgrade" | "twice")
        && let Err(error) = request.read_body()
    {
        return error.into_response();
    }
    match name {
        "pour" => {
            let mut body = request.take_body();
            Response::default().body(Body::stream(move |out| pour(&mut body, out)))
        }
        "count" => {
            let mut body = request.take_body();
            if !argument.is_empty() {
                body.set_limit(number() as u64);
            }
            match io::copy(&mut body, &mut io::sink()) {
                Ok(count) => Response::default().body(count.to_string()),
                Err(error) => HttpError::from(error).into_response(),
            }
        }
        "form" if argument == "pour" => {
            let mut form = request.multipart().unwrap();
            Response::default().body(Body::stream(move |out| {
                while let Some(mut part) = form.next_part()? {
                    pour(&mut part, out)?;
                }
                Ok(())
            }))
        }
        "form" => {
            let limit = (!argument.is_empty()).then(|| number() as u64);
            list_form(request, limit)
                .map_or_else(IntoResponse::into_response, |list| Response::default().body(list))
        }
        "twice" => {
            let outcomes =
                [(); 2].map(|()| request.read_body().map_or_else(|error| error.status().as_u16(), |_| 200));
            Response::default().body(format!("{outcomes:?}"))
        }
        "ignore" => Response::default().body("not read"),
        "upgrade" if argument == "panic" => Response::upgrade("lines", |_| panic!("as asked")),
        "upgrade" => Response::upgrade("lines", |mut connection| {
            connection.write_all(b"welcome\n").unwrap();
            let mut lines = BufReader::new(connection);
            let mut line = String::new();
            loop {
                lines.get_mut().flush().unwrap();
                line.clear();
                match lines.read_line(&mut line) {
                    Ok(0) => return,
                    Ok(_) => writeln!(lines.get_mut(), "<{}>", line.trim_end()).unwrap(),
                    Err(error) => {
                        writeln!(lines.get_mut(), "{:?}", error.kind()).unwrap();
                        return;
                    }
                }
            }
        }),
        "echo" => Response::with_body("application/octet-stream", std::mem::take(&mut request.body)),
        "length" => Response::default().body(request.body.len().to_string()),
        "tls" => {
            let tls = request.tls().unwrap();
            let name = tls.server_name.as_deref().unwrap_or_default();
            let text = format!("{} {name} {}", tls.version, tls.client_certificates.len());
            Response::default().body(text)
        }
        "target" => Response::default().body(request.head.target().to_owned()),
        "peer" => Response::default().body(format!("{:?}", request.peer())),
        "client" => {
            let client = request.client().map_or("nobody".to_owned(), |client| client.to_string());
            let (scheme, host) = (request.scheme(), request.host().unwrap_or("nowhere"));
            Response::default().body(format!("{client} {scheme} {host}"))
        }
        "taken" => Response::default().body(std::mem::take(request).path().to_owned()),
        "large" => Response::default().body(pattern(number())),
        "status" => Response::new(StatusCode::from_u16(number() as u16).unwrap()).body("text"),
        "close" => Response::default().header("connection", "close").body("bye"),
        "lengths" => Response::default().header("content-length", "12345"),
        "slow" => {
            photon_runtime::sleep(Duration::from_millis(number() as u64));
            Response::default().body("slow")
        }
        "compute" => {
            let start = Instant::now();
            while start.elapsed() < Duration::from_micros(number() as u64) {
                std::hint::spin_loop();
            }
            Response::default()
        }
        "panic" => panic!("as asked"),
        "stream" => {
            let pieces = number();
            Response::default().body(Body::stream(move |out| {
                for piece in 0..pieces {
                    writeln!(out, "piece {piece}")?;
                    out.flush()?;
                }
                Ok(())
            }))
        }
        "flood" => {
            let bytes = pattern(number());
            Response::default().body(Body::stream(move |out| out.write_all(&bytes)))
        }
        "ticks" => Response::default().body(Body::stream(|out| {
            loop {
                out.write_all(b"tick\n")?;
                out.flush()?;
                photon_runtime::sleep(Duration::from_millis(10));
            }
        })),
        "field" => {
            let mut response = Response::default();
            let kept = response.headers.try_append("x-field", decoded(argument)).is_ok();
            response.body(if kept { "kept" } else { "refused" })
        }
        "broken" => Response::default().body(Body::stream(|out| {
            out.write_all(b"half")?;
            Err(io::Error::other("as asked"))
        })),
        "panicking" => Response::default().body(Body::stream(|out| {
            out.write_all(b"half")?;
            panic!("as asked")
        })),
        _ => Response::default().body("hello"),
    }
}

/// Sends every piece on when it comes.
fn pour(body: &mut impl Read, out: &mut dyn Write) -> io::Result<()> {
    let mut buffer = [0; 4096];
    loop {
        let count = body.read(&mut buffer)?;
        if count == 0 {
            return Ok(());
        }
        out.write_all(&buffer[..count])?;
        out.flush()?;
    }
}

/// Reads a form of any size and says what is in it: name, file, and length and sum of the data of each part. With a
/// limit, parts are taken as a whole.
fn list_form(request: &mut Request, limit: Option<u64>) -> Result<String, HttpError> {
    let (mut list, mut buffer) = (String::new(), [0; 4096]);
    let mut form = request.multipart()?;
    form.set_limit(u64::MAX);
    while let Some(mut part) = form.next_part()? {
        list += &format!("{} {} ", part.name(), part.file_name().unwrap_or("-"));
        let (mut length, mut sum) = (0, 0);
        if let Some(limit) = limit {
            let data = part.bytes(limit)?;
            (length, sum) = (data.len(), checksum(&data));
        } else {
            loop {
                match part.read(&mut buffer)? {
                    0 => break,
                    count => (length, sum) = (length + count, sum + checksum(&buffer[..count])),
                }
            }
        }
        list += &format!("{length} {sum}\n");
    }
    Ok(list)
}

pub(crate) fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().map(|&byte| u64::from(byte)).sum()
}

/// The bytes that a path's text stands for (RFC 3986 §2.1).
fn decoded(text: &str) -> Vec<u8> {
    let (mut bytes, mut rest) = (Vec::new(), text);
    while let Some((before, after)) = rest.split_once('%') {
        bytes.extend_from_slice(before.as_bytes());
        bytes.push(u8::from_str_radix(&after[..2], 16).unwrap());
        rest = &after[2..];
    }
    bytes.extend_from_slice(rest.as_bytes());
    bytes
}

/// Bytes in which a misplaced one shows.
pub(crate) fn pattern(length: usize) -> Vec<u8> {
    let mut bytes = (0..=250).collect::<Vec<u8>>().repeat(length / 251 + 1);
    bytes.truncate(length);
    bytes
}

pub(crate) struct Client {
    stream: TcpStream,
    received: Vec<u8>,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Status line and fields.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        Self::of(TcpStream::connect(address).unwrap())
    }

    fn of(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, received: Vec::new() }
    }

    fn connect_with_room_for(address: SocketAddr, bytes: usize) -> Self {
        let socket =
            socket2::Socket::new(socket2::Domain::for_address(address), socket2::Type::STREAM, None).unwrap();
        socket.set_recv_buffer_size(bytes).unwrap();
        socket.connect(&address.into()).unwrap();
        Self::of(socket.into())
    }

    #[track_caller]
    pub(crate) fn send(&mut self, input: impl AsRef<[u8]>) {
        self.stream.write_all(input.as_ref()).unwrap();
    }

    /// Sends as far as the server takes it.
    pub(crate) fn try_send(&mut self, input: impl AsRef<[u8]>) -> io::Result<()> {
        self.stream.write_all(input.as_ref())
    }

    /// The same connection, for another thread.
    pub(crate) fn second(&self) -> TcpStream {
        self.stream.try_clone().unwrap()
    }

    pub(crate) fn stop_sending(&mut self) {
        self.stream.shutdown(Shutdown::Write).unwrap();
    }

    /// Reads one answer with its body.
    #[track_caller]
    pub(crate) fn answer(&mut self) -> Answer {
        let mut answer = self.head();
        if answer.field("transfer-encoding").is_some() {
            answer.body = self.chunks();
        } else if let Some(length) = answer.field("content-length") {
            answer.body = self.take(length.parse().unwrap());
        } else if answer.field("connection") == Some("close") && answer.status == 200 {
            answer.body = self.rest();
        }
        answer
    }

    /// Reads one answer that has no body, whatever its fields say.
    #[track_caller]
    pub(crate) fn head(&mut self) -> Answer {
        let end = loop {
            if let Some(at) = self.received.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            assert!(
                self.receive(),
                "the connection ended; received {:?}",
                self.received.escape_ascii().to_string()
            );
        };
        let head = String::from_utf8(self.received.drain(..end).collect()).unwrap();
        let status = head[9..12].parse().unwrap();
        Answer { status, head, body: Vec::new() }
    }

    /// Everything up to the end of the connection, which must be a reset.
    #[track_caller]
    pub(crate) fn rest_before_reset(&mut self) -> Vec<u8> {
        let mut rest = std::mem::take(&mut self.received);
        let error = self.stream.read_to_end(&mut rest).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        rest
    }

    /// Everything up to the end of the connection.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        while self.receive() {}
        std::mem::take(&mut self.received)
    }

    /// Asserts that the server closes the connection and says nothing more.
    #[track_caller]
    pub(crate) fn expect_close(&mut self) {
        let rest = self.rest();
        assert!(rest.is_empty(), "{}", rest.escape_ascii());
    }

    #[track_caller]
    pub(crate) fn take(&mut self, length: usize) -> Vec<u8> {
        while self.received.len() < length {
            assert!(self.receive(), "the connection ended {} bytes early", length - self.received.len());
        }
        self.received.drain(..length).collect()
    }

    #[track_caller]
    fn chunks(&mut self) -> Vec<u8> {
        let mut body = Vec::new();
        loop {
            let size = usize::from_str_radix(self.line().trim_end(), 16).unwrap();
            body.extend(self.take(size));
            assert_eq!(self.line(), "\r\n");
            if size == 0 {
                return body;
            }
        }
    }

    #[track_caller]
    pub(crate) fn line(&mut self) -> String {
        let end = loop {
            if let Some(at) = self.received.iter().position(|&byte| byte == b'\n') {
                break at + 1;
            }
            assert!(self.receive(), "the connection ended within a line");
        };
        String::from_utf8(self.received.drain(..end).collect()).unwrap()
    }

    /// Reads once; false at the end of the connection. A reset where an end should be is a fault.
    #[track_caller]
    fn receive(&mut self) -> bool {
        let mut buffer = [0; 16 * 1024];
        match self.stream.read(&mut buffer) {
            Ok(count) => {
                self.received.extend_from_slice(&buffer[..count]);
                count > 0
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => panic!("no answer in {PATIENCE:?}"),
            Err(error) => {
                let last = &self.received[self.received.len().saturating_sub(200)..];
                panic!("{error} after {} bytes; the last: {}", self.received.len(), last.escape_ascii());
            }
        }
    }

    /// Reads a little, slowly.
    pub(crate) fn take_some(&mut self) -> io::Result<usize> {
        self.stream.read(&mut [0; 512])
    }

    /// Whether the server has neither sent nor closed anything yet.
    pub(crate) fn is_quiet(&mut self) -> bool {
        self.stream.set_nonblocking(true).unwrap();
        let quiet = matches!(self.stream.peek(&mut [0]), Err(error) if error.kind() == ErrorKind::WouldBlock);
        self.stream.set_nonblocking(false).unwrap();
        quiet && self.received.is_empty()
    }
}
