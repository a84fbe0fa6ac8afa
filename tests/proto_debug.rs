//! No message of `subrosa.v1` prints a string that it holds.
//!
//! Every message of the descriptor is filled with a canary in each string, byte string and map, once for each member
//! of each oneof, decoded into its Rust type and printed with `{:?}` and `{:#?}`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use prost::Message;
use prost::encoding::{WireType, encode_key, encode_varint};
use prost_types::field_descriptor_proto::Type;
use prost_types::{DescriptorProto, FieldDescriptorProto, FileDescriptorSet};
use subrosa_proto::{FILE_DESCRIPTOR_SET, v1};

const CANARY: &str = "c4n4ry";
/// How `Debug` of a byte vector would print the canary.
const CANARY_BYTES: &str = "99, 52, 110, 52, 114, 121";

/// What came of one message: what it printed, and what it encodes to again.
struct Outcome {
    printed: String,
    encoded: Vec<u8>,
}

type Check = fn(&[u8]) -> Outcome;

fn check<M: Message + Default + Debug>(wire: &[u8]) -> Outcome {
    let message = M::decode(wire).expect("what the descriptor describes decodes");
    Outcome { printed: format!("{message:?} {message:#?}"), encoded: message.encode_to_vec() }
}

macro_rules! checks {
    ($($message:ident,)*) => { BTreeMap::from([$((stringify!($message), check::<v1::$message> as Check)),*]) };
}

/// The Rust type of every message, by name.
#[rustfmt::skip]
fn checks() -> BTreeMap<&'static str, Check> {
    checks![
        AnnotateRequest, AnnotateResponse, Annotation, ApiKey, AppendRecordsRequest, AppendRecordsResponse, Attachment,
        AuditEvent, ClassRule, CloseConversationRequest, CloseConversationResponse, ComponentStatus, Conversation,
        ConversationRedaction, Explanation, PolicyDifference, PreviewPolicyRequest, PreviewPolicyResponse,
        RedactRecordRequest, RedactRecordResponse, RedactRecordsRequest, RedactRecordsResponse, RedactionSpan,
        RedactionSpans,
        CreateConversationRequest, CreateConversationResponse, CreateTenantRequest, CreateTenantResponse, DatabaseStatus,
        ExpiryStatus, Finding, FindingCount, FreezeTenantRequest, FreezeTenantResponse, GetContextRequest,
        GetContextResponse, GetConversationRequest, GetConversationResponse, GetKeyRequest, GetKeyResponse,
        GetPolicyRequest, GetPolicyResponse, GetStatusRequest, GetStatusResponse, GetTenantRequest, GetTenantResponse,
        IngestAppend, IngestOpen, IngestRequest, IngestResponse, IssueApiKeyRequest, IssueApiKeyResponse, Key,
        ListApiKeysRequest, ListApiKeysResponse, ListAuditEventsRequest, ListAuditEventsResponse,
        ListConversationsRequest, ListConversationsResponse, ListKeysRequest, ListKeysResponse, ListPolicyVersionsRequest,
        ListPolicyVersionsResponse, ListTenantsRequest, ListTenantsResponse, ListenerStatus, LogStatus, PermissionResult,
        Policy, PreviewRedactionRequest, PreviewRedactionResponse, ProposePolicyRequest, ProposePolicyResponse,
        ReadConversationRequest, ReadConversationResponse, Record, RedactionPolicy, RedactionSummary, RetentionClass,
        RetentionPolicy, RevokeApiKeyRequest, RevokeApiKeyResponse, Risk, RotateKeyRequest, RotateKeyResponse,
        ScheduleKeyDestructionRequest, ScheduleKeyDestructionResponse, SearchConversationsRequest,
        SearchConversationsResponse, Tenant, TestPermissionsRequest, TestPermissionsResponse, ToolCall,
        UnfreezeTenantRequest, UnfreezeTenantResponse, UpdateTenantRequest, UpdateTenantResponse, VaultStatus,
    ]
}

/// Every message type that the descriptor holds, by full name with a leading dot.
struct Schema(BTreeMap<String, DescriptorProto>);

impl Schema {
    fn load() -> Self {
        let descriptors = FileDescriptorSet::decode(FILE_DESCRIPTOR_SET).expect("the descriptor set decodes");
        let mut messages = BTreeMap::new();
        for file in descriptors.file {
            for message in file.message_type {
                let name = format!(".{}.{}", file.package.as_deref().unwrap_or_default(), message.name());
                for nested in &message.nested_type {
                    messages.insert(format!("{name}.{}", nested.name()), nested.clone());
                }
                messages.insert(name, message);
            }
        }
        Self(messages)
    }

    /// The names of the messages of our package, without it.
    fn own_messages(&self) -> BTreeSet<&str> {
        let own = self.0.keys().filter_map(|name| name.strip_prefix(".subrosa.v1."));
        own.filter(|name| !name.contains('.')).collect()
    }

    /// Encodes every way to fill a message: all fields outside oneofs, and one member of a oneof at a time.
    fn fillings(&self, type_name: &str) -> Vec<Vec<u8>> {
        let message = &self.0[type_name];
        let (members, plain): (Vec<_>, Vec<_>) = message.field.iter().partition(|field| field.oneof_index.is_some());
        let mut base = Vec::new();
        for field in plain {
            for value in self.field_fillings(field) {
                // A singular message field that stands twice is merged: every nested oneof ends as its last member,
                // and each nested message is checked on its own anyway.
                base.extend(value);
            }
        }
        let chosen = members.iter().flat_map(|field| self.field_fillings(field));
        let mut fillings: Vec<_> = chosen.map(|value| [base.clone(), value].concat()).collect();
        fillings.push(base);
        fillings
    }

    fn field_fillings(&self, field: &FieldDescriptorProto) -> Vec<Vec<u8>> {
        let number = u32::try_from(field.number()).expect("field numbers are positive");
        match field.r#type() {
            Type::String | Type::Bytes => vec![delimited(number, CANARY.as_bytes())],
            Type::Message => self.fillings(field.type_name()).iter().map(|inner| delimited(number, inner)).collect(),
            Type::Float => vec![fixed(number, WireType::ThirtyTwoBit, &1f32.to_le_bytes())],
            Type::Double => vec![fixed(number, WireType::SixtyFourBit, &1f64.to_le_bytes())],
            Type::Enum | Type::Bool | Type::Int32 | Type::Int64 | Type::Uint32 | Type::Uint64 => {
                vec![fixed(number, WireType::Varint, &[1])]
            }
            other => panic!("{}: teach this test {other:?}", field.name()),
        }
    }
}

fn delimited(number: u32, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    encode_key(number, WireType::LengthDelimited, &mut out);
    encode_varint(bytes.len() as u64, &mut out);
    out.extend_from_slice(bytes);
    out
}

fn fixed(number: u32, wire_type: WireType, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    encode_key(number, wire_type, &mut out);
    out.extend_from_slice(bytes);
    out
}

fn holds_canary(bytes: &[u8]) -> bool {
    bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes())
}

#[test]
fn every_message_of_the_protocol_is_checked() {
    let schema = Schema::load();
    assert_eq!(checks().into_keys().collect::<BTreeSet<_>>(), schema.own_messages());
}

#[test]
fn no_message_prints_a_string_that_it_holds() {
    let schema = Schema::load();
    let mut with_canary = 0;
    for (name, check) in checks() {
        for wire in schema.fillings(&format!(".subrosa.v1.{name}")) {
            let Outcome { printed, encoded } = check(&wire);
            assert!(!printed.contains(CANARY), "{name} prints a string: {printed}");
            assert!(!printed.contains(CANARY_BYTES), "{name} prints a byte string: {printed}");
            assert_eq!(holds_canary(&encoded), holds_canary(&wire), "{name} lost the canary, so nothing was tried");
            with_canary += usize::from(holds_canary(&wire));
        }
    }
    assert!(with_canary > 80, "only {with_canary} messages held the canary");
}

#[test]
fn a_record_prints_what_helps_and_is_no_content() {
    let record = v1::Record {
        sequence: 7,
        author_role: v1::AuthorRole::User.into(),
        content: Some(v1::record::Content::Text(CANARY.to_owned())),
        metadata: [("ticket".to_owned(), CANARY.to_owned())].into(),
        ..Default::default()
    };
    let printed = format!("{record:?}");
    for part in ["Record {", "sequence: 7", "author_role: Ok(User)", "content: Some(Text)", "metadata: [1]"] {
        assert!(printed.contains(part), "{part} is missing in {printed}");
    }
}
