//! Every role against every method.

use subrosa::access::{TABLE, api_key};
use subrosa::domain::{Reason, Role};

use crate::house::{House, PEER, assert_denied, home};

/// Who may call what (design section 13): ingestor, reader, compliance, privacy, approver, operator, security, auditor.
const MAY_CALL: &[(&str, &str)] = &[
    ("IngestService/AppendRecords", "x......."),
    ("IngestService/Ingest", "x......."),
    ("IngestService/PreviewRedaction", "x.xx...."),
    ("ConversationService/CreateConversation", "x......."),
    ("ConversationService/GetConversation", "xxxx...."),
    ("ConversationService/ListConversations", "xxxx...."),
    ("ConversationService/CloseConversation", "x......."),
    ("ConversationService/ReadConversation", ".xxx...."),
    ("ConversationService/GetContext", "x......."),
    ("ConversationService/Annotate", "x.xx...."),
    ("ConversationService/RedactRecord", "...x...."),
    ("ConversationService/RedactRecords", "...x...."),
    ("SearchService/SearchConversations", "..xx...."),
    ("AuditService/ListAuditEvents", "..xx..xx"),
    ("TenantService/CreateTenant", ".....x.."),
    ("TenantService/GetTenant", ".....xxx"),
    ("TenantService/ListTenants", ".....xxx"),
    ("TenantService/UpdateTenant", ".....x.."),
    ("TenantService/FreezeTenant", "......x."),
    ("TenantService/UnfreezeTenant", "......x."),
    ("KeyService/ListKeys", ".....x.."),
    ("KeyService/GetKey", ".....x.."),
    ("KeyService/RotateKey", ".....x.."),
    ("KeyService/ScheduleKeyDestruction", ".....x.."),
    ("PolicyService/GetPolicy", "..xxxxxx"),
    ("PolicyService/ProposePolicy", "..xx...."),
    ("PolicyService/PreviewPolicy", "..xx...."),
    ("PolicyService/ListPolicyVersions", "..xxxxxx"),
    ("AccessService/IssueApiKey", "......x."),
    ("AccessService/ListApiKeys", "......x."),
    ("AccessService/RevokeApiKey", "......x."),
    ("AccessService/TestPermissions", "......x."),
    ("AdminService/GetStatus", ".....xxx"),
];

#[tokio::test]
async fn every_role_gets_what_the_design_says_and_every_denial_is_logged() {
    let house = House::new().await;
    assert_eq!(MAY_CALL.len(), TABLE.len());
    for (column, role) in Role::ALL.iter().enumerate() {
        let (header, row) = house.usual_key(*role).await;
        for (method, marks) in MAY_CALL {
            let path = format!("/subrosa.v1.{method}");
            let may = marks.as_bytes()[column] == b'x';
            let before = house.entries(&home(&row)).await.len();
            let admitted = house.gate.admit(&path, Some(&header), PEER).await;
            let new = house.entries(&home(&row)).await.split_off(before);
            let explained = api_key::explain(&row, row.create_time, &path, None, None);
            if may {
                assert_eq!(admitted.unwrap().path(), path);
                assert!(new.is_empty(), "{role} {method}: the act logs what is allowed");
                let second_person = method.ends_with("ScheduleKeyDestruction");
                let expected = if second_person { Err(Reason::ApprovalRequired) } else { Ok(()) };
                assert_eq!(explained, expected, "{role} {method}");
            } else {
                assert_eq!(admitted.unwrap_err().reason(), Reason::PermissionDenied, "{role} {method}");
                let operation = method.split_once('/').unwrap().1;
                assert_denied(&new, &home(&row), operation, "PERMISSION_DENIED", &row);
                assert_eq!(explained, Err(Reason::PermissionDenied), "{role} {method}");
            }
        }
    }
}

#[tokio::test]
async fn a_method_that_is_not_in_the_table_is_denied_to_everybody() {
    let house = House::new().await;
    for role in Role::ALL {
        let (header, row) = house.usual_key(*role).await;
        for path in ["/subrosa.v1.KeyService/StealKey", "/grpc.health.v1.Health/Check", "jane@example.com", ""] {
            let (admitted, new) = house.watch(house.gate.admit(path, Some(&header), PEER)).await;
            assert_eq!(admitted.unwrap_err().reason(), Reason::MethodUnknown);
            assert_denied(&new, &home(&row), "UnknownMethod", "METHOD_UNKNOWN", &row);
        }
    }
}
