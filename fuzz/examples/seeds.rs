//! Makes the seeds of every target, small and the same each time: `fuzz/run seeds` writes them, `fuzz/run` checks that they
//! are these. All values are made up or golden vectors.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use libfuzzer_sys as _;
use prost::Message;
use subrosa_fuzz::golden;
use subrosa_proto::v1;

const CONVERSATION: &str = "tenants/acme/conversations/0191f0aa-7d3c-7e21-8c5e-3b1f2a9d4c55";
const UUID: &str = "0191f0aa-7d3c-7e21-8c5e-3b1f2a9d4c55";

type Seeds = BTreeMap<PathBuf, Vec<u8>>;

fn main() -> ExitCode {
    let seeds = all();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds");
    match std::env::args().nth(1).as_deref() {
        Some("write") => write(&root, &seeds),
        Some("check") if found(&root) == seeds => {}
        _ => return ExitCode::FAILURE,
    }
    ExitCode::SUCCESS
}

fn write(root: &Path, seeds: &Seeds) {
    let _ = fs::remove_dir_all(root);
    for (name, bytes) in seeds {
        let path = root.join(name);
        fs::create_dir_all(path.parent().expect("a seed lies in a folder")).expect("the folder can be made");
        fs::write(path, bytes).expect("the seed can be written");
    }
}

fn found(root: &Path) -> Seeds {
    let folders = fs::read_dir(root).expect("fuzz/seeds is there").map(|entry| entry.expect("an entry").path());
    let files = folders.flat_map(|folder| fs::read_dir(folder).expect("a folder for each target"));
    let read = |path: PathBuf| {
        let bytes = fs::read(&path).expect("a seed can be read");
        (path.strip_prefix(root).expect("it lies there").to_owned(), bytes)
    };
    files.map(|entry| read(entry.expect("an entry").path())).collect()
}

fn all() -> Seeds {
    let mut seeds = Seeds::new();
    let targets = [
        ("canonical", canonical()),
        ("config", config()),
        ("import", import()),
        ("names", names()),
        ("page_token", page_tokens()),
        ("proto", proto()),
        ("record", sealed(golden::records().len())),
        ("redaction", redaction()),
        ("wrap", sealed(golden::wraps().len())),
    ];
    for (target, inputs) in targets {
        for (at, input) in inputs.into_iter().enumerate() {
            seeds.insert(Path::new(target).join(format!("{at:02}")), input);
        }
    }
    seeds
}

fn names() -> Vec<Vec<u8>> {
    let texts = [
        "tenants/acme",
        CONVERSATION,
        "tenants/acme/conversations/0191f0aa-7d3c-7e21-8c5e-3b1f2a9d4c55/records/7",
        "tenants/acme/keys/3",
        "tenants/acme/policies/redaction",
        "tenants/acme/policies/retention/versions/12",
        "apiKeys/abcdefghijklmnop",
        UUID,
        "support/v2:eu-1",
        "case-2026_0113.b",
        "2026-11-21T09:06:19.123Z",
        "2026-11-21T10:06:19.123456+01:00[Europe/Zurich]",
    ];
    texts.map(|text| text.as_bytes().to_vec()).to_vec()
}

fn page_tokens() -> Vec<Vec<u8>> {
    let joined = |parts: &[&[u8]]| parts.join(&0xff);
    vec![
        joined(&[b"acme", b"\x01other", b"\x02place", b"\x03\x04", b"\x01\x00\x00\x05\x20"]),
        joined(&[b"a", b"\x01a", b"\x01", b"\x00\x00", b"\x02\x02\x00\x03"]),
        b"Rm9yZ2VkIGJ5IGhhbmQ7IG5vdCBvbmUgb2Ygb3Vycw".to_vec(),
    ]
}

/// For each vector: changed bytes, made-up bytes, another place, and sealing anew.
fn sealed(vectors: usize) -> Vec<Vec<u8>> {
    let of = |vector: u8| {
        let rest: [&[u8]; 5] =
            [b"\0\x01\0\0\0\x05\x01", b"\0\x01\0\x02\0\x30", b"\x01\0made up", b"\x02\x01\x01\x03acme", b"\x03hello"];
        rest.map(|rest| [&[vector], rest].concat())
    };
    (0..vectors.min(256)).flat_map(|vector| of(vector as u8)).collect()
}

fn canonical() -> Vec<Vec<u8>> {
    let golden: serde_json::Value =
        serde_json::from_str(include_str!("../../tests/golden/audit_v1.json")).expect("the golden file is JSON");
    let text = |value: &serde_json::Value| value.as_str().expect("a text").to_owned();
    let list = |name: &str| golden[name].as_array().expect("a list").clone();
    let mut seeds: Vec<Vec<u8>> = list("entries").iter().map(|entry| text(&entry["canonical"]).into_bytes()).collect();
    for head in list("heads").iter().take(4) {
        seeds.push(format!("N{}", text(&head["note"])).into_bytes());
        let frontier = text(&head["frontier"]);
        let bytes = frontier
            .as_bytes()
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).expect("ASCII"), 16).expect("hexadecimal"));
        seeds.push(std::iter::once(b'F').chain(bytes).collect());
    }
    seeds.push(
        br#"{"author_role":"user","bot":"b","channel":"web","client_id":"c","content":{"tool_call":{"arguments":"{}","name":"f","result":""}},"conversation":"0191f0aa-7d3c-7e21-8c5e-3b1f2a9d4c55","findings":[{"class":"EMAIL","end":9,"field":"text","rule":"email","score":99,"start":1}],"metadata":{"a":"b"},"model":"m","occurred_at":"2026-11-21T09:06:19.123Z","policy_version":1,"prompt_version":"p","received_at":"2026-11-21T09:06:19.123Z","sequence":3,"supersedes":2,"tenant":"acme"}"#
            .to_vec(),
    );
    seeds.push(br#"{"author_role":"tool","bot":"b","content":{"annotation":{"about":1,"note":"n"}},"conversation":"c","policy_version":1,"received_at":"2026-11-21T09:06:19.123Z","sequence":1,"tenant":"acme"}"#.to_vec());
    seeds
}

fn import() -> Vec<Vec<u8>> {
    let texts = [
        "{\"conversation\": \"c-1\", \"turns\": [{\"role\": \"user\", \"text\": \"hello\"}, {\"role\": \"assistant\", \"text\": \"\"}]}\n",
        "{\"conversation\":\"c\",\"turns\":[{\"role\":\"tool\",\"text\":\"\\u00e9\",\"more\":[1,{}]}],\"source\":null}\n\n\r\n{}\n[1]\n{\"conversation\":1}",
        "{\"conversation\":\"c\",\"turns\":[{\"role\":\"nobody\",\"text\":\"x\"}]}\n{\"conversation\":\"\",\"turns\":[]}",
        "[\"c\",[[\"user\",\"x\"]]]\n{\"conversation\":\"c\",\"turns\":[[\"user\",\"x\"]]}",
    ];
    texts.map(|text| text.as_bytes().to_vec()).to_vec()
}

fn config() -> Vec<Vec<u8>> {
    let everything = subrosa::config::Config::documentation();
    let mut section = String::new();
    let mut file = String::new();
    for key in &everything {
        let (of, name) = key.path.split_once('.').expect("a key lies in a section");
        if of != section {
            section = of.to_owned();
            file.push_str(&format!("[{section}]\n"));
        }
        if !key.default.is_empty() {
            file.push_str(&format!("{name} = {}\n", key.default));
        }
    }
    let plain = "[server]\ninsecure_plaintext = true\n";
    let tls = "[server]\ntls_cert = \"tls/server.pem\"\ntls_key = \"tls/server.key\"\n\n[keys]\nroot = \"key-file\"\nkey_file = \"root.key\"\n";
    let joined = |parts: &[&str]| parts.iter().map(|part| part.as_bytes()).collect::<Vec<_>>().join(&0xff);
    vec![
        file.clone().into_bytes(),
        joined(&[&file, "server.insecure_plaintext=true"]),
        joined(&[plain]),
        joined(&[
            tls,
            "SUBROSA__STORAGE__READERS=8",
            "SUBROSA__KEYS__PASSPHRASE_FILE=",
            "limits.idempotency_window=7d",
        ]),
        joined(&[plain, "server.data_address=[::1]:7443", "log.filter=info,subrosa=debug", "storage.readers=65"]),
        joined(&["[keys]\npassphrase = \"Correct Horse 4711\"\n", "SUBROSA__KEYS__PASSPHRASE=Correct Horse 4711"]),
        joined(&["passphrase = \"Correct Horse 4711\n[x"]),
    ]
}

fn redaction() -> Vec<Vec<u8>> {
    let texts = [
        "Mail rosa.dorn@example.com or call +1 202 555 0143, card 4111 1111 1111 1111.",
        "GB82WEST12345698765432 203.0.113.7 2001:db8::1 02:00:5e:10:00:ff https://bob:pw1@host/ 536-22-8726",
        "password is hunter2, pin: 4711, born on 3 May 1985, api_key=sk-abcdef0123456789abcdef0123456789",
        "-----BEGIN RSA PRIVATE KEY-----\nQUJD\n-----END RSA PRIVATE KEY-----\n\u{ff14}\u{ff12} \u{200b}4\u{200b}2 <EMAIL_7K3Q>",
        "phone\n202 555 0143",
        "{\"contact\":\"rosa.dorn@example.com\",\"n\":[4111111111111111,1.5e3,true,null],\"a@example.com\":{\"password\":\"x\"}}",
        "[\"\\u0072osa.dorn\\u0040example.com\",{\"a\":{},\"a\":[]}]",
        "What is your card number?\n four one one one\nthe rest?\n 1111 1111 1111\nand your name\n it's Rosa Dorn",
        "ta date de naissance ?\n le 3 mai 1985, 12 rue des Lilas, 75002 Paris\nyour pin?\n 4711\n rosa at example dot com",
    ];
    let how = [0_u8, 1, 0, 1, 4, 6, 7, 2, 3];
    texts.iter().zip(how).map(|(text, how)| [&[how], text.as_bytes()].concat()).collect()
}

fn proto() -> Vec<Vec<u8>> {
    let record = v1::Record {
        client_id: "c-1".to_owned(),
        occurred_at: Some(prost_types::Timestamp { seconds: 1_795_251_979, nanos: 123_000_000 }),
        author_role: v1::AuthorRole::User.into(),
        content: Some(v1::record::Content::Text("hello".to_owned())),
        model: "m".to_owned(),
        prompt_version: "p".to_owned(),
        metadata: [("page".to_owned(), "billing".to_owned())].into(),
        supersedes: 1,
        ..Default::default()
    };
    let call = v1::ToolCall { name: "find".to_owned(), arguments: "{}".to_owned(), result: "[]".to_owned() };
    let tool = v1::Record {
        author_role: v1::AuthorRole::Tool.into(),
        content: Some(v1::record::Content::ToolCall(call)),
        ..Default::default()
    };
    let conversation = v1::Conversation {
        bot: "helper".to_owned(),
        channel: "web".to_owned(),
        subject: "s".to_owned(),
        language: "pt-BR".to_owned(),
        consent: vec![1, 2],
        labels: vec!["vip".to_owned()],
        ..Default::default()
    };
    let named = v1::AppendRecordsRequest {
        parent: CONVERSATION.to_owned(),
        request_id: UUID.to_owned(),
        records: vec![record.clone(), tool.clone()],
        ..Default::default()
    };
    let by_reference = v1::AppendRecordsRequest {
        tenant: "tenants/acme".to_owned(),
        client_reference: "r-1".to_owned(),
        conversation: Some(conversation.clone()),
        records: vec![tool.clone()],
        ..Default::default()
    };
    let create = v1::CreateConversationRequest {
        parent: "tenants/acme".to_owned(),
        conversation: Some(conversation),
        request_id: UUID.to_owned(),
    };
    let note = v1::AnnotateRequest {
        name: CONVERSATION.to_owned(),
        note: "n".to_owned(),
        about_sequence: 1,
        add_labels: vec!["a".to_owned()],
        ..Default::default()
    };
    let search = v1::SearchConversationsRequest {
        parent: "tenants/acme".to_owned(),
        bot: "helper".to_owned(),
        case_reference: "case-1".to_owned(),
        page_size: 10,
        ..Default::default()
    };
    let events = v1::ListAuditEventsRequest {
        parent: "system".to_owned(),
        operation: "/subrosa.v1.KeyService/RotateKey".to_owned(),
        decision: 1,
        page_size: 501,
        ..Default::default()
    };
    let key = v1::IssueApiKeyRequest {
        tenant: "tenants/acme".to_owned(),
        principal: "bots".to_owned(),
        role: v1::Role::Ingestor.into(),
        bots: vec!["helper".to_owned()],
        ttl: Some(prost_types::Duration { seconds: 86_400, nanos: 0 }),
        ..Default::default()
    };
    let policy = |document| v1::ProposePolicyRequest {
        parent: "tenants/acme".to_owned(),
        policy: Some(v1::Policy { document: Some(document), ..Default::default() }),
        ..Default::default()
    };
    let rule = v1::ClassRule { finding_class: "EMAIL".to_owned(), operator: v1::RedactionOperator::Drop.into() };
    let redaction = v1::RedactionPolicy { rules: vec![rule], packs: vec!["us".to_owned()], ..Default::default() };
    let class = v1::RetentionClass {
        name: "standard".to_owned(),
        retention: Some(prost_types::Duration { seconds: 90 * 86_400, nanos: 0 }),
    };
    let retention = v1::RetentionPolicy { default_class: "standard".to_owned(), classes: vec![class] };
    let of = |which: u8, message: Vec<u8>| [vec![which], message].concat();
    vec![
        of(0, record.encode_to_vec()),
        of(0, tool.encode_to_vec()),
        of(2, named.encode_to_vec()),
        of(2, by_reference.encode_to_vec()),
        of(4, create.encode_to_vec()),
        of(5, note.encode_to_vec()),
        of(6, search.encode_to_vec()),
        of(7, events.encode_to_vec()),
        of(8, key.encode_to_vec()),
        of(9, policy(v1::policy::Document::Redaction(redaction)).encode_to_vec()),
        of(9, policy(v1::policy::Document::Retention(retention)).encode_to_vec()),
    ]
}
