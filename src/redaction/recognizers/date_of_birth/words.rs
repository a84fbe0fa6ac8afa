//! Words that announce a date of birth, beside the English ones that stand with the cues; and the ordinals with which days are said.

use super::super::cues::{Cue, Kind, cue};

const fn birth(word: &'static str) -> Cue {
    cue(word, Kind::Birth)
}

/// The words. Letters beyond ASCII count in the case they stand in here.
#[rustfmt::skip]
pub(in super::super) const BIRTHS: &[Cue] = &[
    birth("geboren"), birth("geboren am"), birth("geburtstag"), birth("geb"), birth("geb.-datum"), birth("né le"),
    birth("née le"), birth("ne le"), birth("mon anniversaire"), birth("nacido el"), birth("nacida el"), birth("nací el"),
    birth("naci el"), birth("fecha de nac"), birth("mi cumpleaños"), birth("nato il"), birth("nata il"),
    birth("data di nascita"), birth("mio compleanno"), birth("nascido em"), birth("nascida em"), birth("nasci em"),
    birth("nasci no dia"), birth("data de nascimento"), birth("meu aniversário"), birth("geboren op"), birth("geboortedatum"),
    birth("verjaardag"), birth("urodzony"), birth("urodzona"), birth("urodziłem się"), birth("urodziłam się"),
    birth("data urodzenia"), birth("född"), birth("född den"), birth("födelsedatum"), birth("født"), birth("født den"),
    birth("fødselsdato"), birth("fødselsdag"), birth("syntynyt"), birth("syntymäaika"), birth("syntymäaikani"),
    birth("doğum tarihi"), birth("doğum tarihim"), birth("dogum tarihi"), birth("doğum günüm"), birth("narozen"),
    birth("narozena"), birth("datum narození"), birth("született"), birth("születési dátum"), birth("születési idő"),
    birth("data nașterii"), birth("născut"), birth("născută"), birth("ημερομηνία γέννησης"), birth("γεννήθηκα"),
    birth("дата рождения"), birth("Дата рождения"), birth("родился"), birth("родилась"), birth("дата народження"),
    birth("生年月日"), birth("誕生日"), birth("出生日期"), birth("生日"), birth("생년월일"), birth("생일"), birth("जन्म तिथि"), birth("जन्मतिथि"),
    birth("janam tithi"), birth("تاريخ الميلاد"), birth("تاريخ ميلادي"), birth("ngày sinh"), birth("tanggal lahir"),
    birth("bday"), birth("b-day"), birth("birth day"), birth("day of birth"), birth("date-of-birth"), birth("date_of_birth"),
];

/// Returns whether a word in small letters is the number of a day as it is said in a date: "third", "dritten", "primero".
pub(super) fn is_ordinal(word: &str) -> bool {
    ORDINALS.contains(&word)
        || word.strip_suffix(['n', 'r']).is_some_and(|stem| GERMAN.iter().any(|end| stem.ends_with(end)))
}

/// How German ordinals end, without the letter of their case.
const GERMAN: &[&str] = &[
    "erste", "zweite", "dritte", "vierte", "fünfte", "sechste", "siebte", "siebente", "achte", "neunte", "zehnte",
    "elfte", "zwölfte", "zehnte", "zigste", "ßigste",
];
#[rustfmt::skip]
const ORDINALS: &[&str] = &[
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh", "twelfth",
    "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth", "nineteenth", "twentieth",
    "thirtieth", "premier", "primero", "primo", "primeiro",
];
