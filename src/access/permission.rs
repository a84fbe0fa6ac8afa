//! The one table of who may call what. What it does not name is denied.

use crate::domain::Role;

/// How far a role reaches with a permission, within the tenant its credential is limited to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Conversations of its own bots only.
    Own,
    /// Everything; a credential that lists bots is limited to them all the same.
    Any,
}

/// What an act takes place in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// One tenant, which the request names.
    Tenant,
    /// A named tenant, or the vault itself when none is named. The vault itself needs a credential of no tenant.
    TenantOrVault,
    /// A named tenant, or all that the credential reaches when none is named.
    Reachable,
    /// The vault itself, whatever the request names: needs a credential of no tenant, and is logged in the system log.
    Vault,
    /// The process that serves: shows nothing of any tenant, so any credential with the role will do.
    Process,
}

/// What an act has to do with bots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bots {
    /// It is about one conversation, whose bot the use case says. No bot said means that there is no such conversation.
    One,
    /// It goes over conversations, and the use case filters them by [`super::Authorized::bots`].
    Filter,
    /// It is not about conversations.
    None,
}

/// One row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// The gRPC path, `/subrosa.v1.Service/Method`.
    pub path: &'static str,
    /// What the path needs.
    pub permission: Permission,
    /// Who has it, and how far.
    pub roles: &'static [(Role, Reach)],
    /// What it takes place in.
    pub place: Place,
    /// What it has to do with bots.
    pub bots: Bots,
    /// Whether content or a search over people leaves, so that a purpose must be given.
    pub purpose: bool,
    /// Whether it needs the approval of a second person. While there are no approvals that is a denial.
    pub second_person: bool,
}

impl Rule {
    /// Returns how far `role` reaches, or nothing when it does not have the permission at all.
    pub fn reach(&self, role: Role) -> Option<Reach> {
        self.roles.iter().find(|(having, _)| *having == role).map(|(_, reach)| *reach)
    }

    /// Returns the method's name, which is the operation in audit entries.
    pub fn operation(&self) -> &'static str {
        self.permission.as_str()
    }
}

/// Returns the row for a gRPC path; none means that nobody may call it.
pub fn rule_for(path: &str) -> Option<&'static Rule> {
    let (service, method) = path.strip_prefix("/subrosa.v1.")?.split_once('/')?;
    let found = TABLE.iter().find(|rule| rule.operation() == method)?;
    let own = found.path.strip_prefix("/subrosa.v1.")?.split_once('/')?.0;
    (own == service).then_some(found)
}

/// Declares permissions and their rows; a method without `place`, `bots` or roles does not compile.
macro_rules! table {
    ($($service:ident { $(
        $method:ident: $place:ident, $bots:ident $(, $flag:ident)*; $($role:ident $reach:ident),+;
    )+ })+) => {
        /// What a call needs: one for each method, under the method's name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Permission { $($(
            #[doc = concat!("To call `", stringify!($service), ".", stringify!($method), "`.")]
            $method,
        )+)+ }

        impl Permission {
            /// Every permission.
            pub const ALL: &'static [Self] = &[$($(Self::$method,)+)+];

            /// Returns the method's name.
            pub const fn as_str(self) -> &'static str {
                match self { $($(Self::$method => stringify!($method),)+)+ }
            }

            /// Returns its row.
            pub fn rule(self) -> &'static Rule {
                &TABLE[self as usize]
            }
        }

        /// Who may call what: design section 13, one row for each method, in the order of [`Permission::ALL`].
        pub const TABLE: &[Rule] = &[$($(Rule {
            path: concat!("/subrosa.v1.", stringify!($service), "/", stringify!($method)),
            permission: Permission::$method,
            roles: &[$((Role::$role, Reach::$reach)),+],
            place: Place::$place,
            bots: Bots::$bots,
            $($flag: true,)*
            ..ROW
        },)+)+];
    };
}

table! {
    IngestService {
        AppendRecords: Tenant, One; Ingestor Own;
        Ingest: Tenant, One; Ingestor Own;
        PreviewRedaction: Tenant, None; Ingestor Any, Compliance Any, Privacy Any;
    }
    ConversationService {
        CreateConversation: Tenant, One; Ingestor Own;
        GetConversation: Tenant, One; Ingestor Own, Reader Any, Compliance Any, Privacy Any;
        ListConversations: Tenant, Filter; Ingestor Own, Reader Any, Compliance Any, Privacy Any;
        CloseConversation: Tenant, One; Ingestor Own;
        ReadConversation: Tenant, One, purpose; Reader Any, Compliance Any, Privacy Any;
        GetContext: Tenant, One, purpose; Ingestor Own;
        Annotate: Tenant, One; Ingestor Own, Compliance Any, Privacy Any;
        RedactRecord: Tenant, One; Privacy Any;
        RedactRecords: Tenant, Filter; Privacy Any;
    }
    SearchService {
        SearchConversations: Tenant, Filter; Compliance Any, Privacy Any;
    }
    AuditService {
        ListAuditEvents: TenantOrVault, None; Compliance Any, Privacy Any, Security Any, Auditor Any;
    }
    TenantService {
        CreateTenant: Vault, None; Operator Any;
        GetTenant: Tenant, None; Operator Any, Security Any, Auditor Any;
        ListTenants: Reachable, None; Operator Any, Security Any, Auditor Any;
        UpdateTenant: Tenant, None; Operator Any;
        FreezeTenant: Tenant, None; Security Any;
        UnfreezeTenant: Tenant, None; Security Any;
    }
    KeyService {
        ListKeys: Tenant, None; Operator Any;
        GetKey: Tenant, None; Operator Any;
        RotateKey: Tenant, None; Operator Any;
        ScheduleKeyDestruction: Tenant, None, second_person; Operator Any;
    }
    PolicyService {
        GetPolicy: Tenant, None; Compliance Any, Privacy Any, Approver Any, Operator Any, Security Any, Auditor Any;
        ProposePolicy: Tenant, None; Compliance Any, Privacy Any;
        PreviewPolicy: Tenant, Filter, purpose; Compliance Any, Privacy Any;
        ListPolicyVersions: Tenant, None;
            Compliance Any, Privacy Any, Approver Any, Operator Any, Security Any, Auditor Any;
    }
    AccessService {
        IssueApiKey: TenantOrVault, None; Security Any;
        ListApiKeys: Reachable, None; Security Any;
        RevokeApiKey: TenantOrVault, None; Security Any;
        TestPermissions: TenantOrVault, None; Security Any;
    }
    AdminService {
        GetStatus: Process, None; Operator Any, Security Any, Auditor Any;
    }
}

/// The flags of a row that sets none.
const ROW: Rule = Rule {
    path: "",
    permission: Permission::AppendRecords,
    roles: &[],
    place: Place::Tenant,
    bots: Bots::None,
    purpose: false,
    second_person: false,
};

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use prost::Message;
    use prost_types::FileDescriptorSet;

    use super::*;

    fn methods_of_the_protocol() -> BTreeSet<String> {
        let set = FileDescriptorSet::decode(subrosa_proto::FILE_DESCRIPTOR_SET).unwrap();
        let files = set.file.iter().filter(|file| file.package() == "subrosa.v1");
        files
            .flat_map(|file| &file.service)
            .flat_map(|service| service.method.iter().map(move |method| (service.name(), method.name())))
            .map(|(service, method)| format!("/subrosa.v1.{service}/{method}"))
            .collect()
    }

    #[test]
    fn every_method_has_one_row_and_every_row_a_method() {
        let rows: BTreeSet<String> = TABLE.iter().map(|rule| rule.path.to_owned()).collect();
        assert_eq!(rows.len(), TABLE.len(), "a path has two rows");
        assert!(!rows.is_empty());
        assert_eq!(rows, methods_of_the_protocol());
    }

    #[test]
    fn rows_are_found_by_path_and_by_permission() {
        for (rule, permission) in TABLE.iter().zip(Permission::ALL) {
            assert_eq!(rule_for(rule.path), Some(rule));
            assert_eq!(permission.rule(), rule);
            assert_eq!(rule.permission, *permission);
        }
        let methods: BTreeSet<_> = Permission::ALL.iter().map(|permission| permission.as_str()).collect();
        assert_eq!(methods.len(), Permission::ALL.len(), "rule_for needs method names to be unique");
    }

    #[test]
    fn what_is_not_in_the_table_has_no_row() {
        for path in [
            "",
            "/",
            "AppendRecords",
            "/subrosa.v1.IngestService/",
            "/subrosa.v1.IngestService/AppendRecords/",
            "/subrosa.v1.IngestService/appendrecords",
            "/subrosa.v1.KeyService/AppendRecords",
            "/subrosa.v2.IngestService/AppendRecords",
            "//subrosa.v1.IngestService/AppendRecords",
            "/grpc.health.v1.Health/Check",
        ] {
            assert_eq!(rule_for(path), None, "{path}");
        }
    }

    /// Design section 13, written out a second time: `o` own, `x` any, `.` nothing; ingestor, reader, compliance,
    /// privacy, approver, operator, security, auditor.
    const EXPECTED: &[(&str, &str)] = &[
        ("AppendRecords Ingest CreateConversation CloseConversation", "o......."),
        ("PreviewRedaction", "x.xx...."),
        ("GetConversation ListConversations", "oxxx...."),
        ("GetContext", "o......."),
        ("ReadConversation", ".xxx...."),
        ("Annotate", "o.xx...."),
        ("SearchConversations", "..xx...."),
        ("ListAuditEvents", "..xx..xx"),
        ("CreateTenant UpdateTenant ListKeys GetKey RotateKey ScheduleKeyDestruction", ".....x.."),
        ("GetTenant ListTenants GetStatus", ".....xxx"),
        ("FreezeTenant UnfreezeTenant IssueApiKey ListApiKeys RevokeApiKey TestPermissions", "......x."),
        ("GetPolicy ListPolicyVersions", "..xxxxxx"),
        ("RedactRecord RedactRecords", "...x...."),
        ("ProposePolicy PreviewPolicy", "..xx...."),
    ];

    #[test]
    fn roles_are_those_of_the_design() {
        let mut seen = BTreeSet::new();
        for (methods, marks) in EXPECTED {
            for method in methods.split(' ') {
                let rule = TABLE.iter().find(|rule| rule.operation() == method).expect(method);
                let row: String = Role::ALL
                    .iter()
                    .map(|role| match rule.reach(*role) {
                        Some(Reach::Own) => 'o',
                        Some(Reach::Any) => 'x',
                        None => '.',
                    })
                    .collect();
                assert_eq!(&row, marks, "{method}");
                assert!(seen.insert(method), "{method} twice");
            }
        }
        assert_eq!(seen.len(), TABLE.len());
    }

    #[test]
    fn no_role_holds_both_keys_and_content() {
        let keys = ["RotateKey", "ScheduleKeyDestruction", "IssueApiKey", "RevokeApiKey"];
        let content = ["ReadConversation", "GetContext", "SearchConversations", "AppendRecords"];
        for role in Role::ALL {
            let may = |methods: &[&str]| {
                TABLE.iter().any(|rule| methods.contains(&rule.operation()) && rule.reach(*role).is_some())
            };
            assert!(!(may(&keys) && may(&content)), "{role}");
        }
    }
}
