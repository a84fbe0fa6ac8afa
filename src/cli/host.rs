//! What runs a vault in this process. The composition root implements it; the commands only ask and print.

use std::collections::BTreeMap;
use std::error::Error;
use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;

use secrecy::SecretString;

use crate::config::Config;

/// Why the vault in this process could not be made, started or stopped.
pub type HostError = Box<dyn Error + Send + Sync>;

/// What makes and starts vaults.
pub trait Host: Sync {
    /// A vault that runs.
    type Vault: Running;

    /// Makes a new vault in an empty or missing folder.
    fn init(&self, options: InitOptions) -> impl Future<Output = Result<Initialised, HostError>>;

    /// Issues a new `security` key of a vault that is not running.
    fn security_key(&self, config: Config) -> impl Future<Output = Result<SecretString, HostError>>;

    /// Starts a vault and returns once it serves.
    fn start(&self, config: Config) -> impl Future<Output = Result<Self::Vault, HostError>>;

    /// Makes, where it is missing, and starts a vault for development, and returns once it serves.
    fn dev(&self, options: DevOptions) -> impl Future<Output = Result<(Self::Vault, DevFacts), HostError>>;
}

/// A vault that runs in this process.
pub trait Running {
    /// Returns where it listens.
    fn endpoints(&self) -> &Endpoints;

    /// Puts a configuration in force, as far as that is possible while the vault runs, and returns the changed keys, as
    /// `section.key`, for which it is not.
    ///
    /// # Errors
    ///
    /// A file that it names cannot be used; everything stays as it was.
    fn reload(&self, config: Config) -> Result<Vec<String>, HostError>;

    /// Stops taking calls, finishes those in flight up to the deadline of the configuration, and closes the stores.
    fn shutdown(self) -> impl Future<Output = Result<(), HostError>>;
}

/// Where a vault listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    /// For bot backends.
    pub data: SocketAddr,
    /// For compliance officers.
    pub compliance: SocketAddr,
    /// For operators.
    pub operator: SocketAddr,
    /// For monitors; plain HTTP.
    pub metrics: SocketAddr,
    /// Whether the first three speak TLS.
    pub tls: bool,
}

impl Endpoints {
    /// Returns the address of a listener as a URL. Metrics never speak TLS.
    pub fn url(&self, address: SocketAddr) -> String {
        let scheme = if self.tls && address != self.metrics { "https" } else { "http" };
        format!("{scheme}://{address}")
    }

    /// Returns the four endpoints, by the name that `dev --output json` gives each.
    pub fn named(&self) -> [(&'static str, String); 4] {
        [
            ("data_endpoint", self.url(self.data)),
            ("compliance_endpoint", self.url(self.compliance)),
            ("operator_endpoint", self.url(self.operator)),
            ("metrics_endpoint", self.url(self.metrics)),
        ]
    }
}

/// What the keys of a new vault hang on.
#[derive(Debug)]
pub enum RootChoice {
    /// A passphrase, and the file it stands in where there is one: the configuration names that.
    Passphrase {
        /// The passphrase.
        passphrase: SecretString,
        /// The file, for `keys.passphrase_file`.
        file: Option<PathBuf>,
    },
    /// A key file, made in the vault's folder. For development.
    KeyFile,
}

/// How a new vault is to be.
#[derive(Debug)]
pub struct InitOptions {
    /// Its folder.
    pub data_dir: PathBuf,
    /// What its keys hang on.
    pub root: RootChoice,
    /// The names and addresses that its own certificate is for.
    pub server_names: Vec<String>,
}

/// A vault that was made.
#[derive(Debug)]
pub struct Initialised {
    /// Its configuration.
    pub config_file: PathBuf,
    /// The certificate authority that its certificate is checked against.
    pub ca_file: PathBuf,
    /// The first credential, of role `security`. Shown once and not kept.
    pub bootstrap_key: SecretString,
}

/// How a vault for development is to be.
#[derive(Debug)]
pub struct DevOptions {
    /// Its folder.
    pub data_dir: PathBuf,
    /// The file that moves its clock.
    pub clock_file: Option<PathBuf>,
    /// The file of the names model, where it is to take part: then nothing is stored without it.
    pub names_model: Option<PathBuf>,
}

/// What there is in a vault for development.
#[derive(Debug)]
pub struct DevFacts {
    /// The certificate authority that its certificate is checked against.
    pub ca_file: PathBuf,
    /// Its tenant, `tenants/dev`.
    pub tenant: String,
    /// An API key for each role.
    pub keys: BTreeMap<String, SecretString>,
}
