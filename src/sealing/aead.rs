//! AES-256-GCM by two libraries that make the same bytes.

use aes_gcm::aead::AeadInOut;
use aes_gcm::{Aes256Gcm, KeyInit};
use ring::aead as ring_aead;

/// Says which library seals and opens records (`sealing.backend` in the configuration).
///
/// Both make the same bytes and open each other's; a vault may change between them at any restart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    /// The `ring` crate: assembly from BoringSSL, the faster one.
    #[default]
    Ring,
    /// The `aes-gcm` crate: pure Rust, wipes its own key schedule.
    RustCrypto,
}

/// Bytes of an authentication tag.
pub(super) const TAG_LEN: usize = 16;

/// Bytes of a nonce.
pub(super) const NONCE_LEN: usize = 12;

/// A tag did not fit its ciphertext, or a length limit of the cipher was passed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct AeadError;

/// AES-256-GCM with one key and no associated data, in place.
pub(super) trait ChunkCipher: Sized {
    fn new(key: &[u8; 32]) -> Result<Self, AeadError>;
    fn seal(&self, nonce: [u8; NONCE_LEN], in_out: &mut [u8]) -> Result<[u8; TAG_LEN], AeadError>;
    fn open(&self, nonce: [u8; NONCE_LEN], in_out: &mut [u8], tag: [u8; TAG_LEN]) -> Result<(), AeadError>;
}

/// `ring`'s AES-256-GCM. It is not wiped on drop: the stack it lies on is, by `with_clean_stack`.
pub(super) struct RingCipher(ring_aead::LessSafeKey);

impl ChunkCipher for RingCipher {
    fn new(key: &[u8; 32]) -> Result<Self, AeadError> {
        let unbound = ring_aead::UnboundKey::new(&ring_aead::AES_256_GCM, key).map_err(|_| AeadError)?;
        Ok(Self(ring_aead::LessSafeKey::new(unbound)))
    }

    fn seal(&self, nonce: [u8; NONCE_LEN], in_out: &mut [u8]) -> Result<[u8; TAG_LEN], AeadError> {
        let nonce = ring_aead::Nonce::assume_unique_for_key(nonce);
        let tag = self.0.seal_in_place_separate_tag(nonce, ring_aead::Aad::empty(), in_out).map_err(|_| AeadError)?;
        tag.as_ref().try_into().map_err(|_| AeadError)
    }

    fn open(&self, nonce: [u8; NONCE_LEN], in_out: &mut [u8], tag: [u8; TAG_LEN]) -> Result<(), AeadError> {
        let nonce = ring_aead::Nonce::assume_unique_for_key(nonce);
        self.0
            .open_in_place_separate_tag(nonce, ring_aead::Aad::empty(), tag.into(), in_out, 0..)
            .map(|_| ())
            .map_err(|_| AeadError)
    }
}

/// The `aes-gcm` crate's AES-256-GCM.
pub(super) struct RustCryptoCipher(Aes256Gcm);

impl ChunkCipher for RustCryptoCipher {
    fn new(key: &[u8; 32]) -> Result<Self, AeadError> {
        Ok(Self(Aes256Gcm::new(key.into())))
    }

    fn seal(&self, nonce: [u8; NONCE_LEN], in_out: &mut [u8]) -> Result<[u8; TAG_LEN], AeadError> {
        let tag = self.0.encrypt_inout_detached(&nonce.into(), &[], in_out.into()).map_err(|_| AeadError)?;
        Ok(tag.into())
    }

    fn open(&self, nonce: [u8; NONCE_LEN], in_out: &mut [u8], tag: [u8; TAG_LEN]) -> Result<(), AeadError> {
        self.0.decrypt_inout_detached(&nonce.into(), &[], in_out.into(), &tag.into()).map_err(|_| AeadError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backends_have_their_configuration_names() {
        assert_eq!(serde_json::to_string(&[Backend::Ring, Backend::RustCrypto]).unwrap(), r#"["ring","rustcrypto"]"#);
        assert_eq!(serde_json::from_str::<Backend>("\"rustcrypto\"").unwrap(), Backend::RustCrypto);
        assert_eq!(Backend::default(), Backend::Ring);
    }
}
