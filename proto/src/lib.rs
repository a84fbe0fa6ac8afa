//! The protocol of the vault, `subrosa.v1`, and the code generated from it.
//!
//! - To call or to serve: the messages and the `*_service_client` and `*_service_server` modules of [`v1`].
//! - For reflection, and for tables that must hold every method: [`FILE_DESCRIPTOR_SET`].
//! - For `google.rpc.ErrorInfo`: [`ERROR_DOMAIN`] and [`v1::ErrorReason::reason`].
//!
//! # Security
//!
//! `Debug` of a message prints no string, byte string or map, whatever it holds: only numbers, flags, enums, times and
//! counts. So a message can stand in a log line or a panic without content in it. It says nothing about
//! `tonic::Request`, whose `Debug` prints the call's headers, the credential among them.

/// The messages, clients and servers of package `subrosa.v1`.
#[allow(
    clippy::all,
    clippy::pedantic,
    clippy::disallowed_methods,
    missing_docs,
    unreachable_pub,
    reason = "generated: what is to be documented is documented in the .proto files, which buf lints"
)]
pub mod v1 {
    include!(concat!(env!("OUT_DIR"), "/subrosa.v1.rs"));
    include!(concat!(env!("OUT_DIR"), "/debug_impls.rs"));

    /// Prints how many elements a repeated field has.
    struct Count(usize);

    impl ::core::fmt::Debug for Count {
        fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            write!(f, "[{}]", self.0)
        }
    }
}

/// The descriptors of every file of the protocol and of what they import, an encoded
/// [`google.protobuf.FileDescriptorSet`](prost_types::FileDescriptorSet) with comments.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

/// The `google.rpc.ErrorInfo.domain` of every error of the vault.
pub const ERROR_DOMAIN: &str = "subrosa";

/// What the protocol puts before the name of every error reason.
const REASON_PREFIX: &str = "ERROR_REASON_";

impl v1::ErrorReason {
    /// Returns the reason as it stands in `google.rpc.ErrorInfo.reason`: its name without `ERROR_REASON_`.
    #[must_use]
    pub fn reason(self) -> &'static str {
        let name = self.as_str_name();
        name.strip_prefix(REASON_PREFIX).unwrap_or(name)
    }

    /// Finds the reason that stands in `google.rpc.ErrorInfo.reason`; none when this version does not know it.
    #[must_use]
    pub fn from_reason(reason: &str) -> Option<Self> {
        Self::from_str_name(&format!("{REASON_PREFIX}{reason}"))
    }
}

#[cfg(test)]
mod tests {
    use prost::Message as _;
    use prost_types::FileDescriptorSet;

    use super::*;

    #[test]
    fn a_reason_goes_over_the_wire_without_its_prefix_and_comes_back() {
        assert_eq!(v1::ErrorReason::IdempotencyMismatch.reason(), "IDEMPOTENCY_MISMATCH");
        assert_eq!(v1::ErrorReason::from_reason("TENANT_FROZEN"), Some(v1::ErrorReason::TenantFrozen));
        assert_eq!(v1::ErrorReason::from_reason("ERROR_REASON_TENANT_FROZEN"), None);
        assert_eq!(v1::ErrorReason::from_reason("tenant_frozen"), None);
    }

    #[test]
    fn the_descriptor_set_stands_alone() {
        let set = FileDescriptorSet::decode(FILE_DESCRIPTOR_SET).expect("the descriptor set decodes");
        let files: Vec<_> = set.file.iter().map(|file| file.name()).collect();
        for file in &set.file {
            for import in &file.dependency {
                assert!(files.contains(&import.as_str()), "{} imports {import}, which is not there", file.name());
            }
        }
        let services: Vec<_> = set.file.iter().flat_map(|file| &file.service).map(|service| service.name()).collect();
        assert_eq!(services.len(), 9, "{services:?}");
    }
}
