"""What the disk tests share: a failing disk, and a client that keeps account of what it was promised.

A `Ledger` appends to conversations, does key acts, and remembers each answer. `verify` then asks a vault for all of it:
every acknowledged record is there once and in order, what was sent and not answered is there whole or not at all, and the
RFC 6962 root of each audit log, recomputed from its canonical entries, is the one that the vault states.
"""

import hashlib
import os
import pathlib
import queue
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid

import grpc

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "clients"), str(HERE)]
import harness  # noqa: E402
from harness import CALL_SECONDS, spell  # noqa: E402
from kill import roots  # noqa: E402

API = None


def load_api():
    """Makes the stubs; call it once, before anything else here."""
    global API
    harness.end_on_sigterm()
    harness.generate_stubs()
    API = harness.Api()
    return API


def build_shim():
    """Compiles `shim.c` and returns where it is."""
    out = pathlib.Path(tempfile.mkdtemp(prefix="subrosa-shim-")) / "shim.so"
    command = ["cc", "-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror", "-o", out, HERE / "shim.c", "-pthread"]
    subprocess.run(command, check=True)
    return out


class Ledger:
    """Appends and key acts, with what was promised."""

    def __init__(self, name, bot="support-bot"):
        self.name, self.bot = name, bot
        self.records = {}  # conversation -> texts that were acknowledged
        self.pending = {}  # conversation -> (request, texts) that was sent and not answered
        self.births = {}  # request id -> (request, texts) of an append that makes its conversation, likewise
        self.tenants, self.versions = [], {}
        self.counter = 0
        self.note = lambda *event: None  # told of what is sent, before, and of what was acknowledged, after

    def texts(self, count, bulk=0):
        self.counter += 1
        return [f"{self.name} {spell(self.counter)} {spell(place)} " + "on its way. " * bulk for place in range(count)]

    def create(self, dev, channel, retention_class=""):
        """Makes a conversation with its first record, and returns its name."""
        texts = self.texts(1)
        request = API.AppendRecordsRequest(
            tenant=dev.tenant,
            client_reference=f"{self.name} {spell(self.counter)}",
            conversation=API.Conversation(bot=self.bot, retention_class=retention_class),
            request_id=str(uuid.uuid4()),
            records=[said(text) for text in texts],
        )
        self.births[request.request_id] = (request, texts)
        return self._bear(dev, channel, request, texts)

    def _bear(self, dev, channel, request, texts):
        answer = self._send(dev, channel, request)
        assert (answer.first_sequence, answer.last_sequence) == (1, 1), answer
        self.records[answer.conversation] = texts
        self.note("kept", answer.conversation, texts)
        del self.births[request.request_id]
        return answer.conversation

    def append(self, dev, channel, conversation, count=3, bulk=0):
        """Appends records; what an earlier call did not get answered is asked for again first."""
        if conversation not in self.pending:
            texts = self.texts(count, bulk)
            request = API.AppendRecordsRequest(
                parent=conversation, request_id=str(uuid.uuid4()), records=[said(text) for text in texts]
            )
            self.pending[conversation] = (request, texts)
            self.note("sent", conversation, texts)
        request, texts = self.pending[conversation]
        answer = self._send(dev, channel, request)
        have = self.records[conversation]
        place = (len(have) + 1, len(have) + len(texts))
        assert (answer.first_sequence, answer.last_sequence) == place, f"{answer} and not {place}"
        self.records[conversation] = have + texts
        self.note("kept", conversation, texts)
        del self.pending[conversation]

    def append_by_stream(self, dev, channel, conversation, count):
        """Appends records over a stream of their own."""
        stream = Stream(dev, channel, conversation)
        for text in self.texts(count):
            self.note("sent", conversation, [text])
            stream.send(text)
            self.records[conversation] = self.records[conversation] + [text]
            self.note("kept", conversation, [text])
        stream.end()

    def settle(self, dev, channel):
        """Asks again for all that was not answered."""
        for request, texts in list(self.births.values()):
            self._bear(dev, channel, request, texts)
        for conversation in list(self.pending):
            self.append(dev, channel, conversation)

    def _send(self, dev, channel, request):
        stub = API.IngestServiceStub(channel)
        return stub.AppendRecords(request, timeout=CALL_SECONDS, metadata=dev.auth("ingestor"))

    def rotate(self, dev, channel):
        request = API.RotateKeyRequest(parent=dev.tenant, request_id=str(uuid.uuid4()))
        stub = API.KeyServiceStub(channel)
        answer = stub.RotateKey(request, timeout=CALL_SECONDS, metadata=dev.auth("operator"))
        self.versions[dev.tenant] = int(answer.key.name.rsplit("/", 1)[1])
        self.note("version", dev.tenant, self.versions[dev.tenant])

    def create_tenant(self, dev, channel):
        self.counter += 1
        tenant = f"t{self.counter}-{uuid.uuid4().hex[:8]}"
        request = API.CreateTenantRequest(tenant_id=tenant, request_id=str(uuid.uuid4()))
        API.TenantServiceStub(channel).CreateTenant(request, timeout=CALL_SECONDS, metadata=dev.auth("operator"))
        self.tenants.append(f"tenants/{tenant}")
        self.note("tenant", f"tenants/{tenant}")

    def state(self):
        """What was promised and what was asked for up to now; `verify` takes it."""
        return {
            "records": {name: list(texts) for name, texts in self.records.items()},
            "pending": {name: texts for name, (_, texts) in self.pending.items()},
            "tenants": list(self.tenants),
            "versions": dict(self.versions),
        }

    def verify(self, dev, channel):
        return verify(dev, channel, self.state())


def said(text):
    return API.Record(author_role=API.AUTHOR_ROLE_USER, text=text)


def read(dev, channel, conversation):
    request = API.ReadConversationRequest(name=conversation, purpose=API.PURPOSE_QUALITY)
    answers = API.ConversationServiceStub(channel).ReadConversation(
        request, timeout=CALL_SECONDS, metadata=dev.auth("reader")
    )
    return [answer.record for answer in answers]


def verify(dev, channel, state):
    """Asks the vault for everything in `state` and returns how many acknowledgements it kept."""
    kept = 0
    for conversation, texts in state["records"].items():
        got = read(dev, channel, conversation)
        sequences = [record.sequence for record in got]
        assert sequences == list(range(1, len(got) + 1)), f"{conversation}: sequences {sequences[:20]}"
        have = [record.text for record in got]
        allowed = [texts, texts + state["pending"].get(conversation, [])]
        assert have in allowed, f"{conversation}: {len(texts)} acknowledged and {len(have)} there, or not the same"
        kept += len(texts)
    for conversation in state.get("expired", []):
        harness.expect_error("NOT_FOUND", "CONVERSATION_EXPIRED", lambda: read(dev, channel, conversation))
        kept += 1
    for tenant in state["tenants"]:
        request = API.GetTenantRequest(name=tenant)
        API.TenantServiceStub(channel).GetTenant(request, timeout=CALL_SECONDS, metadata=dev.auth("operator"))
        kept += 1
    for tenant, version in state["versions"].items():
        request = API.ListKeysRequest(parent=tenant)
        keys = API.KeyServiceStub(channel).ListKeys(request, timeout=CALL_SECONDS, metadata=dev.auth("operator")).keys
        newest = max(int(key.name.rsplit("/", 1)[1]) for key in keys)
        assert newest >= version, f"{tenant}: key version {version} was acknowledged and {newest} is the newest"
        kept += 1
    for log in (dev.tenant, "system"):
        verify_log(dev, channel, log)
    return kept


def verify_log(dev, channel, log):
    """Recomputes the root of a log from its entries."""
    leaves, token, head = [], "", None
    stub = API.AuditServiceStub(channel)
    while True:
        request = API.ListAuditEventsRequest(parent=log, page_size=500, page_token=token)
        page = stub.ListAuditEvents(request, timeout=CALL_SECONDS, metadata=dev.auth("auditor"))
        head = head or (page.tree_size, page.root_hash)
        for event in page.events:
            leaf = hashlib.sha256(b"\0" + event.canonical + b"\n" + b"".join(event.commitments)).digest()
            assert (leaf, len(leaves)) == (event.leaf_hash, event.index), f"{log}: entry {event.index} is not in its place"
            leaves.append(leaf)
        token = page.next_page_token
        if not token or len(leaves) >= head[0]:
            break
    assert len(leaves) >= head[0], f"{log}: {head[0]} entries are stated and {len(leaves)} were listed"
    size, root = head
    for count, recomputed in roots(leaves[:size]):
        pass
    assert (count, recomputed) == (size, root), f"{log}: the root of {size} entries is not the stated one"


def healthz(dev):
    """What the metrics listener says of the vault's health, in one line."""
    try:
        with urllib.request.urlopen(dev.info["metrics_endpoint"] + "/healthz", timeout=10) as answer:
            return answer.read().decode().strip()
    except urllib.error.HTTPError as error:
        return error.read().decode().strip()


def metrics(dev):
    with urllib.request.urlopen(dev.info["metrics_endpoint"] + "/metrics", timeout=10) as answer:
        return answer.read().decode()


def eventually(what, done, seconds=30):
    """Waits until `done` returns something true, and returns it."""
    deadline = time.monotonic() + seconds
    while True:
        found = done()
        if found:
            return found
        assert time.monotonic() < deadline, f"{what} did not come about in {seconds} s"
        time.sleep(0.05)


class Stream:
    """An ingest stream, one record at a time."""

    def __init__(self, dev, channel, conversation):
        self.conversation, self.texts = conversation, queue.Queue()
        self.count = 0
        self.call = API.IngestServiceStub(channel).Ingest(self.feed(), timeout=120, metadata=dev.auth("ingestor"))

    def feed(self):
        yield API.IngestRequest(open=API.IngestOpen(parent=self.conversation, stream_id=str(uuid.uuid4())))
        number = 0
        while (text := self.texts.get()) is not None:
            number += 1
            yield API.IngestRequest(append=API.IngestAppend(client_sequence=number, record=said(text)))

    def send(self, text):
        """Sends a record and returns when it is acknowledged."""
        self.count += 1
        self.texts.put(text)
        for answer in self.call:
            if answer.acked_client_sequence == self.count:
                return
        raise AssertionError("the stream ended without its acknowledgement")

    def end(self):
        self.texts.put(None)
        self.call.cancel()


class Disk:
    """A data folder under the shim, with faults that can be turned on and off."""

    def __init__(self, binary, shim, folder):
        self.binary, self.shim = binary, shim
        self.folder = pathlib.Path(folder).resolve()
        self.data_dir = self.folder / "vault"
        self.rules = pathlib.Path(tempfile.mkdtemp(prefix="subrosa-rules-")) / "rules"
        self.rules.write_text("")
        self.extra = {}

    def start(self, *options):
        # Relative names and links would hide from the shim: the folder is given as it is.
        env = {"LD_PRELOAD": str(self.shim), "SHIM_FOLDER": str(self.data_dir), "SHIM_RULES": str(self.rules)}
        return harness.Dev(self.binary, self.data_dir, *options, env={**env, **self.extra})

    def fail(self, *rules):
        """Turns these faults on, and all others off."""
        self.fired_file().unlink(missing_ok=True)
        next_rules = self.rules.with_suffix(".new")
        next_rules.write_text("".join(f"{rule}\n" for rule in rules))
        os.replace(next_rules, self.rules)

    def fired(self):
        """The faults that struck since they were turned on."""
        path = self.fired_file()
        return path.read_text().splitlines() if path.exists() else []

    def fired_file(self):
        return self.rules.with_suffix(".fired")

    def log(self):
        return pathlib.Path(f"{self.data_dir}.stderr").read_text(errors="replace")


def outcome(call):
    """The code and reason of a call, or OK."""
    try:
        call()
        return ("OK", None)
    except grpc.RpcError as error:
        return (error.code().name, harness.reason_of(error))
