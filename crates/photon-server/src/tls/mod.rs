//! TLS: certificates, what clients have to show, and how both are renewed while the server runs.
//!
//! The protocol is rustls's, with its usual suites: TLS 1.2 and 1.3, forward secrecy and authenticated encryption only,
//! which is Mozilla's "intermediate" profile. How a connection speaks it is in `session`.

mod error;
mod files;
mod session;

use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime};

use rustls::crypto::ring;
use rustls::server::{NoServerSessionStorage, ProducesTickets, WebPkiClientVerifier};
use rustls::{ServerConfig, SupportedProtocolVersion, version};

pub use error::TlsError;
use files::{CertificateFiles, Certificates};
pub(crate) use session::{Handshake, Session};

/// How often the files are looked at, when connections come.
const LOOK_EVERY: Duration = Duration::from_secs(1);

static USUAL: &[&SupportedProtocolVersion] = &[&version::TLS13, &version::TLS12];
static NEWEST: &[&SupportedProtocolVersion] = &[&version::TLS13];

/// What TLS a server speaks: its certificates, and whether clients need one.
///
/// Certificates and keys are PEM files. They are read again, within a second, when one of them has changed and the next
/// client connects; connections that are open go on with what they have. If they cannot be read then, an error is logged
/// and the earlier ones stay.
///
/// ```no_run
/// use photon_server::{ServerConfig, TlsConfig};
///
/// # fn main() -> Result<(), photon_server::TlsError> {
/// let tls = TlsConfig::from_pem_files("fullchain.pem", "privkey.pem")?;
/// let config = ServerConfig { tls: Some(tls), ..ServerConfig::default() };
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct TlsConfig {
    settings: Settings,
    shared: Arc<Shared>,
}

#[derive(Clone)]
struct Settings {
    certificates: Vec<CertificateFiles>,
    clients: Option<Clients>,
    versions: &'static [&'static SupportedProtocolVersion],
    tickets: Arc<dyn ProducesTickets>,
}

/// Whose certificates clients may show.
#[derive(Clone)]
struct Clients {
    authorities: std::path::PathBuf,
    required: bool,
}

struct Shared {
    current: RwLock<Arc<ServerConfig>>,
    /// When the files were last looked at, and how they were then.
    looked: Mutex<(Instant, Vec<Option<SystemTime>>)>,
}

impl TlsConfig {
    /// TLS 1.2 and 1.3 with a certificate and its key, both as PEM files. The first file holds the certificate and, behind
    /// it, those that lead to a root that clients know.
    ///
    /// # Errors
    /// [`TlsError`], which names the file: it cannot be read, holds no certificate or no key, or the key is another
    /// certificate's.
    pub fn from_pem_files(
        certificates: impl Into<std::path::PathBuf>,
        key: impl Into<std::path::PathBuf>,
    ) -> Result<Self, TlsError> {
        let tickets = ring::Ticketer::new().map_err(TlsError::Rustls)?;
        Self::with(Settings {
            certificates: vec![CertificateFiles { chain: certificates.into(), key: key.into() }],
            clients: None,
            versions: USUAL,
            tickets,
        })
    }

    /// Adds the certificate of other names. A client gets the first certificate that is for the name it asks for (SNI,
    /// RFC 6066 §3), or the very first one if none is or it asks for none.
    ///
    /// # Errors
    /// As [`TlsConfig::from_pem_files`].
    pub fn and_pem_files(
        self,
        certificates: impl Into<std::path::PathBuf>,
        key: impl Into<std::path::PathBuf>,
    ) -> Result<Self, TlsError> {
        let mut settings = self.settings;
        settings.certificates.push(CertificateFiles { chain: certificates.into(), key: key.into() });
        Self::with(settings)
    }

    /// Takes certificates of clients that one of these authorities has signed, a PEM file of roots. Handlers find them
    /// in `Request::tls`. A client with another certificate is refused in the handshake; one without any is served.
    ///
    /// # Errors
    /// [`TlsError`] if the file cannot be read or holds no root.
    pub fn accept_client_certificates(
        self,
        authorities: impl Into<std::path::PathBuf>,
    ) -> Result<Self, TlsError> {
        self.with_clients(authorities.into(), false)
    }

    /// As [`TlsConfig::accept_client_certificates`], and refuses clients without one.
    ///
    /// # Errors
    /// [`TlsError`] if the file cannot be read or holds no root.
    pub fn require_client_certificates(
        self,
        authorities: impl Into<std::path::PathBuf>,
    ) -> Result<Self, TlsError> {
        self.with_clients(authorities.into(), true)
    }

    fn with_clients(self, authorities: std::path::PathBuf, required: bool) -> Result<Self, TlsError> {
        Self::with(Settings { clients: Some(Clients { authorities, required }), ..self.settings })
    }

    /// Speaks TLS 1.3 only.
    ///
    /// # Errors
    /// If one of the files has become unreadable.
    pub fn only_tls13(self) -> Result<Self, TlsError> {
        Self::with(Settings { versions: NEWEST, ..self.settings })
    }

    /// Reads all files again, for the connections that come from now on. A server does this by itself when they change.
    ///
    /// # Errors
    /// As [`TlsConfig::from_pem_files`]; what was read before stays in force.
    pub fn reload(&self) -> Result<(), TlsError> {
        let changed = self.settings.modified();
        let config = self.settings.read()?;
        *self.shared.current.write().unwrap_or_else(PoisonError::into_inner) = config;
        *self.looked() = (Instant::now(), changed);
        Ok(())
    }

    fn with(settings: Settings) -> Result<Self, TlsError> {
        let modified = settings.modified();
        let current = RwLock::new(settings.read()?);
        let shared = Arc::new(Shared { current, looked: Mutex::new((Instant::now(), modified)) });
        Ok(Self { settings, shared })
    }

    fn looked(&self) -> std::sync::MutexGuard<'_, (Instant, Vec<Option<SystemTime>>)> {
        self.shared.looked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the next connection speaks. Looks at the files now and then.
    pub(crate) fn current(&self) -> Arc<ServerConfig> {
        if self.has_changed()
            && let Err(error) = self.reload()
        {
            tracing::error!(%error, "the TLS certificates have changed and cannot be read; the earlier ones stay");
        }
        Arc::clone(&self.shared.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn has_changed(&self) -> bool {
        let mut looked = self.looked();
        if looked.0.elapsed() < LOOK_EVERY {
            return false;
        }
        looked.0 = Instant::now();
        let modified = self.settings.modified();
        let changed = modified != looked.1;
        looked.1 = modified;
        changed
    }
}

impl Settings {
    fn read(&self) -> Result<Arc<ServerConfig>, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let certificates = Certificates::read(&self.certificates, &provider)?;
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(self.versions)
            .map_err(TlsError::Rustls)?;
        let builder = match &self.clients {
            None => builder.with_no_client_auth(),
            Some(Clients { authorities, required }) => {
                let roots = files::read_roots(authorities)?;
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                let verifier = if *required { verifier } else { verifier.allow_unauthenticated() };
                let verifier = verifier
                    .build()
                    .map_err(|error| TlsError::invalid(authorities, format!("it cannot be used: {error}")))?;
                builder.with_client_cert_verifier(verifier)
            }
        };
        let mut config = builder.with_cert_resolver(Arc::new(certificates));
        // RFC 7301: a client that speaks only something else is told so in the handshake.
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        // Sessions are kept by clients, encrypted, so that many of them cost the server nothing.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.ticketer = Arc::clone(&self.tickets);
        Ok(Arc::new(config))
    }

    /// When each file was last changed; `None` for one that is not there.
    fn modified(&self) -> Vec<Option<SystemTime>> {
        let pairs = self.certificates.iter().flat_map(|files| [&files.chain, &files.key]);
        let all = pairs.chain(self.clients.iter().map(|clients| &clients.authorities));
        all.map(|file| std::fs::metadata(file).and_then(|metadata| metadata.modified()).ok()).collect()
    }
}

impl std::fmt::Debug for TlsConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let chains: Vec<_> = self.settings.certificates.iter().map(|files| &files.chain).collect();
        f.debug_struct("TlsConfig").field("certificates", &chains).finish_non_exhaustive()
    }
}
