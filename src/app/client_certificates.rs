//! Whom client certificates make of their holders: authorities and revocation lists, read from their files.

use std::path::Path;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};
use rustls::server::WebPkiClientVerifier;

use crate::access::CertificateTrust;
use crate::config::{ClientAuth, Server};

use super::error::AppError;

/// Reads what `server` says of client certificates; nothing when none are asked for.
///
/// Where there are revocation lists, every certificate of a chain must be covered by one that is not out of date: a list that
/// is missing or stale refuses, and so a revocation cannot be kept from the vault by keeping the list from it.
///
/// # Errors
///
/// A file cannot be read, or holds nothing of what it should hold.
pub(super) fn trust(server: &Server) -> Result<Option<CertificateTrust>, AppError> {
    let (Some(ca), Some(domain)) = (&server.client_ca, &server.client_trust_domain) else { return Ok(None) };
    if server.client_auth == ClientAuth::Off {
        return Ok(None);
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut builder = WebPkiClientVerifier::builder_with_provider(Arc::new(authorities(ca)?), provider)
        .enforce_revocation_expiration();
    if let Some(crl) = &server.client_crl {
        builder = builder.with_crls(read::<CertificateRevocationListDer<'static>>(crl, "no revocation list in it")?);
    }
    if server.client_auth == ClientAuth::Optional {
        builder = builder.allow_unauthenticated();
    }
    let blamed = server.client_crl.as_ref().unwrap_or(ca);
    let verifier = builder.build().map_err(|error| unfit(blamed, error.to_string()))?;
    Ok(Some(CertificateTrust::new(verifier, domain.clone(), server.client_roles.as_set().clone())))
}

fn authorities(path: &Path) -> Result<RootCertStore, AppError> {
    let mut roots = RootCertStore::empty();
    for certificate in read::<CertificateDer<'static>>(path, "no certificate in it")? {
        roots.add(certificate).map_err(|error| unfit(path, error.to_string()))?;
    }
    Ok(roots)
}

/// Reads every object of its kind in a PEM file; one at least.
fn read<T: PemObject>(path: &Path, none: &str) -> Result<Vec<T>, AppError> {
    let objects: Result<Vec<T>, _> = T::pem_file_iter(path).and_then(Iterator::collect);
    match objects {
        Ok(objects) if objects.is_empty() => Err(unfit(path, none.to_owned())),
        Ok(objects) => Ok(objects),
        Err(error) => Err(unfit(path, error.to_string())),
    }
}

fn unfit(path: &Path, problem: String) -> AppError {
    AppError::Certificate { path: path.to_owned(), problem }
}
