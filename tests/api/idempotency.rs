//! A repeated request gets the first answer, and does its work once.

use subrosa_proto::v1;
use tonic::Code;

use crate::support::{House, TENANT, refused, said, text_of, uuid};

#[tokio::test(flavor = "multi_thread")]
async fn an_append_repeated_one_by_one_or_all_at_once_is_stored_once() {
    let mut house = House::new().await;
    let bot = house.bot();
    let name = bot.create().await;
    let id = uuid();
    let body = || vec![said("one"), said("mail jane.roe@example.org")];
    let eight = (0..8).map(|_| bot.append_with(&name, &id, body()));
    let answers: Vec<_> = futures_util::future::join_all(eight).await.into_iter().map(Result::unwrap).collect();
    assert_eq!((answers[0].first_sequence, answers[0].last_sequence), (1, 2));
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    refused(bot.append_with(&name, &id, vec![said("two")]).await, Code::AlreadyExists, "IDEMPOTENCY_MISMATCH");
    house.restart().await;
    let bot = house.bot();
    assert_eq!(bot.append_with(&name, &id, body()).await.unwrap(), answers[0]);
    refused(bot.append_with(&name, &id, vec![said("two")]).await, Code::AlreadyExists, "IDEMPOTENCY_MISMATCH");
    let other = bot.create().await;
    refused(bot.append_with(&other, &id, body()).await, Code::AlreadyExists, "IDEMPOTENCY_MISMATCH");
    assert_eq!(house.reader().read(&name).await.unwrap().len(), 2);
    assert!(house.reader().read(&other).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_that_makes_its_conversation_makes_one() {
    let house = House::new().await;
    let bot = house.bot();
    let request = v1::AppendRecordsRequest {
        tenant: TENANT.to_owned(),
        client_reference: "order-7".to_owned(),
        request_id: uuid(),
        records: vec![said("one")],
        conversation: Some(v1::Conversation { bot: "a".to_owned(), ..Default::default() }),
        ..Default::default()
    };
    let eight = (0..8).map(|_| {
        let (mut ingest, request) = (bot.ingest(), request.clone());
        async move { ingest.append_records(request).await.unwrap().into_inner() }
    });
    let answers = futures_util::future::join_all(eight).await;
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    assert!(answers[0].created);
    assert_eq!(bot.list().await.unwrap().len(), 1);
    assert_eq!(house.reader().read(&answers[0].conversation).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_creation_and_annotation_have_one_effect() {
    let mut house = House::new().await;
    let create = v1::CreateConversationRequest {
        parent: TENANT.to_owned(),
        conversation: Some(v1::Conversation { bot: "a".to_owned(), ..Default::default() }),
        request_id: uuid(),
    };
    let made = async |house: &House, request: &v1::CreateConversationRequest| {
        house.bot().conversations().create_conversation(request.clone()).await.map(|answer| answer.into_inner())
    };
    let eight = (0..8).map(|_| made(&house, &create));
    let answers: Vec<_> = futures_util::future::join_all(eight).await.into_iter().map(Result::unwrap).collect();
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    let name = answers[0].conversation.clone().unwrap().name;
    let note = v1::AnnotateRequest {
        name: name.clone(),
        note: "checked".to_owned(),
        request_id: uuid(),
        ..Default::default()
    };
    let compliance = house.role("compliance");
    let eight = (0..8).map(|_| {
        let (mut conversations, note) = (compliance.conversations(), note.clone());
        async move { conversations.annotate(note).await.unwrap().into_inner().sequence }
    });
    assert_eq!(futures_util::future::join_all(eight).await, [1; 8]);
    for _ in 0..2 {
        let answer = house.role("compliance").conversations().annotate(note.clone()).await.unwrap().into_inner();
        assert_eq!(answer.sequence, 1);
        house.restart().await;
    }
    assert_eq!(made(&house, &create).await.unwrap().conversation.unwrap().name, name);
    let mut other = create.clone();
    other.conversation.as_mut().unwrap().channel = "web".to_owned();
    refused(made(&house, &other).await, Code::AlreadyExists, "IDEMPOTENCY_MISMATCH");
    let other = v1::AnnotateRequest { note: "not checked".to_owned(), ..note };
    let answer = house.role("compliance").conversations().annotate(other).await;
    refused(answer, Code::AlreadyExists, "IDEMPOTENCY_MISMATCH");
    let records = house.reader().read(&name).await.unwrap();
    assert_eq!(records.iter().map(text_of).collect::<Vec<_>>(), ["checked"]);
    assert_eq!(house.bot().list().await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_id_belongs_to_who_used_it() {
    let house = House::new().await;
    let (one, _) = house.issue("bot-one", v1::Role::Ingestor, TENANT, &["*"]).await;
    let (two, _) = house.issue("bot-two", v1::Role::Ingestor, TENANT, &["*"]).await;
    let name = house.bot().create().await;
    let id = uuid();
    let first = house.with_key(Some(&one)).append_with(&name, &id, vec![said("x")]).await.unwrap();
    let second = house.with_key(Some(&two)).append_with(&name, &id, vec![said("y")]).await.unwrap();
    assert_eq!((first.last_sequence, second.last_sequence), (1, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_request_may_be_mended_under_the_same_id() {
    let house = House::new().await;
    let bot = house.bot();
    let name = bot.create().await;
    let id = uuid();
    refused(bot.append_with(&name, &id, vec![said("")]).await, Code::InvalidArgument, "EMPTY_CONTENT");
    assert_eq!(bot.append_with(&name, &id, vec![said("x")]).await.unwrap().last_sequence, 1);
}

async fn all_at_once<T: PartialEq + std::fmt::Debug>(eight: impl Iterator<Item = impl Future<Output = T>>) -> T {
    let mut answers = futures_util::future::join_all(eight).await;
    let first = answers.remove(0);
    assert!(answers.iter().all(|answer| *answer == first), "{first:?} {answers:?}");
    first
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_asked_for_all_at_once_is_done_once_and_leaves_no_act_open() {
    let mut house = House::new().await;
    let request = v1::RotateKeyRequest { parent: TENANT.to_owned(), request_id: uuid() };
    let operator = house.role("operator");
    let version = all_at_once((0..8).map(|_| {
        let (mut keys, request) = (operator.keys(), request.clone());
        async move { keys.rotate_key(request).await.unwrap().into_inner().key.unwrap().version }
    }));
    assert_eq!(version.await, 2);
    let events = house.role("auditor").log(TENANT).await.events;
    let outcomes = events.iter().filter(|event| event.operation == "RotateKey");
    assert_eq!(outcomes.filter(|event| event.phase() == v1::AuditPhase::Outcome).count(), 1);
    house.stop().await;
    assert_eq!(open_acts(&house), 0);
}

fn open_acts(house: &House) -> i64 {
    house.vault_db().query_row("SELECT count(*) FROM key_acts", [], |row| row.get(0)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_asked_for_all_at_once_is_made_once_and_leaves_no_act_open() {
    let mut house = House::new().await;
    let operator = house.role("operator");
    let create = async |request_id: String| {
        let request = v1::CreateTenantRequest { tenant_id: "other".to_owned(), request_id, ..Default::default() };
        operator.tenants().create_tenant(request).await.map(|answer| answer.into_inner().tenant.unwrap().name)
    };
    let id = uuid();
    let name = all_at_once((0..8).map(|_| async { create(id.clone()).await.unwrap() })).await;
    assert_eq!(name, "tenants/other");
    let others = futures_util::future::join_all((0..4).map(|_| create(uuid()))).await;
    for other in others {
        refused(other, Code::AlreadyExists, "TENANT_EXISTS");
    }
    house.stop().await;
    assert_eq!(open_acts(&house), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_proposed_all_at_once_is_put_once_and_its_repetition_says_whether_it_is_in_force() {
    let house = House::new().await;
    let compliance = house.role("compliance");
    let retention = |days: i64| {
        let retention = Some(prost_types::Duration { seconds: days * 86_400, nanos: 0 });
        let classes = ["standard", "long"].map(|name| v1::RetentionClass { name: name.to_owned(), retention });
        let policy = v1::RetentionPolicy { classes: classes.into(), default_class: "standard".to_owned() };
        let document = Some(v1::policy::Document::Retention(policy));
        let policy = Some(v1::Policy { document, ..Default::default() });
        v1::ProposePolicyRequest { parent: TENANT.to_owned(), policy, request_id: uuid(), ..Default::default() }
    };
    let propose = async |request: &v1::ProposePolicyRequest| {
        let policy = compliance.policies().propose_policy(request.clone()).await.unwrap().into_inner().policy.unwrap();
        (policy.version, policy.active)
    };
    let first = retention(400);
    assert_eq!(all_at_once((0..8).map(|_| propose(&first))).await, (2, true));
    assert_eq!(propose(&retention(500)).await, (3, true));
    assert_eq!(propose(&first).await, (2, false));

    let mut tenant = v1::UpdateTenantRequest {
        tenant: Some(v1::Tenant {
            name: TENANT.to_owned(),
            default_retention_class: "long".to_owned(),
            ..Default::default()
        }),
        update_mask: Some(prost_types::FieldMask { paths: vec!["default_retention_class".to_owned()] }),
        request_id: uuid(),
    };
    let operator = house.role("operator");
    let update = async |request: &v1::UpdateTenantRequest| {
        let answer = operator.tenants().update_tenant(request.clone()).await;
        answer.map(|answer| answer.into_inner().tenant.unwrap().default_retention_class)
    };
    assert_eq!(all_at_once((0..8).map(|_| async { update(&tenant).await.unwrap() })).await, "long");
    assert_eq!(propose(&retention(600)).await, (5, true), "a repeated update made a version of its own");
    tenant.tenant.as_mut().unwrap().default_retention_class = "standard".to_owned();
    refused(update(&tenant).await, Code::AlreadyExists, "IDEMPOTENCY_MISMATCH");
}
