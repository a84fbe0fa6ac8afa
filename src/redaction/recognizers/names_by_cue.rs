//! Names that a cue announces, in any case and script: "my name is jane doe", "Mr Doe", "Regards,\nJane", "меня зовут Анна", "我叫王小明",
//! "田中さん". They need no network, and go on where it knows no letters.

mod list;

use std::collections::HashSet;
use std::ops::Range;
use std::sync::LazyLock;

use super::super::Class;
use super::super::context::is_whole;
use super::super::explain::Stage;
use super::super::names::words::{CUES as TITLES, GIVEN, ORDINARY};
use super::super::scan::View;
use super::Hit;

pub(crate) use list::NAME_CUES;

/// How a cue announces a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lead {
    /// A name follows, in any case: "my name is".
    Sure,
    /// A name follows if it looks like one: "I'm", "dear", "Mr".
    Maybe,
    /// A name follows, and then "speaking", "here", "calling".
    Speaking,
    /// A name follows, alone on its line or at the end: "Regards,".
    Closing,
    /// A name stands in front: 田中さん.
    Behind,
}

/// A cue and how it announces.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NameCue {
    pub(crate) word: &'static str,
    pub(crate) lead: Lead,
}

/// Pushes the name that the cue at `cue_span` announces.
pub(crate) fn find(view: &View<'_>, cue: NameCue, cue_span: &Range<usize>, hits: &mut Vec<Hit>) {
    let whole = cue.word.chars().any(is_block) || is_whole(view.bytes, cue_span);
    if !whole {
        return;
    }
    let span = match cue.lead {
        Lead::Behind => before(view.text, cue_span.start),
        Lead::Closing => closing(view.text, cue_span.end),
        lead => after(view.text, cue_span.end, lead),
    };
    let Some(span) = span else { return };
    let score = if cue.lead == Lead::Maybe { 70 } else { 80 };
    let (class, rule, stage, verdict) = (Class::Person, "name_by_cue", Stage::Cue, "a name stands where the cue says");
    hits.push(Hit { class, rule, score, span, stage, verdict, word: Some(cue.word) });
}

/// Returns the name behind a cue that ends at `end`.
fn after(text: &str, end: usize, lead: Lead) -> Option<Range<usize>> {
    let start = end + gap(&text[end..], " \t:.,\"'\u{201C}«", 4);
    let rest = &text[start..];
    let first = rest.chars().next()?;
    if is_block(first) {
        return (lead == Lead::Sure).then(|| block(rest)).flatten().map(|length| start..start + length);
    }
    let length = name(rest, lead)?;
    if lead == Lead::Speaking && !speaks(&rest[length..]) {
        return None;
    }
    Some(start..start + length)
}

/// Returns the length of the name at the start of `text`: up to four words, all in capitals like the first.
fn name(text: &str, lead: Lead) -> Option<usize> {
    let (mut at, mut end, mut count) = (0, None, 0);
    let capital = text.starts_with(char::is_uppercase);
    while count < MAX_WORDS {
        let word = word(&text[at..]);
        let particle = count > 0 && PARTICLES.contains(&&*word.to_lowercase());
        if word.is_empty() || !particle && !fits(word, lead, capital, count) {
            break;
        }
        at += word.len();
        if !particle {
            end = Some(at);
        }
        count += 1;
        let initial = word.chars().count() == 1 && text[at..].starts_with('.');
        at += usize::from(initial);
        let blank = text[at..].chars().next().filter(|c| matches!(c, ' ' | '-'));
        let Some(blank) = blank else { break };
        at += blank.len_utf8();
    }
    end
}

/// Returns whether `word` can be the next word of a name.
fn fits(word: &str, lead: Lead, capital: bool, count: usize) -> bool {
    let lower = word.to_lowercase();
    let lists = &*LISTS;
    let plain = lists.ordinary.contains(&*lower)
        || lists.titles.contains(&*lower)
        || lower.contains('\'') && !lower.starts_with("o'");
    let upper = word.starts_with(char::is_uppercase);
    let common = plain && !(capital && upper && word.chars().any(char::is_lowercase) && AMBIGUOUS.contains(&&*lower));
    if common || END_WORDS.contains(&&*lower) || count > 0 && lower.ends_with("ing") {
        return false;
    }
    match lead {
        Lead::Sure | Lead::Closing | Lead::Speaking if capital => upper,
        Lead::Sure | Lead::Closing | Lead::Speaking => count < 2,
        _ => upper && capital && word.len() > 1 || count == 0 && lists.given.contains(&*lower),
    }
}

fn speaks(rest: &str) -> bool {
    let next = word(rest.trim_start_matches([' ', ','])).to_lowercase();
    ["speaking", "calling", "here", "from", "writing", "again"].contains(&&*next)
}

/// Returns the name that stands behind the words of a closing: on the same line after a comma, or alone on the next.
fn closing(text: &str, end: usize) -> Option<Range<usize>> {
    let start = end + gap(&text[end..], " \t,.!\r\n-\u{2014}", 6);
    let comma = text[end..start].contains([',', '\n']);
    let length = name(&text[start..], Lead::Closing).filter(|_| comma)?;
    let rest = text[start + length..].trim_start_matches([' ', '.', ',', '!']);
    (rest.is_empty() || rest.starts_with(['\n', '\r'])).then(|| start..start + length)
}

/// Returns the name of Han, kana or Hangul letters in front of an honorific at `end`.
fn before(text: &str, end: usize) -> Option<Range<usize>> {
    let letters =
        text[..end].char_indices().rev().take_while(|(_, c)| is_block(*c) && !is_hiragana(*c)).take(MAX_BLOCK + 1);
    let starts: Vec<usize> = letters.map(|(at, _)| at).collect();
    // Chinese sets no blank before a name: it begins with the first letter that is a surname, if one is.
    let surname = starts.iter().rev().find(|&&at| text[at..].starts_with(|c| SURNAMES.contains(c)));
    let start = *surname.or(starts.last())?;
    let value = &text[start..end];
    let stands = starts.len() <= MAX_BLOCK && !NOT_NAMES.iter().any(|word| value.ends_with(word));
    stands.then_some(start..end)
}

/// Returns the length of the name in a script without blanks or cases at the start of `text`.
fn block(text: &str) -> Option<usize> {
    let run: usize = text.chars().take_while(|c| is_block(*c)).map(char::len_utf8).sum();
    let run = &text[..run];
    let cut = STOPS.iter().filter_map(|stop| run.find(stop)).filter(|&at| at > 0).min().unwrap_or(run.len());
    let most = run.char_indices().nth(MAX_BLOCK).map_or(run.len(), |(at, _)| at);
    let length = cut.min(most);
    (run[..length].chars().count() > 1).then_some(length)
}

/// Returns the word at the start of `text`: letters and marks, with apostrophes inside.
fn word(text: &str) -> &str {
    let inside = |c: char| c.is_alphabetic() || is_mark(c) || matches!(c, '\'' | '\u{2019}');
    let length: usize = text.chars().take_while(|c| inside(*c)).take(MAX_WORD).map(char::len_utf8).sum();
    let word = text[..length].trim_end_matches(['\'', '\u{2019}']);
    word.strip_suffix("'s").unwrap_or(word)
}

/// Returns how many bytes of `among` stand at the start of `text`, `most` characters at most.
fn gap(text: &str, among: &str, most: usize) -> usize {
    text.chars().take(most).take_while(|c| among.contains(*c)).map(char::len_utf8).sum()
}

/// Returns whether `c` is of a script that writes names without blanks and cases.
fn is_block(c: char) -> bool {
    matches!(c, '\u{3005}' | '\u{3041}'..='\u{30FF}' | '\u{3400}'..='\u{9FFF}' | '\u{AC00}'..='\u{D7A3}')
}

fn is_hiragana(c: char) -> bool {
    matches!(c, '\u{3041}'..='\u{309F}')
}

/// Returns whether `c` is a vowel sign of Devanagari or its neighbours, which is no letter but part of a word.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{0900}'..='\u{0DFF}' | '\u{064B}'..='\u{0652}') && !c.is_numeric() && c != '\u{0964}'
}

struct Lists {
    ordinary: HashSet<&'static str>,
    titles: HashSet<&'static str>,
    given: HashSet<&'static str>,
}

static LISTS: LazyLock<Lists> = LazyLock::new(|| {
    let list = |words: &'static str| words.split_ascii_whitespace().collect();
    Lists { ordinary: list(ORDINARY), titles: list(TITLES), given: list(GIVEN) }
});

const MAX_WORDS: usize = 4;
const MAX_WORD: usize = 40;
/// Letters of the longest name in a script without blanks.
const MAX_BLOCK: usize = 4;
const PARTICLES: [&str; 20] = [
    "de", "da", "do", "dos", "di", "del", "della", "la", "le", "van", "von", "der", "den", "ter", "bin", "ibn", "al",
    "el", "y", "zu",
];
/// Ordinary words that are names too, where they are capitalised behind a cue.
const AMBIGUOUS: [&str; 26] = [
    "will", "may", "rose", "grant", "mark", "bill", "hope", "faith", "grace", "joy", "summer", "autumn", "june",
    "april", "august", "sunny", "art", "hunter", "mason", "cook", "smith", "baker", "love", "day", "best", "bush",
];
/// Words that end a name or show that none follows.
const END_WORDS: [&str; 66] = [
    "and",
    "or",
    "but",
    "und",
    "y",
    "et",
    "e",
    "en",
    "och",
    "og",
    "i",
    "и",
    "और",
    "و",
    "not",
    "incorrect",
    "wrong",
    "spelled",
    "misspelled",
    "required",
    "unknown",
    "lost",
    "taken",
    "confidential",
    "irrelevant",
    "none",
    "empty",
    "blank",
    "invalid",
    "missing",
    "written",
    "pronounced",
    "listed",
    "registered",
    "supposed",
    "calling",
    "speaking",
    "writing",
    "interested",
    "trying",
    "ready",
    "happy",
    "sorry",
    "afraid",
    "tired",
    "bored",
    "hungry",
    "confused",
    "frustrated",
    "worried",
    "wondering",
    "है",
    "हूँ",
    "हैं",
    "aber",
    "mais",
    "pero",
    "ma",
    "mas",
    "maar",
    "customer",
    "service",
    "support",
    "team",
    "valued",
    "client",
];
/// Where a name in Chinese, Japanese or Korean ends.
const STOPS: [&str; 22] = [
    "です",
    "と申",
    "といい",
    "と言",
    "でござ",
    "だ",
    "の",
    "は",
    "が",
    "を",
    "입니다",
    "이에요",
    "예요",
    "이고",
    "이라고",
    "라고",
    "은",
    "는",
    "的",
    "，",
    "是",
    "想",
];
/// The most frequent Chinese surnames, which go before the given name.
const SURNAMES: &str = "王李张張刘劉陈陳杨楊赵趙黄黃周吴吳徐孙孫胡朱高林何郭马馬罗羅梁宋郑鄭谢謝韩韓唐冯馮于董萧蕭程曹袁邓鄧许許傅沈曾彭吕呂苏蘇卢盧蒋蔣蔡贾賈丁魏薛叶葉阎余潘杜戴夏钟鍾汪田任姜范方石姚谭譚廖邹鄒熊金陆陸郝孔白崔康毛邱秦江史顾顧侯邵孟龙龍万段雷钱錢汤尹黎易常武乔贺赖龚文";
/// What stands in front of an honorific and is no name.
const NOT_NAMES: [&str; 24] = [
    "客",
    "皆",
    "母",
    "父",
    "兄",
    "姉",
    "神",
    "王",
    "奥",
    "娘",
    "嬢",
    "医",
    "者",
    "各位",
    "女士们",
    "老",
    "这位",
    "那位",
    "고객",
    "선생",
    "사장",
    "부장",
    "여러분",
    "손",
];

#[cfg(test)]
mod tests {
    use super::super::testing::found;
    use super::*;

    #[test]
    fn announced_names_are_found() {
        for (text, name) in [
            ("my name is jane doe and i need help", "jane doe"),
            ("MY NAME IS JANE DOE", "JANE DOE"),
            ("My name is Jane van der Berg.", "Jane van der Berg"),
            ("my name's Will", "Will"),
            ("hi, i'm Ziska Quell from Leeds", "Ziska Quell"),
            ("hi im sarah", "sarah"),
            ("this is Pemberton speaking", "Pemberton"),
            ("this is bob from accounts", "bob"),
            ("please ask Mr. O'Brien", "O'Brien"),
            ("Dear Anna,", "Anna"),
            ("Kind regards,\nJohn Q. Public", "John Q. Public"),
            ("Thanks!\nregards, tom", "tom"),
            ("Name given. Full name: Ada Lovelace", "Ada Lovelace"),
            ("Ich heiße Jürgen Müller und", "Jürgen Müller"),
            ("Меня зовут Анна Петрова.", "Анна Петрова"),
            ("με λένε Γιώργος Παππάς", "Γιώργος Παππάς"),
            ("你好，我叫王小明，我想", "王小明"),
            ("私の名前は田中太郎です", "田中太郎"),
            ("제 이름은 김철수입니다", "김철수"),
            ("اسمي محمد علي", "محمد علي"),
            ("मेरा नाम राहुल शर्मा है", "राहुल शर्मा"),
            ("佐藤さんはいますか", "佐藤"),
            ("请找李先生", "李"),
            ("김철수님 안녕하세요", "김철수"),
        ] {
            assert!(found(Class::Person, text).contains(&name), "{text}: {:?}", found(Class::Person, text));
        }
    }

    #[test]
    fn talk_that_announces_no_name_holds_none() {
        for text in [
            "my name is not on the list",
            "my name is misspelled on the card",
            "i'm sorry about that",
            "I'm Happy to help",
            "I am looking for a flight",
            "im going to be late",
            "this is great, it's here",
            "this is the best from here",
            "dear customer, dear all",
            "call me later please",
            "give my regards to all of them",
            "Best regards, and thanks for the help yesterday",
            "お客様 皆さん",
            "고객님",
            "the mr is closed",
        ] {
            assert_eq!(found(Class::Person, text), [""; 0], "{text}");
        }
    }
}
