//! Permissions as types, so that a use case says in its signature what it needs.

use super::permission::Permission;

/// A permission as a type: `Authorized<acts::RotateKey>` is proof that `RotateKey` was allowed.
pub trait Act: Send + Sync + 'static {
    /// The permission.
    const PERMISSION: Permission;
}

macro_rules! acts {
    ($($name:ident),+ $(,)?) => {
        /// One marker type for each permission.
        pub mod acts {
            use super::{Act, Permission};

            $(
                #[doc = concat!("The act `", stringify!($name), "`.")]
                #[derive(Debug, Clone, Copy)]
                pub struct $name;

                impl Act for $name {
                    const PERMISSION: Permission = Permission::$name;
                }
            )+
        }

        #[cfg(test)]
        const DECLARED: &[Permission] = &[$(Permission::$name),+];
    };
}

acts!(
    AppendRecords,
    Ingest,
    PreviewRedaction,
    CreateConversation,
    GetConversation,
    ListConversations,
    CloseConversation,
    ReadConversation,
    GetContext,
    Annotate,
    RedactRecord,
    RedactRecords,
    SearchConversations,
    ListAuditEvents,
    CreateTenant,
    GetTenant,
    ListTenants,
    UpdateTenant,
    FreezeTenant,
    UnfreezeTenant,
    ListKeys,
    GetKey,
    RotateKey,
    ScheduleKeyDestruction,
    GetPolicy,
    ProposePolicy,
    PreviewPolicy,
    ListPolicyVersions,
    IssueApiKey,
    ListApiKeys,
    RevokeApiKey,
    TestPermissions,
    GetStatus,
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_permission_has_its_act() {
        assert_eq!(DECLARED, Permission::ALL);
    }
}
