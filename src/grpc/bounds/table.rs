//! The one table of sizes: what a method takes in one message, and what its answer may take in memory.

use std::time::Duration;

use crate::access::{Permission, TABLE};

use super::budget::{PATIENCE, STREAM_PATIENCE};
use super::fields::Node;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// Bytes that a client may send ahead on one stream. A connection's window has room for those of all its streams: a stream that
/// is not read, because it waits for room, is never in the way of one that has some.
pub(in crate::grpc) const STREAM_WINDOW: u32 = 64 * 1024;

/// How the messages of a method are laid out, and with it how many there are and what they weigh.
#[derive(Debug, Clone, Copy)]
pub(in crate::grpc) enum Layout {
    /// One message of a few words. Decoded it may be many times as large (a repeated field of two bytes becomes a struct of
    /// hundreds), so it weighs many times its length.
    Small,
    /// One message of many records, whose fields are counted before it is decoded.
    Batch(&'static Node),
    /// Any number of messages of one record each, counted likewise.
    Stream(&'static Node),
    /// Any number of small messages, of which each is answered before the next is looked at.
    Talk,
}

/// Room that is kept for calls which must find some when all the rest is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::grpc) enum Reserve {
    /// None: the call waits with the others.
    None,
    /// For the small calls of who runs the vault and who hands out its credentials.
    Control,
    /// For `Health/Check`, on whose answer the process may be restarted.
    Probe,
}

/// What one call of a method may hold.
#[derive(Debug, Clone, Copy)]
pub(in crate::grpc) struct Bounds {
    /// The most bytes of one message of the request, as sent.
    pub(in crate::grpc) message: usize,
    /// The bytes that the call and its answer take at the most while they are made and sent.
    pub(in crate::grpc) answer: usize,
    /// How the request is laid out.
    pub(in crate::grpc) layout: Layout,
    /// The field of which there may be too many.
    pub(super) many: &'static str,
    /// Whether the call may stay open and do nothing.
    pub(super) parks: bool,
    /// What is kept for it.
    pub(in crate::grpc) reserve: Reserve,
    /// How long a message may take to come in: a request that is one, from its beginning to its end; of a stream each, once it
    /// has begun. Until then it holds room that others wait for.
    pub(super) slowest: Duration,
    /// How long a message waits for room before the call is told to come back.
    pub(super) patience: Duration,
}

impl Bounds {
    /// Returns about how many bytes of memory a message of `length` bytes takes until it is worked off.
    pub(super) fn weight(&self, length: usize) -> usize {
        match self.layout {
            Layout::Small => length * SMALL_GROWS,
            // As received, and decoded.
            Layout::Batch(_) | Layout::Stream(_) | Layout::Talk => length * 2 + 256,
        }
    }

    /// Returns the fields to count.
    pub(super) fn node(&self) -> Option<&'static Node> {
        match self.layout {
            Layout::Small | Layout::Talk => None,
            Layout::Batch(node) | Layout::Stream(node) => Some(node),
        }
    }

    /// Tells whether a request is one message.
    pub(in crate::grpc) fn unary(&self) -> bool {
        !matches!(self.layout, Layout::Stream(_) | Layout::Talk)
    }
}

/// How many times its length a small message may weigh once it is decoded.
const SMALL_GROWS: usize = 64;
/// What a call costs by itself: its task and its buffers, and what its client may have sent of it that was not read yet.
const CALL: usize = 32 * KIB + STREAM_WINDOW as usize;
/// A request of a few words, and an answer of as many.
const WORDS: Bounds = Bounds {
    message: 64 * KIB,
    answer: CALL,
    layout: Layout::Small,
    many: "",
    parks: false,
    reserve: Reserve::None,
    slowest: Duration::from_secs(30),
    patience: PATIENCE,
};
/// The same of a call that must find room when there is none for others.
const CONTROL: Bounds = Bounds { reserve: Reserve::Control, ..WORDS };
/// A request whose answer is a page of a list.
const PAGE: Bounds = Bounds { answer: MIB, ..WORDS };
/// The records of one request: 4 MiB, and what the protocol puts around them.
const BATCH: usize = 4 * MIB + 64 * KIB;
/// One record with its metadata, and what the protocol puts around it. A record over its limit should still be told at which
/// field, so there is room for one and a half.
const RECORD: usize = 384 * KIB;

/// Fields of a message in which others are counted.
const SUMMARY: Node = Node(&[(15, &Node(&[]))]);
const APPENDS: Node = Node(&[(5, &SUMMARY), (6, &Node(&[]))]);
const PREVIEWS: Node = Node(&[(2, &SUMMARY)]);
const STREAMS: Node = Node(&[(1, &Node(&[(5, &Node(&[]))])), (2, &Node(&[(2, &SUMMARY)]))]);

/// Returns the bounds of a method. A method without a row does not compile.
pub(in crate::grpc) const fn bounds(method: Permission) -> Bounds {
    use Permission as P;
    match method {
        P::AppendRecords => Bounds { message: BATCH, layout: Layout::Batch(&APPENDS), many: "records", ..WORDS },
        P::Ingest => Bounds {
            message: RECORD,
            layout: Layout::Stream(&STREAMS),
            many: "append",
            parks: true,
            patience: STREAM_PATIENCE,
            ..WORDS
        },
        P::PreviewRedaction => {
            Bounds { message: BATCH, answer: 16 * MIB, layout: Layout::Batch(&PREVIEWS), many: "records", ..WORDS }
        }
        // A page of sealed records, the one that is shown, and what the transport holds of it.
        P::ReadConversation => Bounds { answer: 512 * KIB, parks: true, ..WORDS },
        // Up to 3 MiB of records, and as much again on the wire.
        P::GetContext => Bounds { answer: 6 * MIB, ..WORDS },
        // Up to 4 MiB of entries, likewise.
        P::ListAuditEvents => Bounds { answer: 8 * MIB, ..WORDS },
        // A note is as long as a record may be.
        P::Annotate => Bounds { message: RECORD, layout: Layout::Batch(&Node(&[])), many: "add_labels", ..WORDS },
        // A page of what was found, or the places of up to so many values of one record.
        P::RedactRecord | P::RedactRecords | P::PreviewPolicy => PAGE,
        P::ListConversations | P::SearchConversations | P::ListTenants | P::ListKeys | P::ListPolicyVersions => PAGE,
        // Which key there is to revoke.
        P::ListApiKeys => Bounds { reserve: Reserve::Control, ..PAGE },
        P::CreateConversation | P::GetConversation | P::CloseConversation | P::GetPolicy | P::ProposePolicy => WORDS,
        P::CreateTenant
        | P::GetTenant
        | P::UpdateTenant
        | P::FreezeTenant
        | P::UnfreezeTenant
        | P::GetKey
        | P::RotateKey
        | P::ScheduleKeyDestruction
        | P::IssueApiKey
        | P::RevokeApiKey
        | P::TestPermissions
        | P::GetStatus => CONTROL,
    }
}

/// Returns the bounds of what needs no credential: health checks take the name of a service, reflection that of a symbol.
pub(in crate::grpc) fn open_bounds(path: &str) -> Bounds {
    const NAME: Bounds = Bounds { message: KIB, slowest: Duration::from_secs(5), ..WORDS };
    if path == "/grpc.health.v1.Health/Check" {
        Bounds { reserve: Reserve::Probe, ..NAME }
    } else if path.starts_with("/grpc.health.") {
        Bounds { parks: true, ..NAME }
    } else {
        Bounds { answer: 256 * KIB, layout: Layout::Talk, parks: true, ..NAME }
    }
}

/// Returns the largest message that any method of a service takes: the second line of defence, in its decoder.
pub(in crate::grpc) fn largest(service: &str) -> usize {
    let of =
        |path: &str| path.strip_prefix('/').and_then(|path| path.rsplit_once('/')).is_some_and(|(of, _)| of == service);
    TABLE.iter().filter(|rule| of(rule.path)).map(|rule| bounds(rule.permission).message).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use prost::Message as _;
    use prost_types::field_descriptor_proto::{Label, Type};
    use prost_types::{DescriptorProto, FileDescriptorSet};

    use super::*;
    use crate::grpc::bounds::Budget;

    #[test]
    fn every_service_takes_what_its_largest_method_takes() {
        assert_eq!(largest("subrosa.v1.IngestService"), BATCH);
        assert_eq!(largest("subrosa.v1.KeyService"), 64 * KIB);
        for name in crate::grpc::health_names().into_iter().filter(|name| !name.is_empty()) {
            assert!(largest(name) > 0, "{name}");
        }
    }

    #[test]
    fn every_call_fits_into_the_smallest_budget() {
        let budget = Budget::new(Budget::LEAST);
        for rule in TABLE {
            let bounds = bounds(rule.permission);
            let account = budget.account("someone", &bounds);
            assert!(account.messages.try_take(bounds.weight(bounds.message)).is_some(), "{}", rule.path);
            assert!(account.answers.try_take(bounds.answer).is_some(), "{}", rule.path);
        }
    }

    #[test]
    fn room_is_kept_for_those_only_who_never_touch_a_record_and_for_small_answers() {
        use crate::domain::Role;
        for rule in TABLE.iter().filter(|rule| bounds(rule.permission).reserve != Reserve::None) {
            let control = |role| matches!(role, Role::Operator | Role::Security | Role::Auditor);
            assert!(rule.roles.iter().all(|(role, _)| control(*role)), "{}", rule.path);
            let bounds = bounds(rule.permission);
            assert!(!bounds.parks && bounds.unary() && bounds.answer <= MIB, "{}", rule.path);
        }
    }

    #[test]
    fn what_streams_may_park() {
        for path in ["/grpc.health.v1.Health/Watch", "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"] {
            assert!(open_bounds(path).parks, "{path}");
        }
        let set = FileDescriptorSet::decode(subrosa_proto::FILE_DESCRIPTOR_SET).unwrap();
        let methods = set.file.iter().flat_map(|file| &file.service).flat_map(|service| &service.method);
        let streams: Vec<_> =
            methods.filter(|m| m.client_streaming() || m.server_streaming()).map(|m| m.name()).collect();
        for rule in TABLE {
            assert_eq!(bounds(rule.permission).parks, streams.contains(&rule.operation()), "{}", rule.path);
        }
    }

    fn message(set: &FileDescriptorSet, name: &str) -> DescriptorProto {
        let of = set.file.iter().filter(|file| file.package() == "subrosa.v1").flat_map(|file| &file.message_type);
        of.clone().find(|message| message.name() == name).unwrap_or_else(|| panic!("{name}")).clone()
    }

    /// What is not counted must not be able to grow: below a counted message, every field that holds something repeated is
    /// a counted one.
    fn nothing_grows_uncounted(set: &FileDescriptorSet, name: &str, node: &Node, at: &str) {
        for field in message(set, name).field.iter().filter(|field| field.r#type() == Type::Message) {
            let (Some(inner), number) = (field.type_name().strip_prefix(".subrosa.v1."), field.number()) else {
                continue;
            };
            if inner.contains('.') {
                continue; // an entry of a map: a key and a value
            }
            let at = format!("{at}.{}", field.name());
            match node.0.iter().find(|(of, _)| i64::from(*of) == i64::from(number)) {
                Some((_, node)) => nothing_grows_uncounted(set, inner, node, &at),
                None => {
                    let grows = message(set, inner).field.iter().any(|field| {
                        field.label() == Label::Repeated
                            || field.r#type() == Type::Message && field.type_name().contains("subrosa")
                    });
                    assert!(!grows, "{at} can grow and is not counted");
                }
            }
        }
    }

    #[test]
    fn what_can_grow_is_counted() {
        let set = FileDescriptorSet::decode(subrosa_proto::FILE_DESCRIPTOR_SET).unwrap();
        let requests = [
            ("AppendRecordsRequest", P::AppendRecords),
            ("PreviewRedactionRequest", P::PreviewRedaction),
            ("IngestRequest", P::Ingest),
            ("AnnotateRequest", P::Annotate),
        ];
        use Permission as P;
        for (name, method) in requests {
            nothing_grows_uncounted(&set, name, bounds(method).node().unwrap(), name);
        }
        let counted = TABLE.iter().filter(|rule| bounds(rule.permission).node().is_some()).count();
        assert_eq!(counted, requests.len());
    }
}
