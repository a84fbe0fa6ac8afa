//! Every way of hiding a value that is known, by name: in one text, and split over turns.

use super::{Class, Dialogue, Engine, Policy, PseudonymKey, Speaker};

fn key() -> PseudonymKey {
    PseudonymKey::from_bytes([7; 32])
}

fn engine() -> &'static Engine {
    static ENGINE: std::sync::LazyLock<Engine> = std::sync::LazyLock::new(|| Engine::new(Policy::default()).unwrap());
    &ENGINE
}

/// The form, a text with the value in brackets `⟦⟧`, and what it is.
const FORMS: &[(&str, &str, Class)] = &[
    ("zero-width spaces", "card ⟦4242\u{200B}4242\u{200B}4242\u{200B}4242⟧ ok", Class::Card),
    ("a soft hyphen", "mail ⟦ja\u{AD}ne@exam\u{AD}ple.org⟧ ok", Class::Email),
    ("a word joiner", "ssn ⟦536\u{2060}-22-\u{2060}8726⟧ ok", Class::UsSsn),
    ("full-width digits", "card ⟦４２４２　４２４２　４２４２　４２４２⟧ ok", Class::Card),
    ("a full-width at sign", "mail ⟦jane＠example．org⟧ ok", Class::Email),
    ("no-break spaces", "card ⟦4242\u{A0}4242\u{A0}4242\u{A0}4242⟧ ok", Class::Card),
    ("thin spaces", "card ⟦4242\u{2009}4242\u{2009}4242\u{2009}4242⟧ ok", Class::Card),
    ("digits of another script", "card ⟦४२४२ ४२४२ ४२४२ ४२४२⟧ ok", Class::Card),
    ("mathematical digits", "card ⟦𝟒𝟐𝟒𝟐𝟒𝟐𝟒𝟐𝟒𝟐𝟒𝟐𝟒𝟐𝟒𝟐⟧ ok", Class::Card),
    ("other dashes", "phone ⟦415–555—0132⟧ ok", Class::Phone),
    ("a Cyrillic letter", "mail ⟦j\u{430}ne@example.org⟧ ok", Class::Email),
    ("a Greek letter", "mail ⟦jane@ex\u{3B1}mple.org⟧ ok", Class::Email),
    ("dotted groups", "card ⟦4242.4242.4242.4242⟧ ok", Class::Card),
    ("digits with dots", "card ⟦4.2.4.2.4.2.4.2.4.2.4.2.4.2.4.2⟧ ok", Class::Card),
    ("digits with spaces", "card ⟦4 2 4 2 4 2 4 2 4 2 4 2 4 2 4 2⟧ ok", Class::Card),
    ("digits with spaces and no word", "so ⟦4 2 4 2 4 2 4 2 4 2 4 2 4 2 4 2⟧ ok", Class::Card),
    ("digits with dashes", "call ⟦4-1-5-5-5-5-0-1-3-2⟧ ok", Class::Phone),
    ("dot and at in words", "it is ⟦jane dot doe at gmail dot com⟧", Class::Email),
    ("dot and at in German", "sie ist ⟦jane punkt doe at example punkt de⟧", Class::Email),
    ("dot and at in Spanish", "es ⟦jane punto doe arroba example punto es⟧", Class::Email),
    ("dot and at in Italian", "è ⟦jane punto doe chiocciola example punto it⟧", Class::Email),
    ("dot and at in French", "c'est ⟦jane point doe arobase example point fr⟧", Class::Email),
    ("dot and at in Portuguese", "é ⟦jane ponto doe arroba example ponto com ponto br⟧", Class::Email),
    ("brackets", "it is ⟦jane[at]example[dot]org⟧", Class::Email),
    ("round brackets", "it is ⟦jane (at) example (dot) org⟧", Class::Email),
    ("a spaced at sign", "it is ⟦jane @ example . org⟧", Class::Email),
    ("spelled letters", "it is ⟦j a n e at gmail dot com⟧", Class::Email),
    ("underscore in words", "it is ⟦jane underscore doe at example dot org⟧", Class::Email),
    ("spoken digits", "it's ⟦four two four two four two four two four two four two four two four two⟧", Class::Card),
    ("double and triple", "it's ⟦triple five five triple five five triple five five triple four four⟧", Class::Card),
    ("oh for zero", "call ⟦four one five five five five oh one three two⟧", Class::Phone),
    ("nought for zero", "call ⟦four one five double five five nought one three two⟧", Class::Phone),
    ("tens", "it's ⟦forty two forty two forty two forty two forty two forty two forty two forty two⟧", Class::Card),
    (
        "fillers",
        "it's ⟦four two four two uh four two four two and then four two four two um four two four two⟧",
        Class::Card,
    ),
    ("words and digits", "it's ⟦4 two 4 two 4 two 4 two 4 two 4 two 4 two 4 two⟧", Class::Card),
    ("spoken in an SSN", "my ssn is ⟦five three six two two eight seven two six⟧", Class::UsSsn),
];

#[test]
fn every_form_in_one_text_is_found() {
    for (form, text, class) in FORMS {
        let (before, rest) = text.split_once('⟦').unwrap();
        let (value, after) = rest.split_once('⟧').unwrap();
        let text = format!("{before}{value}{after}");
        let found: Vec<_> =
            engine().scan(&text).into_iter().map(|finding| (finding.class, &text[finding.span])).collect();
        assert_eq!(found, [(*class, value)], "{form}");
    }
}

/// What is said, and what is left of it.
type Answers = &'static [(&'static str, &'static str)];

/// A conversation: the language, what the bot asks, the turns of the answer, and what is left of each.
const SPLIT: &[(&str, &str, Answers)] = &[
    (
        "English",
        "Can I have the card number?",
        &[
            ("4242", "<CARD>"),
            ("4242 42", "<CARD>"),
            ("then 4242", "then <CARD>"),
            ("and the last ones 42", "and the last ones <CARD>"),
        ],
    ),
    (
        "English, in words",
        "What's your card number?",
        &[("four two four two", "<CARD>"), ("double four double two", "<CARD>")],
    ),
    (
        "Spanish",
        "¿Me da su número de tarjeta?",
        &[("sí, 4242 4242", "sí, <CARD>"), ("y luego 4242 4242", "y luego <CARD>")],
    ),
    (
        "German",
        "Bitte geben Sie Ihre Kartennummer ein.",
        &[("4242 42", "<CARD>"), ("dann 4242", "dann <CARD>"), ("vier zwei", "<CARD>")],
    ),
    ("French", "Quel est votre numéro de carte ?", &[("4242", "<CARD>"), ("et puis 4242 4242", "et puis <CARD>")]),
    ("Italian", "Mi dice il numero della carta?", &[("4242 42", "<CARD>"), ("e poi 42", "e poi <CARD>")]),
    ("Portuguese", "Qual é o número do cartão?", &[("4242", "<CARD>"), ("4242 4242", "<CARD>")]),
    ("Dutch", "Wat is uw kaartnummer?", &[("4242 42", "<CARD>"), ("en dan 42 4242", "en dan <CARD>")]),
    ("Polish", "Proszę podać numer karty", &[("4242 4242", "<CARD>"), ("potem 4242", "potem <CARD>")]),
    ("Turkish", "Kart numaranızı alabilir miyim?", &[("4242 42", "<CARD>"), ("ve 42 4242", "ve <CARD>")]),
    ("Russian", "Назовите номер карты", &[("4242 4242", "<CARD>"), ("и 4242", "и <CARD>")]),
    ("Hindi", "आपका कार्ड नंबर क्या है?", &[("४२४२ ४२", "<CARD>"), ("4242", "<CARD>")]),
    ("Hindi in Latin letters", "Aapka card number kya hai?", &[("4242", "<CARD>"), ("aur 4242 4242", "aur <CARD>")]),
    ("Japanese", "カード番号を教えてください", &[("4242 4242", "<CARD>"), ("4242 です", "<CARD> です")]),
    ("Chinese", "请问您的卡号是多少？", &[("4242 4242", "<CARD>"), ("后面是 4242", "后面是 <CARD>")]),
    ("Korean", "카드 번호를 알려주세요", &[("4242 42", "<CARD>"), ("그리고 42 4242", "그리고 <CARD>")]),
    (
        "expiry and code",
        "What's the expiry date, and the security code?",
        &[("12/27", "<SECRET>"), ("123", "<SECRET>")],
    ),
    ("one-time code", "Please read me the code we sent.", &[("83 12", "<SECRET>"), ("77", "<SECRET>")]),
    ("PIN", "And your PIN?", &[("it's 4711", "it's <SECRET>")]),
    ("password", "What is your password?", &[("rosebud", "<SECRET>")]),
];

#[test]
fn every_split_answer_is_redacted_piece_by_piece() {
    let key = PseudonymKey::from_bytes([7; 32]);
    for (language, question, answers) in SPLIT {
        let mut dialogue = Dialogue::default();
        assert_eq!(engine().redact_turn(&mut dialogue, Speaker::Asker, question, &key).text, *question, "{language}");
        for (said, left) in *answers {
            dialogue = Dialogue::from_bytes(&dialogue.to_bytes()).unwrap();
            assert_eq!(
                engine().redact_turn(&mut dialogue, Speaker::User, said, &key).text,
                *left,
                "{language}: {said}"
            );
        }
    }
}

/// The classes of what is found in the user's turns after a question.
fn classes(question: &str, answers: &[&str]) -> Vec<Class> {
    let mut dialogue = Dialogue::default();
    engine().scan_turn(&mut dialogue, Speaker::Asker, question, &key());
    answers
        .iter()
        .flat_map(|said| engine().scan_turn(&mut dialogue, Speaker::User, said, &key()))
        .map(|finding| finding.class)
        .collect()
}

#[test]
fn each_question_has_its_class() {
    for (question, answers, class) in [
        ("What's your phone number?", ["415", "555 0132"], Class::Phone),
        ("Wie ist Ihre Telefonnummer?", ["0151", "234 567"], Class::Phone),
        ("Last four digits of your social?", ["it's 6789", "sorry, 6798"], Class::UsSsn),
        ("Can I get your IBAN?", ["DE89 3704", "0044 05"], Class::Iban),
        ("What is your account number?", ["000 123", "456 789"], Class::UsBankNumber),
        ("Your date of birth, please?", ["march 3rd", "1985"], Class::DateOfBirth),
        ("What's your email?", ["jane dot doe", "at gmail dot com"], Class::Email),
        ("And your e-mail address?", ["it's jane.doe", "@example.org"], Class::Email),
        ("May I have your name?", ["It's Rosa Klein", "Rosa"], Class::Person),
        ("Where should we send it?", ["221b baker st", "flat 5 upstairs"], Class::Address),
    ] {
        assert_eq!(classes(question, &answers), [class; 2], "{question}");
    }
}

#[test]
fn what_is_plainly_something_else_stays() {
    let other = [
        "2 people at 11:15, it was $85",
        "on the 3rd, room 204, 120 dollars and 45%",
        "in 2024 we had 30 guests",
        "no thanks, not now",
    ];
    assert_eq!(classes("What's your card number?", &other), []);
    assert_eq!(classes("What's your phone number?", &other), []);
    assert_eq!(classes("What's your name?", &["no thanks, not now", "why do you ask?"]), []);
}

#[test]
fn without_a_question_pieces_stay() {
    assert_eq!(classes("How many?", &["4242", "4242 42"]), []);
    assert_eq!(
        classes("Their phone number has been sent to your device, and we hope that you like the place.", &["415"]),
        []
    );
}

#[test]
fn the_user_announces_what_comes_in_the_next_turn() {
    let mut dialogue = Dialogue::default();
    let found = |dialogue: &mut Dialogue, text: &str| engine().scan_turn(dialogue, Speaker::User, text, &key()).len();
    assert_eq!(found(&mut dialogue, "my card is"), 0);
    assert_eq!(found(&mut dialogue, "4242 4242"), 1);
    assert_eq!(found(&mut dialogue, "4242 4242"), 1);
}

#[test]
fn the_bot_that_reads_a_piece_back_is_redacted_too() {
    let mut dialogue = Dialogue::default();
    engine().scan_turn(&mut dialogue, Speaker::Asker, "Card number, please?", &key());
    engine().scan_turn(&mut dialogue, Speaker::User, "4242 42", &key());
    assert_eq!(engine().scan_turn(&mut dialogue, Speaker::Asker, "I have 4242 42, and the rest?", &key()).len(), 1);
}

#[test]
fn a_masked_card_behind_a_star_is_no_piece_of_another() {
    let text = "My card 3*8336950008010 is expiring";
    let mut dialogue = Dialogue::default();
    engine().redact_turn(&mut dialogue, Speaker::Asker, "Your card number?", &key());
    let redacted = engine().redact_turn(&mut dialogue, Speaker::User, text, &key());
    assert!(!redacted.text.contains("8336950008010"), "{}", redacted.text);
    assert!(redacted.findings.windows(2).all(|two| two[0].span.end <= two[1].span.start));
}
