//! The words of street lines, by how they stand to the house number.

/// English street types behind a name and in front of which the house number stands; the second says that it is an ordinary word too.
pub(super) const BEHIND: &[(&str, bool)] = &[
    ("street", false), ("st", true), ("avenue", false), ("ave", true), ("av", true), ("road", false), ("rd", true), ("boulevard", false), ("blvd", false),
    ("lane", false), ("ln", true), ("drive", true), ("dr", true), ("court", true), ("ct", true), ("place", true), ("pl", true), ("square", true), ("sq", true),
    ("terrace", false), ("ter", true), ("way", true), ("crescent", false), ("cres", true), ("close", true), ("parkway", false), ("pkwy", false),
    ("highway", false), ("hwy", false), ("circle", true), ("cir", true), ("trail", true), ("alley", true), ("row", true), ("walk", true), ("grove", true),
    ("gardens", true), ("mews", false), ("quay", true), ("parade", true), ("esplanade", false), ("plaza", true), ("turnpike", false), ("broadway", true),
    ("freeway", false), ("expressway", false), ("hill", true), ("green", true), ("rise", true), ("view", true), ("vale", true), ("park", true), ("bend", true),
    ("loop", true), ("mall", true), ("strand", true), ("marg", true), ("nagar", true), ("colony", true), ("real", true), ("high street", false),
    ("bypass", true), ("run", true), ("pike", true), ("path", true), ("crossing", true), ("commons", true), ("heights", true), ("ridge", true), ("point", true),
    ("streets", true), ("extension", true), ("extensions", true), ("junction", true), ("motorway", true), ("drv", true), ("avn", true),
];

/// Street types before a name; the number stands behind the name or in front of all. The second says that it must begin with a capital.
pub(super) const BEFORE: &[(&str, bool)] = &[
    ("rue", false), ("avenue", false), ("boulevard", false), ("chemin", false), ("allée", false), ("allee", true), ("impasse", false), ("quai", false), ("place", true),
    ("route de", false), ("cours", true), ("faubourg", true), ("calle", false), ("c/", false), ("carrer", false), ("avenida", false), ("avda", false), ("avda.", false),
    ("av.", false), ("paseo", false), ("plaza", true), ("plaça", false), ("camino", true), ("carretera", true), ("ronda", true), ("rúa", false), ("via", true),
    ("viale", false), ("corso", true), ("piazza", false), ("vicolo", false), ("largo", true), ("strada", true), ("contrada", true), ("rua", false), ("travessa", false),
    ("praça", false), ("estrada", false), ("rodovia", false), ("alameda", false), ("ul.", false), ("ulica", false), ("al.", true), ("aleja", false), ("aleje", true), ("os.", true),
    ("plac", true), ("ул.", false), ("улица", false), ("пр.", false), ("пр-т", false), ("проспект", false), ("пер.", false), ("переулок", false), ("бульвар", false),
    ("шоссе", false), ("вулиця", false), ("вул.", false), ("strada", true), ("str.", true), ("calea", true), ("bulevardul", false), ("jalan", false), ("jl.", false), ("ulice", true),
    ("nám.", false), ("náměstí", false), ("trg", true), ("πλατεία", false), ("λ.", true), ("λεωφόρος", false), ("οδός", false), ("đường", false), ("carrera", true),
    ("cra.", false), ("diagonal", true), ("transversal", true), ("jirón", false), ("pasaje", true), ("calzada", true), ("rambla", true), ("urb.", true), ("quinta", true),
    ("am", true), ("auf dem", true), ("an der", true), ("pod", true), ("na", true), ("nad", true), ("unter den", true), ("zum", true), ("zur", true), ("im", true), ("op de", true),
];

/// Ends of the word before a house number: German, Dutch, Nordic, Hungarian, Czech, Turkish, Icelandic, Estonian, Slovene.
pub(super) const ENDINGS: &[&str] = &[
    "straße", "strasse", "str", "weg", "platz", "allee", "gasse", "ring", "ufer", "damm", "steig", "graben", "markt", "promenade", "chaussee", "steg", "stieg", "wall",
    "straat", "laan", "plein", "gracht", "kade", "steeg", "dreef", "singel", "hove", "pad", "gatan", "gata", "vägen", "väg", "gränd", "stigen", "stien", "gränden", "backen", "torget", "gärde", "veien", "vegen", "vei",
    "veg", "vej", "vejen", "gade", "gaden", "allé", "stræde", "stræti", "straeti", "torv", "toften", "katu", "tie", "kuja", "polku", "kaari", "rinne", "bulevardi", "ranta", "utca", "utja", "út", "útja", "tér", "körút",
    "sétány", "köz", "kapu", "tere", "u", "rkp", "ulice", "třída", "náměstí", "sokak", "sokağı", "sok", "sk", "caddesi", "cad", "cd", "bulvarı", "blv", "mah", "mahallesi",
    "vegur", "braut", "holt", "tun", "tún", "gerði", "hlíð", "tee", "mnt", "puiestee", "tänav", "tn", "iela", "gatve", "gatvė", "aqqusinersuaq", "aqqutaa", "cesta", "ulica", "ulitsa", "vollen", "bakken", "haugen", "marken", "skálinn",
];

/// Adjectives that stand alone as street names in Slavic languages: capital and number are asked for.
pub(super) const SLAVIC: &[&str] = &["ova", "eva", "ska", "ská", "cká", "ná", "ní", "ova", "ského", "kova", "čeva", "ého", "ých"];

/// What a part of a building is called; a number follows.
pub(super) const UNITS: &[&str] = &[
    "apt", "apt.", "apartment", "suite", "ste", "ste.", "unit", "flat", "floor", "piso", "apto", "apto.", "apartamento", "appartement", "appt", "bâtiment", "wohnung", "whg", "stock",
    "interno", "scala", "andar", "bloco", "lote", "кв.", "квартира", "корп.", "lokal", "lok.", "m.", "daire", "kat", "d:", "building", "bldg", "room", "level", "lot", "villa",
];

/// Boxes of the post; a number follows.
pub(super) const BOXES: &[&str] = &[
    "po box", "p.o. box", "p.o.box", "p o box", "post office box", "postfach", "apartado", "apdo", "boîte postale", "caixa postal", "casella postale", "postbus", "postbox",
    "postboks", "postilokero", "skrytka pocztowa", "p.o. bus", "gpo box", "private bag", "а/я", "psc", "cmr",
];

/// What announces a postal address; the street line follows.
pub(super) const CUES: &[&str] = &[
    "address is", "address:", "address :", "addresses:", "address to", "address as", "i live at", "lives at", "lives on", "live on", "living at", "lived in", "live in", "reside at", "resides at", "residing at", "located at", "located on",
    "ship to", "ship it to", "shipped to", "send it to", "sent to", "send to", "deliver to", "deliver it to", "delivered to", "mail it to", "moved to", "moving to", "visit them at", "visit us at", "offices are at", "office is at",
    "new one to", "adresse:", "adresse ist", "adresse lautet", "anschrift:", "wohne in der", "wohne in", "wohnhaft", "adresse est", "j'habite au", "j'habite", "habite au", "domicilié", "dirección:", "dirección es", "direccion es", "vivo en",
    "domicilio:", "indirizzo:", "indirizzo è", "abito in", "residente in", "endereço:", "endereço é", "moro na", "moro no", "adres:", "adres is", "woon op", "woon aan de", "woon in", "mieszkam przy", "mieszkam na", "adresim",
    "адрес:", "живу по адресу", "проживаю", "adress:", "bor på", "osoite:", "asun osoitteessa", "住所は", "地址", "地址是", "주소는", "home is", "house is at", "his address", "her address", "had given", "address with", "drops you off at", "station is on", "in to",
];

/// Small words that stand inside street and town names.
pub(super) const PARTICLES: &[&str] = &[
    "de", "la", "le", "les", "des", "du", "del", "della", "delle", "dei", "di", "da", "do", "dos", "das", "el", "los", "las", "van", "den", "der", "het", "of", "the", "y", "e", "et", "am", "im", "an", "auf", "zum", "zur",
    "ter", "ten", "te", "in", "na", "nad", "pod", "pri", "sur", "en", "l", "d", "av", "och", "und", "upon", "on", "bij", "aan", "bis", "ter", "quater", "nan", "kapu", "u", "út", "tee", "trg", "utca",
];

pub(super) const STATES: &[&str] = &[
    "AL", "AK", "AZ", "AR", "CA", "CO", "CT", "DE", "FL", "GA", "HI", "ID", "IL", "IN", "IA", "KS", "KY", "LA", "ME", "MD", "MA", "MI", "MN", "MS", "MO", "MT", "NE", "NV", "NH", "NJ", "NM", "NY", "NC", "ND", "OH", "OK", "OR", "PA",
    "RI", "SC", "SD", "TN", "TX", "UT", "VT", "VA", "WA", "WV", "WI", "WY", "DC", "PR", "GU", "VI", "AA", "AE", "AP", "NSW", "VIC", "QLD", "TAS", "ACT", "NT", "ON", "QC", "BC", "AB", "MB", "SK", "NS", "NB", "NL", "PE", "SP", "RJ", "MG",
];
