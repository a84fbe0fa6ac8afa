//! No acknowledged record is lost, doubled or reordered.

use std::collections::BTreeSet;

use subrosa_proto::v1;
use tonic::Code;

use crate::support::{House, refused, said, text_of};

const WRITERS: usize = 16;

/// Checks that the sequences of a conversation are 1, 2, 3 and so on, and returns its texts.
async fn whole(house: &House, name: &str) -> Vec<String> {
    let records = house.reader().read(name).await.unwrap();
    let sequences: Vec<_> = records.iter().map(|record| record.sequence).collect();
    assert_eq!(sequences, (1..=records.len() as u64).collect::<Vec<_>>());
    assert_eq!(house.reader().get(name).await.unwrap().last_sequence, records.len() as u64);
    records.iter().map(|record| text_of(record).to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn sixteen_writers_to_one_conversation_lose_and_double_nothing() {
    let mut house = House::new().await;
    let bot = house.bot();
    let name = bot.create().await;
    let compliance = house.role("compliance");
    let writers = (0..WRITERS).map(|writer| {
        let (bot, name) = (bot.clone(), name.clone());
        async move {
            let mut places = Vec::new();
            for round in 0..15 {
                let records = (0..=round % 3).map(|part| said(&format!("w{writer} r{round} p{part}"))).collect();
                let done = bot.append(&name, records).await.unwrap();
                assert_eq!(done.last_sequence - done.first_sequence, round % 3);
                places.push((done.first_sequence, writer, round));
            }
            places
        }
    });
    let notes = async {
        for n in 0..20 {
            let note = v1::AnnotateRequest {
                name: name.clone(),
                note: format!("note {n}"),
                add_labels: vec![format!("label-{n}")],
                ..Default::default()
            };
            compliance.conversations().annotate(note).await.unwrap();
        }
    };
    let (places, ()) = tokio::join!(futures_util::future::join_all(writers), notes);
    house.restart().await;
    let texts = whole(&house, &name).await;
    assert_eq!(texts.len(), WRITERS * 30 + 20);
    assert_eq!(texts.iter().collect::<BTreeSet<_>>().len(), texts.len(), "a record is doubled");
    for (first, writer, round) in places.into_iter().flatten() {
        for part in 0..=round % 3 {
            let at = usize::try_from(first + part - 1).unwrap();
            assert_eq!(texts[at], format!("w{writer} r{round} p{part}"), "a record is not where it was acknowledged");
        }
    }
    assert_eq!(house.reader().get(&name).await.unwrap().labels.len(), 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_to_many_conversations_do_not_get_into_each_others() {
    let house = House::new().await;
    let bot = house.bot();
    let writers = (0..WRITERS).map(|writer| {
        let bot = bot.clone();
        async move {
            let name = bot.create().await;
            for round in 0..10 {
                bot.append(&name, vec![said(&format!("w{writer} r{round}"))]).await.unwrap();
            }
            name
        }
    });
    let names = futures_util::future::join_all(writers).await;
    for (writer, name) in names.iter().enumerate() {
        let expected: Vec<_> = (0..10).map(|round| format!("w{writer} r{round}")).collect();
        assert_eq!(whole(&house, name).await, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_acknowledged_before_a_close_is_kept_and_what_comes_after_is_refused() {
    let mut house = House::new().await;
    let bot = house.bot();
    let name = bot.create().await;
    let writers = (0..WRITERS).map(|writer| {
        let (bot, name) = (bot.clone(), name.clone());
        async move {
            let mut acknowledged = Vec::new();
            for round in 0..1_000 {
                let text = format!("w{writer} r{round}");
                match bot.append(&name, vec![said(&text)]).await {
                    Ok(done) => acknowledged.push((done.first_sequence, text)),
                    Err(status) => {
                        refused::<()>(Err(status), Code::FailedPrecondition, "CONVERSATION_CLOSED");
                        return acknowledged;
                    }
                }
            }
            panic!("the conversation was never closed");
        }
    });
    let close = async {
        crate::support::eventually("a hundred records", || async {
            house.reader().get(&name).await.unwrap().last_sequence > 100
        })
        .await;
        let request = v1::CloseConversationRequest { name: name.clone() };
        for _ in 0..2 {
            let closed = bot.conversations().close_conversation(request.clone()).await.unwrap().into_inner();
            assert_eq!(closed.conversation.unwrap().state(), v1::ConversationState::Closed);
        }
    };
    let (acknowledged, ()) = tokio::join!(futures_util::future::join_all(writers), close);
    let mut acknowledged: Vec<_> = acknowledged.into_iter().flatten().collect();
    acknowledged.sort();
    house.restart().await;
    let texts = whole(&house, &name).await;
    assert_eq!(acknowledged.into_iter().map(|(_, text)| text).collect::<Vec<_>>(), texts);
    let answer = house.bot().append(&name, vec![said("late")]).await;
    refused(answer, Code::FailedPrecondition, "CONVERSATION_CLOSED");
}
