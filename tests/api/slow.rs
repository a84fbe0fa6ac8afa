//! Clients that take nothing, or begin and do not go on: what they hold is theirs alone, and ends.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Frame;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message as _;
use subrosa_proto::v1;
use tonic::{Code, Status};

use crate::support::{House, TENANT, eventually, refused, said, uuid};

/// How long anything here may take before it hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// Makes a conversation of many short records, so that a reader's first page is less than what the transport takes at once.
async fn many(house: &House) -> String {
    let name = house.bot().create().await;
    for _ in 0..2 {
        house.bot().append(&name, vec![said("ok"); 1_000]).await.unwrap();
    }
    name
}

/// How many readings have begun and ended, by the audit log.
async fn readings(house: &House) -> (usize, usize) {
    let log = house.role("auditor").log(TENANT).await;
    let of = |phase| {
        let events = log.events.iter().filter(|event| event.operation == "ReadConversation");
        events.filter(|event| event.phase() == phase).count()
    };
    (of(v1::AuditPhase::Begin), of(v1::AuditPhase::End))
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_that_take_nothing_stand_in_nobodys_way_and_end_at_their_bound() {
    let mut house = House::new().await;
    let name = many(&house).await;
    house.configure("limits", "stream_deadline = \"4s\"").await;
    let narrow = house.endpoint_to(house.endpoints().data).initial_stream_window_size(1).connect_lazy();
    let reader = house.reader().over(narrow);
    let begun = futures_util::future::join_all((0..60).map(|_| reader.reading(&name))).await;
    let held: Vec<_> = begun.into_iter().filter_map(Result::ok).collect();
    assert!(held.len() > 8, "{} readers were let in", held.len());
    for _ in 0..20 {
        let others = async { (house.bot().get(&name).await, house.reader().read(&name).await) };
        let (got, read) = tokio::time::timeout(PATIENCE, others).await.expect("others wait for those who take nothing");
        got.unwrap();
        assert_eq!(read.unwrap().len(), 2_000);
    }
    eventually("every reading's end", || async {
        let (begun, ended) = readings(&house).await;
        begun >= held.len() && begun == ended
    })
    .await;
}

/// Calls `path` with headers at once and the message later, and returns what came, and how it ended.
async fn late(
    house: &House,
    key: &str,
    path: &str,
    message: Vec<u8>,
    wait: impl Future<Output = ()> + Send + 'static,
) -> (Bytes, HeaderMap) {
    let stream = house.tls_stream().await;
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    #[expect(clippy::disallowed_methods, reason = "the connection of a test needs no name")]
    let driver = tokio::spawn(connection);
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    let framed = Bytes::from([&[0], &length[..], &message].concat());
    let body = futures_util::stream::once(Box::pin(async move {
        wait.await;
        Ok::<_, std::convert::Infallible>(Frame::data(framed))
    }));
    let request = Request::post(format!("https://localhost{path}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .header("authorization", format!("Bearer {key}"))
        .body(StreamBody::new(body))
        .unwrap();
    let (head, body) = sender.send_request(request).await.unwrap().into_parts();
    let collected = body.collect().await.unwrap();
    driver.abort();
    let trailers = collected.trailers().cloned().unwrap_or(head.headers);
    (collected.to_bytes(), trailers)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_whose_body_comes_after_its_key_was_revoked_is_refused() {
    let house = House::new().await;
    let name = many(&house).await;
    let (key, key_name) = house.issue("late-reader", v1::Role::Reader, TENANT, &[]).await;
    let read = v1::ReadConversationRequest { name, purpose: v1::Purpose::Quality.into(), ..Default::default() };
    let revoke = v1::RevokeApiKeyRequest { name: key_name, request_id: uuid() };
    let mut security = house.role("security").access();
    let path = "/subrosa.v1.ConversationService/ReadConversation";
    let revoked = async move {
        // Long enough for the headers to have been admitted.
        tokio::time::sleep(Duration::from_millis(500)).await;
        security.revoke_api_key(revoke).await.unwrap();
    };
    let (came, trailers) = late(&house, &key, path, read.encode_to_vec(), revoked).await;
    let status = Status::from_header_map(&trailers).unwrap();
    refused::<()>(Err(status), Code::Unauthenticated, "CREDENTIAL_INVALID");
    assert!(came.is_empty(), "{} bytes left after the revocation", came.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_gives_up_on_a_freeze_leaves_a_tenant_that_is_what_it_says() {
    let house = House::new().await;
    let name = house.bot().create().await;
    for step in 0..120_u64 {
        let mut freeze = tonic::Request::new(v1::FreezeTenantRequest { name: TENANT.to_owned(), ..Default::default() });
        freeze.set_timeout(Duration::from_micros(100 + step * 40));
        let _ = house.role("security").tenants().freeze_tenant(freeze).await;
        eventually("what the tenant says to be what it does", || async {
            let request = v1::GetTenantRequest { name: TENANT.to_owned() };
            let tenant =
                house.role("operator").tenants().get_tenant(request).await.unwrap().into_inner().tenant.unwrap();
            let frozen = tenant.state() == v1::TenantState::Frozen;
            let served = house.bot().append(&name, vec![said("x")]).await.is_ok();
            frozen != served
        })
        .await;
        let unfreeze = v1::UnfreezeTenantRequest { name: TENANT.to_owned(), ..Default::default() };
        house.role("security").tenants().unfreeze_tenant(unfreeze).await.unwrap();
    }
}
