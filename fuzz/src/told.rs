//! What an error may say: fixed words, numbers, and the names of the protocol's fields. Never what was sent.

use std::collections::BTreeSet;
use std::error::Error as _;
use std::sync::LazyLock;

use prost::Message as _;
use prost_types::{DescriptorProto, FileDescriptorSet};
use subrosa::domain::{Error, Reason, RetentionError};
use subrosa::grpc;

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

/// Checks a refusal: it is the caller's fault, its message is a constant, its path holds names of fields and indices alone, and
/// its cause, which goes to the operator's log, is of a kind that holds no text.
///
/// # Panics
///
/// When it does not hold.
pub fn refusal(error: &Error) {
    let _: &'static str = error.message();
    assert!(!matches!(error.reason(), Reason::Internal | Reason::IntegrityFailure), "a client cannot cause {error}");
    assert_eq!(grpc::code(error.reason()), tonic::Code::InvalidArgument, "{error}");
    if let Some(field) = error.field() {
        path(field);
    }
    if let Some(cause) = error.source() {
        fixed(*cause.downcast_ref::<RetentionError>().expect("conversions give no other cause"));
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

/// Shows that an error holds nothing of what was sent: what is `Copy` and `'static` owns no text, and the compiler sees to it. A
/// search for an echo in its words would not do, for libFuzzer learns the words it is compared with, and sends them.
pub fn fixed<E: Copy + 'static>(_: E) {}
