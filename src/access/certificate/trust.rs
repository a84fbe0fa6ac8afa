//! Whom the gate believes, and why it does not believe a certificate.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rustls::CertificateError;
use rustls::pki_types::UnixTime;
use rustls::server::danger::ClientCertVerifier;

use crate::access::credential::Cause;
use crate::domain::{Role, Timestamp, TrustDomain};

use super::name::CertificateName;
use super::shown::ClientCertificate;

/// Authorities and revocation lists, and what certificates may say.
#[derive(Clone)]
pub struct CertificateTrust {
    verifier: Arc<dyn ClientCertVerifier>,
    domain: TrustDomain,
    roles: BTreeSet<Role>,
}

impl CertificateTrust {
    /// Believes certificates that `verifier` accepts, whose name is of `domain` and carries one of `roles`. The role `security`
    /// is never believed: whoever runs the authority could issue credentials to themselves.
    pub fn new(verifier: Arc<dyn ClientCertVerifier>, domain: TrustDomain, roles: BTreeSet<Role>) -> Self {
        Self { verifier, domain, roles }
    }

    /// Returns what verifies, for the handshake.
    pub fn verifier(&self) -> Arc<dyn ClientCertVerifier> {
        Arc::clone(&self.verifier)
    }

    /// Verifies a certificate at `now` and returns what it says.
    pub(super) fn check(&self, certificate: &ClientCertificate, now: Timestamp) -> Result<CertificateName, Cause> {
        let (own, others) = certificate.chain().ok_or(Cause::CertificateMissing)?;
        let verified = self.verifier.verify_client_cert(own, others, unix_time(now));
        verified.map_err(|error| cause_of(&error).unwrap_or(Cause::CertificateMalformed))?;
        let name = CertificateName::parse(&certificate.facts()?.uri, &self.domain)?;
        if name.role == Role::Security || !self.roles.contains(&name.role) {
            return Err(Cause::Misfit);
        }
        Ok(name)
    }
}

impl fmt::Debug for CertificateTrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CertificateTrust")
            .field("domain", &self.domain)
            .field("roles", &self.roles)
            .finish_non_exhaustive()
    }
}

/// The trust in force. Each one has a number, so that what an earlier one accepted is looked at again.
#[derive(Default)]
pub(in crate::access) struct Trust(RwLock<(u64, Option<Arc<CertificateTrust>>)>);

impl Trust {
    /// Replaces the trust; none believes no certificate.
    pub(in crate::access) fn replace(&self, next: Option<CertificateTrust>) {
        let mut current = self.0.write().unwrap_or_else(PoisonError::into_inner);
        *current = (current.0 + 1, next.map(Arc::new));
    }

    /// Returns the trust and its number.
    pub(super) fn current(&self) -> (u64, Option<Arc<CertificateTrust>>) {
        let current = self.0.read().unwrap_or_else(PoisonError::into_inner);
        (current.0, current.1.clone())
    }
}

/// Returns what is wrong with a certificate; none where it is not the certificate that is wrong.
pub(in crate::access) fn cause_of(error: &rustls::Error) -> Option<Cause> {
    let error = match error {
        rustls::Error::NoCertificatesPresented => return Some(Cause::CertificateMissing),
        rustls::Error::InvalidCertificate(error) => error,
        _ => return None,
    };
    Some(match error {
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => Cause::CertificateExpired,
        CertificateError::Revoked => Cause::CertificateRevoked,
        CertificateError::UnknownIssuer => Cause::CertificateUnknown,
        CertificateError::BadSignature => Cause::CertificateWrong,
        CertificateError::UnknownRevocationStatus
        | CertificateError::ExpiredRevocationList
        | CertificateError::ExpiredRevocationListContext { .. } => Cause::CertificateUnchecked,
        _ => Cause::CertificateMalformed,
    })
}

fn unix_time(at: Timestamp) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_millis(u64::try_from(at.unix_ms()).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_wrong_with_a_certificate_is_a_failed_login() {
        let invalid = |error| cause_of(&rustls::Error::InvalidCertificate(error));
        assert_eq!(cause_of(&rustls::Error::NoCertificatesPresented), Some(Cause::CertificateMissing));
        for (error, cause) in [
            (CertificateError::Expired, Cause::CertificateExpired),
            (CertificateError::NotValidYet, Cause::CertificateExpired),
            (CertificateError::Revoked, Cause::CertificateRevoked),
            (CertificateError::UnknownIssuer, Cause::CertificateUnknown),
            (CertificateError::BadSignature, Cause::CertificateWrong),
            (CertificateError::UnknownRevocationStatus, Cause::CertificateUnchecked),
            (CertificateError::ExpiredRevocationList, Cause::CertificateUnchecked),
            (CertificateError::InvalidPurpose, Cause::CertificateMalformed),
            (CertificateError::BadEncoding, Cause::CertificateMalformed),
        ] {
            assert_eq!(invalid(error), Some(cause));
        }
        assert_eq!(cause_of(&rustls::Error::HandshakeNotComplete), None);
        assert_eq!(cause_of(&rustls::Error::AlertReceived(rustls::AlertDescription::UnknownCA)), None);
    }

    #[test]
    fn each_trust_has_a_number_of_its_own() {
        let trust = Trust::default();
        let before = trust.current().0;
        trust.replace(None);
        assert_ne!(trust.current().0, before);
    }
}
