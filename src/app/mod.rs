//! The composition root: the only room that names concrete adapters, and puts the vault together.
//!
//! | to do this | look in |
//! |---|---|
//! | make a new vault's folder | `init` |
//! | open the stores, unlock the keys, start the vault | `serve` |
//! | bind and serve the listeners | `listeners` |
//! | read certificates, authorities and revocation lists | `tls`, `client_certificates` |
//! | put a new configuration or certificate in force | `transport` |
//! | load the names model, or wait for it | `names` |
//! | run a throw-away vault | `dev` |
//! | see what runs beside the calls | `workers` |

mod client_certificates;
mod dev;
mod error;
mod health;
mod init;
mod listeners;
mod names;
mod open_files;
mod serve;
mod tls;
mod transport;
mod workers;

use secrecy::SecretString;

use crate::cli::{DevFacts, DevOptions, Endpoints, Host, HostError, InitOptions, Initialised, Running};
use crate::config::Config;

pub use error::AppError;
pub use serve::RunningVault;

/// Makes and runs vaults for the command line.
#[derive(Debug, Clone, Copy)]
pub struct App;

impl Host for App {
    type Vault = RunningVault;

    async fn init(&self, options: InitOptions) -> Result<Initialised, HostError> {
        Ok(init::init(options).await?)
    }

    async fn security_key(&self, config: Config) -> Result<SecretString, HostError> {
        Ok(serve::security_key(config).await?)
    }

    async fn start(&self, config: Config) -> Result<RunningVault, HostError> {
        Ok(serve::start(config, serve::Time::System).await?)
    }

    async fn dev(&self, options: DevOptions) -> Result<(RunningVault, DevFacts), HostError> {
        Ok(dev::start(options).await?)
    }
}

impl Running for RunningVault {
    fn endpoints(&self) -> &Endpoints {
        self.endpoints()
    }

    fn reload(&self, config: Config) -> Result<Vec<String>, HostError> {
        Ok(self.reload(config)?)
    }

    async fn shutdown(self) -> Result<(), HostError> {
        self.stop().await;
        Ok(())
    }
}
