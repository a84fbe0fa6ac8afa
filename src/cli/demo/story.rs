//! The story itself, told by gRPC calls.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use serde::Deserialize;
use subrosa_proto::v1;
use subrosa_proto::v1::audit_service_client::AuditServiceClient;
use subrosa_proto::v1::conversation_service_client::ConversationServiceClient;
use subrosa_proto::v1::ingest_service_client::IngestServiceClient;
use subrosa_proto::v1::key_service_client::KeyServiceClient;
use subrosa_proto::v1::policy_service_client::PolicyServiceClient;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::cli::client::{Connection, request_id};
use crate::cli::exit::CliError;
use crate::cli::host::{DevFacts, Endpoints};
use crate::cli::output::Printer;
use crate::cli::terminal::one_line;
use crate::clock::{Clock as _, SystemClock};
use crate::watch::task;

use super::people::People;

const CONVERSATIONS: &str = include_str!("conversations.json");
/// How long the story waits for the vault to do what it must.
const PATIENCE: Duration = Duration::from_secs(15);
const ROTATIONS: usize = 3;

#[derive(Deserialize)]
struct Sample {
    title: String,
    bot: String,
    channel: String,
    #[serde(default)]
    retention_class: String,
    turns: Vec<Turn>,
    planted: Vec<String>,
}

#[derive(Deserialize)]
struct Turn {
    role: String,
    #[serde(default)]
    text: String,
    #[serde(default)]
    tool: String,
    #[serde(default)]
    arguments: String,
    #[serde(default)]
    result: String,
}

/// Tells the story and returns the values that were planted in it.
pub(super) async fn tell(
    endpoints: &Endpoints,
    facts: &DevFacts,
    clock_file: &Path,
    printer: &mut Printer,
) -> Result<Vec<String>, CliError> {
    let samples: Vec<Sample> =
        serde_json::from_str(CONVERSATIONS).map_err(|error| CliError::Failed(format!("samples: {error}")))?;
    let people = People::connect(endpoints, facts).await?;
    let tenant = facts.tenant.as_str();
    add_short_class(&people.compliance, tenant).await?;

    printer.note("\n1. A bot backend appends three conversations over gRPC with TLS; the vault redacts, seals, commits, audits.")?;
    let mut names = Vec::new();
    for sample in &samples {
        names.push(append(&people.bot, tenant, sample, printer).await?);
    }
    printer.note("\n2. What a reader sees (purpose QUALITY). The same value has the same pseudonym in every turn:")?;
    let read = read(&people.reader, &names[0]).await.map_err(CliError::from)?;
    for record in &read {
        printer.note(&format!("   {:>2} {}", record.sequence, shown(record)))?;
    }
    no_value_left(&read, &samples[0].planted)?;

    printer.note("\n3. An operator tries to read the same conversation:")?;
    refused(read_as(&people.operator, &names[0]).await, Code::PermissionDenied, "PERMISSION_DENIED", printer)?;

    printer.note("\n4. What the audit log says of both, before a byte left:")?;
    audit(&people.auditor, tenant, &names[0], printer).await?;

    printer.note("\n5. The tenant's key is rotated while a reader reads on:")?;
    rotate(&people, tenant, &names[0], printer).await?;

    printer.note("\n6. Three days pass. The conversation that was to be kept for one day expires: its key is destroyed.")?;
    expire(&people.reader, &names[2], clock_file, printer).await?;
    if !self::read(&people.reader, &names[0]).await.is_ok_and(|left| left.len() == read.len()) {
        return Err(CliError::Failed("a conversation that is to be kept cannot be read".to_owned()));
    }
    printer.note("   The other two are as readable as before.")?;

    printer.note("\n7. A byte scan of every file of the stopped vault for what the conversations held:")?;
    Ok(samples.into_iter().flat_map(|sample| sample.planted).collect())
}

/// Adds a retention class of one day beside the tenant's default; adding one shortens nothing.
async fn add_short_class(vault: &Connection, tenant: &str) -> Result<(), CliError> {
    let mut client = PolicyServiceClient::new(vault.channel());
    let name = format!("{tenant}/policies/retention");
    let request = v1::GetPolicyRequest { name: name.clone() };
    let current = client.get_policy(vault.request(request)).await?.into_inner().policy.unwrap_or_default();
    let Some(v1::policy::Document::Retention(mut retention)) = current.document else {
        return Err(CliError::Failed("the tenant has no retention policy".to_owned()));
    };
    let day = prost_types::Duration { seconds: 86_400, nanos: 0 };
    retention.classes.push(v1::RetentionClass { name: "short".to_owned(), retention: Some(day) });
    let document = Some(v1::policy::Document::Retention(retention));
    let policy = v1::Policy { name, kind: v1::PolicyKind::Retention.into(), document, ..Default::default() };
    let request = v1::ProposePolicyRequest {
        parent: tenant.to_owned(),
        policy: Some(policy),
        base_version: current.version,
        request_id: request_id(),
    };
    client.propose_policy(vault.request(request)).await?;
    Ok(())
}

async fn append(vault: &Connection, tenant: &str, sample: &Sample, printer: &mut Printer) -> Result<String, CliError> {
    let conversation = v1::Conversation {
        bot: sample.bot.clone(),
        channel: sample.channel.clone(),
        audience: v1::Audience::Customer.into(),
        retention_class: sample.retention_class.clone(),
        ..Default::default()
    };
    let request = v1::CreateConversationRequest {
        parent: tenant.to_owned(),
        conversation: Some(conversation),
        request_id: request_id(),
    };
    let made = ConversationServiceClient::new(vault.channel()).create_conversation(vault.request(request)).await?;
    let parent = made.into_inner().conversation.unwrap_or_default().name;
    let records = sample.turns.iter().map(Turn::record).collect();
    let request =
        v1::AppendRecordsRequest { parent: parent.clone(), request_id: request_id(), records, ..Default::default() };
    let done = IngestServiceClient::new(vault.channel()).append_records(vault.request(request)).await?.into_inner();
    let redacted: Vec<String> =
        done.redactions.iter().map(|count| format!("{} {}", count.count, one_line(&count.finding_class))).collect();
    printer.note(&format!("   {}: records {} to {} durable; redacted: {}", sample.title, done.first_sequence, done.last_sequence, redacted.join(", ")))?;
    Ok(parent)
}

impl Turn {
    fn record(&self) -> v1::Record {
        let role = match self.role.as_str() {
            "user" => v1::AuthorRole::User,
            "tool" => v1::AuthorRole::Tool,
            _ => v1::AuthorRole::Assistant,
        };
        let content = if self.tool.is_empty() {
            v1::record::Content::Text(self.text.clone())
        } else {
            let (name, arguments, result) = (self.tool.clone(), self.arguments.clone(), self.result.clone());
            v1::record::Content::ToolCall(v1::ToolCall { name, arguments, result })
        };
        v1::Record { author_role: role.into(), content: Some(content), ..Default::default() }
    }
}

async fn read(vault: &Connection, name: &str) -> Result<Vec<v1::Record>, Status> {
    let request = v1::ReadConversationRequest {
        name: name.to_owned(),
        purpose: v1::Purpose::Quality.into(),
        ..Default::default()
    };
    let mut stream =
        ConversationServiceClient::new(vault.channel()).read_conversation(vault.request(request)).await?.into_inner();
    let mut records = Vec::new();
    while let Some(message) = stream.message().await? {
        records.extend(message.record);
    }
    Ok(records)
}

async fn read_as(vault: &Connection, name: &str) -> Result<(), Status> {
    read(vault, name).await.map(|_| ())
}

fn shown(record: &v1::Record) -> String {
    let role = record.author_role().as_str_name().trim_start_matches("AUTHOR_ROLE_").to_lowercase();
    let text = match &record.content {
        Some(v1::record::Content::Text(text)) => one_line(text),
        Some(v1::record::Content::ToolCall(call)) => {
            format!("{}({}) -> {}", one_line(&call.name), one_line(&call.arguments), one_line(&call.result))
        }
        _ => String::new(),
    };
    format!("{role:>9}: {text}")
}

/// Checks that no planted value is in what was read.
fn no_value_left(records: &[v1::Record], planted: &[String]) -> Result<(), CliError> {
    let text: String = records.iter().map(shown).collect();
    match planted.iter().position(|value| text.contains(value.as_str())) {
        Some(at) => Err(CliError::Failed(format!("planted value {at} was handed to the reader"))),
        None => Ok(()),
    }
}

fn reason(status: &Status) -> String {
    status.get_details_error_info().map(|info| one_line(&info.reason)).unwrap_or_default()
}

fn refused(answer: Result<(), Status>, code: Code, wanted: &str, printer: &mut Printer) -> Result<(), CliError> {
    match answer {
        Err(status) if status.code() == code && reason(&status) == wanted => {
            printer.note(&format!("   {code:?}, reason {wanted}: {}", one_line(status.message())))
        }
        Err(status) => Err(CliError::Failed(format!("answered {:?} {}, not {wanted}", status.code(), reason(&status)))),
        Ok(()) => Err(CliError::Failed(format!("was not refused with {wanted}"))),
    }
}

async fn audit(vault: &Connection, tenant: &str, name: &str, printer: &mut Printer) -> Result<(), CliError> {
    let request = v1::ListAuditEventsRequest {
        parent: tenant.to_owned(),
        operation: "ReadConversation".to_owned(),
        page_size: 100,
        ..Default::default()
    };
    let listed = AuditServiceClient::new(vault.channel()).list_audit_events(vault.request(request)).await?.into_inner();
    for event in &listed.events {
        printer.note(&format!("   #{:<3} {}", event.index, one_line(&String::from_utf8_lossy(&event.canonical))))?;
    }
    let has = |decision: v1::AuditDecision| listed.events.iter().any(|event| event.decision() == decision);
    let allowed = listed.events.iter().any(|event| event.object == name);
    if !(allowed && has(v1::AuditDecision::Allowed) && has(v1::AuditDecision::Denied)) {
        return Err(CliError::Failed("the audit log does not have both the read and the denial".to_owned()));
    }
    let root = data_encoding::HEXLOWER.encode(&listed.root_hash);
    printer.note(&format!("   ... of {} entries under the signed tree head {root}", listed.tree_size))
}

async fn rotate(people: &People, tenant: &str, name: &str, printer: &mut Printer) -> Result<(), CliError> {
    let (going, reads) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicU64::new(0)));
    let reader = task::spawn("demo-reader", {
        let (going, reads, vault, name) = (Arc::clone(&going), Arc::clone(&reads), people.reader.clone(), name.to_owned());
        async move {
            while going.load(Ordering::SeqCst) {
                read(&vault, &name).await?;
                reads.fetch_add(1, Ordering::SeqCst);
            }
            Ok::<(), Status>(())
        }
    });
    let mut client = KeyServiceClient::new(people.operator.channel());
    for _ in 0..ROTATIONS {
        let request = v1::RotateKeyRequest { parent: tenant.to_owned(), request_id: request_id() };
        let done = client.rotate_key(people.operator.request(request)).await?.into_inner();
        let key = done.key.unwrap_or_default();
        printer.note(&format!("   {} is active, {} buckets wrapped under it", one_line(&key.name), done.rewrapped_count))?;
        let before = reads.load(Ordering::SeqCst);
        wait_until(async || reads.load(Ordering::SeqCst) > before + 1 || reader.is_finished()).await?;
    }
    going.store(false, Ordering::SeqCst);
    reader.await.map_err(|_| CliError::Failed("the reader stopped".to_owned()))??;
    printer.note(&format!("   {} reads meanwhile, none failed.", reads.load(Ordering::SeqCst)))
}

async fn expire(vault: &Connection, name: &str, clock_file: &Path, printer: &mut Printer) -> Result<(), CliError> {
    let later = SystemClock.now().plus(Duration::from_secs(3 * 86_400));
    std::fs::write(clock_file, later.to_string()).map_err(CliError::io(clock_file.display().to_string()))?;
    wait_until(async || read(vault, name).await.is_err()).await?;
    refused(read_as(vault, name).await, Code::NotFound, "CONVERSATION_EXPIRED", printer)
}

async fn wait_until(done: impl AsyncFn() -> bool) -> Result<(), CliError> {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !done().await {
        if tokio::time::Instant::now() > deadline {
            return Err(CliError::Failed("the vault did not do in time what it must".to_owned()));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}
