//! Retention runs out on time: keys are destroyed, rows are swept, and what is left says so.

use subrosa_proto::v1;
use tonic::Code;

use crate::support::{DAY, House, TENANT, eventually, refused, said, text_of, uuid};

async fn short(house: &House) -> String {
    let wanted = v1::Conversation { bot: "a".to_owned(), retention_class: "short".to_owned(), ..Default::default() };
    house.bot().create_as(wanted).await.unwrap().name
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_conversation_is_gone_for_everybody_and_its_key_is_destroyed() {
    let mut house = House::new().await;
    house.retention_class("short", 1).await;
    let name = short(&house).await;
    let kept = house.bot().create().await;
    house.bot().append(&kept, vec![said("kept")]).await.unwrap();
    let bot = house.bot();
    let request = uuid();
    bot.append_with(&name, &request, vec![said("passing"), said("away")]).await.unwrap();
    let stream_id = uuid();
    let mut stream = bot.open_stream(&name, &stream_id).await.unwrap();
    stream.append(1, said("streamed")).await;
    stream.acked(1).await.unwrap();

    house.advance(DAY * 3).await;
    eventually("the expiry", || async { house.reader().read(&name).await.is_err() }).await;
    let code = Code::NotFound;
    refused(house.reader().read(&name).await, code, "CONVERSATION_EXPIRED");
    eventually("the sweep", || async {
        let events = house.role("auditor").log(TENANT).await.events;
        events.iter().any(|event| event.operation == "ExpireRecords" && event.object == name)
    })
    .await;
    refused(house.reader().read(&name).await, code, "CONVERSATION_EXPIRED");
    refused(bot.get(&name).await, code, "CONVERSATION_EXPIRED");
    refused(bot.append(&name, vec![said("x")]).await, code, "CONVERSATION_EXPIRED");
    stream.append(2, said("late")).await;
    refused(stream.end().await.1, code, "CONVERSATION_EXPIRED");
    refused(bot.open_stream(&name, &stream_id).await.unwrap().end().await.1, code, "CONVERSATION_EXPIRED");
    let context = v1::GetContextRequest { name: name.clone(), ..Default::default() };
    refused(bot.conversations().get_context(context).await, code, "CONVERSATION_EXPIRED");
    let note = v1::AnnotateRequest { name: name.clone(), note: "x".to_owned(), ..Default::default() };
    refused(bot.conversations().annotate(note).await, code, "CONVERSATION_EXPIRED");
    refused(bot.append_with(&name, &request, vec![said("passing"), said("away")]).await, code, "CONVERSATION_EXPIRED");
    assert_eq!(bot.list().await.unwrap().iter().map(|found| &found.name).collect::<Vec<_>>(), [&kept]);
    assert_eq!(house.reader().read(&kept).await.unwrap().len(), 1);

    let events = house.role("auditor").log(TENANT).await.events;
    let destroyed: Vec<_> =
        events.iter().filter(|event| event.operation == "DestroyBucket").map(|event| event.phase()).collect();
    assert_eq!(destroyed, [v1::AuditPhase::Intent, v1::AuditPhase::Outcome]);
    house.stop().await;
    let keys = house.keys_db();
    let live_wraps: i64 = keys
        .query_row("SELECT count(*) FROM buckets b JOIN bucket_wraps w ON w.id = b.wrap WHERE b.live = 0 AND w.wrapped <> zeroblob(length(w.wrapped))", [], |row| row.get(0))
        .unwrap();
    let dead: i64 = keys.query_row("SELECT count(*) FROM buckets WHERE live = 0", [], |row| row.get(0)).unwrap();
    assert_eq!((live_wraps, dead), (0, 1));
    let uuid_of = uuid_bytes(&name);
    for table in ["segments", "conversation_keys", "handles"] {
        let sql = format!("SELECT count(*) FROM {table} WHERE conversation = ?1");
        let left: i64 = keys.query_row(&sql, [&uuid_of], |row| row.get(0)).unwrap();
        assert_eq!(left, 0, "{table}");
    }
    let data = house.vault_db();
    let bodies: i64 = data.query_row("SELECT count(*) FROM bodies", [], |row| row.get(0)).unwrap();
    assert_eq!(bodies, 1, "bodies of the expired conversation are left");
    for table in ["requests", "streams"] {
        let sql = format!("SELECT count(*) FROM {table} WHERE conversation = ?1");
        let left: i64 = data.query_row(&sql, [&uuid_of], |row| row.get(0)).unwrap();
        assert_eq!(left, 0, "{table}");
    }
    drop((keys, data));
    house.start().await.unwrap();
    refused(house.reader().read(&name).await, code, "CONVERSATION_EXPIRED");
}

fn uuid_bytes(name: &str) -> Vec<u8> {
    data_encoding::HEXLOWER.decode(name.rsplit('/').next().unwrap().replace('-', "").as_bytes()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_conversation_expires_day_by_day() {
    let house = House::new().await;
    house.retention_class("short", 2).await;
    let name = short(&house).await;
    let bot = house.bot();
    bot.append(&name, vec![said("monday 1"), said("monday 2")]).await.unwrap();
    house.advance(DAY).await;
    bot.append(&name, vec![said("tuesday 1")]).await.unwrap();
    house.advance(DAY * 2).await;
    eventually("the first day's expiry", || async {
        bot.get(&name).await.is_ok_and(|found| found.expired_through == 2)
    })
    .await;
    let mut stream = house.reader().reading(&name).await.unwrap();
    let first = stream.message().await.unwrap().unwrap();
    assert_eq!((first.expired_through, first.last_sequence), (2, 3));
    assert_eq!(text_of(&first.record.unwrap()), "tuesday 1");
    assert!(stream.message().await.unwrap().is_none());
    let done = bot.append(&name, vec![said("thursday")]).await.unwrap();
    assert_eq!(done.first_sequence, 4, "sequences go on");
    let context = v1::GetContextRequest { name: name.clone(), ..Default::default() };
    let context = bot.conversations().get_context(context).await.unwrap().into_inner();
    assert_eq!((context.records.len(), context.expired_through), (2, 2));
    house.advance(DAY).await;
    eventually("the second day's expiry", || async {
        bot.get(&name).await.is_ok_and(|found| found.expired_through == 3)
    })
    .await;
    let left = house.reader().read(&name).await.unwrap();
    assert_eq!(left.iter().map(text_of).collect::<Vec<_>>(), ["thursday"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reference_of_an_expired_conversation_is_free_again() {
    let house = House::new().await;
    house.retention_class("short", 1).await;
    let wanted = || v1::Conversation {
        bot: "a".to_owned(),
        client_reference: "order-1".to_owned(),
        retention_class: "short".to_owned(),
        ..Default::default()
    };
    let bot = house.bot();
    let first = bot.create_as(wanted()).await.unwrap().name;
    bot.append(&first, vec![said("x")]).await.unwrap();
    house.advance(DAY * 3).await;
    eventually("the sweep", || async {
        let events = house.role("auditor").log(TENANT).await.events;
        events.iter().any(|event| event.operation == "ExpireRecords")
    })
    .await;
    eventually("another conversation", || async { bot.create_as(wanted()).await.is_ok_and(|made| made.name != first) })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_status_tells_of_expiry() {
    let house = House::new().await;
    house.retention_class("short", 1).await;
    let name = short(&house).await;
    house.bot().append(&name, vec![said("x")]).await.unwrap();
    house.advance(DAY * 3).await;
    eventually("the expiry in the status", || async {
        let status = house.role("auditor").admin().get_status(v1::GetStatusRequest {}).await.unwrap().into_inner();
        let expiry = status.status.unwrap().expiry.unwrap();
        (expiry.destroyed_buckets, expiry.swept_records, expiry.overdue_buckets, expiry.pending_scrub)
            == (1, 1, 0, false)
    })
    .await;
}

/// Fills a conversation with more than a connection takes ahead, and begins to read it.
async fn a_reading_that_waits(house: &House, name: &str) -> tonic::Streaming<v1::ReadConversationResponse> {
    for _ in 0..4 {
        let records = (0..500).map(|_| said(&"word ".repeat(800))).collect();
        house.bot().append(name, records).await.unwrap();
    }
    let mut stream = house.reader().reading(name).await.unwrap();
    assert!(stream.message().await.unwrap().is_some());
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reading_that_waited_gets_nothing_whose_key_was_destroyed_meanwhile() {
    let house = House::new().await;
    house.retention_class("short", 1).await;
    let name = short(&house).await;
    let mut stream = a_reading_that_waits(&house, &name).await;
    house.advance(DAY * 3).await;
    eventually("the expiry", || async {
        let events = house.role("auditor").log(TENANT).await.events;
        events.iter().any(|event| event.operation == "DestroyBucket" && event.phase() == v1::AuditPhase::Outcome)
    })
    .await;
    let mut received = 1;
    while let Ok(Some(_)) = stream.message().await {
        received += 1;
    }
    assert!(received < 1_500, "{received} of 2,000 records left, most of them after their key was destroyed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reading_that_waited_ends_when_the_tenant_is_frozen() {
    let house = House::new().await;
    let name = house.bot().create().await;
    let mut stream = a_reading_that_waits(&house, &name).await;
    let request = v1::FreezeTenantRequest { name: TENANT.to_owned(), ..Default::default() };
    house.role("security").tenants().freeze_tenant(request).await.unwrap();
    let end = loop {
        match stream.message().await {
            Ok(Some(_)) => {}
            end => break end,
        }
    };
    refused(end, Code::FailedPrecondition, "TENANT_FROZEN");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_context_fits_what_a_client_takes() {
    let house = House::new().await;
    let name = house.bot().create().await;
    for turn in 0..60 {
        house.bot().append(&name, vec![said(&format!("turn {turn} {}", "long ".repeat(24_000)))]).await.unwrap();
    }
    let request = v1::GetContextRequest { name, last: 200, ..Default::default() };
    let records = house.bot().conversations().get_context(request).await.unwrap().into_inner().records;
    assert!((20..60).contains(&records.len()), "{} records", records.len());
    assert!(text_of(records.last().unwrap()).starts_with("turn 59 "));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_that_holds_a_number_of_a_person_is_not_logged() {
    let house = House::new().await;
    let name = house.bot().create().await;
    for case in ["4111111111111111", "536-90-4399"] {
        let request = v1::ReadConversationRequest {
            name: name.clone(),
            purpose: v1::Purpose::Legal.into(),
            case_reference: case.to_owned(),
            ..Default::default()
        };
        let answer = house.reader().conversations().read_conversation(request).await;
        refused(answer, Code::InvalidArgument, "PERSONAL_DATA_IN_KEY");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_status_tells_of_expiry_that_fails() {
    let mut house = House::new().await;
    house.retention_class("short", 1).await;
    let name = short(&house).await;
    house.bot().append(&name, vec![said("x")]).await.unwrap();
    house.stop().await;
    let hinder = "CREATE TRIGGER hinder BEFORE INSERT ON key_acts BEGIN SELECT RAISE(ABORT, 'hindered'); END";
    house.vault_db().execute_batch(hinder).unwrap();
    house.start().await.unwrap();
    house.advance(DAY * 3).await;
    eventually("the lag in the status", || async {
        let status = house.role("auditor").admin().get_status(v1::GetStatusRequest {}).await;
        status.is_ok_and(|status| {
            let expiry = status.into_inner().status.unwrap().expiry.unwrap();
            let late = expiry.lag.is_some_and(|lag| lag.seconds > 0);
            (expiry.destroyed_buckets, expiry.overdue_buckets, late) == (0, 1, true)
        })
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_without_a_conversation_are_dropped_when_they_are_old() {
    let mut house = House::new().await;
    let (old, kept) = (house.bot().create().await, house.bot().create().await);
    house.advance(std::time::Duration::from_secs(7_200)).await;
    let young = house.bot().create().await;
    house.stop().await;
    let uuid = |name: &str| name.rsplit('/').next().unwrap().replace('-', "");
    for name in [&old, &young] {
        let sql = format!("DELETE FROM conversations WHERE uuid = x'{}'", uuid(name));
        assert_eq!(house.vault_db().execute(&sql, []).unwrap(), 1);
    }
    house.start().await.unwrap();
    eventually("the sweep", || async {
        let events = house.role("auditor").log(TENANT).await.events;
        events.iter().any(|event| event.operation == "SweepOrphans")
    })
    .await;
    house.stop().await;
    let keys = house.keys_db();
    let count = |table: &str, name: &str| -> i64 {
        let sql = format!("SELECT count(*) FROM {table} WHERE conversation = x'{}'", uuid(name));
        keys.query_row(&sql, [], |row| row.get(0)).unwrap()
    };
    for (name, there) in [(&old, 0), (&young, 1), (&kept, 1)] {
        assert_eq!((count("conversation_keys", name), count("segments", name)), (there, there));
    }
}
