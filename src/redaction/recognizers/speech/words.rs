//! Number words of English, German, French, Spanish, Italian, Portuguese, Dutch, romanised Hindi, Polish, Swedish, Danish, Norwegian,
//! Turkish, Russian and Czech.

use std::collections::HashMap;

/// A set of languages, a bit each.
pub(super) type Languages = u16;
const EN: Languages = 1;
const DE: Languages = 2;
pub(super) const FR: Languages = 4;
const ES: Languages = 8;
const IT: Languages = 16;
const PT: Languages = 32;
const NL: Languages = 64;
const HI: Languages = 128;
const PL: Languages = 256;
const SV: Languages = 512;
const DA: Languages = 1024;
const TR: Languages = 2048;
const RU: Languages = 4096;
const CS: Languages = 8192;

/// What a word says in a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// 0 to 99.
    Number(u8),
    /// "double", "triple": the next digit so many times.
    Times(u8),
    /// "hundred": two zeros behind the digit before.
    Hundred,
}

/// The number words and what they say, by language.
#[derive(Debug)]
pub(crate) struct Words {
    table: HashMap<String, (Said, Languages)>,
}

impl Words {
    pub(super) fn new() -> Self {
        let mut table: HashMap<String, (Said, Languages)> = HashMap::new();
        let mut add = |word: &str, said: Said, languages: Languages| {
            let entry = table.entry(word.to_owned()).or_insert((said, 0));
            // The languages that agree share an entry; the first language to give a word another meaning loses it.
            if entry.0 == said {
                entry.1 |= languages;
            }
        };
        for (languages, first, words) in NUMBERS {
            for (value, word) in (*first..).zip(*words) {
                word.split('|')
                    .filter(|word| !word.is_empty())
                    .for_each(|word| add(word, Said::Number(value), *languages));
            }
        }
        for (languages, words) in TENS {
            for (value, word) in (2u8..).zip(*words) {
                word.split('|')
                    .filter(|word| !word.is_empty())
                    .for_each(|word| add(word, Said::Number(value * 10), *languages));
            }
        }
        for (word, times, languages) in TIMES {
            add(word, Said::Times(*times), *languages);
        }
        for (word, languages) in HUNDREDS {
            add(word, Said::Hundred, *languages);
        }
        compounds(&mut add);
        Words { table }
    }

    /// Returns what a word in lower case says.
    pub(super) fn get(&self, word: &str) -> Option<(Said, Languages)> {
        self.table.get(word).copied()
    }

    /// Returns whether a word in lower case says a number in some language.
    pub(in super::super) fn says(&self, word: &str) -> bool {
        matches!(self.table.get(word), Some((Said::Number(_), _)))
    }

    /// Returns the patterns at which a number may be under way: the word behind a space or hyphen. Words that are common in
    /// another sense wake nothing; a number has others.
    pub(super) fn triggers(&self) -> impl Iterator<Item = String> {
        let rare = |word: &&String| word.len() > 2 && !COMMON.contains(&word.as_str()) && self.is_shortest(word);
        let mut words: Vec<&String> = self.table.keys().filter(rare).collect();
        words.sort();
        let english = |word: &str| self.get(word).is_some_and(|(_, languages)| languages & EN != 0);
        let hyphened = words.iter().filter(|word| english(word)).map(|word| format!("-{word}"));
        let patterns: Vec<String> = words.iter().map(|word| format!(" {word}")).chain(hyphened).collect();
        patterns.into_iter()
    }

    /// Returns whether no other word begins this one, so that one pattern wakes for all that begin with it.
    fn is_shortest(&self, word: &str) -> bool {
        let heads = (3..word.len()).filter_map(|at| word.get(..at));
        !heads.into_iter().any(|head| self.table.contains_key(head) && !COMMON.contains(&head))
    }
}

/// Adds `vierundzwanzig`, `vierentwintig`, `ventiquattro`.
fn compounds(add: &mut impl FnMut(&str, Said, Languages)) {
    for (tens, ten) in (2u8..).zip(TENS_DE) {
        for (unit, digit) in (1u8..).zip(UNITS_DE) {
            add(&format!("{digit}und{ten}"), Said::Number(tens * 10 + unit), DE);
        }
    }
    for (tens, ten) in (2u8..).zip(TENS_NL) {
        for (unit, digit) in (1u8..).zip(UNITS_NL) {
            let and = if digit.ends_with('e') { "ën" } else { "en" };
            add(&format!("{digit}{and}{ten}"), Said::Number(tens * 10 + unit), NL);
        }
    }
    for (tens, ten) in (2u8..).zip(TENS_IT) {
        for (unit, digit) in (1u8..).zip(UNITS_IT) {
            let stem = if matches!(unit, 1 | 8) { &ten[..ten.len() - 1] } else { ten };
            add(&format!("{stem}{digit}"), Said::Number(tens * 10 + unit), IT);
        }
    }
    for (unit, digit) in (1u8..).zip(["uno|ún", "dós", "trés", "cuatro", "cinco", "séis", "siete", "ocho", "nueve"])
    {
        for digit in digit.split('|') {
            add(&format!("veinti{digit}"), Said::Number(20 + unit), ES);
        }
    }
}

const UNITS_DE: [&str; 9] = ["ein", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun"];
const TENS_DE: [&str; 8] = ["zwanzig", "dreißig", "vierzig", "fünfzig", "sechzig", "siebzig", "achtzig", "neunzig"];
const UNITS_NL: [&str; 9] = ["een", "twee", "drie", "vier", "vijf", "zes", "zeven", "acht", "negen"];
const TENS_NL: [&str; 8] = ["twintig", "dertig", "veertig", "vijftig", "zestig", "zeventig", "tachtig", "negentig"];
const UNITS_IT: [&str; 9] = ["uno", "due", "tre", "quattro", "cinque", "sei", "sette", "otto", "nove"];
const TENS_IT: [&str; 8] = ["venti", "trenta", "quaranta", "cinquanta", "sessanta", "settanta", "ottanta", "novanta"];

/// The words from the first value on; `|` parts those of one value.
const NUMBERS: &[(Languages, u8, &[&str])] = &[
    (
        EN,
        0,
        &[
            "zero|oh|o|nought|naught|aught|zilch",
            "one|won",
            "two",
            "three|tree",
            "four|fower",
            "five|fife",
            "six",
            "seven",
            "eight",
            "nine|niner",
            "ten",
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
            "sixteen",
            "seventeen",
            "eighteen",
            "nineteen",
        ],
    ),
    (
        DE,
        0,
        &[
            "null",
            "eins|ein|eine",
            "zwei|zwo",
            "drei",
            "vier",
            "fünf|fuenf",
            "sechs",
            "sieben",
            "acht",
            "neun",
            "zehn",
            "elf",
            "zwölf|zwoelf",
            "dreizehn",
            "vierzehn",
            "fünfzehn",
            "sechzehn",
            "siebzehn",
            "achtzehn",
            "neunzehn",
        ],
    ),
    (
        FR,
        0,
        &[
            "zéro|zero",
            "un|une",
            "deux",
            "trois",
            "quatre",
            "cinq",
            "six",
            "sept",
            "huit",
            "neuf",
            "dix",
            "onze",
            "douze",
            "treize",
            "quatorze",
            "quinze",
            "seize",
        ],
    ),
    (
        ES,
        0,
        &[
            "cero",
            "uno|un|una",
            "dos",
            "tres",
            "cuatro",
            "cinco",
            "seis",
            "siete",
            "ocho",
            "nueve",
            "diez",
            "once",
            "doce",
            "trece",
            "catorce",
            "quince",
            "dieciséis|dieciseis",
            "diecisiete",
            "dieciocho",
            "diecinueve",
        ],
    ),
    (
        IT,
        0,
        &[
            "zero",
            "uno|un|una",
            "due",
            "tre",
            "quattro",
            "cinque",
            "sei",
            "sette",
            "otto",
            "nove",
            "dieci",
            "undici",
            "dodici",
            "tredici",
            "quattordici",
            "quindici",
            "sedici",
            "diciassette",
            "diciotto",
            "diciannove",
        ],
    ),
    (
        PT,
        0,
        &[
            "zero",
            "um|uma",
            "dois|duas",
            "três|tres",
            "quatro",
            "cinco",
            "seis|meia",
            "sete",
            "oito",
            "nove",
            "dez",
            "onze",
            "doze",
            "treze",
            "catorze|quatorze",
            "quinze",
            "dezesseis|dezasseis",
            "dezessete|dezassete",
            "dezoito",
            "dezenove|dezanove",
        ],
    ),
    (
        NL,
        0,
        &[
            "nul",
            "een|één",
            "twee",
            "drie",
            "vier",
            "vijf",
            "zes",
            "zeven",
            "acht",
            "negen",
            "tien",
            "elf",
            "twaalf",
            "dertien",
            "veertien",
            "vijftien",
            "zestien",
            "zeventien",
            "achttien",
            "negentien",
        ],
    ),
    (
        HI,
        0,
        &[
            "shunya|shoonya",
            "ek",
            "do",
            "teen|tin",
            "char|chaar",
            "paanch|panch|paach",
            "chhah|chhe|cheh|chah|chhai",
            "saat|sat",
            "aath|aat",
            "nau|no",
            "das|dus",
        ],
    ),
    (
        PL,
        0,
        &[
            "zero",
            "jeden|jedna",
            "dwa|dwie",
            "trzy",
            "cztery",
            "pięć|piec",
            "sześć|szesc",
            "siedem",
            "osiem",
            "dziewięć|dziewiec",
            "dziesięć",
            "jedenaście",
            "dwanaście",
            "trzynaście",
            "czternaście",
            "piętnaście",
            "szesnaście",
            "siedemnaście",
            "osiemnaście",
            "dziewiętnaście",
        ],
    ),
    (
        SV,
        0,
        &[
            "noll",
            "ett|en",
            "två|tva",
            "tre",
            "fyra",
            "fem",
            "sex",
            "sju",
            "åtta|atta",
            "nio|nie",
            "tio",
            "elva",
            "tolv",
            "tretton",
            "fjorton",
            "femton",
            "sexton",
            "sjutton",
            "arton",
            "nitton",
        ],
    ),
    (
        DA,
        0,
        &[
            "nul|null",
            "en|et|én|ett|ein",
            "to",
            "tre",
            "fire",
            "fem",
            "seks",
            "syv|sju",
            "otte|åtte",
            "ni",
            "ti",
            "elleve",
            "tolv",
            "tretten",
            "fjorten",
            "femten",
            "seksten",
            "sytten",
            "atten",
            "nitten",
        ],
    ),
    (
        TR,
        0,
        &["sıfır|sifir", "bir", "iki", "üç|uc", "dört|dort", "beş|bes", "altı|alti", "yedi", "sekiz", "dokuz", "on"],
    ),
    (
        RU,
        0,
        &[
            "ноль|нуль",
            "один|одна",
            "два|две",
            "три",
            "четыре",
            "пять",
            "шесть",
            "семь",
            "восемь",
            "девять",
            "десять",
            "одиннадцать",
            "двенадцать",
            "тринадцать",
            "четырнадцать",
            "пятнадцать",
            "шестнадцать",
            "семнадцать",
            "восемнадцать",
            "девятнадцать",
        ],
    ),
    (CS, 0, &["nula", "jedna|jeden", "dva|dvě", "tři", "čtyři", "pět", "šest", "sedm", "osm", "devět", "deset"]),
];

/// The words of 20, 30 ... 90.
const TENS: &[(Languages, &[&str])] = &[
    (EN, &["twenty", "thirty", "forty|fourty", "fifty", "sixty", "seventy", "eighty", "ninety"]),
    (DE, &["zwanzig", "dreißig|dreissig", "vierzig", "fünfzig|fuenfzig", "sechzig", "siebzig", "achtzig", "neunzig"]),
    (FR, &["vingt|vingts", "trente", "quarante", "cinquante", "soixante", "septante", "huitante|octante", "nonante"]),
    (ES, &["veinte", "treinta", "cuarenta", "cincuenta", "sesenta", "setenta", "ochenta", "noventa"]),
    (IT, &["venti", "trenta", "quaranta", "cinquanta", "sessanta", "settanta", "ottanta", "novanta"]),
    (PT, &["vinte", "trinta", "quarenta", "cinquenta", "sessenta", "setenta", "oitenta", "noventa"]),
    (NL, &["twintig", "dertig", "veertig", "vijftig", "zestig", "zeventig", "tachtig", "negentig"]),
    (
        PL,
        &[
            "dwadzieścia",
            "trzydzieści",
            "czterdzieści",
            "pięćdziesiąt",
            "sześćdziesiąt",
            "siedemdziesiąt",
            "osiemdziesiąt",
            "dziewięćdziesiąt",
        ],
    ),
    (SV, &["tjugo", "trettio", "fyrtio", "femtio", "sextio", "sjuttio", "åttio", "nittio"]),
    (TR, &["yirmi", "otuz", "kırk", "elli", "altmış", "yetmiş", "seksen", "doksan"]),
    (RU, &["двадцать", "тридцать", "сорок", "пятьдесят", "шестьдесят", "семьдесят", "восемьдесят", "девяносто"]),
];

const TIMES: &[(&str, u8, Languages)] = &[
    ("double", 2, EN | FR | HI),
    ("triple", 3, EN | FR | ES),
    ("treble", 3, EN),
    ("quadruple", 4, EN | FR),
    ("doppel", 2, DE),
    ("doppelt", 2, DE),
    ("doble", 2, ES),
    ("doppio", 2, IT),
    ("triplo", 3, IT | PT),
    ("duplo", 2, PT),
    ("dubbel", 2, NL),
    ("dubbele", 2, NL),
    ("drievoudig", 3, NL),
    ("podwójne", 2, PL),
    ("dubbel", 2, SV),
    ("çift", 2, TR),
];

const HUNDREDS: &[(&str, Languages)] =
    &[("hundred", EN), ("hundert", DE), ("cent", FR), ("cento", IT | PT), ("honderd", NL), ("cien", ES), ("sau", HI)];

/// Words that mean something else more often; they count in a number and begin none.
const COMMON: &[&str] = &[
    "one", "won", "tree", "ten", "ein", "eine", "un", "une", "una", "uno", "um", "uma", "een", "sei", "due", "tre",
    "do", "no", "teen", "tin", "char", "sat", "das", "dus", "nau", "once", "cent", "cento", "double", "meia", "sau",
    "cien", "elf", "nul", "null", "acht", "tien", "six", "tres", "sette", "nove", "quince", "doce", "onze", "sex",
    "fem", "fire", "nio", "nie", "tio", "seks", "bir", "iki", "bes", "uc", "alti", "elli", "dva", "otte", "syv",
    "piec", "ett", "tva", "sexton",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_compounds_are_known() {
        let words = Words::new();
        for (word, value) in [
            ("seven", 7),
            ("fünfundvierzig", 45),
            ("achtentachtig", 88),
            ("tweeëntwintig", 22),
            ("ventotto", 28),
            ("quarantadue", 42),
            ("veintidós", 22),
            ("quatorze", 14),
            ("paanch", 5),
            ("noventa", 90),
        ] {
            assert_eq!(words.get(word).map(|(said, _)| said), Some(Said::Number(value)), "{word}");
        }
        assert_eq!(words.get("house"), None);
    }
}
