//! Credentials and their limits, over the wire.

use subrosa_proto::v1;
use tonic::Code;

use crate::support::{DAY, House, TENANT, eventually, refused, said, uuid};

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_that_is_none_or_not_ours_is_refused_without_a_word_of_why() {
    let house = House::new().await;
    let name = house.bot().create().await;
    let code = Code::Unauthenticated;
    refused(house.with_key(None).read(&name).await, code, "CREDENTIAL_MISSING");
    let good = house.key_of("reader");
    let wrong = format!("{}{}", &good[..good.len() - 1], if good.ends_with('a') { "b" } else { "a" });
    let mut messages = Vec::new();
    for key in ["", "x", "srk_", "srk_aaaaaaaaaaaaaaaa_", &wrong, &good.to_uppercase(), &format!("{good}a")] {
        messages.push(
            refused(house.with_key(Some(key)).read(&name).await, code, "CREDENTIAL_INVALID").message().to_owned(),
        );
    }
    for header in [good.clone(), format!("Basic {good}"), "Bearer".to_owned()] {
        messages.push(
            refused(house.with_header(&header).read(&name).await, code, "CREDENTIAL_INVALID").message().to_owned(),
        );
    }
    messages.dedup();
    assert_eq!(messages.len(), 1, "the answer tells causes apart: {messages:?}");
    let denied = house.role("auditor").log("system").await;
    let causes: std::collections::BTreeSet<_> = denied
        .events
        .iter()
        .filter(|event| event.operation == "Authenticate")
        .map(|event| event.reason.clone())
        .collect();
    for cause in ["CREDENTIAL_MISSING", "CREDENTIAL_MALFORMED", "CREDENTIAL_WRONG"] {
        assert!(causes.contains(cause), "{cause} is not in the log: {causes:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_key_is_refused_at_once_also_on_streams_that_are_open() {
    let house = House::new().await;
    let name = house.bot().create().await;
    let (key, id) = house.issue("leaver", v1::Role::Ingestor, TENANT, &["a"]).await;
    let leaver = house.with_key(Some(&key));
    leaver.append(&name, vec![said("x")]).await.unwrap();
    let mut stream = leaver.open_stream(&name, &uuid()).await.unwrap();
    stream.append(1, said("y")).await;
    stream.acked(1).await.unwrap();
    let revoke = v1::RevokeApiKeyRequest { name: id, ..Default::default() };
    house.role("security").access().revoke_api_key(revoke).await.unwrap();
    refused(leaver.append(&name, vec![said("z")]).await, Code::Unauthenticated, "CREDENTIAL_INVALID");
    stream.append(2, said("z")).await;
    refused(stream.end().await.1, Code::Unauthenticated, "CREDENTIAL_INVALID");
    assert_eq!(house.reader().read(&name).await.unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_expires_by_the_vaults_clock() {
    let house = House::new().await;
    let name = house.bot().create().await;
    let request = v1::IssueApiKeyRequest {
        principal: "guest".to_owned(),
        role: v1::Role::Reader.into(),
        tenant: TENANT.to_owned(),
        ttl: Some(prost_types::Duration { seconds: 3_600, nanos: 0 }),
        request_id: uuid(),
        ..Default::default()
    };
    let key = house.role("security").access().issue_api_key(request).await.unwrap().into_inner().api_key;
    let guest = house.with_key(Some(&key));
    guest.read(&name).await.unwrap();
    house.advance(DAY / 24 + std::time::Duration::from_secs(1)).await;
    refused(guest.read(&name).await, Code::Unauthenticated, "CREDENTIAL_INVALID");
    house.reader().read(&name).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_keys_of_a_principal_live_at_once_and_a_third_is_refused() {
    let house = House::new().await;
    let ask = |request_id: String| v1::IssueApiKeyRequest {
        principal: "rotating".to_owned(),
        role: v1::Role::Reader.into(),
        tenant: TENANT.to_owned(),
        request_id,
        ..Default::default()
    };
    let first = uuid();
    let security = house.role("security");
    let one = security.access().issue_api_key(ask(first.clone())).await.unwrap().into_inner();
    let again = security.access().issue_api_key(ask(first)).await.unwrap().into_inner();
    assert_eq!((again.key, again.api_key.as_str()), (one.key.clone(), ""));
    let two = security.access().issue_api_key(ask(uuid())).await.unwrap().into_inner();
    let name = house.bot().create().await;
    for key in [&one.api_key, &two.api_key] {
        house.with_key(Some(key)).read(&name).await.unwrap();
    }
    let three = security.access().issue_api_key(ask(uuid())).await;
    refused(three, Code::FailedPrecondition, "API_KEY_LIMIT");
    let revoke = v1::RevokeApiKeyRequest { name: one.key.unwrap().name, ..Default::default() };
    security.access().revoke_api_key(revoke).await.unwrap();
    security.access().issue_api_key(ask(uuid())).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn security_issues_nothing_to_itself_and_no_key_holds_both_content_and_keys() {
    let house = House::new().await;
    let ask = |principal: &str, role: v1::Role, tenant: &str| v1::IssueApiKeyRequest {
        principal: principal.to_owned(),
        role: role.into(),
        tenant: tenant.to_owned(),
        request_id: uuid(),
        ..Default::default()
    };
    let mut access = house.role("security").access();
    let denied = Code::PermissionDenied;
    for (principal, role) in [("bootstrap", v1::Role::Reader), ("ally", v1::Role::Security)] {
        refused(access.issue_api_key(ask(principal, role, TENANT)).await, denied, "SELF_ISSUE_DENIED");
    }
    access.issue_api_key(ask("hand", v1::Role::Reader, TENANT)).await.unwrap();
    refused(access.issue_api_key(ask("hand", v1::Role::Operator, TENANT)).await, denied, "ROLE_CONFLICT");
    let code = Code::InvalidArgument;
    refused(access.issue_api_key(ask("free", v1::Role::Reader, "")).await, code, "INVALID_FIELD");
    refused(access.issue_api_key(ask("free", v1::Role::Unspecified, TENANT)).await, code, "INVALID_FIELD");
    refused(access.issue_api_key(ask("bot", v1::Role::Ingestor, TENANT)).await, code, "INVALID_FIELD");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_tenants_conversation_looks_absent() {
    let house = House::new().await;
    let name = house.bot().create().await;
    house.bot().append(&name, vec![said("x")]).await.unwrap();
    let other = house.tenant("other").await;
    let (key, _) = house.issue("other-bot", v1::Role::Ingestor, &other, &["*"]).await;
    let bot = house.with_key(Some(&key));
    let (key, _) = house.issue("other-reader", v1::Role::Reader, &other, &[]).await;
    let reader = house.with_key(Some(&key));
    let invented = format!("{TENANT}/conversations/0193c8f0-7b5e-7c3a-9d2e-1f6a5b4c3d2e");
    let code = Code::NotFound;
    let mut told = Vec::new();
    for name in [&name, &invented] {
        let answers = [
            refused(reader.read(name).await, code, "CONVERSATION_NOT_FOUND"),
            refused(reader.get(name).await, code, "CONVERSATION_NOT_FOUND"),
            refused(bot.append(name, vec![said("x")]).await, code, "CONVERSATION_NOT_FOUND"),
            refused(bot.open_stream(name, &uuid()).await.unwrap().end().await.1, code, "CONVERSATION_NOT_FOUND"),
        ];
        told.push(answers.map(|status| (status.message().to_owned(), status.details().to_vec())));
    }
    assert_eq!(told[0], told[1], "what is there and what is not are told apart");
    let id = name.rsplit('/').next().unwrap();
    refused(reader.read(&format!("{other}/conversations/{id}")).await, code, "CONVERSATION_NOT_FOUND");
    refused(reader.list().await, code, "TENANT_NOT_FOUND");
    let nowhere = v1::ListConversationsRequest { parent: "tenants/nowhere".to_owned(), ..Default::default() };
    refused(reader.conversations().list_conversations(nowhere).await, code, "TENANT_NOT_FOUND");
    let events = house.role("auditor").log(TENANT).await.events;
    assert!(
        events.iter().all(|event| event.decision() == v1::AuditDecision::Allowed),
        "a stranger's call is in the log"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ingestor_of_one_bot_sees_nothing_of_another() {
    let house = House::new().await;
    let (key, _) = house.issue("bot-a", v1::Role::Ingestor, TENANT, &["a"]).await;
    let a = house.with_key(Some(&key));
    let of = |bot: &str| v1::Conversation {
        bot: bot.to_owned(),
        client_reference: format!("r-{bot}"),
        ..Default::default()
    };
    let b = house.bot().create_as(of("b")).await.unwrap().name;
    let own = a.create_as(of("")).await.unwrap();
    assert_eq!(own.bot, "a", "a credential of one bot means that bot");
    let code = Code::NotFound;
    refused(a.get(&b).await, code, "CONVERSATION_NOT_FOUND");
    refused(a.append(&b, vec![said("x")]).await, code, "CONVERSATION_NOT_FOUND");
    refused(a.open_stream(&b, &uuid()).await.unwrap().end().await.1, code, "CONVERSATION_NOT_FOUND");
    refused(
        a.create_as(v1::Conversation { client_reference: String::new(), ..of("b") }).await,
        code,
        "CONVERSATION_NOT_FOUND",
    );
    let by_reference = v1::AppendRecordsRequest {
        tenant: TENANT.to_owned(),
        client_reference: "r-b".to_owned(),
        request_id: uuid(),
        records: vec![said("x")],
        ..Default::default()
    };
    refused(a.ingest().append_records(by_reference).await, code, "CONVERSATION_NOT_FOUND");
    let context = v1::GetContextRequest { name: b.clone(), ..Default::default() };
    refused(a.conversations().get_context(context).await, code, "CONVERSATION_NOT_FOUND");
    let close = v1::CloseConversationRequest { name: b.clone() };
    refused(a.conversations().close_conversation(close).await, code, "CONVERSATION_NOT_FOUND");
    let annotate = v1::AnnotateRequest { name: b.clone(), note: "x".to_owned(), ..Default::default() };
    refused(a.conversations().annotate(annotate).await, code, "CONVERSATION_NOT_FOUND");
    let seen: Vec<_> = a.list().await.unwrap().into_iter().map(|conversation| conversation.name).collect();
    assert_eq!(seen, [own.name]);
    assert_eq!(house.reader().get(&b).await.unwrap().last_sequence, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn content_needs_a_purpose_that_is_known() {
    let house = House::new().await;
    let name = house.bot().create().await;
    let read = |purpose| v1::ReadConversationRequest { name: name.clone(), purpose, ..Default::default() };
    let mut reader = house.reader().conversations();
    refused(reader.read_conversation(read(0)).await, Code::InvalidArgument, "PURPOSE_REQUIRED");
    refused(reader.read_conversation(read(42)).await, Code::InvalidArgument, "UNKNOWN_ENUM");
    // A search shows no content: its purpose may be left out, and is checked when it is there.
    let search = v1::SearchConversationsRequest { parent: TENANT.to_owned(), ..Default::default() };
    let mut searches = house.role("compliance").search();
    searches.search_conversations(search.clone()).await.unwrap();
    let answer = searches.search_conversations(v1::SearchConversationsRequest { purpose: 42, ..search }).await;
    refused(answer, Code::InvalidArgument, "UNKNOWN_ENUM");
    let original = v1::ReadConversationRequest { view: v1::View::Original.into(), ..read(1) };
    refused(reader.read_conversation(original).await, Code::Unimplemented, "UNSUPPORTED");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_dangerous_needs_a_second_person() {
    let house = House::new().await;
    house.retention_class("short", 2).await;
    let retention = |days: i64, classes: &[&str]| v1::RetentionPolicy {
        classes: classes
            .iter()
            .map(|name| v1::RetentionClass {
                name: (*name).to_owned(),
                retention: Some(prost_types::Duration { seconds: days * 86_400, nanos: 0 }),
            })
            .collect(),
        default_class: classes[0].to_owned(),
    };
    let propose = |policy| v1::ProposePolicyRequest {
        parent: TENANT.to_owned(),
        policy: Some(v1::Policy { document: Some(v1::policy::Document::Retention(policy)), ..Default::default() }),
        request_id: uuid(),
        ..Default::default()
    };
    let denied = Code::PermissionDenied;
    for shorter in [retention(1, &["standard", "short"]), retention(1, &["short"])] {
        let answer = house.role("compliance").policies().propose_policy(propose(shorter)).await;
        refused(answer, denied, "APPROVAL_REQUIRED");
    }
    let longer = retention(4_000, &["standard", "short"]);
    house.role("compliance").policies().propose_policy(propose(longer)).await.unwrap();
    let update = v1::UpdateTenantRequest {
        tenant: Some(v1::Tenant {
            name: TENANT.to_owned(),
            default_retention_class: "none".to_owned(),
            ..Default::default()
        }),
        ..Default::default()
    };
    let answer = house.role("operator").tenants().update_tenant(update).await;
    refused(answer, Code::InvalidArgument, "RETENTION_CLASS_UNKNOWN");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_method_that_does_not_exist_is_refused_and_audited() {
    let house = House::new().await;
    for path in ["/subrosa.v1.KeyService/StealKey", "/subrosa.v2.KeyService/ListKeys", "/evil/Jane"] {
        refused(house.reader().raw(path, Vec::new()).await, Code::Unimplemented, "METHOD_UNKNOWN");
        refused(house.with_key(None).raw(path, Vec::new()).await, Code::Unauthenticated, "CREDENTIAL_MISSING");
    }
    let events = house.role("auditor").log(TENANT).await.events;
    let unknown: Vec<_> = events.iter().filter(|event| event.operation == "UnknownMethod").collect();
    assert_eq!(unknown.len(), 3);
    assert!(
        unknown.iter().all(|event| event.reason == "METHOD_UNKNOWN" && event.decision() == v1::AuditDecision::Denied)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_are_counted_and_none_is_lost() {
    let house = House::new().await;
    let guess = || house.with_key(Some("srk_aaaaaaaaaaaaaaaa_bbbb"));
    for _ in 0..20 {
        refused(guess().list().await, Code::Unauthenticated, "CREDENTIAL_INVALID");
    }
    let auditor = house.role("auditor");
    eventually("20 attempts in the log", || async {
        let events = auditor.log("system").await.events;
        let counted = events.iter().filter(|event| event.reason == "CREDENTIAL_MALFORMED");
        counted.map(|event| event.counts.get("attempts").copied().unwrap_or_default()).sum::<u64>() == 20
    })
    .await;
}
