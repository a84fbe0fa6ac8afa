//! India: Aadhaar, tax, passports, voters and vehicles.

use super::super::super::Class;
use super::checks::{base36, number, verhoeff};
use super::rules::{Rule, rule};

pub(super) const RULES: &[Rule] = &[
    rule(Class::InAadhaar, "in_aadhaar", &["9999-9999-9999"], aadhaar).checked().alone(60).separators(" -:"),
    rule(Class::InAadhaar, "in_aadhaar_bare", &["999999999999"], aadhaar).checked(),
    rule(Class::InGstin, "in_gstin", &["99AAAAA9999A*z*"], |signs| gstin(signs) && gstin_check(signs))
        .checked()
        .alone(85),
    rule(Class::InGstin, "in_gstin_form", &["99AAAAA9999A*z*"], gstin).alone(65),
    rule(Class::InPan, "in_pan", &["AAAAA9999A"], pan).alone(65),
    rule(Class::InPan, "in_pan_named", &["AAAAA9999A"], |_| true),
    rule(Class::InPassport, "in_passport", &["A99_99999"], passport),
    rule(Class::InVehicleRegistration, "in_vehicle", &["AA_99_AA?A?_9999"], vehicle).alone(60),
    rule(Class::InVehicleRegistration, "in_vehicle_short", &["AA_99?_AA?A?_99?9?9?", "AA9999"], vehicle),
    rule(Class::InVehicleRegistration, "in_vehicle_bharat", &["99_bh_9999_AA?"], |_| true).alone(60),
    rule(Class::InVoter, "in_voter", &["AAA9999999"], |_| true),
];

/// Aadhaar: twelve digits from 2 on, the last a Verhoeff check digit, and no palindrome.
/// <https://uidai.gov.in/images/resource/UIDAI_Circular_for_Aadhaar_Number_Format.pdf>
fn aadhaar(digits: &[u8]) -> bool {
    digits[0] >= b'2' && verhoeff(digits) && !digits.iter().eq(digits.iter().rev())
}

/// Tax numbers of goods and services: state, PAN, entity, Z, check sign. <https://services.gst.gov.in/services/gstlaw/gstlawlist>
fn gstin(signs: &[u8]) -> bool {
    matches!(number(&signs[..2]), 1..=38 if signs[..2] != *b"38") && signs[12] != b'0'
        || matches!(&signs[..2], b"97" | b"99")
}

/// The check sign: factors 1 and 2 in base 36, the digits of each product added, modulus 36.
fn gstin_check(signs: &[u8]) -> bool {
    let product = |(at, byte): (usize, &u8)| base36(*byte) * (1 + at as u32 % 2);
    let sum: u32 = signs[..14].iter().enumerate().map(product).map(|value| value / 36 + value % 36).sum();
    (36 - sum % 36) % 36 == base36(signs[14])
}

/// Permanent account numbers: the fourth letter is the kind of holder (Rule 114 of the Income-tax Rules).
/// <https://incometaxindia.gov.in>, PAN structure
fn pan(signs: &[u8]) -> bool {
    b"ABCFGHJKLPTE".contains(&signs[3])
}

/// Passports: letter without Q, X, Z, then seven digits, neither the first nor the last a zero.
/// <https://www.passportindia.gov.in>
fn passport(signs: &[u8]) -> bool {
    !b"QXZ".contains(&signs[0]) && signs[1] != b'0' && signs[7] != b'0'
}

/// Registration marks (Central Motor Vehicles Rules, rule 50): state, district, series, number.
/// <https://morth.nic.in>
fn vehicle(signs: &[u8]) -> bool {
    std::str::from_utf8(&signs[..2]).is_ok_and(|state| STATES.split(' ').any(|one| one == state))
}

const STATES: &str = "AN AP AR AS BR CG CH DD DL DN GA GJ HP HR JH JK KA KL LA LD MH ML MN MP MZ NL OD OR PB PY RJ SK TN TR TS TG UA UK UP WB";

#[cfg(test)]
mod tests {
    use super::super::testing::{only_named, stands, wrong};
    use crate::redaction::Class;

    #[test]
    fn aadhaar_numbers() {
        stands(Class::InAadhaar, &["2341 2341 2346", "2341-2341-2346"]);
        only_named(Class::InAadhaar, "Aadhaar", &["234123412346"]);
        wrong(Class::InAadhaar, &["2341 2341 2347", "1341 2341 2346", "2341234123460"]);
    }

    #[test]
    fn taxes() {
        stands(Class::InPan, &["BNZPM2501F"]);
        only_named(Class::InPan, "PAN card", &["BNZDM2501F", "bnzpm2501f"]);
        wrong(Class::InPan, &["BNZP2501FM", "BNZPM25011"]);
        stands(Class::InGstin, &["27AAPFU0939F1ZV", "29BNZPM2501F1Z5"]);
        wrong(Class::InGstin, &["38AAPFU0939F1ZV", "27AAPFU0939F1YV", "00AAPFU0939F1ZV"]);
    }

    #[test]
    fn papers_and_vehicles() {
        only_named(Class::InPassport, "passport", &["K1234567"]);
        wrong(Class::InPassport, &["K0234567", "K1234560", "Q1234567"]);
        only_named(Class::InVoter, "voter id", &["ABC1234567"]);
        wrong(Class::InVoter, &["AB12345678", "ABC123456"]);
        stands(Class::InVehicleRegistration, &["KA05MH1234", "MH 12 DE 1433", "22 BH 1234 AA"]);
        only_named(Class::InVehicleRegistration, "vehicle", &["DL3CAB1234", "KL4567"]);
        wrong(Class::InVehicleRegistration, &["ZZ05MH1234", "KAAB1234"]);
    }
}
