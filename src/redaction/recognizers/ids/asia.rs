//! The Philippines, Singapore, Thailand and Turkey.

use super::super::super::Class;
use super::checks::{base36, digit, number, uniform, weighted};
use super::rules::{Rule, rule};

pub(super) const RULES: &[Rule] = &[
    rule(Class::PhTin, "ph_tin", &["999_999_999", "999_999_999_999", "999_999_999_99999"], tin).checked(),
    rule(Class::SgNricFin, "sg_nric_fin", &["A9999999A"], nric).checked().alone(75),
    rule(Class::SgUen, "sg_uen", &["A99**9999A"], |signs| b"RST".contains(&signs[0]) && uen_other(signs))
        .checked()
        .alone(75),
    rule(Class::SgUen, "sg_uen_company", &["999999999A"], uen_company).checked().alone(55),
    rule(Class::SgUen, "sg_uen_business", &["99999999A"], uen_business).checked(),
    rule(Class::ThTnin, "th_tnin", &["9-9999-99999-99-9"], thai).checked().alone(75),
    rule(Class::ThTnin, "th_tnin_bare", &["9999999999999"], thai).checked(),
    rule(Class::TrLicensePlate, "tr_license_plate", &["99_AA?A?_99?9?9?9?"], plate),
    rule(Class::TrNationalId, "tr_national_id", &["99999999999"], turkish).checked().alone(55),
];

/// Taxpayer numbers: weights 9 to 2 over eight digits, modulus 11, is the ninth; then perhaps the branch.
/// <https://www.bir.gov.ph>
fn tin(digits: &[u8]) -> bool {
    weighted(&digits[..8], &[9, 8, 7, 6, 5, 4, 3, 2]) % 11 == digit(digits[8]) && !uniform(&digits[..9])
}

/// NRIC and FIN: S, T, F, G or M, seven digits, weights 2 7 6 5 4 3 2, a letter by modulus 11 (T and G add 4, M adds 3).
/// <https://www.ica.gov.sg>; the tables as the Singapore government's own validators have them
fn nric(signs: &[u8]) -> bool {
    let sum = weighted(&signs[1..8], &[2, 7, 6, 5, 4, 3, 2]);
    let (add, letters) = match signs[0] {
        b'S' => (0, b"JZIHGFEDCBA"),
        b'T' => (4, b"JZIHGFEDCBA"),
        b'F' => (0, b"XWUTRQPNMLK"),
        b'G' => (4, b"XWUTRQPNMLK"),
        b'M' => (3, b"XWUTRQPNJLK"),
        _ => return false,
    };
    letters[(sum + add) as usize % 11] == signs[8]
}

/// Entity numbers of businesses: eight digits and a letter. <https://www.uen.gov.sg/ueninternet/faces/pages/admin/aboutUEN.jspx>
fn uen_business(signs: &[u8]) -> bool {
    b"XMKECAWLJDB"[weighted(&signs[..8], &[10, 4, 9, 3, 8, 2, 7, 1]) as usize % 11] == signs[8]
}

/// Entity numbers of local companies: the year, five digits and a letter. The same source.
fn uen_company(signs: &[u8]) -> bool {
    let year = matches!(number(&signs[..4]), 1800..=2099);
    year && b"ZKCMDNERGWH"[weighted(&signs[..9], &[10, 8, 6, 4, 9, 7, 5, 3, 1]) as usize % 11] == signs[9]
}

/// Entity numbers of all others: R, S or T for the century, year, kind of entity, four digits and a letter. The same source.
fn uen_other(signs: &[u8]) -> bool {
    const ALPHABET: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWX0123456789";
    let value = |sign: &u8| ALPHABET.iter().position(|one| one == sign);
    let values: Option<Vec<usize>> = signs[..9].iter().map(value).collect();
    let Some(values) = values else { return false };
    let sum: usize = values.iter().zip([4, 3, 5, 3, 10, 2, 2, 5, 7]).map(|(value, weight)| value * weight).sum();
    signs[3].is_ascii_alphabetic() && base36(signs[1]) < 10 && ALPHABET[(sum + 6) % 11] == signs[9]
}

/// Identification numbers: kind 1 to 8, province, weights 13 to 2, modulus 11. <https://www.bora.dopa.go.th>
fn thai(digits: &[u8]) -> bool {
    let province = matches!(number(&digits[1..3]), 10..=27 | 30..=49 | 50..=58 | 60..=67 | 70..=77 | 80..=86 | 90..=96);
    let check = (11 - weighted(digits, &[13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11) % 10;
    matches!(digits[0], b'1'..=b'8') && province && !uniform(digits) && check == digit(digits[12])
}

/// Plates: province 01 to 81, then one letter and four or five digits, two and three or four, or three and two to four.
/// <https://www.egm.gov.tr>, Karayolları Trafik Yönetmeliği, article 53
fn plate(signs: &[u8]) -> bool {
    let letters = signs[2..].iter().take_while(|sign| sign.is_ascii_alphabetic()).count();
    let digits = signs.len() - 2 - letters;
    let sized = matches!((letters, digits), (1, 3..=5) | (2, 3..=4) | (3, 2..=4));
    sized && matches!(number(&signs[..2]), 1..=81) && !signs.iter().any(|sign| b"QWX".contains(sign))
}

/// Identification numbers: no zero in front; the tenth digit is 7 times the odd places less the even ones, the eleventh the sum of the ten.
/// <https://tckimlik.nvi.gov.tr>
fn turkish(digits: &[u8]) -> bool {
    let odd = weighted(digits, &[1, 0, 1, 0, 1, 0, 1, 0, 1]);
    let even = weighted(digits, &[0, 1, 0, 1, 0, 1, 0, 1, 0]);
    let tenth = (odd * 7 + 100 - even) % 10;
    digits[0] != b'0' && tenth == digit(digits[9]) && (odd + even + tenth) % 10 == digit(digits[10])
}

#[cfg(test)]
mod tests {
    use super::super::testing::{only_named, stands, wrong};
    use crate::redaction::Class;

    #[test]
    fn philippines() {
        only_named(Class::PhTin, "TIN", &["123-456-782", "123456782", "123-456-782-000"]);
        wrong(Class::PhTin, &["123-456-783", "12345678"]);
    }

    #[test]
    fn singapore() {
        stands(Class::SgNricFin, &["S1234567D", "T0234567B", "M1234567K"]);
        wrong(Class::SgNricFin, &["S1234567E", "A1234567D"]);
        stands(Class::SgUen, &["T08LL1234H", "201012345D"]);
        only_named(Class::SgUen, "UEN", &["12345678M"]);
        wrong(Class::SgUen, &["T08LL1234A", "201012345A", "12345678A"]);
    }

    #[test]
    fn thailand() {
        stands(Class::ThTnin, &["1-1018-00216-31-6"]);
        only_named(Class::ThTnin, "เลขประจำตัวประชาชน", &["1101800216316"]);
        wrong(Class::ThTnin, &["1101800216315", "1281800216314", "9101800216314"]);
    }

    #[test]
    fn turkey() {
        stands(Class::TrNationalId, &["12345678950"]);
        wrong(Class::TrNationalId, &["12345678951", "02345678950", "1234567895"]);
        only_named(Class::TrLicensePlate, "plaka", &["34 AB 1234", "06 ABC 45", "35A12345"]);
        wrong(Class::TrLicensePlate, &["82 AB 123", "34 WAB 123", "34 AB 12"]);
    }
}
