//! The life of API keys.

use std::time::Duration;

use subrosa::access::api_key::{self, IssueRequest, Issued, KeyCursor, KeyFilter};
use subrosa::access::{Permission, Scope, acts};
use subrosa::audit::{Count, Decision, Phase};
use subrosa::clock::Clock;
use subrosa::domain::{Error, Reason, Role};

use crate::house::{House, PEER, log, request, slug, tenant};

fn asks(principal: &str, role: Role) -> IssueRequest {
    let bots = if role == Role::Ingestor { vec![slug("helper")] } else { Vec::new() };
    IssueRequest { principal: principal.parse().unwrap(), role, bots, ttl: None }
}

async fn issue(house: &House, header: &str, of: Option<&str>, n: u8, asks: IssueRequest) -> Result<Issued, Error> {
    let scope = Scope { tenant: of.map(tenant), request_id: request(n), ..Scope::default() };
    let auth = house.authorize::<acts::IssueApiKey>(header, scope).await.map_err(Error::new)?;
    api_key::issue(&house.gate, &auth, asks).await
}

async fn revoke(house: &House, header: &str, of: Option<&str>, id: &str) -> Result<(), Reason> {
    let scope = Scope {
        tenant: of.map(tenant),
        absent: Some(Reason::ApiKeyNotFound),
        request_id: request(1),
        ..Scope::default()
    };
    let auth = house.authorize::<acts::RevokeApiKey>(header, scope).await?;
    api_key::revoke(&house.gate, &auth, id).await.map(drop).map_err(|error| error.reason())
}

#[tokio::test]
async fn a_key_is_issued_once_used_and_revoked_at_once() {
    let house = House::new().await;
    let security = house.bootstrap().await;
    let (issued, new) = house.watch(issue(&house, &security, Some("acme"), 1, asks("bot", Role::Ingestor))).await;
    let issued = issued.unwrap();
    let [intent, outcome] = new.as_slice() else { panic!("{} entries", new.len()) };
    let object = format!("apiKeys/{}", issued.key.id);
    for (entry, phase) in [(intent, Phase::Intent), (outcome, Phase::Outcome)] {
        assert_eq!((entry.phase(), entry.op(), entry.object()), (phase, "IssueApiKey", Some(&*object)));
        assert_eq!((entry.log(), entry.decision()), ("tenants/acme", Decision::Allow));
    }
    assert_eq!(outcome.count(Count::Keys), Some(1));
    assert_eq!(house.data.read(|reader| reader.open_key_acts()).await.unwrap(), []);

    let secret = issued.secret.unwrap();
    assert!(!house.on_disk(secret.expose().rsplit('_').next().unwrap()));
    let header = format!("Bearer {}", secret.expose());
    let caller = house.caller(&header, Permission::Ingest).await;
    assert_eq!(caller.principal().pseudonym, issued.key.pseudonym);
    assert_eq!(issued.key.expire_time, house.clock.now().plus(api_key::DEFAULT_TTL));

    let (revoked, new) = house.watch(revoke(&house, &security, Some("acme"), &issued.key.id)).await;
    revoked.unwrap();
    assert_eq!(new.iter().map(|entry| entry.phase()).collect::<Vec<_>>(), [Phase::Intent, Phase::Outcome]);
    let path = Permission::Ingest.rule().path;
    let refused = house.gate.admit(path, Some(&header), PEER).await.unwrap_err();
    assert_eq!(refused.reason(), Reason::CredentialInvalid, "the cached key is forgotten though no time has passed");
    assert!(house.gate.recheck(&caller).await.is_err());
    revoke(&house, &security, Some("acme"), &issued.key.id).await.unwrap();
}

#[tokio::test]
async fn two_keys_live_at_once_and_no_third() {
    let house = House::new().await;
    let security = house.bootstrap().await;
    let first = issue(&house, &security, Some("acme"), 1, asks("ann", Role::Reader)).await.unwrap();
    let second = issue(&house, &security, Some("acme"), 2, asks("ann", Role::Reader)).await.unwrap();
    assert_eq!(first.key.pseudonym, second.key.pseudonym);
    let (third, new) = house.watch(issue(&house, &security, Some("acme"), 3, asks("ann", Role::Reader))).await;
    assert_eq!(third.unwrap_err().reason(), Reason::ApiKeyLimit);
    assert_eq!((new.len(), new[0].reason()), (1, Some("API_KEY_LIMIT")));
    issue(&house, &security, Some("acme"), 4, asks("bea", Role::Reader)).await.unwrap();
    revoke(&house, &security, Some("acme"), &first.key.id).await.unwrap();
    house.clock.advance(Duration::from_millis(1));
    issue(&house, &security, Some("acme"), 5, asks("ann", Role::Reader)).await.unwrap();
    house.clock.advance(api_key::DEFAULT_TTL);
    issue(&house, &security, Some("acme"), 6, asks("ann", Role::Reader)).await.unwrap();
}

#[tokio::test]
async fn two_at_once_cannot_make_a_third() {
    let house = House::new().await;
    let security = house.bootstrap().await;
    let ask = |n| issue(&house, &security, Some("acme"), n, asks("ann", Role::Reader));
    let (a, b, c, d) = tokio::join!(ask(1), ask(2), ask(3), ask(4));
    let issued = [a, b, c, d].into_iter().filter(Result::is_ok).count();
    assert_eq!(issued, 2);
}

#[tokio::test]
async fn nobody_gets_what_they_must_not_have() {
    let house = House::new().await;
    let security = house.bootstrap().await;
    issue(&house, &security, Some("acme"), 1, asks("ann", Role::Reader)).await.unwrap();
    issue(&house, &security, None, 2, asks("otto", Role::Operator)).await.unwrap();
    let long = IssueRequest { ttl: Some(api_key::MAX_TTL + Duration::from_secs(1)), ..asks("bea", Role::Reader) };
    let never = IssueRequest { ttl: Some(Duration::ZERO), ..asks("bea", Role::Reader) };
    let botless = IssueRequest { bots: Vec::new(), ..asks("bot", Role::Ingestor) };
    let many = (0..65).map(|n| slug(&format!("b{n}"))).collect();
    let many = IssueRequest { bots: many, ..asks("bot", Role::Ingestor) };
    let acme = Some("acme");
    let cases = [
        (None, asks("bootstrap", Role::Operator), Reason::SelfIssueDenied),
        (None, asks("sue", Role::Security), Reason::SelfIssueDenied),
        (acme, asks("sue", Role::Security), Reason::SelfIssueDenied),
        (None, asks("ann", Role::Operator), Reason::RoleConflict),
        (acme, asks("otto", Role::Privacy), Reason::RoleConflict),
        (acme, asks("otto", Role::Ingestor), Reason::RoleConflict),
        (None, asks("bea", Role::Reader), Reason::InvalidField),
        (None, asks("bot", Role::Ingestor), Reason::InvalidField),
        (None, asks("app", Role::Approver), Reason::InvalidField),
        (acme, botless, Reason::InvalidField),
        (acme, many, Reason::InvalidField),
        (acme, long, Reason::InvalidField),
        (acme, never, Reason::InvalidField),
    ];
    for (n, (of, asked, reason)) in cases.into_iter().enumerate() {
        let what = format!("{asked:?}");
        let (issued, new) = house.watch(issue(&house, &security, of, 100 + n as u8, asked)).await;
        assert_eq!(issued.unwrap_err().reason(), reason, "{what}");
        let [entry] = new.as_slice() else { panic!("{what}: {} entries", new.len()) };
        assert_eq!((entry.decision(), entry.reason()), (Decision::Deny, Some(reason.as_str())));
    }
    let scope = Scope { tenant: Some(tenant("acme")), ..Scope::default() };
    let auth = house.authorize::<acts::IssueApiKey>(&security, scope).await.unwrap();
    let error = api_key::issue(&house.gate, &auth, asks("cid", Role::Reader)).await.unwrap_err();
    assert_eq!((error.reason(), error.field()), (Reason::InvalidField, Some("request_id")));
}

#[tokio::test]
async fn a_repeated_request_finds_its_key_and_not_its_secret() {
    let house = House::new().await;
    let security = house.bootstrap().await;
    let first = issue(&house, &security, Some("acme"), 1, asks("ann", Role::Reader)).await.unwrap();
    house.clock.advance(Duration::from_secs(60));
    let again = issue(&house, &security, Some("acme"), 1, asks("ann", Role::Reader)).await.unwrap();
    assert_eq!(again.key, first.key);
    assert!(first.secret.is_some() && again.secret.is_none());
    let other = issue(&house, &security, Some("acme"), 1, asks("ann", Role::Compliance)).await.unwrap_err();
    assert_eq!(other.reason(), Reason::IdempotencyMismatch);
    let elsewhere = issue(&house, &security, Some("other"), 1, asks("bea", Role::Reader)).await.unwrap();
    assert_ne!(elsewhere.key.id, first.key.id);
}

#[tokio::test]
async fn a_security_officer_of_one_tenant_sees_and_touches_its_keys_alone() {
    let house = House::new().await;
    let whole = house.bootstrap().await;
    let (own, _) = house.put_key("sue", Role::Security, Some("acme"), &[]).await;
    let foreign = issue(&house, &whole, Some("other"), 1, asks("zoe", Role::Reader)).await.unwrap();
    let vault_wide = issue(&house, &whole, None, 2, asks("otto", Role::Operator)).await.unwrap();
    let mine = issue(&house, &own, Some("acme"), 3, asks("ann", Role::Reader)).await.unwrap();
    for of in [None, Some("other"), Some("nowhere")] {
        assert!(issue(&house, &own, of, 4, asks("eve", Role::Auditor)).await.is_err(), "{of:?}");
    }
    for (of, id) in [
        (Some("other"), &foreign.key.id),
        (Some("acme"), &foreign.key.id),
        (None, &vault_wide.key.id),
        (Some("acme"), &vault_wide.key.id),
        (Some("acme"), &"z".repeat(16)),
        (Some("acme"), &"../x".to_owned()),
    ] {
        assert_eq!(revoke(&house, &own, of, id).await, Err(Reason::ApiKeyNotFound));
    }
    assert!(house.entries(&log("other")).await.iter().all(|entry| entry.op() != "RevokeApiKey"));
    let auth = house.authorize::<acts::ListApiKeys>(&own, Scope::default()).await.unwrap();
    let seen = api_key::list(&house.gate, &auth, &KeyFilter::default(), None, 50).await.unwrap();
    assert!(seen.iter().all(|row| row.tenant == Some(tenant("acme"))));
    assert!(seen.contains(&mine.key) && seen.len() == 2);
}

#[tokio::test]
async fn keys_are_listed_page_by_page_newest_first() {
    let house = House::new().await;
    let security = house.bootstrap().await;
    for n in 0..7 {
        house.clock.advance(Duration::from_secs(u64::from(n % 2)));
        issue(&house, &security, Some("acme"), n, asks(&format!("p{n}"), Role::Reader)).await.unwrap();
    }
    let auth = house.authorize::<acts::ListApiKeys>(&security, Scope::default()).await.unwrap();
    let filter = KeyFilter { show_inactive: true, ..KeyFilter::default() };
    let all = api_key::list(&house.gate, &auth, &filter, None, 50).await.unwrap();
    assert_eq!(all.len(), 8);
    assert!(all.is_sorted_by(|a, b| (a.create_time, &a.id) > (b.create_time, &b.id)));
    let (mut paged, mut after) = (Vec::new(), None::<KeyCursor>);
    loop {
        let page = api_key::list(&house.gate, &auth, &filter, after.as_ref(), 3).await.unwrap();
        let Some(last) = page.last() else { break };
        assert!(page.len() <= 3);
        after = Some(KeyCursor { create_time: last.create_time, id: last.id.clone() });
        paged.extend(page);
    }
    assert_eq!(paged, all);
    let filter = KeyFilter { principal: Some("p3".parse().unwrap()), ..KeyFilter::default() };
    assert_eq!(api_key::list(&house.gate, &auth, &filter, None, 50).await.unwrap().len(), 1);
    revoke(&house, &security, Some("acme"), &all[0].id).await.unwrap();
    house.clock.advance(Duration::from_millis(1));
    assert_eq!(api_key::list(&house.gate, &auth, &KeyFilter::default(), None, 50).await.unwrap().len(), 7);
}

#[tokio::test]
async fn permissions_are_explained_as_the_gate_decides() {
    let house = House::new().await;
    let (_, bot) = house.usual_key(Role::Ingestor).await;
    let (_, operator) = house.usual_key(Role::Operator).await;
    let (acme, other) = (tenant("acme"), tenant("other"));
    let now = house.clock.now();
    let says = |row, method: Permission, of, bot: Option<&str>| {
        api_key::explain(row, now, method.rule().path, of, bot.map(slug).as_ref())
    };
    assert_eq!(says(&bot, Permission::AppendRecords, Some(&acme), Some("helper")), Ok(()));
    assert_eq!(says(&bot, Permission::AppendRecords, Some(&acme), None), Ok(()));
    assert_eq!(says(&bot, Permission::AppendRecords, Some(&other), None), Err(Reason::ConversationNotFound));
    assert_eq!(says(&bot, Permission::AppendRecords, Some(&acme), Some("else")), Err(Reason::ConversationNotFound));
    assert_eq!(says(&bot, Permission::ReadConversation, Some(&acme), None), Err(Reason::PermissionDenied));
    assert_eq!(says(&operator, Permission::RotateKey, Some(&other), None), Ok(()));
    assert_eq!(says(&operator, Permission::ScheduleKeyDestruction, None, None), Err(Reason::ApprovalRequired));
    assert_eq!(api_key::explain(&bot, now, "/nowhere", None, None), Err(Reason::MethodUnknown));
    let path = Permission::AppendRecords.rule().path;
    let later = bot.expire_time;
    assert_eq!(api_key::explain(&bot, later, path, None, None), Err(Reason::CredentialInvalid));
}
