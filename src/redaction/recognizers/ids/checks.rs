//! The check-digit algorithms and dates that many identifiers share. Arguments are ASCII letters in capitals and digits.

/// Returns the value of a digit.
pub(super) fn digit(byte: u8) -> u32 {
    u32::from(byte.wrapping_sub(b'0'))
}

/// Returns the value of a digit or letter in base 36: A is 10.
pub(super) fn base36(byte: u8) -> u32 {
    if byte.is_ascii_digit() { digit(byte) } else { u32::from(byte.wrapping_sub(b'A')) + 10 }
}

/// Returns the number that the digits spell.
pub(super) fn number(digits: &[u8]) -> u64 {
    digits.iter().fold(0, |value: u64, byte| value.wrapping_mul(10).wrapping_add(u64::from(digit(*byte))))
}

/// Returns the sum of digits, each times its weight.
pub(super) fn weighted(digits: &[u8], weights: &[u32]) -> u32 {
    digits.iter().zip(weights).map(|(byte, weight)| digit(*byte) * weight).sum()
}

/// Returns whether the last digit is the Luhn check digit of the others (ISO/IEC 7812-1 annex B).
pub(super) fn luhn(digits: &[u8]) -> bool {
    let doubled = |value: u32| if value > 4 { value * 2 - 9 } else { value * 2 };
    let values = digits.iter().rev().map(|byte| digit(*byte)).enumerate();
    values.map(|(at, value)| if at % 2 == 1 { doubled(value) } else { value }).sum::<u32>() % 10 == 0
}

/// Returns whether the last digit is the Verhoeff check digit of the others (J. Verhoeff, *Error Detecting Decimal Codes*, 1969).
pub(super) fn verhoeff(digits: &[u8]) -> bool {
    let mut check = 0;
    for (at, byte) in digits.iter().rev().enumerate() {
        let permuted = (0..at % 8).fold(digit(*byte), |value, _| PERMUTATION[value as usize % 10]);
        check = dihedral(check, permuted);
    }
    check == 0
}

/// Multiplies in the dihedral group of the pentagon.
fn dihedral(a: u32, b: u32) -> u32 {
    match (a < 5, b < 5) {
        (true, true) => (a + b) % 5,
        (true, false) => (a + b - 5) % 5 + 5,
        (false, true) => (a - 5 + 5 - b) % 5 + 5,
        (false, false) => (a + 5 - b) % 5,
    }
}

const PERMUTATION: [u32; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];

/// Returns whether the last digit is the check digit of ISO/IEC 7064 MOD 11,10.
pub(super) fn mod_11_10(digits: &[u8]) -> bool {
    let Some((check, digits)) = digits.split_last() else { return false };
    let product = digits.iter().fold(10, |product, byte| {
        let sum = (digit(*byte) + product) % 10;
        (if sum == 0 { 10 } else { sum }) * 2 % 11
    });
    (11 - product) % 10 == digit(*check)
}

/// Returns whether the last digit is the check digit of a machine-readable document: weights 7, 3, 1 over the others, letters
/// from A = 10 (ICAO Doc 9303 part 3, 4.9).
pub(super) fn icao(signs: &[u8]) -> bool {
    let Some((check, signs)) = signs.split_last() else { return false };
    let sum: u32 = signs.iter().zip([7, 3, 1].into_iter().cycle()).map(|(byte, weight)| base36(*byte) * weight).sum();
    check.is_ascii_digit() && sum % 10 == digit(*check)
}

/// Returns the sum of the digits of `value`, which has two at most.
pub(super) fn cross(value: u32) -> u32 {
    value / 10 + value % 10
}

/// Returns whether all signs are the same.
pub(super) fn uniform(signs: &[u8]) -> bool {
    signs.windows(2).all(|pair| pair[0] == pair[1])
}

/// Returns whether there is such a day in that month; in February the 29th, as the century may not be known.
pub(super) fn is_day(month: u32, day: u32) -> bool {
    let last = match month {
        2 => 29,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    (1..=last).contains(&day)
}

/// Returns whether six digits are year, month and day.
pub(super) fn yymmdd(digits: &[u8]) -> bool {
    digits.len() == 6 && is_day(number(&digits[2..4]) as u32, number(&digits[4..6]) as u32)
}

/// Returns whether six digits are day, month and year.
pub(super) fn ddmmyy(digits: &[u8]) -> bool {
    digits.len() == 6 && is_day(number(&digits[2..4]) as u32, number(&digits[..2]) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn luhn_finds_every_wrong_digit() {
        assert!(luhn(b"79927398713"));
        assert!((b'0'..=b'9').filter(|last| luhn(&[b"7992739871", &[*last][..]].concat())).eq([b'3']));
    }

    #[test]
    fn verhoeff_finds_wrong_and_swapped_digits() {
        assert!(verhoeff(b"2363") && verhoeff(b"1428570"));
        assert!(!verhoeff(b"2364") && !verhoeff(b"2633") && !verhoeff(b"1428750"));
    }

    #[test]
    fn mod_11_10_holds_for_its_example() {
        // ISO/IEC 7064, 8.3: 0794 has the check digit 5.
        assert!(mod_11_10(b"07945"));
        assert!(!mod_11_10(b"07944") && !mod_11_10(b"07495"));
    }

    #[test]
    fn icao_holds_for_its_example() {
        // Doc 9303 part 3, appendix A: D23145890 has the check digit 7.
        assert!(icao(b"D231458907"));
        assert!(!icao(b"D231458906") && !icao(b"D23145890A"));
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        assert!(yymmdd(b"000229") && yymmdd(b"991231") && ddmmyy(b"310199"));
        assert!(!yymmdd(b"990231") && !yymmdd(b"991301") && !ddmmyy(b"310499") && !ddmmyy(b"000199"));
    }
}
