//! `[server]`: where the vault listens.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use super::error::Problem;
use super::section::section;
use super::value::Whole;

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
        /// Serves without TLS. Only where every listener is on loopback; shown in the status.
        insecure_plaintext: bool = false;
        /// How long a stopping vault lets calls finish.
        drain_deadline: Duration = Duration::from_secs(20);
        /// Most open connections of each gRPC listener: a full one does not shut the others.
        max_connections: Whole<1, 100_000> = Whole::clamped(1_024);
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
    for (at, (key, address)) in server.addresses().iter().enumerate() {
        let earlier = &server.addresses()[..at];
        if address.port() != 0 && earlier.iter().any(|(_, other)| other == address) {
            return Err((key, Problem::Unfit("each listener needs an address of its own")));
        }
        if server.insecure_plaintext && !address.ip().is_loopback() {
            return Err((key, Problem::Unfit("without TLS every listener must be on loopback")));
        }
    }
    if server.insecure_plaintext {
        return Ok(());
    }
    match (&server.tls_cert, &server.tls_key) {
        (Some(_), Some(_)) => Ok(()),
        (None, _) => Err(("tls_cert", Problem::Unfit("required, unless insecure_plaintext on loopback"))),
        (_, None) => Err(("tls_key", Problem::Unfit("required, unless insecure_plaintext on loopback"))),
    }
}
