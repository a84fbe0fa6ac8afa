//! Conversations: found by name or reference, made, entered for writing, shown, closed.

use std::collections::BTreeSet;

use crate::access::{Act, Authorized, Caller, Scope, acts};
use crate::audit::Count;
use crate::domain::{
    ConversationId, ConversationMeta, ConversationName, ConversationState, Day, Error, NewConversation, RISK_PREFIX,
    Reason, Result, Slug, TenantId, Timestamp,
};
use crate::keys::{ConversationSecrets, KeyError, Segment};
use crate::lifecycle;
use crate::redaction::{Dialogue, Engine, PseudonymKey};
use crate::sealing::{random, with_clean_stack};
use crate::store::{ConversationRow, HandleKind, Mutation, Refusal, StoredConversation, SubmitError, Work};

use super::Vault;
use super::audited::Audited;
use super::idempotency::{Idempotent, Known};
use super::ingest::Target;
use super::redact::refuse_personal;
use super::seal::{open_meta, seal_meta};
use super::tail::{Locked, Tail};

/// A conversation as it is shown: what stands in clear, and its opened metadata.
#[derive(Debug, Clone)]
pub struct ConversationView {
    /// Its name.
    pub name: ConversationName,
    /// Its opened metadata.
    pub meta: ConversationMeta,
    /// The labels of what its records try.
    pub risks: Vec<String>,
    /// Where it is in its life.
    pub state: ConversationState,
    /// `received_at` of its last record; none while it has none.
    pub last_record_time: Option<Timestamp>,
    /// The sequence of its last record.
    pub last_sequence: u64,
    /// Records up to and including this sequence have expired.
    pub expired_through: u64,
    /// The last date on which something of it is readable.
    pub last_day: Day,
}

/// What a look-up found before anything was authorized: nothing in here is shown to a caller.
pub(super) struct Found {
    pub(super) tenant: TenantId,
    id: Option<ConversationId>,
    row: Option<StoredConversation>,
    wanted: Option<Box<NewConversation>>,
}

/// A conversation that is locked for writing, loaded, and, when `create` is set, not yet stored.
pub(super) struct Entered {
    pub(super) id: ConversationId,
    pub(super) slot: Locked,
    pub(super) create: Option<Box<ConversationRow>>,
}

impl Found {
    /// Returns whether it was looked for by the client's reference, and is made when there is none.
    pub(super) fn by_reference(&self) -> bool {
        self.wanted.is_some()
    }

    /// Returns what the permission is asked for.
    pub(super) fn scope(&self) -> Scope {
        let bot = self.row.as_ref().map(|row| row.bot.clone());
        Scope {
            tenant: Some(self.tenant.clone()),
            bot: bot.or_else(|| self.wanted.as_ref().map(|wanted| wanted.bot.clone())),
            object: self.id.map(|id| ConversationName { tenant: self.tenant.clone(), id }.to_string()),
            ..Scope::default()
        }
    }
}

impl Vault {
    /// Looks a write's conversation up. Things of tenants that the caller does not reach are not looked at.
    pub(super) async fn find(&self, caller: &Caller, target: &Target) -> Result<Found> {
        let (tenant, id, wanted) = match target {
            Target::Name(name) => (name.tenant.clone(), Some(name.id), None),
            Target::Reference(tenant, wanted) => {
                let id = if caller.principal().reaches(tenant) { self.referenced(tenant, wanted).await? } else { None };
                (tenant.clone(), id, Some(wanted.clone()))
            }
        };
        let row = match id {
            Some(id) if caller.principal().reaches(&tenant) => {
                let of = tenant.clone();
                self.data.read(move |reader| reader.conversation(&of, &id)).await?
            }
            _ => None,
        };
        Ok(Found { tenant, id, row, wanted })
    }

    async fn referenced(&self, tenant: &TenantId, wanted: &NewConversation) -> Result<Option<ConversationId>> {
        let Some(reference) = &wanted.client_reference else { return Ok(None) };
        let handle = self.reference_handle(tenant, reference).await?;
        let of = tenant.clone();
        let kind = HandleKind::Reference;
        let found = self.keys.store().read(move |reader| reader.handle(&of, kind, &handle, None, 1)).await?;
        Ok(found.first().copied())
    }

    async fn reference_handle(&self, tenant: &TenantId, reference: &str) -> Result<[u8; 32]> {
        self.keys.handle(tenant, "reference", reference).await.map_err(absent_tenant)
    }

    /// Returns the handle of a subject.
    pub(super) async fn subject_handle(&self, tenant: &TenantId, subject: &str) -> Result<[u8; 32]> {
        self.keys.handle(tenant, "subject", subject).await.map_err(absent_tenant)
    }

    /// Locks a conversation for writing, making it first when it is wanted and not there.
    ///
    /// What is entered may be another's than what was found and authorized: a reference may have come to stand for a
    /// conversation of another bot meanwhile. One that the caller does not reach is not there for it.
    pub(super) async fn enter<A: Act>(&self, auth: &Authorized<A>, found: Found) -> Result<Entered> {
        let entered = match (found.id, found.wanted) {
            (Some(id), None) => self.enter_again(&found.tenant, id).await,
            (Some(id), Some(wanted)) => self.enter_referenced(&found.tenant, id, &wanted).await,
            (None, Some(wanted)) => self.enter_new(&found.tenant, &wanted).await,
            (None, None) => Err(Reason::ConversationNotFound.into()),
        }?;
        match entered.slot.as_ref() {
            Some(tail) if auth.principal().reaches_bot(&tail.bot) => Ok(entered),
            _ => Err(Reason::ConversationNotFound.into()),
        }
    }

    /// Locks a stored conversation and reads its end anew if need be.
    pub(super) async fn enter_again(&self, tenant: &TenantId, id: ConversationId) -> Result<Entered> {
        let mut slot = self.tails.lock(id).await;
        self.load_tail(tenant, id, &mut slot).await?;
        Ok(Entered { id, slot, create: None })
    }

    /// Enters a conversation whose reference is known. Its row may be missing when its making was cut short after its keys
    /// were durable: then it is made now, under those keys.
    async fn enter_referenced(
        &self,
        tenant: &TenantId,
        id: ConversationId,
        wanted: &NewConversation,
    ) -> Result<Entered> {
        let mut slot = self.tails.lock(id).await;
        match self.load_tail(tenant, id, &mut slot).await {
            Ok(_) => return Ok(Entered { id, slot, create: None }),
            Err(error) if error.reason() == Reason::ConversationNotFound => {}
            Err(error) => return Err(error),
        }
        let plan = self.plan(tenant, wanted).await?;
        let secrets = match self.keys.conversation(tenant, id).await {
            // Its keys were swept, or have run out, since the reference was looked up: the next call makes another.
            Err(KeyError::Missing | KeyError::Destroyed) => return Err(Reason::SequenceConflict.into()),
            secrets => secrets?,
        };
        let segment = self.keys.segment_for(tenant, id, plan.day).await?;
        self.build(tenant, id, slot, plan, secrets, segment).await
    }

    async fn enter_new(&self, tenant: &TenantId, wanted: &NewConversation) -> Result<Entered> {
        let plan = self.plan(tenant, wanted).await?;
        let id = ConversationId::from_uuid(random::uuid_v7(plan.now.unix_ms().unsigned_abs()));
        let slot = self.tails.lock(id).await;
        match self.keys.new_conversation(tenant, id, plan.day, &plan.handles).await {
            Ok((secrets, segment)) => self.build(tenant, id, slot, plan, secrets, segment).await,
            Err(KeyError::Submit(SubmitError::Refused(Refusal::Exists))) => {
                drop(slot);
                let other = self.referenced(tenant, wanted).await?.ok_or(Reason::SequenceConflict)?;
                Box::pin(self.enter_referenced(tenant, other, wanted)).await
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Checks what a new conversation says in clear, and works out its handles and its first expiry day.
    async fn plan(&self, tenant: &TenantId, wanted: &NewConversation) -> Result<Plan> {
        let engine = self.engine(tenant).await?;
        check_words(&engine, wanted)?;
        let now = self.clock.now();
        let retention_class = self.retention_class(tenant, wanted.retention_class.as_ref()).await?;
        let day = lifecycle::expiry_day(now, self.retention_days(tenant, &retention_class).await?);
        let mut handles = Vec::new();
        if let Some(reference) = &wanted.client_reference {
            handles.push((HandleKind::Reference, self.reference_handle(tenant, reference).await?));
        }
        let mut subject_handle = None;
        if let Some(subject) = &wanted.subject {
            let handle = self.subject_handle(tenant, subject).await?;
            handles.push((HandleKind::Subject, handle));
            subject_handle = Some(data_encoding::HEXLOWER.encode(&handle));
        }
        Ok(Plan { engine, wanted: wanted.clone(), now, day, retention_class, handles, subject_handle })
    }

    /// Seals the metadata, fills the end, and returns the conversation ready to be stored with its first work.
    async fn build(
        &self,
        tenant: &TenantId,
        id: ConversationId,
        mut slot: Locked,
        plan: Plan,
        secrets: ConversationSecrets,
        segment: Segment,
    ) -> Result<Entered> {
        let pseudonyms = PseudonymKey::copy_of(secrets.pseudonym_key().expose());
        let meta = plan.meta(&pseudonyms);
        let sealed_meta = seal_meta(&self.keys, self.settings.backend, &secrets, tenant, id, &meta, 1)?;
        let row = ConversationRow {
            tenant: tenant.clone(),
            id,
            bot: meta.bot.clone(),
            channel: meta.channel.clone(),
            labels: meta.labels.clone(),
            finding_classes: BTreeSet::new(),
            state: ConversationState::Open,
            create_time: plan.now,
            last_record_time: plan.now,
            next_sequence: 1,
            expired_through: 0,
            last_day: segment.day,
            sealed_meta,
            meta_version: 1,
            reseals: 0,
        };
        slot.assume();
        *slot = Some(Tail {
            bot: meta.bot,
            channel: meta.channel,
            retention_class: meta.retention_class,
            next_sequence: 1,
            last_received: plan.now,
            pseudonyms,
            secrets,
            dialogue: Dialogue::default(),
            segment: Some(segment),
            reseals: 0,
        });
        self.still_served(tenant, &mut slot).await?;
        Ok(Entered { id, slot, create: Some(Box::new(row)) })
    }

    /// Makes a conversation, or returns the one that has the same client reference.
    pub async fn create_conversation(
        &self,
        caller: &Caller,
        tenant: TenantId,
        wanted: NewConversation,
        request: Option<Idempotent>,
    ) -> Result<Audited<ConversationView>> {
        let found = self.find(caller, &Target::Reference(tenant.clone(), Box::new(wanted))).await?;
        let scope = Scope { request_id: request.as_ref().map(|request| request.id), ..found.scope() };
        let auth = self.gate.authorize::<acts::CreateConversation>(caller, scope).await?;
        let result = async {
            self.must_serve(&tenant).await?;
            let fresh = match self.known::<_, String>(&auth, &tenant, request.as_ref()).await? {
                Known::Done(id) => return self.made_before(&auth, &tenant, &id).await,
                Known::New(fresh) => fresh,
            };
            let mut entered = self.enter(&auth, found).await?;
            let id = entered.id;
            let name = ConversationName { tenant: tenant.clone(), id };
            let mut entry = auth.entry().object(&name.to_string());
            let create = entered.create.take();
            if create.is_some() {
                entry = entry.count(Count::Conversations, 1);
            }
            let mut work = Work::new(auth.logged(entry)?);
            if let Some(row) = create {
                work = work.with(Mutation::CreateConversation(row));
            }
            if let Some(fresh) = fresh {
                work = work.with(fresh.remember(&id.to_string(), Some(id))?);
            }
            let receipt = self.data.submit(work).await;
            match &receipt {
                Ok(_) => entered.slot.settled(),
                Err(_) => *entered.slot = None,
            }
            drop(entered);
            if let Err(SubmitError::Refused(Refusal::Duplicate)) = receipt {
                // The same request was faster on another connection.
                return match self.known::<_, String>(&auth, &tenant, request.as_ref()).await? {
                    Known::Done(id) => self.made_before(&auth, &tenant, &id).await,
                    Known::New(_) => Err(Reason::SequenceConflict.into()),
                };
            }
            Ok(Audited::new(self.view(&tenant, id).await?, receipt?))
        };
        match result.await {
            Ok(done) => Ok(done),
            Err(error) => self.refuse(&auth, error).await,
        }
    }

    /// Answers a repeated creation with the conversation it made.
    async fn made_before(
        &self,
        auth: &Authorized<acts::CreateConversation>,
        tenant: &TenantId,
        id: &str,
    ) -> Result<Audited<ConversationView>> {
        let id = id.parse().map_err(|_| Reason::IntegrityFailure)?;
        self.repeat(auth, self.view(tenant, id).await?).await
    }

    /// Shows a conversation.
    pub async fn get_conversation(&self, caller: &Caller, name: ConversationName) -> Result<Audited<ConversationView>> {
        let found = self.find(caller, &Target::Name(name.clone())).await?;
        let auth = self.gate.authorize::<acts::GetConversation>(caller, found.scope()).await?;
        let shown = async {
            self.must_serve(&name.tenant).await?;
            self.view(&name.tenant, name.id).await
        };
        match shown.await {
            Ok(view) => self.finish(Work::new(auth.logged(auth.entry().count(Count::Returned, 1))?), view).await,
            Err(error) => self.refuse(&auth, error).await,
        }
    }

    /// Closes a conversation: it takes no more records. Closing a closed one changes nothing.
    pub async fn close_conversation(
        &self,
        caller: &Caller,
        name: ConversationName,
    ) -> Result<Audited<ConversationView>> {
        let found = self.find(caller, &Target::Name(name.clone())).await?;
        let auth = self.gate.authorize::<acts::CloseConversation>(caller, found.scope()).await?;
        let result = async {
            self.must_serve(&name.tenant).await?;
            let mut slot = self.tails.lock(name.id).await;
            let row = self.stored(&name.tenant, name.id).await?;
            if row.state == ConversationState::Closed {
                return self.repeat(&auth, self.view_of(&row).await?).await;
            }
            let secrets = self.secrets_of(&row).await?;
            let meta = open_meta(&self.keys, self.settings.backend, &secrets, &row)?;
            let change = self.change_meta(&row, &secrets, &meta, ConversationState::Closed)?;
            let receipt = self.data.submit(Work::new(auth.logged(auth.entry())?).with(change)).await?;
            *slot = None;
            drop(slot);
            Ok(Audited::new(self.view(&name.tenant, name.id).await?, receipt))
        };
        match result.await {
            Ok(done) => Ok(done),
            Err(error) => self.refuse(&auth, error).await,
        }
    }

    /// Returns the change that stores new metadata or a new state.
    pub(super) fn change_meta(
        &self,
        row: &StoredConversation,
        secrets: &ConversationSecrets,
        meta: &ConversationMeta,
        state: ConversationState,
    ) -> Result<Mutation> {
        let meta_version = row.meta_version + 1;
        let (keys, backend) = (&*self.keys, self.settings.backend);
        Ok(Mutation::UpdateConversation {
            tenant: row.tenant.clone(),
            conversation: row.id,
            labels: meta.labels.iter().cloned().collect(),
            state,
            sealed_meta: seal_meta(keys, backend, secrets, &row.tenant, row.id, meta, meta_version)?,
            meta_version,
        })
    }

    /// Returns the stored conversation, or why there is none.
    pub(super) async fn stored(&self, tenant: &TenantId, id: ConversationId) -> Result<StoredConversation> {
        let of = tenant.clone();
        let row = self.data.read(move |reader| reader.conversation(&of, &id)).await?;
        let row = row.ok_or(Reason::ConversationNotFound)?;
        if row.state == ConversationState::Expired {
            return Err(Reason::ConversationExpired.into());
        }
        Ok(row)
    }

    pub(super) async fn view(&self, tenant: &TenantId, id: ConversationId) -> Result<ConversationView> {
        self.view_of(&self.stored(tenant, id).await?).await
    }

    pub(super) async fn view_of(&self, row: &StoredConversation) -> Result<ConversationView> {
        let secrets = self.secrets_of(row).await?;
        let meta = open_meta(&self.keys, self.settings.backend, &secrets, row)?;
        let has_records = row.next_sequence > 1;
        Ok(ConversationView {
            name: ConversationName { tenant: row.tenant.clone(), id: row.id },
            meta,
            risks: row.finding_classes.iter().filter(|class| class.starts_with(RISK_PREFIX)).cloned().collect(),
            state: row.state,
            last_record_time: has_records.then_some(row.last_record_time),
            last_sequence: row.next_sequence - 1,
            expired_through: row.expired_through,
            last_day: row.last_day,
        })
    }
}

/// What is known of a conversation before it has keys.
struct Plan {
    engine: std::sync::Arc<Engine>,
    wanted: NewConversation,
    now: Timestamp,
    day: Day,
    retention_class: Slug,
    handles: Vec<(HandleKind, [u8; 32])>,
    subject_handle: Option<String>,
}

impl Plan {
    /// Returns the metadata to seal; what the client chose freely in it is redacted.
    fn meta(&self, pseudonyms: &PseudonymKey) -> ConversationMeta {
        let wanted = &self.wanted;
        let redacted = |text: &String| with_clean_stack(|| self.engine.redact(text, pseudonyms).text.into_owned());
        ConversationMeta {
            audience: wanted.audience,
            bot: wanted.bot.clone(),
            bot_version: wanted.bot_version.clone(),
            channel: wanted.channel.clone(),
            client_reference: wanted.client_reference.as_ref().map(redacted),
            consent: wanted.consent.clone(),
            create_time: self.now,
            labels: wanted.labels.clone(),
            language: wanted.language.clone(),
            retention_class: self.retention_class.clone(),
            subject_handle: self.subject_handle.clone(),
        }
    }
}

/// Refuses words that would stand in clear, or unredacted inside, and hold personal data.
fn check_words(engine: &Engine, wanted: &NewConversation) -> Result<()> {
    let fields = [
        ("conversation.bot", Some(&wanted.bot)),
        ("conversation.bot_version", wanted.bot_version.as_ref()),
        ("conversation.channel", wanted.channel.as_ref()),
        ("conversation.language", wanted.language.as_ref()),
    ];
    for (field, word) in fields {
        if let Some(word) = word {
            refuse_personal(engine, field, word.as_str())?;
        }
    }
    for label in &wanted.labels {
        refuse_personal(engine, "conversation.labels", label.as_str())?;
    }
    Ok(())
}

fn absent_tenant(error: KeyError) -> Error {
    match error {
        KeyError::Missing => Reason::TenantNotFound.into(),
        other => other.into(),
    }
}
