//! Closed sets of words, each with one spelling and one number that are stored and never change.

use std::fmt;
use std::str::FromStr;

use super::ids::IdError;

/// Declares an enum whose variants have a stored number and a spelling.
macro_rules! coded {
    ($(#[$doc:meta])* $name:ident, $expected:literal { $($(#[$vdoc:meta])* $variant:ident = $code:literal, $text:literal;)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(try_from = "String", into = "String")]
        #[repr(u8)]
        pub enum $name {
            $($(#[$vdoc])* $variant = $code,)*
        }

        impl $name {
            /// Every value, in order of its number.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Returns the stored spelling.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// Returns the stored number.
            pub fn code(self) -> u8 {
                self as u8
            }

            /// Returns the value stored as `code`.
            pub fn from_code(code: u8) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)* _ => None }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(s: &str) -> Result<Self, IdError> {
                match s { $($text => Ok(Self::$variant),)* _ => Err(IdError { expected: $expected }) }
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;

            fn try_from(s: String) -> Result<Self, IdError> {
                s.parse()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> String {
                value.as_str().to_owned()
            }
        }
    };
}

coded!(
    /// What a credential lets its holder be (design section 8).
    Role, "one of ingestor, reader, compliance, privacy, approver, operator, security, auditor" {
        /// A bot backend: writes its own bot's conversations and reads back their redacted context.
        Ingestor = 1, "ingestor";
        /// Reads redacted conversations.
        Reader = 2, "reader";
        /// Searches, reads, holds and exports.
        Compliance = 3, "compliance";
        /// Erases and redacts, answers subject requests.
        Privacy = 4, "privacy";
        /// Approves what others request.
        Approver = 5, "approver";
        /// Runs the machine and the keys; never reads.
        Operator = 6, "operator";
        /// Issues and revokes credentials, freezes tenants; never to itself, never reads.
        Security = 7, "security";
        /// Checks the audit log; never reads content.
        Auditor = 8, "auditor";
    }
);

impl Role {
    /// Tells whether one principal must not have both roles: content and keys, or `security` and anything else.
    pub fn conflicts_with(self, other: Self) -> bool {
        let content = |role| matches!(role, Self::Ingestor | Self::Reader | Self::Compliance | Self::Privacy);
        let keys = |role| role == Self::Operator;
        let security = |role| role == Self::Security;
        content(self) && keys(other) || keys(self) && content(other) || security(self) != security(other)
    }
}

coded!(
    /// Why content is read. Required wherever content leaves the vault.
    Purpose, "one of SUPPORT, QUALITY, COMPLIANCE, LEGAL, SUBJECT_REQUEST, SECURITY, TRAINING" {
        /// Helping the end user of the conversation.
        Support = 1, "SUPPORT";
        /// Checking how well the bot does.
        Quality = 2, "QUALITY";
        /// Meeting a regulation.
        Compliance = 3, "COMPLIANCE";
        /// A legal matter.
        Legal = 4, "LEGAL";
        /// A request of the data subject.
        SubjectRequest = 5, "SUBJECT_REQUEST";
        /// A security incident.
        Security = 6, "SECURITY";
        /// Training or evaluating a model.
        Training = 7, "TRAINING";
    }
);

coded!(
    /// Who said it.
    AuthorRole, "one of user, assistant, agent, system, tool" {
        /// The end user.
        User = 1, "user";
        /// The bot.
        Assistant = 2, "assistant";
        /// A human agent who took over.
        Agent = 3, "agent";
        /// The bot's own instructions, or the vault.
        System = 4, "system";
        /// A tool that the bot called.
        Tool = 5, "tool";
    }
);

coded!(
    /// What kind of content a record seals. The number is part of the sealed context.
    RecordKind, "one of text, tool_call, attachment, annotation" {
        /// Text.
        Text = 1, "text";
        /// A call of a tool: name, arguments, result.
        ToolCall = 2, "tool_call";
        /// A file.
        Attachment = 3, "attachment";
        /// A note about the conversation or one of its records.
        Annotation = 4, "annotation";
    }
);

coded!(
    /// The kind of file that a record may hold (RFC 2046); `media` tells each by its content.
    MediaType, "one of text/plain, text/csv, text/markdown, application/json, application/pdf, image/png, image/jpeg, image/gif, image/webp, audio/ogg, audio/wav, audio/mpeg" {
        /// Text.
        Plain = 1, "text/plain";
        /// A table as text (RFC 4180).
        Csv = 2, "text/csv";
        /// Text with marks (RFC 7763).
        Markdown = 3, "text/markdown";
        /// JSON (RFC 8259).
        Json = 4, "application/json";
        /// A document (RFC 8118).
        Pdf = 5, "application/pdf";
        /// A picture.
        Png = 6, "image/png";
        /// A picture.
        Jpeg = 7, "image/jpeg";
        /// A picture.
        Gif = 8, "image/gif";
        /// A picture (RFC 9649).
        Webp = 9, "image/webp";
        /// Sound (RFC 5334).
        Ogg = 10, "audio/ogg";
        /// Sound.
        Wav = 11, "audio/wav";
        /// Sound: MP3 (RFC 3003).
        Mpeg = 12, "audio/mpeg";
    }
);

coded!(
    /// Who the conversation is with.
    Audience, "one of internal, customer" {
        /// Members of the tenant's own organisation.
        Internal = 1, "internal";
        /// The tenant's customers.
        Customer = 2, "customer";
    }
);

coded!(
    /// Where a conversation is in its life.
    ConversationState, "one of OPEN, CLOSED, EXPIRED" {
        /// Takes records.
        Open = 1, "OPEN";
        /// Takes no more records.
        Closed = 2, "CLOSED";
        /// Its last record ran out; only its id and times remain.
        Expired = 3, "EXPIRED";
    }
);

coded!(
    /// Whether a tenant is served.
    TenantState, "one of ACTIVE, FROZEN" {
        /// Served.
        Active = 1, "ACTIVE";
        /// Reads and writes of content are refused until it is unfrozen.
        Frozen = 2, "FROZEN";
    }
);

coded!(
    /// Where a tenant key version is in its life (NIST SP 800-57 part 1, section 7).
    KeyState, "one of PENDING, ACTIVE, DECRYPT_ONLY, DESTROYED" {
        /// Made, not yet used.
        Pending = 1, "PENDING";
        /// Wraps and unwraps.
        Active = 2, "ACTIVE";
        /// Unwraps only.
        DecryptOnly = 3, "DECRYPT_ONLY";
        /// Gone; its key check value remains.
        Destroyed = 4, "DESTROYED";
    }
);

coded!(
    /// A family of tenant policies.
    PolicyKind, "one of redaction, retention" {
        /// What is redacted, and how.
        Redaction = 1, "redaction";
        /// How long records stay.
        Retention = 2, "retention";
    }
);

coded!(
    /// How much of a record is shown, least first.
    View, "one of METADATA, REDACTED, ORIGINAL" {
        /// Everything but content.
        Metadata = 1, "METADATA";
        /// The redacted content.
        Redacted = 2, "REDACTED";
    }
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_spellings_read_back() {
        for role in Role::ALL {
            assert_eq!(Role::from_code(role.code()), Some(*role));
            assert_eq!(role.as_str().parse(), Ok(*role));
        }
        assert_eq!(Role::from_code(0), None);
        assert!("Reader".parse::<Role>().is_err());
    }

    #[test]
    fn nobody_holds_both_keys_and_content_or_security_and_anything() {
        use Role::{Approver, Auditor, Compliance, Ingestor, Operator, Privacy, Reader, Security};
        let conflict = Role::conflicts_with;
        for content in [Ingestor, Reader, Compliance, Privacy] {
            assert!(conflict(content, Operator) && conflict(Operator, content), "{content}");
            assert!(!conflict(content, Auditor) && !conflict(content, content) && !conflict(content, Approver));
        }
        for other in Role::ALL.iter().filter(|role| **role != Security) {
            assert!(conflict(Security, *other) && conflict(*other, Security), "{other}");
        }
        assert!(!conflict(Security, Security));
        assert!(!conflict(Operator, Operator));
    }
}
