//! National identity and tax numbers of countries that have no pack: one class, told by check digits and by the words of the country.
//!
//! What is written in the country's own way with a check of two digits stands alone; all else needs a word.

use super::super::super::Class::NationalId;
use super::checks::{base36, ddmmyy, digit, is_day, luhn, mod_11_10, number, uniform, weighted, yymmdd};
use super::rules::{Rule, rule};

pub(super) const RULES: &[Rule] = &[
    rule(NationalId, "br_cpf", &["999-999-999-99"], cpf).checked().separators("-.").alone(60),
    rule(NationalId, "br_cpf_joined", &["999999999_99"], cpf).checked(),
    rule(NationalId, "br_cnpj", &["99-999-999-9999-99"], cnpj).checked().separators("-./").alone(60),
    rule(NationalId, "br_cnpj_joined", &["99999999999999"], cnpj).checked(),
    rule(NationalId, "nl_bsn", &["9999_99_999", "999_999_999"], bsn).checked().separators(" .-"),
    rule(NationalId, "be_national_number", &["99-99-99-999-99"], belgian).checked().separators(".-").alone(60),
    rule(NationalId, "be_national_number_joined", &["99999999999"], belgian).checked(),
    rule(NationalId, "fr_nir", &["9_99_99_**_999_999_99"], nir).checked().alone(60),
    rule(NationalId, "ru_snils", &["999-999-999-99"], snils).checked().alone(60),
    rule(NationalId, "ru_snils_joined", &["99999999999"], snils).checked(),
    rule(NationalId, "ru_inn", &["999999999999", "9999999999"], inn).checked(),
    rule(NationalId, "ru_passport", &["99_99_999999"], some),
    rule(NationalId, "ua_rnokpp", &["9999999999"], rnokpp).checked(),
    rule(NationalId, "ch_ahv", &["999_9999_9999_99"], ean).checked().separators(".").alone(60),
    rule(NationalId, "ie_pps", &["9999999AA?"], pps).checked(),
    rule(NationalId, "ro_cnp", &["9999999999999"], cnp).checked(),
    rule(NationalId, "bg_egn", &["9999999999"], egn).checked(),
    rule(NationalId, "hr_oib", &["99999999999"], mod_11_10).checked(),
    rule(NationalId, "rs_jmbg", &["9999999999999"], jmbg).checked(),
    rule(NationalId, "cz_rodne_cislo", &["999999-9999"], rodne).checked().separators("/").alone(60),
    rule(NationalId, "cz_rodne_cislo_joined", &["999999_9999"], rodne).checked().separators("/ "),
    rule(NationalId, "pt_nif", &["999_999_999"], portuguese).checked(),
    rule(NationalId, "gr_afm", &["999999999"], afm).checked(),
    rule(NationalId, "gr_amka", &["99999999999"], amka).checked(),
    rule(NationalId, "no_foedselsnummer", &["999999_99999"], norwegian).checked(),
    rule(NationalId, "dk_cpr", &["999999_9999"], |digits| ddmmyy(&digits[..6])),
    rule(NationalId, "cn_resident_id", &["99999999999999999*"], chinese).checked().alone(75),
    rule(NationalId, "tw_id", &["A999999999"], taiwanese).checked(),
    rule(NationalId, "jp_my_number", &["9999_9999_9999"], my_number).checked(),
    rule(NationalId, "mx_curp", &["AAAA999999AAAAAA*9"], curp).checked().alone(75),
    rule(NationalId, "mx_rfc", &["AAAA?-?999999-?***"], |signs| {
        signs.iter().filter(|sign| sign.is_ascii_digit()).count() > 5
    }),
    rule(NationalId, "ar_cuit", &["99-99999999-9"], cuit).checked().separators("-").alone(60),
    rule(NationalId, "ar_cuit_joined", &["99999999999"], cuit).checked(),
    rule(NationalId, "ar_dni", &["99_999_999"], some).separators("."),
    rule(NationalId, "cl_rut", &["99?-999-999-*"], rut).checked().separators(".-").alone(60),
    rule(NationalId, "cl_rut_joined", &["99?999999-*"], rut).checked(),
    rule(NationalId, "co_nit", &["999_999_999_9"], nit).checked().separators(".-"),
    rule(NationalId, "co_cedula", &["9?9?99_999_999"], some).separators("."),
    rule(NationalId, "id_nik", &["9999999999999999"], nik),
    rule(NationalId, "my_kad", &["999999_99_9999"], |digits| yymmdd(&digits[..6])),
    rule(NationalId, "pk_cnic", &["99999_9999999_9"], some),
    rule(NationalId, "il_id", &["999999999", "99999999-9"], luhn).checked(),
    rule(NationalId, "ae_emirates_id", &["999-9999-9999999-9"], emirates).checked().separators("-").alone(60),
    rule(NationalId, "sa_id", &["9999999999"], |digits| matches!(digits[0], b'1' | b'2') && luhn(digits)).checked(),
];

fn some(digits: &[u8]) -> bool {
    !uniform(digits)
}

/// Returns 11 minus the weighted sum modulo 11, and 0 where that is 10 or more.
fn mod_11(digits: &[u8], weights: &[u32]) -> u32 {
    let rest = weighted(digits, weights) % 11;
    if rest < 2 { 0 } else { 11 - rest }
}

/// CPF: two check digits, weights 10 to 2 and 11 to 2. <https://www.gov.br/receitafederal>
fn cpf(digits: &[u8]) -> bool {
    let weights = [11, 10, 9, 8, 7, 6, 5, 4, 3, 2];
    !uniform(digits)
        && mod_11(&digits[..9], &weights[1..]) == digit(digits[9])
        && mod_11(&digits[..10], &weights) == digit(digits[10])
}

/// CNPJ: two check digits, weights 5 to 2 and 9 to 2, then 6 to 2 and 9 to 2. <https://www.gov.br/receitafederal>
fn cnpj(digits: &[u8]) -> bool {
    let weights = [6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2];
    !uniform(digits)
        && mod_11(&digits[..12], &weights[1..]) == digit(digits[12])
        && mod_11(&digits[..13], &weights) == digit(digits[13])
}

/// Burgerservicenummer: the eleven-test, weights 9 to 2 and -1. <https://www.rvig.nl/bsn>
fn bsn(digits: &[u8]) -> bool {
    !uniform(digits) && weighted(digits, &[9, 8, 7, 6, 5, 4, 3, 2, 10]).is_multiple_of(11)
}

/// Belgian national register number: date, serial, 97 minus the rest by 97, with a 2 in front from 2000 on.
fn belgian(digits: &[u8]) -> bool {
    let (base, check) = (number(&digits[..9]), number(&digits[9..]));
    number(&digits[2..4]) <= 12
        && !uniform(digits)
        && [base, base + 2_000_000_000].iter().any(|base| 97 - base % 97 == check)
}

/// Numéro d'inscription au répertoire: sex, year, month, department (2A and 2B are Corsica), commune, order, and 97 minus the rest by 97.
/// <https://www.insee.fr/fr/metadonnees/definition/c1409>
fn nir(signs: &[u8]) -> bool {
    let mut digits = [0; 15];
    digits.copy_from_slice(signs);
    let corsica = match &signs[5..7] {
        b"2A" => 1_000_000,
        b"2B" => 2_000_000,
        _ => 0,
    };
    if corsica > 0 {
        digits[6] = b'0';
    }
    let month = number(&digits[3..5]);
    let key = number(&digits[13..]);
    digits.iter().all(u8::is_ascii_digit)
        && matches!(digits[0], b'1'..=b'4' | b'7' | b'8')
        && matches!(month, 1..=12 | 20..=42 | 50..)
        && 97 - (number(&digits[..13]) - corsica) % 97 == key
}

/// СНИЛС: weights 9 to 1, the sum modulo 101, 100 counts as 0. <https://sfr.gov.ru>
fn snils(digits: &[u8]) -> bool {
    let sum = weighted(&digits[..9], &[9, 8, 7, 6, 5, 4, 3, 2, 1]) % 101 % 100;
    !uniform(&digits[..9]) && u64::from(sum) == number(&digits[9..])
}

/// ИНН: one check digit of ten, two of twelve. <https://www.nalog.gov.ru>
fn inn(digits: &[u8]) -> bool {
    let weights = [3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8];
    let check =
        |length: usize, skip: usize| weighted(&digits[..length], &weights[skip..]) % 11 % 10 == digit(digits[length]);
    !uniform(digits) && if digits.len() == 10 { check(9, 2) } else { check(10, 1) && check(11, 0) }
}

/// Ukrainian taxpayer number: weights -1, 5, 7, 9, 4, 6, 10, 5, 7.
fn rnokpp(digits: &[u8]) -> bool {
    !uniform(digits) && weighted(digits, &[10, 5, 7, 9, 4, 6, 10, 5, 7]) % 11 % 10 == digit(digits[9])
}

/// AHV number: an EAN-13 that begins with 756. <https://www.zas.admin.ch>
fn ean(digits: &[u8]) -> bool {
    digits.starts_with(b"756") && weighted(digits, &[1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1]).is_multiple_of(10)
}

/// Emirates ID: 784, year, serial, and the Luhn check.
fn emirates(digits: &[u8]) -> bool {
    digits.starts_with(b"784") && luhn(digits)
}

/// Personal public service number: weights 8 to 2, the second letter times 9, modulo 23 is the first letter. <https://www.gov.ie>
fn pps(signs: &[u8]) -> bool {
    let second = signs.get(8).map_or(0, |sign| (base36(*sign) - 9) * 9);
    let check = (weighted(&signs[..7], &[8, 7, 6, 5, 4, 3, 2]) + second) % 23;
    base36(signs[7]) == if check == 0 { base36(b'W') } else { check + 9 }
}

/// Cod numeric personal: sex and century, date, county, weights 2 7 9 1 4 6 3 5 8 2 7 9.
fn cnp(digits: &[u8]) -> bool {
    let rest = weighted(digits, &[2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9]) % 11;
    digits[0] != b'0' && yymmdd(&digits[1..7]) && rest.min(if rest == 10 { 1 } else { rest }) == digit(digits[12])
}

/// ЕГН: date with 20 or 40 added to the month by century, weights 2 4 8 5 10 9 7 3 6.
fn egn(digits: &[u8]) -> bool {
    let (month, day) = (number(&digits[2..4]) as u32, number(&digits[4..6]) as u32);
    is_day(month % 20, day) && weighted(digits, &[2, 4, 8, 5, 10, 9, 7, 3, 6]) % 11 % 10 == digit(digits[9])
}

/// JMBG: day, month, three digits of the year, region, serial, weights 7 to 2 twice.
fn jmbg(digits: &[u8]) -> bool {
    let (day, month) = (number(&digits[..2]) as u32, number(&digits[2..4]) as u32);
    is_day(month, day) && mod_11(&digits[..12], &[7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) == digit(digits[12])
}

/// Rodné číslo: year, month (plus 50 for women, 20 when a day ran out), day, serial; a multiple of 11.
fn rodne(digits: &[u8]) -> bool {
    let (month, day) = (number(&digits[2..4]) as u32 % 50, number(&digits[4..6]) as u32);
    is_day(if month > 20 { month - 20 } else { month }, day) && number(digits).is_multiple_of(11)
}

/// Número de identificação fiscal of Portugal: weights 9 to 2.
fn portuguese(digits: &[u8]) -> bool {
    !uniform(digits) && digits[0] != b'0' && mod_11(&digits[..8], &[9, 8, 7, 6, 5, 4, 3, 2]) == digit(digits[8])
}

/// ΑΦΜ: powers of two, modulo 11, modulo 10.
fn afm(digits: &[u8]) -> bool {
    !uniform(digits) && weighted(digits, &[256, 128, 64, 32, 16, 8, 4, 2]) % 11 % 10 == digit(digits[8])
}

/// ΑΜΚΑ: date of birth and the Luhn check.
fn amka(digits: &[u8]) -> bool {
    ddmmyy(&digits[..6]) && luhn(digits)
}

/// Fødselsnummer: date (day plus 40 for others), and two checks modulo 11. <https://www.skatteetaten.no>
fn norwegian(digits: &[u8]) -> bool {
    let (day, month) = (number(&digits[..2]) as u32 % 40, number(&digits[2..4]) as u32);
    is_day(month, day)
        && mod_11_exact(&digits[..9], &[3, 7, 6, 1, 8, 9, 4, 5, 2], digits[9])
        && mod_11_exact(&digits[..10], &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2], digits[10])
}

fn mod_11_exact(digits: &[u8], weights: &[u32], check: u8) -> bool {
    (11 - weighted(digits, weights) % 11) % 11 == digit(check)
}

/// Resident identity number (GB 11643): region, date, serial, check by ISO 7064 MOD 11-2.
fn chinese(signs: &[u8]) -> bool {
    let year = number(&signs[6..10]);
    let date = is_day(number(&signs[10..12]) as u32, number(&signs[12..14]) as u32);
    let sum = weighted(&signs[..17], &[7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]) % 11;
    (1900..2100).contains(&year) && date && b"10X98765432".get(sum as usize) == Some(&signs[17])
}

/// National identity number of Taiwan: the letter stands for two digits, weights 1, 9 to 1, and 1.
fn taiwanese(signs: &[u8]) -> bool {
    let place = b"ABCDEFGHJKLMNPQRSTUVXYWZIO".iter().position(|letter| *letter == signs[0]).unwrap_or(0) as u32 + 10;
    let sum = place / 10 + place % 10 * 9 + weighted(&signs[1..], &[8, 7, 6, 5, 4, 3, 2, 1, 1]);
    matches!(signs[1], b'1' | b'2' | b'8' | b'9') && sum.is_multiple_of(10)
}

/// Individual number of Japan: weights 6 to 2 and 7 to 2, modulo 11. <https://www.soumu.go.jp>
fn my_number(digits: &[u8]) -> bool {
    !uniform(digits) && mod_11(&digits[..11], &[6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) == digit(digits[11])
}

/// CURP: letters of the name, date, sex, state, consonants, and a check over the alphabet with Ñ between N and O. <https://www.gob.mx/curp>
fn curp(signs: &[u8]) -> bool {
    let value = |sign: &u8| base36(*sign) + u32::from(*sign > b'N');
    let sum: u32 = signs[..17].iter().zip((2..=18).rev()).map(|(sign, weight)| value(sign) * weight).sum();
    yymmdd(&signs[4..10]) && matches!(signs[10], b'H' | b'M' | b'X') && (10 - sum % 10) % 10 == digit(signs[17])
}

/// CUIT and CUIL: kind, document, weights 5 4 3 2 7 6 5 4 3 2. <https://www.argentina.gob.ar>
fn cuit(digits: &[u8]) -> bool {
    let check = 11 - weighted(digits, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11;
    matches!(number(&digits[..2]), 20 | 23..=27 | 30 | 33 | 34) && check % 11 == digit(digits[10])
}

/// RUT: weights 2 to 7 from the right, 10 is written K. <https://www.registrocivil.cl>
fn rut(signs: &[u8]) -> bool {
    let Some((check, body)) = signs.split_last() else { return false };
    let sum: u32 =
        body.iter().rev().zip([2, 3, 4, 5, 6, 7].into_iter().cycle()).map(|(sign, weight)| digit(*sign) * weight).sum();
    b"0123456789K".get((11 - sum % 11) as usize % 11) == Some(check)
}

/// NIT of Colombia: weights 3 7 13 17 19 23 29 37 41 from the right.
fn nit(digits: &[u8]) -> bool {
    let rest = weighted(digits, &[41, 37, 29, 23, 19, 17, 13, 7, 3]) % 11;
    (if rest < 2 { rest } else { 11 - rest }) == digit(digits[9])
}

/// NIK of Indonesia: region, date (day plus 40 for women), serial.
fn nik(digits: &[u8]) -> bool {
    is_day(number(&digits[8..10]) as u32, number(&digits[6..8]) as u32 % 40) && !uniform(&digits[12..])
}

#[cfg(test)]
mod tests {
    use super::super::testing::{only_named, stands, wrong};
    use crate::redaction::Class::NationalId;

    #[test]
    fn what_is_written_in_the_way_of_its_country_stands_alone() {
        stands(
            NationalId,
            &[
                "529.982.247-25",
                "11.222.333/0001-81",
                "2 69 05 49 588 157 80",
                "112-233-445 95",
                "756.9217.0769.85",
                "736028/5163",
                "11010519491231002X",
                "20-12345678-6",
                "12.345.678-5",
                "85.07.30-033.28",
            ],
        );
    }

    #[test]
    fn bare_numbers_need_a_word_of_their_country() {
        for (word, value) in [
            ("CPF", "52998224725"),
            ("BSN", "123456782"),
            ("СНИЛС", "11223344595"),
            ("ИНН", "500100732259"),
            ("PPS number", "1234567T"),
            ("ЕГН", "7523169263"),
            ("OIB", "69435151530"),
            ("NIF", "123456789"),
            ("ΑΦΜ", "090000045"),
            ("fødselsnummer", "15076500565"),
            ("CPR-nummer", "211062-5629"),
            ("身分證字號", "A123456789"),
            ("マイナンバー", "123456789018"),
            ("RFC", "GODE561231GR8"),
            ("NIT", "900.373.913-4"),
        ] {
            only_named(NationalId, word, &[value]);
        }
    }

    #[test]
    fn wrong_check_digits_are_none() {
        wrong(
            NationalId,
            &[
                "529.982.247-26",
                "11.222.333/0001-82",
                "2 69 05 49 588 157 81",
                "756.9217.0769.86",
                "11010519491231002Y",
                "20-12345678-7",
            ],
        );
    }
}
