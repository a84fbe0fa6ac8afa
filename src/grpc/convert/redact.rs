//! What is taken out of stored records.

use std::ops::Range;

use subrosa_proto::v1::{self, redact_record_request as one, redact_records_request as many};
use zeroize::Zeroizing;

use crate::domain::{ConversationName, Error, MAX_REFERENCE_BYTES, RecordName, Result};
use crate::redaction::Class;
use crate::vault::{ConversationFilter, Piece, Query, RedactedLater, RedactedPage, Removal, Wanted};

use super::fields::{case, name, optional_text, optional_word, tenant, time};
use super::shown::{counts, finding};

/// The least and the most bytes of a value that is looked for.
const VALUE_BYTES: Range<usize> = 3..4_097;
const MOST_SPANS: usize = 1_000;

/// Reads which record, and what is taken out of it.
pub(in crate::grpc) fn record_request(request: v1::RedactRecordRequest) -> Result<(RecordName, Wanted)> {
    let class = class("finding_class", &request.finding_class)?;
    let removal = match request.what {
        Some(one::What::Spans(spans)) => Removal::Spans(pieces(&spans.spans)?),
        Some(one::What::Value(value)) => Removal::Value { value: looked_for(value)?, class },
        Some(one::What::ReapplyPolicy(true)) => Removal::Reapply,
        Some(one::What::ReapplyPolicy(false)) | None => return Err(nothing()),
    };
    let wanted = Wanted { removal, dry_run: request.dry_run, case: case(&request.case_reference)? };
    Ok((name("name", &request.name)?, wanted))
}

/// Reads which records, and what is taken out of them.
pub(in crate::grpc) fn records_request(request: v1::RedactRecordsRequest) -> Result<(Query, Wanted)> {
    let class = class("finding_class", &request.finding_class)?;
    let removal = match request.what {
        Some(many::What::Value(value)) => Removal::Value { value: looked_for(value)?, class },
        Some(many::What::ReapplyPolicy(true)) => Removal::Reapply,
        Some(many::What::ReapplyPolicy(false)) | None => return Err(nothing()),
    };
    let wanted = Wanted { removal, dry_run: request.dry_run, case: case(&request.case_reference)? };
    let filter = ConversationFilter {
        subject: optional_text("subject", request.subject, MAX_REFERENCE_BYTES)?,
        bot: optional_word("bot", &request.bot)?,
        from: time("start_time", request.start_time)?,
        before: time("end_time", request.end_time)?,
        ..ConversationFilter::default()
    };
    let (tenant, conversation) = match request.parent.parse::<ConversationName>() {
        Ok(of) => (of.tenant, Some(of.id)),
        Err(_) => (tenant("parent", &request.parent)?, None),
    };
    if conversation.is_some() && (filter.subject.is_some() || filter.from.is_some() || filter.before.is_some()) {
        return Err(Error::invalid("parent", "conditions are for the conversations of a tenant"));
    }
    Ok((Query { tenant, conversation, filter }, wanted))
}

fn nothing() -> Error {
    Error::invalid("what", "a value, reapply_policy, or spans of one record")
}

/// Reads a class; empty is the one whose values are dropped.
fn class(path: &str, text: &str) -> Result<Class> {
    if text.is_empty() {
        return Ok(Class::Secret);
    }
    text.parse().map_err(|_| Error::invalid(path, "no such class in this build"))
}

fn looked_for(value: String) -> Result<Zeroizing<String>> {
    let value = Zeroizing::new(value);
    if VALUE_BYTES.contains(&value.len()) {
        return Ok(value);
    }
    Err(Error::invalid("value", "3 to 4,096 bytes").limit(VALUE_BYTES.end as u64 - 1))
}

fn pieces(spans: &[v1::RedactionSpan]) -> Result<Vec<Piece>> {
    if spans.is_empty() || spans.len() > MOST_SPANS {
        return Err(Error::invalid("spans", "1 to 1,000").limit(MOST_SPANS as u64));
    }
    let piece = |(index, span): (usize, &v1::RedactionSpan)| {
        let at = |field: &str| format!("spans[{index}].{field}");
        if span.finding_class.is_empty() {
            return Err(Error::invalid(at("finding_class"), "required"));
        }
        if span.start >= span.end {
            return Err(Error::invalid(format!("spans[{index}]"), "start before end"));
        }
        let class = class(&at("finding_class"), &span.finding_class)?;
        Ok(Piece { field: span.field.clone(), range: span.start as usize..span.end as usize, class })
    };
    spans.iter().enumerate().map(piece).collect()
}

/// Writes what was taken out of a record.
pub(in crate::grpc) fn redacted(done: RedactedLater) -> v1::RedactRecordResponse {
    v1::RedactRecordResponse {
        name: done.name,
        redactions: counts(done.redactions),
        findings: done.findings.into_iter().map(finding).collect(),
        policy_version: done.policy_version.into(),
        scrubbed: done.scrubbed,
        resealed_count: done.resealed,
        unsearched_file: done.unsearched_file,
    }
}

/// Writes what was taken out of a page of conversations.
pub(in crate::grpc) fn page(done: RedactedPage) -> v1::RedactRecordsResponse {
    let conversations = done.conversations.into_iter().map(|one| v1::ConversationRedaction {
        conversation: one.name.to_string(),
        record_count: one.records,
        redactions: counts(one.redactions),
    });
    v1::RedactRecordsResponse {
        conversations: conversations.collect(),
        searched_conversation_count: done.searched_conversations,
        searched_record_count: done.searched_records,
        unsearched_file_count: done.unsearched_files,
        scrubbed: !done.pending_scrub,
        next_page_token: done.next,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Reason;

    const RECORD: &str = "tenants/acme/conversations/0191f0aa-7d3c-7e21-8c5e-3b1f2a9d4c55/records/7";

    fn request(what: Option<one::What>) -> v1::RedactRecordRequest {
        v1::RedactRecordRequest { name: RECORD.to_owned(), what, ..Default::default() }
    }

    fn span(field: &str, start: u32, end: u32, class: &str) -> v1::RedactionSpan {
        v1::RedactionSpan { field: field.to_owned(), start, end, finding_class: class.to_owned() }
    }

    #[test]
    fn a_value_is_of_the_class_that_is_dropped_unless_another_is_said() {
        let value = || Some(one::What::Value("Blorvane".to_owned()));
        let (name, wanted) = record_request(request(value())).unwrap();
        assert_eq!(name.sequence, 7);
        assert!(matches!(&wanted.removal, Removal::Value { value, class: Class::Secret } if **value == "Blorvane"));
        let named = v1::RedactRecordRequest { finding_class: "PERSON".to_owned(), ..request(value()) };
        let wanted = record_request(named).unwrap().1;
        assert!(matches!(wanted.removal, Removal::Value { class: Class::Person, .. }));
    }

    #[test]
    fn refusals_name_their_field_and_no_value() {
        let spans = |spans| Some(one::What::Spans(v1::RedactionSpans { spans }));
        let cases = [
            (None, "what"),
            (Some(one::What::ReapplyPolicy(false)), "what"),
            (Some(one::What::Value("ab".to_owned())), "value"),
            (Some(one::What::Value("x".repeat(4_097))), "value"),
            (spans(vec![]), "spans"),
            (spans(vec![span("text", 2, 2, "PERSON")]), "spans[0]"),
            (spans(vec![span("text", 0, 2, "PERSON"), span("text", 4, 6, "")]), "spans[1].finding_class"),
            (spans(vec![span("text", 0, 2, "FAX")]), "spans[0].finding_class"),
        ];
        for (what, field) in cases {
            let error = record_request(request(what)).err().unwrap();
            assert_eq!((error.reason(), error.field()), (Reason::InvalidField, Some(field)));
        }
        let unnamed = v1::RedactRecordRequest { name: "x".to_owned(), ..request(Some(one::What::ReapplyPolicy(true))) };
        assert_eq!(record_request(unnamed).err().unwrap().reason(), Reason::InvalidName);
    }

    #[test]
    fn a_query_is_over_a_tenant_or_one_conversation() {
        let all = |parent: &str| v1::RedactRecordsRequest {
            parent: parent.to_owned(),
            what: Some(many::What::ReapplyPolicy(true)),
            ..Default::default()
        };
        assert!(records_request(all("tenants/acme")).unwrap().0.conversation.is_none());
        let of = RECORD.split_once("/records").unwrap().0;
        assert!(records_request(all(of)).unwrap().0.conversation.is_some());
        let both = v1::RedactRecordsRequest { subject: "s".to_owned(), ..all(of) };
        assert_eq!(records_request(both).err().unwrap().field(), Some("parent"));
        assert_eq!(records_request(all("x")).err().unwrap().reason(), Reason::InvalidName);
    }
}
