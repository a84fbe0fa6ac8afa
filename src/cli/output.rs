//! What a command prints: for a person, or one JSON object a line.

use std::io::Write;

use clap::ValueEnum;
use console::measure_text_width;
use serde_json::Value;

use super::exit::CliError;
use super::json::{self, Named};
use super::terminal::{self, Screen};

/// For whom the output is.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Output {
    /// For a person: tables and sentences.
    #[default]
    Human,
    /// For a program: one JSON object a line.
    Json,
    /// For a spreadsheet: lists as CSV, RFC 4180.
    Csv,
}

/// A column of a table: its head, and the path of the value, fields between dots.
pub(super) type Column = (&'static str, &'static str);

/// Where a command prints to.
pub struct Printer {
    output: Output,
    to: Screen<'static>,
}

impl Printer {
    /// Returns a printer to standard output.
    pub fn stdout(output: Output) -> Self {
        Self { output, to: Screen::new(std::io::stdout()) }
    }

    /// Returns a printer to `to`.
    pub fn new(output: Output, to: Box<dyn Write + Send>) -> Self {
        Self { output, to: Screen::new(to) }
    }

    /// Returns for whom it prints.
    pub fn output(&self) -> Output {
        self.output
    }

    /// Prints one message: as one line of JSON, or its fields that are set, one a line.
    pub fn message<M: Named>(&mut self, message: &M) -> Result<(), CliError> {
        self.value(&shown(message, self.output, to_the_second)?)
    }

    /// Prints one JSON object, as [`Printer::message`] does.
    pub fn value(&mut self, value: &Value) -> Result<(), CliError> {
        match self.output {
            Output::Json => self.json_line(value),
            Output::Csv => {
                self.to.csv(["field", "value"].map(str::to_owned))?;
                let mut fields = Vec::new();
                flatten("", value, &mut fields);
                Ok(fields.into_iter().try_for_each(|(name, text)| self.to.csv([name, text]))?)
            }
            Output::Human => {
                let mut fields = Vec::new();
                flatten("", value, &mut fields);
                let width = fields.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
                for (name, text) in fields {
                    self.to.line(&format!("{name:width$}  {text}"))?;
                }
                Ok(())
            }
        }
    }

    /// Prints many messages: as JSON, one a line; or as a table.
    pub fn messages<M: Named>(&mut self, messages: &[M], columns: &[Column]) -> Result<(), CliError> {
        let time = if self.output == Output::Csv { str::to_owned } else { to_the_second };
        let values = messages.iter().map(|message| shown(message, self.output, time)).collect::<Result<Vec<_>, _>>()?;
        self.table(&values, columns)
    }

    /// Prints many JSON objects, as [`Printer::messages`] does.
    pub fn table(&mut self, values: &[Value], columns: &[Column]) -> Result<(), CliError> {
        match self.output {
            Output::Json => return values.iter().try_for_each(|value| self.json_line(value)),
            Output::Csv => {
                self.csv_head(columns)?;
                return values.iter().try_for_each(|value| self.csv_row(value, columns));
            }
            Output::Human => {}
        }
        let mut rows = vec![columns.iter().map(|(head, _)| (*head).to_owned()).collect::<Vec<_>>()];
        rows.extend(values.iter().map(|value| columns.iter().map(|(_, path)| cell(value, path)).collect()));
        Ok(aligned(&rows).lines().try_for_each(|line| self.to.line(line))?)
    }

    /// Prints the head of a list that comes line by line, for a spreadsheet only.
    pub fn csv_head(&mut self, columns: &[Column]) -> Result<(), CliError> {
        match self.output {
            Output::Csv => Ok(self.to.csv(columns.iter().map(|(_, path)| (*path).to_owned()))?),
            Output::Human | Output::Json => Ok(()),
        }
    }

    /// Prints one line of such a list.
    pub fn csv_row(&mut self, value: &Value, columns: &[Column]) -> Result<(), CliError> {
        Ok(self.to.csv(columns.iter().map(|(_, path)| found(value, path).map(whole).unwrap_or_default()))?)
    }

    /// Prints a line for a person only.
    pub fn note(&mut self, text: &str) -> Result<(), CliError> {
        match self.output {
            Output::Human => Ok(self.to.line(text)?),
            Output::Json | Output::Csv => Ok(()),
        }
    }

    /// Prints a line of JSON for a program only.
    pub fn json_line(&mut self, value: &Value) -> Result<(), CliError> {
        Ok(self.to.json(value)?)
    }
}

/// Returns the message as JSON, as a row of a table for a spreadsheet is made from: times whole, enums by their tail.
pub(super) fn csv_value<M: Named>(message: &M) -> Result<Value, CliError> {
    shown(message, Output::Csv, str::to_owned)
}

/// Returns the message as JSON: for a program as it is, for anyone else with its enums and times in a shorter form.
fn shown<M: Named>(message: &M, output: Output, time: fn(&str) -> String) -> Result<Value, CliError> {
    let value = match output {
        Output::Json => json::to_json(message),
        Output::Human | Output::Csv => json::to_json_for_person(message, time),
    };
    value.map_err(|error| CliError::Failed(error.to_string()))
}

/// Returns a time of JSON, which is ASCII, without what is shorter than a second.
fn to_the_second(time: &str) -> String {
    match (time.get(..10), time.get(11..19)) {
        (Some(day), Some(hour)) => format!("{day} {hour}"),
        _ => time.to_owned(),
    }
}

/// Returns what stands at `path`, for a person: everything neutralised.
fn cell(value: &Value, path: &str) -> String {
    found(value, path).map(scalar).unwrap_or_default()
}

fn found<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    path.split('.').try_fold(value, |value, field| value.get(field))
}

/// Returns a value for a spreadsheet: texts whole.
fn whole(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(whole).collect::<Vec<_>>().join(", "),
        Value::Object(fields) => {
            let pairs: Vec<_> = fields.iter().map(|(name, value)| format!("{name}={}", whole(value))).collect();
            pairs.join(" ")
        }
        other => other.to_string(),
    }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => terminal::one_line(text),
        Value::Array(items) => items.iter().map(scalar).filter(|it| !it.is_empty()).collect::<Vec<_>>().join(", "),
        Value::Object(fields) => {
            let pairs = fields.iter().map(|(name, value)| format!("{}={}", terminal::one_line(name), scalar(value)));
            pairs.collect::<Vec<_>>().join(" ")
        }
        other => other.to_string(),
    }
}

/// Collects the fields that are set, nested ones by their path, in order.
fn flatten(prefix: &str, value: &Value, into: &mut Vec<(String, String)>) {
    let Value::Object(fields) = value else { return };
    for (name, value) in fields {
        let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        match value {
            Value::Object(_) => flatten(&path, value, into),
            Value::Array(items) if items.iter().any(Value::is_object) => {
                into.extend(items.iter().map(|item| (terminal::one_line(&path), scalar(item))));
            }
            _ => {
                let text = scalar(value);
                if !text.is_empty() && text != "false" && text != "0" {
                    into.push((terminal::one_line(&path), text));
                }
            }
        }
    }
}

/// Returns rows with their columns aligned, by the width that a terminal gives each character.
fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| measure_text_width(cell)).max().unwrap_or(0)
    };
    let widths: Vec<_> = (0..columns).map(width).collect();
    let mut out = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(cell);
            line.push_str(&" ".repeat(width - measure_text_width(cell) + 2));
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// What a printer printed.
#[cfg(test)]
pub(super) mod testing {
    use std::io;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    pub(in crate::cli) fn printed(output: Output, act: impl FnOnce(&mut Printer) -> Result<(), CliError>) -> String {
        let shared = Shared::default();
        act(&mut Printer::new(output, Box::new(shared.clone()))).unwrap();
        let bytes = shared.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use subrosa_proto::v1;

    use super::testing::printed;
    use super::*;

    fn tenant(name: &str, ms: i32) -> v1::Tenant {
        let time = prost_types::Timestamp { seconds: 1_795_251_352, nanos: ms * 1_000_000 };
        let state = v1::TenantState::Active.into();
        v1::Tenant { name: name.into(), state, create_time: Some(time), ..Default::default() }
    }

    #[test]
    fn enums_and_times_are_shortened_where_the_message_has_them_and_in_no_text() {
        let (time, word) = ("2026-11-21T08:55:52.007Z", "TENANT_STATE_ACTIVE");
        let (rows, columns) =
            ([tenant(word, 7), tenant(time, 7)], [("N", "name"), ("S", "state"), ("T", "create_time")]);
        let csv = printed(Output::Csv, |printer| printer.messages(&rows, &columns));
        let row = |name| [name, "ACTIVE", time].map(str::to_owned).to_vec();
        assert_eq!(super::super::csv::parse(&csv)[1..], [row(word), row(time)]);
        let table = printed(Output::Human, |printer| printer.messages(&rows, &columns));
        assert!(table.lines().nth(1).unwrap().starts_with(&format!("{word}  ")), "{table}");
        assert!(table.lines().nth(2).unwrap().starts_with(time), "{table}");
        assert_eq!(table.matches("  ACTIVE  2026-11-21 08:55:52").count(), 2, "{table}");
        for output in [Output::Human, Output::Csv] {
            let one = printed(output, |printer| printer.message(&rows[0]));
            assert!(one.contains(word) && one.contains("2026-11-21 08:55:52"), "{one}");
            assert_eq!(one.matches("ACTIVE").count(), 2, "{one}");
        }
        let json = printed(Output::Json, |printer| printer.message(&rows[0]));
        assert_eq!(json.matches(word).count(), 2, "{json}");
    }

    #[test]
    fn what_a_record_says_is_never_shortened() {
        let word = || "TENANT_STATE_ACTIVE".to_owned();
        let record = v1::Record {
            content: Some(v1::record::Content::Text(word())),
            metadata: [(word(), word())].into(),
            model: word(),
            kind: v1::RecordKind::Text.into(),
            ..Default::default()
        };
        let csv = printed(Output::Csv, |printer| super::super::conversation::print_record(&record, printer));
        assert_eq!(csv.matches("TENANT_STATE_ACTIVE").count(), 4, "{csv}");
        assert!(csv.contains("\"TEXT\"") && !csv.contains("RECORD_KIND_"), "{csv}");
    }

    #[test]
    fn a_table_is_aligned_and_neutralised() {
        let rows = [tenant("a", 7), v1::Tenant { name: "你好\u{1b}[2J".into(), ..Default::default() }];
        let columns = [("NAME", "name"), ("TIME", "create_time")];
        let text = printed(Output::Human, |printer| printer.messages(&rows, &columns));
        assert_eq!(text, "NAME           TIME\na              2026-11-21 08:55:52\n你好\\u{1b}[2J\n");
        assert!(!text.contains('\u{1b}'));
    }

    #[test]
    fn a_list_is_a_table_for_a_spreadsheet() {
        let rows = [
            json!({"name": "=1+1", "at": {"time": "2026-11-21T08:55:52.007Z"}, "state": "on"}),
            json!({"name": "a\u{1b}[2J\"b\nc", "labels": ["x", "y"]}),
        ];
        let columns = [("NAME", "name"), ("TIME", "at.time"), ("STATE", "state"), ("LABELS", "labels")];
        let text = printed(Output::Csv, |printer| printer.table(&rows, &columns));
        assert_eq!(
            text,
            "\"name\",\"at.time\",\"state\",\"labels\"\r\n\
             \"'=1+1\",\"2026-11-21T08:55:52.007Z\",\"on\",\"\"\r\n\
             \"a\\u{1b}[2J\"\"b\nc\",\"\",\"\",\"x, y\"\r\n"
        );
        assert_eq!(
            printed(Output::Csv, |printer| printer.value(&rows[0]["at"])),
            "\"field\",\"value\"\r\n\"time\",\"2026-11-21T08:55:52.007Z\"\r\n"
        );
        assert_eq!(printed(Output::Csv, |printer| printer.note("hello")), "");
    }

    #[test]
    fn an_object_shows_what_is_set() {
        let value = json!({"name": "x", "state": "on", "empty": "", "none": null, "in": {"n": 3}});
        assert_eq!(printed(Output::Human, |printer| printer.value(&value)), "name   x\nstate  on\nin.n   3\n");
        assert_eq!(printed(Output::Json, |printer| printer.value(&value)), format!("{value}\n"));
    }

    #[test]
    fn a_program_gets_no_notes_and_no_control_characters() {
        assert_eq!(printed(Output::Json, |printer| printer.note("hello")), "");
        let text = printed(Output::Json, |printer| printer.json_line(&json!({"text": "\u{9b}2J\u{202e}"})));
        assert_eq!(text, "{\"text\":\"\\u009b2J\\u202e\"}\n");
    }
}
