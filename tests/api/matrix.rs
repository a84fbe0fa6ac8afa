//! Each of the eight roles against every method, over the wire, compared with the matrix of design section 13.

use subrosa::access::TABLE;
use subrosa_proto::v1;
use tonic::Code;

use crate::support::{House, TENANT, reason_of, refused, said, uuid};

const ROLES: [&str; 8] = ["ingestor", "reader", "compliance", "privacy", "approver", "operator", "security", "auditor"];

/// One method: who may call it (a letter for each role, in order), and a request that is right in form.
struct Row {
    method: &'static str,
    may: &'static str,
    message: Vec<u8>,
}

fn row(method: &'static str, may: &'static str, message: &impl prost::Message) -> Row {
    Row { method, may, message: message.encode_to_vec() }
}

/// Changes nothing that a later row or role needs.
fn rows(name: &str) -> Vec<Row> {
    let tenant = || TENANT.to_owned();
    let (name, purpose) = (name.to_owned(), i32::from(v1::Purpose::Legal));
    let wanted = || Some(v1::Conversation { bot: "a".to_owned(), ..Default::default() });
    let open = v1::IngestOpen { parent: name.clone(), stream_id: uuid(), ..Default::default() };
    let redaction = v1::Policy {
        document: Some(v1::policy::Document::Redaction(v1::RedactionPolicy::default())),
        ..Default::default()
    };
    let issue = v1::IssueApiKeyRequest {
        principal: "someone".to_owned(),
        role: v1::Role::Reader.into(),
        tenant: tenant(),
        request_id: uuid(),
        ..Default::default()
    };
    let no_key = "apiKeys/aaaaaaaaaaaaaaaa".to_owned();
    let update = v1::Tenant { name: tenant(), default_retention_class: "standard".to_owned(), ..Default::default() };
    vec![
        row(
            "IngestService/AppendRecords",
            "x.......",
            &v1::AppendRecordsRequest {
                parent: name.clone(),
                request_id: uuid(),
                records: vec![said("x")],
                ..Default::default()
            },
        ),
        row(
            "IngestService/Ingest",
            "x.......",
            &v1::IngestRequest { action: Some(v1::ingest_request::Action::Open(open)) },
        ),
        row(
            "IngestService/PreviewRedaction",
            "x.xx....",
            &v1::PreviewRedactionRequest { tenant: tenant(), records: vec![said("x")] },
        ),
        row(
            "ConversationService/CreateConversation",
            "x.......",
            &v1::CreateConversationRequest { parent: tenant(), conversation: wanted(), request_id: uuid() },
        ),
        row("ConversationService/GetConversation", "xxxx....", &v1::GetConversationRequest { name: name.clone() }),
        row(
            "ConversationService/ListConversations",
            "xxxx....",
            &v1::ListConversationsRequest { parent: tenant(), ..Default::default() },
        ),
        row(
            "ConversationService/ReadConversation",
            ".xxx....",
            &v1::ReadConversationRequest { name: name.clone(), purpose, ..Default::default() },
        ),
        row(
            "ConversationService/GetContext",
            "x.......",
            &v1::GetContextRequest { name: name.clone(), ..Default::default() },
        ),
        row(
            "ConversationService/Annotate",
            "x.xx....",
            &v1::AnnotateRequest { name: name.clone(), add_labels: vec!["seen".to_owned()], ..Default::default() },
        ),
        row(
            "ConversationService/RedactRecord",
            "...x....",
            &v1::RedactRecordRequest {
                name: format!("{name}/records/1"),
                what: Some(v1::redact_record_request::What::Value("absent".to_owned())),
                ..Default::default()
            },
        ),
        row(
            "ConversationService/RedactRecords",
            "...x....",
            &v1::RedactRecordsRequest {
                parent: tenant(),
                what: Some(v1::redact_records_request::What::ReapplyPolicy(true)),
                ..Default::default()
            },
        ),
        row(
            "SearchService/SearchConversations",
            "..xx....",
            &v1::SearchConversationsRequest { parent: tenant(), purpose, ..Default::default() },
        ),
        row(
            "AuditService/ListAuditEvents",
            "..xx..xx",
            &v1::ListAuditEventsRequest { parent: tenant(), ..Default::default() },
        ),
        row(
            "TenantService/CreateTenant",
            ".....x..",
            &v1::CreateTenantRequest { tenant_id: "fresh".to_owned(), ..Default::default() },
        ),
        row("TenantService/GetTenant", ".....xxx", &v1::GetTenantRequest { name: tenant() }),
        row("TenantService/ListTenants", ".....xxx", &v1::ListTenantsRequest::default()),
        row(
            "TenantService/UpdateTenant",
            ".....x..",
            &v1::UpdateTenantRequest { tenant: Some(update), ..Default::default() },
        ),
        row(
            "TenantService/FreezeTenant",
            "......x.",
            &v1::FreezeTenantRequest { name: tenant(), ..Default::default() },
        ),
        row(
            "TenantService/UnfreezeTenant",
            "......x.",
            &v1::UnfreezeTenantRequest { name: tenant(), ..Default::default() },
        ),
        row("KeyService/ListKeys", ".....x..", &v1::ListKeysRequest { parent: tenant(), ..Default::default() }),
        row("KeyService/GetKey", ".....x..", &v1::GetKeyRequest { name: format!("{TENANT}/keys/1") }),
        row("KeyService/RotateKey", ".....x..", &v1::RotateKeyRequest { parent: tenant(), ..Default::default() }),
        row(
            "KeyService/ScheduleKeyDestruction",
            ".....a..",
            &v1::ScheduleKeyDestructionRequest {
                name: format!("{TENANT}/keys/1"),
                destroy_time: Some(prost_types::Timestamp { seconds: 4_000_000_000, nanos: 0 }),
                ..Default::default()
            },
        ),
        row(
            "PolicyService/GetPolicy",
            "..xxxxxx",
            &v1::GetPolicyRequest { name: format!("{TENANT}/policies/retention") },
        ),
        row(
            "PolicyService/ProposePolicy",
            "..xx....",
            &v1::ProposePolicyRequest { parent: tenant(), policy: Some(redaction.clone()), ..Default::default() },
        ),
        row(
            "PolicyService/PreviewPolicy",
            "..xx....",
            &v1::PreviewPolicyRequest { parent: tenant(), policy: Some(redaction), purpose, ..Default::default() },
        ),
        row(
            "PolicyService/ListPolicyVersions",
            "..xxxxxx",
            &v1::ListPolicyVersionsRequest { parent: format!("{TENANT}/policies/redaction"), ..Default::default() },
        ),
        row("AccessService/IssueApiKey", "......x.", &issue),
        row("AccessService/ListApiKeys", "......x.", &v1::ListApiKeysRequest::default()),
        row(
            "AccessService/RevokeApiKey",
            "......x.",
            &v1::RevokeApiKeyRequest { name: no_key.clone(), ..Default::default() },
        ),
        row(
            "AccessService/TestPermissions",
            "......x.",
            &v1::TestPermissionsRequest { key: no_key, ..Default::default() },
        ),
        row("AdminService/GetStatus", ".....xxx", &v1::GetStatusRequest {}),
        row("ConversationService/CloseConversation", "x.......", &v1::CloseConversationRequest { name }),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_role_may_call_what_the_design_says_and_nothing_else() {
    let house = House::new().await;
    let name = house.bot().create().await;
    let rows = rows(&name);
    assert_eq!(rows.len(), TABLE.len(), "a method has no row here");
    for Row { method, may, message } in &rows {
        let path = format!("/subrosa.v1.{method}");
        for (role, mark) in ROLES.iter().zip(may.chars()) {
            let answer = house.role(role).raw(&path, message.clone()).await;
            let what = format!("{role} {method}: {answer:?}");
            match (mark, answer) {
                ('x', Ok(_)) => {}
                // Allowed, and then there is no such key.
                ('x', Err(status)) => assert_eq!(reason_of(&status), "API_KEY_NOT_FOUND", "{what}"),
                ('a', answer) => drop(refused(answer, Code::PermissionDenied, "APPROVAL_REQUIRED")),
                (_, Err(status)) => {
                    assert_eq!(
                        (status.code(), reason_of(&status).as_str()),
                        (Code::PermissionDenied, "PERMISSION_DENIED"),
                        "{what}"
                    );
                }
                (_, Ok(_)) => panic!("{what} was allowed"),
            }
        }
        let nobody = house.with_key(None).raw(&path, message.clone()).await;
        refused(nobody, Code::Unauthenticated, "CREDENTIAL_MISSING");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_listener_serves_the_same_rules() {
    let house = House::new().await;
    let name = house.bot().create().await;
    let endpoints = house.endpoints().clone();
    for address in [endpoints.data, endpoints.compliance, endpoints.operator] {
        let channel = house.channel_to(address);
        house.reader().over(channel.clone()).read(&name).await.unwrap();
        let operator = house.role("operator").over(channel);
        refused(operator.read(&name).await, Code::PermissionDenied, "PERMISSION_DENIED");
    }
}
