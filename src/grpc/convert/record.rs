//! Records in.

use std::collections::BTreeMap;

use subrosa_proto::v1::{self, record};

use crate::audit::MAX_INTEGER;
use crate::domain::{
    Attachment, Content, Error, MAX_BATCH_RECORDS, MAX_METADATA_PAIRS, MAX_RECORD_BYTES, NewRecord, Reason, Result,
    Slug,
};

use super::enums::{author_role, required};
use super::fields::{optional_text, time, word};

/// The most bytes of a client id, a model, a prompt version.
pub(in crate::grpc) const MAX_ID_BYTES: usize = 128;

/// Reads the records of one request.
pub(in crate::grpc) fn records(records: Vec<v1::Record>) -> Result<Vec<NewRecord>> {
    if records.is_empty() {
        return Err(Error::invalid("records", "at least one"));
    }
    if records.len() > MAX_BATCH_RECORDS {
        return Err(Error::new(Reason::BatchTooLarge).at("records").limit(MAX_BATCH_RECORDS as u64));
    }
    let read = |(index, found)| new_record(found).map_err(|error| error.within(&format!("records[{index}]")));
    records.into_iter().enumerate().map(read).collect()
}

/// Reads one record; output-only fields are passed over.
pub(in crate::grpc) fn new_record(record: v1::Record) -> Result<NewRecord> {
    Ok(NewRecord {
        client_id: optional_text("client_id", record.client_id, MAX_ID_BYTES)?,
        occurred_at: time("occurred_at", record.occurred_at)?,
        author_role: required("author_role", author_role("author_role", record.author_role)?)?,
        content: content(record.content)?,
        model: optional_text("model", record.model, MAX_ID_BYTES)?,
        prompt_version: optional_text("prompt_version", record.prompt_version, MAX_ID_BYTES)?,
        metadata: metadata(record.metadata)?,
        supersedes: supersedes(record.supersedes)?,
    })
}

/// A sequence that a record can have. What is sealed is RFC 8785 JSON, where a larger number has no exact form.
fn supersedes(sequence: u64) -> Result<Option<u64>> {
    if sequence > MAX_INTEGER {
        return Err(Error::invalid("supersedes", "the sequence of a record, at most 2^53 - 1").limit(MAX_INTEGER));
    }
    Ok((sequence != 0).then_some(sequence))
}

fn content(content: Option<record::Content>) -> Result<Content> {
    match content {
        None => Err(Error::new(Reason::EmptyContent).at("content")),
        Some(record::Content::Text(text)) if text.is_empty() => Err(Error::new(Reason::EmptyContent).at("text")),
        Some(record::Content::Text(text)) => bounded("text", text).map(Content::Text),
        Some(record::Content::ToolCall(call)) => Ok(Content::ToolCall {
            name: word("tool_call.name", &call.name)?,
            arguments: bounded("tool_call.arguments", call.arguments)?,
            result: bounded("tool_call.result", call.result)?,
        }),
        Some(record::Content::Attachment(file)) => attachment(file).map(Content::Attachment),
        Some(record::Content::Annotation(_)) => Err(Error::invalid("annotation", "notes are made with Annotate")),
    }
}

fn attachment(file: v1::Attachment) -> Result<Attachment> {
    let data = bounded("attachment.data", file.data)?;
    Attachment::parse(file.file_name, &file.media_type, data).map_err(|error| error.within("attachment"))
}

fn bounded<T: AsRef<[u8]>>(path: &str, content: T) -> Result<T> {
    if content.as_ref().len() > MAX_RECORD_BYTES {
        return Err(Error::new(Reason::RecordTooLarge).at(path).limit(MAX_RECORD_BYTES as u64));
    }
    Ok(content)
}

fn metadata(pairs: BTreeMap<String, String>) -> Result<BTreeMap<Slug, String>> {
    if pairs.len() > MAX_METADATA_PAIRS {
        return Err(Error::new(Reason::TooManyMetadataPairs).at("metadata").limit(MAX_METADATA_PAIRS as u64));
    }
    // The path does not name the key: it is the client's text.
    pairs.into_iter().map(|(key, value)| Ok((word("metadata", &key)?, value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> v1::Record {
        v1::Record {
            author_role: v1::AuthorRole::User as i32,
            content: Some(record::Content::Text(text.to_owned())),
            ..v1::Record::default()
        }
    }

    fn refusal(found: v1::Record) -> (Reason, String) {
        let error = records(vec![said("first"), found]).unwrap_err();
        (error.reason(), error.field().unwrap_or_default().to_owned())
    }

    #[test]
    fn a_refusal_names_the_record_and_the_field() {
        let cases = [
            (v1::Record { author_role: 0, ..said("x") }, Reason::InvalidField, "author_role"),
            (v1::Record { author_role: 77, ..said("x") }, Reason::UnknownEnum, "author_role"),
            (v1::Record { content: None, ..said("x") }, Reason::EmptyContent, "content"),
            (said(""), Reason::EmptyContent, "text"),
            (said(&"x".repeat(MAX_RECORD_BYTES + 1)), Reason::RecordTooLarge, "text"),
            (v1::Record { model: "m".repeat(129), ..said("x") }, Reason::InvalidField, "model"),
            (v1::Record { supersedes: MAX_INTEGER + 1, ..said("x") }, Reason::InvalidField, "supersedes"),
            (
                v1::Record { metadata: [("a b".to_owned(), String::new())].into(), ..said("x") },
                Reason::InvalidField,
                "metadata",
            ),
            (
                v1::Record { content: Some(record::Content::Annotation(v1::Annotation::default())), ..said("x") },
                Reason::InvalidField,
                "annotation",
            ),
            (
                v1::Record { occurred_at: Some(prost_types::Timestamp { seconds: 0, nanos: -1 }), ..said("x") },
                Reason::TimestampOutOfRange,
                "occurred_at",
            ),
        ];
        for (found, reason, field) in cases {
            assert_eq!(refusal(found), (reason, format!("records[1].{field}")));
        }
    }

    #[test]
    fn a_batch_has_records_and_not_too_many() {
        assert_eq!(records(Vec::new()).unwrap_err().field(), Some("records"));
        let error = records(vec![said("x"); MAX_BATCH_RECORDS + 1]).unwrap_err();
        assert_eq!((error.reason(), error.passed_limit()), (Reason::BatchTooLarge, Some(1_000)));
        assert_eq!(records(vec![said("x"); MAX_BATCH_RECORDS]).unwrap().len(), MAX_BATCH_RECORDS);
    }
}
