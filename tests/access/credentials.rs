//! Credentials: what is accepted, and what the log says of what is not.

use std::net::IpAddr;
use std::time::Duration;

use proptest::prelude::*;
use subrosa::access::{Permission, Scope, acts};
use subrosa::audit::Count;
use subrosa::clock::Clock;
use subrosa::domain::{Reason, Role};
use subrosa::store::{KeyWork, KeyWrite, LogId};

use crate::house::{House, PEER, full_scope, home};

const PATH: &str = "/subrosa.v1.AdminService/GetStatus";

#[tokio::test]
async fn what_is_wrong_with_a_credential_is_in_the_log_and_not_in_the_answer() {
    let house = House::new().await;
    let (good, row) = house.usual_key(Role::Operator).await;
    let (revoked, revoked_row) = house.put_key("revoked", Role::Operator, None, &[]).await;
    house.keys.submit(KeyWork::new(KeyWrite::RevokeApiKey(revoked_row.id, house.clock.now()))).await.unwrap();
    let (misfit, _) = house.put_key("misfit", Role::Reader, None, &[]).await;
    let mut wrong = good.clone();
    let last = if wrong.ends_with('a') { "b" } else { "a" };
    wrong.replace_range(wrong.len() - 1.., last);
    let unknown = format!("Bearer srk_{}_{}", "z".repeat(16), "a".repeat(52));
    let (expired, _) = house.put_key("expired", Role::Operator, None, &[]).await;

    let invalid = Reason::CredentialInvalid;
    let cases = [
        (None, Reason::CredentialMissing, "CREDENTIAL_MISSING", None),
        (Some("Bearer eyJhbGciOiJub25lIn0.e30."), invalid, "CREDENTIAL_MALFORMED", None),
        (Some(&*unknown), invalid, "CREDENTIAL_UNKNOWN", None),
        (Some(&*wrong), invalid, "CREDENTIAL_WRONG", Some(format!("apiKeys/{}", row.id))),
        (Some(&*revoked), invalid, "CREDENTIAL_REVOKED", None),
        (Some(&*misfit), invalid, "CREDENTIAL_MISFIT", None),
    ];
    for (header, outward, cause, object) in cases {
        let (admitted, new) = house.watch(house.gate.admit(PATH, header, PEER)).await;
        let error = admitted.unwrap_err();
        assert_eq!(error.reason(), outward, "{cause}");
        assert_eq!(error.to_string(), subrosa::domain::Error::new(outward).to_string(), "it says no more");
        let [entry] = new.as_slice() else { panic!("{cause}: {} entries", new.len()) };
        assert_eq!((entry.log(), entry.op(), entry.reason()), ("system", "Authenticate", Some(cause)));
        assert_eq!((entry.role(), entry.count(Count::Attempts)), ("none", Some(1)));
        assert!(entry.actor().starts_with("ip_") && !entry.actor().contains("192"), "{}", entry.actor());
        assert!(object.is_none_or(|object| entry.object() == Some(&object)));
        assert!(!String::from_utf8_lossy(entry.canonical()).contains(header.map_or("\0", |h| &h[h.len() - 20..])));
    }

    assert!(house.gate.admit(PATH, Some(&expired), PEER).await.is_ok());
    house.clock.advance(Duration::from_secs(3_599));
    assert!(house.gate.admit(PATH, Some(&expired), PEER).await.is_ok());
    house.clock.advance(Duration::from_secs(1));
    let (admitted, new) = house.watch(house.gate.admit(PATH, Some(&expired), PEER)).await;
    assert_eq!(admitted.unwrap_err().reason(), invalid);
    assert_eq!(new[0].reason(), Some("CREDENTIAL_EXPIRED"));
}

#[tokio::test]
async fn the_first_failure_is_logged_at_once_and_the_rest_are_counted() {
    let house = House::new().await;
    let fail = async |times: usize| {
        for _ in 0..times {
            let error = house.gate.admit(PATH, Some("Bearer nonsense"), PEER).await.unwrap_err();
            assert_eq!(error.reason(), Reason::CredentialInvalid);
        }
    };
    let ((), new) = house.watch(fail(20)).await;
    assert_eq!(new.len(), 1);
    let (flushed, new) = house.watch(house.gate.flush_failed_logins()).await;
    flushed.unwrap();
    let [entry] = new.as_slice() else { panic!("{} entries", new.len()) };
    assert_eq!((entry.count(Count::Attempts), entry.reason()), (Some(19), Some("CREDENTIAL_MALFORMED")));
    let (flushed, new) = house.watch(house.gate.flush_failed_logins()).await;
    flushed.unwrap();
    assert!(new.is_empty());
    let ((), new) = house.watch(fail(1)).await;
    assert_eq!(new.len(), 1, "after a quiet second it is a first again");
}

#[tokio::test]
async fn a_stream_learns_that_its_key_was_revoked() {
    let house = House::new().await;
    let (header, row) = house.usual_key(Role::Ingestor).await;
    let caller = house.caller(&header, Permission::Ingest).await;
    house.gate.recheck(&caller).await.unwrap();
    house.keys.submit(KeyWork::new(KeyWrite::RevokeApiKey(row.id.clone(), house.clock.now()))).await.unwrap();
    house.clock.advance(Duration::from_secs(1));
    let (checked, new) = house.watch(house.gate.recheck(&caller)).await;
    assert_eq!(checked.unwrap_err().reason(), Reason::CredentialInvalid);
    crate::house::assert_denied(&new, &home(&row), "Ingest", "CREDENTIAL_REVOKED", &row);
}

#[tokio::test]
async fn what_cannot_be_logged_is_not_answered() {
    let house = House::new().await;
    let (header, _) = house.usual_key(Role::Reader).await;
    let caller = house.caller(&header, Permission::GetConversation).await;
    let blocker = rusqlite::Connection::open(house.dir.path().join("vault.db")).unwrap();
    blocker.execute_batch("BEGIN IMMEDIATE").unwrap();
    for (path, header) in [(PATH, Some(&*header)), (PATH, None), ("/nowhere", Some(&*header))] {
        let error = house.gate.admit(path, header, PEER).await.unwrap_err();
        assert_eq!(error.reason(), Reason::AuditUnavailable, "{path}");
    }
    let denied = house.gate.authorize::<acts::GetConversation>(&caller, full_scope("other", "helper")).await;
    assert_eq!(denied.unwrap_err().reason(), Reason::AuditUnavailable);
    blocker.execute_batch("ROLLBACK").unwrap();
    let (flushed, new) = house.watch(house.gate.flush_failed_logins()).await;
    flushed.unwrap();
    assert_eq!(new[0].count(Count::Attempts), Some(1), "the failed login was not forgotten");
}

#[tokio::test]
async fn counts_that_could_not_be_logged_are_logged_later() {
    let house = House::new().await;
    for _ in 0..3 {
        for n in 0..200_u8 {
            let peer = IpAddr::from([192, 0, 2, n]);
            assert!(house.gate.admit(PATH, Some("Bearer nonsense"), peer).await.is_err());
        }
    }
    let blocker = rusqlite::Connection::open(house.dir.path().join("vault.db")).unwrap();
    blocker.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_eq!(house.gate.flush_failed_logins().await.unwrap_err().reason(), Reason::AuditUnavailable);
    blocker.execute_batch("ROLLBACK").unwrap();
    let (flushed, new) = house.watch(house.gate.flush_failed_logins()).await;
    flushed.unwrap();
    assert_eq!(new.len(), 200);
    assert!(new.iter().all(|entry| entry.count(Count::Attempts) == Some(2)));
}

#[tokio::test]
async fn nothing_prints_a_secret() {
    let house = House::new().await;
    let (header, row) = house.usual_key(Role::Reader).await;
    let secret = header.rsplit('_').next().unwrap();
    let caller = house.caller(&header, Permission::GetConversation).await;
    let scope = Scope { ..full_scope("acme", "helper") };
    let auth = house.gate.authorize::<acts::GetConversation>(&caller, scope).await.unwrap();
    let error = house.gate.admit("/nowhere", Some(&header), PEER).await.unwrap_err();
    let printed = format!("{caller:?} {auth:?} {error:?} {error}");
    assert!(!printed.contains(secret) && !printed.contains("192.0.2"), "{printed}");
    assert!(house.on_disk(&row.id) && !house.on_disk(secret));
}

#[test]
fn garbage_is_refused_and_never_breaks_anything() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let house = runtime.block_on(House::new());
    let (good, _) = runtime.block_on(house.usual_key(Role::Operator));
    let nearly = (0..good.len(), any::<char>()).prop_map({
        let good = good.clone();
        move |(at, with)| good.chars().enumerate().map(|(n, c)| if n == at { with } else { c }).collect::<String>()
    });
    let headers = prop_oneof![".{0,300}", "(?i)bearer srk_[a-z2-7]{16}_[a-z2-7]{52}", nearly];
    proptest!(|(path in "(/subrosa\\.v1\\.[A-Za-z]{1,20}/[A-Za-z]{1,20}|.{0,60})", header in headers)| {
        let is_good = |(scheme, key): (&str, &str)| scheme.eq_ignore_ascii_case("bearer") && key == &good[7..];
        prop_assume!(!header.split_once(' ').is_some_and(is_good));
        let error = runtime.block_on(house.gate.admit(&path, Some(&header), PEER)).unwrap_err();
        prop_assert_eq!(error.reason(), Reason::CredentialInvalid);
    });
    let entries = runtime.block_on(house.entries(&LogId::System));
    assert!(entries.iter().all(|entry| entry.op() != "UnknownMethod"), "nobody was let in");
}
