//! TLS on one connection: records on the socket's side, plaintext on the other, and nobody waits here.

use std::io::{self, ErrorKind, Read, Write};
use std::sync::Arc;

use photon_core::TlsInfo;
use photon_runtime::net::TcpStream;
use rustls::{InvalidMessage, ProtocolVersion, ServerConfig, ServerConnection};

/// Plaintext that rustls may hold while the socket takes no more.
const OUTGOING: usize = 64 * 1024;

/// What a client gets that speaks HTTP without TLS to a port with it: the one answer that it can read.
const PLAIN_HTTP: &[u8] =
    b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: 73\r\n\
    connection: close\r\n\r\n{\"detail\":\"This port speaks HTTPS, and the request came as plain HTTP.\"}\n";

/// The TLS side of a connection. The socket is given to each call.
pub(crate) struct Session {
    tls: ServerConnection,
    /// Bytes that the socket has taken.
    sent: u64,
}

/// How far the handshake is.
pub(crate) enum Handshake {
    Done,
    /// The socket has to be waited for.
    Waiting,
}

/// The socket as rustls wants it: what would wait is an error.
struct NonBlocking<'a>(&'a mut TcpStream);

impl Read for NonBlocking<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.try_read(buffer)
    }
}

impl Write for NonBlocking<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write(bytes)
    }

    fn write_vectored(&mut self, buffers: &[io::IoSlice<'_>]) -> io::Result<usize> {
        self.0.try_write_vectored(buffers)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Session {
    pub(crate) fn new(config: Arc<ServerConfig>) -> io::Result<Self> {
        let mut tls = ServerConnection::new(config).map_err(io::Error::other)?;
        tls.set_buffer_limit(Some(OUTGOING));
        Ok(Self { tls, sent: 0 })
    }

    /// Takes the first bytes of the connection, which somebody else has read from the socket.
    pub(crate) fn begin(&mut self, socket: &mut TcpStream, mut begun: &[u8]) -> io::Result<()> {
        while !begun.is_empty() {
            // A client cannot have sent so much before it got an answer that it would not be taken.
            if self.tls.read_tls(&mut begun)? == 0 {
                return Err(ErrorKind::InvalidData.into());
            }
            if let Err(error) = self.tls.process_new_packets() {
                return Err(self.refuse(socket, error));
            }
        }
        self.send_what_goes(socket)
    }

    /// Goes on with the handshake as far as what has arrived allows.
    pub(crate) fn handshake(&mut self, socket: &mut TcpStream) -> io::Result<Handshake> {
        while self.tls.is_handshaking() {
            match self.receive(socket) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Handshake::Waiting),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Handshake::Done)
    }

    /// What handlers are told of the connection.
    pub(crate) fn info(&self) -> TlsInfo {
        let version = match self.tls.protocol_version() {
            Some(ProtocolVersion::TLSv1_2) => "TLSv1.2",
            _ => "TLSv1.3",
        };
        let certificates = self.tls.peer_certificates().unwrap_or_default();
        TlsInfo {
            version,
            server_name: self.tls.server_name().map(str::to_owned),
            client_certificates: certificates.iter().map(|certificate| certificate.to_vec()).collect(),
        }
    }

    /// Reads plaintext that is there, or that records on the socket bring.
    ///
    /// An end without the client's `close_notify` is an error: what came before may have been cut (RFC 8446 §6.1).
    pub(crate) fn try_read(&mut self, socket: &mut TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.tls.reader().read(buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                read => return read,
            }
            self.receive(socket)?;
        }
    }

    /// Takes plaintext as far as there is room for it, and sends what the socket takes.
    pub(crate) fn try_write(&mut self, socket: &mut TcpStream, bytes: &[u8]) -> io::Result<usize> {
        self.send(socket)?;
        let count = self.tls.writer().write(bytes)?;
        match self.send(socket) {
            // It is kept, and sent with the next call.
            Err(error) if error.kind() == ErrorKind::WouldBlock && count > 0 => Ok(count),
            Ok(()) if count == 0 && !bytes.is_empty() => Err(ErrorKind::WouldBlock.into()),
            sent => sent.map(|()| count),
        }
    }

    /// How many bytes the socket has taken.
    pub(crate) fn sent(&self) -> u64 {
        self.sent
    }

    /// Whether records are still to be sent.
    pub(crate) fn has_pending(&self) -> bool {
        self.tls.wants_write()
    }

    /// Says that nothing more will be sent (RFC 8446 §6.1), as far as the socket takes it now.
    pub(crate) fn close(&mut self, socket: &mut TcpStream) {
        self.tls.send_close_notify();
        let _ = self.send(socket);
    }

    /// Reads records and does what they ask for. Gives how many bytes there were.
    fn receive(&mut self, socket: &mut TcpStream) -> io::Result<usize> {
        // What the client waits for may have been more than the socket took.
        self.send_what_goes(socket)?;
        let count = self.tls.read_tls(&mut NonBlocking(socket))?;
        if let Err(error) = self.tls.process_new_packets() {
            return Err(self.refuse(socket, error));
        }
        // In a handshake, and when keys are renewed, the client waits for an answer.
        self.send_what_goes(socket)?;
        Ok(count)
    }

    /// Sends records as far as the socket takes them.
    fn send_what_goes(&mut self, socket: &mut TcpStream) -> io::Result<()> {
        match self.send(socket) {
            Err(error) if error.kind() != ErrorKind::WouldBlock => Err(error),
            _ => Ok(()),
        }
    }

    /// Sends records. An error of the kind `WouldBlock` means that some are left.
    fn send(&mut self, socket: &mut TcpStream) -> io::Result<()> {
        while self.tls.wants_write() {
            self.sent += self.tls.write_tls(&mut NonBlocking(socket))? as u64;
        }
        Ok(())
    }

    /// Tells the client what is wrong, in a language that it understands.
    fn refuse(&mut self, socket: &mut TcpStream, error: rustls::Error) -> io::Error {
        let is_plain = error == rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType);
        if is_plain && self.tls.is_handshaking() && self.tls.protocol_version().is_none() {
            let _ = socket.try_write(PLAIN_HTTP);
        } else {
            let _ = self.send(socket);
        }
        tracing::debug!(%error, "TLS connection refused");
        io::Error::new(ErrorKind::InvalidData, error)
    }
}
