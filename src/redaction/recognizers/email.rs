//! Mail addresses: the dot-atom of RFC 5322 at a domain name with a top-level domain, internationalised ones (RFC 6531) too.

use super::super::Class;
use super::super::explain::Stage;
use super::super::floor_boundary;
use super::super::scan::View;
use super::Hit;

/// Pushes the address around the `@` at `at`.
pub(crate) fn find(view: &View<'_>, at: usize, hits: &mut Vec<Hit>) {
    if !view.looks_for(Class::Email) {
        return;
    }
    let (Some(start), Some(end)) = (local(view.text, at), domain(view.text, at + 1)) else { return };
    hits.push(Hit {
        class: Class::Email,
        rule: "email",
        score: 95,
        span: start..end,
        stage: Stage::Validate,
        verdict: "local part and domain name hold",
        word: None,
    });
}

/// Returns where the local part that ends at `end` starts; it begins with a letter or digit.
fn local(text: &str, end: usize) -> Option<usize> {
    let mut start = None;
    let mut previous_dot = true;
    for (at, c) in text[..end].char_indices().rev().take_while(|(at, _)| end - at <= MAX_LOCAL) {
        let dot = c == '.';
        if !is_local(c) || dot && previous_dot {
            break;
        }
        previous_dot = dot;
        if c.is_alphanumeric() || c == '_' {
            start = Some(at);
        }
    }
    start.filter(|start| !follows_address(&text[..*start]))
}

/// Returns whether what ends here is `name@`, so that what follows is the domain of an address before it.
fn follows_address(before: &str) -> bool {
    before.strip_suffix('@').is_some_and(|name| name.ends_with(|c: char| c.is_alphanumeric() || c == '_'))
}

/// Returns where the domain name that starts at `start` ends: two labels or more, the last one not of digits.
fn domain(text: &str, start: usize) -> Option<usize> {
    let rest = &text[start..];
    let rest = &rest[..floor_boundary(rest, MAX_DOMAIN)];
    let length = rest.find(|c: char| !(c.is_alphanumeric() || c == '-' || c == '.')).unwrap_or(rest.len());
    let (mut at, mut end, mut labels) = (0, None, 0);
    for label in rest[..length].split('.') {
        if label.is_empty() || label.starts_with('-') || label.len() > MAX_LABEL {
            break;
        }
        let label_end = at + label.trim_end_matches('-').len();
        labels += 1;
        if labels > 1 && is_top_level(&rest[at..label_end]) {
            end = Some(label_end);
        }
        if label.ends_with('-') {
            break;
        }
        at += label.len() + 1;
    }
    end.map(|end| start + end)
}

fn is_local(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '.' | '_' | '%' | '+' | '-' | '\'' | '&' | '!' | '~' | '^' | '$' | '{' | '}')
}

fn is_top_level(label: &str) -> bool {
    label.chars().count() >= 2
        && (label.chars().all(char::is_alphabetic)
            || label.get(..4).is_some_and(|tag| tag.eq_ignore_ascii_case("xn--")))
}

/// Octets, RFC 5321 section 4.5.3.1.
const MAX_LOCAL: usize = 64;
const MAX_DOMAIN: usize = 255;
const MAX_LABEL: usize = 63;

#[cfg(test)]
mod tests {
    use super::super::testing::found;
    use super::*;

    #[test]
    fn addresses_are_found_without_what_stands_around_them() {
        for (text, address) in [
            ("write to jane.doe+bills@mail.example.org.", "jane.doe+bills@mail.example.org"),
            ("<jane@example.org>", "jane@example.org"),
            ("'jane@example.org'", "jane@example.org"),
            ("mailto:jane@example.org?subject=x", "jane@example.org"),
            ("email=jane@example.org", "jane@example.org"),
            ("o'neill@example.ie", "o'neill@example.ie"),
            ("“jürgen@müller.de”", "jürgen@müller.de"),
            ("a@xn--d1acufc.xn--p1ai!", "a@xn--d1acufc.xn--p1ai"),
            ("jane@example.org-", "jane@example.org"),
            ("jane@example.org...", "jane@example.org"),
        ] {
            assert_eq!(found(Class::Email, text), [address], "{text}");
        }
    }

    #[test]
    fn handles_and_half_addresses_are_none() {
        for text in ["@jane", "jane@", "jane@localhost", "jane@example.", "jane @example.org", "a@b.c", "1@2.34"] {
            assert_eq!(found(Class::Email, text), [""; 0], "{text}");
        }
    }

    #[test]
    fn of_two_at_signs_the_first_address_stands() {
        assert_eq!(found(Class::Email, "a@b.com@c.com"), ["a@b.com"]);
    }
}
