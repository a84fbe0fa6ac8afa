//! Wallets of crypto currencies: base58check and bech32 addresses of Bitcoin and its kin, and Ethereum.

use std::ops::Range;

use ring::digest::{SHA256, digest};
use sha3::{Digest as _, Keccak256};

use super::super::super::Class;
use super::super::super::explain::Stage;
use super::super::super::scan::View;
use super::super::Hit;

/// Pushes the run of letters and digits `span` if it is an address that checks.
pub(super) fn find(view: &View<'_>, span: &Range<usize>, hits: &mut Vec<Hit>) {
    let text = &view.bytes[span.clone()];
    let judged = match text.len() {
        42 if text.starts_with(b"0x") => ethereum(&text[2..]),
        14..=90 if is_bech32_of_a_wallet(text) => bech32(text),
        26..=35 => base58check(text),
        _ => return,
    };
    let Some((rule, score, verdict)) = judged else { return };
    if !view.starts_clean(span.start) || !view.ends_clean(span.end) {
        return;
    }
    hits.push(Hit {
        class: Class::Crypto,
        rule,
        score,
        span: span.clone(),
        stage: Stage::Validate,
        verdict,
        word: None,
    });
}

type Judged = Option<(&'static str, u8, &'static str)>;

/// Base58 of a version byte, 20 bytes and the first 4 of their double SHA-256.
/// <https://en.bitcoin.it/wiki/Base58Check_encoding>
fn base58check(text: &[u8]) -> Judged {
    let mut bytes = [0u8; 25];
    for byte in text {
        let mut carry = BASE58.iter().position(|one| one == byte)?;
        for place in bytes.iter_mut().rev() {
            carry += usize::from(*place) * 58;
            *place = (carry % 256) as u8;
            carry /= 256;
        }
        if carry != 0 {
            return None;
        }
    }
    let (body, check) = bytes.split_at(21);
    let twice = digest(&SHA256, digest(&SHA256, body).as_ref());
    let holds = VERSIONS.contains(&body[0]) && twice.as_ref().starts_with(check);
    Some(("wallet_base58", if holds { 95 } else { 20 }, if holds { "base58check holds" } else { "base58check fails" }))
}

/// A human-readable part, `1`, and letters and digits of a set of 32 whose last six are a checksum (BIP 173; BIP 350 since version 1).
/// <https://github.com/bitcoin/bips/blob/master/bip-0350.mediawiki>
fn bech32(text: &[u8]) -> Judged {
    let lower = text.to_ascii_lowercase();
    let mixed = lower != text && text.to_ascii_uppercase() != text;
    let one = lower.iter().rposition(|byte| *byte == b'1')?;
    let values: Option<Vec<u32>> = lower[one + 1..].iter().map(value32).collect();
    let (values, human) = (values?, &lower[..one]);
    let expanded =
        human.iter().map(|byte| u32::from(byte >> 5)).chain([0]).chain(human.iter().map(|byte| u32::from(byte & 31)));
    let check = expanded.chain(values.iter().copied()).fold(1, step);
    let constant = if values.first() == Some(&0) { 1 } else { 0x2bc8_30a3 };
    let holds = !mixed && values.len() > 6 && check == constant;
    Some((
        "wallet_bech32",
        if holds { 95 } else { 20 },
        if holds { "bech32 checksum holds" } else { "bech32 checksum fails" },
    ))
}

fn is_bech32_of_a_wallet(text: &[u8]) -> bool {
    let begins = |human: &[u8]| text.get(..human.len()).is_some_and(|start| start.eq_ignore_ascii_case(human));
    begins(b"bc1") || begins(b"tb1") || begins(b"ltc1")
}

fn value32(byte: &u8) -> Option<u32> {
    b"qpzry9x8gf2tvdw0s3jn54khce6mua7l".iter().position(|one| one == byte).map(|at| at as u32)
}

/// One step of the BCH code of BIP 173.
fn step(check: u32, value: u32) -> u32 {
    let top = check >> 25;
    let shifted = (check & 0x1ff_ffff) << 5 ^ value;
    GENERATOR
        .iter()
        .enumerate()
        .fold(shifted, |check, (bit, term)| if top >> bit & 1 == 1 { check ^ term } else { check })
}

/// 20 bytes in hexadecimal; where they are of mixed case, the case is a checksum (ERC-55): capital where the hash of the small letters
/// has a nibble of 8 or more. <https://eips.ethereum.org/EIPS/eip-55>
fn ethereum(hex: &[u8]) -> Judged {
    if !hex.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let lower = hex.to_ascii_lowercase();
    let mixed = lower != hex && hex.to_ascii_uppercase() != hex;
    let hash = Keccak256::digest(&lower);
    let nibble = |at: usize| if at.is_multiple_of(2) { hash[at / 2] >> 4 } else { hash[at / 2] & 15 };
    let cased = |(at, byte): (usize, &u8)| byte.is_ascii_digit() || byte.is_ascii_uppercase() == (nibble(at) >= 8);
    let holds = !mixed || hex.iter().enumerate().all(cased);
    Some(("wallet_ethereum", if holds { 85 } else { 30 }, if holds { "20 bytes" } else { "ERC-55 checksum fails" }))
}

/// Bitcoin and Bitcoin Cash 0 and 5, Litecoin 48 and 50, Dogecoin 30 and 22, Dash 76 and 16, Tron 65, Bitcoin's test net 111 and 196.
const VERSIONS: [u8; 11] = [0, 5, 48, 50, 30, 22, 76, 16, 65, 111, 196];
const BASE58: &[u8] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const GENERATOR: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];

#[cfg(test)]
mod tests {
    use super::super::super::testing::found;
    use super::*;

    #[test]
    fn bitcoin_and_its_kin_check() {
        for address in [
            "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2",
            "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy",
            "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
            "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4",
            "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
        ] {
            assert_eq!(found(Class::Crypto, &format!("send it to {address}.")), [address]);
        }
    }

    #[test]
    fn one_wrong_sign_is_enough() {
        for text in [
            "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN3",
            "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5",
            "bc1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4",
            "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD",
            "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAe",
        ] {
            assert_eq!(found(Class::Crypto, text), [""; 0], "{text}");
        }
    }

    /// Of ERC-55: were the hash SHA3-256, or no check made at all, one of the two would be taken for the other.
    #[test]
    fn the_case_of_ethereum_is_of_the_older_hash() {
        let judged = |hex: &str| ethereum(hex.as_bytes()).map(|(_, score, _)| score);
        assert_eq!(judged("fB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"), Some(85));
        assert_eq!(judged("Fb6916095ca1df60bB79Ce92cE3Ea74c37c5d359"), Some(30));
    }

    #[test]
    fn ethereum_checks_its_case() {
        for address in ["0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed"] {
            assert_eq!(found(Class::Crypto, &format!("wallet {address}")), [address]);
        }
    }
}
