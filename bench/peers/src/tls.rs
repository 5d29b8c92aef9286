//! TLS over a blocking socket.

use std::error::Error;
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

/// A stream to a server that calls itself `localhost`.
pub type Tls = StreamOwned<ClientConnection, TcpStream>;

/// Where the ciphers come from.
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// The certificates in the file at `path`.
/// # Errors
/// When it cannot be read.
pub fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Box<dyn Error>> {
    Ok(CertificateDer::pem_file_iter(path)?.collect::<Result<_, _>>()?)
}

/// The same, to be trusted.
/// # Errors
/// When it cannot be read.
pub fn roots(path: &Path) -> Result<RootCertStore, Box<dyn Error>> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate)?;
    }
    Ok(roots)
}

/// What a client trusts: the certificate in the file at `path`, and no other.
/// # Errors
/// When it cannot be read.
pub fn config(path: &Path) -> Result<Arc<ClientConfig>, Box<dyn Error>> {
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots(path)?)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// Encrypts `stream`.
/// # Errors
/// Never, for this name.
pub fn wrap(stream: TcpStream, config: &Arc<ClientConfig>) -> Result<Tls, Box<dyn Error>> {
    let connection = ClientConnection::new(Arc::clone(config), ServerName::try_from("localhost")?)?;
    Ok(StreamOwned::new(connection, stream))
}
