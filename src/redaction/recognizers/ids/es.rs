//! Spain: identity numbers and passports.

use super::super::super::Class;
use super::checks::{digit, number, uniform, weighted};
use super::rules::{Rule, rule};

pub(super) const RULES: &[Rule] = &[
    rule(Class::EsNie, "es_nie", &["A_9999999_A"], nie).checked().alone(70),
    rule(Class::EsNif, "es_nif", &["99999999_A", "99_999_999_A"], dni).checked().alone(60).separators(" -."),
    rule(Class::EsNif, "es_nif_short", &["9999999_A"], dni).checked().separators(" -."),
    rule(Class::EsNif, "es_nif_legal", &["A_9999999_*"], legal).checked().separators(" -."),
    rule(Class::EsPassport, "es_passport", &["AAA999999", "AA_999999A?"], passport),
];

/// Returns the control letter: the number modulo 23.
fn letter(number: u64) -> u8 {
    b"TRWAGMYFPDXBNJZSQVHLCKE"[(number % 23) as usize]
}

/// Identity numbers of citizens (Real Decreto 1553/2005): digits and their control letter.
/// <https://www.interior.gob.es/opencms/es/servicios-al-ciudadano/tramites-y-gestiones/dni/calculo-del-digito-de-control-del-nif-nie/>
fn dni(signs: &[u8]) -> bool {
    let (digits, control) = signs.split_at(signs.len() - 1);
    number(digits) != 0 && letter(number(digits)) == control[0]
}

/// Identity numbers of foreigners: X, Y or Z, for 0, 1 or 2, seven digits, and the same control letter. The same source.
fn nie(signs: &[u8]) -> bool {
    matches!(signs[0], b'X'..=b'Z')
        && letter(u64::from(signs[0] - b'X') * 10_000_000 + number(&signs[1..8])) == signs[8]
}

/// Numbers of legal entities (Orden EHA/451/2008) and of persons without DNI (K, L, M).
fn legal(signs: &[u8]) -> bool {
    let digits = &signs[1..8];
    if matches!(signs[0], b'K' | b'L' | b'M') {
        return letter(number(digits)) == signs[8];
    }
    let doubled = |value: u32| value * 2 / 10 + value * 2 % 10;
    let odd: u32 = digits.iter().step_by(2).map(|byte| doubled(digit(*byte))).sum();
    let control = (10 - (odd + weighted(digits, &[0, 1, 0, 1, 0, 1, 0])) % 10) % 10;
    let fits = if signs[8].is_ascii_digit() {
        digit(signs[8]) == control
    } else {
        b"JABCDEFGHI"[control as usize] == signs[8]
    };
    b"ABCDEFGHJNPQRSUVW".contains(&signs[0]) && !uniform(digits) && fits
}

/// Passports: three letters and six digits (the older ones, two letters and six digits, only with their control letter).
/// <https://www.consilium.europa.eu/prado/en/ESP-AO-06001/>
fn passport(signs: &[u8]) -> bool {
    signs.len() == 9
}

#[cfg(test)]
mod tests {
    use super::super::testing::{only_named, stands, wrong};
    use crate::redaction::Class;

    #[test]
    fn identity_numbers() {
        stands(Class::EsNif, &["87654321X", "87.654.321-X", "87654321-X"]);
        only_named(Class::EsNif, "DNI", &["1234567L", "87654321x", "A58818501", "K1234567L"]);
        wrong(Class::EsNif, &["87654321Z", "A58818502", "8765432X1"]);
        stands(Class::EsNie, &["X1234567L", "Y-1234567-X"]);
        wrong(Class::EsNie, &["X1234567M", "W1234567L", "X123456L"]);
    }

    #[test]
    fn passports() {
        only_named(Class::EsPassport, "pasaporte", &["PAB123456", "ZAB654321"]);
        wrong(Class::EsPassport, &["PA123456", "PABC123456"]);
    }
}
