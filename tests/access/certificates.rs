//! Client certificates at the gate: what is accepted, what the log says of what is not, and when it ends.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use rustls::RootCertStore;
use rustls::pki_types::CertificateRevocationListDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::server::WebPkiClientVerifier;
use subrosa::access::api_key::{self, IssueRequest};
use subrosa::access::{CertificateTrust, ClientCertificate, Gate, Peer, Permission, Scope, acts};
use subrosa::audit::{Count, Decision, Phase};
use subrosa::clock::Clock;
use subrosa::domain::{Reason, Role};
use subrosa::store::{KeyWork, KeyWrite, LogId};

use crate::house::{House, PEER, full_scope, log, request};
use crate::pki::{Authority, Issued};

const SHOP: &str = "spiffe://example.org/tenants/acme/roles/ingestor/principals/canary-shop/bots/helper";
const ANN: &str = "spiffe://example.org/tenants/acme/roles/reader/principals/ann";
const FAR: (i32, u8, u8) = (2100, 1, 1);
const INGEST: &str = "/subrosa.v1.IngestService/Ingest";
const READ: &str = "/subrosa.v1.ConversationService/ReadConversation";

fn trust(authorities: &[&Authority], lists: &[String], roles: &[Role]) -> CertificateTrust {
    let mut roots = RootCertStore::empty();
    authorities.iter().for_each(|authority| roots.add(authority.der()).unwrap());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let lists = lists.iter().map(|pem| CertificateRevocationListDer::from_pem_slice(pem.as_bytes()).unwrap());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
        .with_crls(lists)
        .enforce_revocation_expiration()
        .build()
        .unwrap();
    CertificateTrust::new(verifier, "example.org".parse().unwrap(), roles.iter().copied().collect())
}

fn shown(issued: &Issued) -> Peer {
    Peer { address: PEER, certificate: Some(Arc::new(ClientCertificate::new(std::slice::from_ref(&issued.der)))) }
}

async fn believing(authority: &Authority, roles: &[Role]) -> House {
    let house = House::new().await;
    house.gate.trust_certificates(Some(trust(&[authority], &[], roles)));
    house
}

#[tokio::test]
async fn a_certificate_makes_its_principal_and_no_other() {
    let authority = Authority::new("ours");
    let house = believing(&authority, &[Role::Ingestor]).await;
    let peer = shown(&authority.issue(&[SHOP]));
    let (caller, new) = house.watch(house.gate.admit(INGEST, None, peer.clone())).await;
    let caller = caller.unwrap();
    let principal = caller.principal();
    assert_eq!((principal.id.as_str(), principal.role), ("canary-shop", Role::Ingestor));
    assert_eq!(principal.tenant.as_ref().unwrap().as_str(), "acme");
    let [intent, outcome] = new.as_slice() else { panic!("{} entries", new.len()) };
    let object = format!("principals/{}", principal.pseudonym);
    for (entry, phase) in [(intent, Phase::Intent), (outcome, Phase::Outcome)] {
        assert_eq!((entry.phase(), entry.op(), entry.object()), (phase, "RecogniseCertificate", Some(&*object)));
        assert_eq!((entry.log(), entry.decision(), entry.role()), ("tenants/acme", Decision::Allow, "ingestor"));
        assert_eq!(entry.actor(), principal.pseudonym);
        assert!(!String::from_utf8_lossy(entry.canonical()).contains("canary"));
    }
    assert_eq!(house.data.read(|reader| reader.open_key_acts()).await.unwrap(), []);

    let (again, new) = house.watch(house.gate.admit(INGEST, None, shown(&authority.issue(&[SHOP])))).await;
    assert_eq!(again.unwrap().principal(), principal, "another certificate of the same name is the same principal");
    assert!(new.is_empty());
    house
        .gate
        .authorize::<acts::Ingest>(&caller, full_scope("acme", "helper"))
        .await
        .unwrap()
        .refused(Reason::Internal)
        .unwrap();
    for (tenant, bot) in [("other", "helper"), ("acme", "else")] {
        let refused = house.gate.authorize::<acts::Ingest>(&caller, full_scope(tenant, bot)).await.unwrap_err();
        assert_eq!(refused.reason(), Reason::ConversationNotFound, "{tenant} {bot}");
    }
    let (refused, new) = house.watch(house.gate.admit(READ, None, peer)).await;
    assert_eq!(refused.unwrap_err().reason(), Reason::PermissionDenied);
    assert_eq!((new[0].log(), new[0].actor()), ("tenants/acme", &*principal.pseudonym));
    assert!(!format!("{caller:?}").contains("canary"));
}

#[tokio::test]
async fn what_is_wrong_with_a_certificate_is_in_the_log_and_not_in_the_answer() {
    let (ours, theirs, listless) = (Authority::new("ours"), Authority::new("theirs"), Authority::new("listless"));
    let stale = Authority::new("stale");
    let revoked = ours.issue(&[ANN]);
    let house = House::new().await;
    let lists = [ours.revoke(&[&revoked], FAR), stale.revoke(&[], (2026, 6, 1))];
    let roles = [Role::Ingestor, Role::Reader, Role::Auditor, Role::Security];
    house.gate.trust_certificates(Some(trust(&[&ours, &listless, &stale], &lists, &roles)));
    let name = |path: &str| ours.issue(&[&format!("spiffe://example.org/{path}")]);
    let cases = [
        ("CERTIFICATE_UNKNOWN", theirs.issue(&[ANN])),
        ("CERTIFICATE_UNKNOWN", ours.issue(&[&ANN.replace("example.org", "example.com")])),
        ("CERTIFICATE_EXPIRED", ours.issue_until(&[ANN], (2026, 11, 1))),
        ("CERTIFICATE_EXPIRED", ours.issue_with(&[ANN], |params| params.not_before = rcgen::date_time_ymd(2030, 1, 1))),
        ("CERTIFICATE_REVOKED", revoked),
        ("CERTIFICATE_UNCHECKED", listless.issue(&[ANN])),
        ("CERTIFICATE_UNCHECKED", stale.issue(&[ANN])),
        ("CERTIFICATE_MALFORMED", ours.issue(&[])),
        ("CERTIFICATE_MALFORMED", ours.issue(&[ANN, SHOP])),
        ("CERTIFICATE_MALFORMED", ours.issue(&["https://example.org/tenants/acme"])),
        ("CERTIFICATE_MALFORMED", name("tenants/acme/roles/ingestor/principals/canary-botless")),
        (
            "CERTIFICATE_MALFORMED",
            ours.issue_with(&[ANN], |params| {
                params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
            }),
        ),
        ("CREDENTIAL_MISFIT", name("tenants/acme/roles/privacy/principals/canary-role")),
        ("CREDENTIAL_MISFIT", name("roles/security/principals/canary-security")),
        ("CREDENTIAL_MISFIT", name("roles/reader/principals/canary-tenantless")),
        ("CREDENTIAL_MISFIT", name("tenants/nowhere/roles/reader/principals/canary-nowhere")),
    ];
    for (n, (cause, issued)) in cases.iter().enumerate() {
        let peer = Peer { address: [192, 0, 2, u8::try_from(n).unwrap()].into(), ..shown(issued) };
        let (admitted, new) = house.watch(house.gate.admit(READ, None, peer)).await;
        let error = admitted.unwrap_err();
        assert_eq!(
            error.to_string(),
            subrosa::domain::Error::new(Reason::CredentialInvalid).to_string(),
            "{n}: {cause}"
        );
        let [entry] = new.as_slice() else { panic!("{n}: {cause}: {} entries", new.len()) };
        assert_eq!((entry.log(), entry.op(), entry.reason()), ("system", "Authenticate", Some(*cause)), "{n}");
        assert_eq!((entry.role(), entry.count(Count::Attempts), entry.object()), ("none", Some(1), None));
        let text = String::from_utf8_lossy(entry.canonical()).to_lowercase();
        for secret in ["canary", "ann\"", "spiffe", "192.0.2", "example"] {
            assert!(!text.contains(secret), "{cause}: {text}");
        }
    }
    assert!(!house.on_disk("canary"), "a certificate that is not accepted leaves nothing");
    house.gate.admit(READ, None, shown(&ours.issue(&[ANN]))).await.unwrap();
    assert!(house.on_disk("ann"), "the search sees names");
}

#[tokio::test]
async fn without_trust_no_certificate_is_believed() {
    let house = House::new().await;
    let peer = shown(&Authority::new("ours").issue(&[ANN]));
    let (refused, new) = house.watch(house.gate.admit(READ, None, peer)).await;
    assert_eq!(refused.unwrap_err().reason(), Reason::CredentialInvalid);
    assert_eq!(new[0].reason(), Some("CERTIFICATE_UNKNOWN"));
}

#[tokio::test]
async fn a_header_decides_alone() {
    let authority = Authority::new("ours");
    let house = believing(&authority, &[Role::Ingestor]).await;
    let (key, row) = house.usual_key(Role::Operator).await;
    let peer = shown(&authority.issue(&[SHOP]));
    for wrong in ["", "Bearer nonsense", &key[..key.len() - 1]] {
        let (refused, new) = house.watch(house.gate.admit(INGEST, Some(wrong), peer.clone())).await;
        assert_eq!(refused.unwrap_err().reason(), Reason::CredentialInvalid, "{wrong}");
        assert!(new.iter().all(|entry| entry.reason() == Some("CREDENTIAL_MALFORMED")), "{wrong}");
    }
    let path = Permission::RotateKey.rule().path;
    let caller = house.gate.admit(path, Some(&key), peer.clone()).await.unwrap();
    assert_eq!(caller.principal().id, row.principal);
    assert_eq!(house.gate.admit(INGEST, Some(&key), peer).await.unwrap_err().reason(), Reason::PermissionDenied);
}

#[tokio::test]
async fn duties_stay_separate_between_keys_and_certificates() {
    let authority = Authority::new("ours");
    let house = believing(&authority, &[Role::Reader]).await;
    let security = house.bootstrap().await;
    let issue = async |n: u8| {
        let scope = Scope { request_id: request(n), ..Scope::default() };
        let auth = house.authorize::<acts::IssueApiKey>(&security, scope).await.unwrap();
        let asks = IssueRequest { principal: "ann".parse().unwrap(), role: Role::Operator, bots: None, ttl: None };
        api_key::issue(&house.gate, &auth, asks).await.map_err(|error| error.reason())
    };
    let peer = shown(&authority.issue_until(&[ANN], (2026, 12, 24)));
    let operator = issue(1).await.unwrap().key;
    let (refused, new) = house.watch(house.gate.admit(READ, None, peer.clone())).await;
    assert_eq!(refused.unwrap_err().reason(), Reason::CredentialInvalid);
    assert_eq!((new.len(), new[0].reason()), (1, Some("CREDENTIAL_MISFIT")));

    house.keys.submit(KeyWork::new(KeyWrite::RevokeApiKey(operator.id, house.clock.now()))).await.unwrap();
    let caller = house.gate.admit(READ, None, peer.clone()).await.unwrap();
    assert_eq!(caller.principal().pseudonym, operator.pseudonym, "one principal has one pseudonym");
    assert_eq!(issue(2).await.unwrap_err(), Reason::RoleConflict);
    house.clock.advance(Duration::from_secs(40 * 86_400));
    assert!(house.gate.recheck(&caller).await.is_err());
    let late = issue(3).await.unwrap().key;

    // The trust is changed to what operators have: the reader of before is out of date, and the key of an operator goes along.
    house.gate.trust_certificates(Some(trust(&[&authority], &[], &[Role::Operator])));
    let otto = authority.issue(&["spiffe://example.org/roles/operator/principals/ann"]);
    let path = Permission::RotateKey.rule().path;
    house.gate.admit(path, None, shown(&otto)).await.unwrap();
    house.keys.submit(KeyWork::new(KeyWrite::RevokeApiKey(late.id, house.clock.now()))).await.unwrap();
    house.gate.trust_certificates(Some(trust(&[&authority], &[], &[Role::Reader])));
    let elsewhere = Peer { address: [192, 0, 2, 99].into(), ..shown(&authority.issue(&[ANN])) };
    let (refused, new) = house.watch(house.gate.admit(READ, None, elsewhere)).await;
    assert!(refused.is_err() && new[0].reason() == Some("CREDENTIAL_MISFIT"), "she is an operator by certificate");
}

#[tokio::test]
async fn a_stream_learns_that_its_certificate_is_no_longer_good() {
    let authority = Authority::new("ours");
    let issued = authority.issue_until(&[SHOP], (2026, 12, 1));
    let roles = [Role::Ingestor];
    let good = || trust(&[&authority], &[authority.revoke(&[], (2026, 11, 28))], &roles);
    type Change<'a> = Box<dyn Fn(&House) + 'a>;
    let replaced = |next: CertificateTrust| -> Change<'_> {
        Box::new(move |house| house.gate.trust_certificates(Some(next.clone())))
    };
    let passed = |days: u64| -> Change<'_> {
        Box::new(move |house: &House| {
            house.clock.advance(Duration::from_secs(days * 86_400));
        })
    };
    let cases: Vec<(&str, Change<'_>)> = vec![
        ("CERTIFICATE_REVOKED", replaced(trust(&[&authority], &[authority.revoke(&[&issued], FAR)], &roles))),
        ("CERTIFICATE_UNKNOWN", replaced(trust(&[&Authority::new("theirs")], &[], &roles))),
        ("CERTIFICATE_UNKNOWN", Box::new(|house| house.gate.trust_certificates(None))),
        ("CREDENTIAL_MISFIT", replaced(trust(&[&authority], &[], &[Role::Reader]))),
        ("CERTIFICATE_UNCHECKED", passed(8)),
        ("CERTIFICATE_EXPIRED", passed(30)),
    ];
    for (cause, change) in cases {
        let house = House::new().await;
        house.gate.trust_certificates(Some(good()));
        let peer = shown(&issued);
        let caller = house.gate.admit(INGEST, None, peer.clone()).await.unwrap();
        house.gate.trust_certificates(Some(good()));
        house.gate.recheck(&caller).await.unwrap();
        change(&house);
        let (checked, new) = house.watch(house.gate.recheck(&caller)).await;
        assert_eq!(checked.unwrap_err().reason(), Reason::CredentialInvalid, "{cause}");
        let [entry] = new.as_slice() else { panic!("{cause}: {} entries", new.len()) };
        assert_eq!((entry.log(), entry.op(), entry.reason()), ("tenants/acme", "Ingest", Some(cause)));
        assert_eq!((entry.actor(), entry.role()), (&*caller.principal().pseudonym, "ingestor"));
        assert!(house.gate.admit(INGEST, None, peer).await.is_err(), "{cause}: nor is another call let in");
    }
}

#[tokio::test]
async fn a_pseudonym_outlives_the_process() {
    let authority = Authority::new("ours");
    let house = believing(&authority, &[Role::Ingestor]).await;
    let first = house.gate.admit(INGEST, None, shown(&authority.issue(&[SHOP]))).await.unwrap();
    let clock = Arc::clone(&house.clock) as Arc<dyn Clock>;
    let later = Gate::new(house.data.clone(), house.keys.clone(), clock);
    later.trust_certificates(Some(trust(&[&authority], &[], &[Role::Ingestor])));
    let second = later.admit(INGEST, None, shown(&authority.issue(&[SHOP]))).await.unwrap();
    assert_eq!(first.principal().pseudonym, second.principal().pseudonym);
    assert!(first.principal().pseudonym.starts_with("prn_") && first.principal().pseudonym.len() == 20);
}

#[tokio::test]
async fn who_cannot_be_kept_or_logged_is_not_let_in() {
    let authority = Authority::new("ours");
    let house = believing(&authority, &[Role::Ingestor]).await;
    let peer = shown(&authority.issue(&[SHOP]));
    for (file, reason, entries) in [("keys.db", Reason::KeysUnavailable, 2), ("vault.db", Reason::AuditUnavailable, 0)]
    {
        let blocker = rusqlite::Connection::open(house.dir.path().join(file)).unwrap();
        blocker.execute_batch("BEGIN IMMEDIATE").unwrap();
        let (refused, new) = house.watch(house.gate.admit(INGEST, None, peer.clone())).await;
        assert_eq!((refused.unwrap_err().reason(), new.len()), (reason, entries), "{file}");
        blocker.execute_batch("ROLLBACK").unwrap();
        assert_eq!(house.data.read(|reader| reader.open_key_acts()).await.unwrap(), []);
    }
    house.gate.admit(INGEST, None, peer).await.unwrap();
}

#[tokio::test]
async fn handshakes_that_fail_are_failed_logins() {
    let house = House::new().await;
    let revoked = rustls::Error::InvalidCertificate(rustls::CertificateError::Revoked);
    let ((), new) = house.watch(house.gate.failed_handshake(PEER, &revoked)).await;
    let [entry] = new.as_slice() else { panic!("{} entries", new.len()) };
    assert_eq!((entry.op(), entry.reason(), entry.log()), ("Authenticate", Some("CERTIFICATE_REVOKED"), "system"));
    for _ in 0..3 {
        house.gate.failed_handshake(PEER, &revoked).await;
    }
    house.gate.failed_handshake(PEER, &rustls::Error::HandshakeNotComplete).await;
    let (flushed, new) = house.watch(house.gate.flush_failed_logins()).await;
    flushed.unwrap();
    assert_eq!((new.len(), new[0].count(Count::Attempts)), (1, Some(3)));
}

#[test]
fn a_certificate_with_any_byte_changed_is_refused_and_breaks_nothing() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let authority = Authority::new("ours");
    let house = runtime.block_on(believing(&authority, &[Role::Ingestor]));
    let issued = authority.issue(&[SHOP]);
    runtime.block_on(house.gate.admit(INGEST, None, shown(&issued))).unwrap();
    proptest!(|(at in 0..issued.der.len(), bit in 0_u8..8, cut in proptest::option::of(0..issued.der.len()))| {
        let mut der = issued.der.to_vec();
        match cut {
            Some(cut) => der.truncate(cut),
            None => der[at] ^= 1 << bit,
        }
        let peer = shown(&Issued { der: der.into(), ..issued.clone() });
        let refused = runtime.block_on(house.gate.admit(INGEST, None, peer)).unwrap_err();
        prop_assert_eq!(refused.reason(), Reason::CredentialInvalid);
    });
    let entries = runtime.block_on(house.entries(&LogId::System));
    assert!(entries.iter().any(|entry| entry.reason() == Some("CERTIFICATE_WRONG")), "signatures were looked at");
    assert!(runtime.block_on(house.entries(&log("acme"))).len() == 2, "nobody was let in");
}
