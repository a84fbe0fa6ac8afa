//! Wrapped keys: what was wrapped unwraps to the same key; spoilt bytes, another wrapping key or another place never do.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use subrosa::sealing::{Key32, KeyKind, UnwrapError, WRAPPED_LEN, WrapContext, unwrap, wrap};
use subrosa_fuzz::golden::{self, Wrap};
use subrosa_fuzz::{Input, spoil};

static VECTORS: LazyLock<Vec<Wrap>> = LazyLock::new(golden::wraps);

fuzz_target!(|data: &[u8]| {
    let mut input = Input(data);
    let vector = &VECTORS[usize::from(input.byte()) % VECTORS.len()];
    match input.byte() % 4 {
        0 | 1 => spoilt_bytes(vector, input),
        2 => another_place(vector, input),
        _ => wrapped_anew(vector, input),
    }
});

fn context(vector: &Wrap) -> WrapContext<'_> {
    WrapContext {
        vault_id: vector.vault_id,
        tenant: &vector.tenant,
        what: vector.what,
        subject: &vector.subject,
        wrapping_kind: vector.wrapping_kind,
        wrapping_id: &vector.wrapping_id,
        wrapping_version: vector.wrapping_version,
    }
}

fn spoilt_bytes(vector: &Wrap, mut input: Input<'_>) {
    let mut wrapped = vector.wrapped.clone();
    if input.byte() % 8 == 0 {
        wrapped = input.0.to_vec();
    } else {
        spoil(&mut wrapped, &mut input);
    }
    let found = unwrap(&vector.kek, &context(vector), &wrapped);
    if wrapped == vector.wrapped {
        assert!(found.expect("a vector unwraps").ct_eq(&vector.key));
        return;
    }
    let error = found.expect_err("spoilt bytes unwrapped");
    let expected = match wrapped.first() {
        Some(version) if *version != 1 => UnwrapError::UnknownVersion(*version),
        _ if wrapped.len() != WRAPPED_LEN => UnwrapError::Malformed,
        _ if wrapped[1..33] != vector.wrapped[1..33] => UnwrapError::WrongKey,
        _ => UnwrapError::Tampered,
    };
    assert_eq!(error, expected);
}

fn another_place(vector: &Wrap, mut input: Input<'_>) {
    let right = context(vector);
    let mut wrong = right;
    let (at, by) = (input.byte(), input.byte());
    let (tenant, bytes) = (input.text(), input.0);
    let mut kek = vector.kek.clone();
    match at % 8 {
        0 => wrong.vault_id[usize::from(at) % 16] ^= by,
        1 => wrong.tenant = &tenant,
        2 => wrong.what = KeyKind::from_code(by).unwrap_or(wrong.what),
        3 => wrong.subject = bytes,
        4 => wrong.wrapping_kind = KeyKind::from_code(by).unwrap_or(wrong.wrapping_kind),
        5 => wrong.wrapping_id = bytes,
        6 => wrong.wrapping_version ^= u64::from(by),
        _ => {
            let mut bytes = *kek.expose();
            bytes[usize::from(at) % 32] ^= by;
            kek = Key32::from_bytes(bytes);
        }
    }
    let same_key = kek.ct_eq(&vector.kek);
    match unwrap(&kek, &wrong, &vector.wrapped) {
        Ok(key) => assert!(wrong == right && same_key && key.ct_eq(&vector.key), "it unwrapped in another place"),
        Err(UnwrapError::WrongKey) => assert!(!same_key),
        Err(error) => assert!(error == UnwrapError::Tampered && same_key && wrong != right),
    }
    assert_eq!(wrong == right, wrong.encode() == right.encode(), "two places encode alike");
}

fn wrapped_anew(vector: &Wrap, mut input: Input<'_>) {
    let mut bytes = [0; 32];
    bytes.fill_with(|| input.byte());
    let key = Key32::from_bytes(bytes);
    let wrapped = wrap(&vector.kek, &context(vector), &key);
    assert_eq!(wrapped.len(), WRAPPED_LEN);
    assert!(unwrap(&vector.kek, &context(vector), &wrapped).expect("what was wrapped unwraps").ct_eq(&key));
}
