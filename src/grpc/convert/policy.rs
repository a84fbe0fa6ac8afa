//! Policies.

use std::collections::{BTreeMap, BTreeSet};

use subrosa_proto::v1::{self, policy::Document};

use crate::domain::{Error, PolicyName, Reason, Result, RetentionPolicy, Slug};
use crate::redaction::{Class, Operator, Pack, Policy};
use crate::vault::{PolicyDocument, PolicyView};

use super::enums::show_policy_kind;
use super::fields::{duration, impersonal, name, show_time, word};

const DAY_SECONDS: u64 = 86_400;

/// Reads the name of a policy, or of one of its versions.
pub(in crate::grpc) fn policy_name(path: &str, text: &str) -> Result<(PolicyName, Option<u32>)> {
    let Some((policy, version)) = text.split_once("/versions/") else { return Ok((name(path, text)?, None)) };
    let wrong = || Error::new(Reason::InvalidName).at(path).hint("tenants/{tenant}/policies/{kind}/versions/{version}");
    if version.starts_with(['0', '+']) {
        return Err(wrong());
    }
    Ok((name(path, policy)?, Some(version.parse().map_err(|_| wrong())?)))
}

/// Reads what a proposed policy says.
pub(in crate::grpc) fn document(policy: Option<v1::Policy>) -> Result<PolicyDocument> {
    match policy.and_then(|policy| policy.document) {
        Some(Document::Redaction(policy)) => {
            let read = redaction(&policy).map_err(|error| error.within("policy.redaction"))?;
            Ok(PolicyDocument::Redaction(Box::new(read)))
        }
        Some(Document::Retention(policy)) => {
            retention(&policy).map(PolicyDocument::Retention).map_err(|error| error.within("policy.retention"))
        }
        None => Err(Error::invalid("policy", "a redaction or a retention policy is required")),
    }
}

fn invalid(path: impl Into<String>, hint: &'static str) -> Error {
    Error::new(Reason::PolicyInvalid).at(path).hint(hint)
}

fn redaction(policy: &v1::RedactionPolicy) -> Result<Policy> {
    match v1::NamesTier::try_from(policy.names) {
        Ok(v1::NamesTier::Unspecified | v1::NamesTier::Off) => {}
        Ok(v1::NamesTier::Required) => return Err(invalid("names", "this build has no model that finds names")),
        Err(_) => return Err(Error::new(Reason::UnknownEnum).at("names")),
    }
    let mut read = Policy { packs: packs(&policy.packs)?, ..Policy::default() };
    if !policy.rules.is_empty() {
        read.classes = BTreeSet::new();
    }
    for (index, rule) in policy.rules.iter().enumerate() {
        let class: Class = rule
            .finding_class
            .parse()
            .map_err(|_| invalid(format!("rules[{index}].finding_class"), "no such class in this build"))?;
        if !read.classes.insert(class) {
            return Err(invalid(format!("rules[{index}].finding_class"), "each class once"));
        }
        if let Some(operator) = operator(&format!("rules[{index}].operator"), rule.operator)? {
            read.operators.insert(class, operator);
        }
    }
    Ok(read)
}

fn operator(path: &str, value: i32) -> Result<Option<Operator>> {
    use v1::RedactionOperator as Wire;
    match Wire::try_from(value) {
        Ok(Wire::Unspecified) => Ok(None),
        Ok(Wire::Drop) => Ok(Some(Operator::Drop)),
        Ok(Wire::Mask) => Ok(Some(Operator::Mask)),
        Ok(Wire::Pseudonym) => Ok(Some(Operator::Pseudonym)),
        Err(_) => Err(Error::new(Reason::UnknownEnum).at(path)),
    }
}

/// The word that stands for no pack; an empty list is the default.
const NO_PACK: &str = "none";

fn packs(names: &[String]) -> Result<BTreeSet<Pack>> {
    match names {
        [] => return Ok(Policy::default().packs),
        [only] if only == NO_PACK => return Ok(BTreeSet::new()),
        _ => {}
    }
    let mut packs = BTreeSet::new();
    for (index, name) in names.iter().enumerate() {
        match Pack::ALL.iter().find(|pack| pack.as_str() == name) {
            Some(pack) => drop(packs.insert(*pack)),
            None if name == "all" => packs.extend(Pack::ALL),
            None => return Err(invalid(format!("packs[{index}]"), "no such pack in this build")),
        }
    }
    Ok(packs)
}

fn retention(policy: &v1::RetentionPolicy) -> Result<RetentionPolicy> {
    let mut classes: BTreeMap<Slug, u32> = BTreeMap::new();
    for (index, class) in policy.classes.iter().enumerate() {
        let path = |field: &str| format!("classes[{index}].{field}");
        let days = days(&path("retention"), class.retention.as_ref())?;
        impersonal(&path("name"), &class.name)?;
        if classes.insert(word(&path("name"), &class.name)?, days).is_some() {
            return Err(invalid(path("name"), "each class once"));
        }
    }
    let default_class = word("default_class", &policy.default_class)?;
    RetentionPolicy::new(default_class, classes).map_err(|error| {
        invalid("classes", "1 to 64 classes of 1 to 36525 days, the default among them").because(error)
    })
}

fn days(path: &str, span: Option<&prost_types::Duration>) -> Result<u32> {
    let span = span.map(|span| duration(path, span)).transpose()?.unwrap_or_default();
    let whole = span.subsec_nanos() == 0 && span.as_secs() % DAY_SECONDS == 0;
    let days = u32::try_from(span.as_secs() / DAY_SECONDS).ok().filter(|days| whole && *days > 0);
    days.ok_or_else(|| invalid(path, "whole days, 1 at least"))
}

/// Writes one version of a policy.
pub(in crate::grpc) fn show(view: PolicyView) -> v1::Policy {
    let document = match view.document {
        PolicyDocument::Redaction(policy) => Document::Redaction(show_redaction(&policy)),
        PolicyDocument::Retention(policy) => Document::Retention(show_retention(policy)),
    };
    v1::Policy {
        name: format!("{}/versions/{}", view.name, view.version),
        kind: show_policy_kind(view.name.kind).into(),
        version: view.version.into(),
        create_time: Some(show_time(view.create_time)),
        active: view.active,
        document: Some(document),
    }
}

/// Every class that is looked for stands there with the operator that is in force for it.
fn show_redaction(policy: &Policy) -> v1::RedactionPolicy {
    let rule = |class: &Class| v1::ClassRule {
        finding_class: class.as_str().to_owned(),
        operator: show_operator(policy.operator(*class)).into(),
    };
    v1::RedactionPolicy {
        rules: policy.classes.iter().map(rule).collect(),
        packs: match policy.packs.is_empty() {
            true => vec![NO_PACK.to_owned()],
            false => policy.packs.iter().map(|pack| pack.as_str().to_owned()).collect(),
        },
        names: v1::NamesTier::Off.into(),
    }
}

/// Writes an operator.
pub(super) fn show_operator(operator: Operator) -> v1::RedactionOperator {
    match operator {
        Operator::Drop => v1::RedactionOperator::Drop,
        Operator::Mask => v1::RedactionOperator::Mask,
        Operator::Pseudonym => v1::RedactionOperator::Pseudonym,
    }
}

fn show_retention(policy: RetentionPolicy) -> v1::RetentionPolicy {
    let class = |(name, days): (Slug, u32)| v1::RetentionClass {
        name: name.into(),
        retention: Some(prost_types::Duration { seconds: i64::from(days) * 86_400, nanos: 0 }),
    };
    v1::RetentionPolicy {
        default_class: policy.default_class.into(),
        classes: policy.classes.into_iter().map(class).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(class: &str, operator: v1::RedactionOperator) -> v1::ClassRule {
        v1::ClassRule { finding_class: class.to_owned(), operator: operator.into() }
    }

    #[test]
    fn a_redaction_policy_reads_back_as_it_was_shown() {
        let policy = v1::RedactionPolicy {
            rules: vec![rule("EMAIL", v1::RedactionOperator::Drop), rule("CARD", v1::RedactionOperator::Unspecified)],
            packs: vec!["all".to_owned()],
            names: 0,
        };
        let read = redaction(&policy).unwrap();
        assert_eq!(read.classes, [Class::Email, Class::Card].into());
        assert_eq!((read.operator(Class::Email), read.operator(Class::Card)), (Operator::Drop, Operator::Mask));
        let shown = show_redaction(&read);
        assert_eq!(shown.packs, Pack::ALL.iter().map(|pack| pack.as_str()).collect::<Vec<_>>());
        let again = redaction(&shown).unwrap();
        assert_eq!((again.classes, again.packs), (read.classes, read.packs));
    }

    #[test]
    fn what_is_left_empty_is_the_default_and_none_is_said() {
        let default = redaction(&v1::RedactionPolicy::default()).unwrap();
        assert_eq!((&default.classes, &default.packs), (&Policy::default().classes, &Policy::default().packs));
        let packs = |packs: &[&str]| v1::RedactionPolicy {
            packs: packs.iter().map(|pack| (*pack).to_owned()).collect(),
            ..Default::default()
        };
        let none = redaction(&packs(&["none"])).unwrap();
        assert!(none.packs.is_empty());
        let shown = show_redaction(&none);
        assert_eq!(shown.packs, ["none"]);
        assert_eq!(redaction(&shown).unwrap().packs, none.packs, "what is shown reads back");
        assert_eq!(redaction(&packs(&["none", "us"])).unwrap_err().field(), Some("packs[0]"));
    }

    #[test]
    fn what_this_build_cannot_do_is_no_policy() {
        let empty = v1::RedactionPolicy::default;
        let unspecified = v1::RedactionOperator::Unspecified;
        let cases = [
            (v1::RedactionPolicy { names: v1::NamesTier::Required.into(), ..empty() }, "names"),
            (v1::RedactionPolicy { packs: vec!["atlantis".to_owned()], ..empty() }, "packs[0]"),
            (v1::RedactionPolicy { rules: vec![rule("FAX", unspecified)], ..empty() }, "rules[0].finding_class"),
            (
                v1::RedactionPolicy { rules: vec![rule("IP", unspecified), rule("IP", unspecified)], ..empty() },
                "rules[1].finding_class",
            ),
        ];
        for (policy, field) in cases {
            let error = redaction(&policy).unwrap_err();
            assert_eq!((error.reason(), error.field()), (Reason::PolicyInvalid, Some(field)));
        }
    }

    #[test]
    fn retention_is_in_whole_days() {
        let policy = |seconds| v1::RetentionPolicy {
            classes: vec![v1::RetentionClass {
                name: "short".to_owned(),
                retention: Some(prost_types::Duration { seconds, nanos: 0 }),
            }],
            default_class: "short".to_owned(),
        };
        let read = retention(&policy(7 * 86_400)).unwrap();
        assert_eq!(read.days(&"short".parse().unwrap()), Some(7));
        assert_eq!(show_retention(read), policy(7 * 86_400));
        for seconds in [0, 1, 86_401, -86_400, i64::MAX, i64::MIN] {
            assert_eq!(retention(&policy(seconds)).unwrap_err().field(), Some("classes[0].retention"), "{seconds}");
        }
    }

    #[test]
    fn versions_are_part_of_names() {
        let read = |text| policy_name("name", text);
        assert_eq!(read("tenants/acme/policies/retention").unwrap().1, None);
        assert_eq!(read("tenants/acme/policies/retention/versions/3").unwrap().1, Some(3));
        for wrong in ["tenants/acme/policies/retention/versions/0", "tenants/acme/policies/x/versions/1", "versions/1"]
        {
            assert_eq!(read(wrong).unwrap_err().reason(), Reason::InvalidName, "{wrong}");
        }
    }
}
