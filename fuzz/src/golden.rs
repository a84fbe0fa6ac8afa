//! The sealed golden vectors of the repository.

use std::sync::LazyLock;

use serde_json::Value;
use subrosa::sealing::{Key32, KeyKind};

static GOLDEN: LazyLock<Value> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../tests/golden/sealing-v1.json")).expect("the golden file is JSON")
});

/// A sealed record and where it belongs.
pub struct Record {
    pub key: Key32,
    pub vault_id: [u8; 16],
    pub generation: u32,
    pub tenant: String,
    pub conversation: [u8; 16],
    pub sequence: u64,
    pub kind: u8,
    pub dek_id: u64,
    pub policy_version: u32,
    pub plaintext: Vec<u8>,
    pub sealed: Vec<u8>,
}

/// A wrapped key and where it belongs.
pub struct Wrap {
    pub kek: Key32,
    pub vault_id: [u8; 16],
    pub tenant: String,
    pub what: KeyKind,
    pub subject: Vec<u8>,
    pub wrapping_kind: KeyKind,
    pub wrapping_id: Vec<u8>,
    pub wrapping_version: u64,
    pub wrapped: Vec<u8>,
    pub key: Key32,
}

/// Returns the sealed records.
pub fn records() -> Vec<Record> {
    list("records").map(record).collect()
}

/// Returns the wraps that open.
pub fn wraps() -> Vec<Wrap> {
    list("wraps").filter(|vector| vector.get("refused").is_none()).map(wrap).collect()
}

fn record(vector: &Value) -> Record {
    let context = &vector["context"];
    let plaintext = match vector["plaintext_len"].as_u64() {
        Some(length) => (0..length).map(|at| ((31 * at + 7) % 256) as u8).collect(),
        None => bytes(&vector["plaintext"]),
    };
    Record {
        key: key(&vector["key"]),
        vault_id: uuid(&context["vault_id"]),
        generation: number(&context["generation"]) as u32,
        tenant: text(&context["tenant"]).to_owned(),
        conversation: uuid(&context["conversation"]),
        sequence: number(&context["sequence"]),
        kind: number(&context["kind"]) as u8,
        dek_id: number(&context["dek_id"]),
        policy_version: number(&context["policy_version"]) as u32,
        plaintext,
        sealed: bytes(&vector["sealed"]),
    }
}

fn wrap(vector: &Value) -> Wrap {
    let context = &vector["context"];
    Wrap {
        kek: key(&vector["kek"]),
        vault_id: uuid(&context["vault_id"]),
        tenant: text(&context["tenant"]).to_owned(),
        what: kind(&context["what"]),
        subject: bytes(&context["subject"]),
        wrapping_kind: kind(&context["wrapping_kind"]),
        wrapping_id: bytes(&context["wrapping_id"]),
        wrapping_version: number(&context["wrapping_version"]),
        wrapped: bytes(&vector["wrapped"]),
        key: key(&vector["key"]),
    }
}

fn list(name: &str) -> impl Iterator<Item = &'static Value> + use<'_> {
    GOLDEN[name].as_array().expect("a list of vectors").iter()
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

fn number(value: &Value) -> u64 {
    value.as_u64().or_else(|| value.as_str()?.parse().ok()).expect("a number")
}

fn bytes(value: &Value) -> Vec<u8> {
    let digits = text(value).as_bytes().chunks(2);
    digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).expect("ASCII"), 16).expect("hexadecimal")).collect()
}

fn uuid(value: &Value) -> [u8; 16] {
    bytes(value).try_into().expect("16 bytes")
}

fn key(value: &Value) -> Key32 {
    Key32::from_slice(&bytes(value)).expect("32 bytes")
}

fn kind(value: &Value) -> KeyKind {
    match text(value) {
        "root" => KeyKind::Root,
        "epoch" => KeyKind::Epoch,
        "tenant_kek" => KeyKind::TenantKek,
        "bucket_kek" => KeyKind::BucketKek,
        "segment_dek" => KeyKind::SegmentDek,
        "conversation_key" => KeyKind::ConversationKey,
        "index_key" => KeyKind::IndexKey,
        "originals_kek" => KeyKind::OriginalsKek,
        "originals_dek" => KeyKind::OriginalsDek,
        "log_key" => KeyKind::LogKey,
        other => panic!("no kind of key is called {other}"),
    }
}
