//! The checksum that GitHub and npm put at the end of their tokens: CRC-32 (IEEE 802.3) of the 30 characters before it, as six
//! base-62 digits.
//!
//! See <https://github.blog/engineering/behind-githubs-new-authentication-token-formats/>.

/// Returns whether the last six of the 36 characters of `body` are the checksum of those before.
pub(crate) fn holds(body: &[u8]) -> bool {
    body.len() == 36 && base62(crc32(&body[..30])) == body[30..]
}

/// Returns the checksum as GitHub writes it: six digits of base 62, the highest first.
pub(crate) fn base62(mut value: u32) -> [u8; 6] {
    let mut digits = [b'0'; 6];
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS[(value % 62) as usize];
        value /= 62;
    }
    digits
}

/// Returns the CRC-32 of IEEE 802.3, bit by bit: it is asked for thirty bytes at a time, and rarely.
pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 };
    !bytes.iter().fold(!0u32, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_value_of_the_standard_holds() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
    }

    #[test]
    fn a_body_with_its_checksum_holds_and_a_changed_one_does_not() {
        let random = b"abcdefghijklmnopqrstuvwxyz0123";
        let mut body = [&random[..], &base62(crc32(random))].concat();
        assert!(holds(&body));
        body[3] = b'X';
        assert!(!holds(&body));
    }
}
