//! `subrosa api-key`: issues, lists and revokes API keys.

use clap::{Args, Subcommand};
use subrosa_proto::v1;
use subrosa_proto::v1::access_service_client::AccessServiceClient;
use subrosa_proto::v1::{IssueApiKeyRequest, ListApiKeysRequest, RevokeApiKeyRequest, TestPermissionsRequest};

use super::args::{LimitArgs, duration, pages, role, tenant};
use super::client::{Connection, request_id};
use super::exit::CliError;
use super::output::{Column, Printer};

/// Commands about API keys.
#[derive(Subcommand, Debug)]
pub(super) enum ApiKeyCommand {
    /// Issue a key; its secret is shown this once
    Issue(IssueArgs),
    /// List keys without their secrets, newest first
    List {
        /// Only keys confined to this tenant
        #[arg(long, value_parser = tenant)]
        tenant: Option<String>,
        /// Only keys of this principal
        #[arg(long, default_value = "", hide_default_value = true)]
        principal: String,
        /// Expired and revoked keys too
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        limit: LimitArgs,
    },
    /// Revoke a key at once
    Revoke {
        /// The key, its id or apiKeys/{id}
        #[arg(value_parser = key_name)]
        key: String,
    },
    /// Show which methods a key may call, and why not
    Test {
        /// The key, its id or apiKeys/{id}
        #[arg(value_parser = key_name)]
        key: String,
        /// The object, such as tenants/acme (default: the vault)
        #[arg(long, default_value = "", hide_default_value = true)]
        object: String,
        /// Full method names, such as /subrosa.v1.KeyService/RotateKey (default: all)
        methods: Vec<String>,
    },
}

/// What a new key may do.
#[derive(Args, Debug)]
pub(super) struct IssueArgs {
    /// Whose key it is, such as support-bot-prod
    #[arg(long)]
    principal: String,
    /// What it may do
    #[arg(long, value_parser = role)]
    role: v1::Role,
    /// The tenant it is confined to (default: the whole vault)
    #[arg(long, value_parser = tenant)]
    tenant: Option<String>,
    /// A bot it is confined to, may be given again; required for an ingestor
    #[arg(long = "bot", value_name = "BOT")]
    bots: Vec<String>,
    /// How long it is accepted, such as 90d; at most 366d
    #[arg(long, value_parser = duration)]
    ttl: Option<prost_types::Duration>,
}

/// How they are listed.
pub(super) const COLUMNS: &[Column] = &[
    ("KEY", "name"),
    ("PRINCIPAL", "principal"),
    ("ROLE", "role"),
    ("TENANT", "tenant"),
    ("BOTS", "bots"),
    ("STATE", "state"),
    ("EXPIRES", "expire_time"),
];

/// How the outcome of a test is listed.
pub(super) const PERMISSIONS: &[Column] = &[("METHOD", "method"), ("ALLOWED", "allowed"), ("REASON", "reason")];

/// Runs a command about API keys.
///
/// # Errors
///
/// The vault's answer.
pub(super) async fn run(command: ApiKeyCommand, vault: &Connection, printer: &mut Printer) -> Result<(), CliError> {
    let mut client = AccessServiceClient::new(vault.channel());
    match command {
        ApiKeyCommand::Issue(args) => {
            let answer = client.issue_api_key(vault.request(args.request())).await?.into_inner();
            printer.message(&answer)?;
            printer.note("\nThe key is shown this once; the vault does not keep it.")
        }
        ApiKeyCommand::List { tenant, principal, all, limit } => {
            let keys = pages(&limit, |page_size, page_token| {
                let (mut client, tenant, principal) = (client.clone(), tenant.clone(), principal.clone());
                async move {
                    let tenant = tenant.unwrap_or_default();
                    let request = ListApiKeysRequest { tenant, principal, show_inactive: all, page_size, page_token };
                    let page = client.list_api_keys(vault.request(request)).await?.into_inner();
                    Ok((page.keys, page.next_page_token))
                }
            });
            printer.messages(&keys.await?, COLUMNS)
        }
        ApiKeyCommand::Revoke { key } => {
            let request = RevokeApiKeyRequest { name: key, request_id: request_id() };
            let answer = client.revoke_api_key(vault.request(request)).await?.into_inner();
            printer.message(&answer.key.unwrap_or_default())
        }
        ApiKeyCommand::Test { key, object, methods } => {
            let request = TestPermissionsRequest { key, object, methods };
            let answer = client.test_permissions(vault.request(request)).await?.into_inner();
            printer.messages(&answer.results, PERMISSIONS)
        }
    }
}

impl IssueArgs {
    fn request(self) -> IssueApiKeyRequest {
        IssueApiKeyRequest {
            principal: self.principal,
            role: self.role.into(),
            tenant: self.tenant.unwrap_or_default(),
            bots: self.bots,
            ttl: self.ttl,
            request_id: request_id(),
        }
    }
}

/// Reads the name of a key. A whole credential is refused, so that it does not travel as a name.
fn key_name(text: &str) -> Result<String, &'static str> {
    if text.starts_with("srk_") {
        return Err("give the id, the middle part of srk_{id}_{secret}, and not the key itself");
    }
    Ok(format!("apiKeys/{}", text.trim_start_matches("apiKeys/")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_named_by_its_id_and_never_by_itself() {
        assert_eq!(key_name("abc").unwrap(), "apiKeys/abc");
        assert_eq!(key_name("apiKeys/abc").unwrap(), "apiKeys/abc");
        assert!(key_name("srk_abc_secret").is_err());
    }
}
