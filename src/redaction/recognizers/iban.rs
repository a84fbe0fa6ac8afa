//! Bank account numbers of ISO 13616: country, length, and the check digits of ISO/IEC 7064 MOD 97-10.

use super::super::Class;
use super::super::explain::Stage;
use super::super::scan::{NumberRun, View};
use super::Hit;

/// Pushes the IBAN whose check digits are the first two digits of the run.
pub(crate) fn find(view: &View<'_>, run: &NumberRun<'_>, hits: &mut Vec<Hit>) {
    let digits = run.groups[0].start;
    if run.groups[0].len() < 2 || digits < 2 || !view.starts_clean(digits - 2) {
        return;
    }
    let country = [view.bytes[digits - 2], view.bytes[digits - 1]].map(|byte| byte.to_ascii_uppercase());
    let Ok(known) = LENGTHS.binary_search_by(|(code, _)| code.as_bytes().cmp(&country[..])) else { return };
    let Some((end, characters)) = collect(view, digits - 2, LENGTHS[known].1) else { return };
    let valid = checks(&characters[..LENGTHS[known].1]);
    hits.push(Hit {
        class: Class::Iban,
        rule: "iban",
        score: if valid { 95 } else { 20 },
        span: digits - 2..end,
        stage: Stage::Validate,
        verdict: if valid { "length and check digits hold" } else { "length holds, check digits fail" },
        word: None,
    });
}

/// Gathers `length` letters and digits over single separators; refuses groups of mixed case and a wrong total.
fn collect(view: &View<'_>, start: usize, length: usize) -> Option<(usize, [u8; MAX_LENGTH])> {
    let mut characters = [0; MAX_LENGTH];
    let (mut count, mut at, mut lower, mut upper) = (0, start, false, false);
    while count < length {
        let byte = *view.bytes.get(at)?;
        if byte.is_ascii_alphanumeric() {
            characters[count] = byte.to_ascii_uppercase();
            lower |= byte.is_ascii_lowercase();
            upper |= byte.is_ascii_uppercase();
            count += 1;
        } else if b" -.".contains(&byte) && view.bytes[at - 1].is_ascii_alphanumeric() {
            (lower, upper) = (false, false);
        } else {
            return None;
        }
        if lower && upper {
            return None;
        }
        at += 1;
    }
    view.ends_clean(at).then_some((at, characters))
}

fn checks(characters: &[u8]) -> bool {
    let rearranged = characters[4..].iter().chain(&characters[..4]);
    let remainder = rearranged.fold(0u32, |rest, byte| match byte {
        b'0'..=b'9' => (rest * 10 + u32::from(byte - b'0')) % 97,
        _ => (rest * 100 + u32::from(byte - b'A') + 10) % 97,
    });
    remainder == 1
}

const MAX_LENGTH: usize = 33;

/// Length by country, from the SWIFT IBAN registry, release 99. Sorted.
const LENGTHS: [(&str, usize); 89] = [
    ("AD", 24),
    ("AE", 23),
    ("AL", 28),
    ("AT", 20),
    ("AZ", 28),
    ("BA", 20),
    ("BE", 16),
    ("BG", 22),
    ("BH", 22),
    ("BI", 27),
    ("BR", 29),
    ("BY", 28),
    ("CH", 21),
    ("CR", 22),
    ("CY", 28),
    ("CZ", 24),
    ("DE", 22),
    ("DJ", 27),
    ("DK", 18),
    ("DO", 28),
    ("EE", 20),
    ("EG", 29),
    ("ES", 24),
    ("FI", 18),
    ("FK", 18),
    ("FO", 18),
    ("FR", 27),
    ("GB", 22),
    ("GE", 22),
    ("GI", 23),
    ("GL", 18),
    ("GR", 27),
    ("GT", 28),
    ("HN", 28),
    ("HR", 21),
    ("HU", 28),
    ("IE", 22),
    ("IL", 23),
    ("IQ", 23),
    ("IS", 26),
    ("IT", 27),
    ("JO", 30),
    ("KW", 30),
    ("KZ", 20),
    ("LB", 28),
    ("LC", 32),
    ("LI", 21),
    ("LT", 20),
    ("LU", 20),
    ("LV", 21),
    ("LY", 25),
    ("MC", 27),
    ("MD", 24),
    ("ME", 22),
    ("MK", 19),
    ("MN", 20),
    ("MR", 27),
    ("MT", 31),
    ("MU", 30),
    ("NI", 28),
    ("NL", 18),
    ("NO", 15),
    ("OM", 23),
    ("PK", 24),
    ("PL", 28),
    ("PS", 29),
    ("PT", 25),
    ("QA", 29),
    ("RO", 24),
    ("RS", 22),
    ("RU", 33),
    ("SA", 24),
    ("SC", 31),
    ("SD", 18),
    ("SE", 24),
    ("SI", 19),
    ("SK", 24),
    ("SM", 27),
    ("SO", 23),
    ("ST", 25),
    ("SV", 28),
    ("TL", 23),
    ("TN", 24),
    ("TR", 26),
    ("UA", 29),
    ("VA", 22),
    ("VG", 24),
    ("XK", 20),
    ("YE", 30),
];

#[cfg(test)]
mod tests {
    use super::super::testing::found;
    use super::*;

    #[test]
    fn the_table_is_sorted_for_the_search() {
        assert!(LENGTHS.is_sorted());
        assert!(LENGTHS.iter().all(|(_, length)| *length <= MAX_LENGTH));
    }

    #[test]
    fn ibans_are_found_however_they_are_spaced() {
        for iban in [
            "GB82WEST12345698765432",
            "GB82 WEST 1234 5698 7654 32",
            "gb82-west-1234-5698-7654-32",
            "DE75512108001245126199",
            "NO8330001234567",
        ] {
            assert_eq!(found(Class::Iban, &format!("pay {iban}.")), [iban]);
        }
    }

    #[test]
    fn check_digits_length_and_country_must_hold() {
        for text in
            ["GB83WEST12345698765432", "GB82WEST1234569876543", "GB82WEST123456987654321", "ZZ82WEST12345698765432"]
        {
            assert_eq!(found(Class::Iban, text), [""; 0]);
        }
    }

    #[test]
    fn an_iban_of_digits_is_not_taken_for_a_card() {
        assert_eq!(found(Class::Card, "NL91ABNA0417164300 DE89370400440532013000"), [""; 0]);
    }
}
