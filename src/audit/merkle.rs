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

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;
    use proptest::prelude::*;

    use super::*;

    /// The definition of RFC 6962 section 2.1, word for word.
    fn mth(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => sha256(&[]),
            [leaf] => *leaf,
            _ => {
                let k = leaves.len().next_power_of_two() / 2;
                node_hash(&mth(&leaves[..k]), &mth(&leaves[k..]))
            }
        }
    }

    fn leaf(data: &[u8]) -> Hash {
        sha256(&[&[0], data])
    }

    fn frontier(leaves: &[Hash]) -> Frontier {
        let mut frontier = Frontier::new();
        leaves.iter().for_each(|leaf| frontier.push(*leaf));
        frontier
    }

    #[test]
    fn has_the_roots_of_the_certificate_transparency_reference() {
        let leaves =
            ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
        let roots = [
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ];
        let leaves = leaves.map(|hex| leaf(&HEXLOWER.decode(hex.as_bytes()).unwrap()));
        for (size, root) in roots.iter().enumerate() {
            assert_eq!(frontier(&leaves[..size]).root().to_string(), *root, "size {size}");
        }
    }

    #[test]
    fn has_the_defined_root_at_every_size_and_reads_back() {
        let leaves: Vec<Hash> = (0..300_u32).map(|i| leaf(&i.to_be_bytes())).collect();
        let mut frontier = Frontier::new();
        for size in 0..=leaves.len() {
            assert_eq!(frontier.size(), size as u64);
            assert_eq!(frontier.root(), mth(&leaves[..size]), "size {size}");
            assert_eq!(Frontier::decode(&frontier.encode()).unwrap(), frontier);
            leaves.get(size).into_iter().for_each(|leaf| frontier.push(*leaf));
        }
    }

    #[test]
    fn encodings_of_another_length_or_version_are_refused() {
        let bytes = frontier(&[leaf(b"a"), leaf(b"b"), leaf(b"c")]).encode();
        for length in 0..bytes.len() {
            assert_eq!(Frontier::decode(&bytes[..length]), Err(FrontierError::Length), "{length}");
        }
        assert_eq!(Frontier::decode(&[&bytes[..], &[0; 32]].concat()), Err(FrontierError::Length));
        assert_eq!(Frontier::decode(&[&[2], &bytes[1..]].concat()), Err(FrontierError::Version(2)));
        let mut other_size = bytes;
        other_size[8] = 7;
        assert_eq!(Frontier::decode(&other_size), Err(FrontierError::Length));
    }

    proptest! {
        #[test]
        fn root_is_the_definition_after_a_restart_anywhere(
            leaves in proptest::collection::vec(any::<[u8; 32]>(), 0..300),
            restart in any::<proptest::sample::Index>(),
        ) {
            let leaves: Vec<Hash> = leaves.into_iter().map(Hash::from).collect();
            let at = restart.index(leaves.len() + 1);
            let mut frontier = Frontier::decode(&frontier(&leaves[..at]).encode()).unwrap();
            leaves[at..].iter().for_each(|leaf| frontier.push(*leaf));
            prop_assert_eq!(frontier.root(), mth(&leaves));
        }
    }
}
