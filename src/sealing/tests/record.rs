//! Records and blobs: what opens, and everything that must not.

use crate::sealing::cobblestone::seal_with_salt;
use crate::sealing::*;

const BACKENDS: [Backend; 2] = [Backend::Ring, Backend::RustCrypto];

/// The chunk boundaries, the empty record, and the largest record the vault takes.
const LENGTHS: [usize; 8] = [0, 1, 1_024, 16_383, 16_384, 16_385, 32_768, 262_144];

fn context() -> RecordContext<'static> {
    RecordContext {
        vault_id: [0x11; 16],
        generation: 3,
        tenant: "acme",
        conversation: [0x22; 16],
        sequence: 41,
        kind: 1,
        dek_id: 0x33,
        policy_version: 7,
    }
}

/// The context with one field changed, for every field.
fn other_contexts() -> [(&'static str, RecordContext<'static>); 9] {
    let base = context();
    [
        ("vault_id", RecordContext { vault_id: [0x10; 16], ..base }),
        ("generation", RecordContext { generation: 4, ..base }),
        ("tenant", RecordContext { tenant: "acmf", ..base }),
        ("tenant, shorter", RecordContext { tenant: "acm", ..base }),
        ("conversation", RecordContext { conversation: [0x23; 16], ..base }),
        ("sequence", RecordContext { sequence: 42, ..base }),
        ("kind", RecordContext { kind: 2, ..base }),
        ("dek_id", RecordContext { dek_id: 0x32, ..base }),
        ("policy_version", RecordContext { policy_version: 8, ..base }),
    ]
}

fn blob_context() -> BlobContext<'static> {
    BlobContext {
        vault_id: [0x11; 16],
        generation: 3,
        tenant: "acme",
        conversation: [0x22; 16],
        purpose: "metadata",
        version: 5,
    }
}

fn plaintext(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 31 + 7) as u8).collect()
}

#[test]
fn each_backend_opens_what_either_sealed() {
    let dek = Key32::random();
    for len in LENGTHS {
        let plaintext = plaintext(len);
        for sealer in BACKENDS {
            let sealed = seal(sealer, &dek, &context(), &plaintext).unwrap();
            assert_eq!(sealed.len(), sealed_len(len));
            for opener in BACKENDS {
                let opened = open(opener, &dek, &context(), &sealed).unwrap();
                assert!(*opened == plaintext, "{len} bytes, {sealer:?} to {opener:?}");
            }
        }
    }
}

#[test]
fn both_backends_make_the_same_bytes() {
    let dek = Key32::random();
    let context = context().encode();
    for len in LENGTHS {
        let [ring, rust_crypto] =
            BACKENDS.map(|backend| seal_with_salt(backend, &dek, &context, [9; 24], &plaintext(len)).unwrap());
        assert!(ring == rust_crypto, "{len} bytes");
    }
}

#[test]
fn a_short_record_grows_by_72_bytes_and_salts_differ() {
    let dek = Key32::random();
    let [one, two] = [0, 1].map(|_| seal(Backend::Ring, &dek, &context(), b"hello").unwrap());
    assert_eq!(one.len(), 5 + 72);
    assert_ne!(one[..24], two[..24]);
    assert_ne!(one[24..56], two[24..56]);
}

#[test]
fn a_record_opens_nowhere_else() {
    let dek = Key32::random();
    let mut all: Vec<_> = other_contexts().to_vec();
    all.push(("none", context()));
    for backend in BACKENDS {
        for (i, (from, sealed_for)) in all.iter().enumerate() {
            let sealed = seal(backend, &dek, sealed_for, b"hello").unwrap();
            for (j, (to, opened_as)) in all.iter().enumerate() {
                let opened = open(backend, &dek, opened_as, &sealed).map(|plaintext| plaintext.to_vec());
                let expected = if i == j { Ok(b"hello".to_vec()) } else { Err(OpenError::WrongKeyOrContext) };
                assert_eq!(opened, expected, "sealed with other {from}, opened with other {to}");
            }
        }
    }
}

#[test]
fn another_key_is_refused_by_the_commitment() {
    let sealed = seal(Backend::Ring, &Key32::random(), &context(), b"hello").unwrap();
    for backend in BACKENDS {
        let opened = open(backend, &Key32::random(), &context(), &sealed);
        assert_eq!(opened.unwrap_err(), OpenError::WrongKeyOrContext);
    }
}

#[test]
fn every_bit_counts() {
    let dek = Key32::random();
    let sealed = seal(Backend::Ring, &dek, &context(), b"hello").unwrap();
    for backend in BACKENDS {
        for bit in 0..sealed.len() * 8 {
            let mut changed = sealed.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            let expected = if bit / 8 < 56 { OpenError::WrongKeyOrContext } else { OpenError::Tampered };
            assert_eq!(open(backend, &dek, &context(), &changed).unwrap_err(), expected, "bit {bit}");
        }
    }
}

#[test]
fn every_other_length_is_refused() {
    let dek = Key32::random();
    let sealed = seal(Backend::Ring, &dek, &context(), b"hello").unwrap();
    for backend in BACKENDS {
        for len in 0..sealed.len() {
            let expected = if len < 72 { OpenError::Malformed } else { OpenError::Tampered };
            assert_eq!(open(backend, &dek, &context(), &sealed[..len]).unwrap_err(), expected, "{len} bytes");
        }
        let longer = [&sealed[..], &[0]].concat();
        assert_eq!(open(backend, &dek, &context(), &longer).unwrap_err(), OpenError::Tampered);
    }
}

#[test]
fn a_long_record_cannot_be_cut_at_a_chunk_or_reordered() {
    let dek = Key32::random();
    let sealed = seal(Backend::Ring, &dek, &context(), &plaintext(40_000)).unwrap();
    let (header, chunks) = sealed.split_at(56);
    let [first, second] = [&chunks[..16_400], &chunks[16_400..32_800]];
    let last = &chunks[32_800..];
    for backend in BACKENDS {
        let open = |parts: &[&[u8]]| open(backend, &dek, &context(), &[&[header], parts].concat().concat()).err();
        assert_eq!(open(&[first, second, last]), None);
        assert_eq!(open(&[first, second]), Some(OpenError::Malformed));
        assert_eq!(open(&[first]), Some(OpenError::Malformed));
        assert_eq!(open(&[first, last]), Some(OpenError::Tampered));
        assert_eq!(open(&[second, first, last]), Some(OpenError::Tampered));
        assert_eq!(open(&[first, first, second, last]), Some(OpenError::Tampered));
    }
}

#[test]
fn a_blob_is_bound_to_every_field_and_is_no_record() {
    let key = Key32::random();
    let base = blob_context();
    let sealed = seal_blob(Backend::Ring, &key, &base, b"state").unwrap();
    assert_eq!(**open_blob(Backend::RustCrypto, &key, &base, &sealed).unwrap(), *b"state");
    let others = [
        BlobContext { vault_id: [0x10; 16], ..base },
        BlobContext { generation: 4, ..base },
        BlobContext { tenant: "acmf", ..base },
        BlobContext { conversation: [0x23; 16], ..base },
        BlobContext { purpose: "cue state", ..base },
        BlobContext { version: 6, ..base },
    ];
    for other in others {
        let opened = open_blob(Backend::Ring, &key, &other, &sealed);
        assert_eq!(opened.unwrap_err(), OpenError::WrongKeyOrContext, "{other:?}");
    }
    assert_eq!(open(Backend::Ring, &key, &context(), &sealed).unwrap_err(), OpenError::WrongKeyOrContext);
}
