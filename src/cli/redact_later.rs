//! `subrosa conversation redact`: takes a value that redaction missed out of stored records.

use std::io::Read as _;
use std::path::PathBuf;

use clap::Args;
use indicatif::ProgressBar;
use subrosa_proto::v1::conversation_service_client::ConversationServiceClient;
use subrosa_proto::v1::{self, redact_record_request as one, redact_records_request as many};
use tonic::transport::Channel;
use zeroize::Zeroizing;

use super::args::time;
use super::client::{Connection, request_id};
use super::conversation::subject;
use super::exit::CliError;
use super::output::{Column, Output, Printer};

/// What is taken out, and where.
#[derive(Args, Debug)]
pub(super) struct RedactArgs {
    /// A record, tenants/{tenant}/conversations/{conversation}/records/{sequence}; or a conversation, or a tenant, for
    /// all records of it
    name: String,
    #[command(flatten)]
    what: WhatArgs,
    /// The class of the value or the spans, such as PERSON (default: SECRET for a value)
    #[arg(long = "class", value_name = "CLASS", default_value = "", hide_default_value = true)]
    finding_class: String,
    /// Only count what would be taken out, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Of a tenant: only conversations of this bot
    #[arg(long, default_value = "", hide_default_value = true)]
    bot: String,
    /// Of a tenant: file whose first line is the end user as the client knows them
    #[arg(long, value_name = "FILE")]
    subject_file: Option<PathBuf>,
    /// Of a tenant: only conversations created at this time or later
    #[arg(long, value_parser = time, value_name = "TIME")]
    from: Option<prost_types::Timestamp>,
    /// Of a tenant: only conversations created before this time
    #[arg(long, value_parser = time, value_name = "TIME")]
    before: Option<prost_types::Timestamp>,
    /// The case that it belongs to, kept in the audit log
    #[arg(long = "case", value_name = "CASE", default_value = "", hide_default_value = true)]
    case_reference: String,
}

#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
struct WhatArgs {
    /// File that holds the value, without the end of its last line; - for standard input (not a flag: others can read flags)
    #[arg(long, value_name = "FILE")]
    value_file: Option<PathBuf>,
    /// A piece of a field of one record, FIELD:START-END in bytes of the field as it is stored; may be given again
    #[arg(long = "span", value_name = "SPAN", value_parser = span, requires = "finding_class")]
    spans: Vec<v1::RedactionSpan>,
    /// What the redaction policy in force finds
    #[arg(long)]
    reapply: bool,
}

/// How conversations are listed.
const COLUMNS: &[Column] = &[("CONVERSATION", "conversation"), ("RECORDS", "record_count"), ("REDACTED", "redactions")];

type Client = ConversationServiceClient<Channel>;

/// Runs the command.
///
/// # Errors
///
/// There is no value, or the vault's answer.
pub(super) async fn run(args: RedactArgs, vault: &Connection, printer: &mut Printer) -> Result<(), CliError> {
    let client = Client::new(vault.channel());
    if args.name.contains("/records/") {
        return record(client, args, vault, printer).await;
    }
    if !args.what.spans.is_empty() {
        return Err(CliError::Usage("--span is for one record".to_owned()));
    }
    records(client, args, vault, printer).await
}

async fn record(
    mut client: Client,
    args: RedactArgs,
    vault: &Connection,
    printer: &mut Printer,
) -> Result<(), CliError> {
    let spans = |class: &str| v1::RedactionSpans {
        spans: args.what.spans.iter().cloned().map(|span| of_class(span, class)).collect(),
    };
    let what = match &args.what.value_file {
        Some(file) => one::What::Value(read(file)?.to_string()),
        None if args.what.reapply => one::What::ReapplyPolicy(true),
        None => one::What::Spans(spans(&args.finding_class)),
    };
    let finding_class = if args.what.spans.is_empty() { args.finding_class } else { String::new() };
    let request = v1::RedactRecordRequest {
        name: args.name,
        what: Some(what),
        finding_class,
        dry_run: args.dry_run,
        case_reference: args.case_reference,
        request_id: request_id(),
    };
    let answer = client.redact_record(vault.request(request)).await?.into_inner();
    printer.message(&answer)?;
    if !answer.scrubbed {
        printer.note(
            "\nThe destroyed key may still lie in the key store's file: a reader held it open. It is tried again.",
        )?;
    }
    Ok(())
}

async fn records(
    mut client: Client,
    args: RedactArgs,
    vault: &Connection,
    printer: &mut Printer,
) -> Result<(), CliError> {
    let value = args.what.value_file.as_ref().map(read).transpose()?;
    let subject = subject(args.subject_file.as_ref())?;
    let (mut page_token, mut found, mut sum) = (String::new(), Vec::new(), v1::RedactRecordsResponse::default());
    let mut scrubbed = true;
    let bar = bar(printer.output());
    loop {
        let what = value.as_ref().map_or(many::What::ReapplyPolicy(true), |value| many::What::Value(value.to_string()));
        let request = v1::RedactRecordsRequest {
            parent: args.name.clone(),
            subject: subject.clone(),
            start_time: args.from,
            end_time: args.before,
            bot: args.bot.clone(),
            what: Some(what),
            finding_class: args.finding_class.clone(),
            dry_run: args.dry_run,
            page_size: 0,
            page_token,
            case_reference: args.case_reference.clone(),
            request_id: request_id(),
        };
        let page = client.redact_records(vault.stream(request)).await?.into_inner();
        sum.searched_conversation_count += page.searched_conversation_count;
        sum.searched_record_count += page.searched_record_count;
        sum.unsearched_file_count += page.unsearched_file_count;
        scrubbed &= page.scrubbed;
        found.extend(page.conversations);
        bar.set_message(format!(
            "{} conversations, {} records",
            sum.searched_conversation_count, sum.searched_record_count
        ));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    bar.finish_and_clear();
    printer.messages(&found, COLUMNS)?;
    summary(&sum, scrubbed, printer)
}

fn summary(sum: &v1::RedactRecordsResponse, scrubbed: bool, printer: &mut Printer) -> Result<(), CliError> {
    let said = format!(
        "\n{} records of {} conversations were looked through; {} hold a file that is no text, in which nothing was looked for.",
        sum.searched_record_count, sum.searched_conversation_count, sum.unsearched_file_count
    );
    printer.note(&said)?;
    if scrubbed {
        return Ok(());
    }
    printer.note("A destroyed key may still lie in the key store's file: a reader held it open. It is tried again.")
}

fn bar(output: Output) -> ProgressBar {
    if output == Output::Human { ProgressBar::new_spinner() } else { ProgressBar::hidden() }
}

/// Reads a value: a file whole, but for the end of its last line.
fn read(file: &PathBuf) -> Result<Zeroizing<String>, CliError> {
    let mut value = Zeroizing::new(String::new());
    if file.as_os_str() == "-" {
        std::io::stdin().read_to_string(&mut value).map_err(CliError::io("standard input"))?;
    } else {
        let text = std::fs::read_to_string(file).map_err(CliError::io(file.display().to_string()))?;
        value = Zeroizing::new(text);
    }
    let length = value.strip_suffix('\n').map_or(value.len(), |line| line.strip_suffix('\r').unwrap_or(line).len());
    value.truncate(length);
    if value.is_empty() { Err(CliError::Usage("there is no value".to_owned())) } else { Ok(value) }
}

fn of_class(span: v1::RedactionSpan, class: &str) -> v1::RedactionSpan {
    v1::RedactionSpan { finding_class: class.to_owned(), ..span }
}

/// Reads `text:5-10`.
fn span(text: &str) -> Result<v1::RedactionSpan, &'static str> {
    const FORM: &str = "FIELD:START-END, such as text:5-10";
    let (field, range) = text.rsplit_once(':').ok_or(FORM)?;
    let (start, end) = range.split_once('-').ok_or(FORM)?;
    let (start, end) = (start.parse().map_err(|_| FORM)?, end.parse().map_err(|_| FORM)?);
    Ok(v1::RedactionSpan { field: field.to_owned(), start, end, finding_class: String::new() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read() {
        let read = span("metadata.a:b:5-10").unwrap();
        assert_eq!((read.field.as_str(), read.start, read.end), ("metadata.a:b", 5, 10));
        for wrong in ["", "text", "text:5", "text:-5", "text:5-x", "text:5-99999999999"] {
            assert!(span(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_value_is_a_file_without_the_end_of_its_last_line() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("value");
        for (written, expected) in [("Jo", "Jo"), ("Jo \r\n", "Jo "), ("a\nb\n", "a\nb"), ("a\n\n", "a\n")] {
            std::fs::write(&file, written).unwrap();
            assert_eq!(*read(&file).unwrap(), expected);
        }
        std::fs::write(&file, "\n").unwrap();
        assert!(read(&file).is_err());
    }
}
