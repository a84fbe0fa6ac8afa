//! A proposed policy that is tried on stored records.

use subrosa_proto::v1;

use crate::domain::{Error, Result};
use crate::redaction::Policy;
use crate::vault::{Backtest, ConversationFilter, PolicyDocument, Sample};

use super::enums::purpose;
use super::fields::{case, optional_word, tenant, time};
use super::policy::document;

/// The most records that a policy is tried on.
const MOST_RECORDS: u32 = 10_000;

/// Reads the policy, and what it is tried on.
pub(in crate::grpc) fn sample(request: v1::PreviewPolicyRequest) -> Result<(Sample, Policy)> {
    let tenant = tenant("parent", &request.parent)?;
    if request.record_count > MOST_RECORDS {
        return Err(Error::invalid("record_count", "10,000 at most").limit(MOST_RECORDS.into()));
    }
    let PolicyDocument::Redaction(policy) = document(request.policy)? else {
        return Err(Error::invalid("policy", "a redaction policy is required"));
    };
    let filter = ConversationFilter {
        bot: optional_word("bot", &request.bot)?,
        from: time("start_time", request.start_time)?,
        before: time("end_time", request.end_time)?,
        ..ConversationFilter::default()
    };
    let purpose = purpose("purpose", request.purpose)?;
    let case = case(&request.case_reference)?;
    Ok((Sample { tenant, filter, records: request.record_count, purpose, case }, *policy))
}

/// Writes where two policies differ.
pub(in crate::grpc) fn backtest(found: Backtest) -> v1::PreviewPolicyResponse {
    let difference = |((finding_class, rule), (current_count, proposed_count))| v1::PolicyDifference {
        finding_class,
        rule,
        current_count,
        proposed_count,
    };
    v1::PreviewPolicyResponse {
        differences: found.differences.into_iter().map(difference).collect(),
        record_count: found.records,
        conversation_count: found.conversations,
        differing_record_count: found.differing_records,
        differing_conversation_count: found.differing_conversations,
        differing_records: found.names,
        current_version: found.current_version.into(),
    }
}
