//! `[server]`: where the vault listens.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use crate::domain::{Role, TrustDomain};

use super::error::Problem;
use super::section::section;
use super::value::{Roles, Whole, choice};

choice! {
    /// The oldest version of TLS that is spoken.
    TlsVersion, "\"1.3\" or \"1.2\"" {
        /// RFC 8446.
        V1_3 = "1.3";
        /// RFC 5246; for clients that know no newer one.
        V1_2 = "1.2";
    }
}

choice! {
    /// Whether clients show certificates.
    ClientAuth, "\"off\", \"optional\" or \"required\"" {
        /// None is asked for.
        Off = "off";
        /// One is asked for; who has none needs another credential.
        Optional = "optional";
        /// No connection comes about without one.
        Required = "required";
    }
}

section! {
    /// Where the vault listens, and with which certificate. Every gRPC listener serves the whole API.
    Server as "server", checked by check {
        /// Listener for bot backends.
        data_address: SocketAddr = loopback(7443);
        /// Listener for compliance officers.
        compliance_address: SocketAddr = loopback(7444);
        /// Listener for operators; the only one with reflection.
        operator_address: SocketAddr = loopback(7445);
        /// Listener for `/metrics` and `/healthz`: plain HTTP/1.1, no content and no credential.
        metrics_address: SocketAddr = loopback(7446);
        /// Certificate chain, PEM, leaf first. Required unless `insecure_plaintext`.
        tls_cert: Option<PathBuf> = None;
        /// Private key of the certificate, PEM. Required unless `insecure_plaintext`.
        tls_key: Option<PathBuf> = None;
        /// Certificate authority that clients check `tls_cert` against, PEM. Only told to those who ask `status`.
        tls_ca: Option<PathBuf> = None;
        /// Oldest version of TLS that is spoken.
        tls_min_version: TlsVersion = TlsVersion::V1_3;
        /// Whether clients show certificates.
        client_auth: ClientAuth = ClientAuth::Off;
        /// Certificate authorities of clients, PEM. Required unless `client_auth` is off.
        client_ca: Option<PathBuf> = None;
        /// Revocation lists of these authorities, PEM: of each of them. Not set: no certificate is revoked.
        client_crl: Option<PathBuf> = None;
        /// SPIFFE trust domain of the names in client certificates. Required unless `client_auth` is off.
        client_trust_domain: Option<TrustDomain> = None;
        /// Roles that a client certificate may carry. Never `security`, and never both content and keys.
        client_roles: Roles = Roles::only(Role::Ingestor);
        /// Serves without TLS. Only where every listener is on loopback; shown in the status.
        insecure_plaintext: bool = false;
        /// How long a stopping vault lets calls finish.
        drain_deadline: Duration = Duration::from_secs(20);
        /// Most open connections of each gRPC listener: a full one does not shut the others.
        max_connections: Whole<1, 100_000> = Whole::clamped(1_024);
        /// Most open connections of each gRPC listener from one source: an IPv4 address, or a /64 of IPv6.
        max_connections_per_source: Whole<1, 100_000> = Whole::clamped(256);
        /// How long a client may take for its TLS handshake.
        handshake_timeout: Duration = Duration::from_secs(5);
        /// How long a client may leave a block of headers unfinished, or say nothing at the beginning.
        header_timeout: Duration = Duration::from_secs(10);
        /// How often a silent connection is asked whether it is still there, and how long it may take to answer.
        keepalive: Duration = Duration::from_secs(20);
        /// Lets a crash leave a core dump, which holds every key. Only to find a fault; shown in the status.
        core_dumps: bool = false;
    }
}

impl Server {
    /// Returns the addresses of all listeners, with the key that sets each.
    pub fn addresses(&self) -> [(&'static str, SocketAddr); 4] {
        [
            ("data_address", self.data_address),
            ("compliance_address", self.compliance_address),
            ("operator_address", self.operator_address),
            ("metrics_address", self.metrics_address),
        ]
    }
}

fn loopback(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

fn check(server: &Server) -> Result<(), (&'static str, Problem)> {
    let times = [
        ("handshake_timeout", server.handshake_timeout),
        ("header_timeout", server.header_timeout),
        ("keepalive", server.keepalive),
    ];
    if let Some((key, _)) = times.iter().find(|(_, time)| time.is_zero()) {
        return Err((key, Problem::Unfit("must be longer than nothing")));
    }
    for (at, (key, address)) in server.addresses().iter().enumerate() {
        let earlier = &server.addresses()[..at];
        if address.port() != 0 && earlier.iter().any(|(_, other)| other == address) {
            return Err((key, Problem::Unfit("each listener needs an address of its own")));
        }
        if server.insecure_plaintext && !address.ip().is_loopback() {
            return Err((key, Problem::Unfit("without TLS every listener must be on loopback")));
        }
    }
    check_client_auth(server)?;
    if server.insecure_plaintext {
        return Ok(());
    }
    match (&server.tls_cert, &server.tls_key) {
        (Some(_), Some(_)) => Ok(()),
        (None, _) => Err(("tls_cert", Problem::Unfit("required, unless insecure_plaintext on loopback"))),
        (_, None) => Err(("tls_key", Problem::Unfit("required, unless insecure_plaintext on loopback"))),
    }
}

/// Who runs the authority of client certificates can be everybody in `client_roles`: so that is never both of two roles
/// that one principal may not have.
fn check_client_auth(server: &Server) -> Result<(), (&'static str, Problem)> {
    if server.client_auth == ClientAuth::Off {
        return match (&server.client_ca, &server.client_crl) {
            (Some(_), _) => Err(("client_ca", Problem::Unfit("of no use while client_auth is off"))),
            (_, Some(_)) => Err(("client_crl", Problem::Unfit("of no use while client_auth is off"))),
            (None, None) => Ok(()),
        };
    }
    if server.insecure_plaintext {
        return Err(("client_auth", Problem::Unfit("there are no client certificates without TLS")));
    }
    if server.client_ca.is_none() {
        return Err(("client_ca", Problem::Unfit("required, unless client_auth is off")));
    }
    if server.client_trust_domain.is_none() {
        return Err(("client_trust_domain", Problem::Unfit("required, unless client_auth is off")));
    }
    let roles = server.client_roles.as_set();
    if roles.contains(&Role::Security) {
        return Err(("client_roles", Problem::Unfit("security cannot come from a certificate")));
    }
    if roles.iter().any(|role| roles.iter().any(|other| role.conflicts_with(*other))) {
        return Err(("client_roles", Problem::Unfit("content and keys cannot come from one authority")));
    }
    Ok(())
}
