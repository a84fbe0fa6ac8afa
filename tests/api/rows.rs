//! Design section 11, row by row: what bad input gets. Which test is for which row:
//!
//! | input | tests |
//! |---|---|
//! | unknown enum, bad name, empty text, bad UTF-8, future time, deep JSON | `input::a_bad_record_*`, `input::bytes_that_are_no_text_*`, `input::names_and_words_*` |
//! | over a limit | `input::limits_are_named_*`; here: `every_method_*`, `a_batch_of_nothing_*`, `a_message_that_is_compressed_*` |
//! | the same `request_id` | `idempotency::*` |
//! | no or bad credential, not allowed | `matrix::*`, `access::*`, `audited::*`; other tenants' things: `access::*` |
//! | frozen, destroyed, expired | `input::a_frozen_tenant_*`, `expiry::*` |
//! | disk full, audit not writable, keys down | `tests/faults/disk.py`: full, read-only, failing, replaced, of each of the two databases |
//! | redactor down | here: `a_redactor_that_cannot_run_*` |
//! | client too fast | here: `who_finds_no_room_*`, `callers_with_parked_streams_*`, `health_is_answered_*`; `tests/faults/bounds.py` |
//! | deadline passed | `deadlines::*` |
//! | SIGTERM | `health::a_stop_*`, `process::a_stop_*` |
//!
//! That nothing is stored is looked at in each; here, once more, in the audit log: a refusal leaves its denial and nothing else.
//! That no value is in a log, metric or trace: `what_bad_input_held_is_in_no_log_and_no_metric`, with the real program.

use prost::Message as _;
use subrosa::access::TABLE;
use subrosa_proto::v1;
use tonic::{Code, Status, Streaming};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_types::StatusExt as _;

use crate::canary::hits;
use crate::support::program::Program;
use crate::support::{House, TENANT, refused, said, tool, uuid};

const APPEND: &str = "/subrosa.v1.IngestService/AppendRecords";

fn limit(status: &Status) -> Option<u64> {
    status.get_details_error_info()?.metadata.get("limit")?.parse().ok()
}

/// The biggest message of each method, written out a second time.
fn biggest(method: &str) -> u64 {
    match method {
        "AppendRecords" | "PreviewRedaction" => 4 * 1024 * 1024 + 64 * 1024,
        "Ingest" | "Annotate" => 384 * 1024,
        _ => 64 * 1024,
    }
}

/// An unknown field that fills a message up to so many bytes.
fn filled(bytes: u64) -> Vec<u8> {
    let mut message = vec![0xfa, 0x7f];
    prost::encoding::encode_varint(bytes - 6, &mut message);
    let prefix = message.len();
    message.resize(prefix + usize::try_from(bytes).unwrap() - prefix, b'c');
    message
}

#[tokio::test(flavor = "multi_thread")]
async fn every_method_takes_a_message_of_its_own_size_and_names_the_limit_of_a_larger_one() {
    let house = House::new().await;
    let before = house.role("auditor").log(TENANT).await.size;
    for rule in TABLE {
        let role = rule.roles.first().unwrap().0.to_string();
        let most = biggest(rule.permission.as_str());
        let answer = house.role(&role).raw(rule.path, filled(most + 1)).await;
        let status = refused(answer, Code::ResourceExhausted, "BATCH_TOO_LARGE");
        assert_eq!(limit(&status), Some(most), "{}", rule.path);
        if let Err(status) = house.role(&role).raw(rule.path, filled(most)).await {
            assert_ne!(status.code(), Code::ResourceExhausted, "{}: {status:?}", rule.path);
        }
    }
    assert!(house.bot().list().await.unwrap().is_empty(), "something was made");
    let log = house.role("auditor").log(TENANT).await;
    let stored = log.events[..].iter().filter(|event| event.index >= before && event.operation == "AppendRecords");
    assert_eq!(stored.filter(|event| event.decision() == v1::AuditDecision::Allowed).count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_of_nothing_or_of_pairs_is_refused_before_it_grows() {
    let house = House::new().await;
    let bot = house.bot();
    let name = bot.create().await;
    let head = v1::AppendRecordsRequest { parent: name.clone(), request_id: uuid(), ..Default::default() };
    // Two bytes each on the wire, and hundreds as a struct.
    let empty = [head.encode_to_vec(), [0x2a, 0].repeat(1_000_000)].concat();
    let status = refused(bot.raw(APPEND, empty).await, Code::InvalidArgument, "BATCH_TOO_LARGE");
    assert_eq!(limit(&status), Some(1_000));
    assert_eq!(status.get_error_details().bad_request().unwrap().field_violations[0].field, "records");
    let pairs = [0x6a, 0].repeat(150_000);
    let mut record = vec![0x2a];
    prost::encoding::encode_varint(pairs.len() as u64, &mut record);
    let status = refused(
        bot.raw(APPEND, [head.encode_to_vec(), record, pairs].concat()).await,
        Code::ResourceExhausted,
        "BATCH_TOO_LARGE",
    );
    assert_eq!(limit(&status), Some(100_000));
    // A group would hide what stands in it, and the protocol has none.
    let group = [head.encode_to_vec(), vec![0x0b, 0x0c]].concat();
    refused(bot.raw(APPEND, group).await, Code::InvalidArgument, "INVALID_FIELD");
    let found = (0..16).map(|_| said(&"a@b.co ".repeat(37_000))).collect();
    let status = refused(bot.append(&name, found).await, Code::InvalidArgument, "BATCH_TOO_LARGE");
    assert_eq!(limit(&status), Some(32 * 1024 * 1024));
    bot.append(&name, vec![said(&"a@b.co ".repeat(37_000))]).await.unwrap();
    let mut stream = bot.open_stream(&name, &uuid()).await.unwrap();
    for n in 1..=8 {
        stream.append(n, said(&"a@b.co ".repeat(37_000))).await;
    }
    stream.acked(8).await.unwrap();
    assert_eq!(house.reader().get(&name).await.unwrap().last_sequence, 9);
}

/// Sends one request by hand: headers and a body as they are.
async fn posted(house: &House, headers: &[(&str, &str)], body: Vec<u8>) -> (u16, http::HeaderMap) {
    use tower::Service as _;
    let mut channel = house.channel_to(house.endpoints().data);
    let bearer = format!("Bearer {}", house.key_of("ingestor"));
    let mut request = http::Request::builder().uri(APPEND).header("authorization", bearer);
    let method = headers.iter().find(|(name, _)| *name == ":method").map_or("POST", |(_, method)| method);
    request = request.method(method);
    for (name, value) in headers.iter().filter(|(name, _)| *name != ":method") {
        request = request.header(*name, *value);
    }
    let body = tonic::body::Body::new(http_body_util::Full::new(bytes::Bytes::from(body)));
    std::future::poll_fn(|cx| channel.poll_ready(cx)).await.unwrap();
    let response = channel.call(request.body(body).unwrap()).await.unwrap();
    (response.status().as_u16(), response.headers().clone())
}

fn framed(flag: u8, length: u32, message: &[u8]) -> Vec<u8> {
    [&[flag][..], &length.to_be_bytes(), message].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_compressed_is_refused_and_never_inflated() {
    let house = House::new().await;
    let name = house.bot().create().await;
    let canary = "canary-7f3a91";
    // 64 MiB of nothing in 64 KiB.
    let bomb = miniz_oxide::deflate::compress_to_vec(&vec![0; 64 * 1024 * 1024], 9);
    let body = framed(1, bomb.len() as u32, &bomb);
    let grpc = ("content-type", "application/grpc");
    for encoding in ["gzip", "deflate", "zstd", canary] {
        let (http, headers) = posted(&house, &[grpc, ("grpc-encoding", encoding)], body.clone()).await;
        assert_eq!((http, headers["grpc-accept-encoding"].to_str().unwrap()), (200, "identity"));
        let status = Status::from_header_map(&headers).unwrap();
        assert!(!format!("{status:?}{headers:?}").contains(canary));
        refused::<()>(Err(status), Code::Unimplemented, "UNSUPPORTED");
    }
    // A compressed message that nobody announced.
    let (_, headers) = posted(&house, &[grpc], body).await;
    refused::<()>(Err(Status::from_header_map(&headers).unwrap()), Code::InvalidArgument, "INVALID_FIELD");
    let request =
        v1::AppendRecordsRequest { parent: name, request_id: uuid(), records: vec![said("x")], ..Default::default() };
    let message = request.encode_to_vec();
    let plain = framed(0, message.len() as u32, &message);
    // What is taken uncompressed is answered uncompressed, whatever the client would take.
    let takes = [grpc, ("grpc-encoding", "identity"), ("grpc-accept-encoding", "gzip, zstd")];
    let (http, headers) = posted(&house, &takes, plain).await;
    assert_eq!((http, headers.get("grpc-encoding"), headers.get("grpc-status")), (200, None, None), "{headers:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_call_is_answered_as_the_protocol_says() {
    let house = House::new().await;
    let body = framed(0, 1, b"x");
    for wrong in ["text/html", "application/json", "application/grpcx", "application/grp"] {
        assert_eq!(posted(&house, &[("content-type", wrong)], body.clone()).await.0, 415, "{wrong}");
    }
    assert_eq!(posted(&house, &[], body.clone()).await.0, 415);
    assert_eq!(posted(&house, &[(":method", "PUT"), ("content-type", "application/grpc")], body).await.0, 415);
    let grpc = [("content-type", "application/grpc+proto")];
    let bad = [
        framed(2, 1, b"x"),
        framed(0, 10, b"x"),
        framed(0, 1, b"xyz"),
        [framed(0, 0, b""), framed(0, 0, b"")].concat(),
        b"\0\0".to_vec(),
        Vec::new(),
    ];
    for body in bad {
        let (http, headers) = posted(&house, &grpc, body.clone()).await;
        let status = Status::from_header_map(&headers).unwrap_or_else(|| panic!("{body:?} is answered with {http}"));
        refused::<()>(Err(status), Code::InvalidArgument, "INVALID_FIELD");
    }
    let (_, headers) = posted(&house, &grpc, framed(0, u32::MAX, b"x")).await;
    refused::<()>(Err(Status::from_header_map(&headers).unwrap()), Code::ResourceExhausted, "BATCH_TOO_LARGE");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_finds_no_room_is_told_when_to_come_back_and_others_are_served() {
    let house = House::new().await;
    let name = house.bot().create().await;
    let audit = house.role("auditor");
    for _ in 0..4 {
        house.bot().append(&name, vec![said(&"slow ".repeat(400)); 500]).await.unwrap();
    }
    // Each has room for a page of records, and takes none of it: what comes back fills the window of its stream.
    let channel = || house.channel_to(house.endpoints().data);
    let (mut open, mut told) = (Vec::new(), Vec::new());
    for _ in 0..4 {
        let reader = house.reader().over(channel());
        for answer in futures_util::future::join_all((0..60).map(|_| reader.reading(&name))).await {
            match answer {
                Ok(stream) => open.push(stream),
                Err(status) => told.push(status),
            }
        }
    }
    assert!(!told.is_empty() && open.len() > 50, "{} of 240 readers have room", open.len());
    for status in told {
        let status = refused::<()>(Err(status), Code::ResourceExhausted, "OVERLOADED");
        let delay = status.get_error_details().retry_info().unwrap().retry_delay;
        assert!(delay.is_some_and(|delay| !delay.is_zero()));
    }
    // Another credential has a share of its own.
    assert!(audit.over(channel()).log(TENANT).await.size > 0);
    house.bot().append(&name, vec![said("after")]).await.unwrap();
    drop(open);
    crate::support::eventually("room again", || async { house.reader().reading(&name).await.is_ok() }).await;
}

/// Opens so many readings of `name` over connections of their own, and returns those that have room.
async fn parked(house: &House, role: &str, name: &str, many: usize) -> Vec<Streaming<v1::ReadConversationResponse>> {
    let readers: Vec<_> =
        (0..many.div_ceil(60)).map(|_| house.role(role).over(house.channel_to(house.endpoints().data))).collect();
    let opening = (0..many).map(|n| readers[n / 60].reading(name));
    futures_util::future::join_all(opening).await.into_iter().flatten().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_with_parked_streams_lock_nobody_out() {
    let house = House::new().await;
    let name = house.bot().create().await;
    for _ in 0..4 {
        house.bot().append(&name, vec![said("slow ".repeat(400).as_str()); 500]).await.unwrap();
    }
    let listed = house.role("security").access().list_api_keys(v1::ListApiKeysRequest::default()).await.unwrap();
    let reader = listed.into_inner().keys.into_iter().find(|key| key.role == i32::from(v1::Role::Reader)).unwrap();
    let (ours, theirs) = tokio::join!(parked(&house, "reader", &name, 240), parked(&house, "compliance", &name, 240));
    // A quarter of the answers' quarter of 512 MiB, at 512 KiB each.
    assert_eq!((ours.len(), theirs.len()), (64, 64));
    house.bot().append(&name, vec![said("others go on")]).await.unwrap();
    assert!(house.role("auditor").log(TENANT).await.size > 0);
    house.role("operator").admin().get_status(v1::GetStatusRequest {}).await.unwrap();
    let freeze = v1::FreezeTenantRequest { name: TENANT.to_owned(), ..Default::default() };
    house.role("security").tenants().freeze_tenant(freeze).await.unwrap();
    let revoke = v1::RevokeApiKeyRequest { name: reader.name, ..Default::default() };
    house.role("security").access().revoke_api_key(revoke).await.unwrap();
    drop((ours, theirs));
}

#[tokio::test(flavor = "multi_thread")]
async fn health_is_answered_whoever_watches_it() {
    let house = House::new().await;
    let at = |source: u8| {
        let endpoint = house.endpoint_to(house.endpoints().data).local_address(Some([127, 0, 0, source].into()));
        HealthClient::new(endpoint.connect_lazy())
    };
    let (mut open, mut told) = (Vec::new(), 0);
    for source in 2..8 {
        for mut health in [at(source), at(source)] {
            for _ in 0..100 {
                match health.watch(HealthCheckRequest::default()).await {
                    Ok(stream) => open.push(stream),
                    Err(status) => {
                        refused::<()>(Err(status), Code::ResourceExhausted, "OVERLOADED");
                        told += 1;
                    }
                }
            }
        }
    }
    assert!(open.len() > 64 && told > 0, "{} watch, {told} do not", open.len());
    for source in [1, 2, 9] {
        for _ in 0..20 {
            at(source).check(HealthCheckRequest::default()).await.unwrap();
        }
    }
    drop(open);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_bad_input_held_is_in_no_log_and_no_metric() {
    let dir = tempfile::tempdir().unwrap();
    let program = Program::dev(dir.path(), "trace");
    let bot = program.role("ingestor");
    let name = bot.create().await;
    let mut values = Vec::new();
    let mut value = || {
        values.push(format!("zq{}canary{}@bad{}.example.org", values.len(), values.len(), values.len()));
        values.last().unwrap().clone()
    };
    let audited = |log: &crate::support::client::Log| log.events.len();
    let before = audited(&program.role("auditor").log(TENANT).await);
    let mut sent = 0;
    let mut refuse = |answer: Result<v1::AppendRecordsResponse, Status>, value: &str| {
        let status = answer.unwrap_err();
        assert!(!format!("{status:?}{:?}", String::from_utf8_lossy(status.details())).contains(value));
        sent += 1;
    };
    let v = value();
    refuse(bot.append(&name, vec![v1::Record { author_role: 77, ..said(&v) }]).await, &v);
    let v = value();
    refuse(bot.append(&v, vec![said(&v)]).await, &v);
    let v = value();
    refuse(bot.append_with(&name, &v, vec![said(&v)]).await, &v);
    let v = value();
    refuse(bot.append(&name, vec![tool("lookup", &format!("{{\"{v}\": {v}"), "")]).await, &v);
    let v = value();
    refuse(bot.append(&name, vec![tool("lookup", "{}", &"[".repeat(100)), tool(&v, "{}", "")]).await, &v);
    let v = value();
    refuse(bot.append(&name, vec![said(&v.repeat(12_000))]).await, &v);
    let v = value();
    refuse(bot.append(&name, vec![v1::Record { metadata: [(v.clone(), v.clone())].into(), ..said(&v) }]).await, &v);
    let v = value();
    let many = (0..65).map(|n| (format!("k-{n}"), v.clone())).collect();
    refuse(bot.append(&name, vec![v1::Record { metadata: many, ..said(&v) }]).await, &v);
    let v = value();
    refuse(bot.append(&name, (0..1_001).map(|_| said(&v)).collect()).await, &v);
    let v = value();
    refuse(bot.append(&name, (0..20).map(|_| said(&v.repeat(8_000))).collect()).await, &v);
    let v = value();
    refuse(bot.append(&name, vec![v1::Record { model: v.repeat(20), ..said(&v) }]).await, &v);
    let v = value();
    let future = Some(prost_types::Timestamp { seconds: 4_102_444_800, nanos: 0 });
    refuse(bot.append(&name, vec![v1::Record { occurred_at: future, ..said(&v) }]).await, &v);
    // Bytes that are no text, in the middle of a value; a path, a credential and a name of nobody's.
    let v = value();
    let bytes = [&[0x2a, (v.len() + 3) as u8, 0x3a, (v.len() + 1) as u8, 0xff][..], v.as_bytes()].concat();
    assert!(bot.raw(APPEND, bytes).await.is_err());
    let v = value();
    assert!(
        bot.raw(&format!("/{}/{}", v.replace('@', "."), v.replace('@', ".")), v.clone().into_bytes()).await.is_err()
    );
    let v = value();
    assert!(program.with_header(&format!("Bearer {v}")).get(&name).await.is_err());
    let v = value();
    let mut stream = bot.open_stream(&name, &uuid()).await.unwrap();
    stream.append(1, v1::Record { author_role: 99, ..said(&v) }).await;
    assert!(stream.end().await.1.is_err());
    let mut session = bot.stream(Vec::new()).await.unwrap();
    session.append(1, said(&v)).await;
    assert!(session.end().await.1.is_err());

    assert_eq!(program.role("reader").read(&name).await.unwrap().len(), 0, "something was stored");
    assert_eq!(bot.list().await.unwrap().len(), 1, "a conversation was made");
    let log = program.role("auditor").log(TENANT).await;
    let allowed = log.events[before..].iter().filter(|event| event.operation == "AppendRecords");
    assert!(
        allowed.clone().all(|event| event.decision() != v1::AuditDecision::Allowed || !event.reason.is_empty()),
        "an append is logged as done"
    );
    assert!(
        log.events
            .iter()
            .all(|event| values.iter().all(|value| !String::from_utf8_lossy(&event.canonical).contains(value)))
    );
    let metrics = String::from_utf8(program.metrics("/metrics")).unwrap();
    assert!(metrics.contains("subrosa_calls"), "{metrics}");
    assert!(values.iter().all(|value| !metrics.contains(value)), "a metric repeats a value");
    program.stop();
    assert_eq!(hits(dir.path(), &values), Vec::<String>::new());
    assert!(std::fs::metadata(dir.path().join("log")).unwrap().len() > 0, "nothing was logged");
    assert!(sent >= 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redactor_that_cannot_run_takes_nothing_in_and_hands_out_what_is_there() {
    let mut house = House::new().await;
    let name = house.bot().create().await;
    house.bot().append(&name, vec![said("before")]).await.unwrap();
    house.stop().await;
    // As a build meets it that is older than the policy.
    let newer = "UPDATE policies SET document = '{\"of\": \"a newer build\"}' WHERE kind = 1";
    assert!(house.vault_db().execute(newer, []).unwrap() > 0);
    house.start().await.unwrap();
    let bot = house.bot();
    let mut answers = vec![bot.append(&name, vec![said("canary-7f3a91")]).await.map(drop)];
    answers.push(bot.create_as(v1::Conversation { bot: "a".into(), ..Default::default() }).await.map(drop));
    let mut stream = bot.open_stream(&name, &uuid()).await.unwrap();
    stream.append(1, said("canary-7f3a91")).await;
    answers.push(stream.end().await.1);
    let preview = v1::PreviewRedactionRequest { tenant: TENANT.to_owned(), records: vec![said("canary-7f3a91")] };
    answers.push(bot.ingest().preview_redaction(preview).await.map(drop));
    for answer in answers {
        let status = refused(answer, Code::Unavailable, "REDACTOR_UNAVAILABLE");
        assert!(status.get_error_details().retry_info().is_some_and(|retry| retry.retry_delay.is_some()));
    }
    assert_eq!(house.reader().read(&name).await.unwrap().len(), 1);
    house.stop().await;
    assert_eq!(hits(house.dir.path(), &["canary-7f3a91".to_owned()]), Vec::<String>::new());
}
