//! UUIDs (RFC 9562): 8-4-4-4-12 hexadecimal digits. Random ones say nothing, so a word must call it somebody's.

use super::super::super::Class;
use super::rules::{Rule, rule};

pub(super) const RULES: &[Rule] =
    &[rule(Class::Uuid, "uuid", &["********-****-****-****-************"], uuid).separators("-")];

/// Hexadecimal, and of a version and variant that the RFC knows; not the nil or max value (section 5.9 and 5.10).
fn uuid(signs: &[u8]) -> bool {
    signs.iter().all(u8::is_ascii_hexdigit)
        && matches!(signs[12], b'1'..=b'8')
        && matches!(signs[16], b'8' | b'9' | b'A' | b'B')
}

#[cfg(test)]
mod tests {
    use super::super::testing::{only_named, wrong};
    use crate::redaction::Class;

    #[test]
    fn a_uuid_counts_where_it_is_somebodys() {
        only_named(Class::Uuid, "user id", &["f81d4fae-7dec-41d0-a765-00a0c91e6bf6"]);
        wrong(Class::Uuid, &["f81d4fae-7dec-91d0-a765-00a0c91e6bf6", "00000000-0000-0000-0000-000000000000"]);
    }
}
