//! Redaction as its callers see it: what holds for every text, evasions by name, and the command.

use proptest::prelude::*;
use subrosa::cli::redact::{Names, NamesArgs, RedactArgs, run};
use subrosa::redaction::{Class, Engine, JsonLimits, Outcome, Policy, PseudonymKey};

fn engine() -> Engine {
    Engine::new(Policy::default()).expect("the default policy holds")
}

fn key(byte: u8) -> PseudonymKey {
    PseudonymKey::from_bytes([byte; 32])
}

fn redact(text: &str) -> String {
    engine().redact(text, &key(7)).text.into_owned()
}

/// Pieces that candidates are made of, so that random texts come near to real ones.
const PIECES: &[&str] = &[
    "jane@example.org",
    "@",
    "4242424242424242",
    "4242 4242 4242 4242",
    "415-555-0132",
    "(415) 555-0132",
    "+44 20 7946 0018",
    "GB82WEST12345698765432",
    "536-22-8726",
    "203.0.113.7",
    "2001:db8::1",
    "02:00:5e:10:00:ff",
    "://",
    "https://bob:pw1@host/",
    "password is ",
    "pin: ",
    "cvv ",
    "token=",
    "api_key=",
    "sk-",
    "ghp_",
    "AKIA",
    "eyJ",
    "-----BEGIN RSA PRIVATE KEY-----",
    "-----END RSA PRIVATE KEY-----",
    "born on ",
    "3 May 1985",
    "phone ",
    "order ",
    "card ",
    "ssn ",
    "<EMAIL_7K3Q>",
    "<SECRET>",
    "424242******4242",
    "<",
    ">",
    "*****",
    "'",
    "\"",
    " ",
    " ",
    "\n",
    ".",
    "-",
    ":",
    "/",
    "(",
    ")",
    "+",
    "x",
    "ext ",
    "0",
    "1234",
    "hunter2",
    "é",
    "e\u{301}",
    "\u{200B}",
    "\u{A0}",
    "４２",
    "٤",
    "漢",
    "🌹",
    "a",
    "Zz",
];

fn texts() -> impl Strategy<Value = String> {
    let made = proptest::collection::vec(proptest::sample::select(PIECES), 0..24).prop_map(|pieces| pieces.concat());
    prop_oneof![3 => made, 1 => any::<String>()]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn findings_lie_in_order_on_character_boundaries(text in texts()) {
        let mut end = 0;
        for finding in engine_once().scan(&text) {
            prop_assert!(finding.span.start >= end && finding.span.start < finding.span.end);
            prop_assert!(text.get(finding.span.clone()).is_some());
            prop_assert!((50..=100).contains(&finding.score));
            end = finding.span.end;
        }
    }

    #[test]
    fn redacting_twice_is_redacting_once(text in texts()) {
        let once = engine_once().redact(&text, &key(7)).text.into_owned();
        let again = engine_once().redact(&once, &key(7));
        prop_assert_eq!(&again.text, &once);
    }

    #[test]
    fn json_stays_json_and_is_stable(parts in proptest::collection::vec((texts(), texts()), 0..5)) {
        let object: serde_json::Map<_, _> = parts.into_iter().map(|(key, text)| (key, text.into())).collect();
        let count = object.len();
        let once = engine_once().redact_json(&serde_json::Value::from(object).to_string(), &key(7), JsonLimits::default());
        let once = once.expect("it is JSON").json;
        let parsed: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&once).expect("it stays JSON");
        prop_assert_eq!(parsed.len(), count, "no member is lost");
        let again = engine_once().redact_json(&once, &key(7), JsonLimits::default()).expect("it is JSON").json;
        prop_assert_eq!(again, once);
    }

    #[test]
    fn what_is_not_json_is_refused_as_serde_json_refuses_it(text in "[\\[\\]{}:,\"0-9a-z\\\\ .eE+-]{0,12}") {
        let ours = engine_once().redact_json(&text, &key(7), JsonLimits::default()).is_ok();
        prop_assert_eq!(ours, serde_json::from_str::<serde_json::Value>(&text).is_ok());
    }
}

fn engine_once() -> &'static Engine {
    static ENGINE: std::sync::LazyLock<Engine> = std::sync::LazyLock::new(engine);
    &ENGINE
}

/// Found by fuzzing: a bot that sends its context back had what stood behind such a pseudonym redacted the second time.
#[test]
fn what_a_pseudonym_happens_to_spell_announces_nothing() {
    assert_eq!(redact("7PWD:hunter2"), "7PWD:<SECRET>");
    for text in ["<EMAIL_7PWD>:hunter2", "<EMAIL_7PWD>: hunter2", "<IBAN_88PW>:hunter2", "<EMAIL_CARD> 4242424242424"] {
        assert_eq!(redact(text), text);
    }
}

#[test]
fn the_same_value_gets_the_same_token_however_it_is_written() {
    let text = redact("jane@example.org, JANE@example.org and ｊａｎｅ@example.org");
    let tokens: std::collections::BTreeSet<&str> =
        text.split([' ', ',']).filter(|word| word.starts_with('<')).collect();
    assert_eq!(tokens.len(), 1, "{text}");
}

/// A key that loses the words that announced its value must not announce it, or a second redaction would differ.
#[test]
fn a_redacted_json_key_announces_what_it_still_says() {
    let json = r#"{"-----BEGIN RSA PRIVATE KEY-----": "https://bob:pw1@host/"}"#;
    let redacted = engine().redact_json(json, &key(7), JsonLimits::default()).expect("it is JSON").json;
    assert_eq!(redacted, r#"{"<SECRET>": "https://<URL_CREDENTIAL>@host/"}"#);
}

#[test]
fn another_key_gives_another_token() {
    let with = |byte| engine().redact("jane@example.org", &key(byte)).text.into_owned();
    assert_ne!(with(1), with(2));
}

#[test]
fn a_secret_is_dropped_and_a_card_masked() {
    assert_eq!(redact("password: hunter2, card 4242 4242 4242 4242"), "password: <SECRET>, card 424242******4242");
}

#[test]
fn text_without_findings_is_borrowed() {
    let redacted = engine().redact("see you at 5", &key(7)).text.into_owned();
    assert_eq!(redacted, "see you at 5");
    assert!(matches!(engine().redact("see you at 5", &key(7)).text, std::borrow::Cow::Borrowed(_)));
}

#[test]
fn evasions_are_found() {
    for (name, text, class) in [
        ("zero-width space in a card", "4242\u{200B}4242\u{200B}4242\u{200B}4242", Class::Card),
        ("soft hyphens in an address", "ja\u{AD}ne@exam\u{AD}ple.org", Class::Email),
        ("full-width digits", "４２４２４２４２４２４２４２４２", Class::Card),
        ("full-width at sign", "jane＠example.org", Class::Email),
        ("no-break spaces", "4242\u{A0}4242\u{A0}4242\u{A0}4242", Class::Card),
        ("Arabic digits", "٤٢٤٢٤٢٤٢٤٢٤٢٤٢٤٢", Class::Card),
        ("mathematical letters", "𝗷𝗮𝗻𝗲@𝗲𝘅𝗮𝗺𝗽𝗹𝗲.𝗼𝗿𝗴", Class::Email),
        ("non-breaking hyphens", "536\u{2011}22\u{2011}8726", Class::UsSsn),
        ("word joiner in a password cue", "pass\u{2060}word: hunter2", Class::Secret),
        ("direction marks around a number", "\u{202A}415-555-0132\u{202C}", Class::Phone),
    ] {
        let classes: Vec<Class> = engine().scan(text).into_iter().map(|finding| finding.class).collect();
        assert_eq!(classes, [class], "{name}");
    }
}

#[test]
fn explain_tells_of_what_was_not_taken_and_never_the_value() {
    let traces = engine().explain("order 4155550132 and jane@example.org");
    let outcomes: Vec<_> = traces.iter().map(|trace| (trace.class, trace.outcome, trace.word)).collect();
    assert!(outcomes.contains(&(Class::Phone, Outcome::BelowThreshold, Some("order"))), "{outcomes:?}");
    let found: Vec<_> = outcomes.into_iter().filter(|(_, outcome, _)| *outcome == Outcome::Found).collect();
    assert_eq!(found, [(Class::Email, Outcome::Found, None)]);
    assert!(!serde_json::to_string(&traces).expect("a trace is JSON").contains("jane"));
}

#[test]
fn a_field_name_announces_its_value() {
    assert_eq!(engine().redact_value("userPassword", "abc", &key(7)).text, "<SECRET>");
    assert_eq!(engine().redact_value("note", "abc", &key(7)).text, "abc");
}

/// Runs the command on `input` and returns its exit code, output and errors.
fn command(args: &RedactArgs, input: &[u8]) -> (u8, String, String) {
    let (mut output, mut errors) = (Vec::new(), Vec::new());
    let mut count = 0;
    let new_key = || {
        count += 1;
        key(count)
    };
    let code = run(args, input, &mut output, &mut errors, new_key).expect("input is UTF-8");
    (code, String::from_utf8(output).expect("UTF-8"), String::from_utf8(errors).expect("UTF-8"))
}

fn json() -> RedactArgs {
    RedactArgs { json: true, ..RedactArgs::default() }
}

#[test]
fn json_lines_count_code_points() {
    let (code, output, _) = command(&json(), "{\"text\": \"é jane@example.org\", \"id\": 7}\n".as_bytes());
    let answer: serde_json::Value = serde_json::from_str(&output).expect("one line");
    assert_eq!(code, 0);
    assert_eq!(
        answer["findings"],
        serde_json::json!([{"class": "EMAIL", "start": 2, "end": 18, "score": 0.95, "rule": "email"}])
    );
    assert!(answer["text"].as_str().is_some_and(|text| text.starts_with("é <EMAIL_") && text.ends_with('>')));
}

#[test]
fn turns_share_a_conversation_and_lines_do_not() {
    let line =
        "{\"turns\": [{\"role\": \"user\", \"text\": \"a@b.org\"}, {\"role\": \"bot\", \"text\": \"a@b.org\"}]}\n";
    let (_, output, _) = command(&json(), line.repeat(2).as_bytes());
    let answers: Vec<serde_json::Value> =
        output.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let text = |line: usize, turn: usize| answers[line]["turns"][turn]["text"].clone();
    assert_eq!(text(0, 0), text(0, 1));
    assert_ne!(text(0, 0), text(1, 0));
    assert_eq!(answers[0]["turns"][1]["role"], "bot");
}

#[test]
fn a_bad_line_is_answered_in_its_place() {
    let input =
        [b"{\"text\": 5, \"secret\"}\n{\"text\": \"x\"}\n\xff\n{}\n".to_vec(), vec![b'a'; (1 << 20) + 1]].concat();
    let (code, output, _) = command(&json(), &input);
    let lines: Vec<&str> = output.lines().collect();
    assert_eq!(code, 1);
    assert_eq!(lines[1], "{\"text\":\"x\",\"findings\":[]}");
    for at in [0, 2, 3, 4] {
        assert!(lines[at].starts_with("{\"error\":") && !lines[at].contains("secret"), "{}", lines[at]);
    }
}

#[test]
fn classes_limit_what_is_looked_for() {
    let args = RedactArgs { classes: vec![Class::Card], ..RedactArgs::default() };
    assert_eq!(command(&args, b"a@b.org 4242424242424242\n").1, "a@b.org 424242******4242\n");
}

fn absent_model() -> NamesArgs {
    NamesArgs { names: Names::Required, file: Some("/nonexistent/model_q4.onnx".into()) }
}

#[test]
fn the_names_model_is_not_silently_left_out() {
    let (code, output, errors) = command(&RedactArgs { names: absent_model(), ..RedactArgs::default() }, b"Jane\n");
    assert_eq!((code, output.as_str()), (5, ""));
    assert!(errors.contains("the names model cannot be read"), "{errors}");
}

#[test]
fn plain_text_is_one_conversation_over_blocks() {
    let filler = "nothing to see here\n".repeat(80_000);
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{}-----END PRIVATE KEY-----\n", "TUlJRXZnSUJBREFO\n".repeat(1000));
    let input = format!("a@b.org\n{filler}{pem}{filler}a@b.org");
    let (code, output, _) = command(&RedactArgs::default(), input.as_bytes());
    let lines: Vec<&str> = output.lines().collect();
    assert_eq!(code, 0);
    assert_eq!(lines.len(), 160_003);
    assert_eq!(lines[80_001], "<SECRET>");
    assert!(lines[0].starts_with("<EMAIL_") && lines[0] == lines[160_002]);
}

#[test]
fn a_block_boundary_hides_nothing() {
    let line = "x ".repeat(36) + "4242424242424242 jane@example.org\n";
    let (_, output, _) = command(&RedactArgs::default(), line.repeat(25_000).as_bytes());
    assert_eq!(output.matches("424242******4242").count(), 25_000);
    assert!(!output.contains("example.org"));
}

#[test]
fn text_without_line_ends_is_cut_outside_of_findings() {
    let (_, output, _) = command(&RedactArgs::default(), "4242424242424242, ".repeat(150_000).as_bytes());
    assert_eq!(output, "424242******4242, ".repeat(150_000));
}

#[test]
fn bad_utf8_ends_plain_text_with_its_place() {
    let error =
        run(&RedactArgs::default(), &b"abc\xffdef"[..], Vec::new(), Vec::new(), || key(1)).expect_err("not UTF-8");
    assert_eq!(error.to_string(), "input is not UTF-8 at byte 3");
}

#[test]
fn explain_goes_to_standard_error() {
    let args = RedactArgs { explain: true, ..RedactArgs::default() };
    let (_, output, errors) = command(&args, b"hi a@b.org\n");
    assert!(output.starts_with("hi <EMAIL_"));
    assert!(errors.starts_with("bytes 3..10: EMAIL by rule email") && !errors.contains("b.org"), "{errors}");
}
