//! Deadlines, as the vault keeps them: a client that ends its own calls proves nothing, so most of these have one that does not.

use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use subrosa_proto::v1;
use tonic::{Code, Status};

use crate::support::{House, eventually, refused, said, uuid};

/// Calls `path` with one message and a `grpc-timeout`, and returns the trailers, or the headers of an answer without a body.
async fn call(house: &House, key: &str, path: &str, timeout: &str, message: &impl prost::Message) -> HeaderMap {
    let stream = house.tls_stream().await;
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    #[expect(clippy::disallowed_methods, reason = "the connection of a test needs no name")]
    let driver = tokio::spawn(connection);
    let encoded = message.encode_to_vec();
    let length = u32::try_from(encoded.len()).unwrap().to_be_bytes();
    let body = [&[0], &length[..], &encoded].concat();
    let request = Request::post(format!("https://localhost{path}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .header("grpc-timeout", timeout)
        .header("authorization", format!("Bearer {key}"))
        .body(Full::new(Bytes::from(body)))
        .unwrap();
    let (head, body) = sender.send_request(request).await.unwrap().into_parts();
    let trailers = body.collect().await.unwrap().trailers().cloned();
    driver.abort();
    trailers.unwrap_or(head.headers)
}

fn status(headers: &HeaderMap) -> Result<(), Status> {
    let status = Status::from_header_map(headers).expect("no grpc-status");
    if status.code() == Code::Ok { Ok(()) } else { Err(status) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_ends_when_its_client_no_longer_waits() {
    let house = House::new().await;
    let name = house.bot().create().await;
    let (bot, reader) = (house.key_of("ingestor"), house.key_of("reader"));
    let append = |request_id: &str| v1::AppendRecordsRequest {
        parent: name.clone(),
        request_id: request_id.to_owned(),
        records: vec![said("in time?")],
        ..Default::default()
    };
    let path = "/subrosa.v1.IngestService/AppendRecords";
    for none in ["0n", "1n", "0S"] {
        let answer = call(&house, &bot, path, none, &append(&uuid())).await;
        refused(status(&answer), Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
    }
    let read =
        v1::ReadConversationRequest { name: name.clone(), purpose: v1::Purpose::Quality.into(), ..Default::default() };
    let answer = call(&house, &reader, "/subrosa.v1.ConversationService/ReadConversation", "1n", &read).await;
    refused(status(&answer), Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
    status(&call(&house, &bot, path, "30S", &append(&uuid())).await).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_that_is_none_is_refused_at_its_field() {
    let house = House::new().await;
    let list = v1::ListConversationsRequest { parent: "tenants/dev".to_owned(), ..Default::default() };
    for wrong in ["", "S", "5", "123456789S", "-1S", "canary-7f3a91"] {
        let path = "/subrosa.v1.ConversationService/ListConversations";
        let answer = call(&house, &house.key_of("reader"), path, wrong, &list).await;
        let status = refused(status(&answer), Code::InvalidArgument, "INVALID_FIELD");
        assert!(!format!("{status:?}").contains("canary"), "{status:?}");
        let details = tonic_types::StatusExt::get_error_details(&status);
        assert_eq!(details.bad_request().unwrap().field_violations[0].field, "grpc-timeout");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bound_of_the_vault_ends_a_call_and_the_request_id_tells_what_became_of_it() {
    let mut house = House::new().await;
    let name = house.bot().create().await;
    house.configure("limits", "call_deadline = \"1ms\"").await;
    let records: Vec<_> = (0..200).map(|n| said(&format!("line {n} of many, each of which is looked at"))).collect();
    let (bot, request_id) = (house.bot(), uuid());
    // This client names no deadline, so that the one it meets is the vault's.
    let late = bot.append_with(&name, &request_id, records.clone()).await;
    refused(late, Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
    house.configure("limits", "call_deadline = \"60s\"").await;
    let bot = house.bot();
    bot.append_with(&name, &request_id, records).await.unwrap();
    assert_eq!(house.reader().read(&name).await.unwrap().len(), 200, "it was done twice, or not whole");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_at_its_bound_and_what_it_acknowledged_stays() {
    let mut house = House::new().await;
    let name = house.bot().create().await;
    house.configure("limits", "stream_deadline = \"1500ms\"").await;
    let (bot, stream_id) = (house.bot(), uuid());
    let mut stream = bot.open_stream(&name, &stream_id).await.unwrap();
    stream.append(1, said("before the end")).await;
    stream.acked(1).await.unwrap();
    refused(stream.end().await.1, Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
    // It goes on where it stood, and the conversation is not held by what has ended.
    let mut again = bot.open_stream(&name, &stream_id).await.unwrap();
    assert_eq!(again.answer().await.unwrap().unwrap().acked_client_sequence, 1);
    again.append(2, said("after it")).await;
    again.acked(2).await.unwrap();
    assert_eq!(house.reader().read(&name).await.unwrap().len(), 2);
}

/// How many failed logins the system log tells of.
async fn failed_logins(house: &House) -> u64 {
    let log = house.role("auditor").log("system").await;
    let logins = log.events.iter().filter(|event| event.operation == "Authenticate");
    let entries = logins.map(|event| serde_json::from_slice::<serde_json::Value>(&event.canonical).unwrap());
    entries.map(|entry| entry["counts"]["attempts"].as_u64().unwrap()).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_of_nothing_hides_no_failed_login() {
    let house = House::new().await;
    let key = format!("srk_{}_{}", "a".repeat(16), "b".repeat(52));
    let list = v1::ListConversationsRequest { parent: "tenants/dev".to_owned(), ..Default::default() };
    let before = failed_logins(&house).await;
    for _ in 0..20 {
        let path = "/subrosa.v1.ConversationService/ListConversations";
        let answer = call(&house, &key, path, "0n", &list).await;
        // One answer or the other: what came first.
        assert!(status(&answer).is_err());
    }
    eventually("every attempt in the log", || async { failed_logins(&house).await == before + 20 }).await;
}
