//! What a rule says about one way of writing one kind of identifier.

use super::super::super::Class;

/// One way of writing one kind of identifier, and what it is worth.
pub(super) struct Rule {
    pub(super) class: Class,
    /// The name it has in findings.
    pub(super) name: &'static str,
    /// See [`super::shape`].
    pub(super) shapes: &'static [&'static str],
    /// What may stand where a shape has a separator.
    pub(super) separators: &'static str,
    /// Whether the letters and digits, in capitals and without separators, can be such an identifier.
    pub(super) check: fn(&[u8]) -> bool,
    /// Whether the check is one that few numbers pass by chance.
    pub(super) checked: bool,
    /// The score without a word that names the class; under the threshold, such a word must be there.
    pub(super) alone: u8,
    /// Whether the word must really stand there: an assumed one does not do.
    pub(super) spoken: bool,
}

/// Returns a rule whose identifiers need a word that names them.
pub(super) const fn rule(
    class: Class,
    name: &'static str,
    shapes: &'static [&'static str],
    check: fn(&[u8]) -> bool,
) -> Rule {
    Rule { class, name, shapes, separators: " -", check, checked: false, alone: 20, spoken: false }
}

impl Rule {
    /// Its check is one that few numbers pass by chance.
    pub(super) const fn checked(self) -> Rule {
        Rule { checked: true, ..self }
    }

    /// It stands without a word, at this score.
    pub(super) const fn alone(self, score: u8) -> Rule {
        Rule { alone: score, ..self }
    }

    /// It has these separators instead of space and hyphen.
    pub(super) const fn separators(self, separators: &'static str) -> Rule {
        Rule { separators, ..self }
    }

    /// Only a word that really stands there will do.
    pub(super) const fn spoken(self) -> Rule {
        Rule { spoken: true, ..self }
    }
}
