//! Sealed records: what was sealed opens with either backend; spoilt bytes, another key or another place never do.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use subrosa::sealing::{Backend, Key32, OpenError, RecordContext, open, seal, sealed_len};
use subrosa_fuzz::golden::{self, Record};
use subrosa_fuzz::{Input, spoil};

static VECTORS: LazyLock<Vec<Record>> = LazyLock::new(golden::records);
const BACKENDS: [Backend; 2] = [Backend::Ring, Backend::RustCrypto];

fuzz_target!(|data: &[u8]| {
    let mut input = Input(data);
    let vector = &VECTORS[usize::from(input.byte()) % VECTORS.len()];
    match input.byte() % 4 {
        0 | 1 => spoilt_bytes(vector, input),
        2 => another_place(vector, input),
        _ => sealed_anew(vector, input.0),
    }
});

fn context(vector: &Record) -> RecordContext<'_> {
    RecordContext {
        vault_id: vector.vault_id,
        generation: vector.generation,
        tenant: &vector.tenant,
        conversation: vector.conversation,
        sequence: vector.sequence,
        kind: vector.kind,
        dek_id: vector.dek_id,
        policy_version: vector.policy_version,
    }
}

/// Opens with both backends, which must agree, on the error too.
fn opened(key: &Key32, context: &RecordContext<'_>, sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
    let [ours, other] = BACKENDS.map(|backend| open(backend, key, context, sealed).map(|text| text.to_vec()));
    assert_eq!(ours, other, "the two backends disagree");
    ours
}

/// The rest of the input either spoils a vector or stands in its place.
fn spoilt_bytes(vector: &Record, mut input: Input<'_>) {
    let mut sealed = vector.sealed.clone();
    if input.byte() % 8 == 0 {
        sealed = input.0.to_vec();
    } else {
        spoil(&mut sealed, &mut input);
    }
    let found = opened(&vector.key, &context(vector), &sealed);
    match sealed == vector.sealed {
        true => assert_eq!(found.expect("a vector opens"), vector.plaintext),
        false => assert!(found.is_err(), "{} spoilt bytes opened", sealed.len()),
    }
}

/// One field of the context, or the key, is another.
fn another_place(vector: &Record, mut input: Input<'_>) {
    let right = context(vector);
    let mut wrong = right;
    let by = u64::from(input.byte()) << (input.byte() % 56);
    let at = input.byte();
    let text = input.text();
    let mut key = vector.key.clone();
    match at % 9 {
        0 => wrong.vault_id[usize::from(at) % 16] ^= by as u8,
        1 => wrong.generation ^= by as u32,
        2 => wrong.tenant = &text,
        3 => wrong.conversation[usize::from(at) % 16] ^= by as u8,
        4 => wrong.sequence ^= by,
        5 => wrong.kind ^= by as u8,
        6 => wrong.dek_id ^= by,
        7 => wrong.policy_version ^= by as u32,
        _ => {
            let mut bytes = *key.expose();
            bytes[usize::from(at) % 32] ^= by as u8;
            key = Key32::from_bytes(bytes);
        }
    }
    let found = opened(&key, &wrong, &vector.sealed);
    match wrong == right && key.ct_eq(&vector.key) {
        true => assert_eq!(found.expect("a vector opens"), vector.plaintext),
        false => assert!(found.is_err(), "it opened in another place"),
    }
    assert_eq!(wrong == right, wrong.encode() == right.encode(), "two places encode alike");
}

/// What one backend seals the other opens.
fn sealed_anew(vector: &Record, plaintext: &[u8]) {
    let context = context(vector);
    let sealed = seal(Backend::Ring, &vector.key, &context, plaintext).expect("it is short");
    assert_eq!(sealed.len(), sealed_len(plaintext.len()));
    assert_eq!(opened(&vector.key, &context, &sealed).expect("what was sealed opens"), plaintext);
}
