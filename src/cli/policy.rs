//! `subrosa policy`: shows and changes the policies of tenants.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use subrosa_proto::v1::policy_service_client::PolicyServiceClient;
use subrosa_proto::v1::{
    GetPolicyRequest, ListPolicyVersionsRequest, Policy, PreviewPolicyRequest, PreviewPolicyResponse,
    ProposePolicyRequest,
};

use super::args::{LimitArgs, PurposeArgs, pages, tenant, time};
use super::client::{Connection, request_id};
use super::exit::CliError;
use super::json::from_json;
use super::output::{Column, Output, Printer};

/// Commands about policies.
#[derive(Subcommand, Debug)]
pub(super) enum PolicyCommand {
    /// Show the version in force, or another
    Get {
        #[command(flatten)]
        policy: PolicyArgs,
        /// The version (default: the one in force)
        #[arg(long)]
        version: Option<u64>,
    },
    /// List the versions, newest first
    List {
        #[command(flatten)]
        policy: PolicyArgs,
        #[command(flatten)]
        limit: LimitArgs,
    },
    /// Try a redaction policy from a JSON file on stored records, and say where it finds more than the one in force. What
    /// is stored is redacted already: what it would leave alone cannot be seen
    Preview {
        /// The tenant, such as acme
        #[arg(long, value_parser = tenant)]
        tenant: String,
        /// The policy; the form is that of `policy get --output json`
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// How many records, the newest conversations first; 10000 at most
        #[arg(long, default_value_t = 1_000)]
        records: u32,
        /// Only of this bot
        #[arg(long, default_value = "", hide_default_value = true)]
        bot: String,
        /// Only conversations created at this time or later
        #[arg(long, value_parser = time, value_name = "TIME")]
        from: Option<prost_types::Timestamp>,
        /// Only conversations created before this time
        #[arg(long, value_parser = time, value_name = "TIME")]
        before: Option<prost_types::Timestamp>,
        #[command(flatten)]
        purpose: PurposeArgs,
    },
    /// Put a new version in force, from a JSON file: {"redaction": {...}} or {"retention": {...}}
    Propose {
        /// The tenant, such as acme
        #[arg(long, value_parser = tenant)]
        tenant: String,
        /// The policy; the form is that of `policy get --output json`
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Refuse when another version than this one is in force; 0 does not check
        #[arg(long, default_value_t = 0)]
        base_version: u64,
    },
}

/// One policy of a tenant.
#[derive(Args, Debug)]
pub(super) struct PolicyArgs {
    /// The tenant, such as acme
    #[arg(long, value_parser = tenant)]
    tenant: String,
    /// Which of its policies
    #[arg(value_enum)]
    kind: Kind,
}

#[derive(ValueEnum, Debug, Clone, Copy)]
enum Kind {
    /// What is redacted, and how
    Redaction,
    /// How long records are kept
    Retention,
}

impl PolicyArgs {
    fn name(&self) -> String {
        let kind = match self.kind {
            Kind::Redaction => "redaction",
            Kind::Retention => "retention",
        };
        format!("{}/policies/{kind}", self.tenant)
    }
}

/// How the differences of two policies are listed.
const DIFFERENCES: &[Column] =
    &[("CLASS", "finding_class"), ("RULE", "rule"), ("IN FORCE", "current_count"), ("PROPOSED", "proposed_count")];

/// How they are listed.
pub(super) const COLUMNS: &[Column] =
    &[("POLICY", "name"), ("VERSION", "version"), ("IN FORCE", "active"), ("CREATED", "create_time")];

/// Runs a command about policies.
///
/// # Errors
///
/// The file is not a policy, or the vault's answer.
pub(super) async fn run(command: PolicyCommand, vault: &Connection, printer: &mut Printer) -> Result<(), CliError> {
    let mut client = PolicyServiceClient::new(vault.channel());
    match command {
        PolicyCommand::Get { policy, version } => {
            let name = version.map_or(policy.name(), |version| format!("{}/versions/{version}", policy.name()));
            let answer = client.get_policy(vault.request(GetPolicyRequest { name })).await?.into_inner();
            printer.message(&answer.policy.unwrap_or_default())
        }
        PolicyCommand::List { policy, limit } => {
            let versions = pages(&limit, |page_size, page_token| {
                let (mut client, parent) = (client.clone(), policy.name());
                async move {
                    let request = ListPolicyVersionsRequest { parent, page_size, page_token };
                    let page = client.list_policy_versions(vault.request(request)).await?.into_inner();
                    Ok((page.policies, page.next_page_token))
                }
            });
            printer.messages(&versions.await?, COLUMNS)
        }
        PolicyCommand::Preview { tenant, file, records, bot, from, before, purpose } => {
            let request = PreviewPolicyRequest {
                parent: tenant,
                policy: Some(read(&file)?),
                record_count: records,
                bot,
                start_time: from,
                end_time: before,
                purpose: purpose.wire(),
                case_reference: purpose.case_reference,
            };
            let answer = client.preview_policy(vault.stream(request)).await?.into_inner();
            preview(&answer, printer)
        }
        PolicyCommand::Propose { tenant, file, base_version } => {
            let policy = read(&file)?;
            let request =
                ProposePolicyRequest { parent: tenant, policy: Some(policy), base_version, request_id: request_id() };
            let answer = client.propose_policy(vault.request(request)).await?.into_inner();
            printer.message(&answer.policy.unwrap_or_default())
        }
    }
}

/// Prints where two policies differ: for a person the differences as a table, for a program all of it.
fn preview(answer: &PreviewPolicyResponse, printer: &mut Printer) -> Result<(), CliError> {
    if printer.output() != Output::Human {
        return printer.message(answer);
    }
    let said = format!(
        "{} records of {} conversations; {} differ from what version {} finds.\n",
        answer.record_count, answer.conversation_count, answer.differing_record_count, answer.current_version
    );
    printer.note(&said)?;
    printer.messages(&answer.differences, DIFFERENCES)?;
    answer.differing_records.iter().try_for_each(|name| printer.note(name))
}

fn read(file: &PathBuf) -> Result<Policy, CliError> {
    let text = std::fs::read_to_string(file).map_err(CliError::io(file.display().to_string()))?;
    from_json(&text).map_err(|error| CliError::Usage(format!("{}: {error}", file.display())))
}
