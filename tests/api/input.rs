//! What bad input gets (design section 11): a refusal that names the field and the reason, holds nothing of the value, and
//! leaves nothing behind.

use prost::Message as _;
use subrosa_proto::v1;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::support::{Client, House, TENANT, file, refused, said, tool, uuid};

/// A value that no answer may repeat.
const CANARY: &str = "canary-7f3a91";

struct Case {
    record: v1::Record,
    code: Code,
    reason: &'static str,
    field: &'static str,
}

fn case(record: v1::Record, reason: &'static str, field: &'static str) -> Case {
    Case { record, code: Code::InvalidArgument, reason, field }
}

fn with_metadata(key: &str, value: &str) -> v1::Record {
    v1::Record { metadata: [(key.to_owned(), value.to_owned())].into(), ..said("x") }
}

fn cases() -> Vec<Case> {
    let deep = format!("{}\"{CANARY}\"{}", "[".repeat(100), "]".repeat(100));
    let many = (0..65).map(|n| (format!("key-{n}"), CANARY.to_owned())).collect();
    let future = prost_types::Timestamp { seconds: 4_102_444_800, nanos: 0 };
    let large = format!("{CANARY}{}", "x".repeat(256 * 1024));
    vec![
        case(v1::Record { author_role: 77, ..said(CANARY) }, "UNKNOWN_ENUM", "author_role"),
        case(v1::Record { author_role: 0, ..said(CANARY) }, "INVALID_FIELD", "author_role"),
        case(v1::Record { content: None, ..said("") }, "EMPTY_CONTENT", "content"),
        case(said(""), "EMPTY_CONTENT", "text"),
        case(v1::Record { occurred_at: Some(future), ..said(CANARY) }, "TIMESTAMP_OUT_OF_RANGE", "occurred_at"),
        case(tool("lookup", &deep, ""), "INVALID_JSON", "tool_call.arguments"),
        case(tool("lookup", "{}", &deep), "INVALID_JSON", "tool_call.result"),
        case(tool("lookup", &format!("{{{CANARY}"), ""), "INVALID_JSON", "tool_call.arguments"),
        case(said(&large), "RECORD_TOO_LARGE", "text"),
        case(tool("lookup", &large, ""), "RECORD_TOO_LARGE", "tool_call.arguments"),
        case(with_metadata("note", &large), "RECORD_TOO_LARGE", "content"),
        case(v1::Record { metadata: many, ..said("x") }, "TOO_MANY_METADATA_PAIRS", "metadata"),
        case(with_metadata(&format!("{CANARY} with space"), "v"), "INVALID_FIELD", "metadata"),
        case(with_metadata("4111111111111111", "v"), "PERSONAL_DATA_IN_KEY", "metadata"),
        case(tool("4111111111111111", "{}", ""), "PERSONAL_DATA_IN_KEY", "tool_call.name"),
        case(tool(&format!("{CANARY} {CANARY}"), "{}", ""), "INVALID_FIELD", "tool_call.name"),
        case(v1::Record { client_id: CANARY.repeat(20), ..said("x") }, "INVALID_FIELD", "client_id"),
        case(v1::Record { model: CANARY.repeat(20), ..said("x") }, "INVALID_FIELD", "model"),
        case(v1::Record { prompt_version: CANARY.repeat(20), ..said("x") }, "INVALID_FIELD", "prompt_version"),
        case(
            v1::Record {
                content: Some(v1::record::Content::Annotation(v1::Annotation {
                    note: CANARY.to_owned(),
                    about_sequence: 0,
                })),
                ..said("x")
            },
            "INVALID_FIELD",
            "annotation",
        ),
    ]
    .into_iter()
    .chain(files())
    .collect()
}

/// Files that are none, or are not what they say.
fn files() -> Vec<Case> {
    let text = |name: &str, data: &[u8]| file(name, "text/plain", data);
    let type_refused = |media_type: &str, data: &[u8], field| {
        case(file(CANARY, media_type, &[data, CANARY.as_bytes()].concat()), "ATTACHMENT_TYPE_REFUSED", field)
    };
    let (of_type, of_data) = ("attachment.media_type", "attachment.data");
    let large = format!("{CANARY}{}", "x".repeat(256 * 1024));
    let deep = format!("{}\"{CANARY}\"{}", "[".repeat(100), "]".repeat(100));
    let mut cases = vec![
        case(text("a.txt", b""), "EMPTY_CONTENT", of_data),
        case(text("a.txt", large.as_bytes()), "RECORD_TOO_LARGE", of_data),
        case(file("a.json", "application/json", deep.as_bytes()), "INVALID_JSON", of_data),
        case(file("a.json", "application/json", format!("{{{CANARY}").as_bytes()), "INVALID_JSON", of_data),
        type_refused("", b"", of_type),
        type_refused(CANARY, b"", of_type),
        type_refused("text/html", b"<html>", of_type),
        type_refused("image/svg+xml", b"<svg>", of_type),
        type_refused("application/zip", b"PK\x03\x04", of_type),
        type_refused("image/png", b"\x7fELF", of_data),
        type_refused("image/png", b"MZ\x90\0", of_data),
        type_refused("image/jpeg", b"\x89PNG\r\n\x1a\n", of_data),
        type_refused("application/pdf", b"PK\x03\x04", of_data),
        type_refused("application/pdf", b" %PDF-1.7", of_data),
        type_refused("text/plain", b"<!DOCTYPE html>", of_data),
        type_refused("text/plain", b"<?xml version='1.0'?><svg>", of_data),
        type_refused("text/markdown", b"#!/bin/sh\n", of_data),
        type_refused("text/csv", b"a,\xff\xfe", of_data),
        type_refused("text/plain", b"a\0b", of_data),
        type_refused("application/json", b"%PDF-", of_data),
    ];
    for bad in ["../x", "a/b", "a\\b", "a\nb", "a\0b", "a\u{1b}[2J", "a\u{202e}gpj.exe"] {
        cases.push(case(text(&format!("{CANARY}{bad}"), b"x"), "INVALID_FIELD", "attachment.file_name"));
    }
    cases.push(case(text(&CANARY.repeat(30), b"x"), "INVALID_FIELD", "attachment.file_name"));
    cases
}

/// Checks that nothing of the value is in a status: message, details or metadata.
#[track_caller]
fn silent(status: &Status) {
    for value in [CANARY, "4111111111111111"] {
        let told = format!("{status:?}{:?}", String::from_utf8_lossy(status.details()));
        assert!(!told.contains(value), "the answer repeats the value: {told}");
    }
}

#[track_caller]
fn at_field(status: &Status, field: &str) {
    let details = status.get_error_details();
    let bad = details.bad_request().unwrap_or_else(|| panic!("no field in {status:?}"));
    assert_eq!(bad.field_violations[0].field, field);
}

async fn conversation(house: &House) -> (Client, String) {
    let bot = house.bot();
    let name = bot.create().await;
    bot.append(&name, vec![said("the first")]).await.unwrap();
    (bot, name)
}

async fn holds_one(house: &House, name: &str) {
    let records = house.reader().read(name).await.unwrap();
    assert_eq!(records.len(), 1, "something was stored");
    assert_eq!(house.reader().get(name).await.unwrap().last_sequence, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_record_is_refused_by_append_with_its_place_and_stores_nothing() {
    let house = House::new().await;
    let (bot, name) = conversation(&house).await;
    for Case { record, code, reason, field } in cases() {
        let answer = bot.append(&name, vec![said("good"), record]).await;
        let status = refused(answer, code, reason);
        silent(&status);
        at_field(&status, &format!("records[1].{field}"));
    }
    holds_one(&house, &name).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_record_ends_an_ingest_stream_with_its_place_and_stores_nothing() {
    let house = House::new().await;
    let (bot, name) = conversation(&house).await;
    for Case { record, code, reason, field } in cases() {
        let mut stream = bot.open_stream(&name, &uuid()).await.unwrap();
        stream.append(1, record).await;
        stream.half_close();
        let (acked, end) = stream.end().await;
        let status = refused(end, code, reason);
        silent(&status);
        let details = status.get_error_details();
        let found =
            details.bad_request().unwrap_or_else(|| panic!("no field: {status:?}")).field_violations[0].field.clone();
        assert!(found.ends_with(field), "{found} is not at {field}");
        assert_eq!(acked, 0);
    }
    holds_one(&house, &name).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_record_is_refused_by_a_preview() {
    let house = House::new().await;
    for Case { record, code, reason, field } in cases() {
        let request = v1::PreviewRedactionRequest { tenant: TENANT.to_owned(), records: vec![record] };
        let status = refused(house.bot().ingest().preview_redaction(request).await, code, reason);
        silent(&status);
        at_field(&status, &format!("records[0].{field}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_are_named_and_what_is_just_within_them_is_taken() {
    let house = House::new().await;
    let (bot, name) = conversation(&house).await;
    let limit = |status: Status| status.get_details_error_info().unwrap().metadata.get("limit").cloned();
    let answer = bot.append(&name, vec![said("x"); 1_001]).await;
    assert_eq!(limit(refused(answer, Code::InvalidArgument, "BATCH_TOO_LARGE")).as_deref(), Some("1000"));
    let answer = bot.append(&name, vec![said(&"x".repeat(256 * 1024 + 1))]).await;
    assert_eq!(limit(refused(answer, Code::InvalidArgument, "RECORD_TOO_LARGE")).as_deref(), Some("262144"));
    let many: Vec<_> = (0..20).map(|_| said(&format!("{CANARY}{}", "x".repeat(250_000)))).collect();
    let status = refused(bot.append(&name, many).await, Code::ResourceExhausted, "BATCH_TOO_LARGE");
    silent(&status);
    assert!(limit(status).is_some());
    let answer = bot.append(&name, Vec::new()).await;
    at_field(&refused(answer, Code::InvalidArgument, "INVALID_FIELD"), "records");
    holds_one(&house, &name).await;

    bot.append(&name, vec![said("x"); 1_000]).await.unwrap();
    bot.append(&name, vec![said(&"x".repeat(256 * 1024))]).await.unwrap();
    let pairs = (0..64).map(|n| (format!("key-{n}"), "v".to_owned())).collect();
    bot.append(&name, vec![v1::Record { metadata: pairs, ..said("x") }]).await.unwrap();
    assert_eq!(house.reader().get(&name).await.unwrap().last_sequence, 1_003);
}

/// A field of type string, with bytes that are not UTF-8.
fn not_text(tag: u8) -> Vec<u8> {
    vec![tag << 3 | 2, 4, b'c', 0xff, 0xfe, b'y']
}

fn nested(tag: u8, inner: &[u8]) -> Vec<u8> {
    let mut message = vec![tag << 3 | 2, u8::try_from(inner.len()).unwrap()];
    message.extend_from_slice(inner);
    message
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_no_text_or_no_message_are_refused_wherever_they_stand() {
    let house = House::new().await;
    let (bot, name) = conversation(&house).await;
    let head = v1::AppendRecordsRequest { parent: name.clone(), request_id: uuid(), ..Default::default() };
    let bad_text = [head.encode_to_vec(), nested(5, &[not_text(7), vec![6 << 3, 1]].concat())].concat();
    let bad_key = [head.encode_to_vec(), nested(5, &nested(13, &not_text(1)))].concat();
    let append = "/subrosa.v1.IngestService/AppendRecords";
    for message in [bad_text, bad_key, not_text(1), vec![0xff; 40], nested(5, &[0x3a, 0x7f, b'x'])] {
        refused(bot.raw(append, message).await, Code::InvalidArgument, "INVALID_FIELD");
    }
    let get = "/subrosa.v1.ConversationService/GetConversation";
    refused(bot.raw(get, not_text(1)).await, Code::InvalidArgument, "INVALID_FIELD");
    let read = "/subrosa.v1.ConversationService/ReadConversation";
    refused(house.reader().raw(read, not_text(1)).await, Code::InvalidArgument, "INVALID_FIELD");
    let ingest = "/subrosa.v1.IngestService/Ingest";
    refused(bot.raw(ingest, nested(1, &not_text(1))).await, Code::InvalidArgument, "INVALID_FIELD");
    holds_one(&house, &name).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_and_words_of_the_wrong_form_are_refused_at_their_field() {
    let house = House::new().await;
    let (bot, name) = conversation(&house).await;
    for wrong in [CANARY, "", "tenants/dev", "tenants/dev/conversations/x", "tenants/DEV/conversations/x"] {
        let status = refused(bot.get(wrong).await, Code::InvalidArgument, "INVALID_NAME");
        silent(&status);
        at_field(&status, "name");
    }
    let upper = name.to_uppercase();
    refused(bot.get(&upper).await, Code::InvalidArgument, "INVALID_NAME");
    let answer = bot.append_with(&name, CANARY, vec![said("x")]).await;
    let status = refused(answer, Code::InvalidArgument, "INVALID_FIELD");
    silent(&status);
    at_field(&status, "request_id");
    at_field(
        &refused(bot.append_with(&name, "", vec![said("x")]).await, Code::InvalidArgument, "INVALID_FIELD"),
        "request_id",
    );
    let conversation = |bot: &str| v1::Conversation { bot: bot.to_owned(), ..Default::default() };
    let wrong = [
        (v1::Conversation { audience: 9, ..conversation("a") }, "UNKNOWN_ENUM", "conversation.audience"),
        (v1::Conversation { consent: vec![99], ..conversation("a") }, "UNKNOWN_ENUM", "conversation.consent[0]"),
        (conversation(&format!("{CANARY} b")), "INVALID_FIELD", "conversation.bot"),
        (conversation("4111111111111111"), "PERSONAL_DATA_IN_KEY", "conversation.bot"),
        (
            v1::Conversation { labels: vec!["4111111111111111".into()], ..conversation("a") },
            "PERSONAL_DATA_IN_KEY",
            "conversation.labels",
        ),
        (
            v1::Conversation { channel: "4111111111111111".into(), ..conversation("a") },
            "PERSONAL_DATA_IN_KEY",
            "conversation.channel",
        ),
        (
            v1::Conversation { bot_version: "4111111111111111".into(), ..conversation("a") },
            "PERSONAL_DATA_IN_KEY",
            "conversation.bot_version",
        ),
        (
            v1::Conversation { language: "4111111111111111".into(), ..conversation("a") },
            "PERSONAL_DATA_IN_KEY",
            "conversation.language",
        ),
        (
            v1::Conversation { retention_class: "forever".into(), ..conversation("a") },
            "RETENTION_CLASS_UNKNOWN",
            "conversation.retention_class",
        ),
        (
            v1::Conversation { client_reference: CANARY.repeat(40), ..conversation("a") },
            "INVALID_FIELD",
            "conversation.client_reference",
        ),
    ];
    for (wanted, reason, field) in wrong {
        let status = refused(bot.create_as(wanted).await, Code::InvalidArgument, reason);
        silent(&status);
        at_field(&status, field);
    }
    let annotate =
        v1::AnnotateRequest { name: name.clone(), add_labels: vec!["4111111111111111".into()], ..Default::default() };
    let status = refused(bot.conversations().annotate(annotate).await, Code::InvalidArgument, "PERSONAL_DATA_IN_KEY");
    silent(&status);
    at_field(&status, "add_labels");
    assert_eq!(bot.list().await.unwrap().len(), 1, "a refused conversation was made");
    holds_one(&house, &name).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_token_of_another_query_is_refused() {
    let house = House::new().await;
    let bot = house.bot();
    for _ in 0..3 {
        bot.create().await;
    }
    let page = |bot: &str, page_token: &str| v1::ListConversationsRequest {
        parent: TENANT.to_owned(),
        page_size: 1,
        page_token: page_token.to_owned(),
        bot: bot.to_owned(),
    };
    let first = bot.conversations().list_conversations(page("a", "")).await.unwrap().into_inner();
    assert!(!first.next_page_token.is_empty());
    let token = first.next_page_token.as_str();
    assert_eq!(
        bot.conversations().list_conversations(page("a", token)).await.unwrap().into_inner().conversations.len(),
        1
    );
    for (of, token) in [("", token), ("b", token), ("a", CANARY), ("a", "AAAA")] {
        let answer = bot.conversations().list_conversations(page(of, token)).await;
        silent(&refused(answer, Code::InvalidArgument, "PAGE_TOKEN_INVALID"));
    }
    let negative = v1::ListConversationsRequest { page_size: -1, ..page("a", "") };
    refused(bot.conversations().list_conversations(negative).await, Code::InvalidArgument, "INVALID_FIELD");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_tenant_serves_no_content_until_it_is_unfrozen() {
    let house = House::new().await;
    let (bot, name) = conversation(&house).await;
    let mut stream = bot.open_stream(&name, &uuid()).await.unwrap();
    assert!(stream.answer().await.unwrap().is_some());
    let freeze = v1::FreezeTenantRequest { name: TENANT.to_owned(), ..Default::default() };
    house.role("security").tenants().freeze_tenant(freeze).await.unwrap();
    let code = Code::FailedPrecondition;
    refused(bot.append(&name, vec![said("x")]).await, code, "TENANT_FROZEN");
    refused(bot.create_as(v1::Conversation { bot: "a".into(), ..Default::default() }).await, code, "TENANT_FROZEN");
    refused(house.reader().read(&name).await, code, "TENANT_FROZEN");
    refused(bot.list().await, code, "TENANT_FROZEN");
    refused(bot.get(&name).await, code, "TENANT_FROZEN");
    stream.append(1, said("over an open stream")).await;
    refused(stream.end().await.1, code, "TENANT_FROZEN");
    let context = v1::GetContextRequest { name: name.clone(), ..Default::default() };
    refused(bot.conversations().get_context(context).await, code, "TENANT_FROZEN");
    let unfreeze = v1::UnfreezeTenantRequest { name: TENANT.to_owned(), ..Default::default() };
    house.role("security").tenants().unfreeze_tenant(unfreeze).await.unwrap();
    holds_one(&house, &name).await;
    bot.append(&name, vec![said("again")]).await.unwrap();
}
