//! Version 1 of every byte of the audit log that is stored, hashed or signed.
//!
//! `tests/golden/audit_v1.json` was made by a program that shares nothing with this code. It is kept for ever: a change
//! of format is a new version with a file of its own.

use data_encoding::HEXLOWER;
use serde_json::Value;
use subrosa::audit::{
    Count, Entry, EntryBuilder, Frontier, Hash, LogSigner, LogVerifier, MAX_INTEGER, Phase, PolicyKind, commitment,
    leaf_hash,
};
use uuid::Uuid;

const CONVERSATION: &str = "tenants/acme/conversations/0190a1b2-0000-7000-8000-000000000001";

#[test]
fn entries_are_written_and_read_byte_for_byte() {
    let golden = golden();
    let entries = golden["entries"].as_array().unwrap();
    let built = built();
    assert_eq!(entries.len(), built.len());
    for (golden, (name, builder)) in entries.iter().zip(built) {
        assert_eq!(text(golden, "name"), name);
        let entry = builder.build().unwrap();
        assert_eq!(std::str::from_utf8(entry.canonical()).unwrap(), text(golden, "canonical"), "{name}");
        assert_eq!(Entry::parse(text(golden, "canonical").as_bytes()).unwrap(), entry, "{name}");
    }
}

#[test]
fn leaves_frontiers_roots_and_notes_are_the_same_at_every_size() {
    let golden = golden();
    let key = &golden["log_key"];
    let signer = LogSigner::new(text(key, "origin"), &array(key, "seed")).unwrap();
    let verifier = LogVerifier::parse(text(key, "vkey")).unwrap();
    assert_eq!(signer.verifier(), verifier);
    assert_eq!(verifier.vkey(), text(key, "vkey"));
    let mut frontier = Frontier::new();
    for head in golden["heads"].as_array().unwrap() {
        let size = head["size"].as_u64().unwrap();
        if size > 0 {
            frontier.push(golden_leaf(&golden["entries"][size as usize - 1]));
        }
        assert_eq!(frontier.size(), size);
        assert_eq!(frontier.root().to_string(), text(head, "root"), "size {size}");
        assert_eq!(HEXLOWER.encode(&frontier.encode()), text(head, "frontier"), "size {size}");
        assert_eq!(Frontier::decode(&bytes(head, "frontier")).unwrap(), frontier, "size {size}");
        assert_eq!(signer.sign_head(size, frontier.root()), text(head, "note"), "size {size}");
        assert_eq!(verifier.verify(text(head, "note")).unwrap().root, frontier.root(), "size {size}");
    }
    assert_eq!(frontier.size(), 6);
}

#[test]
fn every_log_of_a_vault_has_its_own_key() {
    let golden = golden();
    let keys = &golden["vault_log_key"];
    let tenant = text(&golden["log_key"], "origin");
    let system = tenant.replace("tenants/acme", "system");
    for (origin, vkey) in [(tenant, "tenant_vkey"), (&system, "system_vkey")] {
        let signer = LogSigner::for_log(origin, &array(keys, "key")).unwrap();
        assert_eq!(signer.verifier().vkey(), text(keys, vkey));
    }
}

#[test]
fn commitment_is_the_same() {
    let golden = &golden()["commitment"];
    let commitment = commitment(&array(golden, "opening"), text(golden, "record").as_bytes());
    assert_eq!(commitment, array(golden, "commitment"));
}

/// The entries of the golden file, in its order, as a caller makes them.
fn built() -> [(&'static str, EntryBuilder); 6] {
    const NINE: i64 = 1_795_251_979_123;
    let start = |time, op| Entry::builder(time, "tenants/acme", op);
    [
        (
            "append",
            start(NINE, "AppendRecords")
                .actor("key_7f3a")
                .role("ingestor")
                .allow()
                .object(CONVERSATION)
                .sequences(1, 2)
                .count(Count::Records, 2)
                .count(Count::Findings, 3)
                .policy(PolicyKind::Redaction, 3)
                .key_version(4)
                .request_id(Uuid::from_u128(0x0190_a1b2_0000_7000_8000_0000_0000_000a)),
        ),
        (
            "denied_read",
            start(NINE + 877, "ReadConversation")
                .actor("key_0b1c")
                .role("operator")
                .deny("PERMISSION_DENIED")
                .object(CONVERSATION)
                .purpose("SUPPORT")
                .policy(PolicyKind::Access, 1),
        ),
        (
            "read_begin",
            read(NINE + 1_884, Phase::Begin).last_sequence(2).purpose("SUBJECT_REQUEST").case("CASE-2026.11_a"),
        ),
        ("read_end", read(NINE + 1_885, Phase::End).sequences(1, 2).count(Count::Returned, 2)),
        (
            "largest",
            start(253_402_207_199_999, &"Z".repeat(40))
                .actor(&"z".repeat(40))
                .role(&"r".repeat(16))
                .allow()
                .reason(&"R".repeat(48))
                .phase(Phase::Interrupted)
                .policy(PolicyKind::Retention, 3)
                .policy(PolicyKind::Redaction, 2)
                .policy(PolicyKind::Access, 1)
                .count(Count::Buckets, 0)
                .count(Count::Attempts, MAX_INTEGER),
        ),
        ("epoch", start(0, "Expire").actor("system").role("system").allow().phase(Phase::Outcome)),
    ]
}

fn read(time: i64, phase: Phase) -> EntryBuilder {
    Entry::builder(time, "tenants/acme", "ReadConversation")
        .actor("key_55aa")
        .role("privacy")
        .allow()
        .phase(phase)
        .object(CONVERSATION)
        .request_id(Uuid::from_u128(0x0190_a1b2_0000_7000_8000_0000_0000_000b))
}

fn golden() -> Value {
    serde_json::from_str(include_str!("../golden/audit_v1.json")).unwrap()
}

fn golden_leaf(entry: &Value) -> Hash {
    let commitments: Vec<[u8; 32]> = entry["commitments"].as_array().unwrap().iter().map(hex32).collect();
    let leaf = leaf_hash(text(entry, "canonical").as_bytes(), &commitments);
    assert_eq!(leaf.to_string(), text(entry, "leaf"), "{}", text(entry, "name"));
    leaf
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap()
}

fn bytes(value: &Value, key: &str) -> Vec<u8> {
    HEXLOWER.decode(text(value, key).as_bytes()).unwrap()
}

fn array(value: &Value, key: &str) -> [u8; 32] {
    hex32(&value[key])
}

fn hex32(value: &Value) -> [u8; 32] {
    HEXLOWER.decode(value.as_str().unwrap().as_bytes()).unwrap().try_into().unwrap()
}
