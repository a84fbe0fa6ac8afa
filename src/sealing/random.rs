//! The only place in the program that draws randomness, all of it from the operating system through `ring`.
//!
//! Everywhere else the calls are banned by `clippy.toml`.

use ring::rand::{SecureRandom, SystemRandom};
use uuid::Uuid;

use super::secret::Key32;

/// Fills a buffer with random bytes.
///
/// # Panics
///
/// When the operating system has no randomness to give. There is nothing honest left to do then: a vault that went on
/// would seal under guessable keys.
pub fn fill(into: &mut [u8]) {
    #[expect(clippy::disallowed_methods, reason = "this module is the one place that draws randomness")]
    let source = SystemRandom::new();
    source.fill(into).expect("the operating system's random number generator failed");
}

/// Draws a new 32-byte key, straight into wiped storage.
///
/// # Panics
///
/// As [`fill`].
#[must_use]
pub fn key32() -> Key32 {
    Key32::init_with(|into| fill(into))
}

/// Draws `N` random bytes that are no secret: a salt, a nonce, an id.
///
/// # Panics
///
/// As [`fill`].
#[must_use]
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    fill(&mut bytes);
    bytes
}

/// Makes a time-ordered UUID (version 7, [RFC 9562 section 5.7]) from milliseconds since the Unix epoch.
///
/// 74 bits are random; two of the same millisecond are in no particular order.
///
/// # Panics
///
/// As [`fill`].
///
/// [RFC 9562 section 5.7]: https://www.rfc-editor.org/rfc/rfc9562#section-5.7
#[must_use]
pub fn uuid_v7(unix_ms: u64) -> Uuid {
    uuid::Builder::from_unix_timestamp_millis(unix_ms, &bytes()).into_uuid()
}

/// Makes a random UUID (version 4): 122 random bits, nothing of the time in it.
///
/// # Panics
///
/// As [`fill`].
#[must_use]
pub fn uuid_v4() -> Uuid {
    uuid::Builder::from_random_bytes(bytes()).into_uuid()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn draws_do_not_repeat() {
        let drawn: HashSet<[u8; 24]> = (0..1_000).map(|_| bytes()).collect();
        assert_eq!(drawn.len(), 1_000);
        assert!(!key32().ct_eq(&key32()));
    }

    #[test]
    fn uuids_carry_version_and_time() {
        let unix_ms = 0x0193_4567_89AB;
        let id = uuid_v7(unix_ms);
        assert_eq!(id.get_version_num(), 7);
        assert_eq!(id.as_bytes()[..6], unix_ms.to_be_bytes()[2..]);
        assert_eq!(uuid_v4().get_version_num(), 4);
        assert!(uuid_v7(unix_ms) < uuid_v7(unix_ms + 1));
        assert_ne!(uuid_v7(unix_ms), uuid_v7(unix_ms));
    }
}
