//! What the name of a field says of its value: `password`, `userPwd`, `card-number`, `ssn`.

use super::super::Class;
use super::super::context::Word;
use super::super::resolve;
use super::super::scan::Tables;

/// What a name says of the value under it.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct NameCue {
    announced: Option<Announced>,
    hint: Option<Word>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Announced {
    class: Class,
    rule: &'static str,
    /// The fewest letters and digits the value has.
    least: usize,
    /// Whether the value has digits, and perhaps signs, but no letters.
    digits: bool,
}

impl NameCue {
    /// Reads a name in any of the usual ways of writing one.
    pub(in super::super) fn of(name: &str, tables: &Tables) -> Self {
        if name.len() > MAX_NAME {
            return NameCue::default();
        }
        let words = split(&without_tokens(name));
        let joined = words.replace(' ', "");
        let ends = |end: &&str| joined.ends_with(*end) && (end.len() > 4 || words.split(' ').any(|word| word == *end));
        let announced = NAMES.iter().find(|(ending, _)| ends(ending)).map(|(_, announced)| *announced);
        NameCue { announced, hint: tables.words().in_name(&words) }
    }

    /// Returns whether the name says nothing.
    pub(in super::super) fn is_none(&self) -> bool {
        self.announced.is_none() && self.hint.is_none()
    }

    /// Returns as what the whole value is taken, if the name announces it and its form fits.
    pub(in super::super) fn whole(&self, value: &str) -> Option<(Class, &'static str)> {
        let announced = self.announced?;
        let signs = without_tokens(value).chars().filter(|c| c.is_alphanumeric()).count();
        let fits = signs >= announced.least && !(announced.digits && value.chars().any(char::is_alphabetic));
        (fits && !value.trim().is_empty()).then_some((announced.class, announced.rule))
    }

    /// Returns the context word that the name holds.
    pub(in super::super) fn hint(&self) -> Option<Word> {
        self.hint
    }
}

/// Takes the tokens of a redaction out: they say what was there, and neither announce a value nor are one.
fn without_tokens(name: &str) -> String {
    let mut plain = String::with_capacity(name.len());
    let mut copied = 0;
    for token in resolve::redacted(name) {
        plain.push_str(&name[copied..token.start]);
        plain.push(' ');
        copied = token.end;
    }
    plain.push_str(&name[copied..]);
    plain
}

/// Splits `userPwd`, `user-pwd`, `user_pwd` and `User PWD` into `user pwd`.
fn split(name: &str) -> String {
    let mut words = String::with_capacity(name.len() + 4);
    let mut lower = false;
    for c in name.chars() {
        if lower && c.is_uppercase() || !c.is_alphanumeric() && !words.is_empty() && !words.ends_with(' ') {
            words.push(' ');
        }
        lower = c.is_lowercase();
        if c.is_alphanumeric() {
            words.extend(c.to_lowercase());
        }
    }
    words.truncate(words.trim_end().len());
    words
}

const MAX_NAME: usize = 128;

const fn secret(rule: &'static str, least: usize) -> Announced {
    Announced { class: Class::Secret, rule, least, digits: false }
}
const fn number(class: Class, rule: &'static str, least: usize) -> Announced {
    Announced { class, rule, least, digits: true }
}

const NAMES: [(&str, Announced); 37] = [
    ("password", secret("password", 0)),
    ("passwd", secret("password", 0)),
    ("passwort", secret("password", 0)),
    ("pwd", secret("password", 0)),
    ("passcode", secret("password", 0)),
    ("passphrase", secret("passphrase", 0)),
    ("contraseña", secret("password", 0)),
    ("pin", secret("pin", 3)),
    ("pincode", secret("pin", 3)),
    ("cvv", secret("card_security_code", 3)),
    ("cvv2", secret("card_security_code", 3)),
    ("cvc", secret("card_security_code", 3)),
    ("cvc2", secret("card_security_code", 3)),
    ("csc", secret("card_security_code", 3)),
    ("securitycode", secret("card_security_code", 3)),
    ("otp", secret("one_time_code", 4)),
    ("onetimecode", secret("one_time_code", 4)),
    ("verificationcode", secret("one_time_code", 4)),
    ("secret", secret("generic_key", 4)),
    ("apikey", secret("generic_key", 8)),
    ("secretkey", secret("generic_key", 8)),
    ("accesskey", secret("generic_key", 8)),
    ("privatekey", secret("generic_key", 8)),
    ("encryptionkey", secret("generic_key", 8)),
    ("signingkey", secret("generic_key", 8)),
    ("token", secret("generic_key", 8)),
    ("authorization", secret("generic_key", 8)),
    ("cookie", secret("generic_key", 8)),
    ("ssn", number(Class::UsSsn, "us_ssn", 9)),
    ("socialsecuritynumber", number(Class::UsSsn, "us_ssn", 9)),
    ("phone", number(Class::Phone, "phone_named", 7)),
    ("phonenumber", number(Class::Phone, "phone_named", 7)),
    ("telephone", number(Class::Phone, "phone_named", 7)),
    ("mobile", number(Class::Phone, "phone_named", 7)),
    ("dob", Announced { class: Class::DateOfBirth, rule: "date_of_birth", least: 4, digits: false }),
    ("dateofbirth", Announced { class: Class::DateOfBirth, rule: "date_of_birth", least: 4, digits: false }),
    ("birthdate", Announced { class: Class::DateOfBirth, rule: "date_of_birth", least: 4, digits: false }),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn announced(name: &str) -> Option<&'static str> {
        NameCue::of(name, Tables::shared().unwrap()).announced.map(|announced| announced.rule)
    }

    #[test]
    fn names_are_read_however_they_are_written() {
        for name in ["password", "userPassword", "USER_PASSWORD", "new-password", "Db Password"] {
            assert_eq!(announced(name), Some("password"), "{name}");
        }
        assert_eq!(announced("x-api-key"), Some("generic_key"));
        assert_eq!(announced("cardCVV"), Some("card_security_code"));
    }

    #[test]
    fn names_that_only_look_alike_say_nothing() {
        for name in ["prompt_tokens", "spin", "passwords", "keyboard", "shipping"] {
            assert_eq!(announced(name), None, "{name}");
        }
    }
}
