//! The audit log, pure: bytes in, bytes out, no clock, no randomness, no storage.
//!
//! One [RFC 6962](https://www.rfc-editor.org/rfc/rfc6962#section-2.1) Merkle log per tenant and one `system` log; the
//! formats on the outside are C2SP's, so that verifiers nobody here wrote can check them. `docs/audit.md` says all of
//! it in words.
//!
//! | to do this | use |
//! |---|---|
//! | say what happened | [`Entry::builder`], [`Phase`], [`Decision`], [`Count`], [`PolicyKind`] |
//! | commit to a record's content without showing it | [`commitment()`] |
//! | turn an entry and its commitments into a leaf | [`leaf_hash`] |
//! | keep the right edge of a tree between two commits | [`Frontier`] |
//! | sign a tree head, check a signed one | [`Checkpoint`], [`LogSigner`], [`LogVerifier`] |
//! | read a whole log again and find what was done to it | [`Verifier`] |
//!
//! A write goes `Entry` -> [`leaf_hash`] -> [`Frontier::push`] -> (every second or 1,024 entries) [`LogSigner::sign`].
//! Inclusion and consistency proofs will live in `proof`, C2SP tiles in `tile`, cosignatures in `witness`.

mod builder;
mod canonical;
mod charset;
mod checkpoint;
mod commitment;
mod entry;
mod hash;
mod leaf;
mod merkle;
mod note;
mod verifier;
mod vocabulary;

pub use builder::EntryBuilder;
pub use checkpoint::{Checkpoint, LogSigner, LogVerifier, origin};
pub use commitment::commitment;
pub use entry::{Entry, EntryError, MAX_ENTRY_BYTES, MAX_INTEGER};
pub use hash::Hash;
pub use leaf::{MAX_COMMITMENTS, leaf_hash};
pub use merkle::{Frontier, FrontierError, node_hash};
pub use note::NoteError;
pub use verifier::{LogItem, Report, Verifier, VerifyError};
pub use vocabulary::{Count, Decision, Phase, PolicyKind};
