//! `subrosa key`: shows and rotates the keys of tenants.

use clap::Subcommand;
use subrosa_proto::v1::key_service_client::KeyServiceClient;
use subrosa_proto::v1::{GetKeyRequest, ListKeysRequest, RotateKeyRequest, ScheduleKeyDestructionRequest};

use super::args::{LimitArgs, pages, tenant, time};
use super::client::{Connection, request_id};
use super::exit::CliError;
use super::output::{Column, Printer};

/// Commands about the keys of tenants.
#[derive(Subcommand, Debug)]
pub(super) enum KeyCommand {
    /// List the key versions of a tenant, newest first
    List {
        /// The tenant, such as acme
        #[arg(long, value_parser = tenant)]
        tenant: String,
        #[command(flatten)]
        limit: LimitArgs,
    },
    /// Show a key version
    Get {
        /// tenants/{tenant}/keys/{version}
        name: String,
    },
    /// Make a new key version and re-wrap what the old one wrapped; reads and writes go on
    Rotate {
        /// The tenant, such as acme
        #[arg(long, value_parser = tenant)]
        tenant: String,
    },
    /// Schedule the destruction of a key version (needs a second person)
    Destroy {
        /// tenants/{tenant}/keys/{version}
        name: String,
        /// When it is to be destroyed
        #[arg(long, value_parser = time, value_name = "TIME")]
        at: prost_types::Timestamp,
    },
}

/// How they are listed.
pub(super) const COLUMNS: &[Column] = &[
    ("KEY", "name"),
    ("STATE", "state"),
    ("CREATED", "create_time"),
    ("CHECK VALUE", "key_check_value"),
    ("WRAPS", "dependent_count"),
];

/// Runs a command about keys.
///
/// # Errors
///
/// The vault's answer.
pub(super) async fn run(command: KeyCommand, vault: &Connection, printer: &mut Printer) -> Result<(), CliError> {
    let mut client = KeyServiceClient::new(vault.channel());
    match command {
        KeyCommand::List { tenant, limit } => {
            let keys = pages(&limit, |page_size, page_token| {
                let (mut client, parent) = (client.clone(), tenant.clone());
                async move {
                    let request = ListKeysRequest { parent, page_size, page_token };
                    let page = client.list_keys(vault.request(request)).await?.into_inner();
                    Ok((page.keys, page.next_page_token))
                }
            });
            printer.messages(&keys.await?, COLUMNS)
        }
        KeyCommand::Get { name } => {
            let answer = client.get_key(vault.request(GetKeyRequest { name })).await?.into_inner();
            printer.message(&answer.key.unwrap_or_default())
        }
        KeyCommand::Rotate { tenant } => {
            let request = RotateKeyRequest { parent: tenant, request_id: request_id() };
            printer.message(&client.rotate_key(vault.request(request)).await?.into_inner())
        }
        KeyCommand::Destroy { name, at } => {
            let request = ScheduleKeyDestructionRequest { name, destroy_time: Some(at), request_id: request_id() };
            let answer = client.schedule_key_destruction(vault.request(request)).await?.into_inner();
            printer.message(&answer.key.unwrap_or_default())
        }
    }
}
