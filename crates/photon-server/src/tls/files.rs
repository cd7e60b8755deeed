//! Certificates and keys from PEM files, and which of them a client gets.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::client::verify_server_name;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::TlsError;

/// Where a certificate is, with those that lead to its root, and its key.
#[derive(Clone)]
pub(super) struct CertificateFiles {
    pub(super) chain: PathBuf,
    pub(super) key: PathBuf,
}

/// The certificates of a server, the default one first.
pub(super) struct Certificates(Vec<Arc<CertifiedKey>>);

impl Certificates {
    pub(super) fn read(files: &[CertificateFiles], provider: &CryptoProvider) -> Result<Self, TlsError> {
        let read = files.iter().map(|files| read_pair(files, provider).map(Arc::new));
        read.collect::<Result<_, _>>().map(Self)
    }
}

fn read_pair(files: &CertificateFiles, provider: &CryptoProvider) -> Result<CertifiedKey, TlsError> {
    let chain = read_certificates(&files.chain)?;
    let pem = read(&files.key)?;
    let key = PrivateKeyDer::from_pem_slice(&pem)
        .map_err(|error| TlsError::invalid(&files.key, format!("no private key in PEM: {error}")))?;
    CertifiedKey::from_der(chain, key, provider).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => TlsError::invalid(
            &files.key,
            format!("not the key of the certificate in {}", files.chain.display()),
        ),
        error => TlsError::invalid(&files.key, format!("this key cannot be used: {error}")),
    })
}

/// The certificates in a file, at least one.
fn read_certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let pem = read(file)?;
    let certificates = CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>();
    match certificates {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) => Err(TlsError::invalid(file, "no certificate in PEM")),
        Err(error) => Err(TlsError::invalid(file, format!("malformed PEM: {error}"))),
    }
}

/// Roots that sign the certificates of clients.
pub(super) fn read_roots(file: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in read_certificates(file)? {
        roots
            .add(certificate)
            .map_err(|error| TlsError::invalid(file, format!("a certificate that is no root: {error}")))?;
    }
    Ok(roots)
}

fn read(file: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(file).map_err(|source| TlsError::Read { file: file.to_owned(), source })
}

/// Whether a certificate is for this name, wildcards included.
fn is_for(key: &CertifiedKey, name: &ServerName<'_>) -> bool {
    let parsed = key.cert.first().map(ParsedCertificate::try_from);
    matches!(parsed, Some(Ok(certificate)) if verify_server_name(&certificate, name).is_ok())
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let [default, others @ ..] = &*self.0 else { return None };
        // Most servers have one certificate and need not look.
        if others.is_empty() {
            return Some(Arc::clone(default));
        }
        let name = hello.server_name().and_then(|name| ServerName::try_from(name).ok());
        let chosen = name.and_then(|name| self.0.iter().find(|key| is_for(key, &name)));
        Some(Arc::clone(chosen.unwrap_or(default)))
    }
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificates({})", self.0.len())
    }
}
