//! Listing conversations.

use subrosa::domain::ConversationId;
use subrosa::store::{ConversationQuery, DataStore, Mutation, PageKey};

use crate::Factory;
use crate::fixtures::{acme, at, conversation, create, id, tenant, work};

/// Makes conversations created at 0, 1, 2...; `shape` says what else is special about each.
async fn fill(
    store: &DataStore,
    count: i64,
    shape: impl Fn(i64, &mut subrosa::store::ConversationRow),
) -> Vec<ConversationId> {
    let mut making = work(tenant(acme()));
    let mut ids = Vec::new();
    for n in 0..count {
        let mut row = conversation(id(n), n);
        shape(n, &mut row);
        ids.push(row.id);
        making = making.with(create(row));
    }
    store.submit(making).await.unwrap();
    ids
}

async fn list(
    store: &DataStore,
    query: ConversationQuery,
    after: Option<PageKey>,
    limit: usize,
) -> Vec<ConversationId> {
    let rows = store.read(move |reader| reader.conversations(&acme(), &query, after, limit)).await.unwrap();
    rows.rows.iter().map(|row| row.id).collect()
}

pub(crate) async fn the_newest_come_first_page_by_page<F: Factory>(factory: F) {
    let (store, _thread) = factory.data();
    // Two share each creation time, so that the id decides.
    let ids = fill(&store, 10, |n, row| row.create_time = at(n / 2)).await;
    let mut expected: Vec<(i64, ConversationId)> = (0..10).map(|n| (n / 2, ids[usize::try_from(n).unwrap()])).collect();
    expected.sort();
    expected.reverse();
    let (mut after, mut found) = (None, Vec::new());
    loop {
        let page = list(&store, ConversationQuery::default(), after, 3).await;
        let Some(last) = page.last() else { break };
        let row_id = *last;
        let row = store.read(move |reader| reader.conversation(&acme(), &row_id)).await.unwrap().unwrap();
        after = Some(PageKey { create_time: row.create_time, id: row.id });
        found.extend(page);
    }
    assert_eq!(found, expected.into_iter().map(|(_, id)| id).collect::<Vec<_>>());
}

/// A query, and which conversations it holds for.
type Case = (ConversationQuery, Box<dyn Fn(i64) -> bool>);

pub(crate) async fn every_condition_must_hold<F: Factory>(factory: F) {
    let (store, _thread) = factory.data();
    let ids = fill(&store, 30, |n, row| {
        row.bot = ["helper", "seller", "greeter"][usize::try_from(n % 3).unwrap()].parse().unwrap();
        row.channel = (n % 2 == 0).then(|| "web".parse().unwrap());
        row.labels = if n % 5 == 0 {
            ["vip".parse().unwrap(), "eu".parse().unwrap()].into()
        } else {
            ["eu".parse().unwrap()].into()
        };
        row.finding_classes = if n % 4 == 0 { ["EMAIL".to_owned()].into() } else { [].into() };
    })
    .await;
    let slugs = |words: &[&str]| words.iter().map(|word| word.parse().unwrap()).collect::<Vec<_>>();
    let all = ConversationQuery::default;
    let cases: Vec<Case> = vec![
        (ConversationQuery { bots: slugs(&["seller"]), ..all() }, Box::new(|n| n % 3 == 1)),
        (ConversationQuery { bots: slugs(&["seller", "greeter"]), ..all() }, Box::new(|n| n % 3 != 0)),
        (ConversationQuery { channel: Some("web".parse().unwrap()), ..all() }, Box::new(|n| n % 2 == 0)),
        (ConversationQuery { labels: slugs(&["eu", "vip"]), ..all() }, Box::new(|n| n % 5 == 0)),
        (ConversationQuery { finding_classes: vec!["EMAIL".to_owned()], ..all() }, Box::new(|n| n % 4 == 0)),
        (
            ConversationQuery { created_from: Some(at(5)), created_before: Some(at(9)), ..all() },
            Box::new(|n| (5..9).contains(&n)),
        ),
        (
            ConversationQuery {
                labels: slugs(&["vip"]),
                channel: Some("web".parse().unwrap()),
                created_from: Some(at(1)),
                ..all()
            },
            Box::new(|n| n % 10 == 0 && n > 0),
        ),
        (
            ConversationQuery { among: Some(vec![ids[3], ids[9], ids[4], id(99)]), ..all() },
            Box::new(|n| [3, 4, 9].contains(&n)),
        ),
        (
            ConversationQuery {
                among: Some(ids.clone()),
                bots: slugs(&["helper"]),
                created_before: Some(at(7)),
                ..all()
            },
            Box::new(|n| n % 3 == 0 && n < 7),
        ),
        (ConversationQuery { among: Some(vec![]), ..all() }, Box::new(|_| false)),
        (ConversationQuery { labels: slugs(&["none"]), ..all() }, Box::new(|_| false)),
    ];
    for (case, (query, holds)) in cases.into_iter().enumerate() {
        let expected: Vec<_> = (0..30).rev().filter(|n| holds(*n)).map(|n| ids[usize::try_from(n).unwrap()]).collect();
        assert_eq!(list(&store, query, None, 100).await, expected, "case {case}");
    }
}

pub(crate) async fn a_rare_match_is_found_behind_many_others<F: Factory>(factory: F) {
    let (store, _thread) = factory.data();
    // More than one step of the list apart.
    let ids = fill(&store, 1_300, |n, row| {
        row.labels = ["eu".parse().unwrap()].into();
        if [0, 600, 1_250].contains(&n) {
            row.channel = Some("phone".parse().unwrap());
        }
    })
    .await;
    let query = ConversationQuery {
        labels: vec!["eu".parse().unwrap()],
        channel: Some("phone".parse().unwrap()),
        ..ConversationQuery::default()
    };
    assert_eq!(list(&store, query, None, 10).await, [ids[1_250], ids[600], ids[0]]);
    assert_eq!(list(&store, ConversationQuery::default(), None, 10_000).await.len(), 500);
}

pub(crate) async fn a_call_looks_at_a_bounded_number_and_says_where_it_stopped<F: Factory>(factory: F) {
    let (store, _thread) = factory.data();
    let ids = fill(&store, 5_200, |n, row| {
        if n == 0 {
            row.bot = "seller".parse().unwrap();
        }
    })
    .await;
    let query = ConversationQuery {
        bots: vec!["seller".parse().unwrap(), "greeter".parse().unwrap()],
        ..ConversationQuery::default()
    };
    let step = |query: ConversationQuery, after, limit| {
        store.read(move |reader| reader.conversations(&acme(), &query, after, limit))
    };
    let first = step(query.clone(), None, 10).await.unwrap();
    let stopped = PageKey { create_time: at(200), id: ids[200] };
    assert_eq!((first.rows, first.resume), (vec![], Some(stopped)));
    let second = step(query, first.resume, 10).await.unwrap();
    assert_eq!((second.rows.iter().map(|row| row.id).collect::<Vec<_>>(), second.resume), (vec![ids[0]], None));
    let full = step(ConversationQuery::default(), Some(stopped), 10).await.unwrap();
    assert_eq!((full.rows.len(), full.resume.map(|key| key.id)), (10, Some(ids[190])));
}

pub(crate) async fn expired_ones_and_other_tenants_are_left_out<F: Factory>(factory: F) {
    let (store, _thread) = factory.data();
    let ids = fill(&store, 3, |_, row| row.labels = ["eu".parse().unwrap()].into()).await;
    let globex: subrosa::domain::TenantId = "globex".parse().unwrap();
    let mut theirs = conversation(id(5), 5);
    theirs.tenant = globex.clone();
    theirs.labels = ["eu".parse().unwrap()].into();
    let theirs_id = theirs.id;
    store.submit(work(tenant(globex)).with(create(theirs))).await.unwrap();
    let gone =
        Mutation::ExpireRecords { tenant: acme(), conversation: ids[1], dek_ids: vec![], through: 0, expired: true };
    store.submit(work(gone)).await.unwrap();
    let by_label = ConversationQuery { labels: vec!["eu".parse().unwrap()], ..ConversationQuery::default() };
    let among =
        ConversationQuery { among: Some(vec![ids[0], ids[1], ids[2], theirs_id]), ..ConversationQuery::default() };
    let by_bot = ConversationQuery { bots: vec!["helper".parse().unwrap()], ..ConversationQuery::default() };
    for query in [ConversationQuery::default(), by_label, among, by_bot] {
        assert_eq!(list(&store, query, None, 10).await, [ids[2], ids[0]]);
    }
}
