//! Every act leaves exactly its entries, before its answer, and the tree over them is the one that the vault tells.

use std::collections::BTreeMap;

use subrosa::audit::{Frontier, leaf_hash};
use subrosa_proto::v1;

use crate::support::client::Log;
use crate::support::{House, TENANT, eventually, said, uuid};

/// What is expected of an entry: operation, phase, reason, purpose, and these counts among others.
#[derive(Debug, PartialEq)]
struct Seen {
    operation: String,
    phase: v1::AuditPhase,
    allowed: bool,
    reason: String,
    object: String,
    purpose: v1::Purpose,
    counts: BTreeMap<String, u64>,
}

fn seen(event: &v1::AuditEvent) -> Seen {
    Seen {
        operation: event.operation.clone(),
        phase: event.phase(),
        allowed: event.decision() == v1::AuditDecision::Allowed,
        reason: event.reason.clone(),
        object: event.object.clone(),
        purpose: event.purpose(),
        counts: event.counts.clone().into_iter().filter(|(_, count)| *count > 0).collect(),
    }
}

fn entry(operation: &str, object: &str, counts: &[(&str, u64)]) -> Seen {
    Seen {
        operation: operation.to_owned(),
        phase: v1::AuditPhase::Single,
        allowed: true,
        reason: String::new(),
        object: object.to_owned(),
        purpose: v1::Purpose::Unspecified,
        counts: counts.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect(),
    }
}

/// Recomputes every leaf and the root from what is shown, and compares.
fn prove(log: &Log) {
    assert_eq!(log.events.len() as u64, log.size);
    let mut tree = Frontier::new();
    for (index, event) in log.events.iter().enumerate() {
        assert_eq!(event.index, index as u64);
        let commitments: Vec<[u8; 32]> =
            event.commitments.iter().map(|commitment| commitment.as_slice().try_into().unwrap()).collect();
        assert_eq!(event.counts.get("records").copied().unwrap_or_default(), commitments.len() as u64);
        let leaf = leaf_hash(&event.canonical, &commitments);
        assert_eq!(leaf.as_bytes().as_slice(), event.leaf_hash, "leaf {index}");
        tree.push(leaf);
    }
    assert_eq!(tree.root().as_bytes().as_slice(), log.root);
}

/// Follows the tenant's log: what is new since it was last asked.
struct Follow {
    auditor: crate::support::Client,
    seen: usize,
}

impl Follow {
    async fn new(house: &House) -> Self {
        let auditor = house.role("auditor");
        let seen = auditor.log(TENANT).await.events.len();
        Self { auditor, seen }
    }

    async fn news(&mut self) -> Vec<Seen> {
        let events = self.auditor.log(TENANT).await.events;
        let new: Vec<_> = events[self.seen..].iter().map(seen).collect();
        self.seen = events.len();
        new.into_iter().filter(|seen| seen.operation != "ListAuditEvents").collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_call_leaves_exactly_its_entries() {
    let house = House::new().await;
    let mut follow = Follow::new(&house).await;
    let (bot, reader, operator) = (house.bot(), house.reader(), house.role("operator"));
    let (compliance, security) = (house.role("compliance"), house.role("security"));

    let name = bot.create().await;
    assert_eq!(follow.news().await, [entry("CreateConversation", &name, &[("conversations", 1)])]);
    bot.append(&name, vec![said("mail a.person@example.org"), said("x")]).await.unwrap();
    let expected = entry("AppendRecords", &name, &[("records", 2), ("findings", 1)]);
    let news = follow.news().await;
    assert_eq!(news.len(), 1);
    let mut counts = news[0].counts.clone();
    counts.retain(|count, _| expected.counts.contains_key(count));
    assert_eq!((&counts, &news[0].operation, &news[0].object), (&expected.counts, &expected.operation, &name));
    bot.get(&name).await.unwrap();
    assert_eq!(follow.news().await, [entry("GetConversation", &name, &[("returned", 1)])]);
    bot.list().await.unwrap();
    assert_eq!(follow.news().await, [entry("ListConversations", TENANT, &[("returned", 1)])]);
    reader.read(&name).await.unwrap();
    let news = follow.news().await;
    let phases: Vec<_> =
        news.iter().map(|seen| (seen.phase, seen.purpose, seen.counts.get("returned").copied())).collect();
    let quality = v1::Purpose::Quality;
    assert_eq!(phases, [(v1::AuditPhase::Begin, quality, None), (v1::AuditPhase::End, quality, Some(2))]);
    let context = v1::GetContextRequest { name: name.clone(), ..Default::default() };
    bot.conversations().get_context(context).await.unwrap();
    let news = follow.news().await;
    assert_eq!((news.len(), news[0].operation.as_str(), news[0].purpose), (1, "GetContext", v1::Purpose::Support));
    assert_eq!(news[0].counts.get("returned"), Some(&2));
    let preview = v1::PreviewRedactionRequest { tenant: TENANT.to_owned(), records: vec![said("x")] };
    bot.ingest().preview_redaction(preview).await.unwrap();
    let news = follow.news().await;
    assert_eq!((news.len(), news[0].operation.as_str()), (1, "PreviewRedaction"));
    let note = v1::AnnotateRequest { name: name.clone(), note: "seen".to_owned(), ..Default::default() };
    compliance.conversations().annotate(note).await.unwrap();
    let news = follow.news().await;
    assert_eq!((news.len(), news[0].operation.as_str(), news[0].counts.get("records")), (1, "Annotate", Some(&1)));
    let search = v1::SearchConversationsRequest {
        parent: TENANT.to_owned(),
        purpose: v1::Purpose::Legal.into(),
        case_reference: "case-1".to_owned(),
        ..Default::default()
    };
    compliance.search().search_conversations(search).await.unwrap();
    let expected = Seen { purpose: v1::Purpose::Legal, ..entry("SearchConversations", TENANT, &[("returned", 1)]) };
    assert_eq!(follow.news().await, [expected]);
    bot.conversations().close_conversation(v1::CloseConversationRequest { name: name.clone() }).await.unwrap();
    assert_eq!(follow.news().await, [entry("CloseConversation", &name, &[])]);

    operator.tenants().get_tenant(v1::GetTenantRequest { name: TENANT.to_owned() }).await.unwrap();
    assert_eq!(follow.news().await[0].operation, "GetTenant");
    operator.keys().list_keys(v1::ListKeysRequest { parent: TENANT.to_owned(), ..Default::default() }).await.unwrap();
    assert_eq!(follow.news().await, [entry("ListKeys", TENANT, &[("returned", 1)])]);
    operator.keys().get_key(v1::GetKeyRequest { name: format!("{TENANT}/keys/1") }).await.unwrap();
    assert_eq!(follow.news().await, [entry("GetKey", &format!("{TENANT}/keys/1"), &[("returned", 1)])]);
    operator.keys().rotate_key(v1::RotateKeyRequest { parent: TENANT.to_owned(), ..Default::default() }).await.unwrap();
    let phases: Vec<_> =
        follow.news().await.into_iter().map(|seen| (seen.operation, seen.phase, seen.allowed)).collect();
    let of = |phase| ("RotateKey".to_owned(), phase, true);
    assert_eq!(phases, [of(v1::AuditPhase::Intent), of(v1::AuditPhase::Outcome)]);
    for (freeze, operation) in [(true, "FreezeTenant"), (false, "UnfreezeTenant")] {
        let name = TENANT.to_owned();
        if freeze {
            security.tenants().freeze_tenant(v1::FreezeTenantRequest { name, ..Default::default() }).await.unwrap();
        } else {
            security.tenants().unfreeze_tenant(v1::UnfreezeTenantRequest { name, ..Default::default() }).await.unwrap();
        }
        assert_eq!(follow.news().await, [entry(operation, TENANT, &[])]);
    }
    let (_, key) = house.issue("someone", v1::Role::Reader, TENANT, &[]).await;
    let news = follow.news().await;
    assert!(news.iter().all(|seen| seen.operation == "IssueApiKey" && seen.allowed) && !news.is_empty(), "{news:?}");
    assert!(news.iter().any(|seen| seen.object == key), "{news:?}");
    let policy = format!("{TENANT}/policies/retention");
    house.role("approver").policies().get_policy(v1::GetPolicyRequest { name: policy.clone() }).await.unwrap();
    assert_eq!(follow.news().await, [entry("GetPolicy", &policy, &[("returned", 1)])]);
    house.retention_class("other", 9).await;
    let operations: Vec<_> = follow.news().await.into_iter().map(|seen| seen.operation).collect();
    assert_eq!(operations, ["GetPolicy", "ProposePolicy"]);
    operator.read(&name).await.unwrap_err();
    assert!(follow.news().await.is_empty(), "the operator is of no tenant: its denial is in the system log");
    reader.append(&name, vec![said("x")]).await.unwrap_err();
    let news = follow.news().await;
    assert_eq!((news.len(), news[0].allowed, news[0].reason.as_str()), (1, false, "PERMISSION_DENIED"));
    prove(&house.role("auditor").log(TENANT).await);
    let system = house.role("auditor").log("system").await;
    prove(&system);
    let denied = |event: &&v1::AuditEvent| event.operation == "ReadConversation" && event.reason == "PERMISSION_DENIED";
    assert_eq!(system.events.iter().filter(denied).count(), 1);
}

async fn long_conversation(house: &House, records: usize) -> String {
    let bot = house.bot();
    let name = bot.create().await;
    for _ in 0..records / 500 {
        bot.append(&name, vec![said(&"long text ".repeat(100)); 500]).await.unwrap();
    }
    name
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_read_is_logged_before_each_thousand_leaves() {
    let house = House::new().await;
    let name = long_conversation(&house, 2_500).await;
    let mut follow = Follow::new(&house).await;
    assert_eq!(house.reader().read(&name).await.unwrap().len(), 2_500);
    let news: Vec<_> =
        follow.news().await.into_iter().map(|seen| (seen.phase, seen.counts.get("returned").copied())).collect();
    use v1::AuditPhase as Phase;
    assert_eq!(
        news,
        [
            (Phase::Begin, None),
            (Phase::Progress, Some(1_000)),
            (Phase::Progress, Some(2_000)),
            (Phase::End, Some(2_500))
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_that_is_dropped_leaves_an_end_that_says_so() {
    let house = House::new().await;
    let name = long_conversation(&house, 5_000).await;
    let mut stream = house.reader().reading(&name).await.unwrap();
    for _ in 0..10 {
        assert!(stream.message().await.unwrap().is_some());
    }
    drop(stream);
    let auditor = house.role("auditor");
    eventually("an end of the read", || async {
        auditor.log(TENANT).await.events.iter().any(|event| {
            let returned = event.counts.get("returned").copied().unwrap_or_default();
            event.phase() == v1::AuditPhase::End && event.reason == "CANCELLED" && (10..5_000).contains(&returned)
        })
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_prove_themselves_after_a_restart_and_entries_are_found_by_what_is_asked() {
    let mut house = House::new().await;
    let name = house.bot().create().await;
    let mut stream = house.bot().open_stream(&name, &uuid()).await.unwrap();
    for n in 1..=20 {
        stream.append(n, said("x")).await;
    }
    stream.acked(20).await.unwrap();
    drop(stream);
    house.restart().await;
    let auditor = house.role("auditor");
    let log = auditor.log(TENANT).await;
    prove(&log);
    let ask = |request: v1::ListAuditEventsRequest| {
        let mut audit = auditor.audit();
        async move {
            let request = v1::ListAuditEventsRequest { parent: TENANT.to_owned(), page_size: 500, ..request };
            audit.list_audit_events(request).await.unwrap().into_inner().events
        }
    };
    let ingested =
        ask(v1::ListAuditEventsRequest { operation: "/subrosa.v1.IngestService/Ingest".into(), ..Default::default() });
    let records: u64 = ingested.await.iter().map(|event| event.commitments.len() as u64).sum();
    assert_eq!(records, 20);
    let on = ask(v1::ListAuditEventsRequest { object: name.clone(), ..Default::default() }).await;
    assert!(!on.is_empty() && on.iter().all(|event| event.object.starts_with(&name)));
    let none = ask(v1::ListAuditEventsRequest { actor: "nobody".into(), ..Default::default() }).await;
    assert!(none.is_empty());
    let late = prost_types::Timestamp { seconds: 4_000_000_000, nanos: 0 };
    assert!(ask(v1::ListAuditEventsRequest { start_time: Some(late), ..Default::default() }).await.is_empty());
    assert!(!ask(v1::ListAuditEventsRequest { end_time: Some(late), ..Default::default() }).await.is_empty());
}
