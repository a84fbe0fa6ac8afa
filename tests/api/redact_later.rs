//! A value that redaction missed is taken out of stored records, and the key that showed it is gone.

use subrosa_proto::v1::redact_record_request::What;
use subrosa_proto::v1::redact_records_request::What as Many;
use subrosa_proto::v1::{self, record::Content};
use tonic::{Code, Status};

use crate::support::{Client, DAY, House, TENANT, eventually, file, reason_of, refused, said, text_of, tool, uuid};

/// A name that nothing tells to be one.
const MISSED: &str = "blorvanequistel";

fn value() -> What {
    What::Value(MISSED.to_owned())
}

async fn redact(client: &Client, name: &str, what: What) -> Result<v1::RedactRecordResponse, Status> {
    let request = v1::RedactRecordRequest {
        name: name.to_owned(),
        what: Some(what),
        finding_class: "PERSON".to_owned(),
        request_id: uuid(),
        ..Default::default()
    };
    Ok(client.conversations().redact_record(request).await?.into_inner())
}

async fn everywhere(client: &Client, parent: &str, dry_run: bool) -> Result<v1::RedactRecordsResponse, Status> {
    let request = v1::RedactRecordsRequest {
        parent: parent.to_owned(),
        what: Some(Many::Value(MISSED.to_owned())),
        finding_class: "PERSON".to_owned(),
        dry_run,
        ..Default::default()
    };
    Ok(client.conversations().redact_records(request).await?.into_inner())
}

async fn context(house: &House, name: &str) -> Vec<v1::Record> {
    let request = v1::GetContextRequest { name: name.to_owned(), ..Default::default() };
    house.bot().conversations().get_context(request).await.unwrap().into_inner().records
}

/// How many conversations a search by this class finds.
async fn with_class(house: &House, class: &str) -> usize {
    let request = v1::SearchConversationsRequest {
        parent: TENANT.to_owned(),
        finding_class: class.to_owned(),
        ..Default::default()
    };
    let found = house.role("privacy").search().search_conversations(request).await.unwrap();
    found.into_inner().conversations.len()
}

/// Everything in the vault's folder, file by file.
fn files(house: &House) -> Vec<(String, Vec<u8>)> {
    let listed = std::fs::read_dir(house.data_dir()).unwrap().map(Result::unwrap).filter(|one| one.path().is_file());
    listed.map(|one| (one.file_name().into_string().unwrap(), std::fs::read(one.path()).unwrap())).collect()
}

fn holds(bytes: &[u8], what: &[u8]) -> bool {
    bytes.windows(what.len()).any(|window| window == what)
}

/// The segment keys of the stopped vault, by number: wraps.
fn segments(house: &House) -> Vec<(i64, Vec<u8>)> {
    let keys = house.keys_db();
    let mut rows = keys.prepare("SELECT dek_id, wrapped FROM segments ORDER BY conversation, dek_id").unwrap();
    rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missed_value_goes_from_every_field_and_every_way_of_reading() {
    let mut house = House::new().await;
    let name = house.bot().create().await;
    let other = house.bot().create().await;
    house.bot().append(&other, vec![said("nothing here")]).await.unwrap();
    let mut text = said(&format!("I am {MISSED}, yes {MISSED}"));
    text.client_id = "m-1".to_owned();
    text.metadata.insert("who".to_owned(), MISSED.to_owned());
    let call = tool("lookup", r#"{"n":"blorvanequistel","e":["blorvane\u0071uistel",{"blorvanequistel":1}]}"#, "");
    let sent = vec![said("hello"), text, call, file("to.txt", "text/plain", format!("Dear {MISSED}").as_bytes())];
    house.bot().append(&name, sent).await.unwrap();
    let before = house.reader().read(&name).await.unwrap();
    assert_eq!(with_class(&house, "PERSON").await, 0);
    house.stop().await;
    let old = segments(&house);
    assert!(old.iter().all(|(_, wrap)| holds(&std::fs::read(house.data_dir().join("keys.db")).unwrap(), wrap)));
    house.start().await.unwrap();

    let privacy = house.role("privacy");
    let mut found = 0;
    for sequence in 1..=4 {
        let done = redact(&privacy, &format!("{name}/records/{sequence}"), value()).await.unwrap();
        assert!(done.scrubbed && !done.unsearched_file);
        assert_eq!(done.resealed_count, if sequence == 1 { 0 } else { 4 });
        assert_eq!(done.redactions.len(), usize::from(sequence > 1));
        assert!(done.findings.iter().all(|finding| finding.rule == "later/value" && finding.finding_class == "PERSON"));
        found += done.redactions.iter().map(|count| count.count).sum::<u64>();
    }
    assert_eq!(found, 3 + 3 + 1);
    let after = house.reader().read(&name).await.unwrap();
    assert_eq!(after, context(&house, &name).await);
    assert_eq!(after[0], before[0], "what is not named stays as it was");
    for (was, is) in before.iter().zip(&after).skip(1) {
        assert!(!format!("{is:?}").to_lowercase().contains("blorvane"), "{is:?}");
        let same = |record: &v1::Record| {
            (record.sequence, record.received_at, record.client_id.clone(), record.author_role, record.kind)
        };
        assert_eq!(same(was), same(is));
    }
    let Some(Content::Attachment(letter)) = &after[3].content else { panic!("no file") };
    let token = text_of(&after[1]).split(' ').nth(2).unwrap().trim_end_matches(',').to_owned();
    assert_eq!(text_of(&after[1]), format!("I am {token}, yes {token}"));
    assert_eq!(letter.data, format!("Dear {token}").as_bytes(), "one value has one token in a conversation");
    assert_eq!(after[1].metadata["who"], token);
    assert_eq!(with_class(&house, "PERSON").await, 1);

    // What is appended on the same day is under the new key, and read with the rest.
    house.bot().append(&name, vec![said("and on")]).await.unwrap();
    assert_eq!(house.reader().read(&name).await.unwrap().len(), 5);
    house.stop().await;
    let new = segments(&house);
    assert_eq!(new.len(), 2);
    let gone: Vec<_> = old.iter().filter(|segment| !new.contains(segment)).collect();
    assert_eq!(gone.len(), 1, "the key of the other conversation stays");
    assert!(new.iter().any(|(number, _)| *number == gone[0].0 + 3), "three records, three keys");
    for (file, bytes) in files(&house) {
        assert!(!holds(&bytes, &gone[0].1), "the destroyed key's wrap is in {file}");
        assert!(!holds(&bytes, MISSED.as_bytes()), "the value is in {file}");
    }
    house.start().await.unwrap();
    assert_eq!(house.reader().read(&name).await.unwrap().len(), 5);
    let events = house.role("auditor").log(TENANT).await.events;
    let acts: Vec<_> = events.iter().filter(|event| event.operation == "RedactRecord").collect();
    let phase = |phase| acts.iter().filter(|event| event.phase() == phase).count();
    assert_eq!((phase(v1::AuditPhase::Intent), phase(v1::AuditPhase::Outcome)), (3, 3));
    assert!(acts.iter().all(|event| event.object.starts_with(&name)));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_and_what_is_not_there() {
    let house = House::new().await;
    let name = house.bot().create().await;
    house.bot().append(&name, vec![said(MISSED)]).await.unwrap();
    let record = format!("{name}/records/1");
    for role in ["ingestor", "reader", "compliance", "approver", "operator", "security", "auditor"] {
        let client = house.role(role);
        refused(redact(&client, &record, value()).await, Code::PermissionDenied, "PERMISSION_DENIED");
        refused(everywhere(&client, TENANT, true).await, Code::PermissionDenied, "PERMISSION_DENIED");
    }
    let globex = house.tenant("globex").await;
    let key = house.issue("theirs", v1::Role::Privacy, &globex, &[]).await.0;
    let theirs = house.with_key(Some(&key));
    let absent = redact(&theirs, &record, value()).await.unwrap_err();
    assert!(matches!(absent.code(), Code::NotFound | Code::PermissionDenied), "{absent:?}");
    let privacy = house.role("privacy");
    refused(redact(&privacy, &format!("{name}/records/2"), value()).await, Code::NotFound, "RECORD_NOT_FOUND");
    let nowhere = "tenants/dev/conversations/0191f0aa-7d3c-7e21-8c5e-3b1f2a9d4c55/records/1";
    refused(redact(&privacy, nowhere, value()).await, Code::NotFound, "CONVERSATION_NOT_FOUND");
    refused(redact(&privacy, &name, value()).await, Code::InvalidArgument, "INVALID_NAME");
    let close = v1::CloseConversationRequest { name: name.clone() };
    house.bot().conversations().close_conversation(close).await.unwrap();
    assert_eq!(redact(&privacy, &record, value()).await.unwrap().resealed_count, 1, "a closed one has records too");
    assert_eq!(house.reader().read(&name).await.unwrap().len(), 1);
    house.retention_class("short", 1).await;
    let short = v1::Conversation { bot: "a".to_owned(), retention_class: "short".to_owned(), ..Default::default() };
    let passing = house.bot().create_as(short).await.unwrap().name;
    house.bot().append(&passing, vec![said(MISSED)]).await.unwrap();
    house.advance(DAY * 3).await;
    let record = format!("{passing}/records/1");
    eventually("the expiry", || async {
        redact(&privacy, &record, value()).await.is_err_and(|status| reason_of(&status) == "CONVERSATION_EXPIRED")
    })
    .await;
    assert_eq!(everywhere(&privacy, TENANT, true).await.unwrap().conversations, [], "what has expired is passed over");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_request_gets_the_first_answer() {
    let mut house = House::new().await;
    let name = house.bot().create().await;
    house.bot().append(&name, vec![said(MISSED), said("more")]).await.unwrap();
    let request = v1::RedactRecordRequest {
        name: format!("{name}/records/1"),
        what: Some(value()),
        request_id: uuid(),
        ..Default::default()
    };
    let ask = async |house: &House, request: &v1::RedactRecordRequest| {
        house.role("privacy").conversations().redact_record(request.clone()).await.map(tonic::Response::into_inner)
    };
    let dry = v1::RedactRecordRequest { dry_run: true, request_id: uuid(), ..request.clone() };
    let tried = ask(&house, &dry).await.unwrap();
    assert_eq!((tried.redactions.len(), tried.resealed_count), (1, 0));
    assert_eq!(text_of(&house.reader().read(&name).await.unwrap()[0]), MISSED, "a dry run changes nothing");
    let first = ask(&house, &request).await.unwrap();
    assert_eq!((first.redactions[0].count, first.resealed_count), (1, 2));
    assert_eq!(text_of(&house.reader().read(&name).await.unwrap()[0]), "<SECRET>");
    assert_eq!(ask(&house, &request).await.unwrap(), first);
    house.restart().await;
    assert_eq!(ask(&house, &request).await.unwrap(), first);
    let other = v1::RedactRecordRequest { what: Some(What::Value("another".to_owned())), ..request.clone() };
    refused(ask(&house, &other).await, Code::AlreadyExists, "IDEMPOTENCY_MISMATCH");
    let again = v1::RedactRecordRequest { request_id: uuid(), ..request };
    assert_eq!(ask(&house, &again).await.unwrap().redactions, [], "it is gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_a_reader_keeps_in_the_log_is_not_said_to_be_gone() {
    let house = House::new().await;
    let name = house.bot().create().await;
    house.bot().append(&name, vec![said(MISSED)]).await.unwrap();
    let reader = rusqlite::Connection::open(house.data_dir().join("keys.db")).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM segments;").unwrap();
    let request = v1::RedactRecordRequest {
        name: format!("{name}/records/1"),
        what: Some(value()),
        request_id: uuid(),
        ..Default::default()
    };
    let privacy = house.role("privacy");
    let done = privacy.conversations().redact_record(request.clone()).await.unwrap().into_inner();
    assert!(!done.scrubbed);
    assert_eq!(text_of(&house.reader().read(&name).await.unwrap()[0]), "<SECRET>");
    let events = house.role("auditor").log(TENANT).await.events;
    assert!(events.iter().any(|event| event.operation == "RedactRecord" && event.reason == "PENDING_SCRUB"));
    reader.execute_batch("ROLLBACK").unwrap();
    let again = privacy.conversations().redact_record(request).await.unwrap().into_inner();
    assert_eq!(again, v1::RedactRecordResponse { scrubbed: true, ..done });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reading_and_a_stream_that_are_open_go_on() {
    let house = House::new().await;
    let name = house.bot().create().await;
    // More than what is on its way to a client that takes nothing.
    let filler = "x ".repeat(512);
    for batch in 0..3 {
        let mut sent: Vec<_> = (0..700).map(|_| said(&filler)).collect();
        if batch == 2 {
            sent[599] = said(&format!("{MISSED} {filler}"));
        }
        house.bot().append(&name, sent).await.unwrap();
    }
    let mut reading = house.reader().reading(&name).await.unwrap();
    assert_eq!(reading.message().await.unwrap().unwrap().record.unwrap().sequence, 1);
    let mut stream = house.bot().open_stream(&name, &uuid()).await.unwrap();
    stream.append(1, said("before")).await;
    stream.acked(1).await.unwrap();
    let done = redact(&house.role("privacy"), &format!("{name}/records/2000"), value()).await.unwrap();
    assert_eq!(done.resealed_count, 2_101);
    stream.append(2, said("after")).await;
    stream.acked(2).await.unwrap();
    let mut read = 1;
    while let Some(answer) = reading.message().await.unwrap() {
        read += 1;
        assert_eq!(answer.expired_through, 0, "a record that is there is said to have expired");
        assert!(!text_of(&answer.record.unwrap()).contains(MISSED));
    }
    assert_eq!(read, 2_100);
    assert_eq!(house.reader().read(&name).await.unwrap().len(), 2_102);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_goes_page_by_page_and_counts_first() {
    let house = House::new().await;
    let mut names = Vec::new();
    for number in 0..5 {
        let conversation = v1::Conversation {
            bot: if number == 4 { "b" } else { "a" }.to_owned(),
            subject: if number < 2 { "jo" } else { "mo" }.to_owned(),
            ..Default::default()
        };
        let name = house.bot().create_as(conversation).await.unwrap().name;
        let text = if number == 3 { "nothing".to_owned() } else { format!("{MISSED} {number}") };
        house.bot().append(&name, vec![said(&text), said("x")]).await.unwrap();
        names.push(name);
    }
    house.bot().append(&names[0], vec![file("a.pdf", "application/pdf", b"%PDF-1.7 x")]).await.unwrap();
    let privacy = house.role("privacy");
    let dry = everywhere(&privacy, TENANT, true).await.unwrap();
    let found: Vec<_> = dry.conversations.iter().map(|one| one.conversation.as_str()).collect();
    assert_eq!(found, [&names[4], &names[2], &names[1], &names[0]]);
    assert_eq!((dry.searched_conversation_count, dry.searched_record_count, dry.unsearched_file_count), (5, 11, 1));
    assert_eq!((dry.conversations[0].record_count, dry.conversations[0].redactions[0].count), (1, 1));
    let alone = everywhere(&privacy, &names[0], false).await.unwrap();
    assert_eq!((alone.conversations.len(), alone.searched_conversation_count), (1, 1));
    let mut request = v1::RedactRecordsRequest {
        parent: TENANT.to_owned(),
        bot: "a".to_owned(),
        what: Some(Many::Value(MISSED.to_owned())),
        page_size: 1,
        ..Default::default()
    };
    let of_subject = v1::RedactRecordsRequest { subject: "jo".to_owned(), page_size: 0, ..request.clone() };
    let (mut pages, mut redacted) = (0, Vec::new());
    loop {
        let page = privacy.conversations().redact_records(request.clone()).await.unwrap().into_inner();
        assert!(page.scrubbed && page.searched_conversation_count == 1);
        pages += 1;
        redacted.extend(page.conversations.into_iter().map(|one| one.conversation));
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    assert_eq!((pages, redacted), (4, vec![names[2].clone(), names[1].clone()]));
    let none = privacy.conversations().redact_records(of_subject).await.unwrap().into_inner();
    assert_eq!((none.conversations, none.searched_conversation_count), (vec![], 2));
    let left = everywhere(&privacy, TENANT, true).await.unwrap();
    assert_eq!(left.conversations.iter().map(|one| one.conversation.as_str()).collect::<Vec<_>>(), [&names[4]]);
    let wrong = v1::RedactRecordsRequest { bot: "b".to_owned(), ..request };
    refused(privacy.conversations().redact_records(wrong).await, Code::InvalidArgument, "PAGE_TOKEN_INVALID");
}

/// Proposes a redaction policy, which is in force from then on.
async fn propose(house: &House, policy: v1::RedactionPolicy) {
    let document = Some(v1::policy::Document::Redaction(policy));
    let request = v1::ProposePolicyRequest {
        parent: TENANT.to_owned(),
        policy: Some(v1::Policy { document, ..Default::default() }),
        ..Default::default()
    };
    house.role("compliance").policies().propose_policy(request).await.unwrap();
}

fn phones_only() -> v1::RedactionPolicy {
    let rules = vec![v1::ClassRule { finding_class: "PHONE".to_owned(), operator: 0 }];
    v1::RedactionPolicy { rules, ..Default::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proposed_policy_is_tried_and_then_applied_again() {
    let house = House::new().await;
    propose(&house, phones_only()).await;
    let (first, second) = (house.bot().create().await, house.bot().create().await);
    house.bot().append(&first, vec![said("write to jane@example.org or call 415-555-0132")]).await.unwrap();
    house.bot().append(&second, vec![said("hello"), said("joe@example.org, jim@example.org")]).await.unwrap();
    let preview = async |role: &str, policy: v1::RedactionPolicy, record_count: u32| {
        let document = Some(v1::policy::Document::Redaction(policy));
        let request = v1::PreviewPolicyRequest {
            parent: TENANT.to_owned(),
            policy: Some(v1::Policy { document, ..Default::default() }),
            record_count,
            purpose: v1::Purpose::Quality.into(),
            ..Default::default()
        };
        house.role(role).policies().preview_policy(request).await.map(tonic::Response::into_inner)
    };
    let found = preview("privacy", v1::RedactionPolicy::default(), 0).await.unwrap();
    let differences: Vec<_> = found
        .differences
        .iter()
        .map(|one| (one.finding_class.as_str(), one.rule.as_str(), one.current_count, one.proposed_count))
        .collect();
    assert_eq!(differences, [("EMAIL", "email", 0, 3)]);
    assert_eq!((found.record_count, found.conversation_count, found.current_version), (3, 2, 2));
    assert_eq!((found.differing_record_count, found.differing_conversation_count), (2, 2));
    assert_eq!(found.differing_records, [format!("{second}/records/2"), format!("{first}/records/1")]);
    assert!(!format!("{found:?}").contains("example.org"));
    let newest = preview("privacy", v1::RedactionPolicy::default(), 1).await.unwrap();
    assert_eq!((newest.record_count, newest.differing_records), (1, vec![format!("{second}/records/2")]));
    assert_eq!(preview("compliance", phones_only(), 0).await.unwrap().differences, []);
    for role in ["ingestor", "reader", "approver", "operator", "security", "auditor"] {
        refused(preview(role, phones_only(), 0).await, Code::PermissionDenied, "PERMISSION_DENIED");
    }
    let events = house.role("auditor").log(TENANT).await.events;
    let phases: Vec<_> =
        events.iter().filter(|event| event.operation == "PreviewPolicy").map(|event| event.phase()).collect();
    let count = |phase| phases.iter().filter(|one| **one == phase).count();
    assert_eq!((count(v1::AuditPhase::Begin), count(v1::AuditPhase::End)), (3, 3));

    propose(&house, v1::RedactionPolicy::default()).await;
    let done = redact(&house.role("privacy"), &format!("{first}/records/1"), What::ReapplyPolicy(true)).await.unwrap();
    assert_eq!((done.redactions[0].finding_class.as_str(), done.policy_version), ("EMAIL", 3));
    let read = &house.reader().read(&first).await.unwrap()[0];
    assert!(!text_of(read).contains("jane@"), "{read:?}");
    let summary = read.redaction.as_ref().unwrap();
    assert_eq!(summary.policy_version, 3);
    let rules: Vec<_> = summary.findings.iter().map(|finding| finding.rule.as_str()).collect();
    assert!(rules.len() == 2 && rules[1] == "later/email", "{rules:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_says_why() {
    let house = House::new().await;
    let mut record = said("card 4242 4242 4242 4242");
    record.metadata.insert("password".to_owned(), "hunter2".to_owned());
    let call = tool("lookup", r#"{"to":["jane@example.org"],"pin":4711}"#, "");
    let request = v1::PreviewRedactionRequest { tenant: TENANT.to_owned(), records: vec![record, call] };
    let answer = house.role("privacy").ingest().preview_redaction(request).await.unwrap().into_inner();
    let mut seen = Vec::new();
    let summaries = answer.records.iter().map(|record| record.redaction.as_ref().unwrap());
    for (finding, why) in summaries.flat_map(|summary| summary.findings.iter().zip(&summary.explanations)) {
        assert!(why.policy_version == 1 && !finding.rule.is_empty() && finding.score >= 0.5, "{finding:?}");
        seen.push((finding.finding_class.as_str(), why.stage(), why.operator(), why.verdict.is_empty()));
    }
    use v1::{RedactionOperator as Operator, RedactionStage as Stage};
    assert_eq!(
        seen,
        [
            ("CARD", Stage::Validate, Operator::Mask, false),
            ("SECRET", Stage::Name, Operator::Drop, false),
            ("EMAIL", Stage::Validate, Operator::Pseudonym, false),
            ("SECRET", Stage::Name, Operator::Drop, false),
        ]
    );
    let shown = format!("{answer:?}");
    assert!(!shown.contains("4242 4242") && !shown.contains("hunter2") && !shown.contains("jane@"));
}

#[tokio::test(flavor = "multi_thread")]
async fn pieces_are_named_by_their_place() {
    let house = House::new().await;
    let name = house.bot().create().await;
    house.bot().append(&name, vec![said("sagt Jörg heute")]).await.unwrap();
    let span = |start, end| {
        let span = v1::RedactionSpan { field: "text".to_owned(), start, end, finding_class: "PERSON".to_owned() };
        What::Spans(v1::RedactionSpans { spans: vec![span] })
    };
    let (privacy, record) = (house.role("privacy"), format!("{name}/records/1"));
    let status = refused(redact(&privacy, &record, span(5, 7)).await, Code::InvalidArgument, "INVALID_FIELD");
    assert!(!format!("{status:?}").contains("Jörg"));
    redact(&privacy, &record, span(5, 10)).await.unwrap();
    let read = house.reader().read(&name).await.unwrap();
    let text = text_of(&read[0]);
    assert!(text.starts_with("sagt <PERSON_") && text.ends_with("> heute"), "{text}");
}
