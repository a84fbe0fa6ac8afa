//! Conversations: described by clients, and shown.

use std::collections::BTreeSet;

use subrosa_proto::v1;

use crate::access::Caller;
use crate::domain::{
    Audience, BotScope, Error, MAX_LABELS, MAX_REFERENCE_BYTES, NewConversation, Principal, Purpose, RISK_PREFIX,
    Result, Role, Slug,
};
use crate::vault::{Annotation, ConversationFilter, ConversationView};

use super::enums::{audience, purpose, required, show_audience, show_conversation_state, show_purpose};
use super::fields::{optional_text, optional_word, show_time, time, word};

/// Reads the description of a new conversation; output-only fields are passed over. A caller that has exactly one bot need not
/// name it.
pub(in crate::grpc) fn new_conversation(principal: &Principal, wanted: v1::Conversation) -> Result<NewConversation> {
    read(principal, wanted).map_err(|error| error.within("conversation"))
}

fn read(principal: &Principal, wanted: v1::Conversation) -> Result<NewConversation> {
    Ok(NewConversation {
        client_reference: optional_text("client_reference", wanted.client_reference, MAX_REFERENCE_BYTES)?,
        bot: bot(principal, &wanted.bot)?,
        bot_version: optional_word("bot_version", &wanted.bot_version)?,
        channel: optional_word("channel", &wanted.channel)?,
        audience: audience("audience", wanted.audience)?.unwrap_or(Audience::Customer),
        subject: optional_text("subject", wanted.subject, MAX_REFERENCE_BYTES)?,
        language: optional_word("language", &wanted.language)?,
        consent: consent(&wanted.consent)?,
        retention_class: optional_word("retention_class", &wanted.retention_class)?,
        labels: labels("labels", &wanted.labels)?,
    })
}

/// The bot of a conversation that names none, made with a credential of every bot.
const UNNAMED_BOT: &str = "default";

fn bot(principal: &Principal, named: &str) -> Result<Slug> {
    if let Some(bot) = optional_word("bot", named)? {
        return Ok(bot);
    }
    match (principal.bots.only_one(), &principal.bots) {
        (Some(only), _) => Ok(only.clone()),
        (None, BotScope::Any) => word("bot", UNNAMED_BOT),
        (None, BotScope::Only(_)) => Err(Error::invalid("bot", "required: the credential is of several bots")),
    }
}

fn consent(purposes: &[i32]) -> Result<BTreeSet<Purpose>> {
    let read = |(index, value): (usize, &i32)| {
        let path = format!("consent[{index}]");
        required(&path, purpose(&path, *value)?)
    };
    purposes.iter().enumerate().map(read).collect()
}

fn labels(path: &str, labels: &[String]) -> Result<BTreeSet<Slug>> {
    if labels.len() > MAX_LABELS {
        return Err(Error::invalid(path, "too many labels").limit(MAX_LABELS as u64));
    }
    let read = |(index, label): (usize, &String)| {
        let path = format!("{path}[{index}]");
        if label.starts_with(RISK_PREFIX) {
            return Err(Error::invalid(path, "labels that begin with risk: are the vault's own"));
        }
        word(&path, label)
    };
    labels.iter().enumerate().map(read).collect()
}

/// Reads what to add to a conversation.
pub(in crate::grpc) fn annotation(request: v1::AnnotateRequest) -> Result<Annotation> {
    if request.about_sequence != 0 && request.note.is_empty() {
        return Err(Error::invalid("about_sequence", "only with a note"));
    }
    Ok(Annotation {
        note: (!request.note.is_empty()).then_some(request.note),
        about: (request.about_sequence != 0).then_some(request.about_sequence),
        add_labels: labels("add_labels", &request.add_labels)?,
        remove_labels: labels("remove_labels", &request.remove_labels)?,
    })
}

/// Reads the conditions of a search.
pub(in crate::grpc) fn filter(request: v1::SearchConversationsRequest) -> Result<ConversationFilter> {
    let finding_class = optional_text("finding_class", request.finding_class, 64)?;
    Ok(ConversationFilter {
        subject: optional_text("subject", request.subject, MAX_REFERENCE_BYTES)?,
        bot: optional_word("bot", &request.bot)?,
        channel: optional_word("channel", &request.channel)?,
        label: optional_word("label", &request.label)?,
        finding_class,
        from: time("start_time", request.start_time)?,
        before: time("end_time", request.end_time)?,
    })
}

/// Writes a conversation. Its client reference is shown to ingestors only.
pub(in crate::grpc) fn show(caller: &Caller, view: ConversationView) -> v1::Conversation {
    let meta = view.meta;
    let reference = meta.client_reference.filter(|_| caller.principal().role == Role::Ingestor);
    let text = |word: Option<Slug>| word.map(String::from).unwrap_or_default();
    v1::Conversation {
        name: view.name.to_string(),
        client_reference: reference.unwrap_or_default(),
        bot: meta.bot.into(),
        bot_version: text(meta.bot_version),
        channel: text(meta.channel),
        audience: show_audience(meta.audience).into(),
        subject: String::new(),
        language: text(meta.language),
        consent: meta.consent.into_iter().map(|purpose| show_purpose(purpose).into()).collect(),
        retention_class: meta.retention_class.into(),
        labels: meta.labels.into_iter().map(String::from).chain(view.risks).collect(),
        state: show_conversation_state(view.state).into(),
        create_time: Some(show_time(meta.create_time)),
        last_record_time: view.last_record_time.map(show_time),
        last_sequence: view.last_sequence,
        expired_through: view.expired_through,
        expire_time: Some(show_time(view.last_day.next().start())),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::domain::Reason;

    pub(in crate::grpc::convert) fn ingestor(bots: &[&str]) -> Principal {
        Principal {
            id: "bots".parse().unwrap(),
            pseudonym: "p-x".to_owned(),
            role: Role::Ingestor,
            tenant: Some("acme".parse().unwrap()),
            bots: BotScope::parse(bots).unwrap().unwrap_or(BotScope::Any),
        }
    }

    #[test]
    fn a_caller_of_one_bot_need_not_name_it() {
        let wanted = new_conversation(&ingestor(&["support"]), v1::Conversation::default()).unwrap();
        assert_eq!((wanted.bot.as_str(), wanted.audience), ("support", Audience::Customer));
        let unnamed = new_conversation(&ingestor(&["*"]), v1::Conversation::default()).unwrap();
        assert_eq!(unnamed.bot.as_str(), UNNAMED_BOT);
        let error = new_conversation(&ingestor(&["a", "b"]), v1::Conversation::default()).unwrap_err();
        assert_eq!(error.field(), Some("conversation.bot"));
    }

    #[test]
    fn every_refusal_names_its_field() {
        let empty = v1::Conversation::default;
        let cases = [
            (v1::Conversation { subject: "s".repeat(257), ..empty() }, Reason::InvalidField, "subject"),
            (
                v1::Conversation { client_reference: "s".repeat(257), ..empty() },
                Reason::InvalidField,
                "client_reference",
            ),
            (v1::Conversation { consent: vec![1, 0], ..empty() }, Reason::InvalidField, "consent[1]"),
            (v1::Conversation { consent: vec![99], ..empty() }, Reason::UnknownEnum, "consent[0]"),
            (v1::Conversation { audience: 9, ..empty() }, Reason::UnknownEnum, "audience"),
            (v1::Conversation { labels: vec!["ok".into(), " ".into()], ..empty() }, Reason::InvalidField, "labels[1]"),
            (v1::Conversation { channel: "a b".into(), ..empty() }, Reason::InvalidField, "channel"),
        ];
        for (wanted, reason, field) in cases {
            let error = new_conversation(&ingestor(&["support"]), wanted).unwrap_err();
            assert_eq!((error.reason(), error.field()), (reason, Some(format!("conversation.{field}").as_str())));
        }
    }
}
