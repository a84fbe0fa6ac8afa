//! Messages of the protocol as JSON, by their descriptors: fields in snake_case, as they are named in the `.proto` files.
//!
//! 64-bit numbers are numbers. A field that is not set has its default, or is left out where it is a message. Bytes are
//! base64, times RFC 3339, enums by their full name.

use std::collections::HashMap;
use std::sync::LazyLock;

use prost::Message;
use prost_reflect::{DescriptorPool, DeserializeOptions, DynamicMessage, Kind, MessageDescriptor, SerializeOptions};
use serde_json::Value;
use subrosa_proto::v1;

/// A message whose name in the protocol is known.
pub trait Named: Message + Default {
    /// The full name, such as `subrosa.v1.Tenant`.
    const NAME: &'static str;
}

/// Names messages after their Rust types, which the generator names after the protocol.
macro_rules! named {
    ($($message:ident),* $(,)?) => {
        $(impl Named for v1::$message { const NAME: &'static str = concat!("subrosa.v1.", stringify!($message)); })*

        /// Every message that a command can print.
        #[cfg(test)]
        pub(super) const NAMES: &[&str] = &[$(v1::$message::NAME,)*];
    };
}

named!(
    AnnotateResponse,
    ApiKey,
    AppendRecordsResponse,
    AuditEvent,
    ConversationRedaction,
    Conversation,
    GetContextResponse,
    IssueApiKeyResponse,
    Key,
    PermissionResult,
    Policy,
    PolicyDifference,
    PreviewPolicyResponse,
    ReadConversationResponse,
    Record,
    RedactRecordResponse,
    RotateKeyResponse,
    Tenant,
    VaultStatus,
);

/// Why a message cannot be turned into JSON or back. Never holds a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum JsonError {
    /// The descriptors of this build do not know the message: a fault of the program.
    #[error("the protocol of this build has no {0}")]
    NoDescriptor(&'static str),
    /// The bytes or the JSON are not the message.
    #[error("not a valid {0}: an unknown field, or a value of the wrong form")]
    Mismatch(&'static str),
}

/// Returns the message as JSON.
///
/// # Errors
///
/// Only by a fault of the program.
pub(super) fn to_json<M: Named>(message: &M) -> Result<Value, JsonError> {
    let mismatch = || JsonError::Mismatch(M::NAME);
    let dynamic =
        DynamicMessage::decode(descriptor::<M>()?, message.encode_to_vec().as_slice()).map_err(|_| mismatch())?;
    value_of(&dynamic).map_err(|_| mismatch())
}

/// Returns the message as JSON with its enums by what a person calls them, and its times by what `time` makes of them. Its
/// descriptor says which fields these are: a text may spell either, and stays as it is.
///
/// # Errors
///
/// As [`to_json`].
pub(super) fn to_json_for_person<M: Named>(message: &M, time: fn(&str) -> String) -> Result<Value, JsonError> {
    let mut value = to_json(message)?;
    retell(&descriptor::<M>()?, &mut value, time);
    Ok(value)
}

fn retell(descriptor: &MessageDescriptor, value: &mut Value, time: fn(&str) -> String) {
    for field in descriptor.fields() {
        let Some(value) = value.get_mut(field.name()) else { continue };
        match (field.kind(), value) {
            (Kind::Message(entry), Value::Object(pairs)) if field.is_map() => {
                let kind = entry.map_entry_value_field().kind();
                pairs.values_mut().for_each(|value| retell_one(&kind, value, time));
            }
            (kind, Value::Array(items)) => items.iter_mut().for_each(|value| retell_one(&kind, value, time)),
            (kind, value) => retell_one(&kind, value, time),
        }
    }
}

fn retell_one(kind: &Kind, value: &mut Value, time: fn(&str) -> String) {
    match (kind, value) {
        (Kind::Enum(_), Value::String(text)) => {
            if let Some(tail) = enum_tail(text) {
                tail.clone_into(text);
            }
        }
        (Kind::Message(inner), Value::String(text)) if inner.full_name() == "google.protobuf.Timestamp" => {
            *text = time(text);
        }
        (Kind::Message(inner), value @ Value::Object(_)) => retell(inner, value, time),
        _ => {}
    }
}

/// Returns a message of whatever name as JSON.
pub(super) fn value_of(message: &DynamicMessage) -> Result<Value, serde_json::Error> {
    let options =
        SerializeOptions::new().use_proto_field_name(true).stringify_64_bit_integers(false).skip_default_fields(false);
    message.serialize_with_options(serde_json::value::Serializer, &options)
}

/// Returns the descriptor of the message with this full name.
#[cfg(test)]
pub(super) fn message_named(name: &str) -> Option<MessageDescriptor> {
    POOL.as_ref()?.get_message_by_name(name)
}

/// Returns the message that the JSON text is. An unknown field is refused.
///
/// # Errors
///
/// The text is not the message.
pub(super) fn from_json<M: Named>(text: &str) -> Result<M, JsonError> {
    let mismatch = || JsonError::Mismatch(M::NAME);
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let options = DeserializeOptions::new().deny_unknown_fields(true);
    let dynamic = DynamicMessage::deserialize_with_options(descriptor::<M>()?, &mut deserializer, &options)
        .map_err(|_| mismatch())?;
    deserializer.end().map_err(|_| mismatch())?;
    M::decode(dynamic.encode_to_vec().as_slice()).map_err(|_| mismatch())
}

/// Returns what a person calls an enum value: `ACTIVE` for `TENANT_STATE_ACTIVE`. Nothing for any other text.
fn enum_tail(name: &str) -> Option<&'static str> {
    ENUM_TAILS.get(name).map(String::as_str)
}

static POOL: LazyLock<Option<DescriptorPool>> =
    LazyLock::new(|| DescriptorPool::decode(subrosa_proto::FILE_DESCRIPTOR_SET).ok());

static ENUM_TAILS: LazyLock<HashMap<String, String>> = LazyLock::new(|| {
    let mut tails = HashMap::new();
    for descriptor in POOL.iter().flat_map(DescriptorPool::all_enums) {
        let names: Vec<_> = descriptor.values().map(|value| value.name().to_owned()).collect();
        // The value 0 of each enum is `PREFIX_UNSPECIFIED` (buf STANDARD).
        let Some(prefix) = names.iter().find_map(|name| name.strip_suffix("UNSPECIFIED")) else { continue };
        let tail = |name: &String| {
            let tail = name.strip_prefix(prefix).unwrap_or(name);
            if tail == "UNSPECIFIED" { String::new() } else { tail.to_owned() }
        };
        tails.extend(names.iter().map(|name| (name.clone(), tail(name))));
    }
    tails
});

fn descriptor<M: Named>() -> Result<MessageDescriptor, JsonError> {
    let found = POOL.as_ref().and_then(|pool| pool.get_message_by_name(M::NAME));
    found.ok_or(JsonError::NoDescriptor(M::NAME))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_named_message_is_in_the_protocol() {
        let pool = POOL.as_ref().unwrap();
        for name in NAMES {
            assert!(pool.get_message_by_name(name).is_some(), "{name}");
        }
    }

    #[test]
    fn fields_are_in_snake_case_and_numbers_are_numbers() {
        let tenant = v1::Tenant {
            name: "tenants/a".into(),
            state: v1::TenantState::Active.into(),
            active_key_version: 7,
            create_time: Some(prost_types::Timestamp { seconds: 1_795_251_352, nanos: 0 }),
            ..Default::default()
        };
        let json = to_json(&tenant).unwrap();
        assert_eq!(json["active_key_version"], 7);
        assert_eq!(json["state"], "TENANT_STATE_ACTIVE");
        assert_eq!(json["create_time"], "2026-11-21T08:55:52Z");
        assert_eq!(json["default_retention_class"], "");
        assert_eq!(from_json::<v1::Tenant>(&json.to_string()).unwrap(), tenant);
    }

    #[test]
    fn an_unknown_field_is_refused_without_its_value() {
        let error = from_json::<v1::Policy>(r#"{"redaction": {"pakcs": ["hunter2"]}}"#).unwrap_err().to_string();
        assert!(!error.contains("hunter2"), "{error}");
        assert!(from_json::<v1::Policy>("{} x").is_err());
    }

    #[test]
    fn enums_are_told_by_their_tail() {
        assert_eq!(enum_tail("ROLE_INGESTOR"), Some("INGESTOR"));
        assert_eq!(enum_tail("AUDIT_DECISION_UNSPECIFIED"), Some(""));
        assert_eq!(enum_tail("hello"), None);
    }
}
