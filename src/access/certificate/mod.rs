//! Client certificates: from the bytes of a handshake to a principal.
//!
//! | to do this | use |
//! |---|---|
//! | keep what a client showed | [`ClientCertificate::new`] |
//! | say whom the gate believes | [`CertificateTrust`], [`crate::access::Gate::trust_certificates`] |
//! | see what a certificate must be named | `name` |
//! | log a handshake that failed | [`crate::access::Gate::failed_handshake`] |
//!
//! The gate does not rest on the handshake: it verifies a certificate itself, against the authorities and revocation lists of
//! that moment, when it first sees it, whenever these are replaced, and every second that the certificate is used. So a
//! connection or a stream that is open longer than its certificate is good for ends like one whose API key was revoked.

mod name;
mod recognise;
mod shown;
mod trust;

pub use shown::ClientCertificate;
pub use trust::CertificateTrust;

pub(super) use recognise::new_pseudonym;
pub(super) use trust::{Trust, cause_of};
