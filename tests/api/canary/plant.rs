//! Plants values on every path into the vault, and keeps all that the vault said to it.

use std::fmt::Debug;

use prost::Message;
use subrosa_proto::v1;
use tonic::metadata::MetadataValue;
use tonic::{Request, Response, Status};

use super::mint::Mint;
use super::scan::escaped;
use crate::support::program::Program;
use crate::support::{Client, TENANT, file, said, tool, uuid};

/// Who plants, what was planted, and what came back.
#[derive(Default)]
pub(super) struct Planting {
    pub(super) mint: Mint,
    /// Values in files that are sealed as they came.
    pub(super) raw: Vec<String>,
    /// The conversations that took some.
    pub(super) names: Vec<String>,
    /// Every reply and every refusal: messages as they are on the wire, statuses whole.
    pub(super) heard: Vec<u8>,
    refusals: usize,
}

impl Planting {
    /// Takes down an answer that must be a good one.
    #[track_caller]
    fn done<M: Message>(&mut self, answer: Result<Response<M>, Status>) -> M {
        let answer = answer.unwrap();
        self.heard.extend(format!("{:?}\n", answer.metadata()).bytes());
        self.heard.extend(answer.get_ref().encode_to_vec());
        answer.into_inner()
    }

    /// Takes down a refusal, which must be one.
    #[track_caller]
    fn refused<T>(&mut self, what: &str, answer: Result<T, Status>) {
        let Err(status) = answer else { panic!("{what} was taken") };
        self.status(&status);
        self.refusals += 1;
    }

    fn status(&mut self, status: &Status) {
        self.heard.extend(format!("{status:?} {:?}\n", status.metadata()).bytes());
        self.heard.extend(status.details());
    }

    /// Sends values over every path once.
    pub(super) async fn round(&mut self, program: &Program) {
        let (bot, compliance) = (program.role("ingestor"), program.role("compliance"));
        let name = self.create(&bot).await;
        self.append(&bot, &name).await;
        self.stream(&bot, &name).await;
        self.annotate(&compliance, &name).await;
        self.redact_later(&program.role("privacy"), &name).await;
        self.preview_and_search(&bot, &compliance).await;
        self.refuse_records(&bot, &name).await;
        self.refuse_words(&bot, &name).await;
        self.refuse_queries(&bot, &compliance, &name).await;
        self.refuse_administration(program).await;
        self.refuse_calls(program, &bot, &name).await;
        self.names.push(name);
    }

    async fn create(&mut self, bot: &Client) -> String {
        let conversation = v1::Conversation {
            bot: "a".to_owned(),
            client_reference: self.mint.sentence(),
            subject: self.mint.bare(),
            ..Default::default()
        };
        let request = v1::CreateConversationRequest {
            parent: TENANT.to_owned(),
            conversation: Some(conversation),
            request_id: uuid(),
        };
        let answer = bot.conversations().create_conversation(request).await;
        self.done(answer).conversation.unwrap().name
    }

    /// Records of every kind, with a value in every field that takes text.
    fn records(&mut self) -> Vec<v1::Record> {
        let mint = &mut self.mint;
        let arguments = format!(
            r#"{{"{}": [1, {{"n": {}}}], "b": "{}", "password": "{}", "{}": 0, "c": "{}"}}"#,
            mint.sentence(),
            mint.card(),
            mint.mail().replace('@', "\\u0040"),
            mint.bare(),
            mint.bare(),
            escaped(&mint.sentence()),
        );
        let result = format!(r#"["{}", {}, {{"deep": [["{}"]]}}]"#, mint.sentence(), mint.card(), mint.sentence());
        let metadata = [("note".to_owned(), mint.sentence()), ("password".to_owned(), mint.bare())].into();
        let text = v1::Record {
            client_id: mint.sentence(),
            model: mint.sentence(),
            prompt_version: mint.sentence(),
            metadata,
            ..said(&format!("{} and {}", mint.sentence(), mint.sentence()))
        };
        vec![text, tool("lookup", &arguments, &result), said(&mint.sentence())]
    }

    fn files(&mut self) -> Vec<v1::Record> {
        let mint = &mut self.mint;
        let json = format!(
            r#"{{"{}": "{}", "e": "{}", "n": {}}}"#,
            mint.bare(),
            mint.sentence(),
            escaped(&mint.sentence()),
            mint.card()
        );
        let csv = format!("a,b\r\n1,{}\r\n2,{}\r\n", mint.bare(), mint.sentence());
        let mut files = vec![
            file(&format!("{}.txt", mint.mail()), "text/plain", mint.sentence().as_bytes()),
            file(&format!("to {}.csv", mint.card()), "text/csv", csv.as_bytes()),
            file("notes.md", "text/markdown", format!("# {}\n\n> {}\n", mint.bare(), mint.sentence()).as_bytes()),
            file("data.json", "application/json", json.as_bytes()),
        ];
        let value = mint.bare();
        let data = [b"\x89PNG\r\n\x1a\n".as_slice(), value.as_bytes()].concat();
        files.push(file(&format!("{}.png", mint.mail()), "image/png", &data));
        self.raw.push(value);
        files
    }

    async fn append(&mut self, bot: &Client, name: &str) {
        for records in [self.records(), self.files()] {
            let (parent, request_id) = (name.to_owned(), uuid());
            let request = v1::AppendRecordsRequest { parent, request_id, records, ..Default::default() };
            let answer = bot.ingest().append_records(request.clone()).await;
            self.done(answer);
            // The first answer again, and a refusal that compares what was sent with what was remembered.
            let answer = bot.ingest().append_records(request.clone()).await;
            self.done(answer);
            let other = v1::AppendRecordsRequest { records: vec![said(&self.mint.sentence())], ..request };
            self.refused("another body", bot.ingest().append_records(other).await);
        }
    }

    async fn stream(&mut self, bot: &Client, name: &str) {
        let mut stream = bot.open_stream(name, &uuid()).await.unwrap();
        let records = [said(&self.mint.sentence()), said(&self.mint.sentence())].into_iter().chain(self.files());
        let mut sent = 0;
        for record in records {
            sent += 1;
            stream.append(sent, record).await;
        }
        self.heard.extend(stream.acked(sent).await.unwrap().encode_to_vec());
        let bad = v1::Record { author_role: 77, ..said(&self.mint.sentence()) };
        stream.append(sent + 1, bad).await;
        self.refused("a bad record in a stream", stream.end().await.1);
        // The vault keeps of a stream's id nothing but a keyed hash, and takes any.
        let mut opened = bot.open_stream(name, &self.mint.bare()).await.unwrap();
        opened.append(1, said(&self.mint.sentence())).await;
        self.heard.extend(opened.acked(1).await.unwrap().encode_to_vec());
    }

    async fn annotate(&mut self, compliance: &Client, name: &str) {
        let request = v1::AnnotateRequest { name: name.to_owned(), note: self.mint.sentence(), ..Default::default() };
        let answer = compliance.conversations().annotate(request.clone()).await;
        self.done(answer);
        let labelled = v1::AnnotateRequest { add_labels: vec![self.mint.bare()], ..request };
        self.refused("a label", compliance.conversations().annotate(labelled).await);
    }

    /// Names values that are not there, and one that is: with `value` the value itself goes over the wire.
    async fn redact_later(&mut self, privacy: &Client, name: &str) {
        let mut value = || v1::redact_record_request::What::Value(self.mint.bare());
        let record = |sequence: u64, what| v1::RedactRecordRequest {
            name: format!("{name}/records/{sequence}"),
            what: Some(what),
            request_id: uuid(),
            ..Default::default()
        };
        let requests = [record(1, value()), record(99_999, value())];
        let long = record(1, v1::redact_record_request::What::Value(self.mint.bare().repeat(500)));
        let [absent, nowhere] = requests;
        let answer = privacy.conversations().redact_record(absent).await;
        self.done(answer);
        self.refused("no record", privacy.conversations().redact_record(nowhere).await);
        self.refused("a long value", privacy.conversations().redact_record(long).await);
        let everywhere = v1::RedactRecordsRequest {
            parent: name.to_owned(),
            what: Some(v1::redact_records_request::What::Value(self.mint.bare())),
            finding_class: "PERSON".to_owned(),
            ..Default::default()
        };
        let answer = privacy.conversations().redact_records(everywhere.clone()).await;
        self.done(answer);
        let unknown = v1::RedactRecordsRequest { finding_class: self.mint.bare(), ..everywhere };
        self.refused("a class", privacy.conversations().redact_records(unknown).await);
    }

    async fn preview_and_search(&mut self, bot: &Client, compliance: &Client) {
        let stored = self.raw.len();
        let records = [self.records(), self.files()].concat();
        self.raw.truncate(stored);
        let request = v1::PreviewRedactionRequest { tenant: TENANT.to_owned(), records };
        let answer = bot.ingest().preview_redaction(request).await;
        self.done(answer);
        let request = v1::SearchConversationsRequest {
            parent: TENANT.to_owned(),
            subject: self.mint.bare(),
            purpose: v1::Purpose::SubjectRequest.into(),
            ..Default::default()
        };
        let answer = compliance.search().search_conversations(request).await;
        self.done(answer);
    }

    /// Records that are refused: for their size, their form, their bytes.
    async fn refuse_records(&mut self, bot: &Client, name: &str) {
        let mint = &mut self.mint;
        let value = mint.bare();
        let half = format!("{{\"{}\": ", mint.bare());
        let name_of_a_file = format!("../{}", mint.bare());
        let key = v1::Record { metadata: [(mint.bare(), String::new())].into(), ..said("x") };
        let many = (0..65).map(|n| (format!("k{n}"), mint.sentence())).take(66).collect();
        let records = vec![
            ("a large record", said(&mint.bare().repeat(40_000))),
            ("a large file", file("a", "text/plain", mint.bare().repeat(40_000).as_bytes())),
            ("a tool's name", tool(&value, "{}", "")),
            ("half a JSON", tool("lookup", &half, "")),
            ("half a JSON result", tool("lookup", "{}", &format!("[{}", mint.bare()))),
            ("a metadata key", key),
            ("many pairs", v1::Record { metadata: many, ..said("x") }),
            ("a long id", v1::Record { client_id: mint.bare().repeat(12), ..said("x") }),
            ("a role", v1::Record { author_role: 99, ..said(&mint.sentence()) }),
            ("a file of no type", file("a", &mint.bare(), b"x")),
            ("a file of another type", file("a", "image/png", mint.bare().as_bytes())),
            ("a page", file("a.txt", "text/plain", format!("<html>{}", mint.bare()).as_bytes())),
            ("bytes that are no text", file("a", "text/csv", &[mint.bare().as_bytes(), b"\xff\xfe"].concat())),
            ("a JSON file cut short", file("a", "application/json", format!("{{\"{}", mint.bare()).as_bytes())),
            ("a file's name", file(&name_of_a_file, "text/plain", b"x")),
        ];
        for (what, record) in records {
            self.refused(what, bot.append(name, vec![record]).await);
        }
        let huge: Vec<_> = (0..20).map(|_| said(&self.mint.bare().repeat(9_000))).collect();
        self.refused("a batch over 4 MiB", bot.append(name, huge).await);
        // Field 5 is a record, its field 7 a text: the value in it, and a byte that is no UTF-8.
        let text = [self.mint.bare().as_bytes(), b"\xff"].concat();
        let record = [&[7 << 3 | 2, u8::try_from(text.len()).unwrap()], &text[..]].concat();
        let message = [&[5 << 3 | 2, u8::try_from(record.len()).unwrap()], &record[..]].concat();
        self.refused("bad UTF-8", bot.raw("/subrosa.v1.IngestService/AppendRecords", message).await);
        let garbage = [b"\xff\xff".as_slice(), self.mint.bare().as_bytes()].concat();
        self.refused("no message", bot.raw("/subrosa.v1.IngestService/AppendRecords", garbage).await);
    }

    /// Words that would stand in clear, and names.
    async fn refuse_words(&mut self, bot: &Client, name: &str) {
        let as_bot = |bot: String| v1::Conversation { bot, ..Default::default() };
        let mint = &mut self.mint;
        let words = vec![
            ("a bot", as_bot(mint.bare())),
            ("a channel", v1::Conversation { channel: mint.bare(), ..as_bot("a".to_owned()) }),
            ("a label", v1::Conversation { labels: vec![mint.bare()], ..as_bot("a".to_owned()) }),
            ("a bot's version", v1::Conversation { bot_version: mint.bare(), ..as_bot("a".to_owned()) }),
            ("a language", v1::Conversation { language: mint.bare(), ..as_bot("a".to_owned()) }),
            ("a retention class", v1::Conversation { retention_class: mint.bare(), ..as_bot("a".to_owned()) }),
            (
                "a long reference",
                v1::Conversation { client_reference: mint.bare().repeat(50), ..as_bot("a".to_owned()) },
            ),
        ];
        for (what, conversation) in words {
            self.refused(what, bot.create_as(conversation).await);
        }
        let (parent, request_id) = (self.mint.bare(), self.mint.bare());
        self.refused("a parent", bot.append(&parent, vec![said("x")]).await);
        self.refused("a parent below", bot.append(&format!("{TENANT}/conversations/{parent}"), vec![said("x")]).await);
        let text = self.mint.sentence();
        self.refused("a request id", bot.append_with(name, &request_id, vec![said(&text)]).await);
        let get = bot.get(&self.mint.bare()).await;
        self.refused("a name", get);
    }

    async fn refuse_queries(&mut self, bot: &Client, compliance: &Client, name: &str) {
        let mint = &mut self.mint;
        let search = || v1::SearchConversationsRequest {
            parent: TENANT.to_owned(),
            purpose: v1::Purpose::Quality.into(),
            ..Default::default()
        };
        let wrong = [
            v1::SearchConversationsRequest { page_token: mint.bare(), ..search() },
            v1::SearchConversationsRequest { case_reference: mint.bare(), ..search() },
            v1::SearchConversationsRequest { parent: mint.bare(), ..search() },
        ];
        for request in wrong {
            self.refused("a search", compliance.search().search_conversations(request).await);
        }
        let mint = &mut self.mint;
        // Of no such bot there is nothing: whether that is an empty page or a refusal does not matter here.
        let empty = [
            v1::SearchConversationsRequest { bot: mint.bare(), ..search() },
            v1::SearchConversationsRequest { channel: mint.bare(), ..search() },
            v1::SearchConversationsRequest { label: mint.bare(), ..search() },
            v1::SearchConversationsRequest { finding_class: mint.bare(), ..search() },
        ];
        for request in empty {
            let answer = compliance.search().search_conversations(request).await;
            self.either(answer);
        }
        let list =
            v1::ListConversationsRequest { parent: TENANT.to_owned(), bot: self.mint.bare(), ..Default::default() };
        let answer = bot.conversations().list_conversations(list.clone()).await;
        self.either(answer);
        let list = v1::ListConversationsRequest { page_token: self.mint.bare(), bot: String::new(), ..list };
        self.refused("a page token", bot.conversations().list_conversations(list).await);
        let audit = v1::ListAuditEventsRequest {
            parent: TENANT.to_owned(),
            operation: self.mint.bare(),
            actor: self.mint.bare(),
            object: self.mint.bare(),
            ..Default::default()
        };
        let answer = compliance.audit().list_audit_events(audit).await;
        self.either(answer);
        let read = v1::ReadConversationRequest {
            name: name.to_owned(),
            purpose: v1::Purpose::Quality.into(),
            case_reference: self.mint.card(),
            ..Default::default()
        };
        self.refused("a case", compliance.conversations().read_conversation(read).await);
    }

    fn either<M: Message>(&mut self, answer: Result<Response<M>, Status>) {
        match answer {
            Ok(answer) => self.heard.extend(answer.get_ref().encode_to_vec()),
            Err(status) => self.status(&status),
        }
    }

    async fn refuse_administration(&mut self, program: &Program) {
        let (operator, security) = (program.role("operator"), program.role("security"));
        let mint = &mut self.mint;
        let create = v1::CreateTenantRequest { tenant_id: mint.bare(), ..Default::default() };
        let issue = |principal: &str, bot: String| v1::IssueApiKeyRequest {
            principal: principal.to_owned(),
            role: v1::Role::Ingestor.into(),
            tenant: TENANT.to_owned(),
            bots: vec![bot],
            request_id: uuid(),
            ..Default::default()
        };
        let keys = [issue(&mint.bare(), "a".to_owned()), issue("new-bot", mint.card())];
        let freeze =
            v1::FreezeTenantRequest { name: TENANT.to_owned(), case_reference: mint.card(), ..Default::default() };
        self.refused("a tenant's id", operator.tenants().create_tenant(create).await);
        for request in keys {
            self.refused("a key's principal or bot", security.access().issue_api_key(request).await);
        }
        self.refused("a case", security.tenants().freeze_tenant(freeze).await);
        let revoke = v1::RevokeApiKeyRequest { name: format!("apiKeys/{}", self.mint.bare()), request_id: uuid() };
        self.refused("a key's name", security.access().revoke_api_key(revoke).await);
        let rotate = v1::RotateKeyRequest { parent: format!("tenants/{}", self.mint.bare()), request_id: uuid() };
        self.refused("a tenant", operator.keys().rotate_key(rotate).await);
        self.refuse_policies(&program.role("compliance")).await;
    }

    async fn refuse_policies(&mut self, compliance: &Client) {
        let rule = v1::ClassRule { finding_class: self.mint.bare(), ..Default::default() };
        let redaction = v1::RedactionPolicy { rules: vec![rule], packs: vec![self.mint.bare()], ..Default::default() };
        let class = v1::RetentionClass {
            name: self.mint.card(),
            retention: Some(prost_types::Duration { seconds: 40 * 86_400, nanos: 0 }),
        };
        let retention = v1::RetentionPolicy { default_class: class.name.clone(), classes: vec![class] };
        let documents = [v1::policy::Document::Redaction(redaction), v1::policy::Document::Retention(retention)];
        for document in documents {
            let policy = Some(v1::Policy { document: Some(document), ..Default::default() });
            let request = v1::ProposePolicyRequest { parent: TENANT.to_owned(), policy, ..Default::default() };
            self.refused("a policy", compliance.policies().propose_policy(request).await);
        }
        let get = v1::GetPolicyRequest { name: format!("{TENANT}/policies/{}", self.mint.bare()) };
        self.refused("a policy's name", compliance.policies().get_policy(get).await);
    }

    /// What stands around a message: credential, headers, method, path.
    async fn refuse_calls(&mut self, program: &Program, bot: &Client, name: &str) {
        let scheme = program.with_header(&format!("Bearer {}", self.mint.bare()));
        self.refused("a credential", scheme.get(name).await);
        let key = program.with_header(&format!("Bearer srk_abcdefgh_{}", self.mint.card()));
        self.refused("a key", key.get(name).await);
        let scheme = program.with_header(&self.mint.sentence());
        self.refused("a scheme", scheme.get(name).await);
        let mut request = Request::new(v1::GetConversationRequest { name: name.to_owned() });
        let text = self.mint.sentence().parse().unwrap();
        request.metadata_mut().insert("x-note", text);
        let bytes = MetadataValue::from_bytes(self.mint.sentence().as_bytes());
        request.metadata_mut().insert_bin("x-note-bin", bytes);
        let answer = bot.conversations().get_conversation(request).await;
        self.done(answer);
        let method = self.mint.card();
        let unknown = bot.raw(&format!("/subrosa.v1.IngestService/{method}"), self.mint.bare().into_bytes()).await;
        self.refused("a method", unknown);
        let service = self.mint.mail().replace('@', "");
        self.refused("a service", bot.raw(&format!("/{service}/Get"), Vec::new()).await);
        self.mint.0.push(service);
        let path = self.mint.mail();
        self.heard.extend(program.metrics(&format!("/metrics?{path}")));
        self.heard.extend(program.metrics(&format!("/{path}")));
    }

    /// Reads everything back, with every role that may.
    pub(super) async fn read_back(&mut self, program: &Program) -> usize {
        let mut records = 0;
        for name in self.names.clone() {
            for role in ["reader", "compliance"] {
                let client = program.role(role);
                let mut stream = client.reading(&name).await.unwrap();
                while let Some(message) = stream.message().await.unwrap() {
                    records += usize::from(message.record.is_some());
                    self.heard.extend(message.encode_to_vec());
                }
                self.heard.extend(client.get(&name).await.unwrap().encode_to_vec());
            }
            let request = v1::GetContextRequest { name, last: 100, ..Default::default() };
            let answer = program.role("ingestor").conversations().get_context(request).await;
            self.done(answer);
        }
        let log = program.role("auditor").log(TENANT).await;
        log.events.iter().for_each(|event| self.heard.extend(event.encode_to_vec()));
        self.heard.extend(program.metrics("/metrics"));
        records
    }
}

impl Debug for Planting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} values, {} refusals", self.mint.0.len(), self.refusals)
    }
}
