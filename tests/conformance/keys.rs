//! Tenant keys, buckets, segments and rotations.

use subrosa::domain::{ConversationId, Day, KeyState};
use subrosa::store::{
    BucketId, BucketKind, BucketRow, ConversationKeyRow, HandleKind, KeyStore, KeyWork, KeyWrite, Rotation, SegmentRow,
    TenantKekRow, TenantKeyKind, TenantKeyRow,
};

use crate::fixtures::{acme, at, id};
use crate::{Factory, refused};

pub(crate) const DAY: i32 = 20_800;

pub(crate) fn kek(version: u32) -> TenantKekRow {
    TenantKekRow {
        tenant: acme(),
        version,
        state: KeyState::Active,
        epoch: 1,
        wrapped: Some(vec![0xa0 + u8::try_from(version).unwrap(); 88]),
        check: [u8::try_from(version).unwrap(); 32],
        create_time: at(0),
    }
}

pub(crate) fn index_key(kek_version: u32) -> TenantKeyRow {
    TenantKeyRow {
        tenant: acme(),
        kind: TenantKeyKind::Index,
        kek_version,
        wrapped: vec![kek_version.to_be_bytes()[3]; 88],
    }
}

pub(crate) fn bucket(id: BucketId, kind: BucketKind, kek_version: u32) -> BucketRow {
    BucketRow { id, tenant: acme(), kind, kek_version, wrapped: Some(wrap(id)), check: [id.to_be_bytes()[7]; 32] }
}

/// 88 bytes that only this bucket has.
pub(crate) fn wrap(id: BucketId) -> Vec<u8> {
    (0..11_u64)
        .flat_map(|part| (id.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ part.rotate_right(11)).to_be_bytes())
        .collect()
}

pub(crate) fn day(offset: i32) -> BucketKind {
    BucketKind::Day(Day::from_number(DAY + offset))
}

fn segment(conversation: ConversationId, dek_id: u64, bucket: BucketId) -> SegmentRow {
    SegmentRow { tenant: acme(), conversation, dek_id, bucket, wrapped: vec![7; 88] }
}

fn conversation_key(conversation: ConversationId, bucket: BucketId) -> ConversationKeyRow {
    ConversationKeyRow { tenant: acme(), conversation, bucket, wrapped: vec![bucket.to_be_bytes()[7]; 88] }
}

/// Makes acme's keys and two buckets, 1 and 2.
pub(crate) async fn begin(store: &KeyStore) {
    let work = KeyWork::new(KeyWrite::CreateTenant(kek(1), index_key(1)))
        .with(KeyWrite::PutBucket(bucket(1, day(0), 1)))
        .with(KeyWrite::PutBucket(bucket(2, day(1), 1)));
    store.submit(work).await.unwrap();
}

pub(crate) async fn buckets_are_unique_while_they_live<F: Factory>(factory: F) {
    let (store, _thread) = factory.keys();
    begin(&store).await;
    let put = |row| store.submit(KeyWork::new(KeyWrite::PutBucket(row)));
    refused!(store.submit(KeyWork::new(KeyWrite::CreateTenant(kek(1), index_key(1)))), Exists);
    refused!(put(bucket(1, day(5), 1)), Exists);
    refused!(put(bucket(3, day(0), 1)), Exists);
    refused!(put(bucket(3, day(5), 2)), Conflict);
    put(bucket(3, BucketKind::Hold, 1)).await.unwrap();
    refused!(put(bucket(4, BucketKind::Hold, 1)), Exists);
    put(bucket(4, BucketKind::Locked, 1)).await.unwrap();
    let mut stray = bucket(5, day(9), 1);
    stray.tenant = "globex".parse().unwrap();
    refused!(put(stray), Conflict);

    refused!(store.submit(KeyWork::new(KeyWrite::DestroyBuckets(vec![3, 99]))), Missing);
    let get = |id| store.read(move |reader| reader.bucket(id));
    assert_eq!(get(3).await.unwrap(), Some(bucket(3, BucketKind::Hold, 1)));
    for _ in 0..2 {
        store.submit(KeyWork::new(KeyWrite::DestroyBuckets(vec![3]))).await.unwrap();
        let tombstone = BucketRow { wrapped: None, ..bucket(3, BucketKind::Hold, 1) };
        assert_eq!(get(3).await.unwrap(), Some(tombstone));
        assert_eq!(store.read(|reader| reader.bucket_of(&acme(), BucketKind::Hold)).await.unwrap(), None);
    }
    refused!(put(bucket(3, BucketKind::Hold, 1)), Exists);
    put(bucket(6, BucketKind::Hold, 1)).await.unwrap();
    let live = store.read(|reader| reader.live_buckets(&acme())).await.unwrap();
    assert_eq!(live.iter().map(|row| row.id).collect::<Vec<_>>(), [1, 2, 4, 6]);
    assert_eq!(store.read(|reader| reader.dependents(&acme())).await.unwrap(), [(1, 4)]);
}

pub(crate) async fn segments_need_a_live_bucket<F: Factory>(factory: F) {
    let (store, _thread) = factory.keys();
    begin(&store).await;
    let conversation = id(0);
    let put = |row| store.submit(KeyWork::new(KeyWrite::PutSegment(row)));
    let put_key = |row| store.submit(KeyWork::new(KeyWrite::PutConversationKey(row)));
    put(segment(conversation, 10, 1)).await.unwrap();
    put_key(conversation_key(conversation, 1)).await.unwrap();
    refused!(put(segment(conversation, 10, 2)), Exists);
    refused!(put(segment(conversation, 11, 99)), Missing);
    let mut theirs = segment(conversation, 11, 1);
    theirs.tenant = "globex".parse().unwrap();
    refused!(put(theirs), Missing);
    put_key(conversation_key(conversation, 2)).await.unwrap();
    let kept = store.read(move |reader| {
        Ok((
            reader.segment(&conversation, 10)?,
            reader.segment(&conversation, 11)?,
            reader.conversation_key(&conversation)?,
        ))
    });
    let expected = (Some(segment(conversation, 10, 1)), None, Some(conversation_key(conversation, 2)));
    assert_eq!(kept.await.unwrap(), expected);
    put(segment(conversation, 12, 1)).await.unwrap();
    let newest = |first, last| store.read(move |reader| reader.newest_segment(&conversation, first, last));
    assert_eq!(newest(10, 11).await.unwrap(), Some(segment(conversation, 10, 1)));
    assert_eq!(newest(10, 12).await.unwrap(), Some(segment(conversation, 12, 1)));
    assert_eq!(newest(13, 99).await.unwrap(), None);
    let drop = KeyWrite::DropSegments { conversation, dek_ids: vec![12], whole: false };
    store.submit(KeyWork::new(drop)).await.unwrap();
    assert_eq!(newest(10, 12).await.unwrap(), Some(segment(conversation, 10, 1)));
    store.submit(KeyWork::new(KeyWrite::DestroyBuckets(vec![1]))).await.unwrap();
    refused!(put(segment(conversation, 12, 1)), Missing);
    refused!(put_key(conversation_key(conversation, 1)), Missing);
}

pub(crate) async fn a_destroyed_bucket_is_swept<F: Factory>(factory: F) {
    let (store, _thread) = factory.keys();
    begin(&store).await;
    let ids: Vec<_> = (0..3).map(id).collect();
    for conversation in &ids {
        let work = KeyWork::new(KeyWrite::PutSegment(segment(*conversation, 10, 1)))
            .with(KeyWrite::PutSegment(segment(*conversation, 11, 2)))
            .with(KeyWrite::PutConversationKey(conversation_key(*conversation, 2)))
            .with(KeyWrite::PutHandle(acme(), HandleKind::Subject, [5; 32], *conversation));
        store.submit(work).await.unwrap();
    }
    let dead = |limit| store.read(move |reader| reader.dead_segments(limit));
    assert_eq!(dead(10).await.unwrap(), []);
    store.submit(KeyWork::new(KeyWrite::DestroyBuckets(vec![1]))).await.unwrap();
    assert_eq!(dead(2).await.unwrap().len(), 2);
    for (n, conversation) in ids.iter().enumerate() {
        assert_eq!(dead(10).await.unwrap().len(), 3 - n);
        let drop = KeyWrite::DropSegments { conversation: *conversation, dek_ids: vec![10, 77], whole: n == 0 };
        store.submit(KeyWork::new(drop)).await.unwrap();
    }
    assert_eq!(dead(10).await.unwrap(), []);
    let (first, second) = (ids[0], ids[1]);
    let left = store.read(move |reader| {
        Ok((
            reader.conversation_keys(None, 10)?.iter().map(|row| row.conversation).collect::<Vec<_>>(),
            reader.conversation_keys(Some(second), 10)?.len(),
            reader.segment(&first, 11)?.is_some(),
            reader.handle(&acme(), HandleKind::Subject, &[5; 32], None, 10)?,
        ))
    });
    assert_eq!(left.await.unwrap(), (ids[1..].to_vec(), 1, true, vec![ids[2], ids[1]]));
}

pub(crate) async fn a_rotation_takes_exactly_what_is_there<F: Factory>(factory: F) {
    let (store, _thread) = factory.keys();
    begin(&store).await;
    store.submit(KeyWork::new(KeyWrite::PutBucket(bucket(3, day(2), 1)))).await.unwrap();
    store.submit(KeyWork::new(KeyWrite::DestroyBuckets(vec![3]))).await.unwrap();
    let rotation = |version: u32, buckets: &[BucketId], keys: u32| Rotation {
        kek: kek(version),
        buckets: buckets.iter().map(|id| (*id, wrap(id + 100))).collect(),
        keys: if keys == 0 { vec![] } else { vec![index_key(keys)] },
    };
    let rotate = |rotation| store.submit(KeyWork::new(KeyWrite::Rotate(rotation)));
    for wrong in [
        rotation(3, &[1, 2], 3),
        rotation(1, &[1, 2], 1),
        rotation(2, &[1], 2),
        rotation(2, &[1, 2, 3], 2),
        rotation(2, &[1, 3], 2),
        rotation(2, &[1, 2, 2], 2),
        rotation(2, &[1, 2], 0),
        rotation(2, &[1, 2], 1),
    ] {
        refused!(rotate(wrong), Conflict);
    }
    let mut nobody = rotation(2, &[], 2);
    nobody.kek.tenant = "globex".parse().unwrap();
    refused!(rotate(nobody), Missing);
    let versions = || {
        store.read(|reader| Ok(reader.tenant_keks(&acme())?.iter().map(|k| (k.version, k.state)).collect::<Vec<_>>()))
    };
    assert_eq!(versions().await.unwrap(), [(1, KeyState::Active)]);

    rotate(rotation(2, &[2, 1], 2)).await.unwrap();
    assert_eq!(versions().await.unwrap(), [(1, KeyState::DecryptOnly), (2, KeyState::Active)]);
    let live = store.read(|reader| reader.live_buckets(&acme())).await.unwrap();
    let expected = [(1, 2, Some(wrap(101))), (2, 2, Some(wrap(102)))];
    assert_eq!(live.into_iter().map(|row| (row.id, row.kek_version, row.wrapped)).collect::<Vec<_>>(), expected);
    let key = store.read(|reader| reader.tenant_key(&acme(), TenantKeyKind::Index)).await.unwrap();
    assert_eq!(key, Some(index_key(2)));
    assert_eq!(store.read(|reader| reader.dependents(&acme())).await.unwrap(), [(2, 2)]);
    refused!(store.submit(KeyWork::new(KeyWrite::PutBucket(bucket(9, day(9), 1)))), Conflict);
    store.submit(KeyWork::new(KeyWrite::PutBucket(bucket(9, day(9), 2)))).await.unwrap();
}

pub(crate) async fn due_buckets_come_oldest_first<F: Factory>(factory: F) {
    let (store, _thread) = factory.keys();
    begin(&store).await;
    for (id, kind) in [(3, day(-4)), (4, BucketKind::Hold), (5, day(-9)), (6, BucketKind::Locked)] {
        store.submit(KeyWork::new(KeyWrite::PutBucket(bucket(id, kind, 1)))).await.unwrap();
    }
    let ids = |offset: i32, limit: usize| {
        store.read(move |reader| {
            let due = reader.buckets_due(Day::from_number(DAY + offset), limit)?;
            Ok(due.iter().map(|row| row.id).collect::<Vec<_>>())
        })
    };
    assert_eq!(ids(1, 10).await.unwrap(), [5, 3, 1]);
    assert_eq!(ids(0, 10).await.unwrap(), [5, 3]);
    assert_eq!(ids(0, 1).await.unwrap(), [5]);
    store.submit(KeyWork::new(KeyWrite::DestroyBuckets(vec![5]))).await.unwrap();
    assert_eq!(ids(0, 10).await.unwrap(), [3]);
}

pub(crate) async fn a_refused_key_work_leaves_no_trace<F: Factory>(factory: F) {
    let (store, _thread) = factory.keys();
    begin(&store).await;
    let good = |id, offset| KeyWork::new(KeyWrite::PutBucket(bucket(id, day(offset), 1)));
    // Refused at its second change.
    let bad = good(11, 11).with(KeyWrite::PutBucket(bucket(1, day(12), 1)));
    let all = futures_util::future::join3(store.submit(good(10, 10)), store.submit(bad), store.submit(good(12, 12)));
    let (first, refused, last) = all.await;
    assert!(first.is_ok() && refused.is_err() && last.is_ok());
    let live = store.read(|reader| reader.live_buckets(&acme())).await.unwrap();
    assert_eq!(live.iter().map(|row| row.id).collect::<Vec<_>>(), [1, 2, 10, 12]);
}
