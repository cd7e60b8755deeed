//! The bytes of one connection, plain or by way of TLS. Nobody waits here: waiting is the link's work.

use std::io::{self, IoSlice};
use std::net::Shutdown;
use std::time::Duration;

use photon_runtime::net::{Ready, TcpStream};

#[cfg(feature = "tls")]
use crate::tls::Session;

pub(crate) struct Transport {
    stream: TcpStream,
    /// Bytes that the socket has taken without TLS.
    sent: u64,
    #[cfg(feature = "tls")]
    tls: Option<Box<Session>>,
}

impl Transport {
    pub(crate) fn plain(stream: TcpStream) -> Self {
        Self {
            stream,
            sent: 0,
            #[cfg(feature = "tls")]
            tls: None,
        }
    }

    /// Reads what is there. Unless the buffer was filled, a plain connection has nothing more until it says so.
    #[inline]
    pub(crate) fn try_read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        #[cfg(feature = "tls")]
        if let Some(tls) = &mut self.tls {
            return tls.try_read(&mut self.stream, buffer);
        }
        self.stream.try_read(buffer)
    }

    /// Whether a read that gave `count` bytes for room for `room` has taken everything there was.
    #[inline]
    pub(crate) fn is_drained_by(&self, count: usize, room: usize) -> bool {
        // Behind TLS there may be records on either side of it.
        count < room && !self.is_tls()
    }

    /// Takes as much as there is room for.
    #[inline]
    pub(crate) fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        #[cfg(feature = "tls")]
        if let Some(tls) = &mut self.tls {
            return tls.try_write(&mut self.stream, bytes);
        }
        let count = self.stream.try_write(bytes)?;
        self.sent += count as u64;
        Ok(count)
    }

    /// Takes as much of the first and then of the second as there is room for.
    pub(crate) fn try_write_both(&mut self, first: &[u8], second: &[u8]) -> io::Result<usize> {
        if self.is_tls() {
            return self.try_write(first);
        }
        let count = self.stream.try_write_vectored(&[IoSlice::new(first), IoSlice::new(second)])?;
        self.sent += count as u64;
        Ok(count)
    }

    /// Whether bytes that were taken are still to be sent: by another [`Transport::try_write`], perhaps of nothing.
    #[inline]
    pub(crate) fn has_pending(&self) -> bool {
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.tls {
            return tls.has_pending();
        }
        false
    }

    /// How many bytes the client has received from the socket so far.
    pub(crate) fn received(&self) -> u64 {
        #[cfg(feature = "tls")]
        let sent = self.sent + self.tls.as_ref().map_or(0, |tls| tls.sent());
        #[cfg(not(feature = "tls"))]
        let sent = self.sent;
        sent.saturating_sub(self.unreceived())
    }

    /// How many bytes that the socket has taken the client has not received yet.
    pub(crate) fn unreceived(&self) -> u64 {
        self.stream.unreceived().unwrap_or(0) as u64
    }

    #[inline]
    pub(crate) fn is_tls(&self) -> bool {
        #[cfg(feature = "tls")]
        return self.tls.is_some();
        #[cfg(not(feature = "tls"))]
        false
    }

    #[inline]
    pub(crate) fn wait_ready(&mut self) -> Ready {
        self.stream.wait_ready()
    }

    #[inline]
    pub(crate) fn set_deadline(&mut self, after: Option<Duration>) {
        self.stream.set_deadline(after);
    }

    /// The stream below.
    pub(crate) fn stream(&mut self) -> &mut TcpStream {
        &mut self.stream
    }

    /// Ends the sending direction in the way that the peer can tell from a cut.
    pub(crate) fn finish(&mut self) -> io::Result<()> {
        #[cfg(feature = "tls")]
        if let Some(tls) = &mut self.tls {
            tls.close(&mut self.stream);
        }
        self.stream.shutdown(Shutdown::Write)
    }

    pub(crate) fn reset_at_close(&self) -> io::Result<()> {
        self.stream.reset_at_close()
    }
}

#[cfg(feature = "tls")]
impl Transport {
    /// Has everything go by way of TLS from here on, beginning with bytes that were read already.
    pub(crate) fn start_tls(&mut self, session: Session, begun: &[u8]) -> io::Result<()> {
        let session = self.tls.insert(Box::new(session));
        session.begin(&mut self.stream, begun)
    }

    /// Goes on with the handshake; nothing to do on a plain connection.
    pub(crate) fn handshake(&mut self) -> io::Result<crate::tls::Handshake> {
        match &mut self.tls {
            Some(tls) => tls.handshake(&mut self.stream),
            None => Ok(crate::tls::Handshake::Done),
        }
    }

    pub(crate) fn tls_info(&self) -> Option<photon_core::TlsInfo> {
        self.tls.as_ref().map(|tls| tls.info())
    }
}
