//! Canada: social insurance numbers.

use super::super::super::Class;
use super::checks::{luhn, uniform};
use super::rules::{Rule, rule};

pub(super) const RULES: &[Rule] = &[rule(Class::CaSin, "ca_sin", &["999_999_999"], sin).checked()];

/// Social insurance numbers: nine digits that pass the Luhn check; 0 and 8 never stand in front.
/// <https://www.canada.ca/en/employment-social-development/services/sin.html>
fn sin(digits: &[u8]) -> bool {
    !matches!(digits[0], b'0' | b'8') && !uniform(digits) && luhn(digits)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{only_named, wrong};
    use crate::redaction::Class;

    #[test]
    fn social_insurance_numbers() {
        only_named(Class::CaSin, "SIN", &["193 456 787", "193-456-787", "193456787"]);
        wrong(Class::CaSin, &["193 456 788", "046 454 286", "1934567870"]);
    }
}
