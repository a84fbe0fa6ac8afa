//! The name in a certificate: a SPIFFE id that says tenant, role, principal and bots.
//!
//! ```text
//! spiffe://{trust domain}[/tenants/{tenant}]/roles/{role}/principals/{principal}[/bots/{bot}]...
//! ```
//!
//! `/bots/-` stands for every bot of the tenant, as `-` does for every parent in [AIP-159](https://google.aip.dev/159). There is one
//! way to write each name: no other scheme, no capital letters where there are none, no escapes, no port, no query, no slash
//! at the end ([SPIFFE-ID](https://github.com/spiffe/spiffe/blob/main/standards/SPIFFE-ID.md)).

use crate::access::api_key::MAX_BOTS;
use crate::access::credential::Cause;
use crate::domain::{BotScope, PrincipalId, Role, Slug, TenantId, TrustDomain};

/// What a certificate says of its holder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CertificateName {
    /// The tenant that it is limited to; none is the whole vault.
    pub(super) tenant: Option<TenantId>,
    /// What it may be.
    pub(super) role: Role,
    /// Who it is.
    pub(super) principal: PrincipalId,
    /// The bots that it is limited to.
    pub(super) bots: BotScope,
}

impl CertificateName {
    /// Reads a SPIFFE id of the trust domain `domain`.
    ///
    /// # Errors
    ///
    /// `CERTIFICATE_UNKNOWN` for another trust domain; `CERTIFICATE_MALFORMED` for anything else that is not of the form, and
    /// for an ingestor without bots.
    pub(super) fn parse(uri: &str, domain: &TrustDomain) -> Result<Self, Cause> {
        if uri.len() > MAX_URI {
            return Err(Cause::CertificateMalformed);
        }
        let (authority, path) =
            uri.strip_prefix(SCHEME).and_then(|rest| rest.split_once('/')).ok_or(Cause::CertificateMalformed)?;
        if authority != domain.as_str() {
            return Err(Cause::CertificateUnknown);
        }
        Self::of_path(path).ok_or(Cause::CertificateMalformed)
    }

    fn of_path(path: &str) -> Option<Self> {
        let mut parts = path.split('/');
        let mut first = parts.next()?;
        let mut tenant = None;
        if first == "tenants" {
            tenant = Some(parts.next()?.parse().ok()?);
            first = parts.next()?;
        }
        if first != "roles" {
            return None;
        }
        let role = parts.next()?.parse().ok()?;
        if parts.next()? != "principals" {
            return None;
        }
        let principal = parts.next()?.parse().ok()?;
        let bots = bots(parts, role)?;
        Some(Self { tenant, role, principal, bots })
    }
}

/// Reads pairs of `bots` and a name up to the end. An ingestor must have one; for other roles none is every bot.
fn bots<'a>(mut parts: impl Iterator<Item = &'a str>, role: Role) -> Option<BotScope> {
    let mut words = Vec::new();
    while let Some(part) = parts.next() {
        if part != "bots" || words.len() >= MAX_BOTS {
            return None;
        }
        words.push(parts.next()?);
    }
    match words.as_slice() {
        [] => (role != Role::Ingestor).then_some(BotScope::Any),
        [EVERY_BOT] => Some(BotScope::Any),
        words => {
            let named = words.iter().map(|word| bot(word)).collect::<Option<std::collections::BTreeSet<Slug>>>()?;
            (named.len() == words.len()).then_some(BotScope::Only(named))
        }
    }
}

/// Reads a bot's name; one with `:` or `/` has no form in a SPIFFE id.
fn bot(word: &str) -> Option<Slug> {
    if word.contains(':') { None } else { word.parse().ok() }
}

const SCHEME: &str = "spiffe://";
const EVERY_BOT: &str = "-";
/// The longest SPIFFE id that everybody has to take.
const MAX_URI: usize = 2_048;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn domain() -> TrustDomain {
        "example.org".parse().unwrap()
    }

    fn parse(uri: &str) -> Result<CertificateName, Cause> {
        CertificateName::parse(uri, &domain())
    }

    fn write(name: &CertificateName) -> String {
        let tenant = name.tenant.as_ref().map(|tenant| format!("/tenants/{tenant}")).unwrap_or_default();
        let mut uri = format!("spiffe://{}{tenant}/roles/{}/principals/{}", domain(), name.role, name.principal);
        match &name.bots {
            BotScope::Any if name.role == Role::Ingestor => uri.push_str("/bots/-"),
            BotScope::Any => {}
            BotScope::Only(bots) => bots.iter().for_each(|bot| uri.push_str(&format!("/bots/{bot}"))),
        }
        uri
    }

    #[test]
    fn a_name_says_tenant_role_principal_and_bots() {
        let name = parse("spiffe://example.org/tenants/acme/roles/ingestor/principals/shop-1/bots/helper/bots/Sales_2")
            .unwrap();
        assert_eq!((name.tenant.as_ref().unwrap().as_str(), name.role), ("acme", Role::Ingestor));
        assert_eq!((name.principal.as_str(), name.bots.words()), ("shop-1", vec!["Sales_2".into(), "helper".into()]));
        let name = parse("spiffe://example.org/roles/auditor/principals/ann").unwrap();
        assert_eq!((name.tenant, name.role, name.bots), (None, Role::Auditor, BotScope::Any));
        let name = parse("spiffe://example.org/tenants/acme/roles/ingestor/principals/shop/bots/-").unwrap();
        assert_eq!(name.bots, BotScope::Any);
    }

    #[test]
    fn other_forms_are_malformed() {
        let good = "spiffe://example.org/tenants/acme/roles/reader/principals/ann";
        assert!(parse(good).is_ok());
        for bad in [
            String::new(),
            "spiffe://example.org".to_owned(),
            "spiffe://example.org/".to_owned(),
            good.replace("spiffe", "SPIFFE"),
            good.replace("spiffe", "https"),
            good.replace("://", ":/"),
            good.replace("acme", ""),
            good.replace("acme", "Acme"),
            good.replace("acme", "%61cme"),
            good.replace("acme", "-"),
            good.replace("tenants", "tenant"),
            good.replace("reader", "Reader"),
            good.replace("reader", "root"),
            good.replace("/principals/ann", ""),
            good.replace("ann", "ann@example.org"),
            good.replace("/tenants/acme/roles/reader", "/roles/reader/tenants/acme"),
            format!("{good}/"),
            format!("{good}/bots"),
            format!("{good}/bots/"),
            format!("{good}/bots/a/bots/a"),
            format!("{good}/bots/-/bots/a"),
            format!("{good}/bots/a:b"),
            format!("{good}/bots/.."),
            format!("{good}?x=y"),
            format!("{good}#x"),
            format!(" {good}"),
            format!("{good}\0"),
            format!("{good}{}", "/bots/a".repeat(400)),
            good.replace("reader", "ingestor"),
        ] {
            assert_eq!(parse(&bad), Err(Cause::CertificateMalformed), "{bad:?}");
        }
        let many: String = (0..=MAX_BOTS).map(|n| format!("/bots/b{n}")).collect();
        assert_eq!(parse(&format!("{good}{many}")), Err(Cause::CertificateMalformed));
    }

    #[test]
    fn another_trust_domain_is_unknown() {
        let good = "spiffe://example.org/roles/auditor/principals/ann";
        for other in ["example.com", "example.org.evil.net", "example.org:443", "u@example.org", "EXAMPLE.ORG", ""] {
            assert_eq!(parse(&good.replace("example.org", other)), Err(Cause::CertificateUnknown), "{other}");
        }
    }

    fn names() -> impl Strategy<Value = CertificateName> {
        let tenant = proptest::option::of("[a-z]([a-z0-9-]{0,20}[a-z0-9])?");
        let bots = proptest::collection::btree_set("[A-Za-z0-9][A-Za-z0-9._-]{0,20}", 0..6);
        (tenant, 0..Role::ALL.len(), "[a-z]([a-z0-9-]{0,40}[a-z0-9])?", bots).prop_map(
            |(tenant, role, principal, bots)| {
                let bots: Vec<String> = bots.into_iter().collect();
                CertificateName {
                    tenant: tenant.map(|tenant| tenant.parse().unwrap()),
                    role: Role::ALL[role],
                    principal: principal.parse().unwrap(),
                    bots: BotScope::parse(&bots).unwrap().unwrap_or(BotScope::Any),
                }
            },
        )
    }

    proptest! {
        #[test]
        fn a_written_name_reads_back(name in names()) {
            prop_assert_eq!(parse(&write(&name)), Ok(name));
        }

        #[test]
        fn what_is_read_was_written_that_way(name in names(), at in 0_usize..200, with in any::<char>()) {
            let mut uri: Vec<char> = write(&name).chars().collect();
            let at = at % uri.len();
            uri[at] = with;
            let uri: String = uri.into_iter().collect();
            if let Ok(read) = parse(&uri) {
                // The order of bots is free, and so is `/bots/-` where it changes nothing.
                let sorted = |uri: &str| {
                    let mut parts: Vec<String> = uri.split("/bots/").map(str::to_owned).collect();
                    parts.retain(|part| part != EVERY_BOT);
                    parts[1..].sort();
                    parts
                };
                prop_assert_eq!(sorted(&write(&read)), sorted(&uri));
            }
        }

        #[test]
        fn any_text_is_read_or_refused(uri in ".{0,300}", path in "(/[a-zA-Z0-9:._-]{0,9}){0,9}") {
            let _ = parse(&uri);
            let _ = parse(&format!("spiffe://example.org{path}"));
        }
    }
}
