//! Lines of an import file: each is a conversation within the limits, or refused in a sentence of the program's own.

#![no_main]

use libfuzzer_sys::fuzz_target;
use serde::de::IgnoredAny;
use serde_json::Value;
use subrosa::cli::fuzzing::{self, MAX_TURNS};
use subrosa::domain::{MAX_RECORD_BYTES, MAX_REFERENCE_BYTES};
use subrosa_proto::v1::{Record, record::Content};

fuzz_target!(|data: &[u8]| {
    let (mut read, mut last) = (0, 0);
    for line in fuzzing::lines(data) {
        assert!(line.number > last, "lines are counted upwards");
        (read, last) = (read + line.bytes, line.number);
        match line.read {
            Ok((reference, records, empty)) => conversation(text_of(data, line.number), &reference, &records, empty),
            Err(said) => {
                assert!(SENTENCES.contains(&without_numbers(&said).as_str()), "{} bytes were said", said.len())
            }
        }
    }
    assert!(read <= data.len() as u64);
});

fn text_of(data: &[u8], number: u64) -> &[u8] {
    data.split(|byte| *byte == b'\n').nth(number as usize - 1).expect("a line of this number")
}

/// Compares what was read with what a general reader of JSON sees.
fn conversation(line: &[u8], reference: &str, records: &[Record], empty: u64) {
    assert!((1..=MAX_REFERENCE_BYTES).contains(&reference.len()));
    assert!(!records.is_empty() && records.len() + empty as usize <= MAX_TURNS);
    serde_json::from_slice::<IgnoredAny>(line).expect("a line is JSON");
    assert!(std::str::from_utf8(line).is_ok());
    // In keys that are ignored there may be what a value cannot hold: half a surrogate pair, or more levels than it has.
    let Ok(seen) = serde_json::from_slice::<Value>(line) else { return };
    assert_eq!(seen["conversation"], reference);
    let turns = seen["turns"].as_array().expect("turns are an array");
    assert_eq!(turns.len(), records.len() + empty as usize);
    let spoken = turns.iter().filter(|turn| turn["text"] != "");
    for (turn, record) in spoken.zip(records) {
        let Some(Content::Text(text)) = &record.content else { panic!("a turn is text") };
        assert!(turn["text"] == text.as_str() && text.len() <= MAX_RECORD_BYTES);
        let role = format!("AUTHOR_ROLE_{}", turn["role"].as_str().expect("a role is text").to_ascii_uppercase());
        assert_eq!(record.author_role().as_str_name(), role);
    }
}

fn without_numbers(said: &str) -> String {
    let mut text = String::new();
    for char in said.chars() {
        match char {
            '0'..='9' if text.ends_with('#') => {}
            '0'..='9' => text.push('#'),
            other => text.push(other),
        }
    }
    text
}

/// All that can be said of a line, with `#` for numbers.
const SENTENCES: [&str; 7] = [
    "the line is over # MiB",
    "not JSON, column #",
    "not {\"conversation\", \"turns\": [{\"role\", \"text\"}]}, column #",
    "conversation: # to # bytes",
    "turns: # to #, and text in one of them",
    "turns[#].role: one of user, assistant, agent, system, tool",
    "turns[#].text: at most # KiB",
];
