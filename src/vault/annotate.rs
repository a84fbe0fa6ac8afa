//! Annotations: labels on a conversation, and notes that are records like any other.

use std::collections::{BTreeMap, BTreeSet};

use crate::access::{Authorized, Caller, Scope, acts};
use crate::audit::Count;
use crate::domain::{AuthorRole, Content, ConversationName, Error, MAX_LABELS, NewRecord, Reason, Result, Role, Slug};
use crate::store::{Mutation, Refusal, Work};

use super::Vault;
use super::audited::Audited;
use super::conversations::{ConversationView, Entered};
use super::idempotency::{Idempotent, Known};
use super::ingest::{Attempt, Target, check_record, redact_all};
use super::redact::{FindingCounts, refuse_personal};
use super::seal::open_meta;

/// What to add to a conversation.
#[derive(Clone, Default)]
pub struct Annotation {
    /// A note; it is redacted.
    pub note: Option<String>,
    /// The record that the note is about.
    pub about: Option<u64>,
    /// Labels to put on.
    pub add_labels: BTreeSet<Slug>,
    /// Labels to take off.
    pub remove_labels: BTreeSet<Slug>,
}

impl Vault {
    /// Annotates a conversation. Labels go on closed conversations too; a note is a record and needs an open one.
    ///
    /// Returns the conversation, the sequence of the note, and what redaction found in it.
    pub async fn annotate(
        &self,
        caller: &Caller,
        name: ConversationName,
        annotation: Annotation,
        request: Option<Idempotent>,
    ) -> Result<Audited<(ConversationView, Option<u64>, FindingCounts)>> {
        let found = self.find(caller, &Target::Name(name.clone())).await?;
        let scope = Scope { request_id: request.as_ref().map(|request| request.id), ..found.scope() };
        let auth = self.gate.authorize::<acts::Annotate>(caller, scope).await?;
        let result = async {
            self.must_serve(&name.tenant).await?;
            match self.known::<_, (Option<u64>, FindingCounts)>(&auth, &name.tenant, request.as_ref()).await? {
                Known::Done(done) => self.annotated_before(&auth, &name, done).await,
                Known::New(fresh) => match self.annotate_new(&auth, &name, annotation, fresh).await {
                    // The same request was faster on another connection.
                    Err(Attempt::Refused(Refusal::Duplicate)) => {
                        match self.known(&auth, &name.tenant, request.as_ref()).await? {
                            Known::Done(done) => self.annotated_before(&auth, &name, done).await,
                            Known::New(_) => Err(Reason::SequenceConflict.into()),
                        }
                    }
                    other => other.map_err(Error::from),
                },
            }
        };
        match result.await {
            Ok(done) => Ok(done),
            Err(error) => self.refuse(&auth, error).await,
        }
    }

    /// Answers a repeated annotation with what it did.
    async fn annotated_before(
        &self,
        auth: &Authorized<acts::Annotate>,
        name: &ConversationName,
        (sequence, counts): (Option<u64>, FindingCounts),
    ) -> Result<Audited<(ConversationView, Option<u64>, FindingCounts)>> {
        let view = self.view(&name.tenant, name.id).await?;
        self.repeat(auth, (view, sequence, counts)).await
    }

    async fn annotate_new(
        &self,
        auth: &Authorized<acts::Annotate>,
        name: &ConversationName,
        annotation: Annotation,
        fresh: Option<super::idempotency::Fresh>,
    ) -> Result<Audited<(ConversationView, Option<u64>, FindingCounts)>, Attempt> {
        let engine = self.engine(&name.tenant).await?;
        for label in &annotation.add_labels {
            refuse_personal(&engine, "add_labels", label.as_str())?;
        }
        let mut slot = self.tails.lock(name.id).await;
        let mut changes = self.label_change(name, &annotation).await?.into_iter().collect::<Vec<_>>();
        let (mut entry, mut commitments) = (auth.entry(), Vec::new());
        let (mut sequence, mut counts) = (None, FindingCounts::new());
        if let Some(note) = annotation.note {
            let about = annotation.about;
            let record = note_record(auth.principal().role, about, note);
            check_record(&record, self.clock.now())?;
            self.load_tail(&name.tenant, name.id, &mut slot).await?;
            let mut entered = Entered { id: name.id, slot, create: None };
            let tail = entered.slot.as_ref().ok_or(Reason::Internal)?;
            if about.is_some_and(|about| about == 0 || about >= tail.next_sequence) {
                return Err(Error::new(Reason::RecordNotFound).at("about_sequence").into());
            }
            let redacted = redact_all(&engine, tail, vec![record]).await?;
            let sealed = self.seal_at_end(&name.tenant, &mut entered, &redacted).await?;
            slot = entered.slot;
            (sequence, counts) = (Some(sealed.last), sealed.counts.clone());
            entry = sealed.entry(entry);
            commitments.clone_from(&sealed.commitments);
            changes.push(sealed.into_mutation(&name.tenant, name.id));
        } else if changes.is_empty() && annotation.add_labels.is_empty() && annotation.remove_labels.is_empty() {
            return Err(Error::new(Reason::EmptyContent).at("note").into());
        }
        if commitments.is_empty() {
            entry = entry.count(Count::Conversations, 1);
        }
        if let Some(fresh) = fresh {
            changes.push(fresh.remember(&(sequence, &counts), Some(name.id))?);
        }
        let work = Work::new(auth.logged_with(entry, commitments)?);
        let receipt = self.data.submit(changes.into_iter().fold(work, Work::with)).await;
        match &receipt {
            Ok(_) => slot.settled(),
            Err(_) => *slot = None,
        }
        let receipt = receipt?;
        drop(slot);
        Ok(Audited::new((self.view(&name.tenant, name.id).await?, sequence, counts), receipt))
    }

    async fn label_change(&self, name: &ConversationName, annotation: &Annotation) -> Result<Option<Mutation>> {
        let row = self.stored(&name.tenant, name.id).await?;
        let secrets = self.secrets_of(&row).await?;
        let mut meta = open_meta(&self.keys, self.settings.backend, &secrets, &row)?;
        let before = meta.labels.clone();
        meta.labels.extend(annotation.add_labels.iter().cloned());
        meta.labels.retain(|label| !annotation.remove_labels.contains(label));
        if meta.labels.len() > MAX_LABELS {
            return Err(Error::invalid("add_labels", "too many labels").limit(MAX_LABELS as u64));
        }
        if meta.labels == before { Ok(None) } else { self.change_meta(&row, &secrets, &meta, row.state).map(Some) }
    }
}

fn note_record(role: Role, about: Option<u64>, note: String) -> NewRecord {
    NewRecord {
        client_id: None,
        occurred_at: None,
        author_role: if role == Role::Ingestor { AuthorRole::System } else { AuthorRole::Agent },
        content: Content::Annotation { about, note },
        model: None,
        prompt_version: None,
        metadata: BTreeMap::new(),
        supersedes: None,
    }
}
