//! The pieces of an answer: digit groups in the turns after a question, each taken for what was asked unless it plainly is something else.

use std::ops::Range;

use super::super::super::Class;
use super::super::super::explain::Stage;
use super::super::super::scan::View;
use super::super::date_of_birth;
use super::super::{Hit, THRESHOLD};
use super::answer;
use super::ask::Asked;
use super::ear::{Ear, Group, Outcome};
use super::phrases;

/// Something that is waited for, and from where on in this turn.
#[derive(Clone, Copy, Debug)]
struct Wanted {
    asked: Asked,
    from: usize,
}

/// Pushes the pieces of answers that the ordinary rules did not find, and concludes the turn.
pub(crate) fn find(view: &View<'_>, ear: &Ear, hits: &mut Vec<Hit>) {
    let (groups, asks) = (ear.take_groups(), ear.take_asks());
    let announced = asks.iter().filter(|(_, span)| announces(view, ear, span));
    let wanted: Vec<Wanted> = ear
        .open
        .iter()
        .map(|&asked| Wanted { asked, from: 0 })
        .chain(announced.map(|(asked, span)| Wanted { asked: *asked, from: span.end }))
        .filter(|wanted| wanted.asked != Asked::Rest && view.looks_for(wanted.asked.class()))
        .collect();
    let mut answered = known(view, &wanted, &groups, hits);
    if !wanted.is_empty() {
        for piece in pieces(view, &groups, hits) {
            if let Some(asked) = judge(view, &wanted, &piece, hits) {
                answered.push((asked, piece.digits));
            }
        }
        if !ear.asker {
            answered.extend(wanted.iter().filter(|w| answer::find(view, w.asked, w.from, hits)).map(|w| (w.asked, 0)));
        }
    }
    ear.conclude(|| {
        let asked = asks.iter().filter(|(asked, span)| stays(view, ear, *asked, span, hits)).map(|(asked, _)| *asked);
        Outcome { asked: asked.collect(), answered }
    });
}

/// Several groups that no rule has found, in a row.
struct Piece {
    span: Range<usize>,
    digits: usize,
    groups: usize,
    spoken: bool,
}

/// Returns what the ordinary rules found of what is wanted, with its digits.
fn known(view: &View<'_>, wanted: &[Wanted], groups: &[Group], hits: &[Hit]) -> Vec<(Asked, usize)> {
    let digits = |span: &Range<usize>| {
        let within = |group: &&Group| group.span.start < span.end && span.start < group.span.end;
        groups.iter().filter(within).map(|group| group.digits).sum::<usize>()
    };
    let strong = hits.iter().filter(|hit| hit.score >= THRESHOLD && view.text.is_char_boundary(hit.span.start));
    let answers = strong.filter_map(|hit| {
        let asked = wanted.iter().rev().find(|wanted| wanted.asked.class() == hit.class)?.asked;
        Some((asked, digits(&hit.span)))
    });
    answers.collect()
}

/// Joins the groups of each run that are not found yet.
fn pieces(view: &View<'_>, groups: &[Group], hits: &[Hit]) -> Vec<Piece> {
    let holds = |hit: &&Hit| hit.score >= THRESHOLD && !(hit.stage == Stage::Names && is_guess(view, hit, groups));
    let mut taken: Vec<&Range<usize>> = hits.iter().filter(holds).map(|hit| &hit.span).collect();
    taken.sort_by_key(|span| span.start);
    let mut next = 0;
    let mut joined: Vec<(usize, Piece)> = Vec::new();
    for group in groups {
        while taken.get(next).is_some_and(|span| span.end <= group.span.start) {
            next += 1;
        }
        if taken[next..].iter().take_while(|span| span.start < group.span.end).any(|span| span.end > group.span.start) {
            continue;
        }
        match joined.last_mut() {
            Some((run, last)) if *run == group.run && taken.get(next).is_none_or(|t| t.start >= group.span.end) => {
                last.span.end = group.span.end;
                last.digits += group.digits;
                last.groups += 1;
            }
            _ => joined.push((
                group.run,
                Piece { span: group.span.clone(), digits: group.digits, groups: 1, spoken: group.spoken },
            )),
        }
    }
    joined.into_iter().map(|(_, piece)| piece).collect()
}

/// Returns whether the names tier took the digits of an answer for a place or a name: a weaker guess than what was asked for. A street
/// with its number is none, as it is made of letters.
fn is_guess(view: &View<'_>, hit: &Hit, groups: &[Group]) -> bool {
    if hit.class == Class::Location {
        return true;
    }
    let first = groups.partition_point(|group| group.span.end <= hit.span.start);
    let inside: Vec<&Group> = groups[first..].iter().take_while(|group| group.span.start < hit.span.end).collect();
    let digits: usize = inside.iter().map(|group| group.digits).sum();
    let starts = std::iter::once(hit.span.start).chain(inside.iter().map(|group| group.span.end));
    let ends = inside.iter().map(|group| group.span.start).chain([hit.span.end]);
    let beside = starts.zip(ends).filter_map(|(start, end)| view.text.get(start..end));
    let letters = beside.flat_map(str::chars).filter(|c| c.is_alphanumeric()).count();
    letters <= digits / 2
}

/// Pushes the piece under the latest question that it can answer.
fn judge(view: &View<'_>, wanted: &[Wanted], piece: &Piece, hits: &mut Vec<Hit>) -> Option<Asked> {
    let text = &view.text[piece.span.clone()];
    let after_card = wanted.iter().any(|wanted| wanted.asked == Asked::Card);
    let expiry = is_expiry(text) && (after_card || wanted.iter().any(|wanted| wanted.asked == Asked::Expiry));
    let due = wanted.iter().rev().filter(|wanted| piece.span.start >= wanted.from);
    let (asked, span) = if expiry {
        (Asked::Expiry, piece.span.clone())
    } else {
        due.filter_map(|wanted| Some((wanted.asked, accepted(view, wanted.asked, piece)?))).next()?
    };
    if let Some(last) = hits.last_mut().filter(|last| last.rule == asked.rule() && continues(view, last, &span)) {
        last.span.end = span.end;
        return Some(asked);
    }
    hits.push(Hit {
        class: asked.class(),
        rule: asked.rule(),
        score: 60,
        span,
        stage: Stage::Cue,
        verdict: "it was asked for, and nothing says otherwise",
        word: asked.hint().map(|word| word.word),
    });
    Some(asked)
}

/// Returns whether one sign stands between the piece before and this one.
fn continues(view: &View<'_>, last: &Hit, span: &Range<usize>) -> bool {
    last.span.end + 1 == span.start && b" -./".contains(&view.bytes[last.span.end])
}

/// Returns what of the text is the piece, if it can be of what was asked for.
fn accepted(view: &View<'_>, asked: Asked, piece: &Piece) -> Option<Range<usize>> {
    if asked == Asked::Birth {
        return birth(view, piece);
    }
    let span = match asked {
        Asked::Id(_) | Asked::Iban | Asked::Password | Asked::OneTime | Asked::Reference => token(view, &piece.span),
        _ if !(piece.spoken || view.starts_clean(piece.span.start) && view.ends_clean(piece.span.end)) => return None,
        _ => piece.span.clone(),
    };
    let fits = match asked {
        Asked::Card => (2..=19).contains(&piece.digits),
        Asked::Rest | Asked::Expiry => (3..=8).contains(&piece.digits),
        Asked::CardCode => (3..=4).contains(&piece.digits) && (piece.groups == 1 || piece.spoken),
        Asked::Phone => (2..=15).contains(&piece.digits),
        Asked::Id(_) | Asked::Iban => (1..=34).contains(&piece.digits),
        Asked::Pin | Asked::OneTime => (2..=12).contains(&piece.digits),
        Asked::Reference | Asked::Password => piece.digits >= 3,
        Asked::Birth | Asked::Email | Asked::Address | Asked::Name | Asked::Username => false,
    };
    let longer = span.len() > piece.span.len();
    if longer && is_ordinal(&view.text[span.clone()]) {
        return None;
    }
    let short = piece.digits < 3 && !longer;
    (fits && !is_other(view, &span, piece) && (!short || stands_alone(view, &span))).then_some(span)
}

/// Returns the date of birth that the piece begins or is part of: a date, a year, a day beside a month.
fn birth(view: &View<'_>, piece: &Piece) -> Option<Range<usize>> {
    if piece.spoken {
        return (piece.digits >= 3).then(|| piece.span.clone());
    }
    let before = &view.text[..piece.span.start];
    let before = before.trim_end_matches([' ', '.', ',']);
    let word = before.len() - before.bytes().rev().take_while(u8::is_ascii_alphabetic).count();
    let start = if date_of_birth::is_month(&before[word..]) { word } else { piece.span.start };
    let whole = date_of_birth::date(&view.text[start..super::super::super::floor_boundary(view.text, start + 40)]);
    let end = whole.map_or(piece.span.end, |length| (start + length).max(piece.span.end));
    let alone = whole.is_some() || piece.digits >= 4 || stands_alone(view, &piece.span);
    (alone && view.ends_clean(end) && !is_time(view, &piece.span)).then_some(start..end)
}

/// Widens a run of digits to the letters that touch it, and to a group of four capitals behind it as in `GB82 WEST`.
fn token(view: &View<'_>, span: &Range<usize>) -> Range<usize> {
    let joins = |byte: &&u8| byte.is_ascii_alphanumeric();
    let start = span.start - view.bytes[..span.start].iter().rev().take(MAX_TOKEN).take_while(joins).count();
    let mut end = span.end + view.bytes[span.end..].iter().take(MAX_TOKEN).take_while(joins).count();
    let bank = view.bytes.get(end + 1..end + 5).is_some_and(|word| word.iter().all(u8::is_ascii_uppercase));
    if bank && view.bytes[end] == b' ' && view.ends_clean(end + 5) {
        end += 5;
    }
    start..end
}

/// Returns whether the digits are a price, a share, a time, a date or a count of something.
fn is_other(view: &View<'_>, span: &Range<usize>, piece: &Piece) -> bool {
    let before = view.text[..span.start].trim_end_matches(' ');
    let after = &view.text[span.end..];
    let money =
        before.ends_with(['$', '€', '£', '¥', '₹', '#']) || after.trim_start().starts_with(['$', '€', '£', '%', '°']);
    money
        || is_time(view, span)
        || !piece.spoken && is_date(&view.text[span.clone()])
        || is_counted(before, after, piece)
}

/// Returns whether it is `3rd` or the like, or a size: `10kg`, `7pm`.
fn is_ordinal(text: &str) -> bool {
    let letters = text.trim_start_matches(|c: char| c.is_ascii_digit()).to_ascii_lowercase();
    ["st", "nd", "rd", "th", "am", "pm", "kg", "km", "mb", "gb", "min", "mm", "cm", "usd", "eur", "x", "h", "k", "s"]
        .contains(&letters.as_str())
}

fn is_time(view: &View<'_>, span: &Range<usize>) -> bool {
    let colon = |at: Option<usize>| at.is_some_and(|at| view.bytes.get(at) == Some(&b':'));
    let digit = |at: usize| view.bytes.get(at).is_some_and(u8::is_ascii_digit);
    let follows = colon(span.start.checked_sub(1)) && span.start.checked_sub(2).is_some_and(digit);
    follows || colon(Some(span.end)) && digit(span.end + 1)
}

fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split(['/', '.', '-']).collect();
    let number = |part: &str| part.parse::<u32>().unwrap_or(u32::MAX);
    let year = |part: &str| part.len() == 4 && (1900..2100).contains(&number(part));
    let day = |part: &str| part.len() <= 2 && (1..=31).contains(&number(part));
    match parts[..] {
        [a, b, c] => year(a) && day(b) && day(c) || day(a) && day(b) && year(c),
        _ => false,
    }
}

fn is_expiry(text: &str) -> bool {
    let Some((month, year)) = text.split_once(['/', '-']) else { return false };
    let number = |part: &str| part.trim().parse::<u32>().unwrap_or(u32::MAX);
    (1..=12).contains(&number(month))
        && matches!(year.trim().len(), 2 | 4)
        && matches!(number(year), 20..=60 | 2020..=2060)
}

/// Returns whether the word before names a number of another kind, or the word behind is what is counted.
fn is_counted(before: &str, after: &str, piece: &Piece) -> bool {
    let line = before.rsplit('\n').next().unwrap_or_default();
    let word = line.rsplit([' ', ',', '(']).next().unwrap_or_default().to_lowercase();
    let year = piece.digits == 4 && piece.groups == 1 && !piece.spoken;
    if NAMED_BEFORE.contains(&word.as_str()) || year && YEAR_BEFORE.contains(&word.as_str()) {
        return true;
    }
    if piece.digits >= 5 {
        return false;
    }
    let behind = after.trim_start_matches([' ', '-']);
    if after.len() == behind.len() && !piece.spoken {
        return false;
    }
    let end = behind.find(|c: char| !(c.is_alphabetic() || c == '\'')).unwrap_or(behind.len());
    let word = behind[..end.min(behind.len())].to_lowercase();
    word.is_ascii() && !word.is_empty() && !answer::JOINS.contains(&word.as_str())
}

/// Returns whether little but the piece stands in the turn or on its line.
fn stands_alone(view: &View<'_>, span: &Range<usize>) -> bool {
    let start = view.text[..span.start].rfind('\n').map_or(0, |at| at + 1);
    let end = view.text[span.end..].find('\n').map_or(view.text.len(), |at| span.end + at);
    let words = |text: &str| text.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty()).take(6).count();
    words(&view.text[start..span.start]) <= 5 && words(&view.text[span.end..end]) <= 2
}

/// Returns whether the speaker says that it comes now: "my card is", or the phrase opens the turn.
fn announces(view: &View<'_>, ear: &Ear, span: &Range<usize>) -> bool {
    if ear.asker {
        return false;
    }
    let before = view.text[..span.start].trim_end();
    let word = before.rsplit(|c: char| !c.is_alphabetic()).next().unwrap_or_default().to_lowercase();
    let phrase = view.text[span.clone()].to_lowercase();
    before.is_empty() && !view.text.contains('?')
        || MINE.contains(&word.as_str())
        || MINE.iter().any(|mine| phrase.strip_prefix(mine).is_some_and(|rest| rest.starts_with(' ')))
}

/// Returns whether a question or announcement is still to be answered after this turn.
fn stays(view: &View<'_>, ear: &Ear, asked: Asked, span: &Range<usize>, hits: &[Hit]) -> bool {
    let said =
        hits.iter().any(|hit| hit.score >= THRESHOLD && hit.class == asked.class() && hit.span.start >= span.start);
    if asked == Asked::Rest {
        return true;
    }
    if !ear.asker {
        return announces(view, ear, span) && (!said || asked.whole() > 4);
    }
    let before = view.text[..span.start].trim_end();
    let word = before.rsplit(|c: char| !c.is_alphabetic()).next().unwrap_or_default();
    !said && requests(view.text) && !["their", "its", "our", "Their", "Its", "Our"].contains(&word)
}

/// Returns whether the turn asks, or is so short that it can do nothing else.
fn requests(text: &str) -> bool {
    let lower = text.to_lowercase();
    text.len() <= SHORT || text.contains('?') || phrases::REQUESTS.iter().any(|word| lower.contains(word))
}

/// Bytes of a turn such as "And the card number".
const SHORT: usize = 40;
const MAX_TOKEN: usize = 34;
const MINE: [&str; 24] = [
    "my", "mein", "meine", "meinen", "mi", "mis", "mon", "ma", "mes", "mio", "mia", "meu", "minha", "mijn", "mój",
    "moja", "moje", "benim", "мой", "моя", "мои", "mera", "meri", "mere",
];
const YEAR_BEFORE: &[&str] = &[
    "in", "year", "from", "until", "im", "jahr", "seit", "depuis", "desde", "nel", "dal", "em", "w", "of", "before",
    "after", "en", "born", "march", "may",
];
const NAMED_BEFORE: &[&str] = &[
    "room",
    "floor",
    "gate",
    "flight",
    "order",
    "table",
    "page",
    "version",
    "seat",
    "apt",
    "apartment",
    "suite",
    "unit",
    "chapter",
    "route",
    "since",
    "zimmer",
    "etage",
    "gleis",
    "flug",
    "habitación",
    "chambre",
    "vol",
    "camera",
    "quarto",
    "kamer",
    "pokój",
    "level",
    "step",
    "option",
    "no.",
    "windows",
    "ios",
    "iphone",
    "covid",
    "top",
    "about",
    "around",
    "approximately",
];
