//! Stage 7: what is written in place of a finding.

use std::net::IpAddr;

use super::normalise::Normalised;
use super::pseudonym::Tokens;
use super::{Class, Finding, Operator, Policy};

/// Returns `text` with every finding replaced as the policy says. `tokens` makes the pseudonyms; without it they are all
/// `<CLASS_0000>`.
pub(super) fn apply(text: &str, findings: &[Finding], policy: &Policy, tokens: Option<&Tokens>) -> String {
    let mut out = String::with_capacity(text.len() + findings.len() * 8);
    let mut copied = 0;
    for finding in findings {
        out.push_str(&text[copied..finding.span.start]);
        replace(&text[finding.span.clone()], finding.class, policy.operator(finding.class), tokens, &mut out);
        copied = finding.span.end;
    }
    out.push_str(&text[copied..]);
    out
}

/// Appends what stands for `value`.
pub(super) fn replace(value: &str, class: Class, operator: Operator, tokens: Option<&Tokens>, out: &mut String) {
    match (operator, tokens) {
        (Operator::Drop, _) => {
            out.push('<');
            out.push_str(class.as_str());
            out.push('>');
        }
        (Operator::Mask, _) => mask(&canonical(value, class), class, out),
        (Operator::Pseudonym, Some(tokens)) => tokens.write(class, &canonical(value, class), out),
        (Operator::Pseudonym, None) => {
            out.push('<');
            out.push_str(class.as_str());
            out.push_str("_0000>");
        }
    }
}

/// Returns the value in the one way of writing its class, so that the same value gets the same token however it is written.
fn canonical(value: &str, class: Class) -> String {
    let plain = Normalised::new(value).text;
    match class {
        Class::Email => plain.to_lowercase(),
        // A number in words has few digits of its own, and is told from others by its words.
        Class::Phone | Class::Card | Class::UsSsn if plain.chars().filter(char::is_ascii_digit).count() > 1 => {
            plain.chars().filter(char::is_ascii_digit).collect()
        }
        Class::Iban => plain.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect(),
        Class::Mac => plain.chars().filter(char::is_ascii_hexdigit).map(|c| c.to_ascii_lowercase()).collect(),
        Class::Ip => plain.parse::<IpAddr>().map_or_else(|_| plain.to_lowercase(), |address| address.to_string()),
        Class::DateOfBirth => plain.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" "),
        Class::UrlCredential | Class::Secret => plain.into_owned(),
        Class::Person | Class::Address | Class::Location => {
            plain.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
        }
        _ => plain.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase).collect(),
    }
}

/// Appends the first 6 and last 4 digits; of a card under 15 digits, where that would leave too little hidden, the last 4. A piece of
/// a card shows nothing: with the other pieces it would be the whole.
fn mask(digits: &str, class: Class, out: &mut String) {
    if digits.len() < MIN_MASKED || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        out.push('<');
        out.push_str(class.as_str());
        out.push('>');
        return;
    }
    let shown = if digits.len() >= 15 { 6 } else { 0 };
    let last = digits.len().saturating_sub(4).max(shown);
    out.push_str(&digits[..shown]);
    out.extend(std::iter::repeat_n('*', last - shown));
    out.push_str(&digits[last..]);
}

/// The shortest card has 12 digits.
const MIN_MASKED: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_has_one_canonical_form() {
        for (class, a, b) in [
            (Class::Email, "Jane@Example.org", "ｊane@example.ORG"),
            (Class::Phone, "(415) 555-0132", "415.555.0132"),
            (Class::Iban, "gb82 west 1234 5698 7654 32", "GB82WEST12345698765432"),
            (Class::Mac, "AA-BB-CC-DD-EE-0F", "aabb.ccdd.ee0f"),
            (Class::Ip, "2001:DB8:0::1", "2001:db8::1"),
            (Class::UsSsn, "536-22-8726", "536 22 8726"),
        ] {
            assert_eq!(canonical(a, class), canonical(b, class));
        }
    }

    #[test]
    fn a_mask_hides_five_digits_at_least() {
        for (digits, expected) in [
            ("4242424242424242", "424242******4242"),
            ("378282246310005", "378282*****0005"),
            ("30569309025904", "**********5904"),
            ("42424242", "<CARD>"),
            ("", "<CARD>"),
        ] {
            let mut out = String::new();
            mask(digits, Class::Card, &mut out);
            assert_eq!(out, expected);
        }
    }
}
