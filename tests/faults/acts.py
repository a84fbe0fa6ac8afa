"""Loads of acts on keys for `kill.py`: tenants, rotations, retention that runs out, API keys.

Each act keeps its request until it has an answer, through as many kills as that takes, and what was answered is held
against the vault for ever after.
"""

import datetime
import json
import pathlib
import uuid

import grpc

import harness
from harness import CALL_SECONDS, spell

API = None  # set by `kill.py` once the stubs are there


def reason_of_refusal(call):
    """The reason for which a call is refused; none when it is not. A vault that is gone is no refusal."""
    try:
        call()
        return None
    except grpc.RpcError as error:
        reason = harness.reason_of(error)
        if reason is None or error.code() == grpc.StatusCode.UNAVAILABLE:
            raise
        return reason


class Clock:
    """The vault's clock: a file that is moved on with the time that really passes, and by whole days between rounds."""

    def __init__(self, path):
        self.path, self.days = pathlib.Path(path), 0
        # Noon, so that no midnight comes by itself.
        self.began = datetime.datetime.now(datetime.timezone.utc)
        self.noon = self.began.replace(hour=12, minute=0, second=0, microsecond=0)
        if self.noon < self.began:
            self.noon += datetime.timedelta(days=1)

    def set(self):
        """Writes the time; called before each start, for a process that starts begins at what it reads."""
        passed = datetime.datetime.now(datetime.timezone.utc) - self.began
        now = self.noon + passed + datetime.timedelta(days=self.days)
        fresh = self.path.with_suffix(".new")
        fresh.write_text(now.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z\n")
        fresh.rename(self.path)


def mixins(Load):
    """The loads, as kinds of the one that `kill.py` has."""

    class Tenants(Load):
        """Makes tenants. One that was acknowledged is there from then on."""

        pending = None

        def __init__(self, run, name):
            super().__init__(run, name)
            self.made = []

        def step(self, dev, channel, stop):
            if stop.wait(self.random.uniform(0.0, 0.15)):
                return
            if self.pending is None:
                name = f"acts-{spell(self.acked)}"
                self.pending = API.CreateTenantRequest(tenant_id=name, request_id=str(uuid.uuid4()))
            stub = API.TenantServiceStub(channel)
            answer = stub.CreateTenant(self.pending, timeout=CALL_SECONDS, metadata=dev.auth("operator")).tenant
            assert answer.name == f"tenants/{self.pending.tenant_id}", answer.name
            self.made.append(answer.name)
            self.acked, self.pending = self.acked + 1, None

    class Rotations(Load):
        """Rotates the keys of several tenants. Each rotation that was asked for is done once, however often it is asked."""

        pending = None

        def __init__(self, run, name, tenants):
            super().__init__(run, name)
            self.tenants, self.versions = tenants, {}

        def step(self, dev, channel, stop):
            if stop.wait(self.random.uniform(0.0, 0.15)):
                return
            if self.pending is None:
                parent = self.random.choice([dev.tenant, *self.tenants.made[:5]])
                self.pending = API.RotateKeyRequest(parent=parent, request_id=str(uuid.uuid4()))
            stub = API.KeyServiceStub(channel)
            answer = stub.RotateKey(self.pending, timeout=CALL_SECONDS, metadata=dev.auth("operator"))
            before = self.versions.get(self.pending.parent, 1)
            assert answer.key.version == before + 1, f"{self.pending.parent}: {answer.key.version} follows {before}"
            self.versions[self.pending.parent] = answer.key.version
            self.acked, self.pending = self.acked + 1, None

    class Passing(Load):
        """Makes conversations that are kept for a day, and reads old ones: what is due may go, what is gone stays gone."""

        CLASS = "passing"
        pending = None

        def __init__(self, run, name):
            super().__init__(run, name)
            self.passing, self.gone, self.unknown = [], set(), 0

        def step(self, dev, channel, stop):
            if stop.wait(self.random.uniform(0.0, 0.05)):
                return
            number = self.acked + 1
            if self.pending is None:
                self.pending = API.AppendRecordsRequest(
                    tenant=dev.tenant,
                    client_reference=f"{self.name} {spell(number)}",
                    conversation=API.Conversation(bot=self.run.bot, retention_class=self.CLASS),
                    request_id=str(uuid.uuid4()),
                    records=[self.record(number)],
                )
                self.asked_on = self.run.clock.days
            stub = API.IngestServiceStub(channel)
            answer = None

            def append():
                nonlocal answer
                answer = stub.AppendRecords(self.pending, timeout=CALL_SECONDS, metadata=dev.auth("ingestor"))

            refused = reason_of_refusal(append)
            if refused == "CONVERSATION_EXPIRED":
                # It was begun on the day it was asked for, without an answer, and has run out since.
                assert self.run.clock.days >= self.asked_on + 2, f"{self.name}: expired early"
                self.acked, self.pending, self.unknown = number, None, self.unknown + 1
                return
            if refused in ("SEQUENCE_CONFLICT", "OVERLOADED"):
                return
            assert refused is None, refused
            # It was done on some day from when it was first asked for until now.
            self.passing.append((answer.conversation, self.text(number), self.asked_on, self.run.clock.days))
            self.acked, self.pending = number, None
            self.look(dev, channel, self.random.choice(self.passing))

        def look(self, dev, channel, one):
            """Reads one of them; returns whether it is gone."""
            name, text, first_day, last_day = one
            request = API.ReadConversationRequest(name=name, purpose=API.PURPOSE_QUALITY)
            got = None

            def read():
                nonlocal got
                call = API.ConversationServiceStub(channel).ReadConversation(
                    request, timeout=CALL_SECONDS, metadata=dev.auth("reader")
                )
                got = [answer.record.text for answer in call if answer.HasField("record")]

            refused = reason_of_refusal(read)
            if refused is None and got == []:
                # Its key was destroyed between the begin of the read and its first record.
                refused = "CONVERSATION_EXPIRED"
            if refused is None:
                assert name not in self.gone, f"{name} was gone and is back"
                assert got == [text], f"{name} reads {got}"
                return False
            assert refused == "CONVERSATION_EXPIRED", f"{name}: {refused}"
            assert self.run.clock.days >= first_day + 2, f"{name} of day {first_day} is gone on day {self.run.clock.days}"
            self.gone.add(name)
            return True

        def settle(self, dev, channel):
            """At the end: everything that is due is gone, everything else is there. Returns how many of each."""
            gone = there = 0
            for one in self.passing:
                is_gone = self.look(dev, channel, one)
                if self.run.clock.days >= one[3] + 2:
                    assert is_gone, f"{one[0]} of day {one[3]} is there on day {self.run.clock.days}"
                gone, there = gone + is_gone, there + (not is_gone)
            return gone, there

    class ApiKeys(Load):
        """Issues and revokes API keys. An issued one works; one whose revocation was acknowledged never does again."""

        issuing = revoking = None

        def __init__(self, run, name):
            super().__init__(run, name)
            self.live, self.revoked = [], []

        def step(self, dev, channel, stop):
            if stop.wait(self.random.uniform(0.0, 0.1)):
                return
            if self.revoking is None and self.issuing is None and self.live and self.random.random() < 0.5:
                self.revoking = self.live.pop(self.random.randrange(len(self.live)))
            if self.revoking is not None:
                name, secret = self.revoking
                request = API.RevokeApiKeyRequest(name=name, request_id=str(uuid.uuid4()))
                stub = API.AccessServiceStub(channel)
                stub.RevokeApiKey(request, timeout=CALL_SECONDS, metadata=dev.auth("security"))
                self.revoked.append((name, secret))
                self.acked, self.revoking = self.acked + 1, None
                self.must_be_refused(channel, secret)
            else:
                self.issue(dev, channel)
            if self.revoked:
                self.must_be_refused(channel, self.random.choice(self.revoked)[1])

        def issue(self, dev, channel):
            if self.issuing is None:
                self.issuing = API.IssueApiKeyRequest(
                    principal=f"acts-{spell(self.acked)}",
                    role=API.ROLE_INGESTOR,
                    tenant=dev.tenant,
                    bots=["*"],
                    request_id=str(uuid.uuid4()),
                )
            stub = API.AccessServiceStub(channel)
            answer = stub.IssueApiKey(self.issuing, timeout=CALL_SECONDS, metadata=dev.auth("security"))
            assert answer.key.name.startswith("apiKeys/"), answer.key.name
            self.acked, self.issuing = self.acked + 1, None
            # The answer to a repeated request has no secret: it is not kept. The key is there, and can be revoked.
            if answer.api_key:
                self.live.append((answer.key.name, answer.api_key))
                self.must_work(channel, answer.api_key)

        def listed(self, channel, secret):
            request = API.ListConversationsRequest(parent=self.run.tenant, page_size=1)
            auth = [("authorization", f"Bearer {secret}")]
            API.ConversationServiceStub(channel).ListConversations(request, timeout=CALL_SECONDS, metadata=auth)

        def must_work(self, channel, secret):
            refused = reason_of_refusal(lambda: self.listed(channel, secret))
            assert refused is None, f"a key that was issued is refused: {refused}"

        def must_be_refused(self, channel, secret):
            refused = reason_of_refusal(lambda: self.listed(channel, secret))
            assert refused == "CREDENTIAL_INVALID", f"a revoked key: {refused}"

        def settle(self, channel):
            """At the end: every key is what was acknowledged last."""
            for _, secret in self.revoked:
                self.must_be_refused(channel, secret)
            for _, secret in self.live:
                self.must_work(channel, secret)
            return len(self.live), len(self.revoked)

    return Tenants, Rotations, Passing, ApiKeys


def keep_for_a_day(dev, channel, name):
    """Gives the tenant a retention class of one day."""
    of, auth = f"{dev.tenant}/policies/retention", dev.auth("compliance")
    stub = API.PolicyServiceStub(channel)
    policy = stub.GetPolicy(API.GetPolicyRequest(name=of), timeout=CALL_SECONDS, metadata=auth).policy
    if any(entry.name == name for entry in policy.retention.classes):
        return
    wanted = API.Policy(retention=policy.retention)
    added = wanted.retention.classes.add(name=name)
    added.retention.seconds = 86_400
    request = API.ProposePolicyRequest(
        parent=dev.tenant, policy=wanted, base_version=policy.version, request_id=str(uuid.uuid4())
    )
    stub.ProposePolicy(request, timeout=CALL_SECONDS, metadata=auth)


def unfinished(entries):
    """Acts of a log that have an intent and no outcome, or the other way round."""
    balance = {}
    for event in entries:
        entry = json.loads(event.canonical)
        if entry["phase"] in ("INTENT", "OUTCOME"):
            step = 1 if entry["phase"] == "INTENT" else -1
            balance[entry["op"]] = balance.get(entry["op"], 0) + step
    return {operation: count for operation, count in balance.items() if count}


def active_keys(dev, channel, tenant):
    """The versions of a tenant's key that are active."""
    request = API.ListKeysRequest(parent=tenant, page_size=500)
    stub, versions, token = API.KeyServiceStub(channel), [], ""
    while True:
        request.page_token = token
        page = stub.ListKeys(request, timeout=CALL_SECONDS, metadata=dev.auth("operator"))
        versions += [key.version for key in page.keys if key.state == API.KEY_STATE_ACTIVE]
        token = page.next_page_token
        if not token:
            return versions
