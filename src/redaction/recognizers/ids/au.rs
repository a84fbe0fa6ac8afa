//! Australia: businesses, companies, Medicare and tax.

use super::super::super::Class;
use super::checks::{digit, uniform, weighted};
use super::rules::{Rule, rule};

pub(super) const RULES: &[Rule] = &[
    rule(Class::AuAbn, "au_abn", &["99-999-999-999"], abn).checked().alone(60),
    rule(Class::AuAbn, "au_abn_bare", &["99999999999"], abn).checked(),
    rule(Class::AuAcn, "au_acn", &["999_999_999"], acn).checked(),
    rule(Class::AuMedicare, "au_medicare", &["9999_99999_9", "9999_99999_9/9"], medicare).checked(),
    rule(Class::AuTfn, "au_tfn", &["999_999_999", "99_999_999"], tfn).checked(),
];

/// Business numbers: 1 off the first digit, weights 10 1 3 5 7 9 11 13 15 17 19, modulus 89.
/// <https://abr.business.gov.au/Help/AbnFormat>
fn abn(digits: &[u8]) -> bool {
    let sum = weighted(digits, &[10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19]);
    digits[0] != b'0' && (sum - 10).is_multiple_of(89)
}

/// Company numbers: weights 8 to 1, the difference to the next ten.
/// <https://asic.gov.au/for-business/registering-a-company/steps-to-register-a-company/australian-company-numbers/australian-company-number-digit-check/>
fn acn(digits: &[u8]) -> bool {
    (10 - weighted(&digits[..8], &[8, 7, 6, 5, 4, 3, 2, 1]) % 10) % 10 == digit(digits[8]) && !uniform(digits)
}

/// Medicare numbers: 2 to 6 in front, weights 1 3 7 9 over eight digits give the ninth; then the issue, and perhaps the person.
/// <https://developer.digitalhealth.gov.au>, Healthcare identifiers, Medicare card number
fn medicare(signs: &[u8]) -> bool {
    let digits: Vec<u8> = signs.iter().copied().filter(u8::is_ascii_digit).collect();
    matches!(digits[0], b'2'..=b'6')
        && digits[9] != b'0'
        && weighted(&digits[..8], &[1, 3, 7, 9, 1, 3, 7, 9]) % 10 == digit(digits[8])
}

/// Tax file numbers: weights 1 4 3 7 5 8 6 9 10 (of eight digits 10 7 8 4 6 3 5 1), modulus 11.
/// <https://www.ato.gov.au/individuals-and-families/tax-file-number>
fn tfn(digits: &[u8]) -> bool {
    let weights: &[u32] = if digits.len() == 9 { &[1, 4, 3, 7, 5, 8, 6, 9, 10] } else { &[10, 7, 8, 4, 6, 3, 5, 1] };
    weighted(digits, weights).is_multiple_of(11) && !uniform(digits)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{only_named, stands, wrong};
    use crate::redaction::Class;

    #[test]
    fn businesses_and_companies() {
        stands(Class::AuAbn, &["83 914 571 673"]);
        only_named(Class::AuAbn, "ABN", &["83914571673"]);
        wrong(Class::AuAbn, &["83 914 571 674", "83 914 571 6733"]);
        only_named(Class::AuAcn, "ACN", &["004 085 616", "004085616"]);
        wrong(Class::AuAcn, &["004 085 617", "0040856167"]);
    }

    #[test]
    fn persons() {
        only_named(Class::AuMedicare, "Medicare", &["2951 64481 1", "2951644811", "2951 64481 1/2"]);
        wrong(Class::AuMedicare, &["2951 64487 1", "7951 64487 1"]);
        only_named(Class::AuTfn, "TFN", &["123 456 782", "123456782"]);
        wrong(Class::AuTfn, &["123 456 783", "000000000"]);
    }
}
