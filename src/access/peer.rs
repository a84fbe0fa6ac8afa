//! The other end of a connection.

use std::net::IpAddr;
use std::sync::Arc;

use super::certificate::ClientCertificate;

/// Who is at the other end of a connection, as far as the connection knows. The listener's stream gives it as its
/// `ConnectInfo`, and so it stands in the extensions of every request.
#[derive(Debug, Clone)]
pub struct Peer {
    /// The address it comes from. Personal data: it goes into no log and no metric.
    pub address: IpAddr,
    /// The certificate that it showed.
    pub certificate: Option<Arc<ClientCertificate>>,
}

impl From<IpAddr> for Peer {
    fn from(address: IpAddr) -> Self {
        Self { address, certificate: None }
    }
}
