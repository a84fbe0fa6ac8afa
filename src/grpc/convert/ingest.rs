//! Which conversation a write goes to, and what came of it.

use subrosa_proto::v1;

use crate::domain::{Error, MAX_REFERENCE_BYTES, Principal, Result};
use crate::vault::{Acked, Appended, Target};

use super::conversation::new_conversation;
use super::fields::{conversation, show_time, tenant, text};
use super::shown::counts;

/// The fields by which a write names its conversation.
pub(in crate::grpc) struct Place {
    pub(in crate::grpc) parent: String,
    pub(in crate::grpc) tenant: String,
    pub(in crate::grpc) client_reference: String,
    pub(in crate::grpc) conversation: Option<v1::Conversation>,
}

/// Reads which conversation a write goes to: by name, or by the tenant and the client's reference.
pub(in crate::grpc) fn target(principal: &Principal, place: Place) -> Result<Target> {
    let Place { parent, tenant: of, client_reference, conversation: wanted } = place;
    let by_reference = !of.is_empty() || !client_reference.is_empty();
    match (parent.is_empty(), by_reference) {
        (false, false) => conversation("parent", &parent).map(Target::Name),
        (false, true) => Err(Error::invalid("parent", "either parent, or tenant and client_reference")),
        (true, false) => Err(Error::invalid("parent", "parent, or tenant and client_reference, is required")),
        (true, true) => {
            let of = tenant("tenant", &of)?;
            let reference = text("client_reference", client_reference, MAX_REFERENCE_BYTES)?;
            let mut wanted = wanted.unwrap_or_default();
            if !wanted.client_reference.is_empty() && wanted.client_reference != reference {
                let hint = "leave it empty, or repeat client_reference";
                return Err(Error::invalid("conversation.client_reference", hint));
            }
            wanted.client_reference = reference;
            Ok(Target::Reference(of, Box::new(new_conversation(principal, wanted)?)))
        }
    }
}

/// Writes what an append did.
pub(in crate::grpc) fn appended(done: Appended) -> v1::AppendRecordsResponse {
    v1::AppendRecordsResponse {
        conversation: done.conversation,
        first_sequence: done.first_sequence,
        last_sequence: done.last_sequence,
        received_at: Some(show_time(done.received_at)),
        redactions: counts(done.redactions),
        policy_version: done.policy_version.into(),
        created: done.created,
    }
}

/// Writes an acknowledgement of the stream to the conversation `of`.
pub(in crate::grpc) fn acked(of: &str, done: Acked) -> v1::IngestResponse {
    v1::IngestResponse {
        acked_client_sequence: done.client_sequence,
        last_sequence: done.last_sequence,
        redactions: counts(done.redactions),
        conversation: of.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::conversation::tests::ingestor;
    use super::*;
    use crate::domain::Reason;

    const NAME: &str = "tenants/acme/conversations/0191f0aa-7d3c-7e21-8c5e-3b1f2a9d4c55";

    fn place(parent: &str, tenant: &str, reference: &str) -> Place {
        Place {
            parent: parent.to_owned(),
            tenant: tenant.to_owned(),
            client_reference: reference.to_owned(),
            conversation: None,
        }
    }

    fn refusal(place: Place) -> (Reason, String) {
        let error = target(&ingestor(&["support"]), place).unwrap_err();
        (error.reason(), error.field().unwrap_or_default().to_owned())
    }

    #[test]
    fn a_conversation_is_named_in_one_way() {
        let both = ingestor(&["support"]);
        assert!(matches!(target(&both, place(NAME, "", "")), Ok(Target::Name(name)) if name.to_string() == NAME));
        let found = target(&both, place("", "tenants/acme", "r-1")).unwrap();
        assert!(matches!(found, Target::Reference(_, wanted) if wanted.client_reference.as_deref() == Some("r-1")));
        assert_eq!(refusal(place(NAME, "tenants/acme", "r")), (Reason::InvalidField, "parent".to_owned()));
        assert_eq!(refusal(place("", "", "")), (Reason::InvalidField, "parent".to_owned()));
        assert_eq!(refusal(place("", "acme", "r")), (Reason::InvalidName, "tenant".to_owned()));
        assert_eq!(refusal(place("", "", "r")), (Reason::InvalidName, "tenant".to_owned()));
        assert_eq!(refusal(place("", "tenants/acme", "")), (Reason::InvalidField, "client_reference".to_owned()));
        assert_eq!(refusal(place("tenants/acme", "", "")), (Reason::InvalidName, "parent".to_owned()));
    }

    #[test]
    fn two_references_must_agree() {
        let mut twice = place("", "tenants/acme", "r-1");
        twice.conversation = Some(v1::Conversation { client_reference: "r-2".to_owned(), ..Default::default() });
        assert_eq!(refusal(twice), (Reason::InvalidField, "conversation.client_reference".to_owned()));
    }
}
