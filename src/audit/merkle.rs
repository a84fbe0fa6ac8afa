//! The Merkle tree of RFC 6962, held as its right edge only.

use super::hash::{Hash, sha256};

/// Returns the hash of an interior node: `SHA-256(0x01 | left | right)`
/// ([RFC 6962 section 2.1](https://www.rfc-editor.org/rfc/rfc6962#section-2.1)).
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    sha256(&[&[NODE_PREFIX], left.as_bytes(), right.as_bytes()])
}

/// The right edge of a growing tree: the roots of its perfect subtrees, largest first, one per set bit of its size.
///
/// This is all that is needed to append and to compute the root, O(log n) in memory and on disk. It is a plain value:
/// clone it, push the batch's leaves, store [`Frontier::encode`] in the same transaction, and swap the clone in after
/// the commit.
///
/// # Examples
///
/// ```
/// use subrosa::audit::{Frontier, leaf_hash};
///
/// let mut frontier = Frontier::new();
/// frontier.push(leaf_hash(b"{}", &[]));
/// assert_eq!(frontier.size(), 1);
/// assert_eq!(frontier.root(), leaf_hash(b"{}", &[]));
/// assert_eq!(Frontier::decode(&frontier.encode()).unwrap(), frontier);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    /// Roots of the perfect subtrees, largest (leftmost) first; `size.count_ones()` of them.
    subtrees: Vec<Hash>,
}

impl Frontier {
    /// The empty tree.
    pub fn new() -> Self {
        Self::default()
    }

    /// Number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Appends one leaf hash (from [`leaf_hash`](super::leaf_hash)).
    pub fn push(&mut self, leaf: Hash) {
        let mut node = leaf;
        let merges = self.size.trailing_ones();
        for left in self.subtrees.split_off(self.subtrees.len() - merges as usize).iter().rev() {
            node = node_hash(left, &node);
        }
        self.subtrees.push(node);
        self.size += 1;
    }

    /// The Merkle Tree Hash of all leaves; of an empty tree it is SHA-256 of nothing.
    pub fn root(&self) -> Hash {
        let right_to_left = self.subtrees.iter().rev().copied();
        right_to_left.reduce(|right, left| node_hash(&left, &right)).unwrap_or_else(|| sha256(&[]))
    }

    /// Bytes for the database: version (1), size (8, big-endian), subtree roots (32 each, largest first).
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER + self.subtrees.len() * Hash::LEN);
        bytes.push(VERSION);
        bytes.extend_from_slice(&self.size.to_be_bytes());
        for subtree in &self.subtrees {
            bytes.extend_from_slice(subtree.as_bytes());
        }
        bytes
    }

    /// Reads what [`Frontier::encode`] wrote.
    ///
    /// Any 32 bytes can be a hash, so this proves nothing about the content: compare [`Frontier::root`] with a signed
    /// checkpoint or the stored tree head.
    ///
    /// # Errors
    ///
    /// [`FrontierError`] when the version is unknown or the length is not the one the size demands.
    pub fn decode(bytes: &[u8]) -> Result<Self, FrontierError> {
        let (version, rest) = bytes.split_first().ok_or(FrontierError::Length)?;
        if *version != VERSION {
            return Err(FrontierError::Version(*version));
        }
        let (size, hashes) = rest.split_first_chunk::<8>().ok_or(FrontierError::Length)?;
        let size = u64::from_be_bytes(*size);
        let (hashes, tail) = hashes.as_chunks::<{ Hash::LEN }>();
        if !tail.is_empty() || hashes.len() != size.count_ones() as usize {
            return Err(FrontierError::Length);
        }
        Ok(Self { size, subtrees: hashes.iter().copied().map(Hash::from).collect() })
    }
}

/// Why stored bytes are no [`Frontier`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrontierError {
    /// The first byte is a version this code does not know.
    #[error("audit frontier has unknown version {0}")]
    Version(u8),
    /// There are more or fewer hashes than the size demands.
    #[error("audit frontier has a length that does not fit its size")]
    Length,
}

/// RFC 6962's prefix of an interior node, so that no node is also a leaf.
const NODE_PREFIX: u8 = 0x01;
/// Version of the encoding in the database.
const VERSION: u8 = 1;
/// Version and size.
const HEADER: usize = 1 + 8;
