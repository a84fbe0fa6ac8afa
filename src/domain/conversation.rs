//! A conversation: what a client says of it, and what the vault keeps sealed.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::codes::{Audience, Purpose};
use super::ids::Slug;
use super::time::Timestamp;

/// The most labels on one conversation.
pub const MAX_LABELS: usize = 64;
/// The most bytes of a client reference or a subject.
pub const MAX_REFERENCE_BYTES: usize = 256;

/// A conversation as a client describes it: checked for form, not yet redacted. Nothing stores this type.
#[derive(Clone)]
pub struct NewConversation {
    /// The client's own id for it: kept as a keyed handle, and sealed in redacted form.
    pub client_reference: Option<String>,
    /// The bot.
    pub bot: Slug,
    /// The version of the bot.
    pub bot_version: Option<Slug>,
    /// Where it takes place, such as `web` or `phone`.
    pub channel: Option<Slug>,
    /// Who it is with.
    pub audience: Audience,
    /// The end user: kept as a keyed handle only.
    pub subject: Option<String>,
    /// The language, such as `en` or `pt-BR`.
    pub language: Option<Slug>,
    /// The purposes the end user consented to.
    pub consent: BTreeSet<Purpose>,
    /// How long its records stay; none is the tenant's default class.
    pub retention_class: Option<Slug>,
    /// Searchable labels.
    pub labels: BTreeSet<Slug>,
}

impl fmt::Debug for NewConversation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewConversation").field("bot", &self.bot).finish_non_exhaustive()
    }
}

/// What is kept sealed of a conversation under its conversation key; bot, channel and labels repeat what stands in clear.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConversationMeta {
    /// Who it is with.
    pub audience: Audience,
    /// The bot.
    pub bot: Slug,
    /// The version of the bot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bot_version: Option<Slug>,
    /// Where it takes place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<Slug>,
    /// The client's own id for it, redacted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_reference: Option<String>,
    /// The purposes the end user consented to.
    #[serde(skip_serializing_if = "BTreeSet::is_empty", default)]
    pub consent: BTreeSet<Purpose>,
    /// When the vault made it.
    pub create_time: Timestamp,
    /// Searchable labels.
    #[serde(skip_serializing_if = "BTreeSet::is_empty", default)]
    pub labels: BTreeSet<Slug>,
    /// The language.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<Slug>,
    /// How long its records stay.
    pub retention_class: Slug,
    /// The handle of its subject, hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject_handle: Option<String>,
}

impl fmt::Debug for ConversationMeta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConversationMeta").field("bot", &self.bot).finish_non_exhaustive()
    }
}
