//! Certificates: made for a new vault, read for a running one.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::NoServerSessionStorage;
use rustls::time_provider::TimeProvider;
use rustls::{ConfigBuilder, ServerConfig, WantsVerifier};

use crate::access::CertificateTrust;
use crate::clock::Clock;
use crate::config::{Server, TlsVersion};

use super::client_certificates;
use super::error::AppError;
use super::init::write_private;

/// Makes a certificate authority and a server certificate for `names` in `dir`: `ca.pem`, `server.pem`, `server.key`. The
/// authority's key is thrown away, so that it signs nothing else.
pub(super) fn make(dir: &Path, names: &[String]) -> Result<(), AppError> {
    let broken = |error: rcgen::Error| AppError::Certificate { path: dir.to_owned(), problem: error.to_string() };
    let mut authority = CertificateParams::default();
    authority.distinguished_name.push(DnType::CommonName, "Subrosa vault authority");
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let issuer = CertifiedIssuer::self_signed(authority, KeyPair::generate().map_err(broken)?).map_err(broken)?;
    let key = KeyPair::generate().map_err(broken)?;
    let mut server = CertificateParams::new(names.to_vec()).map_err(broken)?;
    server.distinguished_name.push(DnType::CommonName, "Subrosa vault");
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    server.use_authority_key_identifier_extension = true;
    let certificate = server.signed_by(&key, &issuer).map_err(broken)?;
    write_private(&dir.join("ca.pem"), issuer.pem().as_bytes())?;
    write_private(&dir.join("server.pem"), certificate.pem().as_bytes())?;
    write_private(&dir.join("server.key"), key.serialize_pem().as_bytes())
}

/// What connections are shaken hands with, and whose certificates are then believed: read together, to change together.
pub(super) struct Tls {
    /// Shakes hands, for HTTP/2 alone.
    pub(super) config: Arc<ServerConfig>,
    /// Believes client certificates; none where none are asked for.
    pub(super) trust: Option<CertificateTrust>,
}

/// Reads everything that TLS needs from the files that `server` names; none where it goes without. `clock` says what has
/// expired.
///
/// # Errors
///
/// A file cannot be read, or what is in it does not fit.
pub(super) fn load(server: &Server, clock: &Arc<dyn Clock>) -> Result<Option<Tls>, AppError> {
    let (cert, key) = match (&server.tls_cert, &server.tls_key) {
        _ if server.insecure_plaintext => return Ok(None),
        (Some(cert), Some(key)) => (cert, key),
        _ => return Err(AppError::Folder("no certificate is configured".to_owned())),
    };
    let unfit = |path: &Path, problem: String| AppError::Certificate { path: path.to_owned(), problem };
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| unfit(key, error.to_string()))?;
    let trust = client_certificates::trust(server)?;
    let builder = builder(server, clock).map_err(|error| unfit(cert, error.to_string()))?;
    let builder = match &trust {
        Some(trust) => builder.with_client_cert_verifier(trust.verifier()),
        None => builder.with_no_client_auth(),
    };
    let made = builder.with_single_cert(chain(cert)?, private);
    let mut config = made.map_err(|error| unfit(cert, error.to_string()))?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    if trust.is_some() {
        // A resumed session takes the certificate from the first one, unverified.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
    }
    Ok(Some(Tls { config: Arc::new(config), trust }))
}

fn builder(
    server: &Server,
    clock: &Arc<dyn Clock>,
) -> Result<ConfigBuilder<ServerConfig, WantsVerifier>, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions: &[_] = match server.tls_min_version {
        TlsVersion::V1_3 => &[&rustls::version::TLS13],
        TlsVersion::V1_2 => &[&rustls::version::TLS13, &rustls::version::TLS12],
    };
    let time = Arc::new(VaultTime(Arc::clone(clock)));
    ServerConfig::builder_with_details(provider, time).with_protocol_versions(versions)
}

fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, AppError> {
    let unfit = |problem: String| AppError::Certificate { path: path.to_owned(), problem };
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let chain = read.map_err(|error| unfit(error.to_string()))?;
    if chain.is_empty() { Err(unfit("no certificate in it".to_owned())) } else { Ok(chain) }
}

/// The vault's clock, for handshakes.
struct VaultTime(Arc<dyn Clock>);

impl TimeProvider for VaultTime {
    fn current_time(&self) -> Option<UnixTime> {
        let ms = u64::try_from(self.0.now().unix_ms()).ok()?;
        Some(UnixTime::since_unix_epoch(Duration::from_millis(ms)))
    }
}

impl fmt::Debug for VaultTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VaultTime")
    }
}
