//! Handles, credentials, epochs and the other small tables of the key store.

use subrosa::domain::{BotScope, KeyState, Role};
use subrosa::store::{
    ApiKeyRow, CheckpointRow, EpochRow, HandleKind, KeyWork, KeyWrite, LogId, LogKeyRow, RootSlotRow,
};

use crate::fixtures::{acme, at, id, log};
use crate::{Factory, refused};

pub(crate) async fn a_reference_stands_for_one_conversation<F: Factory>(factory: F) {
    let (store, _thread) = factory.keys();
    let (first, second) = (id(0), id(1));
    let put = |kind, conversation| store.submit(KeyWork::new(KeyWrite::PutHandle(acme(), kind, [5; 32], conversation)));
    put(HandleKind::Reference, first).await.unwrap();
    put(HandleKind::Reference, first).await.unwrap();
    refused!(put(HandleKind::Reference, second), Exists);
    put(HandleKind::Subject, first).await.unwrap();
    put(HandleKind::Subject, second).await.unwrap();
    let other = KeyWrite::PutHandle("globex".parse().unwrap(), HandleKind::Reference, [5; 32], second);
    store.submit(KeyWork::new(other)).await.unwrap();
    let get = |kind| store.read(move |reader| reader.handle(&acme(), kind, &[5; 32], None, 10));
    assert_eq!(get(HandleKind::Reference).await.unwrap(), [first]);
    assert_eq!(get(HandleKind::Subject).await.unwrap(), [second, first]);
    let page =
        |before, limit| store.read(move |reader| reader.handle(&acme(), HandleKind::Subject, &[5; 32], before, limit));
    assert_eq!(page(None, 1).await.unwrap(), [second]);
    assert_eq!(page(Some(second), 1).await.unwrap(), [first]);
    assert_eq!(page(Some(first), 1).await.unwrap(), []);
    let whole = KeyWrite::DropSegments { conversation: first, dek_ids: vec![], whole: true };
    store.submit(KeyWork::new(whole)).await.unwrap();
    put(HandleKind::Reference, second).await.unwrap();
    assert_eq!(get(HandleKind::Reference).await.unwrap(), [second]);
}

fn api_key(id: &str, principal: &str, pseudonym: &str, role: Role) -> ApiKeyRow {
    ApiKeyRow {
        id: id.to_owned(),
        hash: [3; 32],
        principal: principal.parse().unwrap(),
        pseudonym: pseudonym.to_owned(),
        role,
        tenant: Some(acme()),
        bots: BotScope::Only(["helper".parse().unwrap()].into()),
        create_time: at(0),
        expire_time: at(100),
        revoke_time: None,
    }
}

pub(crate) async fn two_live_keys_and_one_pseudonym<F: Factory>(factory: F) {
    let (store, _thread) = factory.keys();
    let put = |row, now: i64| store.submit(KeyWork::new(KeyWrite::PutApiKey { row, most_live: 2, now: at(now) }));
    put(api_key("k1", "jo", "key_1", Role::Reader), 0).await.unwrap();
    put(api_key("k2", "jo", "key_1", Role::Reader), 0).await.unwrap();
    refused!(put(api_key("k3", "jo", "key_1", Role::Reader), 0), Exists);
    refused!(put(api_key("k1", "al", "key_2", Role::Reader), 0), Exists);
    refused!(put(api_key("k3", "jo", "key_9", Role::Auditor), 0), Conflict);
    refused!(put(api_key("k3", "al", "key_1", Role::Reader), 0), Conflict);
    put(api_key("k3", "jo", "key_1", Role::Auditor), 0).await.unwrap();
    // A revoked and an expired one are not live.
    refused!(store.submit(KeyWork::new(KeyWrite::RevokeApiKey("k9".to_owned(), at(5)))), Missing);
    for ms in [5, 9] {
        store.submit(KeyWork::new(KeyWrite::RevokeApiKey("k1".to_owned(), at(ms)))).await.unwrap();
    }
    put(api_key("k4", "jo", "key_1", Role::Reader), 6).await.unwrap();
    refused!(put(api_key("k5", "jo", "key_1", Role::Reader), 6), Exists);
    put(api_key("k5", "jo", "key_1", Role::Reader), 100).await.unwrap();
    let mut unlimited = api_key("k6", "root", "key_6", Role::Security);
    (unlimited.tenant, unlimited.bots) = (None, BotScope::Any);
    put(unlimited.clone(), 0).await.unwrap();
    let read = store.read(|reader| {
        let pseudonyms = ["jo", "al"].map(|name| reader.pseudonym(&name.parse().unwrap()).unwrap());
        Ok((
            reader.api_key("k1")?,
            reader.api_key("k6")?,
            reader.api_key("k9")?,
            pseudonyms,
            reader.api_keys(Some("k3"), 2)?,
        ))
    });
    let (k1, k6, k9, pseudonyms, page) = read.await.unwrap();
    let mut revoked = api_key("k1", "jo", "key_1", Role::Reader);
    revoked.revoke_time = Some(at(5));
    assert_eq!((k1, k6, k9), (Some(revoked), Some(unlimited), None));
    assert_eq!(pseudonyms, [Some("key_1".to_owned()), None]);
    assert_eq!(page.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), ["k4", "k5"]);
}

pub(crate) async fn roles_come_by_key_and_by_certificate<F: Factory>(factory: F) {
    let (store, _thread) = factory.keys();
    let meet = |principal: &str, pseudonym: &str, role, until| {
        let (principal, pseudonym) = (principal.parse().unwrap(), pseudonym.to_owned());
        let write = KeyWrite::PutCertificateRole { principal, pseudonym, role, expire_time: at(until) };
        store.submit(KeyWork::new(write))
    };
    let roles = |name: &str, now| {
        let name = name.parse().unwrap();
        store.read(move |reader| reader.roles_of(&name, at(now)))
    };
    let until = |name: &str, role| {
        let name = name.parse().unwrap();
        store.read(move |reader| reader.certificate_role(&name, role))
    };
    let put = |row| store.submit(KeyWork::new(KeyWrite::PutApiKey { row, most_live: 2, now: at(0) }));
    meet("jo", "key_1", Role::Reader, 50).await.unwrap();
    refused!(meet("jo", "key_9", Role::Auditor, 50), Conflict);
    refused!(meet("al", "key_1", Role::Reader, 50), Conflict);
    assert_eq!(store.read(|reader| reader.pseudonym(&"jo".parse().unwrap())).await.unwrap(), Some("key_1".to_owned()));
    assert_eq!(store.read(|reader| reader.pseudonym(&"al".parse().unwrap())).await.unwrap(), None);
    for later in [70, 60] {
        meet("jo", "key_1", Role::Reader, later).await.unwrap();
    }
    assert_eq!(until("jo", Role::Reader).await.unwrap(), Some(at(70)));
    assert_eq!(until("jo", Role::Auditor).await.unwrap(), None);
    put(api_key("k1", "jo", "key_1", Role::Auditor)).await.unwrap();
    put(api_key("k2", "jo", "key_1", Role::Approver)).await.unwrap();
    put(api_key("k3", "al", "key_3", Role::Privacy)).await.unwrap();
    store.submit(KeyWork::new(KeyWrite::RevokeApiKey("k2".to_owned(), at(5)))).await.unwrap();
    let sorted = |mut roles: Vec<Role>| {
        roles.sort();
        roles
    };
    assert_eq!(sorted(roles("jo", 70).await.unwrap()), [Role::Reader, Role::Auditor], "both to the last moment");
    assert_eq!(roles("jo", 71).await.unwrap(), [Role::Auditor]);
    assert_eq!(roles("jo", 100).await.unwrap(), []);
    assert_eq!(roles("al", 0).await.unwrap(), [Role::Privacy]);
}

pub(crate) async fn the_rest_reads_back<F: Factory>(factory: F) {
    let (store, thread) = factory.keys();
    let epoch = EpochRow { epoch: 1, state: KeyState::Active, check: [1; 32], create_time: at(0) };
    let slot = |slot| RootSlotRow {
        slot,
        kind: "key-file".to_owned(),
        params: "{}".to_owned(),
        epoch: 1,
        wrapped: vec![slot.to_be_bytes()[3]; 88],
    };
    let log_key = LogKeyRow { version: 1, epoch: 1, wrapped: vec![4; 88], public: [5; 32] };
    let checkpoint =
        |size: u64| CheckpointRow { log: log(), size, note: format!("note {size}"), at: at(0), frontier: vec![1; 9] };
    let work = KeyWork::new(KeyWrite::PutEpoch(epoch.clone(), vec![slot(0)]))
        .with(KeyWrite::PutEpoch(epoch.clone(), vec![slot(1)]))
        .with(KeyWrite::PutLogKey(log_key.clone()))
        .with(KeyWrite::PutCheckpoint(checkpoint(7)))
        .with(KeyWrite::PutCheckpoint(checkpoint(6)))
        .with(KeyWrite::PutMeta("vault_id", vec![1; 16]))
        .with(KeyWrite::PutMeta("vault_id", vec![2; 16]))
        .with(KeyWrite::MarkAct([8; 16]))
        .with(KeyWrite::MarkAct([8; 16]))
        .with(KeyWrite::MarkAct([9; 16]))
        .with(KeyWrite::ForgetAct([9; 16]));
    store.submit(work).await.unwrap();
    refused!(store.submit(KeyWork::new(KeyWrite::PutLogKey(log_key.clone()))), Exists);
    let another = EpochRow { check: [2; 32], ..epoch.clone() };
    refused!(store.submit(KeyWork::new(KeyWrite::PutEpoch(another, vec![]))), Conflict);
    drop(store);
    thread.join().unwrap();
    let (store, _thread) = factory.keys();
    store
        .read(move |reader| {
            assert_eq!(reader.epochs()?, [epoch]);
            assert_eq!(reader.root_slots()?, [slot(0), slot(1)]);
            assert_eq!(reader.log_keys()?, [log_key]);
            assert_eq!(reader.checkpoint(&log())?, Some(checkpoint(7)));
            assert_eq!(reader.checkpoint(&LogId::System)?, None);
            assert_eq!(reader.checkpoints()?, [checkpoint(7)]);
            assert_eq!(reader.meta("vault_id")?, Some(vec![2; 16]));
            assert_eq!(reader.meta("none")?, None);
            assert_eq!((reader.act_marked(&[8; 16])?, reader.act_marked(&[9; 16])?), (true, false));
            Ok(())
        })
        .await
        .unwrap();
}
