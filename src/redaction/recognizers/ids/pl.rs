//! Poland: PESEL numbers.

use super::super::super::Class;
use super::checks::{digit, is_day, number, weighted};
use super::rules::{Rule, rule};

pub(super) const RULES: &[Rule] = &[rule(Class::PlPesel, "pl_pesel", &["99999999999"], pesel).checked()];

/// PESEL: year, month (plus 20, 40, 60, 80 by century), day, serial, and weights 1 3 7 9.
/// <https://www.gov.pl/web/gov/czym-jest-numer-pesel>
fn pesel(digits: &[u8]) -> bool {
    let (month, day) = (number(&digits[2..4]) as u32, number(&digits[4..6]) as u32);
    let check = (10 - weighted(digits, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3]) % 10) % 10;
    is_day(month % 20, day) && check == digit(digits[10])
}

#[cfg(test)]
mod tests {
    use super::super::testing::{only_named, wrong};
    use crate::redaction::Class;

    #[test]
    fn pesel_numbers() {
        only_named(Class::PlPesel, "PESEL", &["92071314764", "02270803624"]);
        wrong(Class::PlPesel, &["92071314765", "92131314764", "92073214764", "9207131476"]);
    }
}
