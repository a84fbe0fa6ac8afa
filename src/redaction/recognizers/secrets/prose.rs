//! The words around an announced secret: those that stand between the cue and the value, and those that are talk and no value.
//!
//! All are in small letters. The lists grow with the languages; each line of a source language was written for its support talk.

/// Words that say that the value comes next.
#[rustfmt::skip]
pub(crate) const COPULAS: &[&str] = &[
    "is", "was", "are", "be", "being", "as", "to", "ist", "es", "est", "é", "like", "would", "s", "lautet", "heißt",
    "heisst", "wäre", "war", "son", "sea", "era", "fue", "será", "sont", "était", "sera", "serait", "foi", "são", "è",
    "sono", "sarà", "luidt", "zijn", "jest", "brzmi", "są", "było", "är", "heter", "var", "er", "hedder", "on", "oli",
    "je", "byl", "bude", "este", "sunt", "olarak", "là", "adalah", "это", "был", "будет", "є", "είναι", "هي", "هو",
    "كان", "كانت", "था",
];

/// Names of authorization schemes (RFC 9110), which stand before the credentials.
#[rustfmt::skip]
pub(crate) const SCHEMES: &[&str] = &[
    "bearer", "basic", "token", "apikey",
];

/// Words that may stand between a cue and its value.
#[rustfmt::skip]
pub(crate) const FILLERS: &[&str] = &[
    "for", "my", "the", "this", "that", "your", "our", "his", "her", "their", "on", "of", "in", "account", "number",
    "code", "no", "num", "value", "set", "now", "still", "just", "currently", "today", "it", "its", "card", "back",
    "here", "new", "old", "temporary", "will", "been", "has", "changed", "login", "user", "wifi", "router", "email",
    "bearer", "basic", "key", "token", "secret", "pin", "password", "and", "again", "which", "sent", "texted", "got",
    "received", "entered", "we", "you", "an", "a", "für", "mein", "meine", "meinen", "das", "der", "die", "den",
    "dem", "dein", "deine", "ihr", "ihre", "konto", "karte", "nun", "jetzt", "neues", "neue", "neuer", "alte",
    "altes", "von", "zum", "zur", "wlan", "pour", "mon", "ma", "mes", "le", "la", "les", "votre", "ton", "ta", "sa",
    "notre", "compte", "carte", "de", "du", "des", "maintenant", "nouveau", "para", "mi", "el", "los", "las", "tu",
    "su", "nuestra", "cuenta", "tarjeta", "del", "al", "ahora", "nueva", "nuevo", "meu", "minha", "do", "da", "dos",
    "seu", "sua", "conta", "cartão", "agora", "novo", "nova", "per", "il", "mio", "mia", "tuo", "tua", "suo", "dell",
    "dello", "della", "carta", "adesso", "nuovo", "nuova", "voor", "mijn", "het", "een", "uw", "jouw", "rekening",
    "kaart", "van", "nu", "nieuwe", "mój", "moje", "moja", "twój", "twoje", "konta", "karty", "nowe", "nowy", "dla",
    "od", "för", "mitt", "min", "ditt", "din", "kontot", "kortet", "till", "nya", "benim", "yeni", "hesap", "kart",
    "için", "мой", "моя", "твой", "ваш", "от", "к", "для", "аккаунта", "карты", "новый", "мне", "пришёл", "пришел",
    "الخاص", "بي", "لحسابي", "मेरा", "मेरी", "आपका",
];

/// Words behind which a cue says what its value opens: "password for the admin portal".
#[rustfmt::skip]
pub(crate) const PURPOSE: &[&str] = &[
    "for", "of", "at", "in", "für", "zum", "zur", "von", "pour", "de", "du", "para", "del", "da", "do", "per", "di", "della", "dello",
    "voor", "van", "dla", "för", "till", "для", "от",
];

/// Words behind "to" with which it says what the value opens, not what it is.
pub(crate) const ARTICLES: &[&str] = &["the", "our", "my", "your", "this"];

/// Copulas that are also ordinary words between others, so that alone they do not end what a value opens.
pub(crate) const AMBIGUOUS: &[&str] = &["to", "as", "on", "like", "would", "s", "be", "son", "var", "je"];

/// Single signs of scripts without spaces that stand between a cue and its value.
#[rustfmt::skip]
pub(crate) const PARTICLES: &[&str] = &[
    "是", "为", "為", "は", "が", "の", "的", "您", "你", "我", "这", "這", "이", "가", "은", "는", "의", "입니다", "です",
];

/// Words that begin another clause.
#[rustfmt::skip]
pub(crate) const CLAUSE: &[&str] = &[
    "and", "or", "but", "so", "please", "thanks", "thank", "can", "if", "user", "username", "login", "i", "then",
    "und", "aber", "oder", "bitte", "danke", "et", "mais", "ou", "merci", "svp", "y", "pero", "o", "gracias", "por",
    "e", "ma", "grazie", "per", "mas", "obrigado", "en", "maar", "of", "bedankt", "ale", "lub", "dzięki", "och",
    "men", "tack", "ve", "ama", "lütfen", "и", "но", "спасибо", "а", "when", "while", "because", "since", "for", "on",
    "as", "now", "its", "it's", "that", "this", "though", "tho", "still", "however",
];

/// Words that follow "password is" or "password:" in plain talk.
#[rustfmt::skip]
pub(crate) const COMMON: &[&str] = &[
    "a", "an", "the", "not", "no", "wrong", "incorrect", "correct", "right", "required", "invalid", "valid",
    "expired", "weak", "strong", "too", "very", "so", "always", "never", "important", "needed", "missing", "empty",
    "blank", "case", "sensitive", "safe", "secure", "saved", "stored", "encrypted", "hashed", "hidden", "unknown",
    "forgotten", "lost", "changed", "updated", "reset", "set", "working", "being", "been", "protected", "compromised",
    "stolen", "leaked", "shared", "private", "secret", "what", "why", "how", "when", "where", "who", "which",
    "something", "anything", "nothing", "none", "null", "nil", "true", "false", "undefined", "optional", "string",
    "redacted", "please", "enter", "use", "your", "you", "my", "me", "we", "it", "that", "this", "there", "ok",
    "okay", "fine", "good", "bad", "long", "short", "old", "new", "different", "same", "default", "also", "only",
    "still", "now", "then", "and", "or", "but", "if", "to", "for", "in", "on", "at", "with", "by", "easy", "hard",
    "accepted", "rejected", "field", "about", "above", "across", "after", "again", "against", "all", "allowed",
    "already", "am", "any", "anymore", "anyone", "asked", "asking", "associated", "available", "back", "based",
    "because", "before", "below", "between", "blocked", "both", "broken", "can", "cannot", "case-sensitive",
    "changing", "chosen", "complex", "confidential", "confirmed", "contain", "containing", "contains", "correctly",
    "could", "created", "currently", "days", "did", "does", "done", "down", "during", "either", "eight", "emailed",
    "entered", "error", "every", "exactly", "expiring", "failed", "failing", "first", "forgot", "found", "four",
    "from", "functional", "further", "generated", "given", "going", "gone", "got", "great", "guaranteed", "had",
    "has", "have", "having", "he", "her", "here", "hers", "him", "his", "i", "identical", "inactive", "incomplete",
    "insecure", "instead", "into", "is", "issue", "its", "just", "kept", "known", "last", "later", "least", "left",
    "less", "like", "likely", "linked", "locked", "longer", "made", "make", "many", "masked", "matched", "matches",
    "matching", "may", "maybe", "mine", "minimum", "mismatch", "mismatched", "more", "most", "must", "near",
    "neither", "next", "nope", "obvious", "off", "often", "once", "one", "others", "our", "ours", "out", "outdated",
    "over", "own", "part", "personal", "pls", "policy", "possible", "present", "prompt", "public", "random", "ready",
    "recently", "refused", "rejecting", "remembered", "removed", "replaced", "requested", "resetting", "saving",
    "she", "should", "showing", "similar", "simple", "six", "someone", "somewhere", "soon", "such", "sure", "taken",
    "temporary", "than", "their", "them", "themselves", "they", "those", "three", "through", "tied", "twelve", "two",
    "typed", "unable", "unchanged", "under", "unique", "until", "up", "upper", "us", "used", "useful", "username",
    "using", "usual", "verified", "via", "visible", "was", "well", "weird", "were", "will", "within", "without",
    "work", "works", "would", "written", "yes", "yet", "yours", "abgelaufen", "falsch", "richtig", "korrekt",
    "ungültig", "gültig", "vergessen", "geändert", "zurückgesetzt", "gesperrt", "nicht", "kein", "keine", "leer",
    "notwendig", "erforderlich", "sicher", "unsicher", "zu", "sehr", "auch", "schon", "noch", "weg", "bekannt",
    "unbekannt", "verloren", "gespeichert", "wie", "wo", "warum", "ein", "eine", "incorrecte", "invalide", "expiré",
    "oublié", "perdu", "faux", "valide", "pas", "nécessaire", "requis", "obligatoire", "trop", "très", "un", "une",
    "bon", "mauvais", "toujours", "déjà", "bloqué", "changé", "réinitialisé", "que", "quoi", "comment", "incorrecta",
    "incorrecto", "inválida", "inválido", "válida", "caducada", "caducado", "olvidada", "olvidado", "perdida",
    "necesaria", "necesario", "requerida", "muy", "demasiado", "uno", "bloqueada", "cambiada", "correcta", "segura",
    "débil", "qué", "cómo", "errada", "errado", "incorreta", "expirada", "expirou", "esquecida", "não", "necessária",
    "obrigatória", "muito", "uma", "alterada", "certa", "fraca", "como", "errata", "errato", "sbagliata", "scaduta",
    "dimenticata", "non", "obbligatoria", "molto", "troppo", "bloccata", "cambiata", "corretta", "sicura", "debole",
    "che", "come", "onjuist", "verkeerd", "ongeldig", "verlopen", "vergeten", "niet", "nodig", "vereist", "te", "erg",
    "geblokkeerd", "gewijzigd", "juist", "veilig", "zwak", "wat", "hoe", "nieprawidłowe", "błędne", "niepoprawne",
    "wygasło", "zapomniałem", "nie", "wymagane", "zablokowane", "zmienione", "poprawne", "jak", "co", "fel",
    "felaktigt", "ogiltigt", "glömt", "inte", "krävs", "behövs", "spärrat", "ändrat", "rätt", "yanlış", "hatalı",
    "geçersiz", "unuttum", "değil", "gerekli", "doğru", "неверный", "неправильный", "не", "забыл", "забыла",
    "просрочен", "истёк", "нужен", "обязателен", "изменён", "сброшен", "заблокирован", "верный", "какой", "что",
    "fout", "falsche", "required*", "n/a", "tbd", "xxx",
];

/// Words before "code" that say it is none that opens anything.
#[rustfmt::skip]
pub(crate) const CODE_OF: &[&str] = &[
    "zip", "postal", "post", "area", "country", "county", "state", "error", "status", "promo", "promotion",
    "promotional", "discount", "coupon", "voucher", "product", "sku", "source", "dress", "color", "colour", "sort",
    "swift", "bic", "item", "order", "booking", "reservation", "reference", "ref", "tracking", "tax", "hs", "cpt",
    "icd", "airport", "station", "store", "branch", "bank", "ifsc", "iata", "dialing", "dialling", "dial", "calling",
    "response", "exit", "reason", "http", "https", "event", "course", "class", "module", "bar", "qr", "hex", "morse",
    "gift", "referral", "invite", "invitation", "rate", "fare", "cost", "unit", "currency", "language", "model",
    "building", "style", "part", "confirmation", "airline", "flight", "region", "city", "department", "dept",
    "project", "job", "charge", "billing", "diagnosis", "procedure", "category", "group", "market", "ticker", "stock",
    "train", "bus", "route", "system", "return", "fault", "trouble", "diagnostic", "engine", "warning", "message",
    "honor", "honour", "penal", "civil", "criminal", "criminel", "moral", "native", "legacy", "sample", "example",
    "python", "java", "machine", "binary", "rabatt", "gutschein", "fehler", "produkt", "artikel", "farb", "réduction",
    "promotionnel", "erreur", "descuento", "promocional", "promoção", "desconto", "sconto", "errore", "korting",
    "fout", "rabatowy", "błędu", "почтовый", "промо", "ошибки",
];

/// Words after "is" that claim a value for somebody: "4711 is my PIN".
#[rustfmt::skip]
pub(crate) const POSSESSIVES: &[&str] = &[
    "my", "your", "the", "our", "his", "her", "their", "this", "mein", "dein", "ihr", "der", "die", "das", "mon",
    "votre", "ton", "le", "la", "mi", "tu", "su", "el", "meu", "seu", "o", "a", "il", "mio", "tuo", "mijn", "uw",
    "jouw", "het", "moje", "mój", "twój", "mitt", "min", "ditt", "din", "мой", "твой", "ваш",
];
