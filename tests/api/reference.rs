//! A conversation found or made by the client's own id for it.

use subrosa_proto::v1;

use crate::support::{House, TENANT, refused, said, uuid};

const MAIL: &str = "reference.holder@example.org";

#[tokio::test(flavor = "multi_thread")]
async fn sixteen_callers_with_one_reference_find_or_make_one_conversation() {
    let mut house = House::new().await;
    let bot = house.bot();
    let callers = (0..16).map(|caller| {
        let mut ingest = bot.ingest();
        let mut conversations = bot.conversations();
        async move {
            let conversation = v1::Conversation {
                bot: "a".to_owned(),
                client_reference: MAIL.to_owned(),
                subject: MAIL.to_owned(),
                ..Default::default()
            };
            if caller % 4 == 3 {
                let request = v1::CreateConversationRequest {
                    parent: TENANT.to_owned(),
                    conversation: Some(conversation),
                    request_id: uuid(),
                };
                let made = conversations.create_conversation(request).await.unwrap().into_inner();
                return (made.conversation.unwrap().name, false);
            }
            let request = v1::AppendRecordsRequest {
                tenant: TENANT.to_owned(),
                client_reference: MAIL.to_owned(),
                request_id: uuid(),
                records: vec![said(&format!("caller {caller}"))],
                conversation: Some(conversation),
                ..Default::default()
            };
            let done = ingest.append_records(request).await.unwrap().into_inner();
            (done.conversation, done.created)
        }
    });
    let answers = futures_util::future::join_all(callers).await;
    let name = &answers[0].0;
    assert!(answers.iter().all(|(other, _)| other == name), "{answers:?}");
    assert!(answers.iter().filter(|(_, created)| *created).count() <= 1, "made more than once: {answers:?}");
    assert_eq!(bot.list().await.unwrap().len(), 1);
    assert_eq!(house.reader().read(name).await.unwrap().len(), 12);

    let shown = bot.get(name).await.unwrap();
    assert!(!shown.client_reference.is_empty() && !shown.client_reference.contains("example.org"));
    assert_eq!(shown.subject, "");
    let search = |subject: &str| v1::SearchConversationsRequest {
        parent: TENANT.to_owned(),
        subject: subject.to_owned(),
        purpose: v1::Purpose::SubjectRequest.into(),
        ..Default::default()
    };
    let privacy = house.role("privacy");
    let found = privacy.search().search_conversations(search(MAIL)).await.unwrap().into_inner().conversations;
    assert_eq!(found.iter().map(|conversation| &conversation.name).collect::<Vec<_>>(), [name]);
    let others = privacy.search().search_conversations(search("someone else")).await.unwrap().into_inner();
    assert!(others.conversations.is_empty());

    house.stop().await;
    assert_eq!(crate::canary::hits(&house.data_dir(), &[MAIL.to_owned()]), Vec::<String>::new());
    house.start().await.unwrap();
    let bot = house.bot();
    let again = bot.create_as(v1::Conversation {
        bot: "a".to_owned(),
        client_reference: MAIL.to_owned(),
        ..Default::default()
    });
    assert_eq!(&again.await.unwrap().name, name, "the reference is forgotten over a restart");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reference_raced_for_by_two_bots_belongs_to_one_and_is_not_there_for_the_other() {
    let house = House::new().await;
    let mut clients = Vec::new();
    for bot in ["one", "two"] {
        let (key, _) = house.issue(&format!("bot-{bot}"), v1::Role::Ingestor, TENANT, &[bot]).await;
        clients.push((bot, house.with_key(Some(&key))));
    }
    for round in 0..8 {
        let both = clients.iter().map(|(bot, client)| async move {
            let request = v1::AppendRecordsRequest {
                tenant: TENANT.to_owned(),
                client_reference: format!("race-{round}"),
                request_id: uuid(),
                records: vec![said("mine")],
                conversation: Some(v1::Conversation { bot: (*bot).to_owned(), ..Default::default() }),
                ..Default::default()
            };
            client.ingest().append_records(request).await.map(|answer| answer.into_inner())
        });
        let answers = futures_util::future::join_all(both).await;
        let (made, other): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
        assert_eq!((made.len(), other.len()), (1, 1), "{made:?}");
        for other in other {
            refused(other, tonic::Code::NotFound, "CONVERSATION_NOT_FOUND");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_conversation_of_a_subject_is_on_some_page() {
    let house = House::new().await;
    let bot = house.bot();
    let made = (0..510).map(|_| {
        let wanted = v1::Conversation { bot: "a".to_owned(), subject: MAIL.to_owned(), ..Default::default() };
        bot.create_as(wanted)
    });
    let mut made: Vec<_> =
        futures_util::future::try_join_all(made).await.unwrap().into_iter().map(|one| one.name).collect();
    let privacy = house.role("privacy");
    let (mut found, mut sizes, mut page_token) = (Vec::new(), Vec::new(), String::new());
    loop {
        let request = v1::SearchConversationsRequest {
            parent: TENANT.to_owned(),
            subject: MAIL.to_owned(),
            purpose: v1::Purpose::SubjectRequest.into(),
            page_size: 500,
            page_token,
            ..Default::default()
        };
        let page = privacy.search().search_conversations(request).await.unwrap().into_inner();
        sizes.push(page.conversations.len());
        found.extend(page.conversations.into_iter().map(|one| one.name));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(sizes, [500, 10]);
    assert!(found.is_sorted_by(|one, next| one > next), "not newest first");
    found.sort();
    made.sort();
    assert_eq!(found, made);
}
