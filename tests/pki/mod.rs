//! Authorities that sign client certificates, as a company or a SPIRE server has them.

use std::sync::atomic::{AtomicU64, Ordering};

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SanType, SerialNumber,
    date_time_ymd,
};

/// An authority, which numbers what it signs.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    next: AtomicU64,
}

/// A client certificate with its key.
#[derive(Clone)]
pub(crate) struct Issued {
    pub(crate) der: rustls::pki_types::CertificateDer<'static>,
    pub(crate) pem: String,
    pub(crate) key_pem: String,
    pub(crate) serial: u64,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        Self { issuer, next: AtomicU64::new(1) }
    }

    /// Its own certificate, PEM.
    pub(crate) fn pem(&self) -> String {
        self.issuer.pem()
    }

    pub(crate) fn der(&self) -> rustls::pki_types::CertificateDer<'static> {
        self.issuer.der().clone()
    }

    /// Signs a certificate for a client with these URIs.
    pub(crate) fn issue(&self, uris: &[&str]) -> Issued {
        self.issue_with(uris, |_| {})
    }

    /// As [`Authority::issue`], valid through this day.
    pub(crate) fn issue_until(&self, uris: &[&str], (year, month, day): (i32, u8, u8)) -> Issued {
        self.issue_with(uris, |params| params.not_after = date_time_ymd(year, month, day))
    }

    pub(crate) fn issue_with(&self, uris: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Issued {
        let serial = self.next.fetch_add(1, Ordering::Relaxed);
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "Canary Common Name");
        params.subject_alt_names = uris.iter().map(|uri| SanType::URI((*uri).try_into().unwrap())).collect();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.use_authority_key_identifier_extension = true;
        params.serial_number = Some(SerialNumber::from(serial));
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let signed = params.signed_by(&key, &self.issuer).unwrap();
        Issued { der: signed.der().clone(), pem: signed.pem(), key_pem: key.serialize_pem(), serial }
    }

    /// Signs a revocation list, PEM, that is good until this day.
    pub(crate) fn revoke(&self, revoked: &[&Issued], (year, month, day): (i32, u8, u8)) -> String {
        let revoked_certs = revoked.iter().map(|issued| RevokedCertParams {
            serial_number: SerialNumber::from(issued.serial),
            revocation_time: date_time_ymd(2026, 1, 1),
            reason_code: None,
            invalidity_date: None,
        });
        let params = CertificateRevocationListParams {
            this_update: date_time_ymd(2026, 1, 1),
            next_update: date_time_ymd(year, month, day),
            crl_number: SerialNumber::from(1_u64),
            issuing_distribution_point: None,
            revoked_certs: revoked_certs.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&self.issuer).unwrap().pem().unwrap()
    }
}
