//! What a handler can know of the TLS connection that its request came by.

/// The TLS side of a request's connection: what the client asked for and who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsInfo {
    /// `TLSv1.2` or `TLSv1.3`.
    pub version: &'static str,
    /// The name that the client asked for (SNI, RFC 6066 §3), if it did.
    pub server_name: Option<String>,
    /// The certificates that the client showed, its own first, each in DER. They were verified; empty if it showed none.
    pub client_certificates: Vec<Vec<u8>>,
}
