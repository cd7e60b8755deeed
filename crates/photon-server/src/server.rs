//! A server from its address to its end.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use photon_core::Handler;
use photon_runtime::net::TcpStream;

use crate::listen::{ListenAddr, Place};
use crate::shared::{Handle, Phase, Shared};
use crate::{ServerConfig, accept};

/// How often a stopping server looks whether its connections have ended.
const DRAIN_STEP: Duration = Duration::from_millis(5);

/// How often whoever waits for a signal looks whether the server has ended without one.
const SIGNAL_STEP: Duration = Duration::from_secs(1);

/// How long connections that are cut get to notice it.
const CUT_GRACE: Duration = Duration::from_millis(200);

/// An HTTP/1.1 server that listens and does not serve yet.
pub struct Server {
    /// Each with what to wait for until there is somebody to accept.
    places: Vec<(Place, TcpStream)>,
    shared: Arc<Shared>,
}

/// Why a server cannot listen. The text names the address.
#[derive(Debug)]
pub enum BindError {
    /// The address is none, or the name in it is unknown.
    Resolve {
        /// What was to be an address.
        address: String,
        /// What the resolver said.
        source: io::Error,
    },
    /// The address is taken, not this machine's, or not for this user.
    Listen(io::Error),
    /// No address was given.
    Nowhere,
    /// Connections have to begin with the PROXY protocol, and nobody is trusted to say the truth in it.
    NoTrustedProxy,
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Resolve { address, source } => write!(f, "{address} is no address to listen on: {source}"),
            Self::Listen(source) => source.fmt(f),
            Self::Nowhere => f.write_str("no address to listen on"),
            Self::NoTrustedProxy => {
                f.write_str("the PROXY protocol is for trusted proxies, and there are none: name them")
            }
        }
    }
}

impl std::error::Error for BindError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Resolve { source, .. } => Some(source),
            Self::Listen(source) => source.source(),
            Self::Nowhere | Self::NoTrustedProxy => None,
        }
    }
}

/// How a server ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Connections that were still busy when the drain deadline passed or the server was aborted.
    pub connections_cut: usize,
    /// How long it took from the end of accepting until the last connection was closed or cut.
    pub drained_in: Duration,
}

impl Server {
    /// Listens on `address` with the default settings: a host with a port, or `unix:` with the path of a socket.
    ///
    /// # Errors
    /// [`BindError`] if the address does not resolve, is taken, or is not this machine's.
    pub fn bind(address: impl fmt::Display) -> Result<Self, BindError> {
        Self::bind_with(address, ServerConfig::default())
    }

    /// Listens on `address` with these settings.
    ///
    /// # Errors
    /// [`BindError`] if the address does not resolve, is taken, or is not this machine's.
    pub fn bind_with(address: impl fmt::Display, config: ServerConfig) -> Result<Self, BindError> {
        Self::bind_all([address], config)
    }

    /// Listens on several addresses, each a host with a port (`127.0.0.1:8000`, `[::1]:8000`, `localhost:8000`) or
    /// `unix:` with the path of a socket.
    ///
    /// A Unix socket is for its owner and its group (mode 660). One that a server has left behind is replaced; the file
    /// is removed when the server ends.
    ///
    /// # Errors
    /// [`BindError`] for the first address that does not resolve, is taken, or is not this machine's, or if there is
    /// none; and for settings with the PROXY protocol and without trusted proxies.
    pub fn bind_all<A: fmt::Display>(
        addresses: impl IntoIterator<Item = A>,
        config: ServerConfig,
    ) -> Result<Self, BindError> {
        check(&config)?;
        let bind = |address: A| Place::bind(&address.to_string(), config.reuse_port);
        let places = addresses.into_iter().map(bind).collect::<Result<Vec<_>, _>>()?;
        if places.is_empty() { Err(BindError::Nowhere) } else { Self::on(places, config) }
    }

    /// Serves on the sockets that the service manager has opened for this process (systemd's socket activation,
    /// `sd_listen_fds(3)`); `None` if it has not. They stay open for the next process when this one ends, so that no
    /// connection is refused meanwhile.
    ///
    /// # Errors
    /// [`BindError::Listen`] if what was handed over is no socket that listens; [`BindError::NoTrustedProxy`] for settings
    /// with the PROXY protocol and without trusted proxies.
    pub fn inherited(config: ServerConfig) -> Result<Option<Self>, BindError> {
        check(&config)?;
        let places = Place::inherited().map_err(BindError::Listen)?;
        if places.is_empty() { Ok(None) } else { Self::on(places, config).map(Some) }
    }

    fn on(places: Vec<Place>, config: ServerConfig) -> Result<Self, BindError> {
        let with_readiness = |place: Place| place.readiness().map(|readiness| (place, readiness));
        let places: Vec<_> =
            places.into_iter().map(with_readiness).collect::<io::Result<_>>().map_err(BindError::Listen)?;
        let wakers = places.iter().map(|(_, readiness)| readiness.waker()).collect();
        Ok(Self { places, shared: Arc::new(Shared::new(config, wakers)) })
    }

    /// The first TCP address that the server listens on, with the port that port 0 became.
    ///
    /// # Panics
    /// If it listens on Unix sockets only; [`Server::addresses`] gives those.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        let tcp = self.addresses().into_iter().find_map(|address| match address {
            ListenAddr::Tcp(address) => Some(address),
            ListenAddr::Unix(_) => None,
        });
        tcp.expect("the server listens on a TCP address")
    }

    /// All addresses that the server listens on, in the order in which they were given.
    #[must_use]
    pub fn addresses(&self) -> Vec<ListenAddr> {
        self.places.iter().map(|(place, _)| place.address()).collect()
    }

    /// What stops the server from elsewhere.
    #[must_use]
    pub fn handle(&self) -> Handle {
        Handle { shared: Arc::clone(&self.shared) }
    }

    /// Serves until [`Handle::shutdown`] is called, then finishes what has begun.
    ///
    /// Blocks the calling thread or coroutine. Requests that are being answered when the shutdown
    /// begins get their answer, with `Connection: close`; connections without a request are
    /// closed. What is still busy at [`ServerConfig::drain_deadline`] is cut.
    ///
    /// # Errors
    /// If a listener fails for good, such as for want of the kernel's memory. The server is shut down then.
    pub fn serve(self, handler: Arc<dyn Handler>) -> io::Result<Report> {
        let Self { places, shared } = self;
        let workers = photon_runtime::workers();
        let places = places.into_iter().enumerate();
        let doors: Vec<_> =
            places.map(|(number, place)| accept::open(number % workers, place, &shared, &handler)).collect();
        drop(handler);
        let mut failed = false;
        for door in doors {
            if door.recv().is_none() {
                failed = true;
                // The others would wait for ever.
                shared.advance(Phase::Closing);
            }
        }
        shared.advance(Phase::Draining);
        let report = drain(&shared);
        if failed { Err(io::Error::other("a listener failed, and the server with it")) } else { Ok(report) }
    }

    /// Serves like [`Server::serve`] until the process gets SIGINT or SIGTERM. A second signal
    /// ends the server without waiting for the requests that are being answered.
    ///
    /// # Errors
    /// As [`Server::serve`], or if signals cannot be caught.
    pub fn serve_until_signal(self, handler: Arc<dyn Handler>) -> io::Result<Report> {
        let handle = self.handle();
        photon_runtime::signal::listen()?;
        let ended = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&ended);
        photon_runtime::try_spawn(move || obey_signals(&handle, &seen)).map_err(io::Error::other)?;
        let report = self.serve(handler);
        ended.store(true, Ordering::Release);
        report
    }
}

/// Finds settings that contradict each other.
fn check(config: &ServerConfig) -> Result<(), BindError> {
    if config.proxy_protocol && config.trusted_proxies.is_empty() {
        return Err(BindError::NoTrustedProxy);
    }
    Ok(())
}

/// Stops the server at the first signal and ends it at the second. Returns soon after it has ended.
fn obey_signals(handle: &Handle, ended: &AtomicBool) {
    let mut stopping = false;
    while !ended.load(Ordering::Acquire) {
        if photon_runtime::signal::shutdown_timeout(SIGNAL_STEP).is_some() {
            if stopping {
                handle.abort();
            } else {
                handle.shutdown();
            }
            stopping = true;
        }
    }
}

/// Waits for the connections to end, and cuts those that do not.
fn drain(shared: &Shared) -> Report {
    let start = Instant::now();
    let wait_until = |deadline: Duration, stop: &dyn Fn() -> bool| {
        while shared.connections() > 0 && start.elapsed() < deadline && !stop() {
            photon_runtime::sleep(DRAIN_STEP);
        }
    };
    let deadline = shared.config.drain_deadline;
    wait_until(deadline, &|| shared.is_cut());
    let connections_cut = shared.connections();
    if connections_cut > 0 {
        shared.advance(Phase::Cut);
        wait_until(start.elapsed() + CUT_GRACE, &|| false);
    }
    Report { connections_cut, drained_in: start.elapsed() }
}
