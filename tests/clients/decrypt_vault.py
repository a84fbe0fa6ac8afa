"""Opens what a vault wrote with `open_record.py`, and compares it with what the vault itself showed.

usage: decrypt_vault.py PATH-TO-SUBROSA

The vaults: one of `subrosa dev` (key-file root, `ring`, rotated, one segment expired) and one of `subrosa init` and
`subrosa serve` (passphrase root, `rustcrypto`). The decryptor runs as a program of its own on the stopped vaults' folders.
"""

import base64
import json
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import uuid

import harness
from harness import CALL_SECONDS, run_checks

HERE = pathlib.Path(__file__).resolve().parent
EMAIL = "rosa.dorn@example.com"
# Sealed as it came, with what nobody looked for in it.
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 100 + EMAIL.encode()
PASSPHRASE = "a passphrase made up for this test"
# Set by `Client.append`: the API shows a reference to its own bot alone.
REFERENCES = {}
# Records of the first day, kept for ten, are gone when the twelfth begins; those of the fifth are not.
FIRST_DAY, FIFTH, TWELFTH = "2027-01-01T10:00:00Z", "2027-01-05T10:00:00Z", "2027-01-12T00:00:30Z"


class Served(harness.Dev):
    """`subrosa init` and `subrosa serve`, where `Dev` runs `subrosa dev`."""

    def __init__(self, binary, data_dir, *settings):
        self.log_path = f"{data_dir}.stderr"
        self.passphrase_file = pathlib.Path(f"{data_dir}.passphrase")
        self.passphrase_file.write_text(f"{PASSPHRASE}\n")
        init = [binary, "init", "--data-dir", data_dir, "--passphrase-file", self.passphrase_file, "--output", "json"]
        made = json.loads(subprocess.run(init, check=True, capture_output=True, timeout=60).stdout)
        command = [binary, "serve", "--config", made["config_file"], "--output", "json"]
        for listener in ("data", "compliance", "operator", "metrics"):
            command += ["--set", f"server.{listener}_address=127.0.0.1:0"]
        for setting in settings:
            command += ["--set", setting]
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, stdin=subprocess.DEVNULL)
        self.info = self._first_line()
        self.ca = pathlib.Path(made["ca_file"]).read_bytes()
        self.keys = {"security": made["bootstrap_key"]}

    def settle(self, client):
        """Makes the tenant and the keys that `dev` makes by itself."""
        self.tenant = "tenants/acme"
        self.issue(client, "operator", API.ROLE_OPERATOR)
        request = API.CreateTenantRequest(tenant_id="acme", request_id=str(uuid.uuid4()))
        client.call("TenantService", "CreateTenant", request, "operator")
        self.issue(client, "ingestor", API.ROLE_INGESTOR, tenant=self.tenant, bots=["support-bot"])
        self.issue(client, "reader", API.ROLE_READER, tenant=self.tenant)
        self.issue(client, "compliance", API.ROLE_COMPLIANCE, tenant=self.tenant)

    def issue(self, client, name, role, **fields):
        request = API.IssueApiKeyRequest(principal=f"the-{name}", role=role, request_id=str(uuid.uuid4()), **fields)
        self.keys[name] = client.call("AccessService", "IssueApiKey", request, "security").api_key


class Client:
    """Writes into a running vault and reads back what it shows."""

    def __init__(self, server):
        self.server, self.channel = server, server.channel()
        if isinstance(server, Served):
            server.settle(self)
        self.bot = "support-bot"

    def call(self, service, method, request, role):
        stub = getattr(API, f"{service}Stub")(self.channel)
        return getattr(stub, method)(request, timeout=CALL_SECONDS, metadata=self.server.auth(role))

    def append(self, reference, records, **fields):
        conversation = API.Conversation(bot=self.bot, channel="web", language="en", labels=["billing"], **fields)
        request = API.AppendRecordsRequest(
            tenant=self.server.tenant,
            client_reference=reference,
            conversation=conversation,
            request_id=str(uuid.uuid4()),
            records=records,
        )
        name = self.call("IngestService", "AppendRecords", request, "ingestor").conversation
        REFERENCES[name] = reference
        return name

    def keep_some_for_ten_days(self):
        """Adds the retention class `short` to the policy."""
        days = {"standard": 90, "short": 10}
        classes = [API.RetentionClass(name=name, retention={"seconds": n * 86_400}) for name, n in days.items()]
        policy = API.Policy(retention=API.RetentionPolicy(classes=classes, default_class="standard"))
        request = API.ProposePolicyRequest(parent=self.server.tenant, policy=policy)
        self.call("PolicyService", "ProposePolicy", request, "compliance")

    def annotate(self, name):
        request = API.AnnotateRequest(name=name, note=f"Asked for {EMAIL}.", add_labels=["seen"], about_sequence=1)
        self.call("ConversationService", "Annotate", request, "compliance")

    def shown(self, name):
        """Everything that the vault shows of a conversation, in the shape of the decryptor's output."""
        get = API.GetConversationRequest(name=name)
        conversation = self.call("ConversationService", "GetConversation", get, "reader").conversation
        read = API.ReadConversationRequest(name=name, purpose=API.PURPOSE_QUALITY)
        records = [answer.record for answer in self.call("ConversationService", "ReadConversation", read, "reader")]
        return conversation, {record.sequence: plain(record) for record in records}


def turns():
    tool = API.ToolCall(name="find_order", arguments=json.dumps({"contact": EMAIL, "n": 4711}), result='{"found": true}')
    odd = "Grüße \u2028 \x01\t\"\\ \U0001f339"
    return [
        API.Record(author_role=API.AUTHOR_ROLE_USER, text=f"Please write to {EMAIL}. {odd}", client_id="turn-1"),
        API.Record(author_role=API.AUTHOR_ROLE_ASSISTANT, tool_call=tool, metadata={"page": "billing", "contact": EMAIL}),
        # More than one chunk of the sealed format.
        API.Record(author_role=API.AUTHOR_ROLE_ASSISTANT, text="It is on its way. " * 1_500, model="m-1", supersedes=1),
    ]


def files():
    text = f"name,mail\r\nRosa,{EMAIL}\r\n".encode()
    csv = API.Attachment(file_name=f"{EMAIL}.csv", media_type="text/csv", data=text)
    picture = API.Attachment(file_name="cat.png", media_type="image/png", data=PICTURE)
    return [API.Record(author_role=API.AUTHOR_ROLE_USER, attachment=file) for file in (csv, picture)]


def plain(record):
    """What the API shows of a record, in the words of docs/format.md."""
    content = record.WhichOneof("content")
    value = getattr(record, content)
    if content == "tool_call":
        value = {"name": value.name, "arguments": value.arguments, "result": value.result}
    elif content == "attachment":
        file = {"name": value.file_name, "media_type": value.media_type, "sha256": value.sha256, "size": value.size}
        value = file if value.withheld else {**file, "data": base64.b64encode(value.data).decode()}
    elif content == "annotation":
        value = {"note": value.note, "about": value.about_sequence}
    return {
        "author_role": API.AuthorRole.Name(record.author_role).removeprefix("AUTHOR_ROLE_").lower(),
        "content": {content: value},
        "received_at": record.received_at.ToJsonString(),
        "metadata": dict(record.metadata),
        "client_id": record.client_id,
        "model": record.model,
        "supersedes": record.supersedes,
    }


def opened_as_plain(record):
    words = ("author_role", "content", "received_at")
    absent = {"metadata": {}, "client_id": "", "model": "", "supersedes": 0}
    return {**{word: record[word] for word in words}, **{word: record.get(word, none) for word, none in absent.items()}}


def decrypt(folder, *arguments):
    """Runs the decryptor; returns its exit code, its lines, and what it complained of."""
    command = [sys.executable, str(HERE / "open_record.py"), "--vault", str(folder), *map(str, arguments)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert "Traceback" not in ended.stderr, ended.stderr
    return ended.returncode, [json.loads(line) for line in ended.stdout.splitlines()], ended.stderr


def same_instant(ours, theirs):
    """The API leaves out decimals that are zero."""
    return ours.rstrip("Z").rstrip("0").rstrip(".") == theirs.rstrip("Z").rstrip("0").rstrip(".")


def compare(lines, name, shown):
    conversation, records = shown
    metadata = [line["metadata"] for line in lines if line["conversation"] == name and "metadata" in line]
    assert len(metadata) == 1 and metadata[0]["labels"] == sorted(conversation.labels), metadata
    assert metadata[0]["language"] == conversation.language == "en"
    assert metadata[0]["client_reference"] == REFERENCES[name], metadata
    opened = [line["record"] for line in lines if line["conversation"] == name and "record" in line]
    opened = {record["sequence"]: opened_as_plain(record) for record in opened}
    assert opened.keys() == records.keys() and opened, (opened.keys(), records.keys())
    for sequence, record in records.items():
        received = opened[sequence].pop("received_at")
        assert same_instant(received, record.pop("received_at")), received
        assert opened[sequence] == record, sequence


class Decryption:
    def __init__(self, binary, folder):
        self.binary, self.folder = binary, folder
        self.vault, self.other = folder / "vault", folder / "other"
        self.clock = folder / "clock"

    def a_vault_of_dev_opens_to_what_it_showed(self):
        client = self.on(FIRST_DAY)
        client.keep_some_for_ten_days()
        self.name = client.append("chat-one", turns(), retention_class="short")
        client.annotate(self.name)
        rotate = API.RotateKeyRequest(parent=client.server.tenant, request_id=str(uuid.uuid4()))
        client.call("KeyService", "RotateKey", rotate, "operator")
        second = client.append("chat-two", turns()[:1])
        shown = {name: client.shown(name) for name in (self.name, second)}
        assert len(shown[self.name][1]) == 4 and EMAIL not in str(shown)
        self.stop(client)
        code, lines, said = decrypt(self.vault)
        assert code == 0 and "5 records of 2 conversations opened, 0 segments gone, 0 disagreements" in said, said
        assert EMAIL not in str(lines)
        for name in shown:
            compare(lines, name, shown[name])

    def one_conversation_opens_alone(self):
        code, lines, said = decrypt(self.vault, "--conversation", self.name.rsplit("/", 1)[1])
        assert code == 0 and {line["conversation"] for line in lines} == {self.name}, said
        code, lines, _ = decrypt(self.vault, "--conversation", uuid.uuid4())
        assert (code, lines) == (1, [])

    def another_vaults_root_key_opens_nothing(self):
        init = [self.binary, "init", "--root", "key-file", "--data-dir", self.other]
        subprocess.run(init, check=True, capture_output=True, timeout=60)
        code, lines, said = decrypt(self.vault, "--key-file", self.other / "root.key")
        assert (code, lines) == (1, []) and "wrong key" in said, said

    def another_vaults_keys_open_nothing(self):
        copy = self.copy("foreign-keys")
        shutil.copy(self.other / "keys.db", copy / "keys.db")
        code, lines, said = decrypt(copy, "--key-file", self.other / "root.key")
        assert (code, lines) == (1, []) and "of two vaults" in said, said

    def records_that_changed_places_are_refused(self):
        copy = self.copy("swapped")
        # With them go all columns that stand beside them but the sequence.
        self.change(copy, "UPDATE records SET body = 3 - body WHERE body < 3")
        code, lines, said = decrypt(copy)
        assert code == 1 and said.count('{"disagreement": "record"') == 2, said
        assert sum("record" in line for line in lines) == 3

    def a_changed_column_beside_a_record_is_seen(self):
        columns = {"received_at": "received_at + 1", "author_role": 3, "size_class": "size_class + 1"}
        for column, value in columns.items():
            copy = self.copy(f"changed-{column}")
            self.change(copy, f"UPDATE bodies SET {column} = {value} WHERE id = 1")
            code, lines, said = decrypt(copy)
            assert code == 1 and "1 disagreements" in said and sum("record" in line for line in lines) == 4, said

    def a_dropped_record_is_missed(self):
        copy = self.copy("dropped")
        self.change(copy, "DELETE FROM records WHERE sequence = 4")
        code, _, said = decrypt(copy)
        assert code == 1 and "not in vault.db: [4]" in said, said

    def another_commitment_is_seen(self):
        copy = self.copy("recommitted")
        self.change(copy, "UPDATE audit_entries SET commitments = zeroblob(length(commitments)) WHERE commitments <> x''")
        code, lines, said = decrypt(copy)
        assert code == 1 and not any("record" in line for line in lines), said
        assert said.count("to another content") == 5 and said.count("leaf hash") == 3, said

    def an_expired_segment_is_gone_and_the_rest_opens(self):
        client = self.on(FIFTH)
        assert client.append("chat-one", turns()[:1]) == self.name
        self.stop(client)
        backup = self.copy("backup")
        client = self.on(TWELFTH)
        deadline = time.monotonic() + 30
        while len(client.shown(self.name)[1]) != 1:
            assert time.monotonic() < deadline, "the first segment does not expire"
            time.sleep(0.05)
        shown = client.shown(self.name)
        self.stop(client)
        code, lines, said = decrypt(self.vault)
        assert code == 0 and "2 records of 2 conversations opened, 0 segments gone" in said, said
        compare(lines, self.name, shown)
        assert [line["expired_through"] for line in lines if "metadata" in line] == [4, 0], lines
        code, lines, said = decrypt(backup)
        assert code == 0 and "6 records of 2 conversations opened" in said, said
        # The old backup of the data with the key store of now: what ran out stays gone.
        shutil.copy(self.vault / "keys.db", backup / "keys.db")
        code, lines, said = decrypt(backup)
        assert code == 0 and "2 records of 2 conversations opened, 1 segments gone" in said, said
        gone = [(line["day"], line["records"]) for line in lines if "gone" in line]
        assert gone == [("2027-01-11", 4)], gone

    def on(self, now):
        """Starts the vault of `dev` with its clock at `now`."""
        self.clock.write_text(f"{now}\n")
        return Client(harness.Dev(self.binary, self.vault, "--clock-file", str(self.clock)))

    def a_killed_vault_opens_with_its_write_ahead_log(self):
        client = self.on(TWELFTH)
        name = client.append("chat-three", turns())
        shown = client.shown(name)
        client.channel.close()
        client.server.kill()
        assert (self.vault / "vault.db-wal").stat().st_size > 0
        code, lines, said = decrypt(self.vault)
        assert code == 0 and "5 records of 3 conversations opened" in said, said
        compare(lines, name, shown)

    def a_vault_of_rustcrypto_with_a_passphrase_opens_alike(self):
        folder = self.folder / "served"
        served = Served(self.binary, folder, "sealing.backend=rustcrypto")
        client = Client(served)
        name = client.append("chat-one", turns())
        client.annotate(name)
        shown = client.shown(name)
        with_files = client.append("chat-with-files", files())
        shown_files = client.shown(with_files)
        self.stop(client)
        code, lines, said = decrypt(folder, "--passphrase-file", served.passphrase_file)
        assert code == 0 and "6 records of 2 conversations opened" in said, said
        compare(lines, name, shown)
        opened = self.whole_file(lines, shown_files)
        compare(lines, with_files, shown_files)
        assert opened == PICTURE
        wrong = self.folder / "wrong.passphrase"
        wrong.write_text(f"{PASSPHRASE}?\n")
        code, lines, said = decrypt(folder, "--passphrase-file", wrong)
        assert (code, lines) == (1, []) and "wrong key" in said, said

    @staticmethod
    def whole_file(lines, shown):
        """Takes the picture, which the vault withheld, out of what was opened, and returns it."""
        files = [line["record"]["content"]["attachment"] for line in lines if "attachment" in line.get("record", {}).get("content", {})]
        text, picture = files
        assert EMAIL not in text["name"] and EMAIL.encode() not in base64.b64decode(text["data"]), text
        assert "data" in shown[1][1]["content"]["attachment"] and "data" not in shown[1][2]["content"]["attachment"], shown
        return base64.b64decode(picture.pop("data"))

    def stop(self, client):
        client.channel.close()
        code = client.server.terminate()
        assert code == 0, f"exit code {code}\n{client.server.log_tail()}"

    def copy(self, name):
        copy = self.folder / name
        copy.mkdir()
        for file in ("vault.db", "keys.db", "root.key"):
            shutil.copy(self.vault / file, copy / file)
        return copy

    @staticmethod
    def change(folder, sql):
        with sqlite3.connect(folder / "vault.db") as database:
            assert database.execute(sql).rowcount > 0, "the change changed nothing"
        database.close()

    CHECKS = [
        a_vault_of_dev_opens_to_what_it_showed,
        one_conversation_opens_alone,
        another_vaults_root_key_opens_nothing,
        another_vaults_keys_open_nothing,
        records_that_changed_places_are_refused,
        a_changed_column_beside_a_record_is_seen,
        a_dropped_record_is_missed,
        another_commitment_is_seen,
        an_expired_segment_is_gone_and_the_rest_opens,
        a_killed_vault_opens_with_its_write_ahead_log,
        a_vault_of_rustcrypto_with_a_passphrase_opens_alike,
    ]


def main():
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    global API
    harness.end_on_sigterm()
    harness.generate_stubs()
    API = harness.Api()
    with tempfile.TemporaryDirectory(prefix="subrosa-decrypt-") as folder:
        decryption = Decryption(sys.argv[1], pathlib.Path(folder))
        code = run_checks([getattr(decryption, check.__name__) for check in Decryption.CHECKS])
    harness.leave(code)


if __name__ == "__main__":
    main()
