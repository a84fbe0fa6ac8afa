//! Hostile text through the printer of every command: whatever field a server or a client can write into.

use std::io;

use prost_reflect::{DynamicMessage, Kind, MapKey, MessageDescriptor, ReflectMessage as _, Value as Field};
use serde_json::{Value, json};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use super::exit::{CliError, with_causes};
use super::json::{NAMES, message_named, value_of};
use super::output::testing::printed;
use super::output::{Column, Output, Printer};
use super::{api_key, audit, conversation, csv, key, policy, tenant};

/// Clears the screen, sets the title, asks the terminal to answer, starts C1 sequences, turns the direction, hides, and
/// begins a line of its own.
const HOSTILE: &str = "word\u{1b}[2J\u{1b}]0;title\u{7}\u{9b}6n\u{90}q\u{9c}\u{202e}\u{2066}\u{200b}\u{ad}\u{e0041}\u{7f}\r\n\u{2028}forged";

const LISTS: &[(&str, &[Column])] = &[
    ("subrosa.v1.ApiKey", api_key::COLUMNS),
    ("subrosa.v1.PermissionResult", api_key::PERMISSIONS),
    ("subrosa.v1.AuditEvent", audit::COLUMNS),
    ("subrosa.v1.Conversation", conversation::COLUMNS),
    ("subrosa.v1.Record", conversation::RECORD_COLUMNS),
    ("subrosa.v1.Key", key::COLUMNS),
    ("subrosa.v1.Policy", policy::COLUMNS),
    ("subrosa.v1.Tenant", tenant::COLUMNS),
];

/// Returns the message with the text in every field that can hold one, `oneof` taken at its last member.
fn filled(descriptor: &MessageDescriptor, depth: usize) -> DynamicMessage {
    let mut message = DynamicMessage::new(descriptor.clone());
    for field in descriptor.fields() {
        let value = if let (true, Kind::Message(entry)) = (field.is_map(), field.kind()) {
            let value = leaf(&entry.map_entry_value_field().kind(), depth).unwrap_or(Field::U64(7));
            Field::Map([(MapKey::String(HOSTILE.to_owned()), value)].into())
        } else {
            let Some(one) = leaf(&field.kind(), depth) else { continue };
            if field.is_list() { Field::List(vec![one.clone(), one]) } else { one }
        };
        message.set_field(&field, value);
    }
    message
}

fn leaf(kind: &Kind, depth: usize) -> Option<Field> {
    match kind {
        Kind::String => Some(Field::String(HOSTILE.to_owned())),
        Kind::Bytes => Some(Field::Bytes(HOSTILE.as_bytes().to_vec().into())),
        Kind::Message(inner) if inner.package_name() == "subrosa.v1" && depth < 4 => {
            Some(Field::Message(filled(inner, depth + 1)))
        }
        _ => None,
    }
}

/// Checks that a terminal shows the text as it is, in the lines that it has.
#[track_caller]
fn harmless(output: Output, printed: &str) {
    assert!(printed.contains("word"), "nothing of the text was printed, so nothing is proved: {printed:?}");
    let inert = |c: char| c == '\n' || output == Output::Csv && c == '\r' || !super::terminal::is_dangerous(c);
    assert!(printed.chars().all(inert), "{output:?}: {printed:?}");
    match output {
        Output::Human => assert!(!printed.lines().any(|line| line.trim_start().starts_with("forged")), "{printed:?}"),
        Output::Json => printed.lines().for_each(|line| drop(serde_json::from_str::<Value>(line).unwrap())),
        Output::Csv => assert!(csv::parse(printed).iter().flatten().all(|cell| !cell.contains('\r'))),
    }
}

fn everywhere(act: impl Fn(&mut Printer) -> Result<(), CliError>) {
    for output in [Output::Human, Output::Json, Output::Csv] {
        harmless(output, &printed(output, &act));
    }
}

#[test]
fn every_message_is_printed_harmlessly() {
    for name in NAMES {
        let message = filled(&message_named(name).unwrap(), 0);
        let value = value_of(&message).unwrap();
        // Numbers, flags and enums alone: there is nothing to write into.
        if message.descriptor().fields().all(|field| leaf(&field.kind(), 3).is_none()) {
            continue;
        }
        everywhere(|printer| printer.value(&value));
        if let Some((_, columns)) = LISTS.iter().find(|(of, _)| of == name) {
            everywhere(|printer| printer.table(&[value.clone(), value.clone()], columns));
        }
    }
    assert!(LISTS.iter().all(|(name, _)| NAMES.contains(name)), "a list of no message");
}

#[test]
fn every_kind_of_record_is_read_harmlessly() {
    use subrosa_proto::v1::{self, record::Content};
    let text = || HOSTILE.to_owned();
    let contents = [
        Content::Text(text()),
        Content::ToolCall(v1::ToolCall { name: text(), arguments: text(), result: text() }),
        Content::Annotation(v1::Annotation { note: text(), about_sequence: 1 }),
        Content::Attachment(v1::Attachment {
            file_name: text(),
            media_type: text(),
            data: text().into_bytes(),
            sha256: text(),
            ..Default::default()
        }),
    ];
    for content in contents {
        let metadata = [(text(), text())].into();
        let record = v1::Record { content: Some(content), metadata, model: text(), ..Default::default() };
        for output in [Output::Json, Output::Csv] {
            let shown = printed(output, |printer| conversation::print_record(&record, printer));
            harmless(output, &shown);
        }
        // A message has lines; each of them stands in from the margin, where no record of ours does.
        let shown = printed(Output::Human, |printer| conversation::print_record(&record, printer));
        assert!(shown.chars().all(|c| c == '\n' || !super::terminal::is_dangerous(c)), "{shown:?}");
        assert!(shown.lines().skip(1).all(|line| line.is_empty() || line.starts_with("    ")), "{shown:?}");
    }
}

#[test]
fn every_error_is_told_harmlessly() {
    let mut details = ErrorDetails::with_error_info(HOSTILE, HOSTILE, [(HOSTILE.to_owned(), HOSTILE.to_owned())]);
    details.add_bad_request_violation(HOSTILE, HOSTILE);
    let io = || io::Error::other(HOSTILE);
    let errors = [
        CliError::from(Status::with_error_details(Code::InvalidArgument, HOSTILE, details)),
        CliError::from(Status::unknown(HOSTILE)),
        CliError::Usage(HOSTILE.to_owned()),
        CliError::Failed(HOSTILE.to_owned()),
        CliError::Unreachable { endpoint: HOSTILE.to_owned(), cause: HOSTILE.to_owned() },
        CliError::io(HOSTILE)(io()),
        CliError::Vault(Box::new(io())),
    ];
    for error in errors {
        for output in [Output::Human, Output::Json] {
            let mut out = Vec::new();
            error.print(output, &mut out).unwrap();
            harmless(output, &String::from_utf8(out).unwrap());
        }
        assert!(!with_causes(&error).contains('\n'));
    }
}

#[test]
fn what_a_command_says_by_itself_is_harmless_too() {
    let note = printed(Output::Human, |printer| printer.note(HOSTILE));
    assert!(note.chars().all(|c| c == '\n' || !super::terminal::is_dangerous(c)), "{note:?}");
    everywhere(|printer| printer.value(&json!({"word": {HOSTILE: [HOSTILE, {"a": HOSTILE}]}})));
}
