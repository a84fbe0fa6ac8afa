//! What callers see of a vault: two vaults that look the same here are the same to everybody.

use std::collections::BTreeMap;

use subrosa::access::acts;
use subrosa::access::api_key::KeyFilter;
use subrosa::domain::{Content, ConversationName, PolicyKind, PolicyName, Purpose, Reason, Role, TenantId, View};
use subrosa::vault::{PageRequest, ReadScope, ShownRecord};

use crate::world::Open;

/// Everything that can be seen, without what is drawn at random.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sight {
    /// Tenants: state, active key version, number of key versions.
    tenants: Vec<String>,
    /// API keys: id, and whether revoked.
    api_keys: Vec<String>,
    /// The version of the retention policy of `acme`.
    policy: u32,
    /// The conversations of `acme` by what they hold; none when it is frozen.
    conversations: Option<BTreeMap<Vec<String>, Seen>>,
}

/// What a conversation says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    state: String,
    last_sequence: u64,
    labels: Vec<String>,
    count: usize,
}

pub(crate) fn acme() -> TenantId {
    "acme".parse().unwrap()
}

/// Looks at everything.
pub(crate) async fn look(open: &Open) -> Sight {
    Sight {
        tenants: tenants(open).await,
        api_keys: api_keys(open).await,
        policy: policy(open).await,
        conversations: conversations(open).await,
    }
}

async fn tenants(open: &Open) -> Vec<String> {
    let caller = open.caller::<acts::ListTenants>(Role::Operator).await.unwrap();
    let page = open.vault.list_tenants(&caller, PageRequest::default()).await.unwrap().into_inner();
    let mut seen = Vec::new();
    for tenant in page.items {
        let caller = open.caller::<acts::ListKeys>(Role::Operator).await.unwrap();
        let keys = open.vault.list_keys(&caller, tenant.row.id.clone()).await.unwrap().into_inner();
        let states: Vec<_> = keys.iter().map(|(key, _)| format!("{} {}", key.version, key.state)).collect();
        seen.push(format!("{} {} {} {states:?}", tenant.row.id, tenant.row.state, tenant.active_key_version));
    }
    seen
}

async fn api_keys(open: &Open) -> Vec<String> {
    let caller = open.caller::<acts::ListApiKeys>(Role::Security).await.unwrap();
    let filter = KeyFilter { principal: None, show_inactive: true };
    let page = PageRequest { size: 500, token: String::new() };
    let keys = open.vault.list_api_keys(&caller, None, filter, page).await.unwrap().into_inner();
    let mut seen: Vec<_> =
        keys.items.iter().map(|key| format!("{} {} {}", key.principal, key.id, key.revoke_time.is_some())).collect();
    seen.sort();
    seen
}

async fn policy(open: &Open) -> u32 {
    let name = PolicyName { tenant: acme(), kind: PolicyKind::Retention };
    let caller = open.caller::<acts::GetPolicy>(Role::Operator).await.unwrap();
    open.vault.get_policy(&caller, name, None).await.unwrap().into_inner().version
}

async fn conversations(open: &Open) -> Option<BTreeMap<Vec<String>, Seen>> {
    let caller = open.caller::<acts::ListConversations>(Role::Reader).await.unwrap();
    let page = PageRequest { size: 500, token: String::new() };
    let listed = open.vault.list_conversations(&caller, acme(), None, page).await;
    let listed = match listed {
        Err(error) if error.reason() == Reason::TenantFrozen => return None,
        other => other.unwrap().into_inner().items,
    };
    let mut seen: BTreeMap<Vec<String>, Seen> = BTreeMap::new();
    for view in listed {
        let texts = match read(open, &view.name).await {
            Err(Reason::ConversationExpired) => continue,
            other => other.unwrap(),
        };
        let labels = view.meta.labels.iter().map(ToString::to_string).collect();
        let (state, last_sequence) = (view.state.to_string(), view.last_sequence);
        seen.entry(texts).or_insert(Seen { state, last_sequence, labels, count: 0 }).count += 1;
    }
    Some(seen)
}

/// Reads a whole conversation; each record stands for itself, with its number.
pub(crate) async fn read(open: &Open, name: &ConversationName) -> Result<Vec<String>, Reason> {
    let caller = open.caller::<acts::ReadConversation>(Role::Reader).await.map_err(|error| error.reason())?;
    let scope = ReadScope {
        name: name.clone(),
        purpose: Some(Purpose::Quality),
        case: None,
        view: View::Redacted,
        after_sequence: 0,
    };
    let stream = open.vault.read_conversation(&caller, scope).await.map_err(|error| error.reason())?;
    let mut stream = stream.into_inner();
    let mut texts = Vec::new();
    while let Some(record) = stream.next().await.map_err(|error| error.reason())? {
        let ShownRecord::Redacted(record) = record else { panic!("a record was shown unopened") };
        match &record.content {
            Content::Text(text) => texts.push(format!("{} {text}", record.sequence)),
            Content::Annotation { note, .. } => texts.push(format!("{} note {note}", record.sequence)),
            Content::ToolCall { .. } | Content::Attachment(_) => panic!("nobody sent this"),
        }
    }
    Ok(texts)
}
