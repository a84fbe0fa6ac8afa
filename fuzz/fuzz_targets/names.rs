//! Resource names and identifiers: what is accepted prints as it was written, and a refusal is a fixed sentence.

#![no_main]

use std::fmt::Display;
use std::str::FromStr;

use libfuzzer_sys::fuzz_target;
use subrosa::domain::{
    CaseReference, ConversationId, ConversationName, IdError, KeyName, PolicyName, PrincipalId, RequestId, Slug,
    TenantId, TenantName, Timestamp,
};
use subrosa::grpc::fuzzing;
use subrosa_fuzz::told;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    prints_as_written::<TenantName>(text, 8 + 32);
    prints_as_written::<ConversationName>(text, 8 + 32 + 15 + 36);
    prints_as_written::<KeyName>(text, 8 + 32 + 6 + 10);
    prints_as_written::<PolicyName>(text, 8 + 32 + 10 + 9);
    prints_as_written::<TenantId>(text, 32);
    prints_as_written::<PrincipalId>(text, 63);
    prints_as_written::<Slug>(text, 64);
    prints_as_written::<CaseReference>(text, 32);
    prints_as_written::<ConversationId>(text, 36);
    prints_as_written::<RequestId>(text, 36);
    time(text);
    of_the_wire(text);
});

/// What is accepted is printed back, byte for byte, and is no longer than it may be: two spellings of one thing would be two
/// things to whoever compares texts.
fn prints_as_written<T: FromStr<Err = IdError> + Display>(text: &str, most: usize) {
    match text.parse::<T>() {
        Ok(parsed) => {
            assert_eq!(parsed.to_string(), text);
            assert!(text.len() <= most, "{} bytes", text.len());
        }
        Err(error) => told::fixed(error),
    }
}

/// A time may be written in many ways; what it prints has one.
fn time(text: &str) {
    if let Ok(time) = text.parse::<Timestamp>() {
        let printed = time.to_string();
        assert_eq!(printed.parse::<Timestamp>().expect("it reads what it prints"), time);
        assert!(printed.ends_with('Z') && time.day().start() <= time);
    }
}

/// The names that only the wire reads.
fn of_the_wire(text: &str) {
    match fuzzing::policy_name(text) {
        Ok((name, None)) => assert_eq!(name.to_string(), text),
        Ok((name, Some(version))) => assert_eq!(format!("{name}/versions/{version}"), text),
        Err(error) => told::refusal(&error),
    }
    match fuzzing::object(text) {
        Ok((None, None)) => assert!(text.is_empty()),
        Ok((None, Some(_))) => panic!("a conversation of no tenant"),
        Ok((Some(of), None)) => assert!(text == format!("tenants/{of}") || text.starts_with(&format!("tenants/{of}/"))),
        Ok((Some(of), Some(name))) => {
            assert!(name.tenant == of && text.starts_with(&name.to_string()));
        }
        Err(error) => told::refusal(&error),
    }
    match fuzzing::key_id(text) {
        Ok(id) => assert_eq!(format!("apiKeys/{id}"), text),
        Err(error) => told::refusal(&error),
    }
}
