//! `subrosa search`: finds conversations by what stands beside their content.

use clap::Args;
use subrosa_proto::v1::SearchConversationsRequest;
use subrosa_proto::v1::search_service_client::SearchServiceClient;

use crate::domain::Purpose;

use super::args::{LimitArgs, pages, purpose, tenant, time};
use super::client::Connection;
use super::conversation::COLUMNS;
use super::exit::CliError;
use super::output::Printer;

/// The conditions of a search: each one given must be met.
#[derive(Args, Debug)]
pub(super) struct SearchArgs {
    /// The tenant, such as acme
    #[arg(long, value_parser = tenant)]
    tenant: String,
    /// Why the search is made, kept in the audit log: as for `conversation read`
    #[arg(long, value_parser = purpose)]
    purpose: Option<Purpose>,
    /// The case that it belongs to, kept in the audit log
    #[arg(long = "case", value_name = "CASE", default_value = "", hide_default_value = true)]
    case_reference: String,
    /// File whose first line is the end user as the client knows them (not a flag: others can read flags)
    #[arg(long, value_name = "FILE")]
    subject_file: Option<std::path::PathBuf>,
    /// With a record at this time or later
    #[arg(long, value_parser = time, value_name = "TIME")]
    since: Option<prost_types::Timestamp>,
    /// With a record before this time
    #[arg(long, value_parser = time, value_name = "TIME")]
    until: Option<prost_types::Timestamp>,
    /// Of this bot
    #[arg(long, default_value = "", hide_default_value = true)]
    bot: String,
    /// On this channel
    #[arg(long, default_value = "", hide_default_value = true)]
    channel: String,
    /// With this label
    #[arg(long, default_value = "", hide_default_value = true)]
    label: String,
    /// With a finding of this class, such as CARD
    #[arg(long, default_value = "", hide_default_value = true)]
    finding_class: String,
    #[command(flatten)]
    limit: LimitArgs,
}

/// Prints the conversations that meet every condition, newest first.
///
/// # Errors
///
/// The vault's answer.
pub(super) async fn run(args: SearchArgs, vault: &Connection, printer: &mut Printer) -> Result<(), CliError> {
    let client = SearchServiceClient::new(vault.channel());
    let first = args.request()?;
    let found = pages(&args.limit, |page_size, page_token| {
        let mut client = client.clone();
        let request = SearchConversationsRequest { page_size, page_token, ..first.clone() };
        async move {
            let page = client.search_conversations(vault.request(request)).await?.into_inner();
            Ok((page.conversations, page.next_page_token))
        }
    });
    printer.messages(&found.await?, COLUMNS)
}

impl SearchArgs {
    fn request(&self) -> Result<SearchConversationsRequest, CliError> {
        Ok(SearchConversationsRequest {
            parent: self.tenant.clone(),
            subject: super::conversation::subject(self.subject_file.as_ref())?,
            start_time: self.since,
            end_time: self.until,
            bot: self.bot.clone(),
            channel: self.channel.clone(),
            label: self.label.clone(),
            finding_class: self.finding_class.clone(),
            purpose: self.purpose.map_or(0, |purpose| i32::from(purpose.code())),
            case_reference: self.case_reference.clone(),
            page_size: 0,
            page_token: String::new(),
        })
    }
}
