//! The life of keys: made, activated, rotated, re-wrapped, destroyed, cached.
//!
//! ```text
//! root slot -> epoch key -> tenant KEK vN -> bucket KEK -> segment DEK -> record
//!                       \-> log key      \-> index key \-> conversation key -> metadata, pseudonyms
//! ```
//!
//! | to do this | use |
//! |---|---|
//! | make a vault's first keys | [`initialise`] |
//! | open a vault | [`KeyRing::unlock`] with a [`roots::Root`] |
//! | seal or open a record | [`KeyRing::segment_for`], [`KeyRing::open_segment`] |
//! | rotate a tenant's key | [`KeyRing::rotate`] |
//! | let a day run out | [`KeyRing::destroy_buckets`] |
//! | replace the key of a segment | [`KeyRing::next_segment`], [`KeyRing::destroy_segments`] |
//! | have nothing of a tenant in memory | [`KeyRing::shut`] |

mod buckets;
mod cache;
mod contexts;
mod conversations;
mod error;
mod init;
mod replace;
mod ring;
pub mod roots;
mod rotate;
mod shut;
mod tenants;

pub use cache::CacheLimits;
pub use conversations::{ConversationSecrets, OpenedSegment, Segment};
pub use error::{KeyError, RootError};
pub use init::initialise;
pub use ring::KeyRing;
pub use rotate::Rotated;
