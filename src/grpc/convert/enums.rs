//! Closed sets of words, one table each.

use subrosa_proto::v1;

use crate::domain::{
    Audience, AuthorRole, ConversationState, Error, KeyState, PolicyKind, Purpose, Reason, RecordKind, Result, Role,
    TenantState, View,
};

/// Declares how one enum of the protocol stands for one of the vocabulary. Unspecified and unknown values are refused, or, with
/// `or`, an unspecified one is none.
macro_rules! table {
    ($read:ident, $show:ident, $wire:ident, $domain:ident { $($name:ident),+ $(,)? }) => {
        #[doc = concat!("Reads a `", stringify!($wire), "`; unspecified is none.")]
        #[allow(dead_code, reason = "one table form for those that are only read and those that are only shown")]
        pub(in crate::grpc) fn $read(path: &str, value: i32) -> Result<Option<$domain>> {
            match v1::$wire::try_from(value) {
                Ok(v1::$wire::Unspecified) => Ok(None),
                $(Ok(v1::$wire::$name) => Ok(Some($domain::$name)),)+
                #[allow(unreachable_patterns, reason = "some enums have values that the vault does not offer")]
                _ => Err(Error::new(Reason::UnknownEnum).at(path)),
            }
        }

        #[doc = concat!("Writes a `", stringify!($wire), "`.")]
        #[allow(dead_code, reason = "as above")]
        pub(in crate::grpc) fn $show(value: $domain) -> v1::$wire {
            #[allow(unreachable_patterns, reason = "some values are never shown")]
            match value {
                $($domain::$name => v1::$wire::$name,)+
                _ => v1::$wire::Unspecified,
            }
        }
    };
}

table!(role, show_role, Role, Role { Ingestor, Reader, Compliance, Privacy, Approver, Operator, Security, Auditor });
table!(
    purpose,
    show_purpose,
    Purpose,
    Purpose { Support, Quality, Compliance, Legal, SubjectRequest, Security, Training }
);
table!(author_role, show_author_role, AuthorRole, AuthorRole { User, Assistant, Agent, System, Tool });
table!(record_kind, show_record_kind, RecordKind, RecordKind { Text, ToolCall, Attachment, Annotation });
table!(audience, show_audience, Audience, Audience { Internal, Customer });
table!(conversation_state, show_conversation_state, ConversationState, ConversationState { Open, Closed });
table!(tenant_state, show_tenant_state, TenantState, TenantState { Active, Frozen });
table!(key_state, show_key_state, KeyState, KeyState { Pending, Active, DecryptOnly, Destroyed });
table!(policy_kind, show_policy_kind, PolicyKind, PolicyKind { Redaction, Retention });

/// Reads a required enum field.
pub(in crate::grpc) fn required<T>(path: &str, value: Option<T>) -> Result<T> {
    value.ok_or_else(|| Error::invalid(path, "required"))
}

/// Reads a view: unspecified is redacted, and originals are not kept.
pub(in crate::grpc) fn view(path: &str, value: i32) -> Result<View> {
    match v1::View::try_from(value) {
        Ok(v1::View::Metadata) => Ok(View::Metadata),
        Ok(v1::View::Unspecified | v1::View::Redacted) => Ok(View::Redacted),
        Ok(v1::View::Original) => Err(Error::new(Reason::Unsupported).at(path).hint("this vault keeps no originals")),
        Err(_) => Err(Error::new(Reason::UnknownEnum).at(path)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_reads_back() {
        for value in Role::ALL {
            assert_eq!(role("role", show_role(*value) as i32).unwrap(), Some(*value));
        }
        for value in Purpose::ALL {
            assert_eq!(purpose("purpose", show_purpose(*value) as i32).unwrap(), Some(*value));
        }
        for value in AuthorRole::ALL {
            assert_eq!(author_role("role", show_author_role(*value) as i32).unwrap(), Some(*value));
        }
        for value in RecordKind::ALL {
            assert_eq!(record_kind("kind", show_record_kind(*value) as i32).unwrap(), Some(*value));
        }
        for value in KeyState::ALL {
            assert_eq!(key_state("state", show_key_state(*value) as i32).unwrap(), Some(*value));
        }
    }

    #[test]
    fn unknown_numbers_are_refused_and_zero_is_none() {
        assert_eq!(purpose("purpose", 0).unwrap(), None);
        let error = purpose("purpose", 99).unwrap_err();
        assert_eq!((error.reason(), error.field()), (Reason::UnknownEnum, Some("purpose")));
        assert_eq!(view("view", 0).unwrap(), View::Redacted);
        assert_eq!(view("view", v1::View::Original as i32).unwrap_err().reason(), Reason::Unsupported);
        assert_eq!(view("view", 9).unwrap_err().reason(), Reason::UnknownEnum);
    }
}
