//! Fills one slot of a template.

use crate::rng::Rng;
use crate::tagger::Label;
use crate::values::Values;

/// What a slot became.
pub type Filled = (String, Option<Label>);

/// Fills the slot `name` with values of `locale`.
pub fn fill(name: &str, locale: &str, values: &Values, rng: &mut Rng) -> Filled {
    let person = Some(Label::Person);
    let value = |kind: &str, rng: &mut Rng| values.pick(locale, kind, rng).to_owned();
    match name {
        "first" => (given(locale, values, rng).to_owned(), person),
        "last" => (family(locale, values, rng).to_owned(), person),
        "full" => (full(locale, values, rng), person),
        "name" => (any_name(locale, values, rng), person),
        "artist" if rng.chance(70) => (full(any_latin(rng), values, rng), person),
        "artist" | "band" => (title(locale, values, rng, 3), Some(Label::Other)),
        "line" => (line(locale, values, rng), Some(Label::Address)),
        "addr" => (address(locale, values, rng), Some(Label::Address)),
        "esaddr" | "ruaddr" | "spokenline" | "flatline" => (composed(name, locale, values, rng), Some(Label::Address)),
        "street" => (value("street", rng), Some(Label::Address)),
        "city" => (city(locale, values, rng), Some(Label::Location)),
        "state" if values.has(locale, "state") => (value("state", rng), Some(Label::Location)),
        "state" => (city(locale, values, rng), Some(Label::Location)),
        "country" => (country(locale, values, rng), Some(Label::Location)),
        "place" if rng.chance(25) => (country(locale, values, rng), Some(Label::Location)),
        "place" => (city(locale, values, rng), Some(Label::Location)),
        "rev" => (reversed(locale, values, rng), person),
        "station" => (station(locale, values, rng), Some(Label::Location)),
        "zip" => (zip(locale, rng), Some(Label::Location)),
        "org" => (organisation(locale, values, rng), Some(Label::Other)),
        "film" | "song" | "title" => (title(locale, values, rng, 5), Some(Label::Other)),
        "resto" => (restaurant(locale, values, rng), Some(Label::Other)),
        "brand" => (values.list("brands", rng).to_owned(), Some(Label::Other)),
        "product" => (format!("{} {}", values.list("brands", rng), product(rng)), Some(Label::Other)),
        _ => (plain(name, locale, values, rng), None),
    }
}

fn plain(name: &str, locale: &str, values: &Values, rng: &mut Rng) -> String {
    match name {
        "num" => (1 + rng.below(40)).to_string(),
        "n1" => (1 + rng.below(9)).to_string(),
        "year" => (1950 + rng.below(80)).to_string(),
        "time" => time(rng),
        "date" => date(values, rng),
        "money" => money(rng),
        "phone" => phone(rng),
        "email" => format!("{}{}@{}.com", values.word(rng), rng.below(99), values.word(rng)),
        "id" => format!("{}{}", ["", "A", "INV-", "#", "SR-", "ORD", "TX"][rng.below(7)], {
            let count = 5 + rng.below(6);
            rng.digits(count)
        }),
        "card" => (0..4).map(|_| rng.digits(4)).collect::<Vec<_>>().join(if rng.chance(50) { " " } else { "" }),
        "l" => char::from(b'a' + rng.below(26) as u8).to_string(),
        "iban" => iban(rng),
        "user" => format!("@{}{}", values.word(rng), rng.below(99)),
        "tok" => {
            let count = 3 + rng.below(3);
            format!("<{}_{}>", ["PERSON", "ADDRESS", "EMAIL", "PHONE"][rng.below(4)], rng.digits(count))
        }
        "word" | "w" => values.word(rng).to_owned(),
        "W" => capital(values.word(rng)),
        "own" if values.has(locale, "word") => values.pick(locale, "word", rng).to_owned(),
        "own" => values.word(rng).to_owned(),
        list => values.list(list, rng).to_owned(),
    }
}

/// A locale in Latin letters, English ones most often.
pub fn any_latin(rng: &mut Rng) -> &'static str {
    let english = ["en_US", "en_GB", "en_IE", "en_IN", "en_US"];
    if rng.chance(45) { english[rng.below(5)] } else { LATIN[rng.below(LATIN.len())] }
}

/// A given name: for English locales often one of our own list, which is what chats show.
fn given<'v>(locale: &str, values: &'v Values, rng: &mut Rng) -> &'v str {
    if locale.starts_with("en") && rng.chance(40) {
        values.list("given", rng)
    } else {
        values.pick(locale, "first", rng)
    }
}

fn family<'v>(locale: &str, values: &'v Values, rng: &mut Rng) -> &'v str {
    if locale.starts_with("en") && rng.chance(35) {
        values.list("family", rng)
    } else {
        values.pick(locale, "last", rng)
    }
}

fn full(locale: &str, values: &Values, rng: &mut Rng) -> String {
    let spaced = !matches!(&locale[..2], "ja" | "zh" | "ko" | "th");
    if !spaced || rng.chance(25) && values.has(locale, "name") {
        let name = values.pick(locale, "name", rng);
        return if matches!(&locale[..2], "ja" | "zh" | "ko") && rng.chance(70) {
            name.replace(' ', "")
        } else {
            name.into()
        };
    }
    let (first, last) = (given(locale, values, rng), family(locale, values, rng));
    match rng.below(20) {
        0 => format!("{first} {}. {last}", initial(given(locale, values, rng))),
        1 => format!("{first} {} {last}", given(locale, values, rng)),
        2 => format!("{first} {last} {}", family(locale, values, rng)),
        3 => format!("{first} {last}-{}", family(locale, values, rng)),
        4 => format!("{last} {first}"),
        5 => format!("{last}, {first}"),
        6 => format!("{}. {last}", initial(first)),
        7 => format!("{first} {} {last}", initial(given(locale, values, rng))),
        _ => format!("{first} {last}"),
    }
}

fn any_name(locale: &str, values: &Values, rng: &mut Rng) -> String {
    match rng.below(20) {
        0..9 => full(locale, values, rng),
        9..18 => given(locale, values, rng).to_owned(),
        _ => family(locale, values, rng).to_owned(),
    }
}

/// Addresses in forms of their own: spoken numbers, the flat in front, Spanish and Russian order.
fn composed(name: &str, locale: &str, values: &Values, rng: &mut Rng) -> String {
    let (last, number) = (family(locale, values, rng), house(rng));
    match name {
        "esaddr" => {
            let street = ["Calle", "calle", "Avda.", "Avenida", "Plaza", "Paseo", "C/"][rng.below(7)];
            let floor = ["", ", 3º izquierda", ", 2ºB", " bajo", ", piso 4", ""][rng.below(6)];
            let comma = [",", " nº", ""][rng.below(3)];
            format!("{street} {last}{comma} {number}{floor}, {} {}", zip(locale, rng), city(locale, values, rng))
        }
        "ruaddr" => {
            let street = ["улицу", "улица", "ул.", "проспект", "пр.", "вул.", "улице"][rng.below(7)];
            let flat = ["", ", квартира 12", ", кв. 5", ", кв 88"][rng.below(4)];
            let town = ["", ", город ", ", г. ", ", "][rng.below(4)];
            let town = if town.is_empty() { String::new() } else { format!("{town}{}", city(locale, values, rng)) };
            let house = ["дом ", "д. ", ""][rng.below(3)];
            format!("{street} {last}, {house}{number}{flat}{town}")
        }
        "flatline" => {
            let kind = ["flat", "apartment", "Apt", "unit", "Suite", "Flat"][rng.below(6)];
            format!("{kind} {}, {}", house(rng), line(locale, values, rng))
        }
        _ => {
            let spoken = SPOKEN[rng.below(SPOKEN.len())];
            let more = if rng.chance(50) { format!(" {}", SPOKEN[rng.below(SPOKEN.len())]) } else { String::new() };
            format!("{spoken}{more} {} {}", street_head(locale, values, rng), values.list("streets", rng))
        }
    }
}

/// Numbers as they are said.
const SPOKEN: &[&str] = &[
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "fifteen",
    "seventeen",
    "nineteen",
    "twenty",
    "twenty one",
    "forty two",
    "fifty",
    "sixty six",
    "ninety",
    "one hundred",
    "twelve hundred",
    "oh five",
    "double two",
    "one oh one",
];

/// A name as registers list it: family name first, an initial last.
fn reversed(locale: &str, values: &Values, rng: &mut Rng) -> String {
    let (first, last) = (given(locale, values, rng), family(locale, values, rng));
    let middle = initial(given(locale, values, rng));
    match rng.below(6) {
        0 => format!("{last} {first} {middle}"),
        1 => format!("{last} {first}"),
        2 => format!("{last}-{} {first} {middle}", family(locale, values, rng)),
        3 => format!("{last} {first} {middle}."),
        _ => format!("{first} {last}"),
    }
}

fn station(locale: &str, values: &Values, rng: &mut Rng) -> String {
    let kinds = [
        "Airport",
        "International Airport",
        "Station",
        "Bus Station",
        "Union Station",
        "Transit Center",
        "Terminal",
        "Bus Stop",
        "Train Station",
        "Depot",
        "Central Station",
        "Intermodal Center",
        "Bus Terminal",
        "Plaza",
    ];
    let kind = kinds[rng.below(kinds.len())];
    match rng.below(4) {
        0 => format!("{} {kind}", capital(values.word(rng))),
        1 => format!("{} {kind}", family(locale, values, rng)),
        _ => format!("{} {kind}", city(locale, values, rng)),
    }
}

/// An account number or another mixed identifier.
fn iban(rng: &mut Rng) -> String {
    let land = ["GB", "DE", "FR", "NL", "ES", "IT", "CH", "PL", "BE"][rng.below(9)];
    let (check, bank, account) =
        (rng.digits(2), ["DZEN", "ABNA", "BARC", "3704", "2004"][rng.below(5)], rng.digits(14));
    match rng.below(3) {
        0 => format!("{land}{check} {bank} {} {} {}", &account[..4], &account[4..8], &account[8..12]),
        1 => account,
        _ => format!("{land}{check}{bank}{account}"),
    }
}

fn city(locale: &str, values: &Values, rng: &mut Rng) -> String {
    let latin = LATIN.contains(&locale) || locale.starts_with("en");
    if latin && rng.chance(45) {
        return values.list("cities", rng).to_owned();
    }
    values.pick(locale, "city", rng).to_owned()
}

fn country(locale: &str, values: &Values, rng: &mut Rng) -> String {
    if locale.starts_with("en") && rng.chance(50) {
        return values.list("countries", rng).to_owned();
    }
    values.pick(locale, "country", rng).to_owned()
}

fn zip(locale: &str, rng: &mut Rng) -> String {
    let letter = |rng: &mut Rng| char::from(b'A' + rng.below(26) as u8);
    match locale {
        "en_GB" | "en_IE" => {
            format!("{}{}{} {}{}{}", letter(rng), letter(rng), rng.digits(1), rng.digits(1), letter(rng), letter(rng))
        }
        "en_CA" => {
            format!("{}{}{} {}{}{}", letter(rng), rng.digits(1), letter(rng), rng.digits(1), letter(rng), rng.digits(1))
        }
        "nl_NL" => format!("{} {}{}", rng.digits(4), letter(rng), letter(rng)),
        "pl_PL" => format!("{}-{}", rng.digits(2), rng.digits(3)),
        "pt_BR" => format!("{}-{}", rng.digits(5), rng.digits(3)),
        "en_US" if rng.chance(20) => format!("{}-{}", rng.digits(5), rng.digits(4)),
        "de_AT" | "de_CH" | "nl_BE" | "da_DK" | "no_NO" | "hu_HU" | "en_AU" => rng.digits(4),
        "ru_RU" | "en_IN" | "hi_IN" | "zh_CN" | "ro_RO" => rng.digits(6),
        _ => rng.digits(5),
    }
}

fn house(rng: &mut Rng) -> String {
    let number = match rng.below(4) {
        0 => 1 + rng.below(30),
        1 => 1 + rng.below(300),
        _ => 1 + rng.below(9999),
    };
    if rng.chance(8) {
        format!("{number}{}", ["a", "b", "A", "B", "/2", "-3", "bis"][rng.below(7)])
    } else {
        number.to_string()
    }
}

/// A street with a house number, as the locale writes it.
fn line(locale: &str, values: &Values, rng: &mut Rng) -> String {
    if rng.chance(30) && values.has(locale, "line") {
        return values.pick(locale, "line", rng).replace('\n', ", ");
    }
    let english = locale.starts_with("en");
    let street = match english && rng.chance(60) {
        true => format!("{} {}", street_head(locale, values, rng), values.list("streets", rng)),
        false => values.pick(locale, "street", rng).to_owned(),
    };
    let mut line = match () {
        () if english || rng.chance(20) => format!("{} {street}", house(rng)),
        () => format!("{street} {}", house(rng)),
    };
    if rng.chance(18) {
        let unit = ["Apt", "apt.", "Apt.", "Suite", "Unit", "Flat", "#", "Apartment", "Ste", "Floor"][rng.below(10)];
        let comma = if rng.chance(50) { "," } else { "" };
        let space = if unit == "#" { "" } else { " " };
        line = format!("{line}{comma} {unit}{space}{}", house(rng));
    }
    line
}

fn street_head(locale: &str, values: &Values, rng: &mut Rng) -> String {
    match rng.below(6) {
        0 => capital(values.word(rng)),
        1 => family(locale, values, rng).to_owned(),
        2 => ["1st", "2nd", "3rd", "5th", "10th", "42nd", "23rd", "West 4th", "N. 9th", "E", "South", "Old", "SW 8th"]
            [rng.below(13)]
        .to_owned(),
        3 => format!(
            "{} {}",
            ["North", "S", "W.", "East", "N", "St.", "Upper", "Great", "Old", "New"][rng.below(10)],
            capital(values.word(rng))
        ),
        4 => city(locale, values, rng),
        _ => values.list("street_heads", rng).to_owned(),
    }
}

/// A whole address, on one line or on several.
fn address(locale: &str, values: &Values, rng: &mut Rng) -> String {
    let breaks = rng.below(10);
    let joint = ["\n", ", ", ", ", ", ", " ", ",\n", "; ", ", ", "\n", ", "][breaks];
    if rng.chance(20) && values.has(locale, "address") {
        return values.pick(locale, "address", rng).replace('\n', joint);
    }
    let (line, city, zip) = (line(locale, values, rng), city(locale, values, rng), zip(locale, rng));
    let city = if rng.chance(12) { city.to_uppercase() } else { city };
    if locale.starts_with("en") {
        let state = values.list("states", rng);
        match rng.below(8) {
            0 => return format!("{line}{joint}{city}"),
            1 => return format!("{line}{joint}{city}{joint}{}", country(locale, values, rng)),
            2 => return format!("{line}{joint}{city}{joint}{zip}"),
            3 => return format!("{line}{joint}{city}{joint}{} {zip}", country(locale, values, rng)),
            4 if rng.chance(40) => return format!("P.O. Box {}{joint}{city}, {state} {zip}", house(rng)),
            4 if rng.chance(30) => return format!("PSC {}, Box {}{joint}APO AE {zip}", rng.digits(4), rng.digits(4)),
            _ => return format!("{line}{joint}{city}, {state} {zip}"),
        }
    }
    match rng.below(6) {
        0 => format!("{line}{joint}{city}"),
        1 => format!("{line}{joint}{city} {zip}"),
        2 => format!("{line}{joint}{zip} {city}{joint}{}", country(locale, values, rng)),
        3 => format!("{line}{joint}{city}{joint}{} {zip}", country(locale, values, rng)),
        _ => format!("{line}{joint}{zip} {city}"),
    }
}

/// A made-up title: common words, now and then with a name in it.
fn title(locale: &str, values: &Values, rng: &mut Rng, most: usize) -> String {
    let count = 1 + rng.below(most);
    let mut words: Vec<String> = (0..count).map(|_| capital(values.word(rng))).collect();
    if rng.chance(25) {
        words.insert(
            0,
            ["The", "A", "My", "In the", "Dear", "Little", "One More", "No", "Last", "Beyond"][rng.below(10)].into(),
        );
    }
    if rng.chance(25) && words.len() > 1 {
        let at = 1 + rng.below(words.len() - 1);
        words.insert(
            at,
            ["of", "of the", "and", "in", "&", "for", "to", "with", "at the", "Me", "You", "on", "vs."][rng.below(13)]
                .into(),
        );
    }
    if rng.chance(22) {
        let at = rng.below(words.len());
        words[at] = match rng.below(3) {
            0 => given(locale, values, rng).to_owned(),
            1 => family(any_latin(rng), values, rng).to_owned(),
            _ => city(locale, values, rng),
        };
    }
    if rng.chance(8) {
        words.push(
            ["2", "II", "Part One", "3D", "(Remix)", "2019", "- Live", "(feat. DJ)", "Reloaded", "IV"][rng.below(10)]
                .into(),
        );
    }
    words.join(" ")
}

fn restaurant(locale: &str, values: &Values, rng: &mut Rng) -> String {
    let kind = values.list("venues", rng);
    match rng.below(7) {
        0 => format!("{}'s {kind}", given(any_latin(rng), values, rng)),
        1 => format!("{}'s", family(any_latin(rng), values, rng)),
        2 => format!("{} {kind}", city(locale, values, rng)),
        3 => format!("The {} {}", capital(values.word(rng)), capital(values.word(rng))),
        4 => format!(
            "{} {}",
            ["Casa", "La", "El", "Le", "Chez", "Il", "Café", "Trattoria", "Taqueria", "Osteria", "Sushi"]
                [rng.below(11)],
            capital(family(any_latin(rng), values, rng))
        ),
        5 => format!("{} {} {kind}", capital(values.word(rng)), capital(values.word(rng))),
        _ => format!("{} {kind}", capital(values.word(rng))),
    }
}

fn organisation(locale: &str, values: &Values, rng: &mut Rng) -> String {
    match rng.below(5) {
        0 => values.list("brands", rng).to_owned(),
        1 if values.has(locale, "company") => values.pick(locale, "company", rng).to_owned(),
        2 => format!(
            "{} {}",
            family(any_latin(rng), values, rng),
            [
                "Group",
                "& Sons",
                "Inc",
                "Ltd",
                "LLC",
                "Bank",
                "Partners",
                "University",
                "Hospital",
                "GmbH",
                "Museum",
                "Foundation",
                "Airport",
                "Center",
                "Park",
                "Insurance"
            ][rng.below(16)]
        ),
        3 => format!(
            "{} {}",
            capital(values.word(rng)),
            [
                "Corp",
                "Labs",
                "Health",
                "Energy",
                "Systems",
                "Bank",
                "Media",
                "Airlines",
                "Global",
                "Institute",
                "Technologies",
                "Studio",
                "Society",
                "Express",
                "Orchestra",
                "Union"
            ][rng.below(16)]
        ),
        _ => format!(
            "{}{}",
            capital(values.word(rng)),
            ["ly", "ify", "tech", "soft", "", "net", "io", "Pay", "Hub", "base"][rng.below(10)]
        ),
    }
}

fn product(rng: &mut Rng) -> String {
    let model =
        ["Pro", "Max", "Mini", "X", "S", "Plus", "Air", "Civic", "Series", "Galaxy", "One", "Ultra"][rng.below(12)];
    if rng.chance(50) { format!("{model} {}", rng.below(20)) } else { model.to_owned() }
}

fn initial(name: &str) -> String {
    name.chars().next().map(String::from).unwrap_or_default()
}

/// Puts a capital at the head of a word.
pub fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

fn time(rng: &mut Rng) -> String {
    let (hour, minute) = (1 + rng.below(12), rng.below(12) * 5);
    match rng.below(6) {
        0 => format!("{hour} pm"),
        1 => format!("{hour}:{minute:02}"),
        2 => format!("{}:{minute:02}", hour + 11),
        3 => format!("{hour}am"),
        4 => ["half past one", "noon", "quarter to 3", "evening 7 o'clock", "11 in the morning", "afternoon 2"]
            [rng.below(6)]
        .into(),
        _ => format!("{hour}:{minute:02} {}", ["am", "pm", "AM", "PM"][rng.below(4)]),
    }
}

fn date(values: &Values, rng: &mut Rng) -> String {
    let day = 1 + rng.below(28);
    let nth = format!("{day}{}", ["th", "st", "nd", "rd"][if day < 4 { day } else { 0 }]);
    match rng.below(9) {
        0 => format!("{day:02}/{:02}/{}", 1 + rng.below(12), 1950 + rng.below(80)),
        1 => format!("{}-{:02}-{day:02}", 1950 + rng.below(80), 1 + rng.below(12)),
        2 => format!("{} {nth}", values.list("months", rng)),
        3 => format!("the {nth}"),
        4 => format!("{} {day}, {}", values.list("months", rng), 1990 + rng.below(40)),
        5 => format!("{day} {}", values.list("months", rng)),
        6 => [
            "today",
            "tomorrow",
            "next week",
            "next Thursday",
            "tomorrow evening",
            "this weekend",
            "Monday",
            "yesterday",
        ][rng.below(8)]
        .into(),
        7 => format!("{} {day}", values.list("months", rng)),
        _ => format!("{} the {nth}", values.list("days", rng)),
    }
}

fn money(rng: &mut Rng) -> String {
    let amount = match rng.below(3) {
        0 => format!("{}", 1 + rng.below(999)),
        1 => format!("{}.{:02}", 1 + rng.below(99), rng.below(100)),
        _ => format!("{},{:03}", 1 + rng.below(99), rng.below(1000)),
    };
    match rng.below(5) {
        0 => format!("${amount}"),
        1 => format!("{amount} dollars"),
        2 => format!("€{amount}"),
        3 => format!("{amount} EUR"),
        _ => format!("£{amount}"),
    }
}

fn phone(rng: &mut Rng) -> String {
    let (a, b, c, d) = (rng.digits(3), rng.digits(3), rng.digits(4), 1 + rng.below(98));
    let pair = |rng: &mut Rng| rng.digits(2);
    match rng.below(13) {
        0 => format!("{a}-{b}-{c}"),
        1 => format!("({a}) {b}-{c}"),
        2 => format!("+{d} {a} {b} {c}"),
        3 => format!("0{a}{b}{c}"),
        4 => format!("{a} {b} {c}"),
        5 => format!("0{a} {} {} {}", pair(rng), pair(rng), pair(rng)),
        6 => format!("+{d} (0){} {a} {} {}", pair(rng), pair(rng), pair(rng)),
        7 => format!("{} {b} {} {}", pair(rng), pair(rng), pair(rng)),
        8 => format!("001-{a}-{b}-{c}x{}", pair(rng)),
        9 => format!("{a} {c} {b}"),
        10 => format!("{a}.{b}.{c}x{a}"),
        11 => format!("0{} {c} {b}", pair(rng)),
        _ => format!("{a}{b}{c}"),
    }
}

/// Locales in Latin letters.
pub const LATIN: &[&str] = &[
    "cs_CZ", "da_DK", "de_AT", "de_CH", "de_DE", "en_AU", "en_CA", "en_GB", "en_IE", "en_IN", "en_KE", "en_NG",
    "en_NZ", "en_PH", "en_PK", "en_US", "es_AR", "es_CA", "es_CL", "es_CO", "es_ES", "es_MX", "et_EE", "fi_FI",
    "fil_PH", "fr_BE", "fr_CA", "fr_CH", "fr_FR", "ga_IE", "hr_HR", "hu_HU", "id_ID", "is_IS", "it_IT", "lt_LT",
    "lv_LV", "nl_BE", "nl_NL", "no_NO", "pl_PL", "pt_BR", "pt_PT", "ro_RO", "sk_SK", "sl_SI", "sv_SE", "tr_TR",
    "vi_VN", "zu_ZA", "az_AZ", "tw_GH", "yo_NG", "ha_NG", "en_BD", "en_TH",
];
