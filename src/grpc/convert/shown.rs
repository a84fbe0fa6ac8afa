//! Records out.

use std::collections::BTreeMap;

use data_encoding::HEXLOWER;
use subrosa_proto::v1::{self, record};

use crate::domain::{Attachment, Content, ConversationName, FindingNote, Record, RiskNote, Slug};
use crate::redaction::{Stage, Trace};
use crate::vault::{FindingCounts, Previewed, ShownRecord};

use super::enums::{show_author_role, show_record_kind};
use super::fields::show_time;
use super::policy::show_operator;

/// Writes a record of the conversation `of`.
pub(in crate::grpc) fn shown(of: &ConversationName, shown: ShownRecord) -> v1::Record {
    match shown {
        ShownRecord::Redacted(record) => redacted(of, *record),
        ShownRecord::Metadata { sequence, received_at, author_role, kind, policy_version } => v1::Record {
            name: of.record(sequence),
            sequence,
            received_at: Some(show_time(received_at)),
            author_role: show_author_role(author_role).into(),
            redaction: Some(v1::RedactionSummary { policy_version: policy_version.into(), ..Default::default() }),
            withheld: v1::WithheldReason::View.into(),
            kind: show_record_kind(kind).into(),
            ..v1::Record::default()
        },
    }
}

/// Writes a record as it would be stored.
pub(in crate::grpc) fn previewed(found: Previewed) -> v1::Record {
    v1::Record {
        client_id: found.client_id.unwrap_or_default(),
        author_role: show_author_role(found.author_role).into(),
        kind: show_record_kind(found.content.kind()).into(),
        withheld: withheld(&found.content).into(),
        content: Some(content(found.content)),
        metadata: metadata(found.metadata),
        redaction: Some(explained(found.findings, found.policy_version)),
        risks: found.risks.into_iter().map(risk).collect(),
        ..v1::Record::default()
    }
}

fn explained(findings: Vec<(FindingNote, Option<Trace>)>, policy_version: u32) -> v1::RedactionSummary {
    let (notes, traces): (Vec<_>, Vec<_>) = findings.into_iter().unzip();
    let mut summary = summary(notes, policy_version);
    summary.explanations = traces.into_iter().map(|trace| trace.map(explanation).unwrap_or_default()).collect();
    summary
}

/// Writes why something was found and what was done with it.
fn explanation(trace: Trace) -> v1::Explanation {
    let stage = match trace.stage {
        Stage::Scan => v1::RedactionStage::Scan,
        Stage::Validate => v1::RedactionStage::Validate,
        Stage::Context => v1::RedactionStage::Context,
        Stage::Cue => v1::RedactionStage::Cue,
        Stage::Name => v1::RedactionStage::Name,
        Stage::Names => v1::RedactionStage::Model,
    };
    v1::Explanation {
        stage: stage.into(),
        verdict: trace.verdict.to_owned(),
        context_word: trace.word.unwrap_or_default().to_owned(),
        operator: show_operator(trace.operator).into(),
        policy_version: trace.policy_version.into(),
    }
}

/// Writes how many findings of each class there are.
pub(in crate::grpc) fn counts(counts: FindingCounts) -> Vec<v1::FindingCount> {
    counts.into_iter().map(|(finding_class, count)| v1::FindingCount { finding_class, count }).collect()
}

fn redacted(of: &ConversationName, record: Record) -> v1::Record {
    v1::Record {
        name: of.record(record.sequence),
        sequence: record.sequence,
        client_id: record.client_id.unwrap_or_default(),
        occurred_at: record.occurred_at.map(show_time),
        received_at: Some(show_time(record.received_at)),
        author_role: show_author_role(record.author_role).into(),
        kind: show_record_kind(record.content.kind()).into(),
        withheld: withheld(&record.content).into(),
        content: Some(content(record.content)),
        model: record.model.unwrap_or_default(),
        prompt_version: record.prompt_version.unwrap_or_default(),
        metadata: metadata(record.metadata),
        supersedes: record.supersedes.unwrap_or_default(),
        risks: record.risks.into_iter().map(risk).collect(),
        redaction: Some(summary(record.findings, record.policy_version)),
    }
}

fn content(content: Content) -> record::Content {
    match content {
        Content::Text(text) => record::Content::Text(text),
        Content::ToolCall { name, arguments, result } => {
            record::Content::ToolCall(v1::ToolCall { name: name.into(), arguments, result })
        }
        Content::Attachment(file) => record::Content::Attachment(attachment(file)),
        Content::Annotation { about, note } => {
            record::Content::Annotation(v1::Annotation { note, about_sequence: about.unwrap_or_default() })
        }
    }
}

fn withheld(content: &Content) -> v1::WithheldReason {
    match content {
        Content::Attachment(file) if file.data().is_none() => v1::WithheldReason::Unredacted,
        _ => v1::WithheldReason::Unspecified,
    }
}

fn attachment(file: Attachment) -> v1::Attachment {
    let (sha256, size) = (HEXLOWER.encode(&file.sha256()), file.size());
    let (file_name, media_type, data) = file.into_parts();
    let withheld = data.is_none();
    v1::Attachment {
        file_name,
        media_type: media_type.to_string(),
        data: data.unwrap_or_default(),
        sha256,
        size,
        withheld,
    }
}

fn metadata(pairs: BTreeMap<Slug, String>) -> BTreeMap<String, String> {
    pairs.into_iter().map(|(key, value)| (key.into(), value)).collect()
}

fn summary(notes: Vec<FindingNote>, policy_version: u32) -> v1::RedactionSummary {
    let mut classes = FindingCounts::new();
    for note in &notes {
        *classes.entry(note.class.clone()).or_default() += 1;
    }
    v1::RedactionSummary {
        findings: notes.into_iter().map(finding).collect(),
        counts: counts(classes),
        policy_version: policy_version.into(),
        explanations: Vec::new(),
    }
}

fn risk(note: RiskNote) -> v1::Risk {
    v1::Risk { label: note.label, rule: note.rule, field: note.field }
}

/// Writes one finding.
pub(super) fn finding(note: FindingNote) -> v1::Finding {
    v1::Finding {
        finding_class: note.class,
        rule: note.rule,
        score: f32::from(note.score) / 100.0,
        start: note.start,
        end: note.end,
        field: note.field,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{AuthorRole, RecordKind, Timestamp};

    #[test]
    fn metadata_says_that_content_is_withheld_and_what_kind_it_is() {
        let of = "tenants/acme/conversations/0191f0aa-7d3c-7e21-8c5e-3b1f2a9d4c55".parse().unwrap();
        let record = shown(
            &of,
            ShownRecord::Metadata {
                sequence: 7,
                received_at: Timestamp::from_unix_ms(1),
                author_role: AuthorRole::Tool,
                kind: RecordKind::ToolCall,
                policy_version: 3,
            },
        );
        assert_eq!(record.name, "tenants/acme/conversations/0191f0aa-7d3c-7e21-8c5e-3b1f2a9d4c55/records/7");
        assert_eq!(record.withheld(), v1::WithheldReason::View);
        assert_eq!(record.kind(), v1::RecordKind::ToolCall);
        assert!(record.content.is_none());
    }

    #[test]
    fn findings_are_counted_by_class_and_scored_from_nought_to_one() {
        let note = |class: &str| FindingNote {
            class: class.to_owned(),
            end: 9,
            field: "text".to_owned(),
            rule: "email".to_owned(),
            score: 85,
            start: 2,
        };
        let summary = summary(vec![note("EMAIL"), note("CARD"), note("EMAIL")], 2);
        assert!((summary.findings[0].score - 0.85).abs() < 1e-6);
        let counted: Vec<_> = summary.counts.iter().map(|count| (count.finding_class.as_str(), count.count)).collect();
        assert_eq!(counted, [("CARD", 1), ("EMAIL", 2)]);
    }
}
