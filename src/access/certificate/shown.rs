//! What a client showed in its handshake.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer as _;

use crate::access::credential::Cause;
use crate::domain::{Principal, Timestamp};

/// How long it is believed that a certificate is accepted, as with API keys.
const MAX_AGE: Duration = Duration::from_secs(1);

/// The certificate of one connection, with the chain that was sent along. It is not verified by being here.
///
/// # Security
///
/// What it holds names a person or a machine; `Debug` does not show it.
pub struct ClientCertificate {
    chain: Vec<CertificateDer<'static>>,
    facts: Result<Facts, Cause>,
    accepted: Mutex<Option<Accepted>>,
}

/// What matters of a certificate.
pub(super) struct Facts {
    /// Its one URI.
    pub(super) uri: String,
    /// The last moment of its validity.
    pub(super) not_after: Timestamp,
}

/// That a certificate was accepted, by which trust and when.
struct Accepted {
    generation: u64,
    at: Timestamp,
    principal: Arc<Principal>,
}

impl ClientCertificate {
    /// Keeps a chain as rustls hands it out, the client's own certificate first.
    pub fn new(chain: &[CertificateDer<'_>]) -> Self {
        let chain: Vec<_> = chain.iter().map(|certificate| certificate.clone().into_owned()).collect();
        let facts = chain.first().ok_or(Cause::CertificateMissing).and_then(|own| read(own));
        Self { chain, facts, accepted: Mutex::default() }
    }

    /// Returns what matters of it.
    pub(super) fn facts(&self) -> Result<&Facts, Cause> {
        self.facts.as_ref().map_err(|cause| *cause)
    }

    /// Returns the client's own certificate and those that were sent along.
    pub(super) fn chain(&self) -> Option<(&CertificateDer<'static>, &[CertificateDer<'static>])> {
        self.chain.split_first()
    }

    /// Returns whose it is, if the trust of this `generation` accepted it less than [`MAX_AGE`] ago and it has not expired.
    pub(super) fn accepted(&self, generation: u64, now: Timestamp) -> Option<Arc<Principal>> {
        let accepted = self.accepted.lock().unwrap_or_else(PoisonError::into_inner);
        let accepted = accepted.as_ref()?;
        let fresh = accepted.at <= now && now.since(accepted.at) < MAX_AGE;
        let valid = self.facts.as_ref().is_ok_and(|facts| now <= facts.not_after);
        (accepted.generation == generation && fresh && valid).then(|| Arc::clone(&accepted.principal))
    }

    /// Keeps that it was accepted.
    pub(super) fn keep(&self, generation: u64, at: Timestamp, principal: &Arc<Principal>) {
        let accepted = Accepted { generation, at, principal: Arc::clone(principal) };
        *self.accepted.lock().unwrap_or_else(PoisonError::into_inner) = Some(accepted);
    }
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientCertificate(..)")
    }
}

/// Reads a certificate: exactly one URI among its names, as an X.509-SVID has
/// ([section 2](https://github.com/spiffe/spiffe/blob/main/standards/X509-SVID.md#2-spiffe-id)). Names of other kinds are not looked at.
fn read(own: &CertificateDer<'_>) -> Result<Facts, Cause> {
    let malformed = Cause::CertificateMalformed;
    let (rest, certificate) = X509Certificate::from_der(own).map_err(|_| malformed)?;
    if !rest.is_empty() {
        return Err(malformed);
    }
    let names = certificate.subject_alternative_name().map_err(|_| malformed)?.ok_or(malformed)?;
    let mut uris = names.value.general_names.iter().filter_map(|name| match name {
        GeneralName::URI(uri) => Some(Ok(*uri)),
        GeneralName::Invalid(..) => Some(Err(malformed)),
        _ => None,
    });
    let uri = uris.next().ok_or(malformed)??.to_owned();
    if uris.next().is_some() {
        return Err(malformed);
    }
    let seconds = certificate.validity().not_after.timestamp();
    Ok(Facts { uri, not_after: Timestamp::from_unix_ms(seconds.saturating_mul(1_000).saturating_add(999)) })
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, SanType};

    use super::*;

    fn with(names: Vec<SanType>) -> ClientCertificate {
        let mut params = CertificateParams::default();
        params.subject_alt_names = names;
        params.not_after = rcgen::date_time_ymd(2030, 1, 1);
        let der = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        ClientCertificate::new(&[der.der().clone()])
    }

    fn uri(text: &str) -> SanType {
        SanType::URI(text.try_into().unwrap())
    }

    #[test]
    fn exactly_one_uri_is_read() {
        let other = || SanType::DnsName("a.example".try_into().unwrap());
        let one = with(vec![other(), uri("spiffe://a/b")]);
        let facts = one.facts().unwrap();
        assert_eq!((facts.uri.as_str(), facts.not_after.unix_ms()), ("spiffe://a/b", 1_893_456_000_999));
        for names in [vec![], vec![other()], vec![uri("spiffe://a/b"), uri("spiffe://a/b")], vec![uri("a"), uri("b")]] {
            assert_eq!(with(names).facts().err(), Some(Cause::CertificateMalformed));
        }
    }

    #[test]
    fn what_is_no_certificate_is_malformed_or_missing() {
        assert_eq!(ClientCertificate::new(&[]).facts().err(), Some(Cause::CertificateMissing));
        for bytes in [vec![], vec![0x30], vec![0x30, 0x03, 1, 2, 3], vec![0xff; 300]] {
            let found = ClientCertificate::new(&[CertificateDer::from(bytes)]).facts().err();
            assert_eq!(found, Some(Cause::CertificateMalformed));
        }
        let good = with(vec![uri("spiffe://a/b")]);
        let mut longer = good.chain().unwrap().0.to_vec();
        longer.push(0);
        assert!(ClientCertificate::new(&[CertificateDer::from(longer)]).facts().is_err());
        assert_eq!(format!("{good:?}"), "ClientCertificate(..)");
    }

    #[test]
    fn what_was_accepted_is_believed_for_a_second_by_the_same_trust() {
        let shown = with(vec![uri("spiffe://a/b")]);
        let principal = Arc::new(Principal {
            id: "p".parse().unwrap(),
            pseudonym: "prn_p".to_owned(),
            role: crate::domain::Role::Auditor,
            tenant: None,
            bots: crate::domain::BotScope::Any,
        });
        let last = shown.facts().unwrap().not_after.unix_ms();
        let at = |ms: i64| Timestamp::from_unix_ms(last - 500 + ms);
        assert!(shown.accepted(1, at(0)).is_none());
        shown.keep(1, at(0), &principal);
        assert!(shown.accepted(1, at(0)).is_some() && shown.accepted(1, at(500)).is_some());
        assert!(shown.accepted(2, at(0)).is_none(), "the trust was replaced");
        assert!(shown.accepted(1, at(-1)).is_none(), "the clock was set back");
        assert!(shown.accepted(1, at(501)).is_none(), "it has expired");
        shown.keep(1, at(-5_000), &principal);
        assert!(shown.accepted(1, at(-4_001)).is_some() && shown.accepted(1, at(-4_000)).is_none());
    }
}
