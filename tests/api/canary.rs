//! Raw never lands: two hundred unlike values over every path into the vault, and then every byte on disk is looked at.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use subrosa_proto::v1;

use crate::support::{Client, TENANT, said, text_of, tool, uuid};

/// How many values of each kind go over each path.
const ROUNDS: usize = 20;

/// Returns every place under `folder` where a value lies in clear, in hexadecimal or in base64, in order.
pub(crate) fn hits(folder: &Path, values: &[String]) -> Vec<String> {
    let needles: Vec<_> =
        values.iter().flat_map(|value| forms(value).into_iter().map(move |form| (value, form))).collect();
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(hits(&path, values));
            continue;
        }
        let content = std::fs::read(&path).unwrap();
        let here = needles.iter().filter(|(_, form)| memchr::memmem::find(&content, form).is_some());
        found.extend(here.map(|(value, _)| format!("{value} in {}", path.display())));
    }
    found
}

/// A value as it is, in hexadecimal, and in base64 wherever it may begin.
fn forms(value: &str) -> Vec<Vec<u8>> {
    let mut forms = vec![value.as_bytes().to_vec(), data_encoding::HEXLOWER.encode(value.as_bytes()).into_bytes()];
    for shift in 0..3_usize {
        let padded = [&vec![0; shift][..], value.as_bytes()].concat();
        let encoded = data_encoding::BASE64.encode(&padded[..padded.len() / 3 * 3]).into_bytes();
        forms.push(encoded[if shift == 0 { 0 } else { 4 }..].to_vec());
    }
    forms
}

#[test]
fn the_scan_finds_each_form() {
    let folder = tempfile::tempdir().unwrap();
    let value = "someone.else@example.org".to_owned();
    for form in forms(&value) {
        std::fs::write(folder.path().join("f"), [b"xx".as_slice(), &form, b"yy"].concat()).unwrap();
        assert_eq!(hits(folder.path(), std::slice::from_ref(&value)).len(), 1);
    }
    std::fs::write(folder.path().join("f"), "someone else").unwrap();
    assert!(hits(folder.path(), &[value]).is_empty());
}

/// Makes values that look like none of the others, and remembers them all.
#[derive(Default)]
struct Mint(Vec<String>);

impl Mint {
    fn next(&mut self) -> String {
        let n = self.0.len();
        let value = match n % 3 {
            0 => format!("q{n}z.canary{n}@mail{n}.example.org"),
            1 => card(n),
            _ => format!("sk-proj-{}{n:04}", "Zx9Qw7Er5Ty3Ui1Op2As4Df6Gh8Jk0Lz"),
        };
        self.0.push(value.clone());
        value
    }

    /// One that is an e-mail address.
    fn mail(&mut self) -> String {
        let n = self.0.len();
        self.0.push(format!("w{n}k.canary{n}@post{n}.example.net"));
        self.0[n].clone()
    }
}

/// A card number with its check digit (Luhn).
fn card(n: usize) -> String {
    let body = format!("411111{n:09}");
    let sum: u32 = body.bytes().rev().enumerate().fold(0, |sum, (at, digit)| {
        let digit = u32::from(digit - b'0') * if at % 2 == 0 { 2 } else { 1 };
        sum + digit / 10 + digit % 10
    });
    format!("{body}{}", (10 - sum % 10) % 10)
}

/// The program itself, logging everything it can to a file beside its folder.
pub(crate) struct Program {
    child: Child,
    line: serde_json::Value,
}

impl Program {
    pub(crate) fn start(dir: &Path) -> Self {
        let log = std::fs::File::create(dir.join("log")).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_subrosa"))
            .args(["dev", "--output", "json", "--log", "trace", "--data-dir"])
            .arg(dir.join("vault"))
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        Self { child, line: serde_json::from_str(&line).unwrap() }
    }

    pub(crate) fn role(&self, role: &str) -> Client {
        self.with_header(&format!("Bearer {}", self.line["keys"][role].as_str().unwrap()))
    }

    /// A client whose `authorization` header is this.
    pub(crate) fn with_header(&self, header: &str) -> Client {
        let ca = std::fs::read(self.line["ca_file"].as_str().unwrap()).unwrap();
        let authority = tonic::transport::Certificate::from_pem(ca);
        let tls = tonic::transport::ClientTlsConfig::new().ca_certificate(authority).domain_name("localhost");
        let endpoint = self.line["data_endpoint"].as_str().unwrap().to_owned();
        let channel =
            tonic::transport::Endpoint::from_shared(endpoint).unwrap().tls_config(tls).unwrap().connect_lazy();
        Client::new(channel, Some(header))
    }

    /// What a monitor scrapes.
    pub(crate) async fn metrics(&self) -> String {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let address = self.line["metrics_endpoint"].as_str().unwrap().split("://").nth(1).unwrap().to_owned();
        let mut stream = tokio::net::TcpStream::connect(address.trim_end_matches('/')).await.unwrap();
        stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    pub(crate) fn stop(mut self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        assert!(self.child.wait().unwrap().success(), "the program did not end well");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

/// Sends values over every path and returns the conversations that took some.
async fn plant(program: &Program, mint: &mut Mint) -> Vec<String> {
    let (bot, compliance) = (program.role("ingestor"), program.role("compliance"));
    let mut names = Vec::new();
    for _ in 0..ROUNDS {
        let conversation = v1::Conversation {
            bot: "a".to_owned(),
            client_reference: mint.mail(),
            subject: mint.mail(),
            ..Default::default()
        };
        let name = bot.create_as(conversation).await.unwrap().name;
        let mut metadata = BTreeMap::from([("note".to_owned(), mint.next())]);
        metadata.insert("password".to_owned(), mint.next());
        let escaped = mint.mail().replace('@', "\\u0040");
        let arguments = format!(r#"{{"{}": [1, {{"n": {}}}], "b": "{escaped}"}}"#, mint.mail(), card_of(mint));
        let said_it = v1::Record {
            client_id: mint.mail(),
            model: mint.mail(),
            prompt_version: mint.mail(),
            metadata,
            ..said(&format!("write to {} or pay with {}", mint.mail(), card_of(mint)))
        };
        let called = tool("lookup", &arguments, &format!(r#"["{}"]"#, mint.mail()));
        bot.append(&name, vec![said_it, called, said(&format!("key: {}", mint.next()))]).await.unwrap();
        let mut stream = bot.open_stream(&name, &uuid()).await.unwrap();
        stream.append(1, said(&mint.mail())).await;
        stream.acked(1).await.unwrap();
        let note =
            v1::AnnotateRequest { name: name.clone(), note: format!("asked by {}", mint.mail()), ..Default::default() };
        compliance.conversations().annotate(note).await.unwrap();
        refuse(&bot, &compliance, &name, mint).await;
        names.push(name);
    }
    names
}

fn card_of(mint: &mut Mint) -> String {
    let value = card(mint.0.len() + 5_000);
    mint.0.push(value.clone());
    value
}

/// Sends values in calls that are refused.
async fn refuse(bot: &Client, compliance: &Client, name: &str, mint: &mut Mint) {
    let refused = |answer: Result<v1::AppendRecordsResponse, tonic::Status>, value: &str| {
        let status = answer.unwrap_err();
        assert!(!format!("{status:?}").contains(value), "the refusal repeats the value");
    };
    let value = mint.mail();
    refused(bot.append(name, vec![said(&value.repeat(20_000))]).await, &value);
    refused(bot.append(name, vec![tool(&value, "{}", "")]).await, &value);
    refused(bot.append(name, vec![tool("lookup", &format!("{{{value}"), "")]).await, &value);
    refused(bot.append(&value, vec![said(&value)]).await, &value);
    refused(bot.append_with(name, &value, vec![said(&value)]).await, &value);
    let huge: Vec<_> = (0..20).map(|_| said(&value.repeat(7_000))).collect();
    refused(bot.append(name, huge).await, &value);
    let preview = v1::PreviewRedactionRequest { tenant: TENANT.to_owned(), records: vec![said(&value)] };
    bot.ingest().preview_redaction(preview).await.unwrap();
    let search = v1::SearchConversationsRequest {
        parent: TENANT.to_owned(),
        subject: value.clone(),
        purpose: v1::Purpose::SubjectRequest.into(),
        ..Default::default()
    };
    compliance.search().search_conversations(search.clone()).await.unwrap();
    let wrong = v1::SearchConversationsRequest { page_token: value.clone(), case_reference: value.clone(), ..search };
    assert!(compliance.search().search_conversations(wrong).await.is_err());
    assert!(bot.raw(&format!("/{}", value.replace('@', "")), value.into_bytes()).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_value_reaches_a_file_a_log_or_a_reader() {
    let dir = tempfile::tempdir().unwrap();
    let program = Program::start(dir.path());
    let mut mint = Mint::default();
    let names = plant(&program, &mut mint).await;
    assert!(mint.0.len() >= 200, "{} values", mint.0.len());
    let mut shown = String::new();
    let reader = program.role("reader");
    for name in &names {
        for record in reader.read(name).await.unwrap() {
            let call = match &record.content {
                Some(v1::record::Content::ToolCall(call)) => {
                    format!("{} {} {}", call.name, call.arguments, call.result)
                }
                _ => text_of(&record).to_owned(),
            };
            let rest = [&record.client_id, &record.model, &record.prompt_version].map(String::as_str).join(" ");
            shown.push_str(&format!("{call} {rest} {:?}\n", record.metadata));
        }
        let conversation = reader.get(name).await.unwrap();
        shown.push_str(&format!("{} {}\n", conversation.client_reference, conversation.subject));
    }
    assert!(shown.contains("write to <EMAIL"), "the reader sees nothing, and so nothing is proved");
    let seen: Vec<_> = mint.0.iter().filter(|value| shown.contains(*value)).collect();
    assert!(seen.is_empty(), "read back: {seen:?}");
    // Once while it runs, with its write-ahead logs, and once when it has stopped.
    assert_eq!(hits(dir.path(), &mint.0), Vec::<String>::new());
    program.stop();
    assert_eq!(hits(dir.path(), &mint.0), Vec::<String>::new());
    let log = std::fs::read(dir.path().join("log")).unwrap();
    assert!(!log.is_empty(), "the log is empty: trace did not log: {}", log.len());
    let control = ["conversations_by_time".to_owned()];
    assert!(!hits(dir.path(), &control).is_empty(), "the scan does not find what is there");
}
