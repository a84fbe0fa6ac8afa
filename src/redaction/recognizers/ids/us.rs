//! The United States: taxpayers, health care, banks, passports and driver's licences. Social security numbers are in `us_ssn`.

use super::super::super::Class;
use super::checks::{digit, luhn, number, uniform, weighted};
use super::rules::{Rule, rule};

pub(super) const RULES: &[Rule] = &[
    rule(Class::AbaRoutingNumber, "aba_routing_number", &["9999_9999_9"], aba).checked().separators("-"),
    rule(Class::MedicalLicense, "dea_number", &["A*_9999999"], dea).checked().separators("-"),
    rule(Class::UsItin, "us_itin", &["999-99-9999"], itin).alone(70),
    rule(Class::UsItin, "us_itin_bare", &["999999999"], itin),
    rule(Class::UsMbi, "us_mbi", &["9A**_A**_A*99"], mbi).alone(65),
    rule(Class::UsNpi, "us_npi", &["9999_999_999", "9999_99_9999"], npi).checked(),
    rule(Class::UsPassport, "us_passport", &["*99999999"], any),
    rule(Class::UsBankNumber, "us_bank_number", &["999999999?9?9?9?9?9?9?9?9?"], any),
    rule(
        Class::UsDriverLicense,
        "us_driver_license",
        &[
            "9999999?9?9?9?9?9?9?9?",
            "A9999999?9?9?9?9?9?9?9?9?",
            "AA999999?9?9?",
            "AAA9999999?9?9?9?9?9?9?",
            "99AAA99999",
            "wdl*********",
            "9999999A",
            "9A9999999999",
            "A999-999-99-9999?",
            "A999-999-99-999-9",
            "A999-9999-9999",
            "A9999-9999?9?-99999",
            "999-99-9999",
            "9999-99-9999",
            "99-999-9999",
            "999-999-999",
        ],
        any,
    ),
];

fn any(_: &[u8]) -> bool {
    true
}

/// Routing transit numbers of the American Bankers Association: a Federal Reserve prefix, and weights 3, 7, 1 over all nine
/// digits make a multiple of 10. <https://www.aba.com/about-us/routing-number>
fn aba(digits: &[u8]) -> bool {
    let prefix = number(&digits[..2]);
    matches!(prefix, 0..=12 | 21..=32 | 61..=72 | 80)
        && !uniform(digits)
        && weighted(digits, &[3, 7, 1, 3, 7, 1, 3, 7, 1]).is_multiple_of(10)
}

/// DEA registration numbers (21 CFR 1301): registrant type, first letter of the name or 9, six digits, and as check digit the
/// last one of d1 + d3 + d5 + 2 (d2 + d4 + d6). <https://www.deadiversion.usdoj.gov>
fn dea(signs: &[u8]) -> bool {
    let kinds = b"ABCDEFGHJKLMPRSTUX";
    let named = signs[1].is_ascii_alphabetic() || signs[1] == b'9';
    let sum = weighted(&signs[2..8], &[1, 2, 1, 2, 1, 2]);
    kinds.contains(&signs[0]) && named && !uniform(&signs[2..]) && sum % 10 == digit(signs[8])
}

/// Individual taxpayer numbers: 9xx, and a fourth and fifth digit of 50 to 65, 70 to 88, 90 to 92 or 94 to 99.
/// <https://www.irs.gov/irm/part3/irm_03-021-263r>
fn itin(digits: &[u8]) -> bool {
    let group = number(&digits[3..5]);
    digits[0] == b'9' && matches!(group, 50..=65 | 70..=88 | 90..=92 | 94..=99)
}

/// Medicare beneficiary identifiers: digit 1 to 9, then letter, either, digit, letter, either, digit, letter, letter, digit, digit;
/// no S, L, O, I, B, Z. <https://www.cms.gov/medicare/new-medicare-card/understanding-new-medicare-beneficiary-identifier-mbi>
fn mbi(signs: &[u8]) -> bool {
    let letter = |at: usize| signs[at].is_ascii_alphabetic();
    let digit = |at: usize| signs[at].is_ascii_digit();
    let placed = letter(1) && digit(3) && letter(4) && digit(6) && letter(7) && letter(8);
    signs[0] != b'0' && placed && !signs.iter().any(|sign| b"SLOIBZ".contains(sign))
}

/// National provider identifiers: ten digits from 1 or 2 on; with 80840 in front they pass the Luhn check (45 CFR 162.406).
/// <https://www.cms.gov/regulations-and-guidance/administrative-simplification/nationalprovidentstand>
fn npi(digits: &[u8]) -> bool {
    matches!(digits[0], b'1' | b'2') && !uniform(&digits[..9]) && luhn(&[b"80840", digits].concat())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{only_named, stands, wrong};
    use crate::redaction::Class;

    #[test]
    fn routing_numbers() {
        only_named(Class::AbaRoutingNumber, "routing number", &["021000021", "2713-0717-6"]);
        wrong(Class::AbaRoutingNumber, &["021000022", "501000020", "000000000", "0210000210"]);
    }

    #[test]
    fn dea_numbers() {
        only_named(Class::MedicalLicense, "DEA", &["AB1234563", "F91234563"]);
        wrong(Class::MedicalLicense, &["AB1234564", "YB1234563", "A11234563", "AB0000000"]);
    }

    #[test]
    fn taxpayer_numbers() {
        stands(Class::UsItin, &["912-70-1234", "999-88-0001"]);
        only_named(Class::UsItin, "ITIN", &["912701234"]);
        wrong(Class::UsItin, &["912-93-1234", "812-70-1234", "912-70-12345", "912-49-1234"]);
    }

    #[test]
    fn medicare_beneficiaries() {
        stands(Class::UsMbi, &["2AC4-TE5-MK72", "2AC4TE5MK72"]);
        wrong(Class::UsMbi, &["0AC4-TE5-MK72", "2SC4-TE5-MK72", "2AC4-TE5-M272", "2AC4TE5MK7"]);
    }

    #[test]
    fn providers() {
        only_named(Class::UsNpi, "NPI", &["1467560003", "1467-560-003"]);
        wrong(Class::UsNpi, &["1467560004", "3467560003", "146756000", "1111111112"]);
    }

    #[test]
    fn passports_accounts_and_licences_need_a_word() {
        only_named(Class::UsPassport, "passport", &["C12345678", "123456789"]);
        only_named(Class::UsBankNumber, "bank account", &["12345678", "000123456789"]);
        only_named(
            Class::UsDriverLicense,
            "driver's license",
            &["D1234567", "S123-4567-8901", "12345678", "WDLAB1234567"],
        );
        wrong(Class::UsBankNumber, &["1234567", "123456789012345678"]);
    }
}
