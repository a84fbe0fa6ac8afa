//! Nigeria and South Africa: persons and vehicles.

use super::super::super::Class;
use super::checks::{luhn, uniform, verhoeff, yymmdd};
use super::rules::{Rule, rule};

pub(super) const RULES: &[Rule] = &[
    rule(Class::NgNin, "ng_nin", &["99999999999"], |digits| !uniform(digits) && verhoeff(digits)).checked(),
    rule(Class::NgVehicleRegistration, "ng_vehicle", &["AAA-999AA"], |_| true).alone(60).separators("-"),
    rule(Class::NgVehicleRegistration, "ng_vehicle_joined", &["AAA_999_AA"], |_| true),
    rule(Class::ZaIdNumber, "za_id_number", &["9999999999999", "999999_9999_999"], identity).checked().alone(60),
];

/// Identity numbers (Identification Act 68 of 1997): date of birth, four digits for sex and serial, 0 citizen, 1 permanent resident or 2 refugee,
/// a digit that was once race and is 8 or 9 today, and the Luhn check digit. <https://www.dha.gov.za>
fn identity(digits: &[u8]) -> bool {
    yymmdd(&digits[..6]) && matches!(digits[10], b'0'..=b'2') && matches!(digits[11], b'8' | b'9') && luhn(digits)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{only_named, stands, wrong};
    use crate::redaction::Class;

    #[test]
    fn nigeria() {
        // National identification numbers end in a Verhoeff digit (<https://nimc.gov.ng>).
        only_named(Class::NgNin, "NIN", &["23412341235"]);
        wrong(Class::NgNin, &["23412341236", "2341234123"]);
        // Marks: three letters of the local government, three digits, two letters of the batch (<https://frsc.gov.ng>).
        stands(Class::NgVehicleRegistration, &["LND-123AB"]);
        only_named(Class::NgVehicleRegistration, "plate number", &["LND 123 AB", "lnd-123ab"]);
        wrong(Class::NgVehicleRegistration, &["LN-123AB", "LND-12AB", "LND-123ABC"]);
    }

    #[test]
    fn south_africa() {
        stands(Class::ZaIdNumber, &["8001015009087", "800101 5009 087"]);
        wrong(Class::ZaIdNumber, &["8001015009088", "8013015009087", "8001015009387"]);
    }
}
