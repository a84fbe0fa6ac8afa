//! Germany: papers, taxes, insurance, registers, vehicles and health professions.

use super::super::super::Class;
use super::checks::{base36, cross, ddmmyy, digit, icao, mod_11_10, number, uniform, weighted};
use super::rules::{Rule, rule};

pub(super) const RULES: &[Rule] = &[
    rule(Class::DeBsnr, "de_bsnr", &["999999999", "99-9999999"], bsnr),
    rule(Class::DeFuehrerschein, "de_fuehrerschein", &["AA99999999*", "A999*****9*"], |_| true),
    rule(Class::DeHandelsregister, "de_handelsregister", &["hra_99?9?9?9?9?", "hrb_99?9?9?9?9?"], |_| true).alone(75),
    rule(Class::DeHandelsregister, "de_register", &["gnr_99?9?9?9?9?", "vr_99?9?9?9?9?", "pr_99?9?9?9?9?"], |_| true),
    rule(Class::DeHealthInsurance, "de_health_insurance", &["A999999999", "A999_999_999", "A_999999999"], health)
        .checked(),
    rule(Class::DeIdCard, "de_id_card", &["A********", "A*********"], document).checked(),
    rule(Class::DeIdCard, "de_id_card_t", &["t99999999"], |_| true),
    rule(Class::DeIdCard, "de_id_card_named", &["A********"], serial).spoken(),
    rule(Class::DePassport, "de_passport", &["A********", "A*********"], document).checked(),
    rule(Class::DePassport, "de_passport_named", &["A********"], serial).spoken(),
    rule(Class::DeKfz, "de_kfz", &["AA?A?-AA?_99?9?9?A?"], plate),
    rule(Class::DeLanr, "de_lanr", &["999999999", "999999-9-99", "999999_999"], lanr).checked(),
    rule(Class::DePlz, "de_plz", &["99999", "d-99999"], |signs| {
        (1001..=99998).contains(&number(&signs[signs.len() - 5..]))
    }),
    rule(Class::DeSocialSecurity, "de_social_security", &["99_999999_A_99_9", "99_999999_A_999"], pension)
        .checked()
        .alone(80),
    rule(Class::DeTaxId, "de_tax_id", &["99_999_999_999"], tax_id).checked(),
    rule(
        Class::DeTaxNumber,
        "de_tax_number",
        &["99-999-99999", "999-999-99999", "999-9999-9999", "99-9999-9999", "999-9999-999", "9-999-9999-9"],
        |digits| !uniform(digits),
    )
    .separators("/ "),
    rule(Class::DeTaxNumber, "de_tax_number_federal", &["9999999999999"], |digits| !uniform(digits)),
    rule(Class::DeVatId, "de_vat_id", &["de_999_999_999", "de_999999999", "de_99_999_9999"], vat)
        .checked()
        .alone(75)
        .separators(" -."),
];

/// Practice numbers: the key of the regional association of physicians, never 00, and seven digits. New keys come with every annex, so they
/// are not listed. <https://www.kbv.de/media/sp/Arztnummern_Richtlinie.pdf>, annex 1
fn bsnr(digits: &[u8]) -> bool {
    digits[..2] != *b"00" && !uniform(digits)
}

/// Insured persons (§ 290 SGB V): the letter as 01 to 26 and eight digits, weights 1 and 2, cross sums, modulus 10.
/// <https://www.gkv-spitzenverband.de/media/dokumente/krankenversicherung_1/grundprinzipien_1/krankenversichertennummer.pdf>
fn health(signs: &[u8]) -> bool {
    let letter = base36(signs[0]) - 9;
    let digits = [letter / 10, letter % 10].into_iter().chain(signs[1..9].iter().map(|byte| digit(*byte)));
    let sum: u32 = digits.zip([1, 2].into_iter().cycle()).map(|(value, weight)| cross(value * weight)).sum();
    sum % 10 == digit(signs[9])
}

/// Serial numbers of identity cards and passports with their check digit, the ninth sign or the tenth (§ 5 PAuswG, § 4 PassG).
/// <https://www.bsi.bund.de>, TR-03127; ICAO Doc 9303
fn document(signs: &[u8]) -> bool {
    serial(signs) && icao(signs)
}

/// First a letter of the authorities' set, then digits and that set without vowels and look-alikes. The same source.
fn serial(signs: &[u8]) -> bool {
    let known = |sign: &u8| sign.is_ascii_digit() || b"CFGHJKLMNPRTVWXYZ".contains(sign);
    signs[0] != b'Z' && signs.iter().all(known) && signs[1..].iter().filter(|sign| sign.is_ascii_digit()).count() >= 3
}

/// Registration marks (annexes 1 and 4 of the FZV): district, one or two letters, up to four digits without a zero in front, E or H.
/// <https://www.gesetze-im-internet.de/fzv_2023/>
fn plate(signs: &[u8]) -> bool {
    let letters = signs.iter().take_while(|sign| sign.is_ascii_alphabetic()).count();
    let ended = signs.last().is_some_and(|last| last.is_ascii_digit() || b"EH".contains(last));
    ended && signs[letters] != b'0'
}

/// Physician numbers: six digits, weights 4 and 9, the difference to the next ten, and two digits of the field.
/// <https://www.kbv.de/media/sp/Arztnummern_Richtlinie.pdf>, § 3
fn lanr(digits: &[u8]) -> bool {
    let check = (10 - weighted(&digits[..6], &[4, 9, 4, 9, 4, 9]) % 10) % 10;
    check == digit(digits[6]) && digits[7..] != *b"00" && !uniform(digits)
}

/// Pension insurance numbers (§ 2 VKVV): area, day of birth, letter, serial, check digit of weights 2 1 2 5 7 1 2 1 2 1 2 1.
/// <https://www.gesetze-im-internet.de/vkvv/__4.html>
fn pension(signs: &[u8]) -> bool {
    let letter = base36(signs[8]) - 9;
    let digits = signs[..8].iter().map(|byte| digit(*byte)).chain([letter / 10, letter % 10]);
    let digits = digits.chain(signs[9..11].iter().map(|byte| digit(*byte)));
    let sum: u32 = digits.zip([2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1]).map(|(value, weight)| cross(value * weight)).sum();
    ddmmyy(&signs[2..8]) && sum % 10 == digit(signs[11])
}

/// Tax identification numbers (§ 139b AO): no zero in front, MOD 11,10. That one digit comes twice or three times is not asked for:
/// test numbers do without. <https://www.bzst.de/DE/Privatpersonen/SteuerlicheIdentifikationsnummer/>
fn tax_id(digits: &[u8]) -> bool {
    digits[0] != b'0' && !uniform(&digits[..10]) && mod_11_10(digits)
}

/// VAT numbers (§ 27a UStG): nine digits, MOD 11,10. <https://www.bzst.de/DE/Unternehmen/Identifikationsnummern/>
fn vat(signs: &[u8]) -> bool {
    signs[2] != b'0' && mod_11_10(&signs[2..])
}

#[cfg(test)]
mod tests {
    use super::super::testing::{only_named, stands, wrong};
    use crate::redaction::Class;
    use crate::redaction::recognizers::testing::found;

    #[test]
    fn health_professions() {
        only_named(Class::DeBsnr, "BSNR", &["383456789"]);
        wrong(Class::DeBsnr, &["003456789", "38345678", "3834567890"]);
        only_named(Class::DeLanr, "LANR", &["234567701", "234567-7-01"]);
        wrong(Class::DeLanr, &["234567801", "234567700", "23456770"]);
    }

    #[test]
    fn insurance() {
        only_named(Class::DeHealthInsurance, "Krankenversichertennummer", &["B012345670"]);
        wrong(Class::DeHealthInsurance, &["B012345671", "1012345670"]);
        stands(Class::DeSocialSecurity, &["12 150389 M 00 7", "12150389M007"]);
        wrong(Class::DeSocialSecurity, &["12150389M008", "12321389M007"]);
    }

    #[test]
    fn papers() {
        only_named(Class::DeIdCard, "Personalausweis", &["L12345678", "LC12345671", "T12345678"]);
        only_named(Class::DePassport, "Reisepass", &["C1X34T785"]);
        wrong(Class::DeIdCard, &["A12345674", "LOI234567"]);
        only_named(Class::DeFuehrerschein, "Führerschein", &["AB12345678C", "B072RRE2I55"]);
        wrong(Class::DeFuehrerschein, &["AB1234567", "12345678901"]);
    }

    #[test]
    fn taxes() {
        only_named(Class::DeTaxId, "Steuer-ID", &["26 954 371 827", "26954371827"]);
        wrong(Class::DeTaxId, &["26954371828", "06954371827"]);
        only_named(Class::DeTaxNumber, "Steuernummer", &["12/345/67890", "2893081508152"]);
        stands(Class::DeVatId, &["DE136695976", "DE 136 695 976"]);
        wrong(Class::DeVatId, &["DE136695977", "AT136695976"]);
    }

    #[test]
    fn registers_places_and_vehicles() {
        stands(Class::DeHandelsregister, &["HRB 4711", "HRA 123456"]);
        wrong(Class::DeHandelsregister, &["HRC 4711", "HRB 1234567"]);
        only_named(Class::DePlz, "PLZ", &["50667", "01067"]);
        wrong(Class::DePlz, &["00999", "99999", "5066"]);
        only_named(Class::DeKfz, "Kennzeichen", &["HH-AB 123", "K-X 1", "M-AB 12E"]);
        wrong(Class::DeKfz, &["HH-123", "HH-AB 0123", "HHHH-AB 123"]);
        assert_eq!(found(Class::DePlz, "I have 50667 of them"), [""; 0]);
    }
}
