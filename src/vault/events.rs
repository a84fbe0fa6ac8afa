//! The audit log, read back.

use serde::Serialize;

use crate::access::{Caller, Scope, acts};
use crate::audit::{Count, Decision, Entry, Frontier, Hash, leaf_hash};
use crate::domain::{Error, Reason, Result, TenantId, Timestamp};
use crate::store::{EntryRow, LogId, Work};

use super::Vault;
use super::audited::Audited;
use super::paging::{Page, PageRequest, token};

/// Which entries; everything given must hold.
#[derive(Debug, Clone, Default, Serialize)]
pub struct EventFilter {
    /// The operation, such as `ReadConversation`.
    pub operation: Option<String>,
    /// The actor's pseudonym.
    pub actor: Option<String>,
    /// The object's resource name, or the beginning of it up to a slash.
    pub object: Option<String>,
    /// Whether it was allowed.
    pub allowed: Option<bool>,
    /// At or after.
    pub from: Option<Timestamp>,
    /// Before.
    pub before: Option<Timestamp>,
}

/// A page of entries, and the head of the log at that moment.
#[derive(Debug, Clone)]
pub struct EventPage {
    /// The entries, oldest first.
    pub page: Page<(EntryRow, Entry)>,
    /// The size of the log.
    pub size: u64,
    /// Its root.
    pub root: Hash,
}

/// Entries looked at for one page, so that a filter that matches little costs little.
const MOST_SCANNED: usize = 5_000;
/// Entries fetched at a time.
const FETCH: usize = 500;

impl Vault {
    /// Lists entries of a tenant's log, or of the system log when no tenant is named, oldest first. A page may be short, or
    /// empty, and still have a next one.
    pub async fn list_audit_events(
        &self,
        caller: &Caller,
        tenant: Option<TenantId>,
        filter: EventFilter,
        page: PageRequest,
    ) -> Result<Audited<EventPage>> {
        let scope = Scope { tenant: tenant.clone(), ..Scope::default() };
        let auth = self.gate.authorize::<acts::ListAuditEvents>(caller, scope).await?;
        let log = tenant.map_or(LogId::System, LogId::Tenant);
        match self.events(log, &filter, &page).await {
            Ok(found) => {
                let entry = auth.entry().count(Count::Returned, found.page.items.len() as u64);
                self.finish(Work::new(auth.logged(entry)?), found).await
            }
            Err(error) => self.refuse(&auth, error).await,
        }
    }

    async fn events(&self, log: LogId, filter: &EventFilter, page: &PageRequest) -> Result<EventPage> {
        let bound = (log.to_string(), filter);
        let mut next = page.resume::<u64>(&bound)?.unwrap_or(0);
        let (size, root) = self.head(&log).await?;
        let (mut items, mut scanned) = (Vec::new(), 0);
        'pages: while next < size && scanned < MOST_SCANNED {
            let of = log.clone();
            let rows = self.data.read(move |reader| reader.entries(&of, next, FETCH)).await?;
            if rows.is_empty() {
                return Err(Reason::IntegrityFailure.into());
            }
            for row in rows.into_iter().filter(|row| row.index < size) {
                if row.index != next || leaf_hash(&row.canonical, &row.commitments) != row.leaf {
                    return Err(
                        Error::new(Reason::IntegrityFailure).because("an audit entry is missing or was altered")
                    );
                }
                (next, scanned) = (row.index + 1, scanned + 1);
                let entry = Entry::parse(&row.canonical);
                let entry = entry.map_err(|error| Error::new(Reason::IntegrityFailure).because(error))?;
                if filter.matches(&entry) {
                    items.push((row, entry));
                }
                if items.len() == page.limit() {
                    break 'pages;
                }
            }
        }
        let next = if next < size { token(&bound, &next)? } else { String::new() };
        Ok(EventPage { page: Page { items, next }, size, root })
    }

    /// Returns size and root of a log.
    pub(super) async fn head(&self, log: &LogId) -> Result<(u64, Hash)> {
        let heads = self.data.read(|reader| reader.heads()).await?;
        let Some(head) = heads.into_iter().find(|head| head.log == *log) else {
            return Ok((0, Frontier::default().root()));
        };
        let frontier = Frontier::decode(&head.frontier);
        let frontier = frontier.map_err(|error| Error::new(Reason::IntegrityFailure).because(error))?;
        Ok((frontier.size(), frontier.root()))
    }
}

impl EventFilter {
    fn matches(&self, entry: &Entry) -> bool {
        let at = Timestamp::from_unix_ms(entry.time_unix_ms());
        let is = |wanted: &Option<String>, value: &str| wanted.as_deref().is_none_or(|wanted| wanted == value);
        is(&self.operation, entry.op())
            && is(&self.actor, entry.actor())
            && self.object.as_deref().is_none_or(|wanted| lies_under(entry.object().unwrap_or_default(), wanted))
            && self.allowed.is_none_or(|allowed| allowed == (entry.decision() == Decision::Allow))
            && self.from.is_none_or(|from| at >= from)
            && self.before.is_none_or(|before| at < before)
    }
}

fn lies_under(object: &str, wanted: &str) -> bool {
    object.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
