//! Rotation goes on under load, and leaves everything as it was when one key does not open.

use std::sync::atomic::{AtomicBool, Ordering};

use subrosa_proto::v1;
use tonic::Code;

use crate::support::{DAY, House, TENANT, refused, said, uuid};

async fn keys(house: &House) -> Vec<v1::Key> {
    let request = v1::ListKeysRequest { parent: TENANT.to_owned(), page_size: 100, ..Default::default() };
    house.role("operator").keys().list_keys(request).await.unwrap().into_inner().keys
}

async fn rotate(house: &House) -> Result<v1::RotateKeyResponse, tonic::Status> {
    let request = v1::RotateKeyRequest { parent: TENANT.to_owned(), request_id: uuid() };
    Ok(house.role("operator").keys().rotate_key(request).await?.into_inner())
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_rotations_under_load_fail_nobody_and_retire_every_old_version() {
    let mut house = House::new().await;
    let name = house.bot().create().await;
    let going = AtomicBool::new(true);
    let (bot, reader) = (house.bot(), house.reader());
    let writer = async {
        let mut written = 0;
        while going.load(Ordering::SeqCst) {
            bot.append(&name, vec![said("under load")]).await.unwrap();
            let own = bot.create().await;
            bot.append(&own, vec![said("under load")]).await.unwrap();
            written += 1;
        }
        written
    };
    let readers = async {
        let mut reads = 0;
        while going.load(Ordering::SeqCst) {
            reader.read(&name).await.unwrap();
            bot.list().await.unwrap();
            reads += 1;
        }
        reads
    };
    let rotations = async {
        for version in 2..=11 {
            if version % 4 == 0 {
                // Another day has another bucket.
                house.advance(DAY).await;
            }
            let done = rotate(&house).await.unwrap();
            assert_eq!(done.key.unwrap().version, version);
            assert_eq!(done.previous_key.unwrap().dependent_count, 0);
            assert!(done.rewrapped_count >= 1);
        }
        going.store(false, Ordering::SeqCst);
    };
    let (written, reads, ()) = tokio::join!(writer, readers, rotations);
    assert!(reads > 0);
    let versions = keys(&house).await;
    assert_eq!(versions.iter().map(|key| key.version).collect::<Vec<_>>(), (1..=11).rev().collect::<Vec<_>>());
    for key in &versions[1..] {
        assert_eq!((key.state(), key.dependent_count), (v1::KeyState::DecryptOnly, 0));
    }
    assert_eq!(versions[0].state(), v1::KeyState::Active);
    assert!(versions[0].dependent_count >= 1);
    house.restart().await;
    assert_eq!(house.reader().read(&name).await.unwrap().len(), written);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_is_refused_and_changes_nothing_when_a_wrap_does_not_open() {
    let mut house = House::new().await;
    house.retention_class("short", 3).await;
    let name = house.bot().create().await;
    house.bot().append(&name, vec![said("x")]).await.unwrap();
    let short = v1::Conversation { bot: "a".to_owned(), retention_class: "short".to_owned(), ..Default::default() };
    let broken = house.bot().create_as(short).await.unwrap().name;
    house.bot().append(&broken, vec![said("y")]).await.unwrap();
    house.stop().await;
    let dump = |house: &House| -> Vec<(i64, Vec<u8>)> {
        let keys = house.keys_db();
        let mut rows = keys
            .prepare(
                "SELECT b.kek_version, w.wrapped FROM buckets b JOIN bucket_wraps w ON w.id = b.wrap ORDER BY b.day",
            )
            .unwrap();
        rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
    };
    let sql = "UPDATE bucket_wraps SET wrapped = CAST(substr(wrapped, 1, 60) || x'00ff' || substr(wrapped, 63) AS BLOB)
        WHERE id = (SELECT wrap FROM buckets ORDER BY day LIMIT 1)";
    assert_eq!(house.keys_db().execute(sql, []).unwrap(), 1);
    let before = dump(&house);
    house.start().await.unwrap();
    refused(rotate(&house).await, Code::FailedPrecondition, "ROTATION_REFUSED");
    assert_eq!(keys(&house).await.len(), 1);
    refused(house.reader().read(&broken).await, Code::DataLoss, "INTEGRITY_FAILURE");
    assert_eq!(house.reader().read(&name).await.unwrap().len(), 1, "the sound one is lost with the broken one");
    let events = house.role("auditor").log(TENANT).await.events;
    let outcome =
        events.iter().find(|event| event.operation == "RotateKey" && event.phase() == v1::AuditPhase::Outcome);
    assert_eq!(outcome.unwrap().reason, "ROTATION_REFUSED");
    house.stop().await;
    assert_eq!(dump(&house), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_behind_a_rotation_is_logged_with_the_new_version() {
    let house = House::new().await;
    let name = house.bot().create().await;
    for _ in 0..2 {
        house.bot().append(&name, vec![said("x")]).await.unwrap();
        rotate(&house).await.unwrap();
    }
    let events = house.role("auditor").log(TENANT).await.events;
    let appends = events.iter().filter(|event| event.operation == "AppendRecords");
    assert_eq!(appends.map(|event| event.key_version).collect::<Vec<_>>(), [1, 2]);
}
