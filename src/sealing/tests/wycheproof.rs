//! [Wycheproof] vectors, run through the functions that seal, wrap and derive, and through the library calls that sign.
//!
//! [Wycheproof]: https://github.com/C2SP/wycheproof

use chacha20poly1305::aead::AeadInOut;
use chacha20poly1305::{KeyInit, XChaCha20Poly1305};
use ring::{hkdf, hmac, signature};
use wycheproof::TestResult;

use crate::sealing::aead::{ChunkCipher, RingCipher, RustCryptoCipher};
use crate::sealing::cobblestone::{self, MessageKey, SALT_LEN, seal_with_salt};
use crate::sealing::derive::hkdf_expand_sha512;
use crate::sealing::{Backend, Key32};

/// The published vectors of the record format: open each with both backends, and seal the valid ones again.
#[test]
fn cobblestone_256() {
    use wycheproof::chunked_encryption::{TestName, TestSet};
    let set = TestSet::load(TestName::Cobblestone256).unwrap();
    let (mut opened, mut refused) = (0, 0);
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let sealed = miniz_oxide::inflate::decompress_to_vec_zlib(&test.ct).unwrap();
        let Some(key) = Key32::from_slice(&test.key) else {
            assert_eq!(test.result, TestResult::Invalid, "{}", test.comment);
            continue;
        };
        for backend in [Backend::Ring, Backend::RustCrypto] {
            let plaintext = cobblestone::open(backend, &key, &test.ctx, &sealed);
            assert_eq!(plaintext.is_ok(), test.result == TestResult::Valid, "{}", test.comment);
            let Ok(plaintext) = plaintext else {
                refused += 1;
                continue;
            };
            let digest = ring::digest::digest(&ring::digest::SHA512, &plaintext);
            assert_eq!(Some(digest.as_ref()), test.msg_sha512.as_deref().map(Vec::as_slice), "{}", test.comment);
            let salt: [u8; SALT_LEN] = *sealed.first_chunk().unwrap();
            let message = MessageKey::derive(&key, &salt, &test.ctx);
            assert_eq!(Some(&message.key()[..]), test.aead_key.as_deref().map(Vec::as_slice));
            assert_eq!(Some(&message.base_nonce()[..]), test.base_nonce.as_deref().map(Vec::as_slice));
            assert!(seal_with_salt(backend, &key, &test.ctx, salt, &plaintext).unwrap() == sealed, "{}", test.comment);
            opened += 1;
        }
    }
    assert_eq!((opened, refused), (20, 46));
}

#[test]
fn aes_256_gcm_by_ring() {
    aes_256_gcm::<RingCipher>();
}

#[test]
fn aes_256_gcm_by_rust_crypto() {
    aes_256_gcm::<RustCryptoCipher>();
}

/// The vectors without associated data, since the record format uses none.
fn aes_256_gcm<C: ChunkCipher>() {
    use wycheproof::aead::{TestName, TestSet};
    let set = TestSet::load(TestName::AesGcm).unwrap();
    let groups = set.test_groups.iter().filter(|g| (g.key_size, g.nonce_size, g.tag_size) == (256, 96, 128));
    let mut run = 0;
    for test in groups.flat_map(|group| &group.tests).filter(|test| test.aad.is_empty()) {
        let key: [u8; 32] = test.key[..].try_into().unwrap();
        let cipher = C::new(&key).unwrap();
        let nonce = test.nonce[..].try_into().unwrap();
        let tag = test.tag[..].try_into().unwrap();
        let mut text = test.ct.to_vec();
        let opened = cipher.open(nonce, &mut text, tag).is_ok();
        assert_eq!(opened, test.result == TestResult::Valid, "{}", test.tc_id);
        if opened {
            assert_eq!(text, test.pt[..], "{}", test.tc_id);
            assert_eq!(cipher.seal(nonce, &mut text).unwrap(), tag, "{}", test.tc_id);
            assert_eq!(text, test.ct[..], "{}", test.tc_id);
        }
        run += 1;
    }
    assert!(run > 30, "only {run} vectors were run");
}

#[test]
fn xchacha20_poly1305() {
    use wycheproof::aead::{TestName, TestSet};
    let set = TestSet::load(TestName::XChaCha20Poly1305).unwrap();
    let groups = set.test_groups.iter().filter(|group| (group.nonce_size, group.tag_size) == (192, 128));
    let mut run = 0;
    for test in groups.flat_map(|group| &group.tests) {
        let cipher = XChaCha20Poly1305::new_from_slice(&test.key).unwrap();
        let nonce: [u8; 24] = test.nonce[..].try_into().unwrap();
        let tag: [u8; 16] = test.tag[..].try_into().unwrap();
        let mut text = test.ct.to_vec();
        let opened =
            cipher.decrypt_inout_detached(&nonce.into(), &test.aad, text.as_mut_slice().into(), &tag.into()).is_ok();
        assert_eq!(opened, test.result == TestResult::Valid, "{}", test.tc_id);
        if opened {
            assert_eq!(text, test.pt[..], "{}", test.tc_id);
        }
        run += 1;
    }
    assert!(run > 200, "only {run} vectors were run");
}

/// Extract by `ring` directly, then our Expand.
#[test]
fn hkdf_sha_512() {
    use wycheproof::hkdf::{TestName, TestSet};
    let set = TestSet::load(TestName::HkdfSha512).unwrap();
    let mut run = 0;
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        if test.result == TestResult::Invalid {
            assert!(test.size > 255 * 64, "{}", test.tc_id);
            continue;
        }
        let zeros = [0; 64];
        let salt = if test.salt.is_empty() { &zeros[..] } else { &test.salt };
        let prk = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA512, salt), &test.ikm);
        let mut okm = vec![0; test.size];
        hkdf_expand_sha512(prk.as_ref(), &[&test.info], &mut okm);
        assert_eq!(okm, test.okm[..], "{}", test.tc_id);
        run += 1;
    }
    assert!(run > 50, "only {run} vectors were run");
    assert_eq!(hkdf::HKDF_SHA512.hmac_algorithm(), hmac::HMAC_SHA512);
}

#[test]
fn hmac_sha_256() {
    use wycheproof::mac::{TestName, TestSet};
    let set = TestSet::load(TestName::HmacSha256).unwrap();
    let mut run = 0;
    for group in set.test_groups.iter().filter(|group| group.tag_size == 256) {
        for test in &group.tests {
            let key = hmac::Key::new(hmac::HMAC_SHA256, &test.key);
            let fits = hmac::verify(&key, &test.msg, &test.tag).is_ok();
            assert_eq!(fits, test.result == TestResult::Valid, "{}", test.tc_id);
            run += 1;
        }
    }
    assert!(run > 50, "only {run} vectors were run");
}

#[test]
fn ed25519() {
    use wycheproof::eddsa::{TestName, TestSet};
    let set = TestSet::load(TestName::Ed25519).unwrap();
    let mut run = 0;
    for group in &set.test_groups {
        let key = signature::UnparsedPublicKey::new(&signature::ED25519, &group.key.pk[..]);
        for test in &group.tests {
            let fits = key.verify(&test.msg, &test.sig).is_ok();
            assert_eq!(fits, test.result == TestResult::Valid, "{} {}", test.tc_id, test.comment);
            run += 1;
        }
    }
    assert!(run > 100, "only {run} vectors were run");
}
