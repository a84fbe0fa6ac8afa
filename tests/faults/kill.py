"""Kills a loaded vault again and again, and checks that it kept every promise that it had made.

usage: kill.py PATH-TO-SUBROSA [--rounds N] [--seed S]

Each round starts `subrosa dev` on the same data folder, loads it with appenders, streams, new conversations and acts on
keys (`acts.py`: new tenants, rotations, conversations that run out while the clock is moved on by days, API keys issued
and revoked), and ends it with SIGKILL at a random moment. What was not acknowledged is sent again in the next round, with
the same request_id or stream_id; what was acknowledged is never sent again, so that a lost record stays lost and is seen.

Checked after every start: a stream stands at or after its last acknowledgement; the audit log has at least its old
size. Checked at the end: every conversation holds its records once, in order, with sequences from 1 without gaps; the
RFC 6962 root of the audit log, recomputed here from the canonical entries, is the one the vault states now *and* the one
it stated after each start (of the system log as well); every act has its intent and its outcome; the log commits to exactly
as many records as there were; every tenant has one active key; what is due is gone and what is not is there; revoked
API keys are refused and the others work.
"""

import argparse
import hashlib
import json
import pathlib
import queue
import random
import sys
import tempfile
import threading
import time
import uuid

import grpc

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "clients"))
import acts  # noqa: E402
import harness  # noqa: E402
from harness import CALL_SECONDS, run_checks, spell  # noqa: E402

APPENDERS, STREAMS, BIRTHS = 4, 2, 1
# The clock never comes near the 90 days for which keys and records of the other loads last.
MOST_DAYS = 60
# Failures that a killed process may cause; every other one is a fault of the vault.
BROKEN = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED, grpc.StatusCode.DEADLINE_EXCEEDED}
BROKEN_REASONS = {None, "SHUTTING_DOWN", "SEQUENCE_CONFLICT", "OVERLOADED"}


class Load:
    """One source of records that outlives the vault's deaths. `expected` is what each conversation must hold."""

    def __init__(self, run, name):
        self.run, self.name = run, name
        self.random = random.Random(f"{run.seed}/{name}")
        self.acked = 0
        self.expected = {}

    def loop(self, dev, stop):
        """Sends until told to stop or until the vault is gone."""
        try:
            with dev.channel() as channel:
                while not stop.is_set():
                    self.step(dev, channel, stop)
        except grpc.RpcError as error:
            reason = harness.reason_of(error)
            if error.code() not in BROKEN and reason not in ("SEQUENCE_CONFLICT", "OVERLOADED") or reason not in BROKEN_REASONS:
                self.run.fault(f"{self.name}: {error.code().name} {reason}: {error.details()}")
            elif not self.run.killing.is_set() and reason not in ("SEQUENCE_CONFLICT", "OVERLOADED"):
                self.run.fault(f"{self.name}: {error.code().name} before the kill: {error.details()}")
        except Exception as error:  # an assertion, or a fault of this program
            self.run.fault(f"{self.name}: {error!r}")

    def text(self, number):
        return f"{self.name} {spell(number)}: " + "it is on its way. " * (number % 40)

    def record(self, number):
        role = API.AUTHOR_ROLE_USER if number % 2 else API.AUTHOR_ROLE_ASSISTANT
        return API.Record(author_role=role, text=self.text(number))


class Appender(Load):
    """Appends batches to one conversation, one at a time."""

    pending = None
    conversation = None
    creation = None

    def step(self, dev, channel, stop):
        if self.conversation is None:
            self.create(dev, channel)
        if self.pending is None:
            count = self.random.randint(1, 20)
            records = [self.record(self.acked + place) for place in range(1, count + 1)]
            self.pending = API.AppendRecordsRequest(
                parent=self.conversation, request_id=str(uuid.uuid4()), records=records
            )
        stub = API.IngestServiceStub(channel)
        answer = stub.AppendRecords(self.pending, timeout=CALL_SECONDS, metadata=dev.auth("ingestor"))
        count = len(self.pending.records)
        assert (answer.first_sequence, answer.last_sequence) == (self.acked + 1, self.acked + count), (
            f"{count} records after {self.acked} were given {answer.first_sequence} to {answer.last_sequence}"
        )
        self.acked += count
        self.pending = None
        self.expected[self.conversation] = [self.text(number) for number in range(1, self.acked + 1)]

    def create(self, dev, channel):
        if self.creation is None:
            self.creation = API.CreateConversationRequest(
                parent=dev.tenant, request_id=str(uuid.uuid4()), conversation=API.Conversation(bot=self.run.bot)
            )
        stub = API.ConversationServiceStub(channel)
        answer = stub.CreateConversation(self.creation, timeout=CALL_SECONDS, metadata=dev.auth("ingestor"))
        self.conversation = answer.conversation.name


class Births(Load):
    """Creates a conversation with each append, by client reference: new keys are made while the vault dies."""

    pending = None

    def step(self, dev, channel, stop):
        number = self.acked + 1
        if self.pending is None:
            self.pending = API.AppendRecordsRequest(
                tenant=dev.tenant,
                client_reference=f"{self.name} {spell(number)}",
                conversation=API.Conversation(bot=self.run.bot),
                request_id=str(uuid.uuid4()),
                records=[self.record(number)],
            )
        stub = API.IngestServiceStub(channel)
        answer = stub.AppendRecords(self.pending, timeout=CALL_SECONDS, metadata=dev.auth("ingestor"))
        assert (answer.first_sequence, answer.last_sequence) == (1, 1), answer
        assert answer.conversation not in self.expected, "two references were given one conversation"
        self.expected[answer.conversation] = [self.text(number)]
        self.acked, self.pending = number, None


class Stream(Appender):
    """Streams records to one conversation over Ingest."""

    WINDOW = 500

    def __init__(self, run, name):
        super().__init__(run, name)
        self.stream_id = str(uuid.uuid4())

    def step(self, dev, channel, stop):
        if self.conversation is None:
            self.create(dev, channel)
        resume, over = queue.Queue(), threading.Event()

        def requests():
            yield API.IngestRequest(open=API.IngestOpen(parent=self.conversation, stream_id=self.stream_id))
            number = resume.get()
            while number is not None and not over.is_set():
                number += 1
                while number > self.acked + self.WINDOW and not over.wait(0.001):
                    pass
                if over.is_set():
                    return
                yield API.IngestRequest(append=API.IngestAppend(client_sequence=number, record=self.record(number)))

        stub = API.IngestServiceStub(channel)
        call = stub.Ingest(requests(), timeout=CALL_SECONDS, metadata=dev.auth("ingestor"))
        first = True
        try:
            for answer in call:
                assert answer.acked_client_sequence >= self.acked, (
                    f"{self.acked} were acknowledged and the stream stands at {answer.acked_client_sequence}"
                )
                self.acked = answer.acked_client_sequence
                assert answer.last_sequence == self.acked, (answer.last_sequence, self.acked)
                if first:
                    first = False
                    resume.put(self.acked)
                if stop.is_set():
                    return
        finally:
            over.set()
            resume.put(None)
            call.cancel()
            self.expected[self.conversation] = [self.text(number) for number in range(1, self.acked + 1)]


class Run:
    """All rounds on one data folder."""

    def __init__(self, binary, folder, rounds, seed):
        self.binary, self.data_dir, self.rounds, self.seed = binary, folder / "vault", rounds, seed
        self.random = random.Random(seed)
        self.killing = threading.Event()
        self.faults, self.heads = [], {"system": []}
        self.clock = acts.Clock(folder / "clock")
        self.tenant = None
        self.keys = self.dev = self.entries = None
        self.bot = None
        self.loads = [Appender(self, f"append {spell(n)}") for n in range(APPENDERS)]
        self.loads += [Stream(self, f"stream {spell(n)}") for n in range(STREAMS)]
        self.loads += [Births(self, f"arrival {spell(n)}") for n in range(BIRTHS)]
        Tenants, Rotations, Passing, ApiKeys = acts.mixins(Load)
        self.tenants, self.passing = Tenants(self, "tenant"), Passing(self, "passing")
        self.rotations, self.api_keys = Rotations(self, "rotation", self.tenants), ApiKeys(self, "api key")
        self.loads += [self.tenants, self.passing, self.rotations, self.api_keys]

    def fault(self, what):
        self.faults.append(what)
        print(f"  fault: {what}", flush=True)

    def start(self):
        self.clock.set()
        dev = harness.Dev(self.binary, self.data_dir, "--clock-file", str(self.clock.path))
        self.tenant = dev.tenant
        self.bot = self.bot or dev.bot(API)
        assert self.keys in (None, dev.keys), "`dev` made new keys on a data folder that it had used before"
        self.keys = dev.keys
        with dev.channel() as channel:
            acts.keep_for_a_day(dev, channel, self.passing.CLASS)
            for log in (dev.tenant, "system"):
                page = self.audit_page(dev, channel, log, "", 1)
                heads = self.heads.setdefault(log, [])
                if heads and page.tree_size < heads[-1][0]:
                    self.fault(f"the log of {log} had {heads[-1][0]} entries and has {page.tree_size}")
                heads.append((page.tree_size, page.root_hash))
        return dev

    def audit_page(self, dev, channel, log, token, size=500):
        request = API.ListAuditEventsRequest(parent=log, page_size=size, page_token=token)
        return API.AuditServiceStub(channel).ListAuditEvents(
            request, timeout=CALL_SECONDS, metadata=dev.auth("auditor")
        )

    def every_round_starts_again_and_answers(self):
        step = max(4, -(-self.rounds // MOST_DAYS))
        for number in range(self.rounds):
            self.clock.days = number // step
            dev = self.start()
            self.load(dev, self.random.uniform(0.03, 0.7), dev.kill)
            if number % 10 == 9:
                acked = sum(load.acked for load in self.loads)
                print(f"  round {number + 1}: {acked} acts acknowledged, {self.heads[dev.tenant][-1][0]} audit entries", flush=True)
        assert not self.faults, f"{len(self.faults)} faults, the first: {self.faults[0]}"
        assert all(load.acked for load in self.loads), {load.name: load.acked for load in self.loads}

    def load(self, dev, seconds, end):
        stop = threading.Event()
        self.killing.clear()
        threads = [threading.Thread(target=load.loop, args=(dev, stop), daemon=True) for load in self.loads]
        for thread in threads:
            thread.start()
        time.sleep(seconds)
        if end:
            self.killing.set()
            end()
        stop.set()
        for thread in threads:
            thread.join(CALL_SECONDS + 5)
        assert not any(thread.is_alive() for thread in threads), "a client hangs"

    def what_was_pending_is_taken_once(self):
        self.dev = self.start()
        before = len(self.faults)
        self.load(self.dev, 0.5, None)
        assert len(self.faults) == before, self.faults[before:]
        for load in self.loads:
            for kind in ("pending", "issuing", "revoking"):
                assert getattr(load, kind, None) is None, f"{load.name} never got its answer"

    def every_acknowledged_record_is_there_once_and_in_order(self):
        conversations = records = 0
        with self.dev.channel() as channel:
            stub = API.ConversationServiceStub(channel)
            for load in self.loads:
                for name, expected in load.expected.items():
                    request = API.ReadConversationRequest(name=name, purpose=API.PURPOSE_QUALITY)
                    got = stub.ReadConversation(request, timeout=120, metadata=self.dev.auth("reader"))
                    records += self.compare(load, [answer.record for answer in got], expected)
                    conversations += 1
        self.record_count = records
        print(f"  {records} records in {conversations} conversations")

    def compare(self, load, got, expected):
        sequences = [record.sequence for record in got]
        assert sequences == list(range(1, len(got) + 1)), f"{load.name}: sequences {sequences[:20]}..."
        assert len(got) >= len(expected), f"{load.name}: {len(expected)} acknowledged, {len(got)} there"
        # A stream may have committed records whose acknowledgement nobody saw; they are right ones, and in order.
        spare = len(got) - len(expected)
        assert spare == 0 or isinstance(load, Stream) and spare <= Stream.WINDOW, f"{load.name}: {spare} too many"
        for number, record in enumerate(got, 1):
            want = expected[0] if isinstance(load, Births) else load.text(number)
            assert record.text == want, f"{load.name}: record {number} reads {record.text[:40]!r}"
        return len(got)

    def the_audit_logs_verify(self):
        self.entries = self.verify_log(self.dev.tenant)
        system = self.verify_log("system")
        for log, entries in ((self.dev.tenant, self.entries), ("system", system)):
            unfinished = acts.unfinished(entries)
            assert not unfinished, f"{log}: intents without an outcome, or outcomes without an intent: {unfinished}"

    def verify_log(self, log):
        entries = self.read_log(log)
        leaves = []
        for index, event in enumerate(entries):
            assert event.index == index, f"entry {index} says that it is {event.index}"
            leaf = hashlib.sha256(b"\0" + event.canonical + b"\n" + b"".join(event.commitments)).digest()
            assert leaf == event.leaf_hash, f"entry {index} is not what was hashed"
            leaves.append(leaf)
        recomputed = dict(roots(leaves))
        for size, root in self.heads[log]:
            assert recomputed.get(size) == root, f"{log}: the first {size} entries are not what they were"
        return entries

    def the_audit_log_commits_to_every_record(self):
        committed = 0
        for event in self.entries:
            counted = json.loads(event.canonical).get("counts", {}).get("records", 0)
            if event.commitments:
                assert counted == len(event.commitments), f"entry {event.index}: {counted} records"
            committed += len(event.commitments)
        # The records that ran out before their append was answered may have been there, or not.
        spare = committed - self.record_count - len(self.passing.passing)
        assert 0 <= spare <= self.passing.unknown, f"{committed} commitments, {self.record_count} records and {spare} more"

    def every_tenant_has_one_active_key(self):
        with self.dev.channel() as channel:
            for tenant in [self.dev.tenant, *self.tenants.made]:
                active = acts.active_keys(self.dev, channel, tenant)
                assert len(active) == 1, f"{tenant}: active are {active}"
                want = self.rotations.versions.get(tenant, 1)
                assert active == [want], f"{tenant}: active is {active}, the last rotation made {want}"
        print(f"  {len(self.tenants.made)} tenants, {self.rotations.acked} rotations")

    def what_is_due_is_gone_and_the_rest_is_there(self):
        with self.dev.channel() as channel:
            gone, there = self.passing.settle(self.dev, channel)
        assert gone and there, (gone, there)
        print(f"  {gone} conversations are gone, {there} are there, after {self.clock.days} days")

    def api_keys_are_what_was_acknowledged(self):
        with self.dev.channel() as channel:
            live, revoked = self.api_keys.settle(channel)
        assert live and revoked, (live, revoked)
        print(f"  {live} keys work, {revoked} are revoked")

    def read_log(self, log):
        entries, token, head = [], "", None
        with self.dev.channel() as channel:
            while True:
                page = self.audit_page(self.dev, channel, log, token)
                if head is None:
                    head = page.tree_size
                    self.heads[log].append((head, page.root_hash))
                entries += page.events
                token = page.next_page_token
                if not token:
                    break
        entries = [event for event in entries if event.index < head]
        assert len(entries) == head, f"{head} entries are stated and {len(entries)} were listed"
        return entries


def roots(leaves):
    """The size and RFC 6962 root of every prefix of the log, from the empty one on."""
    subtrees = []  # (size, root) of the perfect subtrees, largest first
    yield 0, hashlib.sha256(b"").digest()
    for count, leaf in enumerate(leaves, 1):
        node, size = leaf, 1
        while subtrees and subtrees[-1][0] == size:
            node = hashlib.sha256(b"\1" + subtrees.pop()[1] + node).digest()
            size *= 2
        subtrees.append((size, node))
        root = subtrees[-1][1]
        for _, left in reversed(subtrees[:-1]):
            root = hashlib.sha256(b"\1" + left + root).digest()
        yield count, root


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("binary")
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    options = parser.parse_args()
    global API
    harness.end_on_sigterm()
    harness.generate_stubs()
    API = acts.API = harness.Api()
    print(f"{options.rounds} rounds, --seed {options.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="subrosa-kill-") as folder:
        run = Run(options.binary, pathlib.Path(folder), options.rounds, options.seed)
        code = run_checks(
            [
                run.every_round_starts_again_and_answers,
                run.what_was_pending_is_taken_once,
                run.every_acknowledged_record_is_there_once_and_in_order,
                run.every_tenant_has_one_active_key,
                run.what_is_due_is_gone_and_the_rest_is_there,
                run.api_keys_are_what_was_acknowledged,
                run.the_audit_logs_verify,
                run.the_audit_log_commits_to_every_record,
            ]
        )
        if code:
            print(pathlib.Path(f"{run.data_dir}.stderr").read_text(errors="replace")[-3000:])
        if run.dev:
            run.dev.kill()
    harness.leave(code)


if __name__ == "__main__":
    main()
