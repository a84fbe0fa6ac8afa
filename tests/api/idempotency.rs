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
