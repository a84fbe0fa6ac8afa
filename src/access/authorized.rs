//! The proof that an act was allowed.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use uuid::Uuid;

use crate::audit::{Entry, EntryBuilder};
use crate::clock::Clock;
use crate::domain::{CaseReference, Error, Principal, Purpose, Reason, RequestId, Result, Slug, TenantId, Timestamp};
use crate::store::{LogId, LoggedEntry};

use super::act::Act;
use super::caller::Caller;
use super::decision::{Grant, Scope};

/// Proof that a caller may do `A` on what it asked for; only [`super::Gate::authorize`] makes one.
///
/// It knows what the audit entry has to say, and it is the use case's duty to commit that entry: [`Authorized::entry`]
/// together with the act, before anything is answered; [`Authorized::refused`] when the act turns out to be impossible.
#[must_use = "an allowed act has an audit entry: commit `entry()` with it, or `refused()` instead of it"]
pub struct Authorized<A: Act> {
    caller: Caller,
    grant: Grant,
    scope: Scope,
    clock: Arc<dyn Clock>,
    act: PhantomData<A>,
}

impl<A: Act> Authorized<A> {
    pub(super) fn new(caller: &Caller, grant: Grant, scope: Scope, clock: Arc<dyn Clock>) -> Self {
        Self { caller: caller.clone(), grant, scope, clock, act: PhantomData }
    }

    /// Returns who was allowed.
    pub fn principal(&self) -> &Principal {
        self.caller.principal()
    }

    /// Returns the caller, to be checked again in a long stream with [`super::Gate::recheck`].
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Returns the tenant that the act is limited to; none is the vault itself, or every tenant in a list of tenants or keys.
    pub fn tenant(&self) -> Option<&TenantId> {
        self.grant.tenant.as_ref()
    }

    /// Returns the bots that a list or search is to be filtered by; empty is no limit, and is never so for an ingestor.
    pub fn bots(&self) -> &[Slug] {
        &self.grant.bots
    }

    /// Returns the log that has the act's entries.
    pub fn log(&self) -> &LogId {
        &self.grant.log
    }

    /// Returns why content is read.
    pub fn purpose(&self) -> Option<Purpose> {
        self.scope.purpose
    }

    /// Returns the matter that content is read for.
    pub fn case(&self) -> Option<&CaseReference> {
        self.scope.case.as_ref()
    }

    /// Returns the id of the request.
    pub fn request_id(&self) -> Option<RequestId> {
        self.scope.request_id
    }

    /// Returns the resource name that stands as the object in entries.
    pub fn object(&self) -> Option<String> {
        object_of(&self.scope)
    }

    /// Starts an allowed entry of the act, at the present time: log, actor, role, operation, object, purpose, case and
    /// request id are set. What is set again replaces it.
    pub fn entry(&self) -> EntryBuilder {
        let operation = A::PERMISSION.as_str();
        begin(self.clock.now(), &self.grant.log, operation, self.principal(), &self.scope).allow()
    }

    /// Returns the finished entry for [`crate::store::Work`].
    ///
    /// # Errors
    ///
    /// `AUDIT_UNAVAILABLE` when the entry has no valid form: what cannot be logged is not done.
    pub fn logged(&self, entry: EntryBuilder) -> Result<LoggedEntry> {
        self.logged_with(entry, Vec::new())
    }

    /// Returns the finished entry of an append, with the commitment of each record; `counts.records` must be their number.
    ///
    /// # Errors
    ///
    /// As [`Authorized::logged`].
    pub fn logged_with(&self, entry: EntryBuilder, commitments: Vec<[u8; 32]>) -> Result<LoggedEntry> {
        Ok(LoggedEntry { log: self.grant.log.clone(), entry: finish(entry)?, commitments })
    }

    /// Returns the entry of an act that was allowed but cannot be done: frozen, closed, expired, not there.
    ///
    /// # Errors
    ///
    /// As [`Authorized::logged`].
    pub fn refused(&self, reason: Reason) -> Result<LoggedEntry> {
        self.logged(self.entry().deny(reason.as_str()))
    }
}

impl<A: Act> fmt::Debug for Authorized<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorized").field("caller", &self.caller).field("grant", &self.grant).finish_non_exhaustive()
    }
}

/// Starts an entry about what `principal` asks for.
pub(super) fn begin(
    now: Timestamp,
    log: &LogId,
    operation: &str,
    principal: &Principal,
    scope: &Scope,
) -> EntryBuilder {
    let mut entry = Entry::builder(now.unix_ms(), &log.to_string(), operation)
        .actor(&principal.pseudonym)
        .role(principal.role.as_str());
    if let Some(object) = object_of(scope) {
        entry = entry.object(&object);
    }
    if let Some(purpose) = scope.purpose {
        entry = entry.purpose(purpose.as_str());
    }
    if let Some(case) = &scope.case {
        entry = entry.case(case.as_str());
    }
    if let Some(id) = scope.request_id {
        entry = entry.request_id(Uuid::from_bytes(*id.as_bytes()));
    }
    entry
}

/// Finishes an entry; one that has no valid form cannot be logged.
pub(super) fn finish(entry: EntryBuilder) -> Result<Entry> {
    entry.build().map_err(|error| {
        tracing::error!(%error, "an audit entry has no valid form");
        Error::new(Reason::AuditUnavailable).because(error)
    })
}

fn object_of(scope: &Scope) -> Option<String> {
    scope.object.clone().or_else(|| scope.tenant.as_ref().map(|tenant| format!("tenants/{tenant}")))
}
