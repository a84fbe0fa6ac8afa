//! User names and reference numbers that a cue announces: "my username is", "login:", "handle @jane_d", "order number".

use std::ops::Range;

use super::super::Class;
use super::super::context::is_whole;
use super::super::explain::Stage;
use super::super::scan::View;
use super::Hit;

/// What a cue announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A user name.
    Username,
    /// A user name if it is given by `:` or `@`, or has a digit or sign that no word has: the cue is an ordinary word.
    Handle,
    /// The number of an order, booking, customer, account or parcel.
    Reference,
}

/// The cues, for the combined automaton.
pub(crate) const CUES: &[(&str, Kind)] = &[
    ("username", Kind::Username),
    ("user name", Kind::Username),
    ("user id", Kind::Username),
    ("userid", Kind::Username),
    ("user_id", Kind::Username),
    ("login name", Kind::Username),
    ("login id", Kind::Username),
    ("screen name", Kind::Username),
    ("gamertag", Kind::Username),
    ("gamer tag", Kind::Username),
    ("benutzername", Kind::Username),
    ("nutzername", Kind::Username),
    ("benutzerkennung", Kind::Username),
    ("nom d'utilisateur", Kind::Username),
    ("identifiant", Kind::Handle),
    ("nombre de usuario", Kind::Username),
    ("usuario", Kind::Handle),
    ("nome utente", Kind::Username),
    ("nome de usuário", Kind::Username),
    ("usuário", Kind::Handle),
    ("gebruikersnaam", Kind::Username),
    ("nazwa użytkownika", Kind::Username),
    ("kullanıcı adı", Kind::Username),
    ("имя пользователя", Kind::Username),
    ("логин", Kind::Handle),
    ("用户名", Kind::Username),
    ("ユーザー名", Kind::Username),
    ("아이디", Kind::Handle),
    ("login", Kind::Handle),
    ("handle", Kind::Handle),
    ("twitter", Kind::Handle),
    ("instagram", Kind::Handle),
    ("insta", Kind::Handle),
    ("ig", Kind::Handle),
    ("snap", Kind::Handle),
    ("log in as", Kind::Handle),
    ("logged in as", Kind::Handle),
    ("sign in as", Kind::Handle),
    ("user", Kind::Handle),
    ("snapchat", Kind::Handle),
    ("tiktok", Kind::Handle),
    ("discord", Kind::Handle),
    ("telegram", Kind::Handle),
    ("skype", Kind::Handle),
    ("steam id", Kind::Handle),
    ("github", Kind::Handle),
    ("psn", Kind::Handle),
    ("venmo", Kind::Handle),
    ("cashapp", Kind::Handle),
    ("cash app", Kind::Handle),
    ("cashtag", Kind::Handle),
    ("kik", Kind::Handle),
    ("kik me", Kind::Handle),
    ("paypal", Kind::Handle),
    ("paypal.me", Kind::Handle),
    ("twitch", Kind::Handle),
    ("reddit", Kind::Handle),
    ("fb", Kind::Handle),
    ("facebook", Kind::Handle),
    ("threads", Kind::Handle),
    ("onlyfans", Kind::Handle),
    ("roblox", Kind::Handle),
    ("xbox", Kind::Handle),
    ("epic id", Kind::Handle),
    ("wechat", Kind::Handle),
    ("weixin", Kind::Handle),
    ("微信", Kind::Handle),
    ("微信号", Kind::Handle),
    ("line id", Kind::Handle),
    ("mi insta", Kind::Handle),
    ("mein insta", Kind::Handle),
    ("inicio de sesión", Kind::Handle),
    ("användarnamn", Kind::Username),
    ("brugernavn", Kind::Username),
    ("brukernavn", Kind::Username),
    ("käyttäjätunnus", Kind::Username),
    ("uživatelské jméno", Kind::Username),
    ("felhasználónév", Kind::Username),
    ("nume de utilizator", Kind::Username),
    ("όνομα χρήστη", Kind::Username),
    ("اسم المستخدم", Kind::Username),
    ("nama pengguna", Kind::Username),
    ("benutzer-id", Kind::Username),
    ("anmeldename", Kind::Username),
    ("account name", Kind::Username),
    ("uname", Kind::Username),
    ("usrname", Kind::Username),
    ("acct", Kind::Handle),
    ("order id", Kind::Reference),
    ("order no", Kind::Reference),
    ("order #", Kind::Reference),
    ("order", Kind::Reference),
    ("customer id", Kind::Reference),
    ("customer no", Kind::Reference),
    ("member id", Kind::Reference),
    ("membership number", Kind::Reference),
    ("invoice number", Kind::Reference),
    ("policy number", Kind::Reference),
    ("claim number", Kind::Reference),
    ("ticket", Kind::Reference),
    ("tracking", Kind::Reference),
    ("booking id", Kind::Reference),
    ("booking", Kind::Reference),
    ("parcel number", Kind::Reference),
    ("sendungsnummer", Kind::Reference),
    ("rechnungsnummer", Kind::Reference),
    ("numéro de suivi", Kind::Reference),
    ("numéro de dossier", Kind::Reference),
    ("número de seguimiento", Kind::Reference),
];

/// Pushes the value that follows the cue at `span`.
pub(crate) fn find(view: &View<'_>, kind: Kind, span: Range<usize>, hits: &mut Vec<Hit>) {
    let class = if kind == Kind::Reference { Class::ReferenceNumber } else { Class::Username };
    let script = view.text.get(span.clone()).and_then(|cue| cue.chars().next()).is_some_and(|c| c as u32 >= 0x3000);
    if !view.looks_for(class) || !script && !is_whole(view.bytes, &span) {
        return;
    }
    let mut given = Given::behind(view, span.end);
    given.copula |= view.text[..span.end].ends_with(" as");
    let Some(value) = value(view, given.at) else { return };
    let text = &view.text[value.clone()];
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let marked = digits > 0 || text.bytes().any(|byte| b"_.-".contains(&byte));
    let fits = match kind {
        Kind::Reference => digits >= 3 && text.len() >= 4,
        _ if is_small(text) || !text.bytes().any(|byte| byte.is_ascii_alphanumeric()) => false,
        Kind::Username => {
            given.strong || given.at_sign || marked && given.copula || given.copula && ends(view, value.end)
        }
        Kind::Handle => {
            given.at_sign || (given.strong || given.copula) && (marked || given.strong && ends(view, value.end))
        }
    };
    if fits {
        hits.push(Hit {
            class,
            rule: if class == Class::Username { "username" } else { "reference_number" },
            score: 75,
            span: value,
            stage: Stage::Cue,
            verdict: "cue and form hold",
            word: None,
        });
    }
}

/// Pushes the user name after the `@` at `at`: with a digit or an underscore in it, which no word of code behind an `@` has.
pub(crate) fn mention(view: &View<'_>, at: usize, hits: &mut Vec<Hit>) {
    let free = at.checked_sub(1).is_none_or(|before| b" \t\n(,:;\"'".contains(&view.bytes[before]));
    if !view.looks_for(Class::Username) || !free {
        return;
    }
    let sign = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.');
    let run = view.bytes[at + 1..].iter().take(MAX_VALUE).take_while(sign).count();
    let name = view.text[at + 1..at + 1 + run].trim_end_matches('.');
    let marked = name.bytes().any(|byte| byte.is_ascii_digit() || byte == b'_');
    let closed = !view.bytes.get(at + 1 + run).is_some_and(|byte| b"/(@=-".contains(byte) || *byte >= 0x80);
    if name.len() > 2 && marked && closed && name.bytes().any(|byte| byte.is_ascii_alphabetic()) {
        hits.push(Hit {
            class: Class::Username,
            rule: "mention",
            score: 60,
            span: at..at + 1 + name.len(),
            stage: Stage::Cue,
            verdict: "the form holds",
            word: None,
        });
    }
}

/// How a value is given.
#[derive(Default)]
struct Given {
    at: usize,
    strong: bool,
    copula: bool,
    at_sign: bool,
}

impl Given {
    fn behind(view: &View<'_>, end: usize) -> Given {
        let mut given = Given { at: end, ..Given::default() };
        for _ in 0..MAX_STEPS {
            let rest = &view.text[given.at..];
            let Some(first) = rest.chars().next() else { break };
            let word = rest.find(|c: char| !c.is_alphabetic()).unwrap_or(rest.len().min(16));
            let lower = rest.get(..word).unwrap_or_default().to_lowercase();
            match first {
                ':' | '=' => given.strong = true,
                '@' => {
                    given.at_sign = true;
                    break;
                }
                '$' if rest[1..].starts_with(|c: char| c.is_ascii_alphabetic()) => {
                    given.at_sign = true;
                    break;
                }
                ' ' | '"' | '\'' | '#' | '`' | '\n' | '(' => {}
                _ if COPULAS.contains(&lower.as_str()) => {
                    given.copula = true;
                    given.at += word;
                    continue;
                }
                _ if BETWEEN.contains(&lower.as_str()) => {
                    given.at += word;
                    continue;
                }
                _ => break,
            }
            given.at += first.len_utf8();
        }
        given
    }
}

/// Returns the token at `at`, without the signs at its end.
fn value(view: &View<'_>, at: usize) -> Option<Range<usize>> {
    let rest = &view.text[at..];
    let inner = |c: char| c.is_alphanumeric() || "@._-+#$".contains(c);
    let length =
        rest.char_indices().take(MAX_VALUE).find(|(_, c)| !inner(*c)).map_or(rest.len().min(MAX_VALUE), |(at, _)| at);
    let token = rest.get(..length)?.trim_end_matches(['.', '-', '_', '@', '#']);
    let mail = token.trim_start_matches('@').contains('@');
    (token.trim_start_matches('@').len() >= 2 && !mail).then(|| at..at + token.len())
}

/// Returns whether the sentence or the turn ends there, or "and" goes on.
fn ends(view: &View<'_>, end: usize) -> bool {
    let rest = view.text[end..].trim_start_matches(['"', '\'', '`']);
    rest.is_empty()
        || rest.starts_with(['.', ',', '\n', ';', ')', '!'])
        || rest.starts_with(" and ")
        || rest.starts_with(" und ")
}

fn is_small(text: &str) -> bool {
    SMALL.contains(&text.trim_start_matches('@').to_lowercase().as_str())
}

const MAX_STEPS: usize = 14;
const MAX_VALUE: usize = 40;
const COPULAS: &[&str] = &["is", "was", "ist", "lautet", "es", "est", "è", "é", "called", "to", "są", "jest"];
const BETWEEN: &[&str] = &["my", "number", "no", "the", "id", "code", "as", "name", "handle", "account", "nummer"];
const SMALL: &[&str] = &[
    "not",
    "wrong",
    "and",
    "or",
    "invalid",
    "correct",
    "incorrect",
    "required",
    "password",
    "already",
    "taken",
    "in",
    "on",
    "at",
    "the",
    "a",
    "an",
    "my",
    "your",
    "it",
    "that",
    "this",
    "for",
    "with",
    "page",
    "screen",
    "button",
    "issue",
    "issues",
    "problem",
    "failed",
    "fails",
    "still",
    "unknown",
    "blocked",
    "locked",
    "email",
    "different",
    "same",
    "what",
    "please",
    "nicht",
    "falsch",
    "no",
    "yes",
    "be",
    "too",
    "case",
    "one",
    "null",
    "none",
    "something",
    "unavailable",
    "available",
];

#[cfg(test)]
mod tests {
    use super::super::testing::found;
    use super::*;
    use crate::redaction::{Engine, Policy};

    #[test]
    fn announced_user_names_are_found() {
        for (text, value) in [
            ("my username is jane_d77, thanks", "jane_d77"),
            ("User ID: rosebush", "rosebush"),
            ("login: jdoe42", "jdoe42"),
            ("my handle is @jane_d", "@jane_d"),
            ("my twitter is @rosie.d and", "@rosie.d"),
            ("Benutzername: rosenrot", "rosenrot"),
            ("mein Benutzername ist rosen_rot9", "rosen_rot9"),
            ("nom d'utilisateur : jeannot", "jeannot"),
            ("mi nombre de usuario es pepito.88", "pepito.88"),
            ("gebruikersnaam is keesje1", "keesje1"),
            ("username is rosebush.", "rosebush"),
        ] {
            assert_eq!(found(Class::Username, text), [value], "{text}");
        }
    }

    #[test]
    fn mentions_with_a_sign_that_no_word_has_are_found() {
        assert_eq!(found(Class::Username, "met @rose_b and @thorn77, hi"), ["@rose_b", "@thorn77"]);
        for text in ["@here the @angular/core and @media rule", "x@rose_b", "@v2/lib", "@1234"] {
            assert_eq!(found(Class::Username, text), [""; 0], "{text}");
        }
    }

    #[test]
    fn talk_of_logins_announces_none() {
        for text in [
            "my username is not working",
            "I can handle it",
            "the login page is down",
            "follow us on twitter and instagram",
            "the username is already taken by somebody",
            "login with my email jane@example.org",
        ] {
            assert_eq!(found(Class::Username, text), [""; 0], "{text}");
        }
    }

    #[test]
    fn reference_numbers_are_found_where_the_policy_asks() {
        let text = "my order number is 88-1234-X, ticket #55123";
        let policy = Policy { classes: [Class::ReferenceNumber].into(), ..Policy::default() };
        let found: Vec<_> =
            Engine::new(policy).unwrap().scan(text).into_iter().map(|finding| &text[finding.span]).collect();
        assert_eq!(found, ["88-1234-X", "55123"]);
        assert!(Engine::new(Policy::default()).unwrap().scan(text).is_empty());
    }
}
