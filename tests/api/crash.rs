//! Key acts that a crash cut short, put together by hand, and how the next start ends them.

use rusqlite::params;
use subrosa_proto::v1;

use crate::support::{DAY, House, TENANT, eventually, said, uuid};

const ACT: [u8; 16] = [0x42; 16];

/// Leaves a key act open in the stopped vault, as a crash between its intent and its outcome does.
fn leave_open(house: &House, log: &str, operation: &str, detail: &serde_json::Value, done: bool) {
    let sql = "INSERT INTO key_acts (id, log, operation, detail, at) VALUES (?1, ?2, ?3, ?4, 0)";
    house.vault_db().execute(sql, params![ACT, log, operation, detail.to_string()]).unwrap();
    if done {
        house.keys_db().execute("INSERT INTO act_marks (id) VALUES (?1)", [ACT]).unwrap();
    }
}

async fn reasons(house: &House, log: &str, operation: &str) -> Vec<String> {
    let events = house.role("auditor").log(log).await.events;
    let ends =
        events.into_iter().filter(|event| event.operation == operation && event.phase() == v1::AuditPhase::Outcome);
    ends.map(|event| event.reason).filter(|reason| !reason.is_empty()).collect()
}

async fn nothing_is_left_open(house: &mut House) {
    house.stop().await;
    let open: i64 = house.vault_db().query_row("SELECT count(*) FROM key_acts", [], |row| row.get(0)).unwrap();
    let marks: i64 = house.keys_db().query_row("SELECT count(*) FROM act_marks", [], |row| row.get(0)).unwrap();
    assert_eq!((open, marks), (0, 0));
    house.start().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_cut_short_is_ended_as_done_or_undone() {
    for (done, reason) in [(false, "RECONCILED_UNDONE"), (true, "RECONCILED_DONE")] {
        let mut house = House::new().await;
        let name = house.bot().create().await;
        house.bot().append(&name, vec![said("x")]).await.unwrap();
        house.stop().await;
        leave_open(&house, TENANT, "RotateKey", &serde_json::json!({"tenant": "dev"}), done);
        house.start().await.unwrap();
        assert_eq!(reasons(&house, TENANT, "RotateKey").await, [reason]);
        nothing_is_left_open(&mut house).await;
        let request = v1::RotateKeyRequest { parent: TENANT.to_owned(), request_id: uuid() };
        house.role("operator").keys().rotate_key(request).await.unwrap();
        assert_eq!(house.reader().read(&name).await.unwrap().len(), 1);
        assert_eq!(reasons(&house, TENANT, "RotateKey").await.len(), 1, "reconciled twice");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_whose_keys_are_made_and_whose_row_is_not_gets_its_row() {
    let mut house = House::new().await;
    let cut = house.tenant("cut").await;
    house.stop().await;
    let data = house.vault_db();
    let id: i64 = data.query_row("SELECT id FROM tenants WHERE name = 'cut'", [], |row| row.get(0)).unwrap();
    data.execute("DELETE FROM policies WHERE tenant = ?1", [id]).unwrap();
    data.execute("DELETE FROM tenants WHERE id = ?1", [id]).unwrap();
    drop(data);
    leave_open(&house, "system", "CreateTenant", &serde_json::json!({"tenant": "cut"}), true);
    house.start().await.unwrap();
    assert_eq!(reasons(&house, "system", "CreateTenant").await, ["RECONCILED_DONE"]);
    nothing_is_left_open(&mut house).await;
    works(&house, &cut).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_cut_short_before_its_keys_were_made_can_be_created_again() {
    let mut house = House::new().await;
    house.stop().await;
    leave_open(&house, "system", "CreateTenant", &serde_json::json!({"tenant": "early"}), false);
    house.start().await.unwrap();
    assert_eq!(reasons(&house, "system", "CreateTenant").await, ["RECONCILED_UNDONE"]);
    nothing_is_left_open(&mut house).await;
    let early = house.tenant("early").await;
    works(&house, &early).await;
}

/// Keys without a mark: the key store's transaction has both or neither, so this is what an operator's repair may leave.
#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_with_keys_and_neither_mark_nor_row_can_be_created_again() {
    let mut house = House::new().await;
    house.tenant("half").await;
    house.stop().await;
    let data = house.vault_db();
    data.execute("DELETE FROM policies WHERE tenant = (SELECT id FROM tenants WHERE name = 'half')", []).unwrap();
    data.execute("DELETE FROM tenants WHERE name = 'half'", []).unwrap();
    drop(data);
    leave_open(&house, "system", "CreateTenant", &serde_json::json!({"tenant": "half"}), false);
    house.start().await.unwrap();
    let half = house.tenant("half").await;
    works(&house, &half).await;
}

/// Appends and reads as principals of a tenant that was just made.
async fn works(house: &House, tenant: &str) {
    let (bot, _) = house.issue("new-bot", v1::Role::Ingestor, tenant, &["*"]).await;
    let (reader, _) = house.issue("new-reader", v1::Role::Reader, tenant, &[]).await;
    let request = v1::AppendRecordsRequest {
        tenant: tenant.to_owned(),
        client_reference: "r".to_owned(),
        request_id: uuid(),
        records: vec![said("x")],
        ..Default::default()
    };
    let done = house.with_key(Some(&bot)).ingest().append_records(request).await.unwrap().into_inner();
    assert_eq!(house.with_key(Some(&reader)).read(&done.conversation).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_whose_destruction_was_cut_short_is_destroyed_after_all() {
    let mut house = House::new().await;
    house.retention_class("short", 1).await;
    let wanted = v1::Conversation { bot: "a".to_owned(), retention_class: "short".to_owned(), ..Default::default() };
    let name = house.bot().create_as(wanted).await.unwrap().name;
    house.bot().append(&name, vec![said("x")]).await.unwrap();
    house.stop().await;
    let object = format!("{TENANT}/buckets/soon");
    leave_open(&house, TENANT, "DestroyBucket", &serde_json::json!({"tenant": "dev", "object": object}), false);
    house.start().await.unwrap();
    assert_eq!(reasons(&house, TENANT, "DestroyBucket").await, ["RECONCILED_UNDONE"]);
    house.advance(DAY * 3).await;
    eventually("the expiry", || async { house.reader().read(&name).await.is_err() }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_that_a_crash_cut_off_is_marked_interrupted() {
    let mut house = House::new().await;
    let name = house.bot().create().await;
    house.stop().await;
    let sql =
        "INSERT INTO open_reads (id, log, object, actor, actor_role, at) VALUES (?1, ?2, ?3, 'prn_aaaa', 'reader', 0)";
    house.vault_db().execute(sql, params![ACT, TENANT, name]).unwrap();
    house.start().await.unwrap();
    house.restart().await;
    let events = house.role("auditor").log(TENANT).await.events;
    let marked: Vec<_> = events.iter().filter(|event| event.phase() == v1::AuditPhase::Interrupted).collect();
    assert_eq!(marked.len(), 1);
    assert_eq!((marked[0].object.as_str(), marked[0].actor.as_str()), (name.as_str(), "prn_aaaa"));
}

/// The keys of a conversation are durable before its row: a crash in between leaves keys, and a reference, without one.
#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_with_keys_and_no_row_is_made_by_its_next_append() {
    let mut house = House::new().await;
    let wanted =
        || v1::Conversation { bot: "a".to_owned(), client_reference: "order-3".to_owned(), ..Default::default() };
    let name = house.bot().create_as(wanted()).await.unwrap().name;
    house.stop().await;
    let data = house.vault_db();
    for sql in ["DELETE FROM conversations", "DELETE FROM conversation_terms", "DELETE FROM requests"] {
        assert!(data.execute(sql, []).unwrap() > 0);
    }
    drop(data);
    house.start().await.unwrap();
    let request = v1::AppendRecordsRequest {
        tenant: TENANT.to_owned(),
        client_reference: "order-3".to_owned(),
        request_id: uuid(),
        records: vec![said("x")],
        conversation: Some(wanted()),
        ..Default::default()
    };
    let done = house.bot().ingest().append_records(request).await.unwrap().into_inner();
    assert_eq!((&done.conversation, done.created), (&name, true));
    assert_eq!(house.reader().read(&name).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn any_act_that_was_cut_short_lets_the_vault_start_again() {
    let mut house = House::new().await;
    let details = [
        ("system", "IssueApiKey", serde_json::json!({"object": "apiKeys/abcdefgh"}), true),
        ("system", "RevokeApiKey", serde_json::json!({"api_key": "abcdefgh"}), false),
        ("system", "IssueSecurityKey", serde_json::json!({"object": "not an object @"}), true),
        (TENANT, "DestroyBucket", serde_json::json!({}), false),
    ];
    for (log, operation, detail, done) in details {
        house.stop().await;
        leave_open(&house, log, operation, &detail, done);
        house.start().await.unwrap_or_else(|error| panic!("{operation}: {error}"));
        let wanted = if done { "RECONCILED_DONE" } else { "RECONCILED_UNDONE" };
        assert_eq!(reasons(&house, log, operation).await, [wanted], "{operation}");
        nothing_is_left_open(&mut house).await;
    }
}
