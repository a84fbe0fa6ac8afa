//! Who takes part in the story, each with a connection of their own.

use secrecy::SecretString;

use crate::cli::client::Connection;
use crate::cli::exit::CliError;
use crate::cli::host::{DevFacts, Endpoints};

/// The people of the story.
pub(super) struct People {
    /// The bot backend.
    pub(super) bot: Connection,
    /// Who reads redacted conversations.
    pub(super) reader: Connection,
    /// Who sets how long records stay.
    pub(super) compliance: Connection,
    /// Who runs the machine and the keys.
    pub(super) operator: Connection,
    /// Who checks the audit log.
    pub(super) auditor: Connection,
}

impl People {
    /// Connects everybody to the listener that is theirs.
    pub(super) async fn connect(endpoints: &Endpoints, facts: &DevFacts) -> Result<Self, CliError> {
        let connect = async |role: &str, address| {
            let missing = SecretString::default();
            let key = facts.keys.get(role).unwrap_or(&missing);
            Connection::with_key(&endpoints.url(address), Some(&facts.ca_file), key).await
        };
        Ok(Self {
            bot: connect("ingestor", endpoints.data).await?,
            reader: connect("reader", endpoints.compliance).await?,
            compliance: connect("compliance", endpoints.compliance).await?,
            operator: connect("operator", endpoints.operator).await?,
            auditor: connect("auditor", endpoints.compliance).await?,
        })
    }
}
