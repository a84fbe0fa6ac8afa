use proptest::prelude::*;

use super::features::{Case, extract};
use super::hash::{checksum, mix};
use super::token::{Kind, Shape};
use super::*;

fn found(text: &str) -> Vec<(Label, String)> {
    let tagger = Tagger::new().expect("sound weights");
    tagger.tag(text).into_iter().map(|span| (span.label, text[span.span].to_owned())).collect()
}

fn holds(text: &str, label: Label, value: &str) -> bool {
    found(text).contains(&(label, value.to_owned()))
}

#[test]
fn names_are_found_in_every_script_and_case() {
    let cases = [
        ("hi im sarah and my order never came", "sarah"),
        ("HELLO THIS IS PETER MCALLISTER", "PETER MCALLISTER"),
        ("my name's Zsófia Tűzoltó", "Zsófia Tűzoltó"),
        ("please ask Nkechi to ring me", "Nkechi"),
        ("Me llamo Lucía Fernández, no puedo entrar", "Lucía Fernández"),
        ("mera naam Rohit Verma hai", "Rohit Verma"),
        ("Меня зовут Екатерина Волкова, карта не работает", "Екатерина Волкова"),
        ("Με λένε Γιώργος Παπαδόπουλος", "Γιώργος Παπαδόπουλος"),
        ("私は田中健一です。", "田中健一"),
        ("我叫王小明，想退货", "王小明"),
        ("제 이름은 김민수입니다", "김민수"),
        ("اسمي محمد عبد الله وأحتاج مساعدة", "محمد عبد الله"),
        ("קוראים לי דוד כהן", "דוד כהן"),
        ("मेरा नाम राहुल शर्मा है", "राहुल शर्मा"),
        ("คุณวิชัย โทรมา", "วิชัย"),
    ];
    let missed: Vec<_> = cases.iter().filter(|(text, name)| !holds(text, Label::Person, name)).collect();
    assert!(missed.is_empty(), "{missed:?}");
}

#[test]
fn addresses_and_places_are_found() {
    let cases = [
        (
            "ship it to 48 Harbour View Road, Leeds LS6 2AB please",
            Label::Address,
            "48 Harbour View Road, Leeds LS6 2AB",
        ),
        ("Ich wohne in der Lindenstraße 14, 50674 Köln", Label::Address, "Lindenstraße 14, 50674 Köln"),
        ("J'habite au 12 rue des Lilas, 69003 Lyon", Label::Address, "12 rue des Lilas, 69003 Lyon"),
        ("I need a bus from Denver to Salt Lake City", Label::Location, "Denver"),
        ("I need a bus from Denver to Salt Lake City", Label::Location, "Salt Lake City"),
        ("quiero un hotel en valencia", Label::Location, "valencia"),
    ];
    let missed: Vec<_> = cases.iter().filter(|(text, label, own)| !holds(text, *label, own)).collect();
    assert!(missed.is_empty(), "{missed:?}");
}

#[test]
fn ordinary_talk_holds_no_name() {
    let cases = [
        "Thanks, goodbye!",
        "May I pay by Mastercard on Friday?",
        "I want to watch The Silent Harvest with French subtitles",
        "WHERE IS MY REFUND",
        "Is the Rose wine any good with Thai food?",
        "Dear Customer Service, my Netflix subscription is broken.",
        "Bitte stornieren Sie meine Bestellung am Montag.",
        "注文をキャンセルしたいです。",
        "Где моя посылка?",
        "<PERSON_7K3Q> wrote to jane.doe@example.com and https://maria.example.org/peter",
        "",
        "  \n\t ",
    ];
    let wrong: Vec<_> = cases.iter().map(|text| (text, found(text))).filter(|(_, found)| !found.is_empty()).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn towns_of_a_journey_are_sure_and_cost_no_call() {
    let tagger = Tagger::new().expect("sound weights");
    let verdict = tagger.judge("I would like to fly from Denver to Chicago next Friday");
    assert!(!verdict.ask && verdict.spans.len() == 2, "{verdict:?}");
    assert!(verdict.spans.iter().all(|span| span.label == Label::Location && span.probability > 0.6 && !span.country));
    assert!(tagger.tag("We are moving to Portugal").iter().any(|span| span.country));
}

#[test]
fn what_is_between_the_thresholds_is_asked() {
    let text = "please ask Nkechi to ring me";
    let with = |doubt, sure| {
        let model = Model::read(WEIGHTS).expect("sound weights");
        Tagger::with(model, Thresholds { take: 0.35, doubt, sure }).judge(text).ask
    };
    assert!(with(0.0, 1.1), "every token is in doubt");
    assert!(!with(2.0, 2.0), "no token can be");
    let foreign = "Меня зовут Екатерина";
    let model = Model::read(WEIGHTS).expect("sound weights");
    let tagger = Tagger::with(model, Thresholds { take: 0.35, doubt: 0.0, sure: 1.1 });
    assert!(!tagger.judge(foreign).ask, "the network cannot read this script");
}

#[test]
fn a_damaged_file_is_refused() {
    assert_eq!(Model::read(b"").err(), Some(ModelError::Length));
    assert_eq!(Model::read(b"SBTX\x01\0\0\0").err(), Some(ModelError::Format));
    assert_eq!(Model::read(&WEIGHTS[..WEIGHTS.len() - 1]).err(), Some(ModelError::Checksum));
    for at in [16, 400, WEIGHTS.len() / 2, WEIGHTS.len() - 1] {
        let mut file = WEIGHTS.to_vec();
        file[at] ^= 1;
        assert_eq!(Model::read(&file).err(), Some(ModelError::Checksum), "byte {at}");
    }
    let mut short = WEIGHTS[..WEIGHTS.len() - 1].to_vec();
    let sum = checksum(&short[16..]);
    short[8..16].copy_from_slice(&sum.to_le_bytes());
    assert_eq!(Model::read(&short).err(), Some(ModelError::Length));
}

#[test]
fn what_is_written_is_what_is_read() {
    let model = Model::read(WEIGHTS).expect("sound weights");
    assert!(model.write() == WEIGHTS);
    assert!(WEIGHTS.len() <= 2 * 1024 * 1024);
}

/// The weights rest on these numbers: who changes a feature trains again and states the new number.
#[test]
fn features_stay_as_they_were_trained() {
    let text = "Hi, I'm Zoë O'Neill-Łoś (№ 12b) <TOKEN_1> a@b.example 田中 김 ผู้\nСергей";
    let tokens: Vec<_> = Tokens::new(text).collect();
    let case = Case::of(&tokens);
    let mut all = Vec::new();
    (0..tokens.len()).for_each(|at| extract(&tokens, at, case, &mut all));
    let golden = all.iter().fold(0, |sum, &feature| mix(1, sum, feature));
    assert_eq!((tokens.len(), all.len(), golden), (21, 928, 709454323));
}

#[test]
fn text_is_cut_where_names_end() {
    let cut = |text: &'static str| Tokens::new(text).map(|token| &text[token.span]).collect::<Vec<_>>();
    assert_eq!(cut("Sarah's l'amie O'Hara"), ["Sarah", "'s", "l'", "amie", "O'", "Hara"]);
    assert_eq!(cut("12b @max a.b@c.d, www.x.y"), ["12b", "@max", "a.b@c.d", ",", "www.x.y"]);
    assert_eq!(cut("김씨 ผู้\n山"), ["김", "씨", "ผู้", "\n", "山"]);
    let shapes: Vec<_> = Tokens::new("a Ab A AB aB 1").map(|token| token.shape).collect();
    assert_eq!(shapes, [Shape::Lower, Shape::Title, Shape::Initial, Shape::Upper, Shape::Mixed, Shape::None]);
    assert!(Tokens::new("<A_B1> x").next().is_some_and(|token| token.kind == Kind::Opaque));
}

#[test]
fn a_name_is_found_wherever_a_stretch_ends() {
    let tagger = Tagger::new().expect("sound weights");
    for words in STRETCH - 40..STRETCH + 20 {
        let text =
            format!("{}my name is Peter McAllister.", "it is fine ".repeat(words / 3) + &"ok ".repeat(words % 3));
        let spans = tagger.tag(&text);
        let right = spans.len() == 1 && &text[spans[0].span.clone()] == "Peter McAllister";
        assert!(right, "{words}: {spans:?}");
    }
}

#[test]
fn long_monotonous_texts_are_borne() {
    let tagger = Tagger::new().expect("sound weights");
    for piece in ["1", "@", "a", "A ", "a'", "'", "<", "山", "ผู้", "\u{301}", "a@", "<A", "Peter ", "\n", "e\u{301}"]
    {
        let text = piece.repeat(100_000);
        let verdict = tagger.judge(&text);
        assert!(verdict.spans.iter().all(|span| text.get(span.span.clone()).is_some()), "{piece:?}");
    }
}

proptest! {
    #[test]
    fn spans_are_in_order_and_on_character_boundaries(text in "[\\PC\\n '@<>.a-zA-Z0-9Peteré田ผ]{0,120}") {
        let tagger = Tagger::new().expect("sound weights");
        let mut end = 0;
        for span in tagger.tag(&text) {
            prop_assert!(span.span.start >= end && span.span.start < span.span.end);
            prop_assert!(text.get(span.span.clone()).is_some() && span.label != Label::Other);
            prop_assert!((0.0..=1.001).contains(&span.probability));
            end = span.span.end;
        }
    }
}
