//! The ingest stream: resumed, doubled, misused and cut off, and still every record once and in order.

use subrosa_proto::v1;
use subrosa_proto::v1::ingest_request::Action;
use tonic::Code;

use crate::support::{House, TENANT, eventually, reason_of, refused, said, text_of, uuid};

async fn texts(house: &House, name: &str) -> Vec<String> {
    house.reader().read(name).await.unwrap().iter().map(|record| text_of(record).to_owned()).collect()
}

fn numbered(last: u64) -> Vec<String> {
    (1..=last).map(|n| format!("m{n}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_goes_on_where_it_was_durable_also_when_the_client_repeats_itself() {
    let mut house = House::new().await;
    let name = house.bot().create().await;
    let id = uuid();
    let mut stream = house.bot().open_stream(&name, &id).await.unwrap();
    let opened = stream.answer().await.unwrap().unwrap();
    assert_eq!((opened.acked_client_sequence, opened.conversation.as_str()), (0, name.as_str()));
    for n in 1..=500 {
        stream.append(n, said(&format!("m{n}"))).await;
    }
    let acked = stream.acked(500).await.unwrap();
    assert_eq!(acked.last_sequence, 500);
    drop(stream);
    house.restart().await;
    let mut stream = house.bot().open_stream(&name, &id).await.unwrap();
    assert_eq!(stream.answer().await.unwrap().unwrap().acked_client_sequence, 500);
    for n in 400..=700 {
        stream.append(n, said(&format!("m{n}"))).await;
    }
    stream.half_close();
    let (acked, end) = stream.end().await;
    end.unwrap();
    assert_eq!(acked, 700, "a half-closed stream acknowledges everything before it ends");
    assert_eq!(texts(&house, &name).await, numbered(700));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_streams_of_one_id_at_once_store_each_record_once() {
    let house = House::new().await;
    let name = house.bot().create().await;
    let id = uuid();
    let mut one = house.bot().open_stream(&name, &id).await.unwrap();
    let mut two = house.bot().open_stream(&name, &id).await.unwrap();
    assert!(one.answer().await.unwrap().is_some() && two.answer().await.unwrap().is_some());
    let feed = |stream: &mut crate::support::client::IngestSession| {
        let appends: Vec<_> = (1..=300).map(|n| (n, said(&format!("m{n}")))).collect();
        let stream = std::mem::take(&mut stream.sender);
        async move {
            for (client_sequence, record) in appends {
                let append = v1::IngestAppend { client_sequence, record: Some(record) };
                let message = v1::IngestRequest { action: Some(Action::Append(append)) };
                if stream.as_ref().unwrap().send(message).await.is_err() {
                    return;
                }
            }
        }
    };
    let (feed_one, feed_two) = (feed(&mut one), feed(&mut two));
    let ((), (), ends) = tokio::join!(feed_one, feed_two, async { [one.end().await, two.end().await] });
    let mut acked = 0;
    for (durable, end) in ends {
        acked = acked.max(durable);
        if let Err(status) = end {
            assert_eq!(
                (status.code(), reason_of(&status).as_str()),
                (Code::Aborted, "SEQUENCE_CONFLICT"),
                "{status:?}"
            );
        }
    }
    let mut last = house.bot().open_stream(&name, &id).await.unwrap();
    let durable = last.answer().await.unwrap().unwrap().acked_client_sequence;
    assert!(durable >= acked, "what was acknowledged is not durable");
    assert_eq!(texts(&house, &name).await, numbered(durable));
    for n in durable + 1..=300 {
        last.append(n, said(&format!("m{n}"))).await;
    }
    last.half_close();
    last.end().await.1.unwrap();
    assert_eq!(texts(&house, &name).await, numbered(300));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_misused_ends_with_the_reason_and_keeps_what_was_durable() {
    let house = House::new().await;
    let bot = house.bot();
    let name = bot.create().await;
    let code = Code::InvalidArgument;
    let append = |client_sequence: u64| {
        Action::Append(v1::IngestAppend { client_sequence, record: Some(said(&format!("m{client_sequence}"))) })
    };
    refused(bot.stream(vec![append(1)]).await.unwrap().end().await.1, code, "STREAM_NOT_OPEN");
    let mut silent = bot.stream(Vec::new()).await.unwrap();
    silent.half_close();
    refused(silent.end().await.1, code, "STREAM_NOT_OPEN");

    let id = uuid();
    let mut gap = bot.open_stream(&name, &id).await.unwrap();
    gap.send(append(1)).await;
    gap.acked(1).await.unwrap();
    gap.send(append(3)).await;
    refused(gap.end().await.1, code, "STREAM_OUT_OF_ORDER");
    let mut zero = bot.open_stream(&name, &id).await.unwrap();
    zero.send(append(0)).await;
    refused(zero.end().await.1, code, "STREAM_OUT_OF_ORDER");

    let mut twice = bot.open_stream(&name, &id).await.unwrap();
    let open = v1::IngestOpen { parent: name.clone(), stream_id: id.clone(), ..Default::default() };
    twice.send(Action::Open(open)).await;
    refused(twice.end().await.1, code, "INVALID_FIELD");
    let mut empty = bot.open_stream(&name, &id).await.unwrap();
    empty.send(Action::Append(v1::IngestAppend { client_sequence: 2, record: None })).await;
    refused(empty.end().await.1, code, "INVALID_FIELD");

    let other = bot.create().await;
    refused(bot.open_stream(&other, &id).await.unwrap().end().await.1, code, "INVALID_FIELD");
    refused(bot.open_stream(&other, "").await.unwrap().end().await.1, code, "INVALID_FIELD");
    assert_eq!(texts(&house, &name).await, numbered(1));
    assert!(texts(&house, &other).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_vanishes_leaves_whole_records_and_may_come_back() {
    let house = House::new().await;
    let name = house.bot().create().await;
    let id = uuid();
    for round in 0..5 {
        let channel = house.channel_to(house.endpoints().data);
        let stream = house.bot().over(channel).open_stream(&name, &id).await.unwrap();
        let from = round * 100 + 1;
        for n in 1..from + 100 {
            stream.append(n, said(&format!("m{n}"))).await;
        }
        // The connection is dropped with the stream, whatever is under way.
        drop(stream);
    }
    let mut back = house.bot().open_stream(&name, &id).await.unwrap();
    let durable = back.answer().await.unwrap().unwrap().acked_client_sequence;
    for n in durable + 1..=500 {
        back.append(n, said(&format!("m{n}"))).await;
    }
    back.half_close();
    let end = back.end().await.1;
    // What the vanished left in the queue may still have come first.
    if let Err(status) = end {
        assert_eq!(status.code(), Code::Aborted, "{status:?}");
        let mut again = house.bot().open_stream(&name, &id).await.unwrap();
        for n in 1..=500 {
            again.append(n, said(&format!("m{n}"))).await;
        }
        again.half_close();
        again.end().await.1.unwrap();
    }
    assert_eq!(texts(&house, &name).await, numbered(500));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_may_name_its_conversation_by_reference_and_make_it() {
    let house = House::new().await;
    let open = |id: String| v1::IngestOpen {
        tenant: TENANT.to_owned(),
        client_reference: "session-9".to_owned(),
        stream_id: id,
        conversation: Some(v1::Conversation { bot: "a".to_owned(), ..Default::default() }),
        ..Default::default()
    };
    let bot = house.bot();
    let mut names = Vec::new();
    for _ in 0..3 {
        let mut stream = bot.stream(vec![Action::Open(open(uuid()))]).await.unwrap();
        names.push(stream.answer().await.unwrap().unwrap().conversation);
        stream.append(1, said("x")).await;
        stream.acked(1).await.unwrap();
    }
    names.dedup();
    assert_eq!(names.len(), 1);
    eventually("three records", || async { house.reader().get(&names[0]).await.unwrap().last_sequence == 3 }).await;
}

/// Two sessions that push the same stream on make each other's commits fail while both have more to send: neither may hold
/// the conversation for ever.
#[tokio::test(flavor = "multi_thread")]
async fn streams_that_fail_each_other_let_go_of_the_conversation() {
    let house = House::new().await;
    let name = house.bot().create().await;
    for _ in 0..15 {
        let id = uuid();
        let ends = (0..3).map(|_| async {
            let mut stream = house.bot().open_stream(&name, &id).await.unwrap();
            for n in 1..=3_000 {
                stream.append(n, said("again")).await;
            }
            stream.half_close();
            stream.end().await
        });
        let all = futures_util::future::join_all(ends);
        tokio::time::timeout(std::time::Duration::from_secs(30), all).await.expect("a stream hangs");
    }
    house.bot().append(&name, vec![said("after")]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_taken_up_at_once_goes_on_where_its_last_connection_got_to() {
    let house = House::new().await;
    let (name, stream_id) = (house.bot().create().await, uuid());
    let mut stands = 0;
    for round in 0..30 {
        let bot = if round % 2 == 0 { house.bot() } else { house.bot().over(house.channel_to(house.endpoints().data)) };
        let mut stream = bot.open_stream(&name, &stream_id).await.unwrap();
        let at = stream.answer().await.unwrap().unwrap().acked_client_sequence;
        assert!(at >= stands, "{stands} were acknowledged, and it stands at {at}");
        for n in at + 1..=at + 900 {
            stream.append(n, said(&format!("line {n}"))).await;
        }
        stands = stream.acked(at + 1).await.unwrap().acked_client_sequence;
    }
    let records = house.reader().read(&name).await.unwrap();
    assert!(records.len() as u64 >= stands);
    for (n, record) in (1..).zip(&records) {
        assert_eq!((record.sequence, text_of(record)), (n, format!("line {n}").as_str()));
    }
}
