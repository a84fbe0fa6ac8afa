//! The gate: the one way from a request to the right to do something.

use std::net::IpAddr;
use std::sync::Arc;

use crate::audit::{Count, Entry, EntryBuilder};
use crate::clock::Clock;
use crate::domain::{Error, Principal, Reason, Result, Timestamp};
use crate::store::{DataStore, KeyStore, LogId, LoggedEntry, Receipt, StoreError, SubmitError, Work};

use super::act::Act;
use super::authorized::{Authorized, begin, finish};
use super::caller::Caller;
use super::certificate::{CertificateTrust, Trust, cause_of};
use super::credential::Cause;
use super::decision::{Grant, Scope, conditions, decide, home_log};
use super::failed_logins::{Attempts, FailedLogins};
use super::key_cache::KeyCache;
use super::peer::Peer;
use super::permission::{Place, Rule, rule_for};

/// Authenticates, authorizes, and logs what it refuses before it answers. Share one per process: it has the cache that
/// a revocation empties.
pub struct Gate {
    pub(super) data: DataStore,
    pub(super) keys: KeyStore,
    pub(super) cache: KeyCache,
    /// Which certificates are believed.
    pub(super) trust: Trust,
    /// Held while a principal gets an API key or a role by certificate, so that what it has is looked at and added to in one
    /// step.
    pub(super) issuing: tokio::sync::Mutex<()>,
    clock: Arc<dyn Clock>,
    failed: FailedLogins,
}

impl Gate {
    /// Returns a gate that logs to `data` and knows the API keys of `keys`.
    pub fn new(data: DataStore, keys: KeyStore, clock: Arc<dyn Clock>) -> Self {
        let cache = KeyCache::new(keys.clone());
        let (trust, issuing, failed) = (Trust::default(), tokio::sync::Mutex::new(()), FailedLogins::new());
        Self { data, keys, cache, trust, issuing, clock, failed }
    }

    /// Believes from now on the certificates that `trust` believes, and no others: also on connections and streams that are
    /// open. Without it none is believed.
    pub fn trust_certificates(&self, trust: Option<CertificateTrust>) {
        self.trust.replace(trust);
    }

    /// Decides, before the body of a call is decoded, whether the caller may call `path` at all.
    ///
    /// `authorization` is the value of that header, `peer` the other end of the connection. A header decides alone, whatever
    /// certificate there is; without one the certificate does.
    ///
    /// # Errors
    ///
    /// `CREDENTIAL_MISSING`; `CREDENTIAL_INVALID`, whatever is wrong with it; `METHOD_UNKNOWN`; `PERMISSION_DENIED`.
    /// Each is in the audit log by then. `AUDIT_UNAVAILABLE` when it cannot be, `KEYS_UNAVAILABLE` when keys cannot be
    /// looked up. `STORE_REPLACED`, before anything else, when a database is no longer the one that was opened.
    pub async fn admit(&self, path: &str, authorization: Option<&str>, peer: impl Into<Peer>) -> Result<Caller> {
        let peer = peer.into();
        self.data.check_files()?;
        self.keys.check_files()?;
        let credential = match self.authenticate(authorization, &peer).await? {
            Ok(credential) => credential,
            Err((cause, id)) => return Err(self.failed_login(peer.address, cause, id).await),
        };
        let principal = credential.principal();
        let Some(rule) = rule_for(path) else {
            return Err(self.turn_away(principal, UNKNOWN_METHOD, Reason::MethodUnknown).await);
        };
        if rule.reach(principal.role).is_none() {
            return Err(self.turn_away(principal, rule.operation(), Reason::PermissionDenied).await);
        }
        Ok(Caller { credential, rule, peer: peer.address })
    }

    /// Decides whether the caller may do `A` on what `scope` is about.
    ///
    /// For an act on a conversation, look it up first and put its bot into the scope; when there is none, leave the bot
    /// out: then the answer is the same, and takes the same way, as when it lies outside the caller's reach.
    ///
    /// # Errors
    ///
    /// `CREDENTIAL_INVALID` when the credential is not accepted any more: the body of a call may come long after it was
    /// admitted. `scope.absent` (or `TENANT_NOT_FOUND`, `CONVERSATION_NOT_FOUND`) for what is out of reach or not there,
    /// `PERMISSION_DENIED`, `PURPOSE_REQUIRED`, `APPROVAL_REQUIRED`. Each is in the audit log by then;
    /// `AUDIT_UNAVAILABLE` when it cannot be.
    pub async fn authorize<A: Act>(&self, caller: &Caller, scope: Scope) -> Result<Authorized<A>> {
        self.recheck(caller).await?;
        let rule = A::PERMISSION.rule();
        let (log, refusal) = match self.reach(caller, rule, &scope).await? {
            Err(reason) => (home_log(caller.principal()), Error::new(reason)),
            Ok(grant) => match meets(rule, &scope) {
                Ok(()) => return Ok(Authorized::new(caller, grant, scope, Arc::clone(&self.clock))),
                Err(refusal) => (grant.log, refusal),
            },
        };
        let refused = Refused { principal: caller.principal(), log, operation: rule.operation(), scope: &scope };
        self.log_denial(refused, refusal.reason().as_str()).await?;
        Err(refusal)
    }

    /// Checks again, when there was time since the first check, that the caller's credential is still accepted.
    ///
    /// # Errors
    ///
    /// `CREDENTIAL_INVALID` when it has expired, was revoked or is no longer believed, which is in the audit log by then.
    pub async fn recheck(&self, caller: &Caller) -> Result<()> {
        let Err(cause) = self.look_again(&caller.credential).await? else { return Ok(()) };
        let principal = caller.principal();
        let scope = Scope { object: caller.credential.object(), ..Scope::default() };
        let operation = caller.rule.operation();
        self.log_denial(Refused { principal, log: home_log(principal), operation, scope: &scope }, cause.as_str())
            .await?;
        Err(Error::new(Reason::CredentialInvalid))
    }

    /// Logs that a TLS handshake failed, where it was for want of an acceptable certificate: as a failed login.
    pub async fn failed_handshake(&self, peer: IpAddr, error: &rustls::Error) {
        if let Some(cause) = cause_of(error) {
            // Nobody is there to be answered; what could not be logged is logged with the next that are counted.
            let _ = self.failed_login(peer, cause, None).await;
        }
    }

    /// Logs the failed logins that were counted since the last time. A worker calls it each second, and once at the
    /// end.
    ///
    /// # Errors
    ///
    /// `AUDIT_UNAVAILABLE`; the counts are kept for the next time.
    pub async fn flush_failed_logins(&self) -> Result<()> {
        let mut waiting = self.failed.take();
        while !waiting.is_empty() {
            let rest = waiting.split_off(waiting.len().min(FLUSH_ENTRIES));
            if let Err(error) = self.write_attempts(&waiting).await {
                self.failed.put_back(waiting.into_iter().chain(rest));
                return Err(error);
            }
            waiting = rest;
        }
        Ok(())
    }

    /// Returns the vault's time.
    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Makes `work` durable; what cannot be logged is not done.
    pub(super) async fn commit(&self, work: Work) -> Result<Receipt> {
        self.data.submit(work).await.map_err(|error| {
            tracing::error!(%error, "an audit entry was not written");
            match &error {
                SubmitError::Failed(cause) if matches!(**cause, StoreError::DiskFull | StoreError::Replaced(_)) => {
                    error.into()
                }
                _ => Error::new(Reason::AuditUnavailable).because(error),
            }
        })
    }

    async fn failed_login(&self, peer: IpAddr, cause: Cause, id: Option<String>) -> Error {
        let answer = match cause {
            Cause::Missing => Error::new(Reason::CredentialMissing),
            _ => Error::new(Reason::CredentialInvalid),
        };
        let Some(source) = self.failed.note(peer, cause) else { return answer };
        let attempts = Attempts { source, cause, count: 1 };
        let mut entry = self.login_entry(&attempts);
        if let Some(id) = id {
            entry = entry.object(&format!("apiKeys/{id}"));
        }
        let written = match system(entry) {
            Ok(logged) => self.commit(Work::new(logged)).await.map(drop),
            Err(error) => Err(error),
        };
        match written {
            Ok(()) => answer,
            Err(error) => {
                self.failed.put_back([attempts]);
                error
            }
        }
    }

    async fn write_attempts(&self, attempts: &[Attempts]) -> Result<()> {
        let mut work: Option<Work> = None;
        for entry in attempts {
            let logged = system(self.login_entry(entry))?;
            work = Some(match work {
                Some(work) => work.and_log(logged),
                None => Work::new(logged),
            });
        }
        match work {
            Some(work) => self.commit(work).await.map(drop),
            None => Ok(()),
        }
    }

    fn login_entry(&self, attempts: &Attempts) -> EntryBuilder {
        Entry::builder(self.now().unix_ms(), &LogId::System.to_string(), LOGIN)
            .actor(&attempts.source)
            .role(NO_ROLE)
            .deny(attempts.cause.as_str())
            .count(Count::Attempts, attempts.count)
    }

    /// Finds out what of the scope the caller reaches.
    async fn reach(&self, caller: &Caller, rule: &'static Rule, scope: &Scope) -> Result<Result<Grant, Reason>> {
        if caller.rule != rule {
            tracing::error!(admitted = caller.path(), asked = rule.path, "a call asks for what it was not admitted to");
            return Ok(Err(Reason::PermissionDenied));
        }
        let grant = match decide(caller.principal(), rule, scope) {
            Ok(grant) => grant,
            Err(reason) => return Ok(Err(reason)),
        };
        let there = self.is_there(caller.principal(), rule, &grant).await?;
        Ok(if there { Ok(grant) } else { Err(Reason::TenantNotFound) })
    }

    /// Tells whether the tenant exists. A credential limited to one was issued for one that does, and tenants stay.
    async fn is_there(&self, principal: &Principal, rule: &Rule, grant: &Grant) -> Result<bool> {
        match &grant.tenant {
            Some(tenant) if principal.tenant.is_none() && rule.place != Place::Vault => {
                let tenant = tenant.clone();
                Ok(self.data.read(move |reader| reader.tenant(&tenant)).await?.is_some())
            }
            _ => Ok(true),
        }
    }

    /// Logs that a caller may not call a method at all, and returns the answer.
    async fn turn_away(&self, principal: &Principal, operation: &str, reason: Reason) -> Error {
        let refused = Refused { principal, log: home_log(principal), operation, scope: &Scope::default() };
        match self.log_denial(refused, reason.as_str()).await {
            Ok(()) => Error::new(reason),
            Err(error) => error,
        }
    }

    /// Logs a denial; where the caller sent what no entry can hold, without it.
    async fn log_denial(&self, refused: Refused<'_>, reason: &str) -> Result<()> {
        let Refused { principal, log, operation, scope } = refused;
        let full = begin(self.now(), &log, operation, principal, scope).deny(reason);
        let entry = match full.build() {
            Ok(entry) => entry,
            Err(_) => finish(begin(self.now(), &log, operation, principal, &Scope::default()).deny(reason))?,
        };
        self.commit(Work::new(LoggedEntry { log, entry, commitments: Vec::new() })).await.map(drop)
    }
}

/// Who was refused what, and which log tells of it.
struct Refused<'a> {
    principal: &'a Principal,
    log: LogId,
    operation: &'a str,
    scope: &'a Scope,
}

pub(super) fn keys_unavailable(error: StoreError) -> Error {
    tracing::error!(%error, "API keys cannot be read or written");
    Error::new(error.keys_reason()).because(error)
}

/// Checks what a call within reach must bring along.
fn meets(rule: &Rule, scope: &Scope) -> Result<()> {
    conditions(rule, scope).map_err(|reason| match reason {
        Reason::PurposeRequired => Error::new(reason).at("purpose"),
        _ => Error::new(reason),
    })
}

fn system(entry: EntryBuilder) -> Result<LoggedEntry> {
    Ok(LoggedEntry { log: LogId::System, entry: finish(entry)?, commitments: Vec::new() })
}

/// The operation of a failed login.
const LOGIN: &str = "Authenticate";
/// The role of somebody unknown.
const NO_ROLE: &str = "none";
/// The operation of a call to a method that is not in the table: its name is the caller's text and goes into no log.
const UNKNOWN_METHOD: &str = "UnknownMethod";
/// How many entries of counted logins are committed at once.
const FLUSH_ENTRIES: usize = 128;
