//! The sealed formats and nothing else: plaintext in, sealed bytes out, and back. Pure: no file, no clock, no network.
//!
//! `docs/format.md` describes every byte made here; the vectors in `tests/golden/` pin them.
//!
//! | to do this | use |
//! |---|---|
//! | hold a 32-byte secret | [`Key32`] |
//! | draw a salt, a key, a UUID | [`random`] |
//! | derive one key from another, compute a keyed hash | [`derive_key`], [`hmac_sha256`] with a [`Label`] |
//! | seal or open a conversation record | [`seal`], [`open`] with a [`RecordContext`] |
//! | seal or open another thing of a conversation | [`seal_blob`], [`open_blob`] with a [`BlobContext`] |
//! | wrap one key under another | [`wrap()`], [`unwrap`] with a [`WrapContext`]; many under one: [`WrappingKey`] |
//! | recognise a key without keeping it | [`key_check_value`] |
//! | seal or open many things and wipe the stack once | [`with_clean_stack`] |
//!
//! # Security
//!
//! - A key is committed everywhere: no sealed record and no wrap opens under two keys.
//! - `ring` leaves key schedules on the stack. Every public function here that touches a key runs through
//!   [`with_clean_stack`], which overwrites the stack it used.

mod aead;
mod cobblestone;
mod context;
mod derive;
pub mod random;
mod record;
mod scrub;
mod secret;
mod signing;
mod wrap;

pub use aead::Backend;
pub use cobblestone::{OpenError, SealError, sealed_len};
pub use derive::{Label, derive_key, hmac_sha256, key_check_value};
pub use record::{BlobContext, RecordContext, Sealed, open, open_blob, seal, seal_blob};
pub use scrub::with_clean_stack;
pub use secret::Key32;
pub use signing::ed25519_public;
pub use wrap::{KeyKind, UnwrapError, WRAPPED_LEN, WrapContext, Wrapped, WrappingKey, unwrap, wrap};

#[cfg(test)]
mod tests;
