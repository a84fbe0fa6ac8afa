//! Italy: fiscal codes, VAT numbers and papers.

use super::super::super::Class;
use super::checks::{base36, luhn, uniform};
use super::rules::{Rule, rule};

pub(super) const RULES: &[Rule] = &[
    rule(Class::ItDriverLicense, "it_driver_license", &["AA9999999A"], |_| true).alone(50),
    rule(Class::ItDriverLicense, "it_driver_license_u1", &["u1*******A"], |signs| {
        !signs[2..9].iter().any(|sign| b"AEIOQV".contains(sign))
    }),
    rule(Class::ItFiscalCode, "it_fiscal_code", &["AAAAAA_**A**_A***A"], |signs| fiscal(signs) && control(signs))
        .checked()
        .alone(90),
    rule(Class::ItFiscalCode, "it_fiscal_code_form", &["AAAAAA_**A**_A***A"], fiscal).alone(60),
    rule(Class::ItIdentityCard, "it_identity_card", &["AA_9999999", "AA99999AA", "9999999AA"], |_| true),
    rule(Class::ItPassport, "it_passport", &["AA9999999"], |_| true),
    rule(Class::ItVatCode, "it_vat_code", &["99999999999"], vat).checked(),
    rule(Class::ItVatCode, "it_vat_code_prefixed", &["it_99999999999"], |signs| vat(&signs[2..])).checked().alone(75),
];

/// Fiscal codes (DPR 605/1973, DM 23.12.1976): six letters of the names, year, letter of the month, day (plus 40 for women), and the
/// place; where two persons would have the same one, digits turn into letters L to V.
/// <https://www.agenziaentrate.gov.it/portale/web/guest/schede/istanze/richiesta-ts_cf/informazioni-codificazione-pf>
fn fiscal(signs: &[u8]) -> bool {
    let value = |at: usize| match signs[at] {
        byte @ b'0'..=b'9' => Some(u32::from(byte - b'0')),
        byte => b"LMNPQRSTUV".iter().position(|letter| *letter == byte).map(|at| at as u32),
    };
    let numbers = [6, 7, 9, 10, 12, 13, 14].into_iter().all(|at| value(at).is_some());
    let day = value(9).zip(value(10)).map_or(0, |(tens, ones)| tens * 10 + ones);
    numbers && b"ABCDEHLMPRST".contains(&signs[8]) && matches!(day, 1..=31 | 41..=71)
}

/// The control letter: even places count as they are, odd ones by a table, modulus 26. The same source.
fn control(signs: &[u8]) -> bool {
    let even = |byte: u8| if byte.is_ascii_digit() { base36(byte) } else { base36(byte) - 10 };
    let odd = |byte: u8| ODD[even(byte) as usize];
    let sum: u32 =
        signs[..15].iter().enumerate().map(|(at, byte)| if at % 2 == 0 { odd(*byte) } else { even(*byte) }).sum();
    sum % 26 + 10 == base36(signs[15])
}

const ODD: [u32; 26] = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];

/// VAT numbers (partita IVA): eleven digits that pass the Luhn check. <https://www.agenziaentrate.gov.it>
fn vat(digits: &[u8]) -> bool {
    !uniform(digits) && luhn(digits)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{only_named, stands, wrong};
    use crate::redaction::Class;

    #[test]
    fn fiscal_codes() {
        stands(Class::ItFiscalCode, &["RSSMRA85T10A562S", "RSSMRA 85T10 A562S", "RSSMRA85T50A562B"]);
        wrong(Class::ItFiscalCode, &["RSSMRA85F10A562S", "RSSMRA85T32A562S", "R5SMRA85T10A562S"]);
    }

    #[test]
    fn vat_numbers() {
        only_named(Class::ItVatCode, "partita IVA", &["12345678903"]);
        stands(Class::ItVatCode, &["IT12345678903"]);
        wrong(Class::ItVatCode, &["12345678904", "00000000000"]);
    }

    #[test]
    fn papers() {
        stands(Class::ItDriverLicense, &["MI1234567X"]);
        only_named(Class::ItDriverLicense, "patente", &["U1B2C3D4FZ"]);
        wrong(Class::ItDriverLicense, &["U1A2C3D4FZ", "MI123456X"]);
        only_named(Class::ItIdentityCard, "carta d'identità", &["CA12345BC", "AX1234567"]);
        only_named(Class::ItPassport, "passaporto", &["YA1234567"]);
        wrong(Class::ItPassport, &["YA123456", "Y12345678"]);
    }
}
