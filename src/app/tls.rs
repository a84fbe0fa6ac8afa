//! Certificates: made for a new vault, read for a running one.

use std::path::Path;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::config::{Server, TlsVersion};

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

/// Reads the files of `server` and returns what shakes hands with them, over HTTP/2 only; none without TLS.
///
/// # Errors
///
/// A file is missing, is not PEM, or the key is not the certificate's.
pub(super) fn server_config(server: &Server) -> Result<Option<Arc<ServerConfig>>, AppError> {
    let (cert, key) = match (&server.tls_cert, &server.tls_key) {
        _ if server.insecure_plaintext => return Ok(None),
        (Some(cert), Some(key)) => (cert, key),
        _ => return Err(AppError::Folder("no certificate is configured".to_owned())),
    };
    let unfit = |path: &Path, problem: String| AppError::Certificate { path: path.to_owned(), problem };
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| unfit(key, error.to_string()))?;
    let versions: &[_] = match server.tls_min_version {
        TlsVersion::V1_3 => &[&rustls::version::TLS13],
        TlsVersion::V1_2 => &[&rustls::version::TLS13, &rustls::version::TLS12],
    };
    let mut config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_protocol_versions(versions)
        .map_err(|error| unfit(cert, error.to_string()))?
        .with_no_client_auth()
        .with_single_cert(chain(cert)?, private)
        .map_err(|error| unfit(cert, error.to_string()))?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(Some(Arc::new(config)))
}

fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, AppError> {
    let unfit = |problem: String| AppError::Certificate { path: path.to_owned(), problem };
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let chain = read.map_err(|error| unfit(error.to_string()))?;
    if chain.is_empty() { Err(unfit("no certificate in it".to_owned())) } else { Ok(chain) }
}
