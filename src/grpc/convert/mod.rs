//! Messages to vocabulary and back. Into the vault everything is checked, and refused with the path of the field.

pub(super) mod access;
pub(super) mod audit;
pub(super) mod conversation;
pub(super) mod enums;
pub(super) mod fields;
pub(super) mod ingest;
pub(super) mod key;
pub(super) mod policy;
pub(super) mod record;
pub(super) mod redact;
pub(super) mod sample;
pub(super) mod shown;
pub(super) mod status;
pub(super) mod tenant;
