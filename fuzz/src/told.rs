//! What an error may say: fixed words, numbers, and the names of the protocol's fields. Never what was sent.

use std::collections::BTreeSet;
use std::error::Error as _;
use std::sync::LazyLock;

use prost::Message as _;
use prost_types::{DescriptorProto, FileDescriptorSet};
use subrosa::domain::{Error, Reason};
use subrosa::grpc;

/// How many bytes in a row of the input make an echo.
const ECHO: usize = 8;

static FIELDS: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
    let set = FileDescriptorSet::decode(subrosa_proto::FILE_DESCRIPTOR_SET).expect("the descriptors decode");
    let mut names = BTreeSet::new();
    for message in set.file.iter().flat_map(|file| &file.message_type) {
        add_fields(message, &mut names);
    }
    names
});

fn add_fields(message: &DescriptorProto, names: &mut BTreeSet<String>) {
    names.extend(message.field.iter().map(|field| field.name().to_owned()));
    names.extend(message.oneof_decl.iter().map(|oneof| oneof.name().to_owned()));
    message.nested_type.iter().for_each(|nested| add_fields(nested, names));
}

/// Checks a refusal: it is the caller's fault, its path holds names of fields and indices alone, and its cause, which goes
/// to the operator's log, repeats nothing of `sent`.
///
/// # Panics
///
/// When it does not hold.
pub fn refusal(error: &Error, sent: &[u8]) {
    assert!(!matches!(error.reason(), Reason::Internal | Reason::IntegrityFailure), "a client cannot cause {error}");
    assert_eq!(grpc::code(error.reason()), tonic::Code::InvalidArgument, "{error}");
    if let Some(field) = error.field() {
        path(field);
    }
    if let Some(cause) = error.source() {
        unheard(&cause.to_string(), sent);
    }
}

fn path(field: &str) {
    for part in field.split('.') {
        let (name, index) = part.split_once('[').unwrap_or((part, "0]"));
        assert!(FIELDS.contains(name), "the protocol has no field of the name in a path of {} bytes", field.len());
        let index = index.strip_suffix(']').expect("an index is closed");
        assert!(index.parse::<usize>().is_ok(), "an index is a number");
    }
}

/// Checks that `said` repeats nothing of `sent`: no eight bytes in a row with a digit or a capital among them, which the
/// words of the program do without.
///
/// # Panics
///
/// When it does.
pub fn unheard(said: &str, sent: &[u8]) {
    let telling = |window: &&[u8]| window.iter().any(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase());
    for window in said.as_bytes().windows(ECHO).filter(telling) {
        assert!(!sent.windows(ECHO).any(|heard| heard == window), "an error repeats what it was sent");
    }
}
