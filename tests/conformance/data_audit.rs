//! Batches, audit logs and what a commit promises.

use futures_util::future::join_all;
use subrosa::audit::Frontier;
use subrosa::domain::ConversationId;
use subrosa::store::{CheckpointRow, Chore, Committer, DataStore, Engine, EntryRow, LogId, Refusal, SubmitError, Work};

use crate::fixtures::{acme, append, at, begin, conversation, create, entry, entry_in, id, log, record, tenant, work};
use crate::{Factory, refused};

pub(crate) async fn a_refused_work_leaves_no_trace_between_two_good_ones<F: Factory>(factory: F) {
    let (writer, readers) = factory.data_parts();
    let mut committer = Committer::new(writer).unwrap();
    let [first, undone, last] = [id(0), id(1), id(2)];
    let batch = vec![
        work(tenant(acme())).with(create(conversation(first, 0))),
        // Refused after its first change was made: the whole batch is done again under savepoints.
        work(create(conversation(undone, 1))).with(append(undone, vec![record(2, 1)], &["EMAIL"])),
        // Refused at once.
        work(create(conversation(first, 0))),
        work(create(conversation(last, 2))).with(append(last, vec![record(1, 1)], &[])),
    ];
    let done = committer.commit(batch).unwrap();
    let positions: Vec<_> =
        done.iter().map(|result| result.as_ref().map(|receipt| receipt.positions().to_vec())).collect();
    assert_eq!(positions, [Ok(vec![(log(), 0)]), Err(&Refusal::Conflict), Err(&Refusal::Exists), Ok(vec![(log(), 1)])]);
    let found = readers.run(move |reader| {
        let found = [first, undone, last].map(|id| reader.conversation(&acme(), &id).unwrap().is_some());
        Ok((
            found,
            reader.conversations(&acme(), &Default::default(), None, 10)?.rows.len(),
            reader.entries(&log(), 0, 10)?.len(),
        ))
    });
    assert_eq!(found.await.unwrap(), ([true, false, true], 2, 2));
    // The refused one can be done right in the next batch, and gets the next index.
    let next = committer.commit(vec![work(create(conversation(undone, 1)))]).unwrap();
    assert_eq!(next[0].as_ref().unwrap().positions(), [(log(), 2)]);
}

pub(crate) async fn a_misfiled_entry_is_refused<F: Factory>(factory: F) {
    let (store, _thread) = factory.data();
    let known = begin(&store).await;
    let mut other_log = entry(0);
    other_log.log = LogId::System;
    refused!(store.submit(Work::new(other_log)), Misfiled);
    let mut uncounted = entry(0);
    uncounted.commitments.push([1; 32]);
    refused!(store.submit(Work::new(uncounted).with(append(known, vec![record(1, 1)], &[]))), Misfiled);
    let row = store.read(move |reader| reader.conversation(&acme(), &known)).await.unwrap().unwrap();
    assert_eq!(row.next_sequence, 1);
}

async fn replay(store: &DataStore, log: &LogId) -> (Frontier, Vec<EntryRow>) {
    let (mut frontier, mut entries) = (Frontier::new(), Vec::new());
    loop {
        let (of, from) = (log.clone(), frontier.size());
        let page = store.read(move |reader| reader.entries(&of, from, 7)).await.unwrap();
        if page.is_empty() {
            return (frontier, entries);
        }
        for entry in page {
            assert_eq!(entry.index, frontier.size());
            assert_eq!(entry.leaf, subrosa::audit::leaf_hash(&entry.canonical, &entry.commitments));
            frontier.push(entry.leaf);
            entries.push(entry);
        }
    }
}

pub(crate) async fn the_stored_heads_are_those_of_the_entries_after_reopening<F: Factory>(factory: F) {
    for round in 0..3 {
        let (store, thread) = factory.data();
        if round == 0 {
            begin(&store).await;
        }
        for index in 0..10 {
            let both = Work::new(entry(index % 3)).and_log(entry_in(LogId::System, 0));
            store.submit(both).await.unwrap();
        }
        drop(store);
        thread.join().unwrap();
    }
    let (store, _thread) = factory.data();
    let heads = store.read(|reader| reader.heads()).await.unwrap();
    assert_eq!(heads.len(), 2);
    for head in heads {
        let (frontier, entries) = replay(&store, &head.log).await;
        assert_eq!(entries.len(), if head.log == LogId::System { 30 } else { 31 });
        assert_eq!(head.frontier, frontier.encode());
    }
}

pub(crate) async fn many_submitters_lose_and_double_nothing<F: Factory>(factory: F) {
    const SUBMITTERS: u64 = 64;
    const EACH: u64 = 20;
    let (store, thread) = factory.data();
    let shared = begin(&store).await;
    let own: Vec<ConversationId> = (0..SUBMITTERS).map(|n| id(n.cast_signed() + 1)).collect();
    let submitters = own.iter().map(|own| {
        let store = store.clone();
        async move {
            store.submit(work(create(conversation(*own, 0)))).await.unwrap();
            let mut sequences = Vec::new();
            for sequence in 1..=EACH {
                store.submit(Work::new(entry(1)).with(append(*own, vec![record(sequence, 1)], &[]))).await.unwrap();
                sequences.push(append_to(&store, shared).await);
            }
            sequences
        }
    });
    let mut sequences: Vec<u64> = join_all(submitters).await.concat();
    sequences.sort_unstable();
    assert!(sequences.into_iter().eq(1..=SUBMITTERS * EACH));
    for own in own {
        let rows = store.read(move |reader| reader.records(&acme(), &own, 0, 100)).await.unwrap();
        assert!(rows.iter().map(|row| row.sequence).eq(1..=EACH));
    }
    drop(store);
    thread.join().unwrap();
    let (store, _thread) = factory.data();
    let (frontier, _) = replay(&store, &log()).await;
    assert_eq!(frontier.size(), 1 + SUBMITTERS + 2 * SUBMITTERS * EACH);
    let head = store.read(|reader| reader.heads()).await.unwrap().remove(0);
    assert_eq!(head.frontier, frontier.encode());
}

/// Appends one record at whatever sequence is next, as often as another comes first.
async fn append_to(store: &DataStore, id: ConversationId) -> u64 {
    loop {
        let row = store.read(move |reader| reader.conversation(&acme(), &id)).await.unwrap().unwrap();
        let next = row.next_sequence;
        match store.submit(Work::new(entry(1)).with(append(id, vec![record(next, 1)], &[]))).await {
            Ok(_) => return next,
            Err(SubmitError::Refused(Refusal::Conflict)) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

pub(crate) async fn a_reader_sees_what_is_committed_only<F: Factory>(factory: F) {
    let (mut writer, readers) = factory.data_parts();
    let seen = || readers.run(|reader| Ok(reader.tenant(&acme())?.is_some()));
    writer.begin().unwrap();
    assert_eq!(writer.apply(&tenant(acme())).unwrap(), Ok(()));
    assert!(!seen().await.unwrap());
    writer.rollback();
    assert!(!seen().await.unwrap());
    writer.begin().unwrap();
    assert_eq!(writer.apply(&tenant(acme())).unwrap(), Ok(()));
    writer.commit().unwrap();
    assert!(seen().await.unwrap());
}

pub(crate) async fn the_newest_checkpoint_is_kept<F: Factory>(factory: F) {
    let (store, _thread) = factory.data();
    let row = |size: u64| CheckpointRow {
        log: log(),
        size,
        note: format!("note {size}"),
        at: at(size.cast_signed()),
        frontier: vec![size.to_be_bytes()[7]; 9],
    };
    for size in [5, 9, 7] {
        store.submit(Work::chore(Chore::PutCheckpoint(row(size)))).await.unwrap();
    }
    assert_eq!(store.read(|reader| reader.checkpoint(&log())).await.unwrap(), Some(row(9)));
    assert_eq!(store.read(|reader| reader.checkpoint(&LogId::System)).await.unwrap(), None);
}

pub(crate) async fn a_read_of_entries_stops_at_a_bounded_number_of_bytes<F: Factory>(factory: F) {
    let (store, _thread) = factory.data();
    let id = begin(&store).await;
    // 32 bytes of commitment for each record.
    for call in 0..3 {
        let rows = (1..=70_000).map(|n| record(call * 70_000 + n, 1)).collect();
        store.submit(Work::new(entry(70_000)).with(append(id, rows, &[]))).await.unwrap();
    }
    let indexes = |from| {
        store.read(move |reader| Ok(reader.entries(&log(), from, 100)?.iter().map(|row| row.index).collect::<Vec<_>>()))
    };
    assert_eq!(indexes(0).await.unwrap(), [0, 1, 2]);
    assert_eq!(indexes(3).await.unwrap(), [3]);
}
