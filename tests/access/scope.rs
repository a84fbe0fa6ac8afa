//! What a call is about: tenant, bot, purpose; for every act and every role that may do it.

use subrosa::access::{Act, Scope, acts};
use subrosa::audit::{Decision, Entry};
use subrosa::domain::{Reason, Role};
use subrosa::store::{LogId, Work};

use crate::house::{House, assert_denied, full_scope, home, log, request, slug, tenant};

/// What an act is about.
#[derive(Clone, Copy, PartialEq)]
enum About {
    Conversation,
    Conversations,
    Tenant,
    TenantOrVault,
    Reachable,
    Vault,
    Process,
}

use About::{Conversation, Conversations, Process, Reachable, Tenant, TenantOrVault, Vault};

macro_rules! every_act {
    ($check:ident($house:expr): $($act:ident $about:ident,)+) => {{
        let mut acts = 0;
        $( $check::<acts::$act>($house, $about).await; acts += 1; )+
        assert_eq!(acts, subrosa::access::TABLE.len());
    }};
    ($check:ident, $house:expr) => {
        every_act!($check($house):
            AppendRecords Conversation, Ingest Conversation, PreviewRedaction Tenant, CreateConversation Conversation,
            GetConversation Conversation, ListConversations Conversations, CloseConversation Conversation,
            ReadConversation Conversation, GetContext Conversation, Annotate Conversation,
            RedactRecord Conversation, RedactRecords Conversations, PreviewPolicy Conversations,
            SearchConversations Conversations, ListAuditEvents TenantOrVault, CreateTenant Vault, GetTenant Tenant,
            ListTenants Reachable, UpdateTenant Tenant, FreezeTenant Tenant, UnfreezeTenant Tenant, ListKeys Tenant,
            GetKey Tenant, RotateKey Tenant, ScheduleKeyDestruction Tenant, GetPolicy Tenant, ProposePolicy Tenant,
            ListPolicyVersions Tenant, IssueApiKey TenantOrVault, ListApiKeys Reachable, RevokeApiKey TenantOrVault,
            TestPermissions TenantOrVault, GetStatus Process,
        )
    };
}

/// Every role that may do `A`, with a key of tenant `acme` and bot `helper`.
async fn limited_keys<A: Act>(house: &House) -> Vec<(String, subrosa::store::ApiKeyRow)> {
    let mut keys = Vec::new();
    for (role, _) in A::PERMISSION.rule().roles {
        let name = format!("{}-{role}", A::PERMISSION.as_str().to_lowercase());
        keys.push(house.put_key(&name, *role, Some("acme"), &["helper"]).await);
    }
    keys
}

async fn own_things_are_allowed<A: Act>(house: &House, about: About) {
    for (header, row) in limited_keys::<A>(house).await {
        let (outcome, new) = house.watch(house.authorize::<A>(&header, full_scope("acme", "helper"))).await;
        let operation = A::PERMISSION.as_str();
        if about == Vault {
            assert_denied(&new, &home(&row), operation, "PERMISSION_DENIED", &row);
        } else if operation == "ScheduleKeyDestruction" {
            assert_denied(&new, &log("acme"), operation, "APPROVAL_REQUIRED", &row);
        } else {
            let auth = outcome.unwrap();
            assert_eq!((auth.tenant(), auth.log()), (Some(&tenant("acme")), &log("acme")), "{operation}");
            assert!(new.is_empty(), "{operation}: the use case commits the entry");
            let bots: &[_] = if matches!(about, Conversation | Conversations) { &[slug("helper")] } else { &[] };
            assert_eq!(auth.bots(), bots, "{operation}");
        }
    }
}

#[tokio::test]
async fn a_limited_key_may_act_on_its_own_tenant_and_bot() {
    let house = House::new().await;
    every_act!(own_things_are_allowed, &house);
}

async fn other_tenants_look_absent<A: Act>(house: &House, about: About) {
    for (header, row) in limited_keys::<A>(house).await {
        let mut answers = Vec::new();
        for of in ["other", "nowhere"] {
            let (outcome, new) = house.watch(house.authorize::<A>(&header, full_scope(of, "helper"))).await;
            if about == Process {
                assert!(outcome.is_ok() && new.is_empty());
                continue;
            }
            let reason = outcome.unwrap_err();
            assert_denied(&new, &log("acme"), A::PERMISSION.as_str(), reason.as_str(), &row);
            answers.push(reason);
        }
        let expected = match about {
            Conversation => Reason::ConversationNotFound,
            Vault => Reason::PermissionDenied,
            _ => Reason::TenantNotFound,
        };
        assert!(answers.iter().all(|reason| *reason == expected), "{} {answers:?}", A::PERMISSION.as_str());
        let scope = Scope { absent: Some(Reason::KeyNotFound), ..full_scope("other", "helper") };
        if !matches!(about, Process | Vault) {
            assert_eq!(house.authorize::<A>(&header, scope).await.unwrap_err(), Reason::KeyNotFound);
        }
    }
}

#[tokio::test]
async fn another_tenant_looks_like_one_that_does_not_exist() {
    let house = House::new().await;
    every_act!(other_tenants_look_absent, &house);
    assert!(house.entries(&log("other")).await.is_empty());
    assert!(house.entries(&log("nowhere")).await.is_empty());
}

async fn other_bots_look_absent<A: Act>(house: &House, about: About) {
    for (header, row) in limited_keys::<A>(house).await {
        if about == Conversation {
            let none = Scope { bot: None, ..full_scope("acme", "helper") };
            for scope in [full_scope("acme", "somebody-else"), none] {
                let (outcome, new) = house.watch(house.authorize::<A>(&header, scope)).await;
                assert_eq!(outcome.unwrap_err(), Reason::ConversationNotFound);
                assert_denied(&new, &log("acme"), A::PERMISSION.as_str(), "CONVERSATION_NOT_FOUND", &row);
            }
        }
        if about == Conversations {
            assert!(house.authorize::<A>(&header, full_scope("acme", "somebody-else")).await.is_err());
            let all = Scope { bot: None, ..full_scope("acme", "helper") };
            assert_eq!(house.authorize::<A>(&header, all).await.unwrap().bots(), [slug("helper")]);
        }
    }
}

#[tokio::test]
async fn another_bots_conversation_looks_like_one_that_does_not_exist() {
    let house = House::new().await;
    every_act!(other_bots_look_absent, &house);
}

async fn purpose_is_asked_for<A: Act>(house: &House, about: About) {
    let needs = ["ReadConversation", "GetContext", "PreviewPolicy"].contains(&A::PERMISSION.as_str());
    for (header, row) in limited_keys::<A>(house).await {
        let scope = Scope { purpose: None, ..full_scope("acme", "helper") };
        let (outcome, new) = house.watch(house.authorize::<A>(&header, scope)).await;
        if needs {
            assert_eq!(outcome.unwrap_err(), Reason::PurposeRequired);
            assert_denied(&new, &log("acme"), A::PERMISSION.as_str(), "PURPOSE_REQUIRED", &row);
        } else if about != Vault {
            assert_ne!(outcome.err(), Some(Reason::PurposeRequired));
        }
    }
}

#[tokio::test]
async fn content_needs_a_purpose() {
    let house = House::new().await;
    every_act!(purpose_is_asked_for, &house);
}

async fn whole_vault<A: Act>(house: &House, about: About) {
    for (role, _) in A::PERMISSION.rule().roles {
        if !matches!(role, Role::Operator | Role::Security | Role::Auditor) {
            continue;
        }
        let operation = A::PERMISSION.as_str();
        let name = format!("v-{}-{role}", operation.to_lowercase());
        let (header, row) = house.put_key(&name, *role, None, &[]).await;
        let (outcome, new) = house.watch(house.authorize::<A>(&header, full_scope("other", "helper"))).await;
        match (about, outcome) {
            (_, Err(reason)) => {
                assert_eq!((operation, reason), ("ScheduleKeyDestruction", Reason::ApprovalRequired));
                assert_denied(&new, &log("other"), operation, "APPROVAL_REQUIRED", &row);
            }
            (Vault | Process, Ok(auth)) => assert_eq!(auth.log(), &LogId::System, "{operation}"),
            (_, Ok(auth)) => assert_eq!(auth.log(), &log("other"), "{operation}"),
        }
        let (outcome, new) = house.watch(house.authorize::<A>(&header, full_scope("nowhere", "helper"))).await;
        if matches!(about, Vault | Process) {
            assert!(outcome.is_ok(), "{operation}");
        } else {
            assert_eq!(outcome.unwrap_err(), Reason::TenantNotFound, "{operation}");
            assert_denied(&new, &LogId::System, operation, "TENANT_NOT_FOUND", &row);
        }
        let vault = house.authorize::<A>(&header, Scope { request_id: request(1), ..Scope::default() }).await;
        match about {
            Tenant => assert_eq!(vault.unwrap_err(), Reason::TenantNotFound, "{operation}"),
            _ => assert_eq!(vault.unwrap().log(), &LogId::System, "{operation}"),
        }
    }
}

#[tokio::test]
async fn a_key_of_the_whole_vault_acts_on_any_tenant_and_is_logged_there() {
    let house = House::new().await;
    every_act!(whole_vault, &house);
}

async fn the_vault_is_out_of_reach<A: Act>(house: &House, about: About) {
    for (header, _) in limited_keys::<A>(house).await {
        let outcome = house.authorize::<A>(&header, Scope::default()).await;
        match about {
            TenantOrVault | Vault => assert_eq!(outcome.unwrap_err(), Reason::PermissionDenied),
            Reachable | Process => assert_eq!(outcome.unwrap().tenant(), Some(&tenant("acme"))),
            _ => assert!(outcome.is_err()),
        }
    }
}

#[tokio::test]
async fn a_key_of_one_tenant_does_not_reach_the_vault_itself() {
    let house = House::new().await;
    every_act!(the_vault_is_out_of_reach, &house);
}

#[tokio::test]
async fn an_act_is_allowed_only_to_whom_was_admitted_for_it() {
    let house = House::new().await;
    let (header, row) = house.usual_key(Role::Operator).await;
    let caller = house.caller(&header, subrosa::access::Permission::GetKey).await;
    let attempt = house.gate.authorize::<acts::RotateKey>(&caller, full_scope("acme", "helper"));
    let (outcome, new) = house.watch(attempt).await;
    assert_eq!(outcome.unwrap_err().reason(), Reason::PermissionDenied);
    assert_denied(&new, &LogId::System, "RotateKey", "PERMISSION_DENIED", &row);
}

#[tokio::test]
async fn entries_say_who_did_what_and_why() {
    let house = House::new().await;
    let (header, row) = house.usual_key(Role::Compliance).await;
    let scope = Scope { object: Some("tenants/acme/conversations/c".to_owned()), ..full_scope("acme", "helper") };
    let auth = house.authorize::<acts::ReadConversation>(&header, scope).await.unwrap();
    let work = Work::new(auth.logged(auth.entry()).unwrap()).and_log(auth.refused(Reason::TenantFrozen).unwrap());
    let (receipt, new) = house.watch(house.data.submit(work)).await;
    assert_eq!(receipt.unwrap().positions().len(), 2);
    let says = |entry: &Entry| {
        assert_eq!((entry.actor(), entry.role(), entry.op()), (&*row.pseudonym, "compliance", "ReadConversation"));
        assert_eq!((entry.purpose(), entry.case()), (Some("QUALITY"), Some("case-7")));
        assert_eq!(entry.object(), Some("tenants/acme/conversations/c"));
        assert_eq!(entry.request_id().unwrap().as_bytes(), request(1).unwrap().as_bytes());
    };
    let [done, refused] = new.as_slice() else { panic!("{} entries", new.len()) };
    says(done);
    says(refused);
    assert_eq!((done.decision(), done.reason()), (Decision::Allow, None));
    assert_eq!((refused.decision(), refused.reason()), (Decision::Deny, Some("TENANT_FROZEN")));
}

#[tokio::test]
async fn a_denial_is_logged_even_when_its_object_is_no_name() {
    let house = House::new().await;
    let (header, row) = house.usual_key(Role::Reader).await;
    let scope = Scope { object: Some("jane@example.com".to_owned()), ..full_scope("other", "helper") };
    let (outcome, new) = house.watch(house.authorize::<acts::GetConversation>(&header, scope)).await;
    assert_eq!(outcome.unwrap_err(), Reason::ConversationNotFound);
    assert_denied(&new, &log("acme"), "GetConversation", "CONVERSATION_NOT_FOUND", &row);
    assert_eq!(new[0].object(), None);
}
