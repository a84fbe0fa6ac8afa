//! Finland and Sweden: personal identity codes and organisation numbers.

use super::super::super::Class;
use super::checks::{ddmmyy, is_day, luhn, number, yymmdd};
use super::rules::{Rule, rule};

pub(super) const RULES: &[Rule] = &[
    rule(Class::FiPersonalIdentityCode, "fi_hetu_plus", &["999999+999*"], hetu).checked().alone(85),
    rule(Class::FiPersonalIdentityCode, "fi_hetu_hyphen", &["999999-999*"], hetu).checked().alone(75).separators("-"),
    rule(Class::FiPersonalIdentityCode, "fi_hetu", &["999999A999*"], |signs| {
        b"ABCDEFUVWXY".contains(&signs[6]) && hetu(signs)
    })
    .checked()
    .alone(85),
    rule(Class::SeOrganisationsnummer, "se_organisationsnummer", &["999999-9999", "16999999-9999"], organisation)
        .checked()
        .alone(55)
        .separators("-"),
    rule(Class::SeOrganisationsnummer, "se_organisationsnummer_bare", &["9999999999", "999999_9999"], organisation)
        .checked(),
    rule(Class::SePersonnummer, "se_personnummer", &["99999999_9999"], person).checked().alone(65),
    rule(Class::SePersonnummer, "se_personnummer_short", &["999999-9999"], person).checked().alone(60).separators("-"),
    rule(Class::SePersonnummer, "se_personnummer_plus", &["999999+9999"], person_plus).checked().alone(65),
    rule(Class::SePersonnummer, "se_personnummer_bare", &["9999999999", "999999_9999"], person).checked(),
];

/// Personal identity codes: day, month, year, the sign of the century, an individual number from 002 on, and a check sign by the remainder
/// of the nine digits by 31. <https://dvv.fi/en/personal-identity-code>
fn hetu(signs: &[u8]) -> bool {
    let individual = number(&signs[signs.len() - 4..signs.len() - 1]);
    let day = &signs[..6];
    let remainder = (number(day) * 1000 + individual) % 31;
    let leap = number(&day[..4]) != 2902 || number(&day[4..]).is_multiple_of(4);
    ddmmyy(day)
        && leap
        && individual >= 2
        && b"0123456789ABCDEFHJKLMNPRSTUVWXY"[remainder as usize] == signs[signs.len() - 1]
}

/// Personal identity numbers (Folkbokföringslagen 18 §): date of birth (the day plus 60 in coordination numbers), three digits, and the
/// Luhn check digit over the ten without the century.
/// <https://www.skatteverket.se/privat/folkbokforing/personnummer.4.3810a01c150939e893f18c29.html>
fn person(digits: &[u8]) -> bool {
    let short = &digits[digits.len() - 10..];
    let century = matches!(&digits[..digits.len() - 10], b"" | b"18" | b"19" | b"20");
    let (month, day) = (number(&short[2..4]) as u32, number(&short[4..6]) as u32);
    let born = yymmdd(&short[..6]) || day > 60 && is_day(month, day - 60);
    century && born && luhn(short)
}

/// The same with `+`, which marks an age of a hundred years and more.
fn person_plus(signs: &[u8]) -> bool {
    person(&[&signs[..6], &signs[7..]].concat())
}

/// Organisation numbers (Lag 1974:174): the third digit is 2 or more, and the Luhn check holds.
/// <https://www.skatteverket.se/servicelankar/otherlanguages/inenglish/businessesandemployers.4.12815e4f14a62bc048f5159.html>
fn organisation(digits: &[u8]) -> bool {
    let digits = &digits[digits.len() - 10..];
    digits[2] >= b'2' && matches!(digits[0], b'1'..=b'9') && luhn(digits)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{only_named, stands, wrong};
    use crate::redaction::Class;

    #[test]
    fn finnish_codes() {
        stands(Class::FiPersonalIdentityCode, &["131052-308T", "010100A123D", "131052+308T"]);
        wrong(Class::FiPersonalIdentityCode, &["131052-308U", "311152-308T", "131052Z308T", "131052-001T"]);
    }

    #[test]
    fn swedish_persons() {
        stands(Class::SePersonnummer, &["811228-9874", "19811228-9874", "198112289874", "811228+9874"]);
        only_named(Class::SePersonnummer, "personnummer", &["8112289874", "8112889863"]);
        wrong(Class::SePersonnummer, &["811228-9875", "811328-9874", "178112289874"]);
    }

    #[test]
    fn swedish_organisations() {
        stands(Class::SeOrganisationsnummer, &["556016-0680"]);
        only_named(Class::SeOrganisationsnummer, "organisationsnummer", &["5560160680"]);
        wrong(Class::SeOrganisationsnummer, &["556016-0681", "551016-0680"]);
    }
}
