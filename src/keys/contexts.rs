//! What each wrap says of itself: the associated data of every wrapped key, in one place (`docs/format.md`, "Wraps").

use crate::domain::{ConversationId, TenantId};
use crate::sealing::{KeyKind, WrapContext};
use crate::store::{BucketId, BucketKind};

/// Makes the contexts of one vault.
#[derive(Debug, Clone, Copy)]
pub(super) struct Contexts {
    pub(super) vault_id: [u8; 16],
}

/// A context with the bytes it points to.
pub(super) struct Owned {
    vault_id: [u8; 16],
    tenant: String,
    what: KeyKind,
    subject: Vec<u8>,
    wrapping_kind: KeyKind,
    wrapping_id: Vec<u8>,
    wrapping_version: u64,
}

impl Owned {
    pub(super) fn as_ref(&self) -> WrapContext<'_> {
        WrapContext {
            vault_id: self.vault_id,
            tenant: &self.tenant,
            what: self.what,
            subject: &self.subject,
            wrapping_kind: self.wrapping_kind,
            wrapping_id: &self.wrapping_id,
            wrapping_version: self.wrapping_version,
        }
    }
}

impl Contexts {
    /// The epoch key in a root slot: subject = epoch (4 bytes, big-endian), wrapping id = the root's kind.
    pub(super) fn epoch(self, epoch: u32, root_kind: &str) -> Owned {
        self.make("", KeyKind::Epoch, &epoch.to_be_bytes(), KeyKind::Root, root_kind.as_bytes(), 0)
    }

    /// The log key: subject = its version (4 bytes), wrapping version = epoch.
    pub(super) fn log_key(self, version: u32, epoch: u32) -> Owned {
        self.make("", KeyKind::LogKey, &version.to_be_bytes(), KeyKind::Epoch, &[], u64::from(epoch))
    }

    /// A tenant KEK: subject = its version (4 bytes), wrapping version = epoch.
    pub(super) fn tenant_kek(self, tenant: &TenantId, version: u32, epoch: u32) -> Owned {
        self.make(tenant.as_str(), KeyKind::TenantKek, &version.to_be_bytes(), KeyKind::Epoch, &[], u64::from(epoch))
    }

    /// A tenant's index key: no subject, wrapping version = KEK version.
    pub(super) fn index_key(self, tenant: &TenantId, kek_version: u32) -> Owned {
        self.make(tenant.as_str(), KeyKind::IndexKey, &[], KeyKind::TenantKek, &[], u64::from(kek_version))
    }

    /// A bucket KEK: subject = bucket id (8 bytes) and kind as text, wrapping version = KEK version.
    pub(super) fn bucket(self, tenant: &TenantId, id: BucketId, kind: BucketKind, kek_version: u32) -> Owned {
        let mut subject = id.to_be_bytes().to_vec();
        subject.extend_from_slice(kind.to_string().as_bytes());
        self.make(tenant.as_str(), KeyKind::BucketKek, &subject, KeyKind::TenantKek, &[], u64::from(kek_version))
    }

    /// A segment DEK: subject = conversation (16 bytes) and DEK id (8 bytes), wrapping id = bucket id (8 bytes).
    pub(super) fn segment(self, tenant: &TenantId, of: &ConversationId, dek_id: u64, bucket: BucketId) -> Owned {
        let mut subject = of.as_bytes().to_vec();
        subject.extend_from_slice(&dek_id.to_be_bytes());
        self.make(tenant.as_str(), KeyKind::SegmentDek, &subject, KeyKind::BucketKek, &bucket.to_be_bytes(), 0)
    }

    /// A conversation key: subject = conversation (16 bytes), wrapping id = bucket id (8 bytes).
    pub(super) fn conversation(self, tenant: &TenantId, of: &ConversationId, bucket: BucketId) -> Owned {
        let id = bucket.to_be_bytes();
        self.make(tenant.as_str(), KeyKind::ConversationKey, of.as_bytes(), KeyKind::BucketKek, &id, 0)
    }

    fn make(
        self,
        tenant: &str,
        what: KeyKind,
        subject: &[u8],
        wrapping_kind: KeyKind,
        wrapping_id: &[u8],
        wrapping_version: u64,
    ) -> Owned {
        Owned {
            vault_id: self.vault_id,
            tenant: tenant.to_owned(),
            what,
            subject: subject.to_vec(),
            wrapping_kind,
            wrapping_id: wrapping_id.to_vec(),
            wrapping_version,
        }
    }
}
