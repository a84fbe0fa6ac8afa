//! Secrets that can be told by their own looks: the families of tokens, and private keys in PEM.

use std::ops::Range;

use super::super::Class;
use super::super::explain::Stage;
use super::super::scan::View;
use super::Hit;
use super::secrets::checksum;
use super::secrets::families::{Body, Check, Family};

/// Judges the token whose prefix stands at `start`, and returns where it ends.
pub(crate) fn find(view: &View<'_>, family: &Family, start: usize, hits: &mut Vec<Hit>) -> usize {
    let body = start + family.prefix.len();
    if &view.bytes[start..body] != family.prefix.as_bytes() {
        return start;
    }
    let rest = &view.bytes[body..];
    let length = rest.iter().position(|&byte| !family.body.holds(byte)).unwrap_or(rest.len());
    let token = trimmed(&rest[..length]);
    let Some(from) = begin(view, family, start) else { return body + length };
    let fits = (family.least..=family.most).contains(&token.len());
    if fits && view.ends_clean(body + token.len()) && convinces(family, token) {
        let sure = family.check == Check::Checksum && checksum::holds(token);
        let start = if family.field { body } else { from };
        push(family.rule, start..body + token.len(), if sure { "checksum holds" } else { "form holds" }, hits);
    }
    body + length
}

/// Cuts off what ends a sentence or a path, and is no part of a token.
fn trimmed(run: &[u8]) -> &[u8] {
    let ends = run.iter().rev().take_while(|byte| b"./-%~".contains(byte)).count();
    &run[..run.len() - ends]
}

/// Returns where the token begins: at its prefix, or at the run before it; nothing may touch it there.
fn begin(view: &View<'_>, family: &Family, start: usize) -> Option<usize> {
    let Some((body, least, most)) = family.before else {
        let word = view.joins(Some(start));
        return (!word || view.starts_clean(start)).then_some(start);
    };
    let from = start.saturating_sub(most + 1);
    let run = view.bytes[from..start].iter().rev().take_while(|byte| body.holds(**byte)).count();
    let clean = body == Body::Digits || view.starts_clean(start - run);
    ((least..=most).contains(&run) && clean).then(|| start - run)
}

/// Pushes the private key whose `-----BEGIN` stands at `start`, and returns where it ends. `ends` says whether an END line can
/// still come, so that a text of BEGIN lines alone is walked once.
pub(crate) fn find_pem(view: &View<'_>, start: usize, ends: &mut bool, hits: &mut Vec<Hit>) -> usize {
    let label = start + BEGIN.len();
    let line = &view.bytes[label..view.bytes.len().min(label + MAX_LABEL)];
    let Some(length) = memchr::memmem::find(line, b"PRIVATE KEY") else { return label };
    if line[..length].iter().any(|byte| !(byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b' ')) {
        return label;
    }
    let body = label + length;
    let end = if *ends { memchr::memmem::find(&view.bytes[body..], b"-----END ") } else { None };
    *ends = end.is_some();
    let end = match end.map(|at| body + at + b"-----END ".len()) {
        Some(end) => end_line(view, end),
        None => open_end(view, body),
    };
    push("pem_private_key", start..end, "form holds", hits);
    end
}

fn push(rule: &'static str, span: Range<usize>, verdict: &'static str, hits: &mut Vec<Hit>) {
    hits.push(Hit { class: Class::Secret, rule, score: 95, span, stage: Stage::Scan, verdict, word: None });
}

/// Returns where the END line ends whose label starts at `start`.
fn end_line(view: &View<'_>, start: usize) -> usize {
    let rest = &view.bytes[start..view.bytes.len().min(start + MAX_LABEL)];
    match memchr::memmem::find(rest, b"-----") {
        Some(dashes) if !rest[..dashes].contains(&b'\n') => start + dashes + 5,
        _ => start + rest.iter().take_while(|byte| byte.is_ascii_uppercase() || **byte == b' ').count(),
    }
}

/// Returns where the base64 of a key without an END line ends.
fn open_end(view: &View<'_>, body: usize) -> usize {
    let label = body + b"PRIVATE KEY".len();
    let label = label
        + view.bytes[label..]
            .iter()
            .take(20)
            .take_while(|byte| byte.is_ascii_uppercase() || matches!(byte, b' ' | b'-'))
            .count();
    let is_body = |byte: &u8| byte.is_ascii_alphanumeric() || byte.is_ascii_whitespace() || b"+/=\\:,".contains(byte);
    let length = view.bytes[label..].iter().position(|byte| !is_body(byte)).unwrap_or(view.bytes.len() - label);
    label + view.bytes[label..label + length].trim_ascii_end().len()
}

/// Checks what prefix, alphabet and length do not show.
fn convinces(family: &Family, token: &[u8]) -> bool {
    let long_parts =
        |separators: &[u8]| token.split(|byte| separators.contains(byte)).filter(|part| part.len() >= 4).count();
    match family.check {
        Check::Jwt => long_parts(b".") >= 2 && token.len() + family.prefix.len() >= 40,
        Check::Parts(least) => long_parts(b"./") >= least,
        Check::Segment => token.split(|byte| b"-_".contains(byte)).any(|part| part.len() >= 16 && random(part)),
        Check::Plain | Check::Checksum => random(token) || family.least <= 16,
    }
}

/// Returns whether no word looks like this: digits, or both capitals and small letters.
fn random(token: &[u8]) -> bool {
    let mixed = token.iter().any(u8::is_ascii_uppercase) && token.iter().any(u8::is_ascii_lowercase);
    mixed || token.len() >= 40 || token.iter().any(u8::is_ascii_digit)
}

/// What a PEM block starts with (RFC 7468).
pub(crate) const BEGIN: &str = "-----BEGIN ";
const MAX_LABEL: usize = 64;

#[cfg(test)]
mod tests {
    use super::super::testing::found;
    use super::*;

    #[test]
    fn words_that_begin_alike_are_none() {
        for text in
            ["sk-learn-is-a-library-for-everyone", "AKIA", "task-4f5e6d7c8b9a0f1e2d3c4b5a", "eyJx.y.z", "npm_config"]
        {
            assert_eq!(found(Class::Secret, text), [""; 0], "{text}");
        }
    }

    #[test]
    fn a_pem_key_is_found_whole() {
        let key = "-----BEGIN RSA PRIVATE KEY-----\nMIIabc+/=\nxyz\n-----END RSA PRIVATE KEY-----";
        assert_eq!(found(Class::Secret, &format!("a\n{key}\nb")), [key]);
        assert_eq!(found(Class::Secret, "-----BEGIN PUBLIC KEY-----\nMIIabc\n-----END PUBLIC KEY-----"), [""; 0]);
    }

    #[test]
    fn a_pem_key_cut_short_is_found_to_its_last_line() {
        let key = "-----BEGIN PRIVATE KEY-----\nMIIabc+/=\nxyz";
        assert_eq!(found(Class::Secret, &format!("{key}\n(cut)")), [key]);
    }
}
