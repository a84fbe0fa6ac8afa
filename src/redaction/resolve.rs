//! Which of overlapping hits stand, and what of the text is a redaction already.

use std::collections::BTreeMap;
use std::ops::Range;

use super::Class;
use super::explain::Outcome;
use super::pseudonym::CROCKFORD;
use super::recognizers::{Hit, THRESHOLD};

/// Decides about every hit: the better class first, then the higher score, the longer and the earlier one.
///
/// A hit that touches a token of an earlier redaction is out, but for secrets, which are cut down to what stands beside it.
pub(super) fn resolve(text: &str, hits: Vec<Hit>) -> Vec<(Hit, Outcome)> {
    let tokens = redacted(text);
    let mut hits: Vec<Hit> = hits.into_iter().flat_map(|hit| beside(text, hit, &tokens)).collect();
    hits.sort_by_key(|hit| {
        (hit.score < THRESHOLD, hit.class.rank(), u8::MAX - hit.score, usize::MAX - hit.span.len(), hit.span.start)
    });
    let mut taken = BTreeMap::new();
    let mut decided = Vec::with_capacity(hits.len());
    for hit in hits {
        let outcome = if hit.score < THRESHOLD {
            Outcome::BelowThreshold
        } else if hit.span.is_empty() {
            Outcome::Overlapped
        } else if overlaps(&taken, &hit.span) {
            if hit.class == Class::Address {
                decided.extend(left_over(text, &hit, &mut taken));
            }
            Outcome::Overlapped
        } else {
            taken.insert(hit.span.start, hit.span.end);
            Outcome::Found
        };
        decided.push((hit, outcome));
    }
    decided
}

/// Takes what no better finding covers of an address: it holds numbers that are findings of their own, such as a postcode.
fn left_over(text: &str, hit: &Hit, taken: &mut BTreeMap<usize, usize>) -> Vec<(Hit, Outcome)> {
    let before = taken.range(..hit.span.start).next_back().filter(|(_, end)| **end > hit.span.start);
    let inside: Vec<(usize, usize)> =
        before.into_iter().chain(taken.range(hit.span.clone())).map(|(start, end)| (*start, *end)).collect();
    let starts = std::iter::once(hit.span.start).chain(inside.iter().map(|(_, end)| *end));
    let ends = inside.iter().map(|(start, _)| *start).chain([hit.span.end]);
    let pieces: Vec<Range<usize>> = starts.zip(ends).filter_map(|(start, end)| trim(text, start, end)).collect();
    for piece in &pieces {
        taken.insert(piece.start, piece.end);
    }
    pieces.into_iter().map(|span| (Hit { span, ..hit.clone() }, Outcome::Found)).collect()
}

/// Returns the piece without the signs around it, if three letters or digits are left.
fn trim(text: &str, start: usize, end: usize) -> Option<Range<usize>> {
    let piece = text.get(start..end)?;
    let inner = piece.trim_matches(|c: char| !c.is_alphanumeric());
    let start = start + (inner.as_ptr() as usize - piece.as_ptr() as usize);
    (inner.chars().filter(|c| c.is_alphanumeric()).count() > 2).then(|| start..start + inner.len())
}

/// Returns the tokens, drops and masks of earlier redactions in `text`, in order.
pub(super) fn redacted(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut done = 0;
    for at in memchr::memchr2_iter(b'<', b'*', bytes).collect::<Vec<_>>() {
        if at < done {
            continue;
        }
        let span = if bytes[at] == b'<' { token(bytes, at) } else { mask(bytes, at) };
        done = span.as_ref().map_or_else(|stars| *stars, |span| span.end);
        found.extend(span.ok());
    }
    found
}

/// Tells whether `word` lies in the last four characters of a `<CLASS_XXXX>`: they are drawn by lot, and what they spell
/// announces nothing.
pub(super) fn in_tag(bytes: &[u8], word: &Range<usize>) -> bool {
    let behind = &bytes[word.end..bytes.len().min(word.end + TAG)];
    let Some(close) = memchr::memchr(b'>', behind).map(|at| at + word.end) else { return false };
    let from = close.saturating_sub(MAX_TOKEN);
    let tag = close.saturating_sub(TAG);
    let open = memchr::memrchr(b'<', &bytes[from..tag]).map(|at| at + from);
    word.start >= tag && open.is_some_and(|at| bytes[tag - 1] == b'_' && token(bytes, at) == Ok(at..close + 1))
}

fn overlaps(taken: &BTreeMap<usize, usize>, span: &Range<usize>) -> bool {
    taken.range(..span.end).next_back().is_some_and(|(_, end)| *end > span.start)
}

/// Returns what stays of a hit beside the tokens it touches.
fn beside(text: &str, hit: Hit, tokens: &[Range<usize>]) -> Vec<Hit> {
    let first = tokens.partition_point(|token| token.end <= hit.span.start);
    let touched: Vec<_> = tokens[first..].iter().take_while(|token| token.start < hit.span.end).collect();
    if touched.is_empty() {
        return vec![hit];
    }
    if hit.class != Class::Secret {
        return Vec::new();
    }
    let starts = std::iter::once(hit.span.start).chain(touched.iter().map(|token| token.end));
    let ends = touched.iter().map(|token| token.start).chain([hit.span.end]);
    let pieces =
        starts.zip(ends).filter(|(start, end)| start < end && text[*start..*end].chars().any(char::is_alphanumeric));
    pieces.map(|(start, end)| Hit { span: start..end, ..hit.clone() }).collect()
}

/// Returns `<CLASS>` or `<CLASS_XXXX>` at `at`, or up to where it need not be looked for again.
fn token(bytes: &[u8], at: usize) -> Result<Range<usize>, usize> {
    let rest = &bytes[at + 1..bytes.len().min(at + MAX_TOKEN)];
    let Some(close) = memchr::memchr(b'>', rest) else { return Err(at + 1) };
    let name = &rest[..close];
    let known = |name: &[u8]| std::str::from_utf8(name).is_ok_and(|name| name.parse::<Class>().is_ok());
    let tagged = name.len() > 5
        && name[name.len() - 5] == b'_'
        && name[name.len() - 4..].iter().all(|byte| CROCKFORD.contains(byte));
    if known(name) || tagged && known(&name[..name.len() - 5]) { Ok(at..at + close + 2) } else { Err(at + 1) }
}

/// Returns the masked card whose first star is at `at`, or where its stars end.
fn mask(bytes: &[u8], at: usize) -> Result<Range<usize>, usize> {
    let stars = bytes[at..].iter().take_while(|byte| **byte == b'*').count();
    let digits = |bytes: &mut dyn Iterator<Item = &u8>| bytes.take(7).take_while(|byte| byte.is_ascii_digit()).count();
    let before = digits(&mut bytes[..at].iter().rev());
    let after = digits(&mut bytes[at + stars..].iter());
    if (before == 6 && stars >= 2 || before == 0 && stars >= 5) && after == 4 {
        Ok(at - before..at + stars + 4)
    } else {
        Err(at + stars)
    }
}

/// Characters of a pseudonym's tag.
const TAG: usize = 4;
/// The longest token is `<FI_PERSONAL_IDENTITY_CODE_XXXX>`.
const MAX_TOKEN: usize = 33;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_drops_and_masks_are_known_again() {
        let text = "<EMAIL_7K3Q> <SECRET> 424242******4242 <EMAIL_IIII> <p> ******** 12****34 ********4242";
        let found: Vec<&str> = redacted(text).into_iter().map(|span| &text[span]).collect();
        assert_eq!(found, ["<EMAIL_7K3Q>", "<SECRET>", "424242******4242", "********4242"]);
        assert_eq!(redacted("3*833695***8010").first(), Some(&(2..15)));
    }

    #[test]
    fn what_a_tag_spells_is_in_the_tag() {
        let is = |text: &str, word: &str| {
            in_tag(text.as_bytes(), &(text.find(word).unwrap()..text.find(word).unwrap() + word.len()))
        };
        assert!(is("<EMAIL_7PWD>", "PWD") && is("x <IBAN_CARD>: 1", "CARD") && is("<PHONE_PW7K> y", "PW"));
        assert!(!is("<EMAIL_7PWD>", "EMAIL") && !is("<SECRET>", "SECRET") && !is("PWD", "PWD"));
        assert!(!is("<a_7PWD>", "PWD") && !is("EMAIL_7PWD>", "PWD") && !is("<EMAIL_7PWD", "PWD") && !is("PWD>", "PWD"));
    }
}
