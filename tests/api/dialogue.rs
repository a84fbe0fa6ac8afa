//! What was asked for in one append is recognised when it comes in the next, also by another process.

use subrosa_proto::v1;

use crate::support::{House, said, text_of};

fn asked(text: &str) -> v1::Record {
    v1::Record { author_role: v1::AuthorRole::Assistant.into(), ..said(text) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_in_pieces_is_found_across_appends_streams_and_restarts() {
    let mut house = House::new().await;
    let conversation = house.bot().create().await;
    house.bot().append(&conversation, vec![asked("Can I have the card number, please?")]).await.unwrap();
    house.bot().append(&conversation, vec![said("sure, 4242")]).await.unwrap();
    house.restart().await;
    house.bot().append(&conversation, vec![said("then 4242 42")]).await.unwrap();
    let mut stream = house.bot().open_stream(&conversation, "s").await.unwrap();
    stream.append(1, said("and 424242 at the end")).await;
    stream.acked(1).await.unwrap();
    drop(stream);
    let records = house.reader().read(&conversation).await.unwrap();
    for record in &records[1..] {
        assert!(!text_of(record).contains("42"), "{}", text_of(record));
        assert!(text_of(record).contains("<CARD"), "{}", text_of(record));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_asked_in_one_conversation_announces_nothing_in_another() {
    let house = House::new().await;
    let (one, other) = (house.bot().create().await, house.bot().create().await);
    house.bot().append(&one, vec![asked("What is the card number?")]).await.unwrap();
    house.bot().append(&other, vec![said("room 4242")]).await.unwrap();
    let records = house.reader().read(&other).await.unwrap();
    assert_eq!(text_of(&records[0]), "room 4242");
}

/// The state is bound to its conversation and to the record after which it was written.
#[tokio::test(flavor = "multi_thread")]
async fn a_state_that_was_moved_or_is_of_a_record_to_come_refuses_the_append() {
    let mut house = House::new().await;
    let (one, other) = (house.bot().create().await, house.bot().create().await);
    for conversation in [&one, &other] {
        house.bot().append(conversation, vec![asked("What is the card number?")]).await.unwrap();
    }
    house.stop().await;
    let db = house.vault_db();
    let swap = "UPDATE conversations SET dialogue = (SELECT dialogue FROM conversations o WHERE o.id <> conversations.id AND
                o.dialogue <> x'') WHERE dialogue <> x'' AND id = (SELECT max(id) FROM conversations WHERE dialogue <> x'')";
    assert_eq!(db.execute(swap, []).unwrap(), 1);
    assert_eq!(db.execute("UPDATE conversations SET dialogue_sequence = 9 WHERE id = (SELECT min(id) FROM conversations WHERE dialogue <> x'')", []).unwrap(), 1);
    drop(db);
    house.start().await.unwrap();
    for conversation in [&one, &other] {
        let answer = house.bot().append(conversation, vec![said("4242")]).await;
        crate::support::refused(answer, tonic::Code::DataLoss, "INTEGRITY_FAILURE");
    }
}
