//! The limit: what the kernel's sockets cost without an HTTP server behind them.
//!
//! One thread per core with an edge-triggered epoll of its own, one read and one write for all that
//! a wake brings. Of a request only the path and the end of its head are looked at; the answers are
//! fixed, their date included. It decodes nothing, refuses nothing and limits nothing. Listens on
//! `HOST`/`PORT`.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::{env, thread};

use memchr::memmem::Finder;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};

/// What one read takes at most.
const INPUT: usize = 16 * 1024;
/// Room for the answers to one read; it grows if they are large.
const OUTPUT: usize = 64 * 1024;

fn main() -> io::Result<()> {
    let host = env::var("HOST").unwrap_or_else(|_| "127.0.0.1".to_owned());
    let port = env::var("PORT").unwrap_or_else(|_| "8001".to_owned());
    let listener = TcpListener::bind(format!("{host}:{port}"))?;
    let mut workers = Vec::new();
    for _ in 0..thread::available_parallelism()?.get() {
        let (sender, accepted) = mpsc::channel();
        let epoll = Arc::new(epoll::create(CreateFlags::CLOEXEC)?);
        let worker = Worker::new(Arc::clone(&epoll), accepted);
        thread::spawn(move || worker.run());
        workers.push((epoll, sender));
    }
    for (epoll, sender) in workers.iter().cycle() {
        let stream = Arc::new(listener.accept()?.0);
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        // Before it is registered, so that the worker has it when its first event comes.
        sender.send(Arc::clone(&stream)).map_err(io::Error::other)?;
        let flags = EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::ET;
        epoll::add(epoll, &stream, EventData::new_u64(stream.as_raw_fd() as u64), flags)?;
    }
    Ok(())
}

struct Worker {
    epoll: Arc<OwnedFd>,
    accepted: Receiver<Arc<TcpStream>>,
    /// By the number of their file descriptor.
    connections: Vec<Option<Connection>>,
    input: Vec<u8>,
    output: Vec<u8>,
    answers: Answers,
}

struct Connection {
    stream: Arc<TcpStream>,
    /// The start of a request whose rest has not come.
    begun: Vec<u8>,
    /// What the socket did not take yet.
    unsent: Vec<u8>,
}

impl Worker {
    fn new(epoll: Arc<OwnedFd>, accepted: Receiver<Arc<TcpStream>>) -> Self {
        Self {
            epoll,
            accepted,
            connections: Vec::new(),
            input: vec![0; INPUT],
            output: Vec::with_capacity(OUTPUT),
            answers: Answers::new(),
        }
    }

    fn run(mut self) -> io::Result<()> {
        let mut events = Vec::with_capacity(1024);
        loop {
            epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut events), None)?;
            for event in events.drain(..) {
                self.serve(event.data.u64() as usize);
            }
        }
    }

    fn serve(&mut self, number: usize) {
        while self.connections.get(number).is_none_or(Option::is_none) {
            let Ok(stream) = self.accepted.try_recv() else { return };
            let number = stream.as_raw_fd() as usize;
            self.connections.resize_with(self.connections.len().max(number + 1), || None);
            self.connections[number] = Some(Connection { stream, begun: Vec::new(), unsent: Vec::new() });
        }
        let slot = &mut self.connections[number];
        let connection = slot.as_mut().expect("it was just looked at");
        if connection.serve(&mut self.input, &mut self.output, &self.answers).is_err() {
            *slot = None;
        }
    }
}

impl Connection {
    /// Reads and answers until there is nothing more to read or the socket takes no more.
    fn serve(&mut self, input: &mut [u8], output: &mut Vec<u8>, answers: &Answers) -> io::Result<()> {
        while self.send_rest()? {
            let begun = self.begun.len();
            input[..begun].copy_from_slice(&self.begun);
            self.begun.clear();
            let room = input.len() - begun;
            let count = match (&*self.stream).read(&mut input[begun..]) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            let received = &input[..begun + count];
            output.clear();
            let used = answers.answer_all(received, output);
            self.begun.extend_from_slice(&received[used..]);
            let sent = self.send(output)?;
            self.unsent.extend_from_slice(&output[sent..]);
            // A read that does not fill the buffer has emptied the socket.
            if count < room && self.unsent.is_empty() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Whether nothing is left to send.
    fn send_rest(&mut self) -> io::Result<bool> {
        if !self.unsent.is_empty() {
            let sent = self.send(&self.unsent)?;
            self.unsent.drain(..sent);
        }
        Ok(self.unsent.is_empty())
    }

    /// Writes until everything is sent or the socket takes no more; returns how much it took.
    fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        let mut sent = 0;
        while sent < bytes.len() {
            match (&*self.stream).write(&bytes[sent..]) {
                Ok(count) => sent += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(sent)
    }
}

/// The fixed answers, by the first letter of the path.
struct Answers {
    plaintext: Vec<u8>,
    json: Vec<u8>,
    kib: Vec<u8>,
    mib: Vec<u8>,
    end_of_head: Finder<'static>,
}

impl Answers {
    fn new() -> Self {
        Self {
            plaintext: answer("text/plain; charset=utf-8", b"Hello, World!"),
            json: answer("application/json", br#"{"message":"Hello, World!"}"#),
            kib: answer("application/octet-stream", &[b'x'; 1024]),
            mib: answer("application/octet-stream", &vec![b'x'; 1024 * 1024]),
            end_of_head: Finder::new(b"\r\n\r\n"),
        }
    }

    /// Answers every request whose head is complete; returns how many bytes these took.
    fn answer_all(&self, input: &[u8], output: &mut Vec<u8>) -> usize {
        let mut at = 0;
        while let Some(end) = self.end_of_head.find(&input[at..]) {
            // Behind `GET /`.
            let answer = match input.get(at + 5) {
                Some(b'j') => &self.json,
                Some(b'k') => &self.kib,
                Some(b'm') => &self.mib,
                _ => &self.plaintext,
            };
            output.extend_from_slice(answer);
            at += end + 4;
        }
        at
    }
}

fn answer(kind: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let date = "Thu, 01 Jan 1970 00:00:00 GMT";
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\ndate: {date}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}
