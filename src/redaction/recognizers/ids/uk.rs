//! The United Kingdom: health, insurance, passports, driving licences, vehicles and postcodes.

use super::super::super::Class;
use super::checks::{digit, is_day, number, uniform, weighted};
use super::rules::{Rule, rule};

pub(super) const RULES: &[Rule] = &[
    rule(Class::UkDrivingLicence, "uk_driving_licence", &["*****_999999_***_AA"], licence).alone(80),
    rule(Class::UkNhs, "uk_nhs", &["999_999_9999"], nhs).checked(),
    rule(Class::UkNino, "uk_nino", &["AA_99_99_99_A"], nino).alone(75),
    rule(Class::UkPassport, "uk_passport", &["AA9999999"], |_| true),
    rule(Class::UkPassport, "uk_passport_digits", &["999999999"], |_| true).spoken(),
    rule(Class::UkPostcode, "uk_postcode", &["A*-9AA", "A**-9AA", "AA9*-9AA"], postcode)
        .checked()
        .alone(60)
        .separators(" "),
    rule(Class::UkPostcode, "uk_postcode_joined", &["A*9AA", "A**9AA", "AA9*9AA"], postcode).checked(),
    rule(Class::UkVehicleRegistration, "uk_vehicle_2001", &["AA99_AAA"], since_2001).alone(60).separators(" "),
    rule(Class::UkVehicleRegistration, "uk_vehicle_prefix", &["A99?9?_AAA"], |signs| marks_a_year(signs[0]))
        .separators(" "),
    rule(Class::UkVehicleRegistration, "uk_vehicle_suffix", &["AAA_99?9?A"], |signs| {
        signs.last().is_some_and(|last| marks_a_year(*last))
    })
    .separators(" "),
];

/// Driver numbers of Great Britain: five of the surname (filled with 9), decade of birth, month (plus 50 for women), day, year,
/// two initials (filled with 9), and three signs of the office.
/// <https://www.gov.uk/government/publications/inf1d-driving-licences-codes>
fn licence(signs: &[u8]) -> bool {
    if signs.len() != 16 {
        return false;
    }
    let filled = |part: &[u8]| {
        let letters = part.iter().take_while(|sign| sign.is_ascii_alphabetic()).count();
        part[letters..].iter().all(|sign| *sign == b'9')
    };
    let (month, day) = (number(&signs[6..8]) as u32, number(&signs[8..10]) as u32);
    let named = signs[0].is_ascii_alphabetic() && filled(&signs[..5]) && filled(&signs[11..13]);
    named && signs[14..].iter().all(u8::is_ascii_alphabetic) && is_day(if month > 50 { month - 50 } else { month }, day)
}

/// NHS numbers: weights 10 to 2, modulus 11. <https://www.datadictionary.nhs.uk/attributes/nhs_number.html>
fn nhs(digits: &[u8]) -> bool {
    let check = 11 - weighted(digits, &[10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11;
    !uniform(digits) && check % 11 == digit(digits[9]) && check != 10
}

/// National Insurance numbers: a prefix that is given, six digits, A to D.
/// <https://www.gov.uk/hmrc-internal-manuals/national-insurance-manual/nim39110>
fn nino(signs: &[u8]) -> bool {
    let prefix = &signs[..2];
    !prefix.iter().any(|letter| b"DFIQUV".contains(letter))
        && prefix[1] != b'O'
        && ![b"BG", b"GB", b"KN", b"NK", b"NT", b"TN", b"ZZ"].contains(&&[prefix[0], prefix[1]])
        && matches!(signs[8], b'A'..=b'D')
}

/// Postcodes: one of the areas, a district of one or two digits that a letter may follow, and the inward code, which has no C, I, K, M, O, V.
/// <https://www.gov.uk/government/publications/bulk-data-transfer-for-sponsors-xml-schema>, BS 7666
fn postcode(signs: &[u8]) -> bool {
    let (outward, inward) = signs.split_at(signs.len() - 3);
    let area = outward.iter().take_while(|sign| sign.is_ascii_alphabetic()).count();
    let district = &outward[area..];
    let numbered = match district {
        [a] => a.is_ascii_digit(),
        [a, b] => a.is_ascii_digit() && (b.is_ascii_digit() || !b"IJLOQZ".contains(b)),
        _ => false,
    };
    let known = || std::str::from_utf8(&outward[..area]).is_ok_and(|area| AREAS.split(' ').any(|one| one == area));
    let girobank = signs == b"GIR0AA";
    girobank || numbered && !inward[1..].iter().any(|letter| b"CIKMOV".contains(letter)) && known()
}

const AREAS: &str = "AB AL B BA BB BD BH BL BN BR BS BT BX CA CB CF CH CM CO CR CT CV CW DA DD DE DG DH DL DN DT DY E EC EH EN EX \
    FK FY G GL GU GY HA HD HG HP HR HS HU HX IG IM IP IV JE KA KT KW KY L LA LD LE LL LN LS LU M ME MK ML N NE NG NN NP NR NW OL OX \
    PA PE PH PL PO PR RG RH RM S SA SE SG SK SL SM SN SO SP SR SS ST SW SY TA TD TF TN TQ TR TS TW UB W WA WC WD WF WN WR WS WV YO ZE";

/// Marks since September 2001: area without I, Q, Z, age from 02 to 29 (March) or 51 to 79 (September), three letters without I and Q.
/// <https://www.gov.uk/government/publications/vehicle-registration-numbers-and-number-plates>
fn since_2001(signs: &[u8]) -> bool {
    let age = number(&signs[2..4]);
    !b"IQZ".contains(&signs[0])
        && !b"IQ".contains(&signs[1])
        && matches!(age, 2..=29 | 51..=79)
        && !signs[4..].iter().any(|letter| b"IQ".contains(letter))
}

/// The letter of the year of older marks: no I, O, Q, U, Z. The same source.
fn marks_a_year(letter: u8) -> bool {
    !b"IOQUZ".contains(&letter)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{only_named, stands, wrong};
    use crate::redaction::Class;

    #[test]
    fn driving_licences() {
        stands(Class::UkDrivingLicence, &["JONES710238H99AA", "FOX99 761151 JA9XY", "LEE99902293A99ZZ"]);
        wrong(
            Class::UkDrivingLicence,
            &["JONES713238H99AA", "JONES710338H99A", "9ONES710238H99AA", "JO9ES710238H99AA"],
        );
    }

    #[test]
    fn nhs_numbers() {
        only_named(Class::UkNhs, "NHS number", &["943 476 5919", "9434765919", "943-476-5919"]);
        wrong(Class::UkNhs, &["943 476 5918", "943476591", "0000000000"]);
    }

    #[test]
    fn national_insurance() {
        stands(Class::UkNino, &["AB 12 34 56 C", "JG103759A"]);
        only_named(Class::UkNino, "NI number", &["jg103759a"]);
        wrong(Class::UkNino, &["DB123456C", "AO123456C", "GB123456C", "AB123456E", "AB 12 34 5 C"]);
    }

    #[test]
    fn passports() {
        only_named(Class::UkPassport, "UK passport", &["AB1234567", "925665416"]);
        wrong(Class::UkPassport, &["AB123456", "925665416", "AB 1234567"]);
    }

    #[test]
    fn postcodes() {
        stands(Class::UkPostcode, &["LS1 4DY", "SW1A 2AA", "GIR 0AA", "DN55 1PT", "W1A 0AX"]);
        only_named(Class::UkPostcode, "postcode", &["LS14DY", "sw1a 2aa"]);
        wrong(Class::UkPostcode, &["QS1 4DY", "LS1 4CY", "XX1 1AA", "L 14DY", "LS1 44Y"]);
    }

    #[test]
    fn vehicles() {
        stands(Class::UkVehicleRegistration, &["LM19 XYZ", "KX71ABC"]);
        only_named(Class::UkVehicleRegistration, "number plate", &["P456 RTY", "ABC 12D"]);
        wrong(Class::UkVehicleRegistration, &["LM49 XYZ", "QM19 XYZ", "LM19 XQZ", "O456 RTY", "ABC 12Z"]);
    }
}
