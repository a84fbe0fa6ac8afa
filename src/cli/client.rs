//! The connection of the command line to a running vault.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use http::Uri;
use secrecy::{ExposeSecret as _, SecretString};
use tonic::Request;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};
use zeroize::Zeroizing;

use crate::config::{environment, read_secret};
use crate::sealing::random;

use super::exit::{CliError, with_causes};

/// Where the vault is and how to be recognised by it.
#[derive(Args, Debug, Clone, Default)]
#[command(next_help_heading = "Connection")]
pub struct ClientArgs {
    /// Address of the vault, such as https://localhost:7443; http:// to loopback only
    #[arg(long, global = true, env = "SUBROSA_ENDPOINT", value_name = "URL")]
    pub endpoint: Option<String>,
    /// Certificate authority of the vault, PEM
    #[arg(long, global = true, env = "SUBROSA_CA_FILE", value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// Client certificate, PEM, with the chain to its authority; in the place of an API key
    #[arg(long, global = true, env = "SUBROSA_CLIENT_CERT", value_name = "FILE")]
    pub client_cert: Option<PathBuf>,
    /// Private key of the client certificate, PEM
    #[arg(long, global = true, env = "SUBROSA_CLIENT_KEY", value_name = "FILE")]
    pub client_key: Option<PathBuf>,
    /// File whose first line is the API key (default: the environment variable SUBROSA_API_KEY)
    #[arg(long, global = true, value_name = "FILE")]
    pub api_key_file: Option<PathBuf>,
    /// Longest time to wait for an answer, in seconds; streams are not bound by it
    #[arg(long, global = true, default_value_t = 30, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub timeout: u64,
}

/// How long to wait for the connection itself.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// An open connection with a credential.
#[derive(Clone)]
pub struct Connection {
    channel: Channel,
    /// None where the client certificate is the credential.
    bearer: Option<MetadataValue<Ascii>>,
    timeout: Duration,
}

impl Connection {
    /// Connects to the vault.
    ///
    /// # Errors
    ///
    /// The arguments do not make a connection, or the vault cannot be reached.
    pub async fn open(args: &ClientArgs) -> Result<Self, CliError> {
        let Some(address) = &args.endpoint else {
            return Err(usage("give the vault's address with --endpoint or SUBROSA_ENDPOINT"));
        };
        let identity = identity(args)?;
        let bearer = bearer(args, identity.is_some())?;
        Self::connect(address, endpoint(address, args.ca_file.as_ref(), identity)?, bearer, args.timeout).await
    }

    /// Connects with a key that is at hand.
    ///
    /// # Errors
    ///
    /// As [`Connection::open`].
    pub(super) async fn with_key(
        address: &str,
        ca_file: Option<&PathBuf>,
        key: &SecretString,
    ) -> Result<Self, CliError> {
        Self::connect(address, endpoint(address, ca_file, None)?, Some(bearer_of(key)?), 30).await
    }

    async fn connect(
        address: &str,
        endpoint: Endpoint,
        bearer: Option<MetadataValue<Ascii>>,
        timeout: u64,
    ) -> Result<Self, CliError> {
        let unreachable = |error: tonic::transport::Error| CliError::Unreachable {
            endpoint: super::terminal::one_line(address),
            cause: with_causes(&error),
        };
        let channel = endpoint.connect().await.map_err(unreachable)?;
        Ok(Self { channel, bearer, timeout: Duration::from_secs(timeout.max(1)) })
    }

    /// Returns the channel, for a generated client.
    pub fn channel(&self) -> Channel {
        self.channel.clone()
    }

    /// Returns a request with the credential and a deadline.
    pub fn request<T>(&self, message: T) -> Request<T> {
        let mut request = self.stream(message);
        request.set_timeout(self.timeout);
        request
    }

    /// Returns a request with the credential and without a deadline.
    pub fn stream<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        if let Some(bearer) = &self.bearer {
            request.metadata_mut().insert("authorization", bearer.clone());
        }
        request
    }
}

/// Draws a request id: a UUID that makes a repeated request harmless.
pub(super) fn request_id() -> String {
    random::uuid_v4().to_string()
}

fn usage(text: &str) -> CliError {
    CliError::Usage(text.to_owned())
}

/// Returns the API key, which the vault takes before a certificate; none where there is a certificate and no key.
fn bearer(args: &ClientArgs, certificate: bool) -> Result<Option<MetadataValue<Ascii>>, CliError> {
    let key = match &args.api_key_file {
        Some(path) => Some(read_secret(path, "--api-key-file")?),
        None => environment::api_key(),
    };
    chosen(key, certificate)
}

fn chosen(key: Option<SecretString>, certificate: bool) -> Result<Option<MetadataValue<Ascii>>, CliError> {
    match key {
        Some(key) => Ok(Some(bearer_of(&key)?)),
        None if certificate => Ok(None),
        None => Err(usage(
            "give an API key in SUBROSA_API_KEY or in the file of --api-key-file, or a certificate with --client-cert",
        )),
    }
}

/// Reads the client certificate and its key.
fn identity(args: &ClientArgs) -> Result<Option<Identity>, CliError> {
    let read = |path: &PathBuf| std::fs::read(path).map_err(CliError::io(path.display().to_string()));
    match (&args.client_cert, &args.client_key) {
        (Some(cert), Some(key)) => Ok(Some(Identity::from_pem(read(cert)?, Zeroizing::new(read(key)?)))),
        (None, None) => Ok(None),
        _ => Err(usage("--client-cert and --client-key go together")),
    }
}

fn bearer_of(key: &SecretString) -> Result<MetadataValue<Ascii>, CliError> {
    let text = Zeroizing::new(format!("Bearer {}", key.expose_secret().trim()));
    let mut bearer: MetadataValue<Ascii> =
        text.parse().map_err(|_| usage("the API key holds characters that no API key has"))?;
    bearer.set_sensitive(true);
    Ok(bearer)
}

fn endpoint(address: &str, ca_file: Option<&PathBuf>, identity: Option<Identity>) -> Result<Endpoint, CliError> {
    let malformed = || usage("--endpoint must look like https://host:port");
    let uri: Uri = address.parse().map_err(|_| malformed())?;
    let host = uri.host().ok_or_else(malformed)?.trim_start_matches('[').trim_end_matches(']').to_owned();
    if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        return Err(usage("--endpoint must not hold a credential"));
    }
    let scheme = uri.scheme_str().unwrap_or_default().to_owned();
    let endpoint = Endpoint::from(uri).connect_timeout(CONNECT_TIMEOUT).tcp_nodelay(true);
    match (scheme.as_str(), ca_file) {
        ("http", _) if identity.is_some() => Err(usage("a client certificate is shown over https:// only")),
        ("http", _) if is_loopback(&host) => Ok(endpoint),
        ("http", _) => Err(usage("http:// is possible to loopback only: use https://")),
        ("https", Some(path)) => {
            let pem = std::fs::read(path).map_err(CliError::io(path.display().to_string()))?;
            let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem)).domain_name(host);
            let unfit = match identity {
                Some(_) => "--ca-file or --client-cert holds no certificate in PEM, or --client-key no key that fits",
                None => "--ca-file holds no certificate in PEM",
            };
            let tls = identity.into_iter().fold(tls, ClientTlsConfig::identity);
            endpoint.tls_config(tls).map_err(|_| usage(unfit))
        }
        ("https", None) => Err(usage("give the vault's certificate authority with --ca-file or SUBROSA_CA_FILE")),
        _ => Err(malformed()),
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_goes_to_loopback_only() {
        for good in ["http://localhost:1", "http://127.0.0.1:7443", "http://[::1]:7443"] {
            assert!(endpoint(good, None, None).is_ok(), "{good}");
        }
        for bad in [
            "http://vault.example:1",
            "http://192.0.2.1:1",
            "http://localhost.example:1",
            "https://localhost:1",
            "localhost:1",
            "ftp://localhost",
            "http://srk_key@localhost:1",
            "",
        ] {
            let error = endpoint(bad, None, None).unwrap_err();
            assert_eq!(error.exit_code(), super::super::exit::USAGE, "{bad}");
            assert!(!error.to_string().contains("srk_"));
        }
    }

    #[test]
    fn a_certificate_takes_the_place_of_a_key_and_needs_its_own() {
        let with = |cert: Option<&str>, key: Option<&str>| ClientArgs {
            client_cert: cert.map(PathBuf::from),
            client_key: key.map(PathBuf::from),
            ..ClientArgs::default()
        };
        assert!(identity(&with(None, None)).unwrap().is_none());
        for half in [with(Some("c.pem"), None), with(None, Some("k.pem"))] {
            assert_eq!(identity(&half).err().unwrap().exit_code(), super::super::exit::USAGE);
        }
        assert!(identity(&with(Some("/nowhere/c.pem"), Some("/nowhere/k.pem"))).is_err());
        let shown = Identity::from_pem("", "");
        assert!(endpoint("http://localhost:1", None, Some(shown)).unwrap_err().to_string().contains("https://"));
        assert!(chosen(None, true).unwrap().is_none());
        assert_eq!(chosen(None, false).unwrap_err().exit_code(), super::super::exit::USAGE);
        assert!(chosen(Some(SecretString::from("srk_id_secret".to_owned())), true).unwrap().is_some());
    }

    #[test]
    fn the_credential_is_marked_sensitive() {
        let bearer = bearer_of(&SecretString::from("srk_id_secret\n".to_owned())).unwrap();
        assert!(bearer.is_sensitive());
        assert_eq!(bearer.to_str().unwrap(), "Bearer srk_id_secret");
        assert!(!format!("{bearer:?}").contains("srk_"));
        assert!(bearer_of(&SecretString::from("a\nb".to_owned())).is_err());
    }
}
