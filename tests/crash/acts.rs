//! Every act of two stores, and those of one that callers rely on.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use subrosa::access::acts;
use subrosa::access::api_key::IssueRequest;
use subrosa::domain::{
    Audience, AuthorRole, BotScope, Content, ConversationName, NewConversation, NewRecord, Reason, RecordName, Result,
    RetentionPolicy, Role, TenantId, Timestamp,
};
use subrosa::redaction::Class;
use subrosa::vault::{
    Annotation, Checkpointer, ConversationFilter, Idempotent, PageRequest, PolicyDocument, Query, Removal,
    RotationView, Target, Wanted,
};

use crate::checks::check;
use crate::drill::{Scene, every_step};
use crate::observe::acme;
use crate::world::{DAYS, Open, Plan, START, make, request};

const DAY: Duration = Duration::from_secs(86_400);

/// The time at which most acts take place.
fn noon() -> Timestamp {
    START.parse().unwrap()
}

fn said(text: &str) -> NewRecord {
    NewRecord {
        client_id: None,
        occurred_at: None,
        author_role: AuthorRole::User,
        content: Content::Text(text.to_owned()),
        model: None,
        prompt_version: None,
        metadata: BTreeMap::new(),
        supersedes: None,
    }
}

fn described(reference: &str) -> NewConversation {
    NewConversation {
        client_reference: Some(reference.to_owned()),
        bot: "a".parse().unwrap(),
        bot_version: None,
        channel: None,
        audience: Audience::Customer,
        subject: Some("the-subject".to_owned()),
        language: None,
        consent: BTreeSet::new(),
        retention_class: None,
        labels: BTreeSet::new(),
    }
}

fn idempotent(number: u128) -> Option<Idempotent> {
    Some(Idempotent { id: request(number).unwrap(), body: b"the same body".to_vec().into() })
}

pub(crate) async fn make_tenant(open: &Open, id: &TenantId, number: u128) -> Result<()> {
    let caller = open.caller::<acts::CreateTenant>(Role::Operator).await?;
    open.vault.create_tenant(&caller, id.clone(), request(number)).await.map(drop)
}

/// Appends to the conversation of a reference, and returns its name.
pub(crate) async fn append(open: &Open, reference: &str, texts: &[&str], number: u128) -> Result<ConversationName> {
    let caller = open.caller::<acts::AppendRecords>(Role::Ingestor).await?;
    let target = Target::Reference(acme(), Box::new(described(reference)));
    let records = texts.iter().map(|text| said(text)).collect();
    let done = open.vault.append_records(&caller, target, records, idempotent(number)).await?.into_inner();
    Ok(done.conversation.parse().unwrap())
}

pub(crate) async fn rotate(open: &Open, tenant: &TenantId, number: u128) -> Result<RotationView> {
    let caller = open.caller::<acts::RotateKey>(Role::Operator).await?;
    Ok(open.vault.rotate_key(&caller, tenant.clone(), request(number)).await?.into_inner())
}

pub(crate) async fn freeze(open: &Open, number: u128) -> Result<()> {
    let caller = open.caller::<acts::FreezeTenant>(Role::Security).await?;
    open.vault.freeze_tenant(&caller, acme(), None, request(number)).await.map(drop)
}

pub(crate) async fn unfreeze(open: &Open, number: u128) -> Result<()> {
    let caller = open.caller::<acts::UnfreezeTenant>(Role::Security).await?;
    open.vault.unfreeze_tenant(&caller, acme(), None, request(number)).await.map(drop)
}

/// A tenant with two conversations of one day.
async fn two_conversations(open: &Open) -> Timestamp {
    make_tenant(open, &acme(), 1).await.unwrap();
    append(open, "first", &["one", "two"], 2).await.unwrap();
    append(open, "second", &["three"], 3).await.unwrap();
    noon()
}

macro_rules! every_step_of {
    ($($test:ident: $scene:expr;)+) => { $(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $test() {
            every_step(stringify!($test), $scene).await;
        }
    )+ };
}

every_step_of! {
    creating_a_tenant: CreateTenant;
    rotating_a_key: Rotate;
    expiring_a_day: Expire;
    issuing_an_api_key: IssueApiKey;
    revoking_an_api_key: RevokeApiKey;
    appending_to_a_new_conversation: AppendNew;
    appending_on_a_new_day: AppendNextDay;
    creating_a_conversation: CreateConversation;
    streaming_into_a_conversation: Stream;
    annotating_a_conversation: Annotate;
    closing_a_conversation: Close;
    redacting_a_record: Redact;
    redacting_many_records: RedactMany;
    reading_a_conversation: Read;
    sweeping_orphans: Sweep;
    signing_checkpoints: Sign;
    changing_a_policy: Policy;
    freezing_a_tenant: Freeze;
    unfreezing_a_tenant: Unfreeze;
}

/// It is drawn at random and has no request: what was cut short is done or not, and another one can be issued.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn issuing_a_security_key() {
    for step in 0.. {
        let folder = tempfile::tempdir().unwrap();
        make(folder.path()).await;
        let open = Open::open(folder.path(), noon(), Plan::Stop(step)).await.map_err(|(error, _)| error).unwrap();
        let issued = open.vault.issue_security_key().await;
        let through = !open.switch.struck();
        assert!(issued.is_ok() || !through);
        open.close().await;
        let open = Open::open(folder.path(), noon(), Plan::Count).await.map_err(|(error, _)| error).unwrap();
        if let Ok(secret) = &issued {
            open.caller_with::<acts::IssueApiKey>(secret.expose()).await.expect("it was acknowledged");
        }
        let second = open.vault.issue_security_key().await.expect("two may be live");
        open.caller_with::<acts::IssueApiKey>(second.expose()).await.unwrap();
        open.close().await;
        check(folder.path(), &format!("issuing a security key, stopped at step {step}"));
        if through {
            println!("issuing_a_security_key: the world was stopped at {step} points");
            assert!(step > 5);
            return;
        }
    }
}

/// A reference whose conversation never came to be, and whose keys go while it is being looked up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reference_whose_keys_are_swept_meanwhile_is_a_conflict() {
    let folder = tempfile::tempdir().unwrap();
    make(folder.path()).await;
    let open = Open::open(folder.path(), noon(), Plan::Count).await.map_err(|(error, _)| error).unwrap();
    make_tenant(&open, &acme(), 1).await.unwrap();
    orphan(&open, "never").await;
    open.close().await;
    let keys = rusqlite::Connection::open(folder.path().join("keys.db")).unwrap();
    assert_eq!(keys.execute("DELETE FROM conversation_keys", []).unwrap(), 1);
    drop(keys);
    let open = Open::open(folder.path(), noon(), Plan::Count).await.map_err(|(error, _)| error).unwrap();
    let refused = append(&open, "never", &["one"], 2).await.unwrap_err();
    assert_eq!(refused.reason(), Reason::SequenceConflict);
    open.close().await;
}

struct CreateTenant;

impl Scene for CreateTenant {
    async fn prepare(&self, open: &Open) -> Timestamp {
        two_conversations(open).await
    }

    async fn act(&self, open: &Open) -> Result<()> {
        make_tenant(open, &"globex".parse().unwrap(), 10).await
    }
}

struct Rotate;

impl Scene for Rotate {
    async fn prepare(&self, open: &Open) -> Timestamp {
        two_conversations(open).await
    }

    async fn act(&self, open: &Open) -> Result<()> {
        let done = rotate(open, &acme(), 10).await?;
        assert_eq!((done.key.0.version, done.rewrapped), (2, 1), "the answer to the rotation");
        Ok(())
    }
}

/// A conversation that goes wholly, one that goes in part, one that stays.
struct Expire;

impl Scene for Expire {
    async fn prepare(&self, open: &Open) -> Timestamp {
        two_conversations(open).await;
        open.clock.advance(DAY);
        append(open, "first", &["the next day"], 4).await.unwrap();
        append(open, "third", &["stays"], 5).await.unwrap();
        // While both days can be read, so that what goes is seen to go.
        noon().plus(DAY * (DAYS + 1))
    }

    async fn act(&self, open: &Open) -> Result<()> {
        // A pass that stops half-way is taken up by the next: the worker tries again, as here.
        open.vault.expire_due().await.map(drop)
    }
}

struct IssueApiKey;

impl Scene for IssueApiKey {
    async fn prepare(&self, open: &Open) -> Timestamp {
        two_conversations(open).await
    }

    async fn act(&self, open: &Open) -> Result<()> {
        let caller = open.caller::<acts::IssueApiKey>(Role::Security).await?;
        let asked = IssueRequest {
            principal: "new-bot".parse().unwrap(),
            role: Role::Ingestor,
            bots: Some(BotScope::Any),
            ttl: None,
        };
        let (row, secret) = open.vault.issue_api_key(&caller, Some(acme()), asked, request(10)).await?.into_inner();
        assert_eq!(row.principal.as_str(), "new-bot");
        if let Some(secret) = secret {
            open.caller_with::<acts::AppendRecords>(secret.expose()).await.expect("a key that was issued works");
        }
        Ok(())
    }
}

struct RevokeApiKey;

impl Scene for RevokeApiKey {
    async fn prepare(&self, open: &Open) -> Timestamp {
        two_conversations(open).await
    }

    async fn act(&self, open: &Open) -> Result<()> {
        let lister = open.caller::<acts::ListApiKeys>(Role::Security).await?;
        let filter = subrosa::access::api_key::KeyFilter {
            principal: Some("the-compliance".parse().unwrap()),
            show_inactive: true,
        };
        let listed = open.vault.list_api_keys(&lister, None, filter, PageRequest::default()).await?.into_inner();
        let caller = open.caller::<acts::RevokeApiKey>(Role::Security).await?;
        open.vault.revoke_api_key(&caller, &listed.items[0].id, request(10)).await?.into_inner();
        let refused = open.caller::<acts::SearchConversations>(Role::Compliance).await.map(drop);
        match refused.expect_err("a key whose revocation was acknowledged is accepted").reason() {
            Reason::CredentialInvalid => Ok(()),
            // The refusal could not be logged: then there is no answer, and the act is done again.
            reason => Err(reason.into()),
        }
    }
}

struct AppendNew;

impl Scene for AppendNew {
    async fn prepare(&self, open: &Open) -> Timestamp {
        make_tenant(open, &acme(), 1).await.unwrap();
        noon()
    }

    async fn act(&self, open: &Open) -> Result<()> {
        append(open, "new", &["one", "two"], 10).await.map(drop)
    }
}

/// A new bucket and a new segment, and the conversation's own key moves into the new bucket.
struct AppendNextDay;

impl Scene for AppendNextDay {
    async fn prepare(&self, open: &Open) -> Timestamp {
        two_conversations(open).await;
        noon().plus(DAY)
    }

    async fn act(&self, open: &Open) -> Result<()> {
        append(open, "first", &["the next day"], 10).await.map(drop)
    }
}

struct CreateConversation;

impl Scene for CreateConversation {
    async fn prepare(&self, open: &Open) -> Timestamp {
        two_conversations(open).await
    }

    async fn act(&self, open: &Open) -> Result<()> {
        let caller = open.caller::<acts::CreateConversation>(Role::Ingestor).await?;
        open.vault.create_conversation(&caller, acme(), described("new"), idempotent(10)).await.map(drop)
    }
}

struct Stream;

impl Scene for Stream {
    async fn prepare(&self, open: &Open) -> Timestamp {
        two_conversations(open).await;
        append(open, "streamed", &["before the stream"], 4).await.unwrap();
        noon()
    }

    async fn act(&self, open: &Open) -> Result<()> {
        let caller = open.caller::<acts::Ingest>(Role::Ingestor).await?;
        let target = Target::Reference(acme(), Box::new(described("streamed")));
        let id = "0198b2a4-0000-7000-8000-000000000001";
        let (mut stream, acked) = open.vault.open_stream(&caller, target, id).await?;
        let records = (acked.client_sequence + 1..=3).map(|number| (number, said(&format!("streamed {number}"))));
        stream.send(records.collect()).await?.settled().await.map(drop)
    }
}

struct Annotate;

impl Scene for Annotate {
    async fn prepare(&self, open: &Open) -> Timestamp {
        two_conversations(open).await
    }

    async fn act(&self, open: &Open) -> Result<()> {
        let name = append(open, "first", &["one", "two"], 2).await?;
        let caller = open.caller::<acts::Annotate>(Role::Compliance).await?;
        let annotation = Annotation {
            note: Some("seen".to_owned()),
            about: Some(1),
            add_labels: BTreeSet::from(["seen".parse().unwrap()]),
            ..Annotation::default()
        };
        open.vault.annotate(&caller, name, annotation, idempotent(10)).await.map(drop)
    }
}

struct Close;

impl Scene for Close {
    async fn prepare(&self, open: &Open) -> Timestamp {
        two_conversations(open).await
    }

    async fn act(&self, open: &Open) -> Result<()> {
        let name = append(open, "first", &["one", "two"], 2).await?;
        let caller = open.caller::<acts::CloseConversation>(Role::Ingestor).await?;
        open.vault.close_conversation(&caller, name).await.map(drop)
    }
}

fn without(value: &str) -> Wanted {
    let value = value.to_owned().into();
    Wanted { removal: Removal::Value { value, class: Class::Secret }, dry_run: false, case: None }
}

/// One of two records: both are sealed anew, and one of them without its text.
struct Redact;

impl Scene for Redact {
    async fn prepare(&self, open: &Open) -> Timestamp {
        two_conversations(open).await
    }

    async fn act(&self, open: &Open) -> Result<()> {
        let conversation = append(open, "first", &["one", "two"], 2).await?;
        let caller = open.caller::<acts::RedactRecord>(Role::Privacy).await?;
        let name = RecordName { conversation, sequence: 1 };
        let done = open.vault.redact_record(&caller, name, without("one"), idempotent(10)).await?.into_inner();
        let counted: Vec<_> = done.redactions.into_iter().collect();
        assert_eq!(counted, [("SECRET".to_owned(), 1)], "the answer to the redaction");
        assert!(done.scrubbed && done.resealed == 2, "the answer to the redaction");
        Ok(())
    }
}

/// Over every conversation, in one of which there is something in one record. (Several are not redacted together: what a stop
/// leaves undone is found when the call is made again.)
struct RedactMany;

impl Scene for RedactMany {
    async fn prepare(&self, open: &Open) -> Timestamp {
        two_conversations(open).await;
        append(open, "third", &["more", "uno and uno"], 4).await.unwrap();
        open.clock.advance(DAY);
        append(open, "first", &["the next day"], 5).await.unwrap();
        noon().plus(DAY)
    }

    async fn act(&self, open: &Open) -> Result<()> {
        let caller = open.caller::<acts::RedactRecords>(Role::Privacy).await?;
        let query = Query { tenant: acme(), conversation: None, filter: ConversationFilter::default() };
        let page = PageRequest::default();
        let done = open.vault.redact_records(&caller, query, without("uno"), page, request(10)).await?.into_inner();
        assert!(done.searched_records == 6 && done.next.is_empty() && !done.pending_scrub);
        Ok(())
    }
}

struct Read;

impl Scene for Read {
    async fn prepare(&self, open: &Open) -> Timestamp {
        two_conversations(open).await
    }

    async fn act(&self, open: &Open) -> Result<()> {
        let name = append(open, "first", &["one", "two"], 2).await?;
        let texts = crate::observe::read(open, &name).await.map_err(subrosa::domain::Error::from)?;
        assert_eq!(texts, ["1 one", "2 two"]);
        Ok(())
    }

    fn shows(&self) -> bool {
        false
    }
}

/// Keys of a conversation that never came to be.
struct Sweep;

impl Scene for Sweep {
    async fn prepare(&self, open: &Open) -> Timestamp {
        two_conversations(open).await;
        for reference in ["never", "neither"] {
            orphan(open, reference).await;
        }
        noon().plus(Duration::from_secs(2 * 3_600))
    }

    async fn act(&self, open: &Open) -> Result<()> {
        open.vault.sweep_orphans().await
    }

    fn shows(&self) -> bool {
        false
    }
}

/// Makes the keys of a conversation and nothing else, as an append does that is cut short.
async fn orphan(open: &Open, reference: &str) {
    let keys = open.vault.keys();
    let id = subrosa::domain::ConversationId::from_uuid(subrosa::sealing::random::uuid_v7(noon().unix_ms() as u64));
    let handle = keys.handle(&acme(), "reference", reference).await.unwrap();
    let day = subrosa::lifecycle::expiry_day(noon(), DAYS);
    keys.new_conversation(&acme(), id, day, &[(subrosa::store::HandleKind::Reference, handle)]).await.unwrap();
}

struct Sign;

impl Scene for Sign {
    async fn prepare(&self, open: &Open) -> Timestamp {
        two_conversations(open).await
    }

    async fn act(&self, open: &Open) -> Result<()> {
        Checkpointer::new(std::sync::Arc::clone(&open.vault)).await?.sign().await
    }

    fn shows(&self) -> bool {
        false
    }
}

struct Policy;

impl Scene for Policy {
    async fn prepare(&self, open: &Open) -> Timestamp {
        two_conversations(open).await
    }

    async fn act(&self, open: &Open) -> Result<()> {
        let caller = open.caller::<acts::ProposePolicy>(Role::Compliance).await?;
        let standard = "standard".parse().unwrap();
        let classes = BTreeMap::from([(standard, DAYS), ("long".parse().unwrap(), 900)]);
        let document = PolicyDocument::Retention(RetentionPolicy::new("standard".parse().unwrap(), classes).unwrap());
        open.vault.propose_policy(&caller, acme(), document, 1, request(10)).await.map(drop)
    }
}

struct Freeze;

impl Scene for Freeze {
    async fn prepare(&self, open: &Open) -> Timestamp {
        two_conversations(open).await
    }

    async fn act(&self, open: &Open) -> Result<()> {
        freeze(open, 10).await
    }
}

struct Unfreeze;

impl Scene for Unfreeze {
    async fn prepare(&self, open: &Open) -> Timestamp {
        two_conversations(open).await;
        Freeze.act(open).await.unwrap();
        noon()
    }

    async fn act(&self, open: &Open) -> Result<()> {
        unfreeze(open, 11).await
    }
}
