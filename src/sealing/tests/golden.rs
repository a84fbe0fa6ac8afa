//! Replays `tests/golden/sealing-v1.json`, which an independent implementation made: every byte we persist, pinned.

use chacha20poly1305::aead::AeadInOut;
use chacha20poly1305::{KeyInit, XChaCha20Poly1305};
use data_encoding::HEXLOWER_PERMISSIVE;
use serde_json::Value;

use crate::sealing::cobblestone::seal_with_salt;
use crate::sealing::*;

fn golden() -> Value {
    serde_json::from_str(include_str!("../../../tests/golden/sealing-v1.json")).unwrap()
}

#[test]
fn derived_keys() {
    let golden = golden();
    for vector in list(&golden["derived_keys"]) {
        let label = Label::new(text(&vector["label"]).to_owned().leak());
        let derived = derive_key(&key(&vector["key"]), label, &bytes(&vector["context"]));
        assert!(derived.ct_eq(&key(&vector["derived"])), "{vector}");
        if label == Label::WRAP_COMMITMENT && text(&vector["context"]).is_empty() {
            assert_eq!(key_check_value(&key(&vector["key"])), *key(&vector["derived"]).expose());
        }
    }
}

#[test]
fn keyed_hashes() {
    for vector in list(&golden()["hmac_sha256"]) {
        let parts: Vec<_> = list(&vector["parts"]).iter().map(bytes).collect();
        let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
        assert_eq!(hmac_sha256(&key(&vector["key"]), &parts).to_vec(), bytes(&vector["tag"]), "{vector}");
    }
}

#[test]
fn records() {
    for vector in list(&golden()["records"]) {
        let tenant = text(&vector["context"]["tenant"]);
        let context = record_context(&vector["context"], tenant);
        assert_eq!(context.encode(), bytes(&vector["encoded_context"]), "{}", vector["name"]);
        replay(vector, &context.encode(), |backend, key, sealed| open(backend, key, &context, sealed));
    }
}

#[test]
fn blobs() {
    for vector in list(&golden()["blobs"]) {
        let fields = &vector["context"];
        let context = BlobContext {
            vault_id: uuid(&fields["vault_id"]),
            generation: number(&fields["generation"]).try_into().unwrap(),
            tenant: text(&fields["tenant"]),
            conversation: uuid(&fields["conversation"]),
            purpose: text(&fields["purpose"]).to_owned().leak(),
            version: number(&fields["version"]),
        };
        assert_eq!(context.encode(), bytes(&vector["encoded_context"]), "{}", vector["name"]);
        replay(vector, &context.encode(), |backend, key, sealed| open_blob(backend, key, &context, sealed));
    }
}

#[test]
fn wraps() {
    for vector in list(&golden()["wraps"]) {
        let (kek, wrapped) = (key(&vector["kek"]), bytes(&vector["wrapped"]));
        with_wrap_context(&vector["context"], |context| {
            assert_eq!(context.encode(), bytes(&vector["encoded_context"]), "{}", vector["name"]);
            let opened = unwrap(&kek, context, &wrapped);
            let refused = match vector["refused"].as_str() {
                None => {
                    let inner = key(&vector["key"]);
                    assert!(opened.unwrap().ct_eq(&inner), "{}", vector["name"]);
                    let nonce = wrapped[33..57].try_into().unwrap();
                    assert_eq!(WrappingKey::new(&kek).wrap_with_nonce(context, nonce, &inner), wrapped);
                    return;
                }
                Some("wrong key") => UnwrapError::WrongKey,
                Some("unknown version") => UnwrapError::UnknownVersion(wrapped[0]),
                Some("malformed") => UnwrapError::Malformed,
                Some("tampered") => UnwrapError::Tampered,
                Some(other) => panic!("{other}"),
            };
            assert_eq!(opened.unwrap_err(), refused, "{}", vector["name"]);
        });
    }
}

/// A ciphertext and tag that the bare AEAD opens under two keys, as anybody can make who knows both.
#[test]
fn no_wrap_opens_under_two_keys() {
    let vector = &golden()["two_keys"];
    let keks = [key(&vector["kek_a"]), key(&vector["kek_b"])];
    let (nonce, body) = (bytes(&vector["nonce"]), bytes(&vector["ciphertext_and_tag"]));
    with_wrap_context(&vector["context"], |context| {
        for kek in &keks {
            let bare = XChaCha20Poly1305::new_from_slice(derive_key(kek, Label::WRAP_KEY, &[]).expose()).unwrap();
            let nonce: [u8; 24] = nonce[..].try_into().unwrap();
            let mut opened = body.clone();
            bare.decrypt_in_place(&nonce.into(), &context.encode(), &mut opened)
                .expect("the attack works on the bare AEAD");
        }
        for (committed, other) in [(0, 1), (1, 0)] {
            let wrapped = [&[1], &key_check_value(&keks[committed])[..], &nonce, &body].concat();
            assert!(unwrap(&keks[committed], context, &wrapped).is_ok());
            assert_eq!(unwrap(&keks[other], context, &wrapped).unwrap_err(), UnwrapError::WrongKey);
        }
    });
}

#[test]
fn chain_from_the_root_key_to_a_record() {
    let chain = &golden()["chain"];
    let mut held = key(&chain["root"]);
    for step in list(&chain["wraps"]) {
        with_wrap_context(&step["context"], |context| held = unwrap(&held, context, &bytes(&step["wrapped"])).unwrap());
    }
    let record = &chain["record"];
    let context = record_context(&record["context"], text(&record["context"]["tenant"]));
    let opened = open(Backend::Ring, &held, &context, &bytes(&record["sealed"])).unwrap();
    assert_eq!(*opened, plaintext(record));
}

/// Opens a sealed vector with both backends, and seals its plaintext to the same bytes again.
fn replay<O>(vector: &Value, context: &[u8], open: impl Fn(Backend, &Key32, &[u8]) -> Result<O, OpenError>)
where
    O: std::ops::Deref<Target = Vec<u8>>,
{
    let (key, sealed, plaintext) = (key(&vector["key"]), bytes(&vector["sealed"]), plaintext(vector));
    for backend in [Backend::Ring, Backend::RustCrypto] {
        let opened = open(backend, &key, &sealed).unwrap_or_else(|error| panic!("{}: {error}", vector["name"]));
        assert!(*opened == plaintext, "{}", vector["name"]);
        let again = seal_with_salt(backend, &key, context, *sealed.first_chunk().unwrap(), &plaintext).unwrap();
        assert!(again == sealed, "{}", vector["name"]);
    }
}

fn record_context<'a>(fields: &Value, tenant: &'a str) -> RecordContext<'a> {
    RecordContext {
        vault_id: uuid(&fields["vault_id"]),
        generation: number(&fields["generation"]).try_into().unwrap(),
        tenant,
        conversation: uuid(&fields["conversation"]),
        sequence: number(&fields["sequence"]),
        kind: number(&fields["kind"]).try_into().unwrap(),
        dek_id: number(&fields["dek_id"]),
        policy_version: number(&fields["policy_version"]).try_into().unwrap(),
    }
}

fn with_wrap_context(fields: &Value, work: impl FnOnce(&WrapContext<'_>)) {
    work(&WrapContext {
        vault_id: uuid(&fields["vault_id"]),
        tenant: text(&fields["tenant"]),
        what: kind(&fields["what"]),
        subject: &bytes(&fields["subject"]),
        wrapping_kind: kind(&fields["wrapping_kind"]),
        wrapping_id: &bytes(&fields["wrapping_id"]),
        wrapping_version: number(&fields["wrapping_version"]),
    });
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
        other => panic!("{other}"),
    }
}

fn plaintext(vector: &Value) -> Vec<u8> {
    match vector["plaintext_len"].as_u64() {
        Some(len) => (0..len).map(|i| (i * 31 + 7) as u8).collect(),
        None => bytes(&vector["plaintext"]),
    }
}

fn list(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap()
}

fn bytes(value: &Value) -> Vec<u8> {
    HEXLOWER_PERMISSIVE.decode(text(value).as_bytes()).unwrap()
}

fn key(value: &Value) -> Key32 {
    Key32::from_slice(&bytes(value)).unwrap()
}

fn uuid(value: &Value) -> [u8; 16] {
    bytes(value).try_into().unwrap()
}
