//! Tenant keys.

use data_encoding::HEXLOWER;
use subrosa_proto::v1;

use crate::domain::KeyName;
use crate::vault::{KeyView, RotationView};

use super::enums::show_key_state;
use super::fields::{show_duration, show_time};

/// Writes a key version.
pub(in crate::grpc) fn show((row, dependents): KeyView) -> v1::Key {
    v1::Key {
        name: KeyName { tenant: row.tenant, version: row.version }.to_string(),
        version: row.version.into(),
        state: show_key_state(row.state).into(),
        create_time: Some(show_time(row.create_time)),
        key_check_value: HEXLOWER.encode(&row.check),
        dependent_count: dependents,
    }
}

/// Writes what a rotation did.
pub(in crate::grpc) fn rotated(done: RotationView) -> v1::RotateKeyResponse {
    v1::RotateKeyResponse {
        key: Some(show(done.key)),
        previous_key: done.previous.map(show),
        rewrapped_count: done.rewrapped,
        rewrap_duration: Some(show_duration(done.took)),
    }
}
