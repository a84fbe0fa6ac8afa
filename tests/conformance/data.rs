//! Every change of the data store, and every refusal.

use subrosa::domain::{ConversationId, ConversationState, PolicyKind, TenantId, TenantState};
use subrosa::store::{
    Chore, DataStore, KeyActRow, LogId, Mutation, OpenReadRow, PolicyRow, RecordRow, RememberedRequest,
    StoredConversation, StoredRecord, StreamRow, Work,
};

use crate::fixtures::{acme, append, at, begin, conversation, create, entry, id, log, record, sealed, tenant, work};
use crate::{Factory, refused};

async fn read(store: &DataStore, id: ConversationId) -> StoredConversation {
    store.read(move |reader| reader.conversation(&acme(), &id)).await.unwrap().unwrap()
}

async fn records(store: &DataStore, id: ConversationId, after: u64, limit: usize) -> Vec<StoredRecord> {
    store.read(move |reader| reader.records(&acme(), &id, after, limit)).await.unwrap()
}

pub(crate) async fn a_conversation_grows_in_order<F: Factory>(factory: F) {
    let (store, _thread) = factory.data();
    let id = begin(&store).await;
    let first = record(1, 10);
    let bytes = first.sealed.as_bytes().to_vec();
    store.submit(Work::new(entry(2)).with(append(id, vec![first, record(2, 10)], &["EMAIL"]))).await.unwrap();
    store.submit(Work::new(entry(1)).with(append(id, vec![record(3, 11)], &["PHONE", "EMAIL"]))).await.unwrap();
    let row = read(&store, id).await;
    assert_eq!((row.next_sequence, row.last_record_time, row.last_day.number()), (4, at(3), 20_810));
    assert_eq!(row.finding_classes, ["EMAIL".to_owned(), "PHONE".to_owned()].into());
    let read = records(&store, id, 0, 10).await;
    assert_eq!(read.iter().map(|row| (row.sequence, row.dek_id)).collect::<Vec<_>>(), [(1, 10), (2, 10), (3, 11)]);
    assert_eq!(read[0].sealed, bytes);
    assert_eq!((read[0].received_at, read[0].policy_version, read[0].size_class), (at(1), 7, 3));
    assert_eq!(records(&store, id, 1, 1).await.iter().map(|row| row.sequence).collect::<Vec<_>>(), [2]);
    let under = |deks: &'static [u64]| store.read(move |reader| reader.sealed_under(&acme(), &id, deks));
    assert_eq!(under(&[10]).await.unwrap(), Some((2, 2)));
    assert_eq!(under(&[10, 11, 12]).await.unwrap(), Some((3, 3)));
    assert_eq!(under(&[12]).await.unwrap(), None);
    let other: TenantId = "other".parse().unwrap();
    let theirs = store.read(move |reader| Ok((reader.conversation(&other, &id)?, reader.records(&other, &id, 0, 9)?)));
    assert_eq!(theirs.await.unwrap(), (None, vec![]));
}

pub(crate) async fn a_read_of_records_stops_at_a_bounded_number_of_bytes<F: Factory>(factory: F) {
    let (store, _thread) = factory.data();
    let id = begin(&store).await;
    let large = |sequence| RecordRow { sealed: sealed(&[b'x'; 40 * 1024]), ..record(sequence, 10) };
    store.submit(Work::new(entry(8)).with(append(id, (1..=8).map(large).collect(), &[]))).await.unwrap();
    let sequences =
        async |after| -> Vec<_> { records(&store, id, after, 100).await.iter().map(|row| row.sequence).collect() };
    assert_eq!(sequences(0).await, [1, 2, 3, 4]);
    assert_eq!(sequences(4).await, [5, 6, 7, 8]);
    assert_eq!(sequences(7).await, [8]);
    let huge = RecordRow { sealed: sealed(&vec![b'x'; 2 * 1024 * 1024]), ..record(9, 10) };
    store.submit(Work::new(entry(2)).with(append(id, vec![huge, record(10, 10)], &[]))).await.unwrap();
    assert_eq!(sequences(8).await, [9]);
    assert_eq!(sequences(9).await, [10]);
}

pub(crate) async fn an_append_is_refused_where_it_must_be<F: Factory>(factory: F) {
    let (store, _thread) = factory.data();
    let known = begin(&store).await;
    let submit = |mutation| store.submit(work(mutation));
    refused!(submit(create(conversation(known, 0))), Exists);
    let mut stray = conversation(id(1), 1);
    stray.tenant = "nobody".parse().unwrap();
    refused!(submit(create(stray)), Missing);
    refused!(submit(append(id(1), vec![record(1, 1)], &[])), Missing);
    refused!(submit(append(known, vec![record(2, 1)], &[])), Conflict);
    refused!(submit(append(known, vec![record(1, 1), record(3, 1)], &[])), Conflict);
    refused!(submit(append(known, vec![], &[])), Conflict);
    let Mutation::AppendRecords { conversation, rows, finding_classes, last_day, reseals, dialogue, .. } =
        append(known, vec![record(1, 1)], &[])
    else {
        unreachable!()
    };
    let tenant = "other".parse().unwrap();
    let stray = Mutation::AppendRecords { tenant, conversation, rows, finding_classes, last_day, reseals, dialogue };
    refused!(submit(stray), Missing);
    store.submit(work(append(known, vec![record(1, 1)], &[]))).await.unwrap();
    refused!(submit(append(known, vec![record(1, 1)], &[])), Conflict);
    submit(update(known, &[], ConversationState::Closed, 2)).await.unwrap();
    refused!(submit(append(known, vec![record(2, 1)], &[])), NotOpen);
    assert_eq!(records(&store, known, 0, 10).await.len(), 1);
}

fn update(id: ConversationId, labels: &[&str], state: ConversationState, meta_version: u64) -> Mutation {
    Mutation::UpdateConversation {
        tenant: acme(),
        conversation: id,
        labels: labels.iter().map(|label| label.parse().unwrap()).collect(),
        state,
        sealed_meta: sealed(b"new metadata"),
        meta_version,
    }
}

pub(crate) async fn an_update_replaces_labels_and_metadata<F: Factory>(factory: F) {
    let (store, _thread) = factory.data();
    let known = begin(&store).await;
    let before = read(&store, known).await;
    store.submit(work(update(known, &["vip", "refund"], ConversationState::Open, 2))).await.unwrap();
    refused!(store.submit(work(update(known, &[], ConversationState::Open, 2))), Conflict);
    refused!(store.submit(work(update(known, &[], ConversationState::Open, 4))), Conflict);
    refused!(store.submit(work(update(id(1), &[], ConversationState::Open, 2))), Missing);
    store.submit(work(update(known, &["refund"], ConversationState::Closed, 3))).await.unwrap();
    let row = read(&store, known).await;
    assert_eq!((row.state, row.meta_version), (ConversationState::Closed, 3));
    assert_eq!(row.labels, ["refund".parse().unwrap()].into());
    assert_ne!(row.sealed_meta, before.sealed_meta);
}

fn expire(id: ConversationId, dek_ids: &[u64], through: u64, expired: bool) -> Mutation {
    Mutation::ExpireRecords { tenant: acme(), conversation: id, dek_ids: dek_ids.to_vec(), through, expired }
}

pub(crate) async fn what_redaction_remembers_is_replaced_and_dies_with_the_rest<F: Factory>(factory: F) {
    let (store, _thread) = factory.data();
    let known = begin(&store).await;
    let remembered = async || store.read(move |reader| reader.dialogue(&known)).await.unwrap();
    let with = |sequence, dialogue| match append(known, vec![record(sequence, 10)], &[]) {
        Mutation::AppendRecords { tenant, conversation, rows, finding_classes, last_day, reseals, .. } => {
            Mutation::AppendRecords { tenant, conversation, rows, finding_classes, last_day, reseals, dialogue }
        }
        _ => unreachable!(),
    };
    let states = [sealed(b"asked for a card"), sealed(b"answered")];
    let [asked, answered] = states.each_ref().map(|state| state.as_bytes().to_vec());
    let [first, last] = states;
    assert_eq!(remembered().await, None);
    store.submit(work(with(1, Some(first)))).await.unwrap();
    store.submit(work(with(2, None))).await.unwrap();
    assert_eq!(remembered().await, Some((1, asked)));
    store.submit(work(with(3, Some(last)))).await.unwrap();
    assert_eq!(remembered().await, Some((3, answered)));
    store.submit(work(expire(known, &[10], 3, true))).await.unwrap();
    assert_eq!(remembered().await, None);
}

pub(crate) async fn an_expiry_removes_bodies_and_then_the_rest<F: Factory>(factory: F) {
    let (store, _thread) = factory.data();
    let known = begin(&store).await;
    let rows = vec![record(1, 10), record(2, 10), record(3, 11)];
    store
        .submit(work(append(known, rows, &["EMAIL"])).with(update(known, &["vip"], ConversationState::Open, 2)))
        .await
        .unwrap();
    store.submit(work(Mutation::RememberRequest(request(1, Some(known))))).await.unwrap();
    store.submit(work(Mutation::AdvanceStream { row: stream(1, known, 1), previous: 0 })).await.unwrap();
    refused!(store.submit(work(expire(id(1), &[10], 2, false))), Missing);
    for _ in 0..2 {
        store.submit(work(expire(known, &[10], 2, false))).await.unwrap();
        assert_eq!(records(&store, known, 0, 9).await.iter().map(|row| row.sequence).collect::<Vec<_>>(), [3]);
        assert_eq!(read(&store, known).await.expired_through, 2);
    }
    store.submit(work(append(known, vec![record(4, 12)], &[]))).await.unwrap();
    store.submit(work(expire(known, &[11, 12], 4, true))).await.unwrap();
    let row = read(&store, known).await;
    assert_eq!((row.state, row.expired_through, row.next_sequence), (ConversationState::Expired, 4, 5));
    assert!(row.sealed_meta.is_empty() && row.labels.is_empty() && row.finding_classes.is_empty());
    assert_eq!(records(&store, known, 0, 9).await, []);
    let left = store.read(|reader| Ok((reader.request(&acme(), &[1; 32])?, reader.stream(&acme(), &[1; 32])?)));
    assert_eq!(left.await.unwrap(), (None, None));
    refused!(store.submit(work(append(known, vec![record(5, 12)], &[]))), NotOpen);
    refused!(store.submit(work(update(known, &[], ConversationState::Open, 3))), NotOpen);
}

fn reseal(id: ConversationId, from: u64, rows: Vec<RecordRow>, first: bool) -> Mutation {
    let finding_classes = vec!["PHONE".to_owned()];
    Mutation::ResealRecords { tenant: acme(), conversation: id, from, rows, finding_classes, first }
}

pub(crate) async fn records_are_sealed_anew_in_their_places<F: Factory>(factory: F) {
    let (store, _thread) = factory.data();
    let known = begin(&store).await;
    let rows = vec![record(1, 10), record(2, 11), record(3, 10)];
    store.submit(Work::new(entry(3)).with(append(known, rows, &["EMAIL"]))).await.unwrap();
    let under = |dek, after| store.read(move |reader| reader.records_under(&acme(), &known, dek, after, 9));
    let sequences =
        async |dek, after| -> Vec<_> { under(dek, after).await.unwrap().iter().map(|row| row.sequence).collect() };
    assert_eq!((sequences(10, 0).await, sequences(10, 1).await, sequences(12, 0).await), (vec![1, 3], vec![3], vec![]));
    let mut new = RecordRow { policy_version: 8, size_class: 9, ..record(3, 12) };
    new.sealed = sealed(b"without it");
    let bytes = new.sealed.as_bytes().to_vec();
    refused!(store.submit(work(reseal(known, 11, vec![record(3, 12)], true))), Conflict);
    refused!(store.submit(work(reseal(known, 10, vec![record(1, 12), record(4, 12)], true))), Conflict);
    refused!(store.submit(work(reseal(id(1), 10, vec![record(3, 12)], true))), Missing);
    assert_eq!((read(&store, known).await.reseals, sequences(12, 0).await), (0, vec![]));
    store.submit(work(reseal(known, 10, vec![new], true))).await.unwrap();
    let row = read(&store, known).await;
    assert_eq!((row.reseals, row.next_sequence), (1, 4));
    assert_eq!(row.finding_classes, ["EMAIL".to_owned(), "PHONE".to_owned()].into());
    let now = under(12, 0).await.unwrap();
    assert_eq!((now[0].sequence, now[0].policy_version, now[0].size_class), (3, 8, 9));
    assert_eq!((&now[0].sealed, now[0].received_at), (&bytes, at(3)));
    store.submit(work(reseal(known, 10, vec![record(1, 12)], false))).await.unwrap();
    assert_eq!((read(&store, known).await.reseals, sequences(10, 0).await), (1, vec![]));
    refused!(store.submit(work(append(known, vec![record(4, 10)], &[]))), Conflict);
}

fn request(key: u8, conversation: Option<ConversationId>) -> RememberedRequest {
    RememberedRequest { key: [key; 32], body: [9; 32], answer: b"{}".to_vec(), conversation, at: at(i64::from(key)) }
}

fn stream(key: u8, conversation: ConversationId, client_sequence: u64) -> StreamRow {
    let at = at(client_sequence.cast_signed());
    StreamRow { key: [key; 32], conversation, client_sequence, last_sequence: client_sequence + 5, at }
}

pub(crate) async fn a_request_is_remembered_once<F: Factory>(factory: F) {
    let (store, _thread) = factory.data();
    let known = begin(&store).await;
    let row = request(1, Some(known));
    store.submit(work(Mutation::RememberRequest(row.clone()))).await.unwrap();
    // The same first 8 bytes are not the same key.
    let mut alike = request(1, None);
    alike.key[31] = 0;
    store.submit(work(Mutation::RememberRequest(alike.clone()))).await.unwrap();
    refused!(store.submit(work(Mutation::RememberRequest(request(1, None)))), Duplicate);
    // A repetition takes back the append it came with.
    let again = work(append(known, vec![record(1, 1)], &[])).with(Mutation::RememberRequest(row.clone()));
    refused!(store.submit(again), Duplicate);
    assert_eq!(records(&store, known, 0, 9).await, []);
    let keys = (row.key, alike.key);
    let both = store.read(move |reader| Ok((reader.request(&acme(), &keys.0)?, reader.request(&acme(), &keys.1)?)));
    assert_eq!(both.await.unwrap(), (Some(row), Some(alike)));
}

pub(crate) async fn a_stream_moves_forward_only<F: Factory>(factory: F) {
    let (store, _thread) = factory.data();
    let known = begin(&store).await;
    let submit = |row, previous| store.submit(work(Mutation::AdvanceStream { row, previous }));
    refused!(submit(stream(1, known, 3), 2), Conflict);
    submit(stream(1, known, 3), 0).await.unwrap();
    submit(stream(1, known, 8), 3).await.unwrap();
    refused!(submit(stream(1, known, 9), 0), Conflict);
    refused!(submit(stream(1, known, 9), 7), Conflict);
    refused!(submit(stream(1, id(1), 9), 8), Conflict);
    let kept = store.read(|reader| reader.stream(&acme(), &[1; 32])).await.unwrap();
    assert_eq!(kept, Some(stream(1, known, 8)));
}

pub(crate) async fn old_requests_and_streams_are_forgotten<F: Factory>(factory: F) {
    let (store, _thread) = factory.data();
    let known = begin(&store).await;
    for key in 1..=3 {
        store.submit(work(Mutation::RememberRequest(request(key, None)))).await.unwrap();
        store
            .submit(work(Mutation::AdvanceStream { row: stream(key, known, u64::from(key)), previous: 0 }))
            .await
            .unwrap();
    }
    store.submit(Work::chore(Chore::ForgetRequests(at(3)))).await.unwrap();
    for key in 1..=3_u8 {
        let kept =
            store.read(move |reader| Ok((reader.request(&acme(), &[key; 32])?, reader.stream(&acme(), &[key; 32])?)));
        let (request, stream) = kept.await.unwrap();
        assert_eq!((request.is_some(), stream.is_some()), (key == 3, key == 3), "{key}");
    }
}

pub(crate) async fn forgetting_takes_bounded_steps_past_rows_of_a_later_time<F: Factory>(factory: F) {
    let (store, _thread) = factory.data();
    let known = begin(&store).await;
    let old = 5_500_u64;
    let key = |n: u64| {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&n.to_be_bytes());
        key
    };
    // The very first has a time ahead, as after a clock that was set back.
    let remember = |n: u64| RememberedRequest { key: key(n), at: at(if n == 0 { 9 } else { 1 }), ..request(1, None) };
    let mut filling = work(Mutation::RememberRequest(remember(0)));
    for n in 1..=old {
        let row = StreamRow { key: key(n), at: at(1), ..stream(1, known, 1) };
        filling =
            filling.with(Mutation::RememberRequest(remember(n))).with(Mutation::AdvanceStream { row, previous: 0 });
    }
    store.submit(filling).await.unwrap();
    let left = || {
        store.read(move |reader| {
            let mut counts = (0, 0);
            for n in 0..=old {
                counts.0 += u64::from(reader.request(&acme(), &key(n))?.is_some());
                counts.1 += u64::from(reader.stream(&acme(), &key(n))?.is_some());
            }
            Ok((counts, reader.forgettable(at(3))?))
        })
    };
    store.submit(Work::chore(Chore::ForgetRequests(at(3)))).await.unwrap();
    assert_eq!(left().await.unwrap(), ((502, 500), true));
    store.submit(Work::chore(Chore::ForgetRequests(at(3)))).await.unwrap();
    assert_eq!(left().await.unwrap(), ((1, 0), false));
}

pub(crate) async fn tenants_and_policies<F: Factory>(factory: F) {
    let (store, _thread) = factory.data();
    begin(&store).await;
    let globex: TenantId = "globex".parse().unwrap();
    store.submit(work(tenant(globex.clone()))).await.unwrap();
    refused!(store.submit(work(tenant(globex.clone()))), Exists);
    refused!(store.submit(work(Mutation::SetTenantState("none".parse().unwrap(), TenantState::Frozen))), Missing);
    store.submit(work(Mutation::SetTenantState(globex.clone(), TenantState::Frozen))).await.unwrap();
    let all = store.read(|reader| reader.tenants(None, 10)).await.unwrap();
    assert_eq!(
        all.iter().map(|row| (row.id.as_str(), row.state)).collect::<Vec<_>>(),
        [("acme", TenantState::Active), ("globex", TenantState::Frozen)]
    );
    assert_eq!(store.read(|reader| reader.tenants(Some(&acme()), 10)).await.unwrap(), all[1..]);
    assert_eq!(store.read(move |reader| reader.tenant(&globex)).await.unwrap().as_ref(), all.get(1));

    let policy = |tenant: TenantId, kind, version: u32| PolicyRow {
        tenant,
        kind,
        version,
        create_time: at(0),
        document: format!(r#"{{"version":{version}}}"#),
    };
    let put = |row| store.submit(work(Mutation::PutPolicy(row)));
    refused!(put(policy("none".parse().unwrap(), PolicyKind::Retention, 1)), Missing);
    refused!(put(policy(acme(), PolicyKind::Retention, 2)), Conflict);
    for version in 1..=3 {
        put(policy(acme(), PolicyKind::Retention, version)).await.unwrap();
        refused!(put(policy(acme(), PolicyKind::Retention, version)), Conflict);
    }
    put(policy(acme(), PolicyKind::Redaction, 1)).await.unwrap();
    let get = |version| store.read(move |reader| reader.policy(&acme(), PolicyKind::Retention, version));
    assert_eq!(get(None).await.unwrap(), Some(policy(acme(), PolicyKind::Retention, 3)));
    assert_eq!(get(Some(2)).await.unwrap(), Some(policy(acme(), PolicyKind::Retention, 2)));
    assert_eq!(get(Some(4)).await.unwrap(), None);
    let versions = |before| store.read(move |reader| reader.policies(&acme(), PolicyKind::Retention, before, 2));
    let numbers = |rows: Vec<PolicyRow>| rows.iter().map(|row| row.version).collect::<Vec<_>>();
    assert_eq!(numbers(versions(None).await.unwrap()), [3, 2]);
    assert_eq!(numbers(versions(Some(2)).await.unwrap()), [1]);
}

pub(crate) async fn key_acts_and_reads_are_open_until_they_end<F: Factory>(factory: F) {
    let (store, _thread) = factory.data();
    let act = KeyActRow {
        id: [1; 16],
        log: log(),
        operation: "RotateKey".to_owned(),
        detail: r#"{"version":2}"#.to_owned(),
        at: at(0),
    };
    let read = OpenReadRow {
        id: [2; 16],
        log: LogId::System,
        object: "tenants/acme".to_owned(),
        actor: ("key_1".to_owned(), "reader".to_owned()),
        at: at(1),
    };
    store.submit(work(Mutation::BeginKeyAct(act.clone())).with(Mutation::OpenRead(read.clone()))).await.unwrap();
    refused!(store.submit(work(Mutation::BeginKeyAct(act.clone()))), Exists);
    refused!(store.submit(work(Mutation::OpenRead(read.clone()))), Exists);
    let open = store.read(|reader| Ok((reader.open_key_acts()?, reader.open_reads()?))).await.unwrap();
    assert_eq!(open, (vec![act], vec![read]));
    store.submit(work(Mutation::EndKeyAct([1; 16])).with(Mutation::CloseRead([2; 16]))).await.unwrap();
    refused!(store.submit(work(Mutation::EndKeyAct([1; 16]))), Missing);
    refused!(store.submit(work(Mutation::CloseRead([2; 16]))), Missing);
    let open = store.read(|reader| Ok((reader.open_key_acts()?, reader.open_reads()?))).await.unwrap();
    assert_eq!(open, (vec![], vec![]));
}
