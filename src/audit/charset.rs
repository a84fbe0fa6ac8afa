//! What may stand in a field of an entry: ASCII words and names, never free text.
//!
//! No field admits a space, a quote, a backslash or a control character, so canonical JSON needs no escape, and no
//! field admits `@` or `+`, so neither an e-mail address nor an international telephone number fits into one.

use super::EntryError;

/// One string field: its name, its longest value in bytes, and which values it admits.
pub(super) struct Field {
    name: &'static str,
    max: usize,
    admits: fn(&str) -> bool,
}

/// `system` or `tenants/{id}`.
pub(super) const LOG: Field = Field { name: "log", max: 72, admits: is_log };
/// A pseudonym of a principal: `[a-z0-9_]`.
pub(super) const ACTOR: Field = Field { name: "actor", max: 40, admits: is_pseudonym };
/// A role: `[a-z_]`.
pub(super) const ROLE: Field = Field { name: "role", max: 16, admits: is_role };
/// An RPC method or an act of a worker, in PascalCase.
pub(super) const OP: Field = Field { name: "op", max: 40, admits: is_method };
/// A resource name.
pub(super) const OBJECT: Field = Field { name: "object", max: 160, admits: is_resource_name };
/// A stable reason, in SCREAMING_SNAKE_CASE.
pub(super) const REASON: Field = Field { name: "reason", max: 48, admits: is_code };
/// The code of a purpose, in SCREAMING_SNAKE_CASE.
pub(super) const PURPOSE: Field = Field { name: "purpose", max: 24, admits: is_code };
/// A case reference.
pub(super) const CASE: Field = Field { name: "case", max: 32, admits: is_slug };

impl Field {
    /// Copies the value if the field admits it.
    pub(super) fn check(&self, value: &str) -> Result<Box<str>, EntryError> {
        let fits = !value.is_empty() && value.len() <= self.max && (self.admits)(value);
        fits.then(|| value.into()).ok_or(EntryError::Field(self.name))
    }
}

fn is_log(value: &str) -> bool {
    value == "system" || value.strip_prefix("tenants/").is_some_and(is_id)
}

fn is_pseudonym(value: &str) -> bool {
    value.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_'))
}

fn is_role(value: &str) -> bool {
    value.bytes().all(|b| matches!(b, b'a'..=b'z' | b'_'))
}

fn is_method(value: &str) -> bool {
    value.starts_with(|c: char| c.is_ascii_uppercase()) && value.bytes().all(|b| b.is_ascii_alphanumeric())
}

fn is_code(value: &str) -> bool {
    value.starts_with(|c: char| c.is_ascii_uppercase())
        && value.bytes().all(|b| matches!(b, b'A'..=b'Z' | b'0'..=b'9' | b'_'))
}

fn is_slug(value: &str) -> bool {
    value.starts_with(|c: char| c.is_ascii_alphanumeric()) && is_id(value)
}

fn is_resource_name(value: &str) -> bool {
    value.split('/').all(is_id)
}

/// One segment of a resource name.
fn is_id(value: &str) -> bool {
    !value.is_empty() && value.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'~' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_admit_their_own_values() {
        for (field, value) in [
            (LOG, "system"),
            (LOG, "tenants/acme"),
            (ACTOR, "key_7f3a"),
            (ROLE, "ingestor"),
            (OP, "AppendRecords"),
            (OBJECT, "tenants/acme/conversations/0190a1b2-0000-7000-8000-000000000000/records/4"),
            (REASON, "KEY_DESTROYED"),
            (PURPOSE, "SUBJECT_REQUEST"),
            (CASE, "CASE-2026.11"),
        ] {
            assert_eq!(field.check(value).as_deref(), Ok(value));
        }
    }

    #[test]
    fn fields_refuse_free_text_and_what_breaks_json() {
        for field in [LOG, ACTOR, ROLE, OP, OBJECT, REASON, PURPOSE, CASE] {
            let long = "A".repeat(field.max + 1);
            for value in ["", "a b", "\"", "\\", "\n", "\0", "é", "a@b.example", "+4179", &long] {
                assert_eq!(field.check(value), Err(EntryError::Field(field.name)), "{} {value:?}", field.name);
            }
        }
    }

    #[test]
    fn names_have_no_empty_segment() {
        for name in ["/tenants", "tenants/", "tenants//x", "/"] {
            assert!(OBJECT.check(name).is_err(), "{name}");
        }
        for log in ["tenants/", "tenants/a/b", "System", "tenants"] {
            assert!(LOG.check(log).is_err(), "{log}");
        }
    }
}
