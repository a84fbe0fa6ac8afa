//! Wraps: what opens, and everything that must not.

use crate::sealing::*;

fn context() -> WrapContext<'static> {
    WrapContext {
        vault_id: [0x11; 16],
        tenant: "acme",
        what: KeyKind::SegmentDek,
        subject: b"segment-1",
        wrapping_kind: KeyKind::BucketKek,
        wrapping_id: b"2027-01-31",
        wrapping_version: 2,
    }
}

/// The context and, for every field, one that differs in that field alone, or in where a field ends.
fn contexts() -> [(&'static str, WrapContext<'static>); 9] {
    let base = context();
    [
        ("none", base),
        ("vault_id", WrapContext { vault_id: [0x10; 16], ..base }),
        ("tenant", WrapContext { tenant: "acmf", ..base }),
        ("what", WrapContext { what: KeyKind::OriginalsDek, ..base }),
        ("subject", WrapContext { subject: b"segment-2", ..base }),
        ("wrapping_kind", WrapContext { wrapping_kind: KeyKind::OriginalsKek, ..base }),
        ("wrapping_id", WrapContext { wrapping_id: b"2027-02-01", ..base }),
        ("wrapping_version", WrapContext { wrapping_version: 3, ..base }),
        ("boundary", WrapContext { tenant: "", subject: b"acmesegment-1", ..base }),
    ]
}

#[test]
fn a_wrap_opens_only_as_what_it_is() {
    let (kek, key) = (Key32::random(), Key32::random());
    for (i, (from, wrapped_as)) in contexts().iter().enumerate() {
        let wrapped = wrap(&kek, wrapped_as, &key);
        assert_eq!(wrapped.len(), WRAPPED_LEN);
        for (j, (to, opened_as)) in contexts().iter().enumerate() {
            match unwrap(&kek, opened_as, &wrapped) {
                Ok(opened) => assert!(i == j && opened.ct_eq(&key), "other {from} opened as other {to}"),
                Err(error) => assert!(i != j && error == UnwrapError::Tampered, "{from} as {to}: {error}"),
            }
        }
    }
}

#[test]
fn another_wrapping_key_is_its_own_error() {
    let wrapped = wrap(&Key32::random(), &context(), &Key32::random());
    assert_eq!(unwrap(&Key32::random(), &context(), &wrapped).unwrap_err(), UnwrapError::WrongKey);
}

#[test]
fn the_commitment_in_front_is_the_key_check_value() {
    let kek = Key32::random();
    let wrapped = wrap(&kek, &context(), &Key32::random());
    assert_eq!(wrapped[1..33], key_check_value(&kek));
    assert_eq!(WrappingKey::new(&kek).key_check_value(), key_check_value(&kek));
}

#[test]
fn every_bit_counts() {
    let kek = Key32::random();
    let wrapped = wrap(&kek, &context(), &Key32::random());
    for bit in 0..wrapped.len() * 8 {
        let mut changed = wrapped.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let expected = match bit / 8 {
            0 => UnwrapError::UnknownVersion(changed[0]),
            1..33 => UnwrapError::WrongKey,
            _ => UnwrapError::Tampered,
        };
        assert_eq!(unwrap(&kek, &context(), &changed).unwrap_err(), expected, "bit {bit}");
    }
}

#[test]
fn every_other_length_is_refused() {
    let kek = Key32::random();
    let wrapped = wrap(&kek, &context(), &Key32::random());
    for len in 0..wrapped.len() {
        assert_eq!(unwrap(&kek, &context(), &wrapped[..len]).unwrap_err(), UnwrapError::Malformed, "{len} bytes");
    }
    let longer = [&wrapped[..], &[0]].concat();
    assert_eq!(unwrap(&kek, &context(), &longer).unwrap_err(), UnwrapError::Malformed);
}

#[test]
fn one_derived_key_wraps_as_the_plain_calls_do() {
    let (kek, key) = (Key32::random(), Key32::random());
    let wrapping = WrappingKey::new(&kek);
    assert!(unwrap(&kek, &context(), &wrapping.wrap(&context(), &key)).unwrap().ct_eq(&key));
    assert!(wrapping.unwrap(&context(), &wrap(&kek, &context(), &key)).unwrap().ct_eq(&key));
}

#[test]
fn kinds_and_codes_agree() {
    for kind in KeyKind::ALL {
        assert_eq!(KeyKind::from_code(kind.code()), Some(kind));
    }
    assert_eq!([0, 11, 255].map(KeyKind::from_code), [None; 3]);
}
