//! `subrosa conversation`: creates, shows, reads, closes and annotates conversations.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use secrecy::ExposeSecret as _;
use subrosa_proto::v1::conversation_service_client::ConversationServiceClient;
use subrosa_proto::v1::{self, Conversation, Record, record};
use tonic::transport::Channel;

use crate::config::read_secret;

use super::args::{LimitArgs, PurposeArgs, audience, pages, tenant};
use super::client::{Connection, request_id};
use super::exit::CliError;
use super::output::{Column, Output, Printer, csv_value};
use super::redact_later::{self, RedactArgs};
use super::terminal;

/// Commands about conversations.
#[derive(Subcommand, Debug)]
pub(super) enum ConversationCommand {
    /// Create a conversation
    Create(CreateArgs),
    /// Show a conversation without its content
    Get {
        /// tenants/{tenant}/conversations/{conversation}
        name: String,
    },
    /// List the conversations of a tenant, newest first, without their content
    List {
        /// The tenant, such as acme
        #[arg(long, value_parser = tenant)]
        tenant: String,
        /// Only of this bot
        #[arg(long, default_value = "", hide_default_value = true)]
        bot: String,
        #[command(flatten)]
        limit: LimitArgs,
    },
    /// Read the records of a conversation
    Read(ReadArgs),
    /// Read the last records, as the bot that goes on with the conversation
    Context {
        /// tenants/{tenant}/conversations/{conversation}
        name: String,
        /// How many records at most
        #[arg(long, default_value_t = 20)]
        last: u32,
        #[command(flatten)]
        purpose: PurposeArgs,
    },
    /// Close a conversation: it takes no more records
    Close {
        /// tenants/{tenant}/conversations/{conversation}
        name: String,
    },
    /// Add a note, and put labels on or take them off
    Annotate(AnnotateArgs),
    /// Take a value that redaction missed out of stored records
    Redact(RedactArgs),
}

/// How a new conversation is to be.
#[derive(Args, Debug)]
pub(super) struct CreateArgs {
    /// The tenant, such as acme
    #[arg(long, value_parser = tenant)]
    tenant: String,
    /// The bot, such as support-bot
    #[arg(long)]
    bot: String,
    /// The channel, such as web
    #[arg(long, default_value = "", hide_default_value = true)]
    channel: String,
    /// Whom the bot talks to: internal or customer
    #[arg(long, value_parser = audience, default_value = "customer")]
    audience: v1::Audience,
    /// The client's own id of the conversation
    #[arg(long, default_value = "", hide_default_value = true)]
    client_reference: String,
    /// File whose first line is the end user as the client knows them (not a flag: others can read flags)
    #[arg(long, value_name = "FILE")]
    subject_file: Option<PathBuf>,
    /// The retention class
    #[arg(long, default_value = "", hide_default_value = true)]
    retention_class: String,
    /// A label, may be given again
    #[arg(long = "label", value_name = "LABEL")]
    labels: Vec<String>,
}

/// What is read.
#[derive(Args, Debug)]
pub(super) struct ReadArgs {
    /// tenants/{tenant}/conversations/{conversation}
    name: String,
    #[command(flatten)]
    purpose: PurposeArgs,
    /// How much is shown
    #[arg(long, value_enum, default_value_t = View::Redacted)]
    view: View,
    /// Only records after this sequence
    #[arg(long, default_value_t = 0, value_name = "SEQUENCE")]
    after: u64,
}

/// What is annotated, and how.
#[derive(Args, Debug)]
pub(super) struct AnnotateArgs {
    /// tenants/{tenant}/conversations/{conversation}
    name: String,
    /// The note
    #[arg(long, default_value = "", hide_default_value = true)]
    note: String,
    /// A label to put on, may be given again
    #[arg(long = "add-label", value_name = "LABEL")]
    add_labels: Vec<String>,
    /// A label to take off, may be given again
    #[arg(long = "remove-label", value_name = "LABEL")]
    remove_labels: Vec<String>,
    /// The sequence of the record that the note is about; 0 for the whole conversation
    #[arg(long, default_value_t = 0, value_name = "SEQUENCE")]
    about: u64,
}

#[derive(ValueEnum, Debug, Clone, Copy)]
enum View {
    Metadata,
    Redacted,
    Original,
}

/// How conversations are listed.
pub(super) const COLUMNS: &[Column] = &[
    ("CONVERSATION", "name"),
    ("BOT", "bot"),
    ("STATE", "state"),
    ("CREATED", "create_time"),
    ("RECORDS", "last_sequence"),
    ("EXPIRES", "expire_time"),
    ("LABELS", "labels"),
];

/// How records are listed for a spreadsheet.
pub(super) const RECORD_COLUMNS: &[Column] = &[
    ("SEQUENCE", "sequence"),
    ("RECEIVED", "received_at"),
    ("ROLE", "author_role"),
    ("KIND", "kind"),
    ("CONTENT", "content"),
    ("METADATA", "metadata"),
    ("MODEL", "model"),
    ("SUPERSEDES", "supersedes"),
    ("REDACTED", "redaction.counts"),
    ("WITHHELD", "withheld"),
];

type Client = ConversationServiceClient<Channel>;

/// Runs a command about conversations.
///
/// # Errors
///
/// The vault's answer.
pub(super) async fn run(
    command: ConversationCommand,
    vault: &Connection,
    printer: &mut Printer,
) -> Result<(), CliError> {
    let mut client = Client::new(vault.channel());
    let shown = match command {
        ConversationCommand::Create(args) => {
            client.create_conversation(vault.request(args.request()?)).await?.into_inner().conversation
        }
        ConversationCommand::Get { name } => {
            let request = vault.request(v1::GetConversationRequest { name });
            client.get_conversation(request).await?.into_inner().conversation
        }
        ConversationCommand::Close { name } => {
            let request = v1::CloseConversationRequest { name };
            client.close_conversation(vault.request(request)).await?.into_inner().conversation
        }
        ConversationCommand::List { tenant, bot, limit } => {
            return list(&client, &tenant, &bot, &limit, vault, printer).await;
        }
        ConversationCommand::Read(args) => return read(client, args, vault, printer).await,
        ConversationCommand::Context { name, last, purpose } => {
            let case_reference = purpose.case_reference.clone();
            let request = v1::GetContextRequest { name, last, purpose: purpose.wire(), case_reference };
            let answer = client.get_context(vault.request(request)).await?.into_inner();
            printer.csv_head(RECORD_COLUMNS)?;
            return answer.records.iter().try_for_each(|record| print_record(record, printer));
        }
        ConversationCommand::Redact(args) => return redact_later::run(args, vault, printer).await,
        ConversationCommand::Annotate(args) => {
            let answer = client.annotate(vault.request(args.request())).await?.into_inner();
            return printer.message(&answer);
        }
    };
    printer.message(&shown.unwrap_or_default())
}

/// Reads the end user from the first line of a file; empty without one.
pub(super) fn subject(file: Option<&PathBuf>) -> Result<String, CliError> {
    match file {
        Some(path) => Ok(read_secret(path, "--subject-file")?.expose_secret().to_owned()),
        None => Ok(String::new()),
    }
}

async fn list(
    client: &Client,
    tenant: &str,
    bot: &str,
    limit: &LimitArgs,
    vault: &Connection,
    printer: &mut Printer,
) -> Result<(), CliError> {
    let found = pages(limit, |page_size, page_token| {
        let mut client = client.clone();
        let (parent, bot) = (tenant.to_owned(), bot.to_owned());
        async move {
            let request = v1::ListConversationsRequest { parent, bot, page_size, page_token };
            let page = client.list_conversations(vault.request(request)).await?.into_inner();
            Ok((page.conversations, page.next_page_token))
        }
    });
    printer.messages(&found.await?, COLUMNS)
}

async fn read(mut client: Client, args: ReadArgs, vault: &Connection, printer: &mut Printer) -> Result<(), CliError> {
    let request = v1::ReadConversationRequest {
        name: args.name,
        purpose: args.purpose.wire(),
        view: args.view.wire().into(),
        after_sequence: args.after,
        case_reference: args.purpose.case_reference,
    };
    let mut stream = client.read_conversation(vault.stream(request)).await?.into_inner();
    printer.csv_head(RECORD_COLUMNS)?;
    let mut expired_through = 0;
    while let Some(answer) = stream.message().await? {
        expired_through = answer.expired_through;
        if let Some(record) = answer.record {
            print_record(&record, printer)?;
        }
    }
    if expired_through > 0 {
        printer.note(&format!("\nRecords up to #{expired_through} have expired."))?;
    }
    Ok(())
}

/// Prints one record.
pub(super) fn print_record(record: &Record, printer: &mut Printer) -> Result<(), CliError> {
    match printer.output() {
        Output::Json => return printer.message(record),
        Output::Csv => {
            let mut value = csv_value(record)?;
            value["content"] = content(record).into();
            return printer.csv_row(&value, RECORD_COLUMNS);
        }
        Output::Human => {}
    }
    let received = record.received_at.map(|at| {
        crate::domain::Timestamp::from_unix_ms(at.seconds.saturating_mul(1000) + i64::from(at.nanos / 1_000_000))
    });
    let received = received.map(|at| at.to_string()).unwrap_or_default();
    let role = v1::AuthorRole::try_from(record.author_role).map_or("", |role| role.as_str_name());
    let role = role.trim_start_matches("AUTHOR_ROLE_").to_ascii_lowercase();
    printer.note(&format!("#{}  {role}  {received}", record.sequence))?;
    printer.note(&indented(&content(record)))
}

/// Returns the content for a person, neutralised line by line.
fn content(record: &Record) -> String {
    match &record.content {
        Some(record::Content::Text(text)) => terminal::lines(text),
        Some(record::Content::ToolCall(call)) => {
            let call = (&call.name, &call.arguments, &call.result);
            format!("{}({}) = {}", terminal::one_line(call.0), terminal::lines(call.1), terminal::lines(call.2))
        }
        Some(record::Content::Attachment(file)) => attachment(file),
        Some(record::Content::Annotation(note)) => format!("note: {}", terminal::lines(&note.note)),
        None => "(content withheld)".to_owned(),
    }
}

/// Returns what is known of a file, and what it holds where that may leave.
fn attachment(file: &v1::Attachment) -> String {
    let name = if file.file_name.is_empty() { "(no name)" } else { &file.file_name };
    let known = format!("file {name} ({}, {} bytes, SHA-256 {})", file.media_type, file.size, file.sha256);
    let held = if file.withheld { "(content withheld)".into() } else { String::from_utf8_lossy(&file.data) };
    format!("{}\n{}", terminal::one_line(&known), terminal::lines(&held))
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}\n")).collect()
}

impl View {
    fn wire(self) -> v1::View {
        match self {
            Self::Metadata => v1::View::Metadata,
            Self::Redacted => v1::View::Redacted,
            Self::Original => v1::View::Original,
        }
    }
}

impl CreateArgs {
    fn request(self) -> Result<v1::CreateConversationRequest, CliError> {
        let conversation = Conversation {
            client_reference: self.client_reference,
            bot: self.bot,
            channel: self.channel,
            audience: self.audience.into(),
            subject: subject(self.subject_file.as_ref())?,
            retention_class: self.retention_class,
            labels: self.labels,
            ..Conversation::default()
        };
        Ok(v1::CreateConversationRequest {
            parent: self.tenant,
            conversation: Some(conversation),
            request_id: request_id(),
        })
    }
}

impl AnnotateArgs {
    fn request(self) -> v1::AnnotateRequest {
        v1::AnnotateRequest {
            name: self.name,
            note: self.note,
            add_labels: self.add_labels,
            remove_labels: self.remove_labels,
            about_sequence: self.about,
            request_id: request_id(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_record_stays_in_its_lines() {
        let text = "hi\u{1b}[1A\r#9  system  forged\nnext\u{202e}";
        let record = Record { content: Some(record::Content::Text(text.to_owned())), ..Record::default() };
        let shown = indented(&content(&record));
        assert_eq!(shown, "    hi\\u{1b}[1A\\u{d}#9  system  forged\n    next\\u{202e}\n");
    }
}
