//! Recent turns for a bot backend: one call, one entry.

use std::collections::VecDeque;

use crate::access::{Caller, Scope, acts};
use crate::audit::Count;
use crate::domain::{CaseReference, ConversationName, Purpose, Result, View};
use crate::store::{StoredConversation, Work};

use super::Vault;
use super::audited::Audited;
use super::ingest::Target;
use super::read::ShownRecord;

const DEFAULT_LAST: u32 = 20;
const MOST_LAST: u32 = 200;
/// The most bytes of content in one answer: the oldest turns that pass it are left out, because a client takes 4 MiB.
const MOST_BYTES: usize = 3 * 1024 * 1024;

impl Vault {
    /// Returns the last `last` records of a conversation, redacted, oldest first; 0 is 20, more than 200 is 200. A bot that reads
    /// back its own conversation does so to go on with it: that is the purpose unless another is named.
    pub async fn get_context(
        &self,
        caller: &Caller,
        name: ConversationName,
        last: u32,
        purpose: Option<Purpose>,
        case: Option<CaseReference>,
    ) -> Result<Audited<(Vec<ShownRecord>, u64)>> {
        let found = self.find(caller, &Target::Name(name.clone())).await?;
        let scope = Scope { purpose: Some(purpose.unwrap_or(Purpose::Support)), case, ..found.scope() };
        let auth = self.gate.authorize::<acts::GetContext>(caller, scope).await?;
        let result = async {
            let row = self.readable(&name).await?;
            let shown = self.tail_records(&row, if last == 0 { DEFAULT_LAST } else { last.min(MOST_LAST) }).await?;
            let end = row.next_sequence - 1;
            self.metrics.read(shown.0.len() as u64);
            let entry = auth.entry().count(Count::Returned, shown.0.len() as u64).last_sequence(end);
            self.finish(Work::new(auth.logged(entry)?), shown).await
        };
        match result.await {
            Ok(done) => Ok(done),
            Err(error) => self.refuse(&auth, error).await,
        }
    }

    async fn tail_records(&self, row: &StoredConversation, last: u32) -> Result<(Vec<ShownRecord>, u64)> {
        let end = row.next_sequence - 1;
        let mut after = end.saturating_sub(u64::from(last));
        let (mut shown, mut bytes, mut dek, mut expired) = (VecDeque::new(), 0, None, row.expired_through);
        while after < end {
            let (tenant, id) = (row.tenant.clone(), row.id);
            let limit = usize::try_from(end - after).unwrap_or(usize::MAX);
            let records = self.data.read(move |reader| reader.records(&tenant, &id, after, limit)).await?;
            let mut reached = after;
            for record in records.iter().filter(|record| record.sequence <= end) {
                if record.sequence > reached + 1 {
                    expired = expired.max(self.must_have_expired(row, record.sequence - 1).await?);
                }
                reached = record.sequence;
                match self.show(row, record, View::Redacted, &mut dek).await? {
                    Some(record) => {
                        bytes += record.weight();
                        shown.push_back(record);
                    }
                    None => expired = expired.max(record.sequence),
                }
            }
            while bytes > MOST_BYTES && shown.len() > 1 {
                bytes -= shown.pop_front().map_or(0, |record| record.weight());
            }
            if reached == after {
                expired = expired.max(self.must_have_expired(row, end).await?);
                break;
            }
            after = reached;
        }
        Ok((shown.into(), expired))
    }
}
