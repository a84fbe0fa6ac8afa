//! The use cases, one file per family. Each takes proof that it is allowed, does its work through the rooms below, and hands
//! back an [`Audited`] value: there is no reply without a committed audit entry.
//!
//! | use case | file |
//! |---|---|
//! | records in | `ingest`, `stream`, `preview`, `explain` |
//! | records out | `read`, `context` |
//! | conversations: create, find, show, list, close, annotate, search | `conversations`, `listing`, `annotate` |
//! | tenants and their policies | `tenants`, `policies`, `backtest` |
//! | values that redaction missed | `redact_record`, `redact_records`, `remove`, `reseal` |
//! | keys | `rotate` |
//! | API keys | `api_keys` |
//! | the audit log | `events`, `checkpoints` |
//! | retention running out | `expire` |
//! | start-up checks | `start` |
//! | acts that were cut short | `reconcile` |
//! | how it is doing | `status` |

mod annotate;
mod api_keys;
mod audited;
mod backtest;
mod checkpoints;
mod context;
mod conversations;
mod engines;
mod events;
mod expire;
mod explain;
mod idempotency;
mod ingest;
mod known;
mod listing;
mod orphans;
mod paging;
mod policies;
mod preview;
mod read;
mod reconcile;
mod redact;
mod redact_record;
mod redact_records;
mod remove;
mod reseal;
mod rotate;
mod seal;
mod security_key;
mod start;
mod status;
mod stream;
mod tail;
mod tenants;
mod turns;
mod workshop;

use std::sync::Arc;

use crate::access::Gate;
use crate::clock::Clock;
use crate::domain::{Slug, Timestamp};
use crate::keys::KeyRing;
use crate::redaction::Class;
use crate::redaction::names::Names;
use crate::sealing::Backend;
use crate::store::DataStore;
use crate::watch::Metrics;

pub use annotate::Annotation;
pub use api_keys::IssuedKey;
pub use audited::Audited;
pub use backtest::{Backtest, Sample};
pub use checkpoints::Checkpointer;
pub use conversations::ConversationView;
pub use events::{EventFilter, EventPage};
pub use expire::ExpiryReport;
pub use idempotency::Idempotent;
pub use ingest::{Appended, Target};
pub use listing::ConversationFilter;
pub use paging::{Page, PageRequest};
pub use policies::{PolicyDocument, PolicyView};
pub use preview::Previewed;
pub use read::{ReadScope, RecordStream, ShownRecord};
pub use redact::FindingCounts;
pub use redact_record::{RedactedLater, Wanted};
pub use redact_records::{ConversationRedaction, Query, RedactedPage};
pub use remove::{Piece, Removal};
pub use rotate::{KeyView, RotationView};
pub use start::StartError;
pub use status::{Down, ExpiryState, LogState, StoreState, VaultState};
pub use stream::{Acked, IngestStream, PendingAck};
pub use tenants::TenantView;

/// What the vault is told at its start.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Which library seals.
    pub backend: Backend,
    /// The class that a new tenant begins with.
    pub default_retention_class: Slug,
    /// Days that records of that class stay.
    pub default_retention_days: u32,
    /// How long a request is remembered for its repetition, and a stream for its resumption.
    pub remember: std::time::Duration,
    /// How many bytes may be in redaction and sealing at once.
    pub work_bytes: usize,
    /// Whether the names model must take part: without it nothing is stored.
    pub names_required: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            backend: Backend::default(),
            default_retention_class: "standard".parse().expect("a constant slug is a slug"),
            default_retention_days: 90,
            remember: std::time::Duration::from_secs(72 * 3600),
            work_bytes: 128 * 1024 * 1024,
            names_required: false,
        }
    }
}

/// The vault: every use case is a method of it.
pub struct Vault {
    data: DataStore,
    keys: Arc<KeyRing>,
    gate: Arc<Gate>,
    clock: Arc<dyn Clock>,
    settings: Settings,
    engines: engines::Engines,
    /// The names model, once it is there.
    names: std::sync::OnceLock<Arc<Names>>,
    tails: tail::Tails,
    turns: Arc<turns::Turns>,
    workshop: workshop::Workshop,
    tenants: tenants::TenantCache,
    expiry: expire::Progress,
    /// Held by an act on a tenant's keys from the look at what was done before to its outcome.
    key_acts: tokio::sync::Mutex<()>,
    /// Held by a redaction of stored records, likewise.
    redactions: tokio::sync::Mutex<()>,
    /// Held by a change of a policy, likewise.
    policy_changes: tokio::sync::Mutex<()>,
    metrics: Arc<Metrics>,
    started: Timestamp,
}

impl Vault {
    /// Returns the gate that every call goes through first.
    pub fn gate(&self) -> &Arc<Gate> {
        &self.gate
    }

    /// Returns the keys.
    pub fn keys(&self) -> &Arc<KeyRing> {
        &self.keys
    }

    /// Returns the counters that the vault moves.
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// Hands the vault its names model. The first one stays.
    pub fn install_names(&self, names: Arc<Names>) {
        let _ = self.names.set(names);
    }

    /// Tells whether the names model is still awaited: it is required and not there.
    pub fn awaits_names(&self) -> bool {
        self.settings.names_required && self.names.get().is_none()
    }

    /// Counts an append that became durable.
    fn appended(&self, records: u64, redactions: &FindingCounts, took: std::time::Duration) {
        self.metrics.appended(records, took);
        for (class, count) in redactions {
            if let Ok(class) = class.parse::<Class>() {
                self.metrics.redacted(class.as_str(), *count);
            }
        }
    }

    /// Returns the one retention class that a new tenant has.
    pub fn first_retention_class(&self) -> &Slug {
        &self.settings.default_retention_class
    }

    /// Returns the vault's time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}
