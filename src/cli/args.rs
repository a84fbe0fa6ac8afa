//! Arguments that several commands take, and what they become on the wire.

use std::future::Future;

use clap::Args;
use subrosa_proto::v1;

use crate::domain::{Audience, Purpose, Role, Timestamp};

use super::exit::CliError;

/// How many things a list shows.
#[derive(Args, Debug, Clone)]
pub(super) struct LimitArgs {
    /// Show at most this many; 0 for all
    #[arg(long, default_value_t = 50)]
    pub limit: usize,
}

/// Why content is read.
#[derive(Args, Debug, Clone)]
pub(super) struct PurposeArgs {
    /// Why the content is read: support, quality, compliance, legal, subject-request, security or training
    #[arg(long, value_parser = purpose)]
    pub purpose: Purpose,
    /// The case that it belongs to, kept in the audit log
    #[arg(long = "case", value_name = "CASE", default_value = "", hide_default_value = true)]
    pub case_reference: String,
}

impl PurposeArgs {
    /// Returns the purpose as it stands on the wire.
    pub(super) fn wire(&self) -> i32 {
        i32::from(self.purpose.code())
    }
}

pub(super) fn purpose(text: &str) -> Result<Purpose, &'static str> {
    text.to_ascii_uppercase().replace('-', "_").parse().map_err(|_| "no such purpose")
}

/// Reads a role.
pub(super) fn role(text: &str) -> Result<v1::Role, &'static str> {
    let role: Role = text
        .to_ascii_lowercase()
        .parse()
        .map_err(|_| "one of ingestor, reader, compliance, privacy, approver, operator, security, auditor")?;
    v1::Role::try_from(i32::from(role.code())).map_err(|_| "no such role")
}

/// Reads an audience.
pub(super) fn audience(text: &str) -> Result<v1::Audience, &'static str> {
    let audience: Audience = text.to_ascii_lowercase().parse().map_err(|_| "internal or customer")?;
    v1::Audience::try_from(i32::from(audience.code())).map_err(|_| "internal or customer")
}

/// Reads a tenant, `acme` or `tenants/acme`, and returns its resource name.
pub(super) fn tenant(text: &str) -> Result<String, &'static str> {
    let id = text.strip_prefix("tenants/").unwrap_or(text);
    let id: crate::domain::TenantId = id.parse().map_err(|_| "a tenant is 1 to 63 of a-z, 0-9 and -, such as acme")?;
    Ok(format!("tenants/{id}"))
}

/// Reads a time: RFC 3339, or a date for 00:00 UTC of it.
pub(super) fn time(text: &str) -> Result<prost_types::Timestamp, &'static str> {
    let full = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_owned() };
    let at: Timestamp = full.parse().map_err(|_| "a time such as 2026-11-21T08:00:00Z, or a date")?;
    let nanos = i32::try_from(at.unix_ms().rem_euclid(1000) * 1_000_000).unwrap_or(0);
    Ok(prost_types::Timestamp { seconds: at.unix_ms().div_euclid(1000), nanos })
}

/// Reads a duration such as `12h` or `90d`.
pub(super) fn duration(text: &str) -> Result<prost_types::Duration, &'static str> {
    let duration = crate::config::duration(text).ok_or("a duration such as 12h or 90d, at most 366d")?;
    let seconds = i64::try_from(duration.as_secs()).map_err(|_| "too long")?;
    Ok(prost_types::Duration { seconds, nanos: i32::try_from(duration.subsec_nanos()).unwrap_or(0) })
}

/// Fetches pages until there is no more, or `limit` things are there. `fetch` is handed the page size and the page token,
/// and returns the things and the next token.
///
/// # Errors
///
/// The first error of `fetch`.
pub(super) async fn pages<T, F, R>(limit: &LimitArgs, mut fetch: F) -> Result<Vec<T>, CliError>
where
    F: FnMut(i32, String) -> R,
    R: Future<Output = Result<(Vec<T>, String), CliError>>,
{
    let limit = if limit.limit == 0 { usize::MAX } else { limit.limit };
    let mut found = Vec::new();
    let mut token = String::new();
    loop {
        let size = (limit - found.len()).min(PAGE_SIZE);
        let (page, next) = fetch(i32::try_from(size).unwrap_or(i32::MAX), token).await?;
        found.extend(page);
        if found.len() >= limit || next.is_empty() {
            found.truncate(limit);
            return Ok(found);
        }
        token = next;
    }
}

/// How many things a page holds: an audit entry may be 32 KiB, and an answer stays under 4 MiB.
const PAGE_SIZE: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_the_vocabulary_are_those_of_the_wire() {
        for each in Purpose::ALL {
            let wire = v1::Purpose::try_from(i32::from(each.code())).unwrap();
            assert_eq!(wire.as_str_name(), format!("PURPOSE_{each}"));
        }
        for each in Role::ALL {
            assert_eq!(role(each.as_str()).unwrap().as_str_name(), format!("ROLE_{}", each.as_str().to_uppercase()));
        }
        assert_eq!(audience("internal"), Ok(v1::Audience::Internal));
        assert_eq!(purpose("subject-request"), Ok(Purpose::SubjectRequest));
        assert!(purpose("curiosity").is_err());
    }

    #[test]
    fn tenants_and_times_are_read() {
        assert_eq!(tenant("acme").unwrap(), "tenants/acme");
        assert_eq!(tenant("tenants/acme").unwrap(), "tenants/acme");
        assert!(tenant("tenants/a/b").is_err());
        assert_eq!(time("1970-01-02").unwrap().seconds, 86_400);
        assert_eq!(time("1969-12-31T23:59:59.5Z").unwrap(), prost_types::Timestamp { seconds: -1, nanos: 500_000_000 });
        assert!(time("yesterday").is_err());
        assert_eq!(duration("90d").unwrap().seconds, 90 * 86_400);
    }

    #[tokio::test]
    async fn pages_are_fetched_up_to_the_limit() {
        for (limit, expected) in [(0, 250), (10, 10), (120, 120), (300, 250)] {
            let limit = LimitArgs { limit };
            let found = pages(&limit, |size, token| async move {
                let from: usize = token.parse().unwrap_or(0);
                let to = (from + usize::try_from(size).unwrap()).min(250);
                let next = if to == 250 { String::new() } else { to.to_string() };
                Ok(((from..to).collect(), next))
            });
            assert_eq!(found.await.unwrap(), (0..expected).collect::<Vec<_>>());
        }
    }
}
