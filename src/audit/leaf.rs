//! From an entry and its commitments to a leaf of the tree.

use ring::digest::{Context, SHA256};

use super::hash::{Hash, finish};

/// Most commitments one leaf can carry.
///
/// [tlog-tiles](https://c2sp.org/tlog-tiles#log-entries) gives a leaf's length 16 bits: an entry of 512 bytes, the
/// separator and this many commitments are 65,505 bytes. A batch of appends is bounded far below (1,000 records).
pub const MAX_COMMITMENTS: usize = (u16::MAX as usize - super::MAX_ENTRY_BYTES - 1) / 32;

/// Returns the leaf hash: `SHA-256(0x00 | canonical entry | 0x0A | commitments)`.
///
/// This is [RFC 6962 section 2.1](https://www.rfc-editor.org/rfc/rfc6962#section-2.1) over the leaf data
/// `canonical | 0x0A | commitments`. Canonical JSON never holds 0x0A, so the first one in the leaf data ends the entry;
/// what follows is cut every 32 bytes. The number of commitments must be the entry's `counts.records` (0 when absent):
/// [`Verifier`](super::Verifier) refuses a log in which it is not.
pub fn leaf_hash(canonical: &[u8], commitments: &[[u8; 32]]) -> Hash {
    let mut context = Context::new(&SHA256);
    context.update(&[LEAF_PREFIX]);
    context.update(canonical);
    context.update(&[SEPARATOR]);
    context.update(commitments.as_flattened());
    finish(context)
}

/// RFC 6962's prefix of a leaf, so that no leaf is also a node.
const LEAF_PREFIX: u8 = 0x00;
/// Ends the entry within the leaf data.
const SEPARATOR: u8 = 0x0a;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::hash::sha256;

    #[test]
    fn is_rfc_6962_over_the_concatenation() {
        let commitments = [[0xaa; 32], [0xbb; 32]];
        let data = [b"{}\n".as_slice(), &[0xaa; 32], &[0xbb; 32]].concat();
        assert_eq!(leaf_hash(b"{}", &commitments), sha256(&[&[0], &data]));
        assert_eq!(leaf_hash(b"{}", &[]), sha256(&[b"\0{}\n"]));
    }

    #[test]
    fn order_and_number_of_commitments_count() {
        let (a, b) = ([1; 32], [2; 32]);
        let hashes = [&[][..], &[a], &[b], &[a, b], &[b, a], &[a, a]].map(|c| leaf_hash(b"{}", c));
        for (i, x) in hashes.iter().enumerate() {
            assert!(hashes[i + 1..].iter().all(|y| x != y), "{i}");
        }
    }
}
