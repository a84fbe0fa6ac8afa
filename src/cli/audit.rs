//! `subrosa audit`: shows the audit log.

use clap::{Args, Subcommand, ValueEnum};
use subrosa_proto::v1::audit_service_client::AuditServiceClient;
use subrosa_proto::v1::{AuditDecision, ListAuditEventsRequest};

use super::args::{LimitArgs, pages, tenant, time};
use super::client::Connection;
use super::exit::CliError;
use super::output::{Column, Printer};

/// Commands about the audit log.
#[derive(Subcommand, Debug)]
pub(super) enum AuditCommand {
    /// List entries, newest first
    List(ListArgs),
}

/// Which entries are listed.
#[derive(Args, Debug)]
pub(super) struct ListArgs {
    /// The tenant whose log it is
    #[arg(long, value_parser = tenant, required_unless_present = "system")]
    tenant: Option<String>,
    /// The log of acts of no tenant
    #[arg(long, conflicts_with = "tenant")]
    system: bool,
    /// Only this operation, such as ReadConversation
    #[arg(long, default_value = "", hide_default_value = true)]
    operation: String,
    /// Only by this actor, a pseudonym
    #[arg(long, default_value = "", hide_default_value = true)]
    actor: String,
    /// Only on this object, a resource name
    #[arg(long, default_value = "", hide_default_value = true)]
    object: String,
    /// Only with this decision
    #[arg(long, value_enum)]
    decision: Option<Decision>,
    /// Only at this time or later
    #[arg(long, value_parser = time, value_name = "TIME")]
    since: Option<prost_types::Timestamp>,
    /// Only before this time
    #[arg(long, value_parser = time, value_name = "TIME")]
    until: Option<prost_types::Timestamp>,
    #[command(flatten)]
    limit: LimitArgs,
}

#[derive(ValueEnum, Debug, Clone, Copy)]
enum Decision {
    Allowed,
    Denied,
}

/// How they are listed.
pub(super) const COLUMNS: &[Column] = &[
    ("INDEX", "index"),
    ("TIME", "time"),
    ("ACTOR", "actor"),
    ("ROLE", "actor_role"),
    ("OPERATION", "operation"),
    ("DECISION", "decision"),
    ("PHASE", "phase"),
    ("REASON", "reason"),
    ("PURPOSE", "purpose"),
    ("COUNTS", "counts"),
    ("OBJECT", "object"),
];

/// Runs a command about the audit log.
///
/// # Errors
///
/// The vault's answer.
pub(super) async fn run(command: AuditCommand, vault: &Connection, printer: &mut Printer) -> Result<(), CliError> {
    let AuditCommand::List(args) = command;
    let client = AuditServiceClient::new(vault.channel());
    let first = args.request();
    let events = pages(&args.limit, |page_size, page_token| {
        let mut client = client.clone();
        let request = ListAuditEventsRequest { page_size, page_token, ..first.clone() };
        async move {
            let page = client.list_audit_events(vault.request(request)).await?.into_inner();
            Ok((page.events, page.next_page_token))
        }
    });
    printer.messages(&events.await?, COLUMNS)
}

impl ListArgs {
    fn request(&self) -> ListAuditEventsRequest {
        let decision = match self.decision {
            None => AuditDecision::Unspecified,
            Some(Decision::Allowed) => AuditDecision::Allowed,
            Some(Decision::Denied) => AuditDecision::Denied,
        };
        ListAuditEventsRequest {
            parent: self.tenant.clone().unwrap_or_else(|| "system".to_owned()),
            operation: self.operation.clone(),
            actor: self.actor.clone(),
            object: self.object.clone(),
            decision: decision.into(),
            start_time: self.since,
            end_time: self.until,
            page_size: 0,
            page_token: String::new(),
        }
    }
}
