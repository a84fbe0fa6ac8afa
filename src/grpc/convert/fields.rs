//! Single fields: names, words, times, pages.

use std::str::FromStr;
use std::sync::LazyLock;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::domain::{
    CaseReference, ConversationName, Error, IdError, Reason, RequestId, Result, TenantId, TenantName, Timestamp,
};
use crate::redaction::{Engine, Policy};
use crate::vault::{Idempotent, PageRequest};

/// Reads a required identifier.
pub(in crate::grpc) fn word<T: FromStr<Err = IdError>>(path: &str, text: &str) -> Result<T> {
    text.parse().map_err(|error: IdError| Error::invalid(path, error.expected))
}

/// Reads an identifier that may be left empty.
pub(in crate::grpc) fn optional_word<T: FromStr<Err = IdError>>(path: &str, text: &str) -> Result<Option<T>> {
    if text.is_empty() { Ok(None) } else { word(path, text).map(Some) }
}

/// Reads a required resource name.
pub(in crate::grpc) fn name<T: FromStr<Err = IdError>>(path: &str, text: &str) -> Result<T> {
    text.parse().map_err(|error: IdError| Error::new(Reason::InvalidName).at(path).hint(error.expected))
}

/// Reads the resource name of a tenant.
pub(in crate::grpc) fn tenant(path: &str, text: &str) -> Result<TenantId> {
    name::<TenantName>(path, text).map(|name| name.0)
}

/// Reads the resource name of a tenant that may be left empty.
pub(in crate::grpc) fn optional_tenant(path: &str, text: &str) -> Result<Option<TenantId>> {
    if text.is_empty() { Ok(None) } else { tenant(path, text).map(Some) }
}

/// Reads the resource name of a conversation.
pub(in crate::grpc) fn conversation(path: &str, text: &str) -> Result<ConversationName> {
    name(path, text)
}

/// Reads the case of a call.
pub(in crate::grpc) fn case(text: &str) -> Result<Option<CaseReference>> {
    impersonal("case_reference", text)?;
    optional_word("case_reference", text)
}

/// Refuses a word that is kept in clear, such as in the audit log, when the default redaction finds something in it.
pub(in crate::grpc) fn impersonal(path: &str, word: &str) -> Result<()> {
    static ENGINE: LazyLock<Option<Engine>> =
        LazyLock::new(|| Engine::new(Policy { version: 1, ..Policy::default() }).ok());
    let engine = ENGINE.as_ref().ok_or(Reason::RedactorUnavailable)?;
    if engine.scan(word).is_empty() { Ok(()) } else { Err(Error::new(Reason::PersonalDataInKey).at(path)) }
}

/// Reads a request id that may be left empty.
pub(in crate::grpc) fn request_id(text: &str) -> Result<Option<RequestId>> {
    optional_word("request_id", text)
}

/// Makes a request repeatable: its id, and the message encoded once `clear` has taken the id out of it.
pub(in crate::grpc) fn idempotent<M: prost::Message>(
    message: &mut M,
    id: impl FnOnce(&mut M) -> &mut String,
) -> Result<Option<Idempotent>> {
    let id = std::mem::take(id(message));
    let Some(id) = request_id(&id)? else { return Ok(None) };
    Ok(Some(Idempotent { id, body: Zeroizing::new(message.encode_to_vec()) }))
}

/// Reads a text of at most `most` bytes that may be left empty.
pub(in crate::grpc) fn optional_text(path: &str, text: String, most: usize) -> Result<Option<String>> {
    if text.len() > most {
        return Err(Error::invalid(path, "too long").limit(most as u64));
    }
    Ok((!text.is_empty()).then_some(text))
}

/// Reads a required text of at most `most` bytes.
pub(in crate::grpc) fn text(path: &str, text: String, most: usize) -> Result<String> {
    optional_text(path, text, most)?.ok_or_else(|| Error::invalid(path, "required"))
}

/// Reads a time (`google.protobuf.Timestamp`: years 0001 to 9999, nanoseconds under a second).
pub(in crate::grpc) fn time(path: &str, at: Option<prost_types::Timestamp>) -> Result<Option<Timestamp>> {
    let Some(at) = at else { return Ok(None) };
    let in_range = (-62_135_596_800..=253_402_300_799).contains(&at.seconds) && (0..1_000_000_000).contains(&at.nanos);
    if !in_range {
        return Err(Error::new(Reason::TimestampOutOfRange).at(path));
    }
    Ok(Some(Timestamp::from_unix_ms(at.seconds * 1_000 + i64::from(at.nanos / 1_000_000))))
}

/// Writes a time.
pub(in crate::grpc) fn show_time(at: Timestamp) -> prost_types::Timestamp {
    let ms = at.unix_ms();
    let nanos = i32::try_from(ms.rem_euclid(1_000) * 1_000_000).unwrap_or(0);
    prost_types::Timestamp { seconds: ms.div_euclid(1_000), nanos }
}

/// Reads a length of time, which is not negative.
pub(in crate::grpc) fn duration(path: &str, span: &prost_types::Duration) -> Result<Duration> {
    let wrong = || Error::invalid(path, "a duration of 0 or more, with nanoseconds from 0 to 999999999");
    let seconds = u64::try_from(span.seconds).map_err(|_| wrong())?;
    let nanos = u32::try_from(span.nanos).ok().filter(|nanos| *nanos < 1_000_000_000).ok_or_else(wrong)?;
    Ok(Duration::new(seconds, nanos))
}

/// Writes a length of time.
pub(in crate::grpc) fn show_duration(span: Duration) -> prost_types::Duration {
    prost_types::Duration {
        seconds: i64::try_from(span.as_secs()).unwrap_or(i64::MAX),
        nanos: i32::try_from(span.subsec_nanos()).unwrap_or(0),
    }
}

/// Reads what a list is asked for.
pub(in crate::grpc) fn page(size: i32, token: String) -> Result<PageRequest> {
    let size = usize::try_from(size).map_err(|_| Error::invalid("page_size", "0 or more"))?;
    Ok(PageRequest { size, token })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_outside_the_calendar_are_refused_and_others_read_back() {
        let at = |seconds, nanos| time("at", Some(prost_types::Timestamp { seconds, nanos }));
        for (seconds, nanos) in [(0, -1), (0, 1_000_000_000), (i64::MAX, 0), (i64::MIN, 0), (253_402_300_800, 0)] {
            let error = at(seconds, nanos).unwrap_err();
            assert_eq!((error.reason(), error.field()), (Reason::TimestampOutOfRange, Some("at")));
        }
        let before = at(-1, 500_000_000).unwrap().unwrap();
        assert_eq!(before.unix_ms(), -500);
        assert_eq!(show_time(before), prost_types::Timestamp { seconds: -1, nanos: 500_000_000 });
        assert_eq!(time("at", None).unwrap(), None);
    }

    #[test]
    fn tenants_are_resource_names_and_nothing_less() {
        assert_eq!(tenant("tenant", "tenants/acme").unwrap().as_str(), "acme");
        for wrong in ["acme", "", "tenants/", "tenants/acme/keys", "tenants/Acme"] {
            assert_eq!(tenant("tenant", wrong).unwrap_err().reason(), Reason::InvalidName, "{wrong}");
        }
    }

    #[test]
    fn texts_are_bounded_in_bytes() {
        assert_eq!(optional_text("t", "é".repeat(64), 128).unwrap().unwrap().len(), 128);
        assert_eq!(optional_text("t", "é".repeat(65), 128).unwrap_err().passed_limit(), Some(128));
        assert_eq!(text("t", String::new(), 128).unwrap_err().field(), Some("t"));
    }

    #[test]
    fn durations_are_not_negative() {
        let span = |seconds, nanos| duration("d", &prost_types::Duration { seconds, nanos });
        assert!(span(-1, 0).is_err() && span(0, -1).is_err() && span(0, 1_000_000_000).is_err());
        assert_eq!(span(1, 5).unwrap(), Duration::new(1, 5));
    }

    #[test]
    fn the_body_of_a_repeated_request_does_not_hold_its_id() {
        let id = "0191f0aa-7d3c-7e21-8c5e-3b1f2a9d4c55";
        let body = |id: &str, bot: &str| {
            let mut message = subrosa_proto::v1::CreateConversationRequest {
                parent: bot.to_owned(),
                request_id: id.to_owned(),
                ..Default::default()
            };
            idempotent(&mut message, |message| &mut message.request_id)
        };
        let first = body(id, "a").unwrap().unwrap();
        assert_eq!(*first.body, *body(&id.replace('c', "d"), "a").unwrap().unwrap().body);
        assert_ne!(*first.body, *body(id, "b").unwrap().unwrap().body);
        assert!(body("", "a").unwrap().is_none());
        assert_eq!(
            body("x", "a").err().and_then(|error| error.field().map(str::to_owned)).as_deref(),
            Some("request_id")
        );
    }
}
