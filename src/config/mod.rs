//! The configuration: a TOML file, over it the environment, over that the flags.
//!
//! | to do this | use |
//! |---|---|
//! | read all of it, before any port is bound | [`Config::load`] |
//! | print what is in force | [`Config::to_toml`]: it holds paths and numbers, never a secret |
//! | read the environment | [`environment`]: the only module that does |
//!
//! A section is one file here and one table in the TOML file. A key is set by `SUBROSA__SECTION__KEY` in the environment
//! too, and by `--set section.key=value`. A key that nobody knows is refused by name, wherever it stands; the value of a
//! key never stands in an error, because it may be a secret that was put in the wrong place.

mod audit;
pub mod environment;
mod error;
mod keys;
mod limits;
mod load;
mod log;
mod redaction;
mod retention;
mod sealing;
mod section;
mod server;
mod storage;
mod value;

pub use audit::Audit;
pub use error::{ConfigError, Origin, Problem};
pub use keys::{Keys, RootKind};
pub use limits::Limits;
pub use load::{Layers, read_secret};
pub use log::{Log, LogFormat};
pub use redaction::{Names, Redaction};
pub use retention::Retention;
pub use sealing::{Backend, Sealing};
pub use section::KeyDoc;
pub use server::{ClientAuth, Server, TlsVersion};
pub use storage::Storage;
pub use value::{Roles, Whole};

use secrecy::SecretString;

/// Everything that can be configured, checked.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// Where the vault listens.
    pub server: Server,
    /// Where the data lies.
    pub storage: Storage,
    /// How records are sealed.
    pub sealing: Sealing,
    /// How names are found.
    pub redaction: Redaction,
    /// Where the root key comes from, and how many data keys are kept in memory.
    pub keys: Keys,
    /// How often the audit log is signed.
    pub audit: Audit,
    /// What a new tenant keeps, and for how long.
    pub retention: Retention,
    /// How much one caller may ask for.
    pub limits: Limits,
    /// What is logged, and how.
    pub log: Log,
    /// The passphrase of the root, filled in by [`Config::find_passphrase`] or by who asks for it; none where the root is a
    /// key file. Never printed.
    pub passphrase: Option<SecretString>,
}

/// Reads a duration such as `250ms`, `30s`, `10m`, `24h` or `7d`, at most a year.
pub fn duration(text: &str) -> Option<std::time::Duration> {
    value::Value::from_text(text)
}
