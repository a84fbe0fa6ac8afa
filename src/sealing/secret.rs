//! The holder of every symmetric secret.

use std::fmt;

use secrecy::{ExposeSecret, SecretBox};
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

use super::random;

/// Holds 32 secret bytes on the heap and overwrites them when it is dropped.
///
/// # Security
///
/// It has no `Display`, no `serde`, no `PartialEq`, and its `Debug` prints `Key32(..)`. The bytes never move: handing a
/// `Key32` on copies a pointer. Every clone is one more place that holds the secret: share by reference or `Arc` first.
pub struct Key32(SecretBox<[u8; 32]>);

impl Key32 {
    /// Takes 32 bytes over and overwrites the argument's own copy of them.
    ///
    /// The caller's array is `Copy`: where it came from a named variable, that variable is the caller's to wipe.
    #[must_use]
    pub fn from_bytes(mut bytes: [u8; 32]) -> Self {
        let key = Self::init_with(|into| into.copy_from_slice(&bytes));
        bytes.zeroize();
        key
    }

    /// Copies a slice of exactly 32 bytes; `None` for any other length.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        (bytes.len() == 32).then(|| Self::init_with(|into| into.copy_from_slice(bytes)))
    }

    /// Fills a new key in place, so that the secret never lies on the stack.
    pub fn init_with(fill: impl FnOnce(&mut [u8; 32])) -> Self {
        Self(SecretBox::init_with_mut(fill))
    }

    /// Draws a new key from the operating system's generator.
    #[must_use]
    pub fn random() -> Self {
        random::key32()
    }

    /// Shows the secret bytes. The one door to them: search for it to audit who looks.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        self.0.expose_secret()
    }

    /// Returns whether two keys are equal, in time that does not depend on where they differ.
    #[must_use]
    pub fn ct_eq(&self, other: &Self) -> bool {
        self.expose().ct_eq(other.expose()).into()
    }
}

impl Clone for Key32 {
    fn clone(&self) -> Self {
        Self::init_with(|into| into.copy_from_slice(self.expose()))
    }
}

impl fmt::Debug for Key32 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key32(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_byte() {
        let shown = format!("{:?} {:#?}", Key32::from_bytes([0xA7; 32]), Key32::from_bytes([0xA7; 32]));
        assert_eq!(shown, "Key32(..) Key32(..)");
    }

    #[test]
    fn holds_what_it_was_given() {
        let bytes: [u8; 32] = std::array::from_fn(|i| i as u8);
        let key = Key32::from_bytes(bytes);
        assert_eq!(key.expose(), &bytes);
        assert_eq!(key.clone().expose(), &bytes);
        assert!(key.ct_eq(&Key32::from_slice(&bytes).expect("32 bytes")));
        assert!(!key.ct_eq(&Key32::from_bytes([0; 32])));
    }

    #[test]
    fn refuses_other_lengths() {
        for len in [0, 1, 31, 33, 64] {
            assert!(Key32::from_slice(&vec![1; len]).is_none(), "{len} bytes were taken");
        }
    }
}
