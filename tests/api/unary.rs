//! Single calls: who is let in, what an error says, what comes back.

use subrosa::domain::Role;
use subrosa_proto::v1::access_service_client::AccessServiceClient;
use subrosa_proto::v1::admin_service_client::AdminServiceClient;
use subrosa_proto::v1::audit_service_client::AuditServiceClient;
use subrosa_proto::v1::conversation_service_client::ConversationServiceClient;
use subrosa_proto::v1::ingest_service_client::IngestServiceClient;
use subrosa_proto::v1::key_service_client::KeyServiceClient;
use subrosa_proto::v1::policy_service_client::PolicyServiceClient;
use subrosa_proto::v1::search_service_client::SearchServiceClient;
use subrosa_proto::v1::tenant_service_client::TenantServiceClient;
use subrosa_proto::v1::{self, record::Content};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::house::{House, with};

pub(crate) const REQUEST: &str = "0191f0aa-7d3c-7e21-8c5e-3b1f2a9d4c55";

pub(crate) fn said(text: &str) -> v1::Record {
    v1::Record {
        author_role: v1::AuthorRole::User.into(),
        content: Some(Content::Text(text.to_owned())),
        ..v1::Record::default()
    }
}

pub(crate) async fn acme(house: &House) {
    let operator = house.key(Role::Operator, None, &[]).await;
    let request = v1::CreateTenantRequest { tenant_id: "acme".to_owned(), ..Default::default() };
    let made = TenantServiceClient::new(house.channel.clone()).create_tenant(with(&operator, request)).await.unwrap();
    assert_eq!(made.into_inner().tenant.unwrap().name, "tenants/acme");
}

fn append(records: Vec<v1::Record>) -> v1::AppendRecordsRequest {
    v1::AppendRecordsRequest {
        tenant: "tenants/acme".to_owned(),
        client_reference: "r-1".to_owned(),
        request_id: REQUEST.to_owned(),
        records,
        ..Default::default()
    }
}

fn told(status: &Status) -> (Code, String, String) {
    let details = status.get_error_details();
    let field = details.bad_request().map(|bad| bad.field_violations[0].field.clone()).unwrap_or_default();
    (status.code(), details.error_info().map(|info| info.reason.clone()).unwrap_or_default(), field)
}

#[tokio::test]
async fn what_a_bot_says_is_kept_redacted_and_read_with_a_purpose() {
    let house = House::new().await;
    acme(&house).await;
    let bot = house.key(Role::Ingestor, Some("acme"), &["helper"]).await;
    let officer = house.key(Role::Compliance, Some("acme"), &[]).await;
    let mut ingest = IngestServiceClient::new(house.channel.clone());
    let records = vec![said("write to jane@example.com"), said("thanks")];
    let done = ingest.append_records(with(&bot, append(records.clone()))).await.unwrap().into_inner();
    assert_eq!((done.first_sequence, done.last_sequence, done.created), (1, 2, true));
    assert_eq!(done.redactions[0].finding_class, "EMAIL");
    let again = ingest.append_records(with(&bot, append(records))).await.unwrap().into_inner();
    assert_eq!(again, done);
    let other = ingest.append_records(with(&bot, append(vec![said("other")]))).await.unwrap_err();
    assert_eq!(told(&other), (Code::AlreadyExists, "IDEMPOTENCY_MISMATCH".to_owned(), String::new()));

    let mut conversations = ConversationServiceClient::new(house.channel.clone());
    let read = v1::ReadConversationRequest { name: done.conversation.clone(), ..Default::default() };
    let refused = conversations.read_conversation(with(&officer, read.clone())).await.unwrap_err();
    assert_eq!(told(&refused), (Code::InvalidArgument, "PURPOSE_REQUIRED".to_owned(), "purpose".to_owned()));
    let read = v1::ReadConversationRequest { purpose: v1::Purpose::Legal.into(), ..read };
    let mut stream = conversations.read_conversation(with(&officer, read.clone())).await.unwrap().into_inner();
    let first = stream.message().await.unwrap().unwrap();
    assert_eq!(first.last_sequence, 2);
    let record = first.record.unwrap();
    let Some(Content::Text(text)) = &record.content else { panic!("no text") };
    assert!(text.starts_with("write to <EMAIL_"), "{text}");
    assert_eq!(record.name, format!("{}/records/1", done.conversation));
    assert!(stream.message().await.unwrap().is_some());
    assert!(stream.message().await.unwrap().is_none());

    let metadata = v1::ReadConversationRequest { view: v1::View::Metadata.into(), ..read.clone() };
    let mut stream = conversations.read_conversation(with(&officer, metadata)).await.unwrap().into_inner();
    let record = stream.message().await.unwrap().unwrap().record.unwrap();
    assert!(record.content.is_none() && record.withheld() == v1::WithheldReason::View);
    let original = v1::ReadConversationRequest { view: v1::View::Original.into(), ..read };
    let refused = conversations.read_conversation(with(&officer, original)).await.unwrap_err();
    assert_eq!(told(&refused), (Code::Unimplemented, "UNSUPPORTED".to_owned(), "view".to_owned()));
}

#[tokio::test]
async fn nobody_comes_in_without_a_role_that_may() {
    let house = House::new().await;
    acme(&house).await;
    let reader = house.key(Role::Reader, Some("acme"), &[]).await;
    let mut keys = KeyServiceClient::new(house.channel.clone());
    let rotate = || v1::RotateKeyRequest { parent: "tenants/acme".to_owned(), ..Default::default() };
    let refused = keys.rotate_key(rotate()).await.unwrap_err();
    assert_eq!(told(&refused), (Code::Unauthenticated, "CREDENTIAL_MISSING".to_owned(), String::new()));
    let refused = keys.rotate_key(with("Bearer nonsense", rotate())).await.unwrap_err();
    assert_eq!(told(&refused), (Code::Unauthenticated, "CREDENTIAL_INVALID".to_owned(), String::new()));
    let refused = keys.rotate_key(with(&reader, rotate())).await.unwrap_err();
    assert_eq!(told(&refused), (Code::PermissionDenied, "PERMISSION_DENIED".to_owned(), String::new()));

    let auditor = house.key(Role::Auditor, Some("acme"), &[]).await;
    let request = v1::ListAuditEventsRequest {
        parent: "tenants/acme".to_owned(),
        decision: v1::AuditDecision::Denied.into(),
        ..Default::default()
    };
    let denied =
        AuditServiceClient::new(house.channel.clone()).list_audit_events(with(&auditor, request)).await.unwrap();
    let denied = denied.into_inner();
    assert_eq!(
        (denied.events[0].operation.as_str(), denied.events[0].reason.as_str()),
        ("RotateKey", "PERMISSION_DENIED")
    );
    assert_eq!(denied.root_hash.len(), 32);

    let mut health = tonic_health::pb::health_client::HealthClient::new(house.channel.clone());
    assert!(health.check(tonic_health::pb::HealthCheckRequest::default()).await.is_ok());
}

#[tokio::test]
async fn bad_input_is_refused_with_the_path_of_the_field() {
    let house = House::new().await;
    acme(&house).await;
    let bot = house.key(Role::Ingestor, Some("acme"), &["helper"]).await;
    let mut ingest = IngestServiceClient::new(house.channel.clone()).max_encoding_message_size(usize::MAX);
    let cases = [
        (append(vec![said("a"), v1::Record::default()]), "INVALID_FIELD", "records[1].author_role"),
        (append(vec![said("")]), "EMPTY_CONTENT", "records[0].text"),
        (append(Vec::new()), "INVALID_FIELD", "records"),
        (
            v1::AppendRecordsRequest { request_id: String::new(), ..append(vec![said("a")]) },
            "INVALID_FIELD",
            "request_id",
        ),
        (v1::AppendRecordsRequest { tenant: "acme".to_owned(), ..append(vec![said("a")]) }, "INVALID_NAME", "tenant"),
        (v1::AppendRecordsRequest { parent: "x".to_owned(), ..append(vec![said("a")]) }, "INVALID_FIELD", "parent"),
    ];
    for (request, reason, field) in cases {
        let status = ingest.append_records(with(&bot, request)).await.unwrap_err();
        assert_eq!(told(&status), (Code::InvalidArgument, reason.to_owned(), field.to_owned()));
    }
    let huge = append(vec![said(&"x".repeat(5 * 1024 * 1024))]);
    let status = ingest.append_records(with(&bot, huge)).await.unwrap_err();
    assert_eq!(told(&status), (Code::ResourceExhausted, "BATCH_TOO_LARGE".to_owned(), String::new()));
}

#[tokio::test]
async fn a_conversation_is_made_found_annotated_and_closed() {
    let house = House::new().await;
    acme(&house).await;
    let bot = house.key(Role::Ingestor, Some("acme"), &["helper"]).await;
    let officer = house.key(Role::Compliance, Some("acme"), &[]).await;
    let mut conversations = ConversationServiceClient::new(house.channel.clone());
    let wanted = v1::Conversation {
        client_reference: "r-9".to_owned(),
        subject: "user-7".to_owned(),
        consent: vec![v1::Purpose::Quality.into()],
        labels: vec!["topic:billing".to_owned()],
        ..Default::default()
    };
    let parent = "tenants/acme".to_owned();
    let request =
        v1::CreateConversationRequest { parent: parent.clone(), conversation: Some(wanted), ..Default::default() };
    let made = conversations.create_conversation(with(&bot, request)).await.unwrap().into_inner().conversation.unwrap();
    assert_eq!((made.bot.as_str(), made.audience()), ("helper", v1::Audience::Customer));
    assert_eq!((made.client_reference.as_str(), made.consent.clone()), ("r-9", vec![v1::Purpose::Quality as i32]));
    assert!(made.expire_time.is_some() && made.subject.is_empty());

    let search = v1::SearchConversationsRequest {
        parent: parent.clone(),
        subject: "user-7".to_owned(),
        purpose: v1::Purpose::SubjectRequest.into(),
        ..Default::default()
    };
    let found =
        SearchServiceClient::new(house.channel.clone()).search_conversations(with(&officer, search)).await.unwrap();
    let found = found.into_inner().conversations;
    assert_eq!((found.len(), found[0].name.as_str(), found[0].client_reference.as_str()), (1, made.name.as_str(), ""));

    let note = v1::AnnotateRequest { name: made.name.clone(), note: "call me".to_owned(), ..Default::default() };
    let noted = conversations.annotate(with(&officer, note)).await.unwrap().into_inner();
    assert_eq!(noted.sequence, 1);
    let context = v1::GetContextRequest { name: made.name.clone(), ..Default::default() };
    let context = conversations.get_context(with(&bot, context)).await.unwrap().into_inner();
    assert_eq!(context.records[0].kind(), v1::RecordKind::Annotation);
    let close = v1::CloseConversationRequest { name: made.name.clone() };
    let closed = conversations.close_conversation(with(&bot, close)).await.unwrap().into_inner().conversation.unwrap();
    assert_eq!(closed.state(), v1::ConversationState::Closed);
    let list = v1::ListConversationsRequest { parent, ..Default::default() };
    let listed = conversations.list_conversations(with(&bot, list)).await.unwrap().into_inner();
    assert_eq!(listed.conversations[0].last_sequence, 1);
}

#[tokio::test]
async fn keys_policies_and_credentials_have_their_officers() {
    let house = House::new().await;
    acme(&house).await;
    let operator = house.key(Role::Operator, Some("acme"), &[]).await;
    let officer = house.key(Role::Compliance, Some("acme"), &[]).await;
    let security = house.key(Role::Security, None, &[]).await;
    let mut keys = KeyServiceClient::new(house.channel.clone());
    let rotate = v1::RotateKeyRequest { parent: "tenants/acme".to_owned(), ..Default::default() };
    let rotated = keys.rotate_key(with(&operator, rotate)).await.unwrap().into_inner();
    assert_eq!(rotated.key.unwrap().name, "tenants/acme/keys/2");
    let list = |page_token| v1::ListKeysRequest { parent: "tenants/acme".to_owned(), page_size: 1, page_token };
    let first = keys.list_keys(with(&operator, list(String::new()))).await.unwrap().into_inner();
    let second = keys.list_keys(with(&operator, list(first.next_page_token))).await.unwrap().into_inner();
    assert_eq!((first.keys[0].version, second.keys[0].version, second.next_page_token.as_str()), (2, 1, ""));
    let destroy = v1::ScheduleKeyDestructionRequest {
        name: "tenants/acme/keys/1".to_owned(),
        destroy_time: Some(prost_types::Timestamp::default()),
        ..Default::default()
    };
    let refused = keys.schedule_key_destruction(with(&operator, destroy)).await.unwrap_err();
    assert_eq!(told(&refused).1, "APPROVAL_REQUIRED");

    let mut policies = PolicyServiceClient::new(house.channel.clone());
    let get = v1::GetPolicyRequest { name: "tenants/acme/policies/redaction".to_owned() };
    let policy = policies.get_policy(with(&officer, get)).await.unwrap().into_inner().policy.unwrap();
    assert_eq!((policy.version, policy.active), (1, true));
    let propose = v1::ProposePolicyRequest {
        parent: "tenants/acme".to_owned(),
        policy: Some(policy),
        base_version: 1,
        ..Default::default()
    };
    let next = policies.propose_policy(with(&officer, propose)).await.unwrap().into_inner().policy.unwrap();
    assert_eq!(next.name, "tenants/acme/policies/redaction/versions/2");

    let mut access = AccessServiceClient::new(house.channel.clone());
    let issue = v1::IssueApiKeyRequest {
        principal: "reader-1".to_owned(),
        role: v1::Role::Reader.into(),
        tenant: "tenants/acme".to_owned(),
        request_id: REQUEST.to_owned(),
        ..Default::default()
    };
    let issued = access.issue_api_key(with(&security, issue.clone())).await.unwrap().into_inner();
    assert!(issued.api_key.starts_with("srk_"));
    assert_eq!(access.issue_api_key(with(&security, issue)).await.unwrap().into_inner().api_key, "");
    let key = issued.key.unwrap().name;
    let test = v1::TestPermissionsRequest {
        key: key.clone(),
        methods: vec!["/subrosa.v1.KeyService/RotateKey".to_owned(), "/subrosa.v1.PolicyService/GetPolicy".to_owned()],
        ..Default::default()
    };
    let tested = access.test_permissions(with(&security, test)).await.unwrap().into_inner().results;
    assert!(tested.iter().all(|result| !result.allowed && result.reason() == v1::ErrorReason::PermissionDenied));
    let list = v1::ListApiKeysRequest { page_size: 1, ..Default::default() };
    let page = access.list_api_keys(with(&security, list)).await.unwrap().into_inner();
    assert!(page.keys.len() == 1 && !page.next_page_token.is_empty());
    let revoke = v1::RevokeApiKeyRequest { name: key, ..Default::default() };
    let revoked = access.revoke_api_key(with(&security, revoke)).await.unwrap().into_inner().key.unwrap();
    assert_eq!(revoked.state(), v1::ApiKeyState::Revoked);

    let mut admin = AdminServiceClient::new(house.channel.clone());
    let status = admin.get_status(with(&security, v1::GetStatusRequest {})).await.unwrap().into_inner().status.unwrap();
    assert_eq!(
        (status.state(), status.names_tier.as_str(), status.databases.len()),
        (v1::ServingState::Serving, "off", 2)
    );
}

#[tokio::test]
async fn reflection_shows_every_service_to_who_has_no_credential() {
    use tonic_reflection::pb::v1::ServerReflectionRequest;
    use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
    use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
    use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

    let house = House::new().await;
    let list = MessageRequest::ListServices(String::new());
    let request = ServerReflectionRequest { host: String::new(), message_request: Some(list) };
    let mut client = ServerReflectionClient::new(house.channel.clone());
    let answers = client.server_reflection_info(tokio_stream::iter([request])).await.unwrap();
    let answer = answers.into_inner().message().await.unwrap().unwrap();
    let Some(MessageResponse::ListServicesResponse(list)) = answer.message_response else { panic!("no list") };
    let names: Vec<_> = list.service.into_iter().map(|service| service.name).collect();
    for name in subrosa::grpc::health_names().into_iter().filter(|name| !name.is_empty()) {
        assert!(names.iter().any(|shown| shown == name), "{name} not in {names:?}");
    }
}
