//! Files in records: text is redacted like a message, anything else is sealed as it came and does not leave.

use ring::digest::{SHA256, digest};
use subrosa_proto::v1;
use subrosa_proto::v1::record::Content;
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::canary::hits;
use crate::support::{Client, House, TENANT, file, refused, uuid};

const EMAIL: &str = "jo.canary@post.example.net";
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR and jo.canary@post.example.net";

fn sha256(data: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(digest(&SHA256, data).as_ref())
}

#[track_caller]
fn file_of(record: &v1::Record) -> &v1::Attachment {
    match &record.content {
        Some(Content::Attachment(file)) => file,
        other => panic!("no file: {other:?}"),
    }
}

/// Checks that a text came back redacted, with what was found, and with the hash of what is shown.
#[track_caller]
fn is_redacted(record: &v1::Record, start: &str) {
    let file = file_of(record);
    let text = std::str::from_utf8(&file.data).unwrap();
    assert!(text.starts_with(start) && !text.contains(EMAIL), "{text}");
    assert_eq!((file.sha256.as_str(), file.size), (sha256(&file.data).as_str(), file.data.len() as u64));
    assert!(!file.withheld);
    assert!(file.file_name.starts_with("from <EMAIL_"), "{}", file.file_name);
    assert_eq!((record.kind(), record.withheld()), (v1::RecordKind::Attachment, v1::WithheldReason::Unspecified));
    let fields: Vec<_> = record.redaction.iter().flat_map(|it| &it.findings).map(|it| it.field.as_str()).collect();
    assert!(fields.contains(&"attachment.file_name"), "{fields:?}");
    assert!(fields.iter().any(|field| field.starts_with("attachment.data")), "{fields:?}");
}

/// Checks that of a picture everything is shown but its bytes.
#[track_caller]
fn is_withheld(record: &v1::Record, data: &[u8]) {
    let file = file_of(record);
    assert_eq!(file.data, Vec::<u8>::new(), "the bytes left the vault");
    assert!(file.withheld);
    assert_eq!((file.sha256.as_str(), file.size), (sha256(data).as_str(), data.len() as u64));
    assert_eq!((file.file_name.as_str(), file.media_type.as_str()), ("cat.png", "image/png"));
    assert_eq!((record.kind(), record.withheld()), (v1::RecordKind::Attachment, v1::WithheldReason::Unredacted));
}

fn texts() -> Vec<(v1::Record, &'static str)> {
    let name = format!("from {EMAIL}.txt");
    let json = format!(r#"{{"to": ["jo.canary\u0040post.example.net"], "{EMAIL}": 1, "password": "x"}}"#);
    vec![
        (file(&name, "text/plain", format!("hello {EMAIL}").as_bytes()), "hello <EMAIL_"),
        (file(&name, "text/csv", format!("name,mail\r\nJo,{EMAIL}\r\n").as_bytes()), "name,mail\r\nJo,<EMAIL_"),
        (file(&name, "text/markdown", format!("# Hi\n<{EMAIL}>").as_bytes()), "# Hi\n<<EMAIL_"),
        (file(&name, "application/json", json.as_bytes()), r#"{"to": ["<EMAIL_"#),
    ]
}

async fn context(bot: &Client, name: &str) -> Vec<v1::Record> {
    let request = v1::GetContextRequest { name: name.to_owned(), last: 50, ..Default::default() };
    bot.conversations().get_context(request).await.unwrap().into_inner().records
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_is_redacted_on_every_way_in_and_out() {
    let house = House::new().await;
    let (bot, reader) = (house.bot(), house.reader());
    let records: Vec<_> = texts().into_iter().map(|(record, _)| record).collect();
    let starts: Vec<_> = texts().into_iter().map(|(_, start)| start).collect();
    let name = bot.create().await;
    let done = bot.append(&name, records.clone()).await.unwrap();
    let emails = done.redactions.iter().find(|count| count.finding_class == "EMAIL").unwrap().count;
    assert_eq!(emails, 4 + 5, "one in each name, two in the JSON, one in each other file");
    let mut stream = bot.open_stream(&name, &uuid()).await.unwrap();
    for (client_sequence, record) in (1..).zip(records.clone()) {
        stream.append(client_sequence, record).await;
    }
    stream.acked(4).await.unwrap();
    let preview = v1::PreviewRedactionRequest { tenant: TENANT.to_owned(), records };
    let previewed = bot.ingest().preview_redaction(preview).await.unwrap().into_inner().records;
    let read = reader.read(&name).await.unwrap();
    assert_eq!((read.len(), previewed.len()), (8, 4));
    let seen = read.iter().chain(&previewed).zip(starts.iter().cycle());
    seen.for_each(|(record, start)| is_redacted(record, start));
    let shown = context(&bot, &name).await;
    shown.iter().zip(starts.iter().cycle()).for_each(|(record, start)| is_redacted(record, start));
    assert_eq!(shown, read);
    let json = String::from_utf8(file_of(&read[3]).data.clone()).unwrap();
    assert!(json.ends_with(r#""password": "<SECRET>"}"#), "{json}");
    serde_json::from_str::<serde_json::Value>(&json).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_text_is_known_by_its_hash_and_stays() {
    let mut house = House::new().await;
    let (bot, reader) = (house.bot(), house.reader());
    let picture = || file("cat.png", "image/png", PNG);
    let name = bot.create().await;
    bot.append(&name, vec![picture()]).await.unwrap();
    let mut stream = bot.open_stream(&name, &uuid()).await.unwrap();
    stream.append(1, picture()).await;
    stream.acked(1).await.unwrap();
    let preview = v1::PreviewRedactionRequest { tenant: TENANT.to_owned(), records: vec![picture()] };
    let previewed = bot.ingest().preview_redaction(preview).await.unwrap().into_inner().records;
    let read = reader.read(&name).await.unwrap();
    let shown = context(&bot, &name).await;
    assert_eq!((read.len(), shown.len(), previewed.len()), (2, 2, 1));
    read.iter().chain(&shown).chain(&previewed).for_each(|record| is_withheld(record, PNG));
    let metadata = v1::ReadConversationRequest {
        name: name.clone(),
        purpose: v1::Purpose::Quality.into(),
        view: v1::View::Metadata.into(),
        ..Default::default()
    };
    let mut stream = reader.conversations().read_conversation(metadata).await.unwrap().into_inner();
    let bare = stream.message().await.unwrap().unwrap().record.unwrap();
    assert_eq!((bare.kind(), bare.withheld()), (v1::RecordKind::Attachment, v1::WithheldReason::View));
    assert!(bare.content.is_none());
    drop(stream);
    house.stop().await;
    assert_eq!(hits(house.dir.path(), &[EMAIL.to_owned()]), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_with_another_file_is_another_request() {
    let house = House::new().await;
    let bot = house.bot();
    let (name, id) = (bot.create().await, uuid());
    let sent = |data: &[u8]| vec![file("cat.png", "image/png", data)];
    let first = bot.append_with(&name, &id, sent(PNG)).await.unwrap();
    assert_eq!(bot.append_with(&name, &id, sent(PNG)).await.unwrap().last_sequence, first.last_sequence);
    let other = bot.append_with(&name, &id, sent(b"\x89PNG\r\n\x1a\nother")).await;
    refused(other, Code::AlreadyExists, "IDEMPOTENCY_MISMATCH");
    assert_eq!(house.reader().read(&name).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_may_fill_a_record_and_no_more() {
    let house = House::new().await;
    let (bot, name) = (house.bot(), house.bot().create().await);
    let picture = |size: usize| [PNG, &vec![7; size - PNG.len()]].concat();
    let whole = picture(256 * 1024 - "cat.png".len());
    bot.append(&name, vec![file("cat.png", "image/png", &whole)]).await.unwrap();
    let over = bot.append(&name, vec![file("cat.png", "image/png", &picture(whole.len() + 1))]).await;
    let status = refused(over, Code::InvalidArgument, "RECORD_TOO_LARGE");
    assert_eq!(status.get_details_error_info().unwrap().metadata["limit"], "262144");
    let read = house.reader().read(&name).await.unwrap();
    assert_eq!(read.len(), 1);
    is_withheld(&read[0], &whole);
}
