//! The lines of an import file. No error holds anything of a line: it may be content.

use std::fmt;
use std::io::{self, BufRead, Read as _};
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use subrosa_proto::v1::{self, Record, record};

use crate::domain::{AuthorRole, MAX_RECORD_BYTES, MAX_REFERENCE_BYTES};

/// The longest line, in bytes without its end.
pub(super) const MAX_LINE_BYTES: usize = 16 * 1024 * 1024;
/// The most turns of one conversation.
pub(super) const MAX_TURNS: usize = 100_000;

/// A conversation as it stands in the file.
pub(super) struct Imported {
    /// The conversation's id there: the client reference.
    pub reference: String,
    /// Its turns that hold text, at least one.
    pub records: Vec<Record>,
    /// How many turns hold none: nothing was said, and a record cannot be empty.
    pub empty_turns: u64,
}

/// A line that is a conversation.
pub(super) struct Parsed {
    /// Where the line stood, from 1.
    pub line: u64,
    /// How long it was, with its end.
    pub bytes: u64,
    /// The conversation.
    pub conversation: Imported,
}

/// Why a line is not a conversation.
#[derive(Debug, thiserror::Error)]
pub(super) enum LineError {
    /// The file cannot be read any further.
    #[error("the file cannot be read")]
    Unreadable(#[source] io::Error),
    /// The line is longer than [`MAX_LINE_BYTES`].
    #[error("the line is over 16 MiB")]
    TooLong,
    /// The line is not JSON (UTF-8 included); the column is counted in bytes from 1.
    #[error("not JSON, column {column}")]
    NotJson {
        /// Where.
        column: usize,
    },
    /// The line is JSON and not `{"conversation": text, "turns": [{"role": text, "text": text}]}`.
    #[error("not {{\"conversation\", \"turns\": [{{\"role\", \"text\"}}]}}, column {column}")]
    Shape {
        /// Where.
        column: usize,
    },
    /// The conversation's id is empty or too long.
    #[error("conversation: 1 to 256 bytes")]
    Reference,
    /// No turn holds text, or there are too many.
    #[error("turns: 1 to 100000, and text in one of them")]
    Turns,
    /// A turn's role is none.
    #[error("turns[{turn}].role: one of user, assistant, agent, system, tool")]
    Role {
        /// Which turn, from 0.
        turn: usize,
    },
    /// A turn's text is too long.
    #[error("turns[{turn}].text: at most 256 KiB")]
    Text {
        /// Which turn, from 0.
        turn: usize,
    },
    /// The conversation stood in the file before.
    #[error("the conversation stands on line {first} too")]
    Repeated {
        /// Where it stood first.
        first: u64,
    },
}

/// Reads the lines of a file. Empty lines are skipped; a line that is no conversation comes back as its number, its length
/// and why. After an error of reading there is nothing more.
pub(super) struct Lines<R> {
    from: R,
    line: u64,
    ended: bool,
}

impl<R: BufRead> Lines<R> {
    /// Returns the lines of `from`.
    pub(super) fn new(from: R) -> Self {
        Self { from, line: 0, ended: false }
    }

    /// Reads a line into `buffer` without its end and returns its length with its end; 0 at the end of the file. Of a line
    /// that is too long, `buffer` holds no more than the limit and a byte.
    fn read_line(&mut self, buffer: &mut Vec<u8>) -> io::Result<u64> {
        let limit = MAX_LINE_BYTES as u64 + 1;
        let mut length = self.from.by_ref().take(limit).read_until(b'\n', buffer)? as u64;
        if length == limit && buffer.last() != Some(&b'\n') {
            length += skip_line(&mut self.from)?;
        } else if buffer.last() == Some(&b'\n') {
            buffer.pop();
        }
        Ok(length)
    }
}

impl<R: BufRead> Iterator for Lines<R> {
    type Item = Result<Parsed, (u64, u64, LineError)>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.ended {
            let mut buffer = Vec::new();
            let bytes = match self.read_line(&mut buffer) {
                Ok(0) => return None,
                Ok(bytes) => bytes,
                Err(error) => {
                    self.ended = true;
                    return Some(Err((self.line + 1, 0, LineError::Unreadable(error))));
                }
            };
            self.line += 1;
            if buffer.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let line = self.line;
            return Some(match parse(&buffer) {
                Ok(conversation) => Ok(Parsed { line, bytes, conversation }),
                Err(error) => Err((line, bytes, error)),
            });
        }
        None
    }
}

#[derive(Deserialize)]
struct RawLine {
    conversation: String,
    turns: Vec<Object<RawTurn>>,
}

#[derive(Deserialize)]
struct RawTurn {
    role: String,
    text: String,
}

/// A JSON object: serde would take an array in its place, with the fields in order.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Members<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Members<T> {
            type Value = T;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<T, A::Error> {
                T::deserialize(MapAccessDeserializer::new(members))
            }
        }

        from.deserialize_map(Members(PhantomData)).map(Self)
    }
}

fn parse(line: &[u8]) -> Result<Imported, LineError> {
    if line.len() > MAX_LINE_BYTES {
        return Err(LineError::TooLong);
    }
    // All of it: serde_json does not look at the text of keys that are ignored.
    let line = std::str::from_utf8(line).map_err(|error| LineError::NotJson { column: error.valid_up_to() + 1 })?;
    let Object(raw) = serde_json::from_str::<Object<RawLine>>(line).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => LineError::Shape { column: error.column() },
        _ => LineError::NotJson { column: error.column() },
    })?;
    if !(1..=MAX_REFERENCE_BYTES).contains(&raw.conversation.len()) {
        return Err(LineError::Reference);
    }
    if !(1..=MAX_TURNS).contains(&raw.turns.len()) {
        return Err(LineError::Turns);
    }
    let turns = raw.turns.len();
    let spoken = raw.turns.into_iter().map(|Object(raw)| raw).enumerate().filter(|(_, raw)| !raw.text.is_empty());
    let records = spoken.map(|(turn, raw)| record(turn, raw)).collect::<Result<Vec<_>, _>>()?;
    if records.is_empty() {
        return Err(LineError::Turns);
    }
    Ok(Imported { reference: raw.conversation, empty_turns: (turns - records.len()) as u64, records })
}

fn record(turn: usize, raw: RawTurn) -> Result<Record, LineError> {
    let role: AuthorRole = raw.role.parse().map_err(|_| LineError::Role { turn })?;
    if raw.text.len() > MAX_RECORD_BYTES {
        return Err(LineError::Text { turn });
    }
    let author_role = v1::AuthorRole::try_from(i32::from(role.code())).map_err(|_| LineError::Role { turn })?;
    Ok(Record { author_role: author_role.into(), content: Some(record::Content::Text(raw.text)), ..Record::default() })
}

fn skip_line(from: &mut impl BufRead) -> io::Result<u64> {
    let mut skipped = 0;
    loop {
        let buffer = from.fill_buf()?;
        let (used, done) = match buffer.iter().position(|byte| *byte == b'\n') {
            Some(at) => (at + 1, true),
            None => (buffer.len(), buffer.is_empty()),
        };
        from.consume(used);
        skipped += used as u64;
        if done {
            return Ok(skipped);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: impl AsRef<[u8]>) -> Vec<Result<(u64, String, usize), String>> {
        Lines::new(text.as_ref())
            .map(|line| match line {
                Ok(parsed) => Ok((parsed.line, parsed.conversation.reference, parsed.conversation.records.len())),
                Err((line, _, error)) => Err(format!("{line}: {error}")),
            })
            .collect()
    }

    #[test]
    fn other_keys_are_ignored_and_bad_lines_are_counted() {
        let text = concat!(
            r#"{"conversation":"a","turns":[{"role":"user","text":"x","spans":[1]},{"role":"tool","text":"y"}],"z":1}"#,
            "\r\n\n",
            r#"{"conversation":"hunter2","turns":[{"role":"hunter2","text":"x"}]}"#,
            "\n",
            r#"{"conversation":"c","turns":[{"role":"agent","text":"x"}]}"#,
        );
        assert_eq!(
            read(text),
            [
                Ok((1, "a".to_owned(), 2)),
                Err("3: turns[0].role: one of user, assistant, agent, system, tool".to_owned()),
                Ok((4, "c".to_owned(), 1)),
            ]
        );
    }

    #[test]
    fn no_error_holds_anything_of_the_line() {
        let bad: [&[u8]; 12] = [
            b"hunter2",
            br#""hunter2""#,
            br#"{"conversation":"hunter2"}"#,
            br#"{"conversation":"","turns":[{"role":"user","text":"hunter2"}]}"#,
            br#"{"conversation":"hunter2","turns":[]}"#,
            br#"{"conversation":"a","turns":"hunter2"}"#,
            br#"{"conversation":"a","turns":[{"role":"user","text":""}]}"#,
            br#"{"conversation":7,"turns":[{"role":"user","text":"hunter2"}]}"#,
            b"{\"conversation\":\"hunter2\xff\",\"turns\":[]}",
            // Found by fuzzing: serde_json lets bad UTF-8 pass in a key that is ignored, and an array where a struct stands.
            b"{\"conversation\":\"a\",\"turns\":[{\"role\":\"user\",\"text\":\"x\"}],\"more\":\"hunter2\xff\"}",
            br#"["hunter2",[{"role":"user","text":"x"}]]"#,
            br#"{"conversation":"a","turns":[["user","hunter2"]]}"#,
        ];
        for line in bad {
            let read = read(line);
            let Err(error) = &read[0] else { panic!("{line:?} was taken") };
            assert!(!error.contains("hunter2") && error.starts_with("1: "), "{error}");
        }
    }

    #[test]
    fn a_line_that_is_too_long_is_skipped_in_bounded_memory() {
        let mut text = vec![b' '; MAX_LINE_BYTES + 5];
        text.extend_from_slice(b"\n{\"conversation\":\"b\",\"turns\":[{\"role\":\"user\",\"text\":\"x\"}]}\n");
        text[0] = b'{';
        assert_eq!(read(&text), [Err("1: the line is over 16 MiB".to_owned()), Ok((2, "b".to_owned(), 1))]);
        let total: u64 = Lines::new(text.as_slice()).map(|line| line.map_or_else(|error| error.1, |ok| ok.bytes)).sum();
        assert_eq!(total, text.len() as u64);
    }

    #[test]
    fn a_turn_without_text_is_left_out_and_counted() {
        let text = r#"{"conversation":"a","turns":[{"role":"user","text":""},{"role":"agent","text":"x"}]}"#;
        let Some(Ok(parsed)) = Lines::new(text.as_bytes()).next() else { panic!("not taken") };
        assert_eq!((parsed.conversation.records.len(), parsed.conversation.empty_turns), (1, 1));
    }

    #[test]
    fn a_turn_has_a_limit() {
        let line =
            |length| format!(r#"{{"conversation":"a","turns":[{{"role":"user","text":"{}"}}]}}"#, "x".repeat(length));
        assert!(read(line(MAX_RECORD_BYTES))[0].is_ok());
        assert_eq!(read(line(MAX_RECORD_BYTES + 1))[0], Err("1: turns[0].text: at most 256 KiB".to_owned()));
    }
}
