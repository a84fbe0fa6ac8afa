//! Which labels of marked sets and which of our classes mean the same.

use crate::redaction::Class;

/// Labels that mean the same form one group; its name is that of our class.
const GROUPS: &[(&str, &[&str])] = &[
    ("CARD", &["CREDIT_CARD", "CREDIT_CARD_NUMBER"]),
    ("IBAN", &["IBAN_CODE"]),
    ("EMAIL", &["EMAIL_ADDRESS"]),
    ("IP", &["IP_ADDRESS", "IPV4", "IPV6"]),
    ("MAC", &["MAC_ADDRESS"]),
    ("PHONE", &["PHONE_NUMBER", "TR_PHONE_NUMBER", "PH_MOBILE_NUMBER", "FAX_NUMBER"]),
    ("PERSON", &["NAME", "GIVEN_NAME", "FIRST_NAME", "SURNAME", "LAST_NAME"]),
    (
        "ADDRESS",
        &["STREET_ADDRESS", "LOCATION", "GPE", "CITY", "STATE", "ZIP_CODE", "POSTAL_CODE", "UK_POSTCODE", "DE_PLZ"],
    ),
    ("US_SSN", &["SSN"]),
    ("USERNAME", &["USER_NAME"]),
    ("SECRET", &["PASSWORD", "PIN", "CVV", "OTP", "API_KEY"]),
];

/// Labels of the address group that point at nobody by themselves.
const INDIRECT: &[&str] = &["LOCATION", "GPE", "CITY", "STATE", "ZIP_CODE", "POSTAL_CODE", "UK_POSTCODE", "DE_PLZ"];

/// Returns the group that a label or a class belongs to; itself when it has no kin.
pub(super) fn group(label: &str) -> &str {
    let kin = |(_, labels): &&(&str, &[&str])| labels.contains(&label);
    GROUPS.iter().find(kin).map_or(label, |(name, _)| name)
}

/// Returns whether a value marked so identifies somebody by itself: what we have a class for, but for places.
pub(super) fn is_direct(label: &str) -> bool {
    !INDIRECT.contains(&label) && class(label).is_some()
}

/// Returns the class to look for where a set says `label`.
pub(super) fn class(label: &str) -> Option<Class> {
    group(label).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_group_is_named_for_a_class() {
        for (name, _) in GROUPS {
            assert!(name.parse::<Class>().is_ok(), "{name}");
        }
    }

    #[test]
    fn places_are_compatible_and_point_at_nobody() {
        assert_eq!(group("GPE"), group("STREET_ADDRESS"));
        assert_eq!(group("LOCATION"), group("ADDRESS"));
        assert!(is_direct("STREET_ADDRESS") && is_direct("US_DRIVER_LICENSE") && is_direct("PERSON"));
        assert!(!is_direct("GPE") && !is_direct("ORGANIZATION") && !is_direct("DATE_TIME"));
    }
}
