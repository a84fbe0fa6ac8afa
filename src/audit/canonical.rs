//! The canonical form of an entry: [RFC 8785](https://www.rfc-editor.org/rfc/rfc8785) JSON.
//!
//! Every string is plain ASCII without anything JSON escapes and every number an integer below 2^53, so the canonical
//! form is no more than "keys in byte order, no white space"; the tests compare it with a general RFC 8785 encoder.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::fmt::temporal::DateTimePrinter;
use serde::Deserialize;
use uuid::Uuid;

use super::entry::{Entry, EntryError, Fields, MAX_ENTRY_BYTES};
use super::vocabulary::{Count, Decision, Phase, PolicyKind};

/// Version of the entry format.
const VERSION: u64 = 1;

/// RFC 3339 in UTC, always with three decimals.
const TIME: DateTimePrinter = DateTimePrinter::new().precision(Some(3));

/// Writes the canonical bytes of checked fields; the order of the lines is the byte order of the keys.
pub(super) fn encode(fields: &Fields) -> Result<Vec<u8>, EntryError> {
    let time = time(fields.time_unix_ms)?;
    let mut json = Json(String::with_capacity(MAX_ENTRY_BYTES));
    json.0.push('{');
    json.string("actor", &fields.actor);
    json.optional("case", fields.case.as_deref());
    json.map("counts", fields.counts.iter().map(|(count, value)| (count.as_str(), *value)));
    json.string("decision", fields.decision.as_str());
    json.optional_integer("first", fields.first);
    json.optional_integer("key_version", fields.key_version);
    json.optional_integer("last", fields.last);
    json.string("log", &fields.log);
    json.optional("object", fields.object.as_deref());
    json.string("op", &fields.op);
    json.string("phase", fields.phase.as_str());
    json.map("policies", fields.policies.iter().map(|(kind, version)| (kind.as_str(), *version)));
    json.optional("purpose", fields.purpose.as_deref());
    json.optional("reason", fields.reason.as_deref());
    if let Some(id) = fields.request_id {
        json.string("request_id", id.hyphenated().encode_lower(&mut Uuid::encode_buffer()));
    }
    json.string("role", &fields.role);
    json.key("time");
    json.0.push('"');
    TIME.print_timestamp(&time, &mut json.0).map_err(|_| EntryError::Time)?;
    json.0.push('"');
    json.optional_integer("v", Some(VERSION));
    json.0.push('}');
    Ok(json.0.into_bytes())
}

/// Reads canonical bytes: JSON of the right shape whose fields, checked and written again, give the same bytes.
pub(super) fn parse(bytes: &[u8]) -> Result<Entry, EntryError> {
    if bytes.len() > MAX_ENTRY_BYTES {
        return Err(EntryError::TooLong(bytes.len()));
    }
    let entry = match serde_json::from_slice::<Wire<'_>>(bytes) {
        Ok(wire) => wire.into_entry()?,
        Err(_) => return Err(malformed(bytes)),
    };
    if entry.canonical() == bytes { Ok(entry) } else { Err(EntryError::NotCanonical) }
}

/// An entry as JSON has it. Strings are borrowed, so one with an escape in it is refused.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire<'a> {
    actor: &'a str,
    case: Option<&'a str>,
    #[serde(borrow)]
    counts: Option<BTreeMap<&'a str, u64>>,
    decision: &'a str,
    first: Option<u64>,
    key_version: Option<u64>,
    last: Option<u64>,
    log: &'a str,
    object: Option<&'a str>,
    op: &'a str,
    phase: &'a str,
    #[serde(borrow)]
    policies: Option<BTreeMap<&'a str, u64>>,
    purpose: Option<&'a str>,
    reason: Option<&'a str>,
    request_id: Option<&'a str>,
    role: &'a str,
    time: &'a str,
    v: u64,
}

impl Wire<'_> {
    /// Takes the fields through the same checks as a new entry.
    fn into_entry(self) -> Result<Entry, EntryError> {
        if self.v != VERSION {
            return Err(EntryError::Version(self.v));
        }
        let time: Timestamp = self.time.parse().map_err(|_| EntryError::Time)?;
        let mut builder = Entry::builder(time.as_millisecond(), self.log, self.op)
            .actor(self.actor)
            .role(self.role)
            .phase(word("phase", Phase::from_word(self.phase))?);
        builder = match word("decision", Decision::from_word(self.decision))? {
            Decision::Allow => builder.allow(),
            Decision::Deny => builder.deny(self.reason.ok_or(EntryError::Missing("reason"))?),
        };
        for (name, value) in self.counts.unwrap_or_default() {
            builder = builder.count(word("counts", Count::from_word(name))?, value);
        }
        for (name, version) in self.policies.unwrap_or_default() {
            builder = builder.policy(word("policies", PolicyKind::from_word(name))?, version);
        }
        if let Some(id) = self.request_id {
            builder = builder.request_id(Uuid::try_parse(id).map_err(|_| EntryError::Field("request_id"))?);
        }
        builder = match (self.first, self.last) {
            (Some(first), Some(last)) => builder.sequences(first, last),
            (None, Some(last)) => builder.last_sequence(last),
            (None, None) => builder,
            (Some(_), None) => return Err(EntryError::Sequences),
        };
        let builder = self.reason.into_iter().fold(builder, |builder, reason| builder.reason(reason));
        let builder = self.object.into_iter().fold(builder, |builder, object| builder.object(object));
        let builder = self.purpose.into_iter().fold(builder, |builder, purpose| builder.purpose(purpose));
        let builder = self.case.into_iter().fold(builder, |builder, case| builder.case(case));
        self.key_version.into_iter().fold(builder, |builder, version| builder.key_version(version)).build()
    }
}

/// Names a later format version where there is one, so that the remedy (a newer program) is plain.
fn malformed(bytes: &[u8]) -> EntryError {
    #[derive(Deserialize)]
    struct Versioned {
        v: u64,
    }
    match serde_json::from_slice::<Versioned>(bytes) {
        Ok(Versioned { v }) if v != VERSION => EntryError::Version(v),
        _ => EntryError::Malformed,
    }
}

/// Turns an unknown word into the error of its field.
fn word<T>(field: &'static str, word: Option<T>) -> Result<T, EntryError> {
    word.ok_or(EntryError::Field(field))
}

/// The moment, if RFC 3339 can write it and it is not before the epoch.
fn time(unix_ms: i64) -> Result<Timestamp, EntryError> {
    if unix_ms < 0 {
        return Err(EntryError::Time);
    }
    Timestamp::from_millisecond(unix_ms).map_err(|_| EntryError::Time)
}

/// A JSON object being written. Its strings need no escapes: `charset` has seen them.
struct Json(String);

impl Json {
    fn key(&mut self, key: &str) {
        if !self.0.ends_with('{') {
            self.0.push(',');
        }
        self.0.push('"');
        self.0.push_str(key);
        self.0.push_str("\":");
    }

    fn string(&mut self, key: &str, value: &str) {
        self.key(key);
        self.0.push('"');
        self.0.push_str(value);
        self.0.push('"');
    }

    fn optional(&mut self, key: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.string(key, value);
        }
    }

    fn integer(&mut self, key: &str, value: u64) {
        self.key(key);
        let mut digits = [0; 20];
        let mut at = digits.len();
        let mut rest = value;
        loop {
            at -= 1;
            digits[at] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        self.0.extend(digits[at..].iter().map(|digit| char::from(*digit)));
    }

    fn optional_integer(&mut self, key: &str, value: Option<u64>) {
        if let Some(value) = value {
            self.integer(key, value);
        }
    }

    /// Leaves an empty map out.
    fn map<'a>(&mut self, key: &str, entries: impl ExactSizeIterator<Item = (&'a str, u64)>) {
        if entries.len() == 0 {
            return;
        }
        self.key(key);
        self.0.push('{');
        for (name, value) in entries {
            self.integer(name, value);
        }
        self.0.push('}');
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::audit::EntryBuilder;
    use crate::audit::MAX_INTEGER;

    /// Builders with any set of optional fields, of any admitted value (they may be too long together).
    fn builders() -> impl Strategy<Value = EntryBuilder> {
        let small = 0..=MAX_INTEGER;
        let required = (0..253_402_300_799_999_i64, "(system|tenants/[a-z0-9-]{1,8})", "[A-Z][A-Za-z0-9]{0,20}");
        let who = ("[a-z0-9_]{1,12}", "[a-z_]{1,9}", proptest::option::of("[A-Z][A-Z0-9_]{0,20}"));
        let strings = (
            proptest::option::of("[a-z0-9-]{1,9}(/[a-zA-Z0-9._~-]{1,9}){0,3}"),
            proptest::option::of("[A-Z][A-Z0-9_]{0,9}"),
            proptest::option::of("[A-Za-z0-9][A-Za-z0-9._~-]{0,9}"),
        );
        let numbers = (
            proptest::collection::vec((proptest::sample::select(Count::ALL), small.clone()), 0..4),
            proptest::collection::vec((proptest::sample::select(PolicyKind::ALL), 0..1000_u64), 0..3),
            proptest::option::of(small.clone()),
            proptest::option::of(proptest::array::uniform2(small)),
        );
        let rest = (proptest::sample::select(Phase::ALL), proptest::option::of(any::<u128>()));
        (required, who, strings, numbers, rest).prop_map(|(required, who, strings, numbers, rest)| {
            let mut builder = Entry::builder(required.0, &required.1, &required.2).actor(&who.0).role(&who.1);
            builder = who.2.iter().fold(builder.allow(), |b, reason| b.deny(reason));
            builder = strings.0.iter().fold(builder, |b, name| b.object(name));
            builder = strings.1.iter().fold(builder, |b, purpose| b.purpose(purpose));
            builder = strings.2.iter().fold(builder, |b, case| b.case(case));
            builder = numbers.0.iter().fold(builder, |b, (count, value)| b.count(*count, *value));
            builder = numbers.1.iter().fold(builder, |b, (kind, version)| b.policy(*kind, *version));
            builder = numbers.2.iter().fold(builder, |b, version| b.key_version(*version));
            builder = numbers.3.iter().fold(builder, |b, [x, y]| b.sequences(*x.min(y), *x.max(y)));
            rest.1.iter().fold(builder.phase(rest.0), |b, id| b.request_id(Uuid::from_u128(*id)))
        })
    }

    proptest! {
        #[test]
        fn is_what_a_general_rfc_8785_encoder_writes(builder in builders()) {
            let Ok(entry) = builder.build() else { return Ok(()) };
            let value: serde_json::Value = serde_json::from_slice(entry.canonical()).unwrap();
            prop_assert_eq!(serde_json_canonicalizer::to_vec(&value).unwrap(), entry.canonical());
        }

        #[test]
        fn reads_back(builder in builders()) {
            let Ok(entry) = builder.build() else { return Ok(()) };
            prop_assert_eq!(parse(entry.canonical()), Ok(entry));
        }

        #[test]
        fn random_bytes_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            prop_assert!(parse(&bytes).is_err());
        }
    }

    const ENTRY: &str = concat!(
        r#"{"actor":"key_1","counts":{"findings":2,"records":1},"decision":"ALLOW","first":4,"last":4,"#,
        r#""log":"tenants/acme","object":"tenants/acme/conversations/c1","op":"AppendRecords","phase":"ACT","#,
        r#""policies":{"redaction":3},"request_id":"0190a1b2-0000-7000-8000-00000000000a","role":"ingestor","#,
        r#""time":"2026-11-21T09:06:19.120Z","v":1}"#,
    );

    #[test]
    fn same_content_in_another_form_is_not_canonical() {
        assert_eq!(parse(ENTRY.as_bytes()).unwrap().canonical(), ENTRY.as_bytes());
        for (from, to) in [
            (r#"{"actor""#, r#"{ "actor""#),
            (r#""v":1}"#, "\"v\":1}\n"),
            (r#""findings":2,"records":1"#, r#""records":1,"findings":2"#),
            (r#""first":4,"last":4"#, r#""last":4,"first":4"#),
            ("19.120Z", "19.12Z"),
            ("19.120Z", "19.1200Z"),
            ("09:06:19.120Z", "10:06:19.120+01:00"),
            ("T09", "t09"),
            ("00000000000a", "00000000000A"),
            ("0190a1b2-0000", "0190a1b20000"),
            (r#""redaction":3"#, r#""redaction":2,"redaction":3"#),
            (r#","log""#, r#","key_version":null,"log""#),
        ] {
            let other = ENTRY.replacen(from, to, 1);
            assert_ne!(other, ENTRY, "{from}");
            let refused = [EntryError::NotCanonical, EntryError::Field("request_id")];
            assert!(parse(other.as_bytes()).is_err_and(|error| refused.contains(&error)), "{other}");
        }
    }

    #[test]
    fn other_content_than_an_entry_has_is_refused() {
        use EntryError::{Field, Integer, Malformed, Missing, Sequences, Time, TooLong, Version};
        for (from, to, error) in [
            ("key_1", "Jane", Field("actor")),
            ("key_1", r"key\u005f1", Malformed),
            (r#""actor":"key_1","#, "", Malformed),
            (r#"{"actor""#, r#"{"about":"x","actor""#, Malformed),
            (r#""v":1"#, r#""v":2"#, Version(2)),
            (r#""v":1"#, r#""v":2,"zone":"x""#, Version(2)),
            (r#""v":1"#, r#""v":1,"zone":"x""#, Malformed),
            ("findings", "finding", Field("counts")),
            ("ACT", "act", Field("phase")),
            ("ALLOW", "MAYBE", Field("decision")),
            ("ALLOW", "DENY", Missing("reason")),
            (r#""first":4"#, r#""first":5"#, Sequences),
            (r#","last":4"#, "", Sequences),
            (r#""findings":2"#, r#""findings":9007199254740992"#, Integer("counts")),
            (r#""findings":2"#, r#""findings":2.0"#, Malformed),
            (r#""findings":2"#, r#""findings":-2"#, Malformed),
            ("2026-11-21T", "2026-13-21T", Time),
            ("tenants/acme/conversations/c1", &"c".repeat(300), TooLong(ENTRY.len() + 271)),
        ] {
            let other = ENTRY.replacen(from, to, 1);
            assert_eq!(parse(other.as_bytes()), Err(error), "{other}");
        }
    }

    #[test]
    fn every_flipped_bit_gives_another_entry_or_none() {
        for bit in 0..ENTRY.len() * 8 {
            let mut flipped = ENTRY.as_bytes().to_vec();
            flipped[bit / 8] ^= 1 << (bit % 8);
            if let Ok(entry) = parse(&flipped) {
                assert_eq!(entry.canonical(), flipped);
            }
        }
    }
}
