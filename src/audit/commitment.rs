//! The commitment of an audit entry to one record's content.

use super::hash::sha256;

/// Returns `SHA-256(opening | canonical record)`, which stands in the leaf of the append's entry. A file stands in the
/// record by its hash alone (`domain::Record::committed`).
///
/// `opening` is 32 random bytes that are sealed together with the record and come out only with it: who holds the
/// opened record can prove that this was its content, and once the record's key is destroyed nobody can test a guess.
///
/// # Security
///
/// An opening is used for one record only; two records under one opening show whether they are equal. The opening
/// stands first and has a fixed length, so the split between the two inputs is never in doubt.
pub fn commitment(opening: &[u8; 32], canonical_record: &[u8]) -> [u8; 32] {
    *sha256(&[opening, canonical_record]).as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_sha256_of_opening_then_record() {
        // printf '%032d{"text":"hi"}' 0 | sha256sum
        let commitment = commitment(&[b'0'; 32], br#"{"text":"hi"}"#);
        assert_eq!(
            data_encoding::HEXLOWER.encode(&commitment),
            "82ce888432e4c941e4881b2befdb636b976bdf8217983d4c0e188a9daefd82fc"
        );
    }

    #[test]
    fn depends_on_every_bit_of_the_opening() {
        let base = commitment(&[7; 32], b"record");
        for bit in 0..256 {
            let mut opening = [7; 32];
            opening[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(commitment(&opening, b"record"), base, "bit {bit}");
        }
    }
}
