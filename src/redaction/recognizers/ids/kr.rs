//! South Korea: residents, foreigners, businesses, drivers and passports.

use super::super::super::Class;
use super::checks::{digit, number, weighted, yymmdd};
use super::rules::{Rule, rule};

pub(super) const RULES: &[Rule] = &[
    rule(Class::KrRrn, "kr_rrn", &["999999-9999999"], resident).alone(75).separators("-"),
    rule(Class::KrRrn, "kr_rrn_bare", &["999999_9999999"], resident),
    rule(Class::KrFrn, "kr_frn", &["999999-9999999"], foreigner).alone(75).separators("-"),
    rule(Class::KrFrn, "kr_frn_bare", &["999999_9999999"], foreigner),
    rule(Class::KrBrn, "kr_brn", &["999-99-99999"], business).checked().alone(65).separators("-"),
    rule(Class::KrBrn, "kr_brn_bare", &["999_99_99999"], business).checked(),
    rule(Class::KrDriverLicense, "kr_driver_license", &["99-99-999999-99"], driver).alone(65).separators("-"),
    rule(Class::KrDriverLicense, "kr_driver_license_bare", &["99_99_999999_99"], driver),
    rule(Class::KrPassport, "kr_passport", &["A999A9999", "A99999999"], passport),
];

/// Resident registration numbers: date of birth, then 1 to 4 for sex and century. The last six are drawn by lot since October 2020, so
/// no check digit is asked for. <https://www.law.go.kr>, Enforcement Rule of the Resident Registration Act, article 2
fn resident(digits: &[u8]) -> bool {
    yymmdd(&digits[..6]) && matches!(digits[6], b'1'..=b'4')
}

/// Registration numbers of foreigners: the same with 5 to 8. <https://www.law.go.kr>, Immigration Act, article 31
fn foreigner(digits: &[u8]) -> bool {
    yymmdd(&digits[..6]) && matches!(digits[6], b'5'..=b'8')
}

/// Business registration numbers: weights 1 3 7 1 3 7 1 3 5, the tens of the last product added, modulus 10.
/// <https://www.nts.go.kr>
fn business(digits: &[u8]) -> bool {
    let sum = weighted(digits, &[1, 3, 7, 1, 3, 7, 1, 3, 5]) + digit(digits[8]) * 5 / 10;
    number(&digits[..3]) > 100 && (10 - sum % 10) % 10 == digit(digits[9])
}

/// Driver's licences: the office 11 to 28, year, serial, check. <https://www.safedriving.or.kr>
fn driver(digits: &[u8]) -> bool {
    matches!(number(&digits[..2]), 11..=28)
}

/// Passports: M, S, R, O, D or G, and eight digits, since 2021 with a letter in the fifth place.
/// <https://www.passport.go.kr>
fn passport(signs: &[u8]) -> bool {
    b"MSRODG".contains(&signs[0])
}

#[cfg(test)]
mod tests {
    use super::super::testing::{only_named, stands, wrong};
    use crate::redaction::Class;
    use crate::redaction::recognizers::testing::found;

    #[test]
    fn residents_and_foreigners() {
        stands(Class::KrRrn, &["850315-1234567"]);
        only_named(Class::KrRrn, "주민등록번호", &["8503152234567"]);
        wrong(Class::KrRrn, &["851315-1234567", "850315-5234567", "850315-123456"]);
        stands(Class::KrFrn, &["850315-5234567"]);
        wrong(Class::KrFrn, &["850332-5234567", "850315-9234567"]);
    }

    #[test]
    fn businesses_drivers_passports() {
        stands(Class::KrBrn, &["220-81-62517"]);
        only_named(Class::KrBrn, "사업자등록번호", &["2208162517"]);
        wrong(Class::KrBrn, &["220-81-62518"]);
        stands(Class::KrDriverLicense, &["11-19-123456-01"]);
        wrong(Class::KrDriverLicense, &["29-19-123456-01", "11-19-123456-011"]);
        only_named(Class::KrPassport, "여권번호", &["M12345678", "M123B5678"]);
        wrong(Class::KrPassport, &["X12345678", "M1234567"]);
        assert_eq!(found(Class::KrPassport, "여권번호는 M123B5678입니다"), ["M123B5678"]);
    }
}
