//! The rule data of secrets, apart from the code that reads it: a secret of a new kind is a row here.
//!
//! | table | what a row is |
//! |---|---|
//! | [`families`] | a kind of token that its own looks tell: prefix, alphabet, length, check |
//! | [`vendors`] | a vendor whose keys look like any hash, so that only its name beside one tells |
//! | [`words`] | a word, in the languages of a support chat, that announces a password, a PIN or a code |
//! | [`prose`] | the words that stand between, and those that are talk and no value |
//!
//! The classes covered are those that the default rules of gitleaks (MIT licence, `config/gitleaks.toml`) name; prefixes, alphabets
//! and lengths are facts from the vendors' documents, written down anew, and no expression of theirs is in here.

pub(crate) mod checksum;
pub(crate) mod families;
pub(crate) mod prose;
pub(crate) mod vendors;
pub(crate) mod words;

#[cfg(test)]
mod tests;
