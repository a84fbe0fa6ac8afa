//! The door that `fuzz/` comes in by: what each method makes of its message before the vault sees it.
//!
//! Only there with `--cfg fuzzing`. The conversions are private to this room, because whoever called them would have come
//! around the gate; what is here hands out vocabulary and cannot reach a vault. Each function does what the method of its
//! name does first, so that the targets try the path that bytes of the network take.

use subrosa_proto::v1;

use crate::access::api_key::IssueRequest;
use crate::domain::{
    ConversationName, Error, NewConversation, NewRecord, PolicyName, Principal, Result, Slug, TenantId,
};
use crate::vault::{
    Annotation, ConversationFilter, EventFilter, Idempotent, PageRequest, PolicyDocument, PolicyView, Target,
};

use super::convert::fields;
use super::convert::ingest::Place;
use super::convert::{access, audit, conversation, enums, ingest, policy, record, tenant};

/// Reads `AppendRecords`.
pub fn append_records(
    principal: &Principal,
    mut message: v1::AppendRecordsRequest,
) -> Result<(Option<Idempotent>, Target, Vec<NewRecord>)> {
    let idempotent = fields::idempotent(&mut message, |message| &mut message.request_id)?;
    let place = Place {
        parent: message.parent,
        tenant: message.tenant,
        client_reference: message.client_reference,
        conversation: message.conversation,
    };
    Ok((idempotent, ingest::target(principal, place)?, record::records(message.records)?))
}

/// Reads one record, as `Ingest` does.
pub fn new_record(message: v1::Record) -> Result<NewRecord> {
    record::new_record(message)
}

/// Reads `CreateConversation`.
pub fn create_conversation(
    principal: &Principal,
    message: v1::CreateConversationRequest,
) -> Result<(TenantId, NewConversation)> {
    let of = fields::tenant("parent", &message.parent)?;
    let wanted = message.conversation.ok_or_else(|| Error::invalid("conversation", "required"))?;
    Ok((of, conversation::new_conversation(principal, wanted)?))
}

/// Reads `Annotate`.
pub fn annotate(message: v1::AnnotateRequest) -> Result<(ConversationName, Annotation)> {
    let name = fields::conversation("name", &message.name)?;
    Ok((name, conversation::annotation(message)?))
}

/// Reads `SearchConversations`.
pub fn search_conversations(mut message: v1::SearchConversationsRequest) -> Result<(PageRequest, ConversationFilter)> {
    fields::tenant("parent", &message.parent)?;
    enums::purpose("purpose", message.purpose)?;
    fields::case(&message.case_reference)?;
    let page = fields::page(message.page_size, std::mem::take(&mut message.page_token))?;
    Ok((page, conversation::filter(message)?))
}

/// Reads `ListAuditEvents`.
pub fn list_audit_events(mut message: v1::ListAuditEventsRequest) -> Result<(PageRequest, EventFilter)> {
    audit::log(&message.parent)?;
    let page = fields::page(message.page_size, std::mem::take(&mut message.page_token))?;
    Ok((page, audit::filter(message)?))
}

/// Reads `IssueApiKey`.
pub fn issue_api_key(message: &v1::IssueApiKeyRequest) -> Result<(Option<TenantId>, IssueRequest)> {
    Ok((fields::optional_tenant("tenant", &message.tenant)?, access::issue(message)?))
}

/// Reads the policy of `ProposePolicy`.
pub fn policy_document(message: Option<v1::Policy>) -> Result<PolicyDocument> {
    policy::document(message)
}

/// Writes a policy, as `GetPolicy` answers.
pub fn show_policy(view: PolicyView) -> v1::Policy {
    policy::show(view)
}

/// Reads `UpdateTenant`.
pub fn update_tenant(message: v1::UpdateTenantRequest) -> Result<(TenantId, Slug)> {
    tenant::update(message.tenant, message.update_mask)
}

/// Reads the name of a policy or of one of its versions.
pub fn policy_name(text: &str) -> Result<(PolicyName, Option<u32>)> {
    policy::policy_name("name", text)
}

/// Reads what `TestPermissions` is asked about.
pub fn object(text: &str) -> Result<(Option<TenantId>, Option<ConversationName>)> {
    access::object(text)
}

/// Reads the name of an API key.
pub fn key_id(text: &str) -> Result<&str> {
    access::key_id("name", text)
}
