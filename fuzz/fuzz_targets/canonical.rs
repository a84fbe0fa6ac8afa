//! Canonical JSON and signed heads: what is read is in canonical form and is written back as it was, by the RFC 8785 encoder
//! of others too; no error holds anything of it.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use subrosa::audit::{Entry, Frontier, LogSigner, LogVerifier, MAX_ENTRY_BYTES, leaf_hash};
use subrosa::domain::Record;
use subrosa_fuzz::{Input, told};

const ORIGIN: &str = "subrosa.invalid/00000000000000000000000000000000/system";
static SIGNER: LazyLock<LogSigner> = LazyLock::new(|| LogSigner::new(ORIGIN, &[7; 32]).expect("an origin and a seed"));
static VERIFIER: LazyLock<LogVerifier> = LazyLock::new(|| SIGNER.verifier());

fuzz_target!(|data: &[u8]| {
    let mut input = Input(data);
    match input.byte() {
        b'N' => note(input.0),
        b'F' => frontier(input.0),
        _ => {
            entry(data);
            record(data);
        }
    }
});

/// An audit entry that parses is canonical, and says the same to an encoder of others.
fn entry(bytes: &[u8]) {
    match Entry::parse(bytes) {
        Ok(entry) => {
            assert_eq!(entry.canonical(), bytes);
            assert!(bytes.len() <= MAX_ENTRY_BYTES && bytes.is_ascii());
            assert_eq!(foreign(bytes), bytes);
            assert_eq!(Entry::parse(&entry.clone().into_canonical()), Ok(entry));
        }
        Err(error) => told::fixed(error),
    }
}

/// A sealed record's JSON, read and written, is a fixed point.
fn record(bytes: &[u8]) {
    let Ok(record) = serde_json::from_slice::<Record>(bytes) else { return };
    let canonical = record.canonical().expect("a record is written");
    let again: Record = serde_json::from_slice(&canonical).expect("what was written is read");
    assert!(again == record && again.canonical().expect("a record is written") == canonical);
    // Larger numbers have no exact form in RFC 8785; the conversion from the wire lets none in (target `proto`).
    if numbers(&record).into_iter().all(|number| number < 1 << 53) {
        assert_eq!(foreign(&canonical), canonical);
    }
}

fn numbers(record: &Record) -> [u64; 3] {
    let about = match &record.content {
        subrosa::domain::Content::Annotation { about, .. } => about.unwrap_or(0),
        _ => 0,
    };
    [record.sequence, record.supersedes.unwrap_or(0), about]
}

fn foreign(json: &[u8]) -> Vec<u8> {
    let value: Value = serde_json::from_slice(json).expect("it is JSON");
    serde_json_canonicalizer::to_vec(&value).expect("it has a canonical form")
}

/// A head that another signed, or that nobody did, is not believed; one that was signed reads back.
fn note(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match VERIFIER.verify(text) {
        Ok(head) => assert!(SIGNER.sign_head(head.size, head.root).lines().take(3).eq(text.lines().take(3))),
        Err(error) => told::fixed(error),
    }
    if let Ok(key) = LogVerifier::parse(text) {
        assert_eq!(key.vkey(), text);
    }
}

/// A tree's right edge that decodes encodes to the same bytes, and grows.
fn frontier(bytes: &[u8]) {
    match Frontier::decode(bytes) {
        Ok(mut frontier) => {
            assert_eq!(frontier.encode(), bytes);
            let (size, root) = (frontier.size(), frontier.root());
            let head = SIGNER.sign_head(size, root);
            let read = VERIFIER.verify(&head).expect("our own signature");
            assert_eq!((read.size, read.root), (size, root));
            if size < u64::MAX {
                frontier.push(leaf_hash(b"x", &[]));
                assert_eq!(Frontier::decode(&frontier.encode()).expect("what was encoded").root(), frontier.root());
            }
        }
        Err(error) => told::fixed(error),
    }
}
