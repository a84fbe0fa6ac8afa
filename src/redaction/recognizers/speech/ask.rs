//! What one turn can ask of the next, and the phrases that do.

use super::super::super::Class;
use super::super::super::context::{Topic, Word};

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// A payment card number.
    Card,
    /// The month and year in which a card expires.
    Expiry,
    /// The security code of a card.
    CardCode,
    /// A telephone number.
    Phone,
    /// An identifier of that class.
    Id(Class),
    /// An IBAN.
    Iban,
    /// A date of birth.
    Birth,
    /// A PIN.
    Pin,
    /// A password.
    Password,
    /// A one-time code.
    OneTime,
    /// A mail address.
    Email,
    /// A postal address.
    Address,
    /// A name.
    Name,
    /// The name of an account.
    Username,
    /// An order, booking or customer number.
    Reference,
    /// What is still missing of the last thing that was asked for.
    Rest,
}

impl Asked {
    /// Returns the class of the answer.
    pub(crate) fn class(self) -> Class {
        match self {
            Asked::Card | Asked::Rest => Class::Card,
            Asked::Expiry | Asked::CardCode | Asked::Pin | Asked::Password | Asked::OneTime => Class::Secret,
            Asked::Phone => Class::Phone,
            Asked::Id(class) => class,
            Asked::Iban => Class::Iban,
            Asked::Birth => Class::DateOfBirth,
            Asked::Email => Class::Email,
            Asked::Address => Class::Address,
            Asked::Name => Class::Person,
            Asked::Username => Class::Username,
            Asked::Reference => Class::ReferenceNumber,
        }
    }

    /// Returns the rule under which pieces of the answer are found.
    pub(crate) const fn rule(self) -> &'static str {
        match self {
            Asked::Card | Asked::Rest => "asked_card",
            Asked::Expiry => "asked_card_expiry",
            Asked::CardCode => "asked_card_security_code",
            Asked::Phone => "asked_phone",
            Asked::Id(_) => "asked_identifier",
            Asked::Iban => "asked_iban",
            Asked::Birth => "asked_date_of_birth",
            Asked::Pin => "asked_pin",
            Asked::Password => "asked_password",
            Asked::OneTime => "asked_one_time_code",
            Asked::Email => "asked_email",
            Asked::Address => "asked_address",
            Asked::Name => "asked_name",
            Asked::Username => "asked_username",
            Asked::Reference => "asked_reference_number",
        }
    }

    /// Returns the digits that make the answer whole; 0 where one finding does.
    pub(crate) const fn whole(self) -> usize {
        match self {
            Asked::Card | Asked::Rest => 15,
            Asked::Expiry | Asked::CardCode => 3,
            Asked::Phone => 9,
            Asked::Id(_) => 9,
            Asked::Iban => 13,
            Asked::OneTime => 6,
            Asked::Pin | Asked::Reference => 4,
            Asked::Birth => 5,
            Asked::Password | Asked::Email | Asked::Address | Asked::Name | Asked::Username => 0,
        }
    }

    /// Returns what the question speaks for in the turn that answers it.
    pub(crate) const fn hint(self) -> Option<Word> {
        match self {
            Asked::Card | Asked::Rest => Some(Word::new("asked for a card", Topic::Card)),
            Asked::Phone => Some(Word::new("asked for a phone number", Topic::Phone)),
            Asked::Id(Class::UsSsn) => Some(Word::new("asked for an SSN", Topic::Ssn)),
            Asked::Id(class) => Some(Word::naming("asked for an identifier", class)),
            _ => None,
        }
    }

    /// Returns the number under which it is written down; it never changes its meaning.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Asked::Card => 1,
            Asked::Expiry => 2,
            Asked::CardCode => 3,
            Asked::Phone => 4,
            Asked::Id(_) => 5,
            Asked::Iban => 6,
            Asked::Birth => 7,
            Asked::Pin => 8,
            Asked::Password => 9,
            Asked::OneTime => 10,
            Asked::Email => 11,
            Asked::Address => 12,
            Asked::Name => 13,
            Asked::Reference => 14,
            Asked::Rest => 15,
            Asked::Username => 16,
        }
    }

    /// Returns what was written down as `code`; `class` is that of an identifier.
    pub(crate) fn from_code(code: u8, class: Class) -> Option<Asked> {
        let plain = [
            Asked::Card,
            Asked::Expiry,
            Asked::CardCode,
            Asked::Phone,
            Asked::Id(class),
            Asked::Iban,
            Asked::Birth,
            Asked::Pin,
            Asked::Password,
            Asked::OneTime,
            Asked::Email,
            Asked::Address,
            Asked::Name,
            Asked::Reference,
            Asked::Rest,
            Asked::Username,
        ];
        plain.into_iter().find(|asked| asked.code() == code)
    }
}
