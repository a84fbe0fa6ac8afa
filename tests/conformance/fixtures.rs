//! Made-up rows and entries.

use subrosa::audit::{Count, Entry};
use subrosa::domain::{
    AuthorRole, ConversationId, ConversationState, Day, RecordKind, TenantId, TenantState, Timestamp,
};
use subrosa::sealing::{Backend, BlobContext, Key32, Sealed, random, seal_blob};
use subrosa::store::{ConversationRow, DataStore, LogId, LoggedEntry, Mutation, RecordRow, TenantRow, Work};

/// The time most rows have.
pub(crate) const NOW: i64 = 1_795_251_352_007;

pub(crate) fn at(ms: i64) -> Timestamp {
    Timestamp::from_unix_ms(NOW + ms)
}

pub(crate) fn acme() -> TenantId {
    "acme".parse().unwrap()
}

pub(crate) fn log() -> LogId {
    LogId::Tenant(acme())
}

/// A new id; ids are ordered by `ms`.
pub(crate) fn id(ms: i64) -> ConversationId {
    ConversationId::from_uuid(random::uuid_v7(at(ms).unix_ms().unsigned_abs()))
}

pub(crate) fn sealed(plaintext: &[u8]) -> Sealed {
    let context = BlobContext {
        vault_id: [1; 16],
        generation: 0,
        tenant: "acme",
        conversation: [2; 16],
        purpose: "test",
        version: 1,
    };
    seal_blob(Backend::Ring, &Key32::random(), &context, plaintext).unwrap()
}

pub(crate) fn conversation(id: ConversationId, ms: i64) -> ConversationRow {
    ConversationRow {
        tenant: acme(),
        id,
        bot: "helper".parse().unwrap(),
        channel: None,
        labels: [].into(),
        finding_classes: [].into(),
        state: ConversationState::Open,
        create_time: at(ms),
        last_record_time: at(ms),
        next_sequence: 1,
        expired_through: 0,
        last_day: Day::from_number(20_800),
        sealed_meta: sealed(b"metadata"),
        meta_version: 1,
        reseals: 0,
    }
}

pub(crate) fn record(sequence: u64, dek_id: u64) -> RecordRow {
    RecordRow {
        sequence,
        received_at: at(sequence.cast_signed()),
        author_role: AuthorRole::User,
        kind: RecordKind::Text,
        dek_id,
        policy_version: 7,
        size_class: 3,
        sealed: sealed(format!("turn {sequence}").as_bytes()),
    }
}

/// An entry of acme's log about `records` records.
pub(crate) fn entry(records: usize) -> LoggedEntry {
    entry_in(log(), records)
}

pub(crate) fn entry_in(log: LogId, records: usize) -> LoggedEntry {
    let builder = Entry::builder(NOW, &log.to_string(), "AppendRecords").actor("key_7f3a").role("ingestor").allow();
    let builder = if records == 0 { builder } else { builder.count(Count::Records, records as u64) };
    LoggedEntry { log, entry: builder.build().unwrap(), commitments: vec![random::bytes(); records] }
}

pub(crate) fn work(mutation: Mutation) -> Work {
    Work::new(entry(0)).with(mutation)
}

pub(crate) fn append(id: ConversationId, rows: Vec<RecordRow>, finding_classes: &[&str]) -> Mutation {
    Mutation::AppendRecords {
        tenant: acme(),
        conversation: id,
        rows,
        finding_classes: finding_classes.iter().map(|class| (*class).to_owned()).collect(),
        last_day: Day::from_number(20_810),
        dialogue: None,
        reseals: 0,
    }
}

pub(crate) fn create(row: ConversationRow) -> Mutation {
    Mutation::CreateConversation(Box::new(row))
}

pub(crate) fn tenant(id: TenantId) -> Mutation {
    Mutation::CreateTenant(TenantRow { id, state: TenantState::Active, create_time: at(0) })
}

/// Makes acme and one conversation in it.
pub(crate) async fn begin(store: &DataStore) -> ConversationId {
    let id = id(0);
    store.submit(work(tenant(acme())).with(create(conversation(id, 0)))).await.unwrap();
    id
}

/// Asserts that work is refused, and why.
#[macro_export]
macro_rules! refused {
    ($submitted:expr, $refusal:ident) => {
        match $submitted.await {
            Err(subrosa::store::SubmitError::Refused(refusal)) => {
                assert_eq!(refusal, subrosa::store::Refusal::$refusal)
            }
            other => panic!("not refused: {other:?}"),
        }
    };
}
