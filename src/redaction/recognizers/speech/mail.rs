//! Mail addresses in words and with gaps: "jane dot doe at gmail dot com", "jane @ gmail . com", "jane[at]gmail[dot]com",
//! "j a n e at gmail", "jane punkt doe at".

use std::ops::Range;

use super::super::super::Class;
use super::super::super::explain::Stage;
use super::super::super::floor_boundary;
use super::super::super::scan::View;
use super::super::Hit;
use super::ask::Asked;
use super::words::Words;

/// What begins or joins an address in words, for the combined automaton.
pub(crate) const TRIGGERS: &[&str] = &[
    " dot ",
    " dot.",
    " punkt ",
    " punto ",
    " ponto ",
    " kropka ",
    " nokta ",
    " arroba",
    " chiocciola",
    " arobase",
    " klammeraffe",
    " apenstaart",
    " małpa",
    " собака ",
    " точка ",
    "[at]",
    "(at)",
    "{at}",
    "<at>",
    "[dot]",
    "(dot)",
    "{dot}",
    " underscore ",
    " at gmail",
    " at hotmail",
    " at yahoo",
    " at outlook",
    " at icloud",
    " at proton",
    " at gmx",
    " at aol",
    " at live.",
    " at googlemail",
    " point com",
    " point fr",
    " point be",
    " point ch",
    " punt nl",
    " punt com",
    " punt be",
    " chez gmail",
    " chez hotmail",
];

/// Judges what stands around the word at `trigger`, and returns where it ends.
pub(crate) fn find(view: &View<'_>, words: &Words, trigger: Range<usize>, hits: &mut Vec<Hit>) -> usize {
    if !view.looks_for(Class::Email) || !view.text.is_char_boundary(trigger.start) {
        return trigger.end;
    }
    let from = floor_boundary(view.text, trigger.start.saturating_sub(BEFORE));
    let to = floor_boundary(view.text, trigger.end + BEHIND);
    let parts = parts(view.text, words, from..to);
    let middle = parts.iter().position(|part| part.span.end > trigger.start + 1).unwrap_or(parts.len());
    let Some(hit) = judge(view, &parts, middle) else { return trigger.end };
    let end = hit.span.end;
    hits.push(hit);
    end
}

/// Judges an `@` with a gap on one side or both.
pub(crate) fn spaced(view: &View<'_>, at: usize, hits: &mut Vec<Hit>) {
    let gap = |at: Option<usize>| at.is_some_and(|at| view.bytes.get(at) == Some(&b' '));
    let word =
        |at: Option<usize>| at.and_then(|at| view.bytes.get(at)).is_some_and(|byte| *byte != b'@' && *byte != b' ');
    let sides = word(at.checked_sub(if gap(at.checked_sub(1)) { 2 } else { 1 }))
        && word(Some(at + 1 + usize::from(gap(Some(at + 1)))));
    if !sides {
        return;
    }
    if gap(at.checked_sub(1)) || gap(Some(at + 1)) || view.bytes[at..].iter().take(BEHIND).any(|byte| *byte == b' ') {
        let from = floor_boundary(view.text, at.saturating_sub(BEFORE));
        let parts = parts(view.text, view.tables.cues().speech().words(), from..floor_boundary(view.text, at + BEHIND));
        let middle = parts.iter().position(|part| part.span.start == at && part.kind == Kind::At);
        hits.extend(middle.and_then(|middle| judge(view, &parts, middle)));
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// "at", `@`, `[at]`.
    At,
    /// "dot", `.`, `[dot]`.
    Dot,
    /// "underscore", "dash", `_`, `-`.
    Join,
    /// A single letter or digit.
    Letter,
    /// A word or number.
    Word,
    /// Anything else, which no address goes over.
    Break,
}

#[derive(Clone)]
struct Part<'t> {
    kind: Kind,
    span: Range<usize>,
    text: &'t str,
    /// Whether the sign itself stands there and not a word for it.
    sign: bool,
    /// Whether nothing stands between it and the part before.
    glued: bool,
}

/// Cuts a stretch of text into words and the signs between them.
fn parts<'t>(text: &'t str, words: &Words, window: Range<usize>) -> Vec<Part<'t>> {
    let mut parts: Vec<Part<'t>> = Vec::new();
    let mut at = window.start;
    while at < window.end {
        let rest = &text[at..window.end];
        let Some(first) = rest.chars().next() else { break };
        let (kind, length, sign) = if first == ' ' || first == '\t' {
            at += 1;
            continue;
        } else if let Some((kind, length)) = bracketed(rest) {
            (kind, length, true)
        } else if first.is_alphanumeric() {
            let length = rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len());
            (word(&rest[..length], words), length, false)
        } else {
            (sign(first), first.len_utf8(), true)
        };
        let glued = parts.last().is_some_and(|last| last.span.end == at);
        parts.push(Part { kind, span: at..at + length, text: &rest[..length], sign, glued });
        at += length;
    }
    parts
}

fn sign(c: char) -> Kind {
    match c {
        '@' => Kind::At,
        '.' => Kind::Dot,
        '_' | '-' | '+' => Kind::Join,
        _ => Kind::Break,
    }
}

/// Returns what `[at]`, `(dot)` and the like at the start of `text` stand for.
fn bracketed(text: &str) -> Option<(Kind, usize)> {
    let inner = text.strip_prefix(['[', '(', '{', '<'])?;
    let end = inner.find([']', ')', '}', '>']).filter(|end| *end <= 9)?;
    let kind = match inner[..end].trim().to_lowercase().as_str() {
        "at" | "@" | "ät" | "arroba" => Kind::At,
        "dot" | "." | "punkt" | "punto" | "point" | "ponto" => Kind::Dot,
        _ => return None,
    };
    Some((kind, end + 2))
}

fn word(text: &str, words: &Words) -> Kind {
    let lower = text.to_lowercase();
    match lower.as_str() {
        "at" | "arroba" | "chiocciola" | "arobase" | "klammeraffe" | "apenstaartje" | "apenstaart" | "małpa"
        | "собака" | "ät" | "chez" => Kind::At,
        "dot" | "punkt" | "punto" | "ponto" | "point" | "punt" | "kropka" | "nokta" | "точка" => Kind::Dot,
        "underscore" | "dash" | "hyphen" | "minus" | "plus" | "unterstrich" | "bindestrich" | "guion" | "guión"
        | "bajo" | "tiret" | "trattino" | "hífen" | "underline" | "streepje" | "tire" | "basso" => Kind::Join,
        _ if text.chars().count() == 1
            || words.get(&lower).is_some() && !text.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            Kind::Letter
        }
        _ => Kind::Word,
    }
}

fn judge(view: &View<'_>, parts: &[Part<'_>], middle: usize) -> Option<Hit> {
    let near = parts[..parts.len().min(middle + REACH)].iter().enumerate();
    let signs = near.filter(|(k, part)| part.kind == Kind::At && *k + REACH >= middle);
    let at = signs.min_by_key(|(k, _)| k.abs_diff(middle)).map(|(k, _)| k);
    let asked = view.ear.is_some_and(|ear| ear.waits_for(Asked::Email));
    let mailed = asked || view.hint.is_some_and(|word| word.word.contains("mail")) || named(view, parts, middle);
    let hit = |score, span, verdict| Hit {
        class: Class::Email,
        rule: "email_spoken",
        score,
        span,
        stage: Stage::Validate,
        verdict,
        word: None,
    };
    let Some(at) = at.filter(|at| joined(parts, *at, middle)) else {
        // Only one half of an address, as when the other comes a turn later.
        let start = local(parts, middle).filter(|start| *start < middle)?;
        let end = chain(parts, middle)?;
        return asked
            .then(|| hit(60, parts[start].span.start..parts[end].span.end, "half an address, and one was asked for"));
    };
    // "thanks @rose.me" hails somebody; only a known provider makes a gap on the left alone part of an address.
    let hailed = parts[at].text == "@" && !parts[at].glued && parts.get(at + 1).is_some_and(|next| next.glued);
    let domain = domain(parts, at, mailed)
        .filter(|_| !hailed || PROVIDERS.contains(&parts[at + 1].text.to_lowercase().as_str()));
    let local = at.checked_sub(1).and_then(|last| local(parts, last + 1));
    match (local, domain) {
        (Some(start), Some(end)) => {
            let plain =
                !parts[at].sign && at == start + 1 && NEVER.contains(&parts[start].text.to_lowercase().as_str());
            if plain && mailed {
                return Some(hit(
                    60,
                    parts[at].span.start..parts[end].span.end,
                    "domain of an address, and one was asked for",
                ));
            }
            (!plain).then(|| hit(85, parts[start].span.start..parts[end].span.end, "local part and domain name hold"))
        }
        (None, Some(end)) if mailed || at == 0 && parts[end].span.end + 3 > view.text.trim_end().len() => {
            Some(hit(55, parts[at].span.start..parts[end].span.end, "domain of an address"))
        }
        (Some(start), None) if asked => {
            Some(hit(60, parts[start].span.start..parts[at].span.end, "half an address, and one was asked for"))
        }
        _ => None,
    }
}

/// Returns whether the word "mail" stands a little before.
fn named(view: &View<'_>, parts: &[Part<'_>], middle: usize) -> bool {
    let end = parts.get(middle).map_or(view.text.len(), |part| part.span.start);
    let before = view.text[floor_boundary(view.text, end.saturating_sub(80))..end].to_lowercase();
    ["email", "e-mail", " mail", "mailadres", "correo", "почт"].iter().any(|word| before.contains(word))
}

/// Returns whether nothing between the two parts breaks an address off.
fn joined(parts: &[Part<'_>], a: usize, b: usize) -> bool {
    let (low, high) = (a.min(b), a.max(b).min(parts.len()));
    parts[low..high].iter().all(|part| part.kind != Kind::Break)
}

/// Returns the first part of the local part that ends before `end`.
fn local(parts: &[Part<'_>], end: usize) -> Option<usize> {
    let mut start = end.checked_sub(1)?;
    if !matches!(parts[start].kind, Kind::Word | Kind::Letter) {
        return None;
    }
    while let Some(before) = start.checked_sub(1) {
        let is = |kind: Kind| parts[before].kind == kind;
        let spelled = is(Kind::Letter) && parts[start].kind == Kind::Letter
            || parts[before].kind == Kind::Letter
                && parts[start].kind == Kind::Word
                && parts[start].text.bytes().all(|b| b.is_ascii_digit())
            || is(Kind::Word)
                && parts[start].kind == Kind::Letter
                && start + 1 < end
                && parts[start].text.len() > 1
                && !NEVER.contains(&parts[before].text.to_lowercase().as_str());
        let full_stop = is(Kind::Dot) && parts[before].sign && !parts[start].glued && parts[before].glued;
        if (is(Kind::Dot) && !full_stop || is(Kind::Join))
            && before > 0
            && matches!(parts[before - 1].kind, Kind::Word | Kind::Letter | Kind::Join)
        {
            start = before - 1;
        } else if spelled {
            start = before;
        } else {
            break;
        }
    }
    Some(start)
}

/// Returns the last part of the words that dots and joins hold together from `middle` on.
fn chain(parts: &[Part<'_>], middle: usize) -> Option<usize> {
    let mut end = middle.checked_sub(1)?;
    while parts.get(end + 1).is_some_and(|part| matches!(part.kind, Kind::Dot | Kind::Join))
        && parts.get(end + 2).is_some_and(|part| matches!(part.kind, Kind::Word | Kind::Letter))
    {
        end += 2;
    }
    Some(end)
}

/// Returns the last part of the domain name behind the at sign.
fn domain(parts: &[Part<'_>], at: usize, mailed: bool) -> Option<usize> {
    let mut last = at + 1;
    while parts.get(last).is_some_and(|part| part.kind == Kind::Letter)
        && parts.get(last + 1).is_some_and(|part| matches!(part.kind, Kind::Letter | Kind::Word))
    {
        last += 1;
    }
    let first = last;
    if !parts.get(last).is_some_and(|part| matches!(part.kind, Kind::Word | Kind::Letter)) {
        return None;
    }
    let mut end = None;
    loop {
        let is = |k: usize, kind: Kind| parts.get(k).is_some_and(|part| part.kind == kind);
        let step =
            if is(last + 1, Kind::Join) && parts[last + 1].text.chars().count() > 0 { Kind::Join } else { Kind::Dot };
        if !(is(last + 1, step) && (is(last + 2, Kind::Word) || is(last + 2, Kind::Letter))) {
            break;
        }
        last += 2;
        if step == Kind::Dot && TOP_LEVELS.contains(&parts[last].text.to_lowercase().as_str()) {
            end = Some(last);
        }
    }
    let provider = PROVIDERS.contains(&parts[first].text.to_lowercase().as_str());
    end.or_else(|| (provider && (mailed || !parts[at].sign || !parts[first].glued)).then_some(first))
}

const BEFORE: usize = 96;
const BEHIND: usize = 72;
/// How many parts may lie between the word that woke this and the at sign.
const REACH: usize = 16;

const PROVIDERS: &[&str] = &[
    "gmail",
    "googlemail",
    "hotmail",
    "yahoo",
    "outlook",
    "icloud",
    "gmx",
    "protonmail",
    "proton",
    "aol",
    "yandex",
    "mailru",
    "freenet",
    "libero",
    "qq",
];

/// Words that stand before "at" without being the name of a mailbox.
const NEVER: &[&str] = &[
    "us",
    "me",
    "you",
    "him",
    "her",
    "them",
    "it",
    "visit",
    "is",
    "was",
    "are",
    "look",
    "looking",
    "here",
    "find",
    "found",
    "online",
    "shop",
    "available",
    "stay",
    "site",
    "website",
    "page",
    "out",
    "up",
    "work",
    "works",
    "working",
    "email",
    "mail",
    "mailbox",
    "address",
    "account",
    "and",
    "or",
    "located",
    "support",
    "more",
    "info",
    "information",
    "login",
    "log",
    "register",
    "meet",
    "check",
    "buy",
    "order",
    "job",
    "sign",
    "live",
    "my",
    "the",
    "that",
    "this",
    "one",
    "be",
    "mich",
    "uns",
];

/// Top-level domains that people say aloud.
const TOP_LEVELS: &[&str] = &[
    "com", "org", "net", "edu", "gov", "mil", "int", "info", "biz", "name", "me", "io", "co", "ai", "app", "dev",
    "xyz", "online", "site", "shop", "email", "eu", "de", "at", "ch", "fr", "be", "nl", "lu", "es", "pt", "it", "uk",
    "ie", "us", "ca", "mx", "br", "ar", "cl", "pe", "au", "nz", "in", "pk", "ph", "sg", "my", "id", "th", "vn", "jp",
    "cn", "kr", "tw", "hk", "ru", "ua", "by", "pl", "cz", "sk", "hu", "ro", "bg", "gr", "tr", "il", "ae", "sa", "eg",
    "za", "ng", "ke", "gh", "se", "no", "dk", "fi", "is", "ee", "lv", "lt", "si", "hr", "rs", "ba", "example", "test",
];

#[cfg(test)]
mod tests {
    use super::super::super::testing::found;
    use super::*;

    #[test]
    fn spoken_and_spaced_addresses_are_found() {
        for text in [
            "jane dot doe at gmail dot com",
            "jane.doe at gmail dot com",
            "jane underscore doe seventy seven at example dot co dot uk",
            "jane punkt doe at example punkt de",
            "jane punto doe arroba gmail punto com",
            "jane ponto doe arroba example ponto com ponto br",
            "jane punto doe chiocciola libero punto it",
            "jane point doe arobase example point fr",
            "jane @ gmail . com",
            "jane @gmail.com",
            "jane.doe@ example.org",
            "jane[at]gmail[dot]com",
            "jane (at) example (dot) org",
            "jane.doe [at] example.org",
            "j a n e at gmail",
            "j-a-n-e at gmail dot com",
            "jane dash doe at example dot org",
            "janedoe at gmail",
        ] {
            assert_eq!(found(Class::Email, &format!("it is {text}")), [text], "{text}");
        }
    }

    #[test]
    fn places_and_sites_are_none() {
        for text in [
            "visit us at example dot com",
            "meet me at the dot",
            "I was at gmail headquarters dot dot dot",
            "we met at one point. com on",
            "@ 5 . then",
            "let's meet @ noon",
            "there is a dot on it at home",
        ] {
            assert_eq!(found(Class::Email, text), [""; 0], "{text}");
        }
    }
}
