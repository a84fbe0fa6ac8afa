//! Messages off the wire: what is accepted says the same as the message and keeps to the limits; a refusal names fields
//! and repeats nothing.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use prost::Message;
use subrosa::domain::{
    BotScope, Content, ConversationName, Error, MAX_BATCH_RECORDS, MAX_LABELS, MAX_METADATA_PAIRS, MAX_RECORD_BYTES,
    MAX_REFERENCE_BYTES, NewConversation, NewRecord, PolicyName, Principal, Result, Role, Timestamp,
};
use subrosa::grpc::fuzzing as wire;
use subrosa::vault::{PolicyDocument, PolicyView, Target};
use subrosa_fuzz::told;
use subrosa_proto::v1::{self, record};

/// The most of a number that RFC 8785 writes exactly: what is sealed is canonical JSON.
const MAX_INTEGER: u64 = (1 << 53) - 1;

static BOT: LazyLock<Principal> = LazyLock::new(|| Principal {
    id: "bots".parse().expect("a label"),
    pseudonym: "p-x".to_owned(),
    role: Role::Ingestor,
    tenant: Some("acme".parse().expect("a label")),
    bots: BotScope::Any,
});

fuzz_target!(|data: &[u8]| {
    let Some((which, bytes)) = data.split_first() else { return };
    match which % 10 {
        0 | 1 => tried(bytes, record),
        2 | 3 => tried(bytes, append),
        4 => tried(bytes, conversation),
        5 => tried(bytes, annotation),
        6 => tried(bytes, search),
        7 => tried(bytes, events),
        8 => tried(bytes, api_key),
        _ => tried(bytes, policy),
    }
});

/// Decodes a message and has it tried; a refusal is checked. The encoding is taken once more from what was decoded, so that
/// what is no message, or has fields that nobody knows, is the same to both sides.
fn tried<M: Message + Default + Clone>(bytes: &[u8], with: fn(M) -> Result<()>) {
    let Ok(message) = M::decode(bytes) else { return };
    let sent = message.encode_to_vec();
    assert!(M::decode(sent.as_slice()).expect("it was encoded").encode_to_vec() == sent);
    if let Err(error) = with(message) {
        told::refusal(&error);
    }
}

fn record(message: v1::Record) -> Result<()> {
    check(&message, &wire::new_record(message.clone())?);
    Ok(())
}

/// Holds a record against the message that it was read from, field by field.
fn check(message: &v1::Record, read: &NewRecord) {
    same(&message.client_id, &read.client_id, 128);
    same(&message.model, &read.model, 128);
    same(&message.prompt_version, &read.prompt_version, 128);
    same_time(message.occurred_at, read.occurred_at);
    assert_eq!(message.author_role, i32::from(read.author_role.code()));
    assert_eq!(message.supersedes, read.supersedes.unwrap_or(0));
    assert!(read.supersedes.is_none_or(|number| number <= MAX_INTEGER), "a number that has no exact form");
    let metadata: Vec<_> = read.metadata.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    let sent: Vec<_> = message.metadata.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    assert!(metadata == sent && sent.len() <= MAX_METADATA_PAIRS);
    match (&message.content, &read.content) {
        (Some(record::Content::Text(sent)), Content::Text(text)) => {
            assert!(sent == text && (1..=MAX_RECORD_BYTES).contains(&text.len()));
        }
        (Some(record::Content::ToolCall(call)), Content::ToolCall { name, arguments, result }) => {
            assert_eq!(call.name, name.as_str());
            assert!(call.arguments == *arguments && arguments.len() <= MAX_RECORD_BYTES);
            assert!(call.result == *result && result.len() <= MAX_RECORD_BYTES);
        }
        _ => panic!("content of one kind was read as content of another"),
    }
}

fn same(sent: &str, read: &Option<String>, most: usize) {
    assert!(sent == read.as_deref().unwrap_or_default() && sent.len() <= most && read.as_deref() != Some(""));
}

/// A time is kept to the millisecond.
fn same_time(sent: Option<prost_types::Timestamp>, read: Option<Timestamp>) {
    assert_eq!(sent.is_some(), read.is_some());
    if let (Some(sent), Some(read)) = (sent, read) {
        assert_eq!(read.unix_ms().div_euclid(1_000), sent.seconds);
        assert_eq!(read.unix_ms().rem_euclid(1_000), i64::from(sent.nanos / 1_000_000));
    }
}

fn append(message: v1::AppendRecordsRequest) -> Result<()> {
    let (idempotent, target, records) = wire::append_records(&BOT, message.clone())?;
    assert!((1..=MAX_BATCH_RECORDS).contains(&records.len()));
    assert_eq!(records.len(), message.records.len());
    message.records.iter().zip(&records).for_each(|(sent, read)| check(sent, read));
    if let Some(idempotent) = idempotent {
        assert_eq!(idempotent.id.to_string(), message.request_id);
        let without = v1::AppendRecordsRequest { request_id: String::new(), ..message.clone() };
        assert!(*idempotent.body == without.encode_to_vec(), "the body of a request is what is repeated");
    }
    match target {
        Target::Name(name) => assert_eq!(name.to_string(), message.parent),
        Target::Reference(tenant, wanted) => {
            assert_eq!(format!("tenants/{tenant}"), message.tenant);
            assert_eq!(wanted.client_reference.as_ref(), Some(&message.client_reference));
            check_conversation(&message.conversation.unwrap_or_default(), &wanted, &message.client_reference);
        }
    }
    Ok(())
}

fn conversation(message: v1::CreateConversationRequest) -> Result<()> {
    let (tenant, wanted) = wire::create_conversation(&BOT, message.clone())?;
    assert_eq!(format!("tenants/{tenant}"), message.parent);
    let sent = message.conversation.unwrap_or_default();
    check_conversation(&sent, &wanted, &sent.client_reference);
    Ok(())
}

fn check_conversation(sent: &v1::Conversation, read: &NewConversation, reference: &str) {
    same(reference, &read.client_reference, MAX_REFERENCE_BYTES);
    same(&sent.subject, &read.subject, MAX_REFERENCE_BYTES);
    let word = |word: &Option<subrosa::domain::Slug>| word.as_ref().map(ToString::to_string).unwrap_or_default();
    assert!(sent.bot == read.bot.as_str() || sent.bot.is_empty());
    assert_eq!(sent.bot_version, word(&read.bot_version));
    assert_eq!(sent.channel, word(&read.channel));
    assert_eq!(sent.language, word(&read.language));
    assert_eq!(sent.retention_class, word(&read.retention_class));
    assert!(sent.labels.len() <= MAX_LABELS && read.labels.len() <= sent.labels.len());
    assert!(read.labels.iter().all(|label| sent.labels.iter().any(|sent| sent == label.as_str())));
    assert!(sent.consent.iter().all(|purpose| *purpose != 0) && read.consent.len() <= sent.consent.len());
}

fn annotation(message: v1::AnnotateRequest) -> Result<()> {
    let (name, read) = wire::annotate(message.clone())?;
    assert_eq!(name.to_string(), message.name);
    assert!(message.name.parse::<ConversationName>().is_ok());
    assert_eq!(read.note.unwrap_or_default(), message.note);
    assert_eq!(read.about.unwrap_or(0), message.about_sequence);
    assert!(read.add_labels.len() <= MAX_LABELS && read.remove_labels.len() <= MAX_LABELS);
    Ok(())
}

fn search(message: v1::SearchConversationsRequest) -> Result<()> {
    let (page, read) = wire::search_conversations(message.clone())?;
    assert!(page.limit() <= 500 && page.token == message.page_token);
    same(&message.subject, &read.subject, MAX_REFERENCE_BYTES);
    same(&message.finding_class, &read.finding_class, 64);
    same_time(message.start_time, read.from);
    same_time(message.end_time, read.before);
    Ok(())
}

fn events(message: v1::ListAuditEventsRequest) -> Result<()> {
    let (page, read) = wire::list_audit_events(message.clone())?;
    assert!((1..=500).contains(&page.limit()));
    same(&message.actor, &read.actor, 256);
    same(&message.object, &read.object, 256);
    assert!(message.operation.ends_with(read.operation.as_deref().unwrap_or_default()));
    assert_eq!(read.allowed.is_some(), message.decision != 0);
    Ok(())
}

fn api_key(message: v1::IssueApiKeyRequest) -> Result<()> {
    let (tenant, read) = wire::issue_api_key(&message)?;
    assert_eq!(tenant.map(|tenant| format!("tenants/{tenant}")).unwrap_or_default(), message.tenant);
    assert_eq!(read.principal.as_str(), message.principal);
    assert_eq!(read.ttl.is_some(), message.ttl.is_some());
    let mut bots = message.bots.clone();
    bots.sort();
    bots.dedup();
    assert_eq!(read.bots.map(|bots| bots.words()).unwrap_or_default(), bots);
    Ok(())
}

/// A policy that is accepted is shown, and accepted once more as the same.
fn policy(message: v1::ProposePolicyRequest) -> Result<()> {
    let read = wire::policy_document(message.policy)?;
    let shown = show(read.clone());
    let again = wire::policy_document(Some(shown.clone())).map_err(|error| shown_refused(&error))?;
    assert!(show(again) == shown, "a policy changes by being shown");
    Ok(())
}

fn shown_refused(error: &Error) -> Error {
    panic!("a policy that was shown is refused: {error}")
}

fn show(document: PolicyDocument) -> v1::Policy {
    let kind = match document {
        PolicyDocument::Redaction(_) => subrosa::domain::PolicyKind::Redaction,
        PolicyDocument::Retention(_) => subrosa::domain::PolicyKind::Retention,
    };
    let name = PolicyName { tenant: "acme".parse().expect("a label"), kind };
    wire::show_policy(PolicyView { name, version: 1, create_time: Timestamp::from_unix_ms(0), active: true, document })
}
