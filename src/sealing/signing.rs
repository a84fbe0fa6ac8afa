//! The public half of a signing seed.

use ring::signature::{Ed25519KeyPair, KeyPair};

use super::Key32;
use super::scrub::with_clean_stack;

/// Returns the Ed25519 public key of a 32-byte seed (RFC 8032, section 5.1.5).
#[must_use]
pub fn ed25519_public(seed: &Key32) -> [u8; 32] {
    with_clean_stack(|| {
        let mut public = [0; 32];
        if let Ok(pair) = Ed25519KeyPair::from_seed_unchecked(seed.expose()) {
            public.copy_from_slice(pair.public_key().as_ref());
        }
        public
    })
}
