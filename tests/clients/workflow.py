"""A bot, a reader, an operator and an auditor at work on a vault, by grpcio and `proto/` alone.

usage: workflow.py PATH-TO-SUBROSA
"""

import json
import pathlib
import queue
import re
import sys
import tempfile
import threading
import time
import uuid

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

import harness
from harness import CALL_SECONDS, expect_error, run_checks, spell

STREAMED = 10_000
# Made-up: a domain that RFC 2606 keeps free, and the card number that payment test suites use.
EMAIL = "rosa.dorn@example.com"
CARD = "4111 1111 1111 1111"
SECRETS = [EMAIL, CARD, CARD.replace(" ", "")]


class Workflow:
    def __init__(self, binary, folder):
        self.data_dir = folder / "vault"
        self.dev = harness.Dev(binary, self.data_dir)
        self.tenant = self.dev.tenant
        self.bot = self.dev.bot(API)
        self.channel = self.dev.channel()
        self.operator_channel = self.dev.channel("operator")
        self.conversation = None
        self.first_append = None
        self.streamed = None

    # ---- helpers

    def call(self, service, method, request, role, channel=None, timeout=CALL_SECONDS):
        stub = getattr(API, f"{service}Stub")(channel or self.channel)
        return getattr(stub, method)(request, timeout=timeout, metadata=self.dev.auth(role) if role else None)

    def read(self, name, role="reader", timeout=CALL_SECONDS, **fields):
        fields.setdefault("purpose", API.PURPOSE_QUALITY)
        request = API.ReadConversationRequest(name=name, **fields)
        return [answer.record for answer in self.call("ConversationService", "ReadConversation", request, role, timeout=timeout)]

    def create(self, reference):
        request = API.CreateConversationRequest(
            parent=self.tenant,
            request_id=str(uuid.uuid4()),
            conversation=API.Conversation(bot=self.bot, client_reference=reference, audience=API.AUDIENCE_CUSTOMER),
        )
        return self.call("ConversationService", "CreateConversation", request, "ingestor").conversation

    def turns(self):
        arguments = json.dumps({"contact": EMAIL, "order": 4711, "note": ["pays with", CARD]})
        tool = API.ToolCall(name="find_order", arguments=arguments, result=json.dumps({"found": True, "mail": EMAIL}))
        return [
            API.Record(author_role=API.AUTHOR_ROLE_USER, text=f"Please write to {EMAIL}, my card is {CARD}."),
            API.Record(author_role=API.AUTHOR_ROLE_ASSISTANT, tool_call=tool, metadata={"page": "billing", "contact": EMAIL}),
            API.Record(author_role=API.AUTHOR_ROLE_ASSISTANT, text=f"I have written to {EMAIL}."),
        ]

    def audit_events(self, operation, log):
        request = API.ListAuditEventsRequest(parent=log, operation=operation, page_size=500)
        return list(self.call("AuditService", "ListAuditEvents", request, "auditor").events)

    # ---- checks, in the order they build on each other

    def health_is_serving_without_a_credential(self):
        for listener in ("data", "compliance", "operator"):
            with self.dev.channel(listener) as channel:
                stub = health_pb2_grpc.HealthStub(channel)
                status = stub.Check(health_pb2.HealthCheckRequest(), timeout=CALL_SECONDS).status
                assert status == health_pb2.HealthCheckResponse.SERVING, f"{listener}: {status}"

    def ingestor_creates_a_conversation_and_appends(self):
        self.conversation = self.create("chat-one").name
        assert re.fullmatch(re.escape(self.tenant) + "/conversations/[0-9a-f-]{36}", self.conversation), self.conversation
        self.append_request = API.AppendRecordsRequest(
            parent=self.conversation, request_id=str(uuid.uuid4()), records=self.turns()
        )
        answer = self.call("IngestService", "AppendRecords", self.append_request, "ingestor")
        assert (answer.first_sequence, answer.last_sequence) == (1, 3), answer
        counts = {count.finding_class: count.count for count in answer.redactions}
        assert counts.get("EMAIL", 0) >= 5 and counts.get("CARD", 0) >= 2, counts
        self.first_append = answer

    def the_same_request_id_gets_the_same_answer(self):
        again = self.call("IngestService", "AppendRecords", self.append_request, "ingestor")
        assert again.SerializeToString(deterministic=True) == self.first_append.SerializeToString(deterministic=True), again
        assert len(self.read(self.conversation)) == 3

    def the_same_request_id_with_another_body_is_refused(self):
        other = API.AppendRecordsRequest()
        other.CopyFrom(self.append_request)
        other.records[0].text = "Something else."
        expect_error(
            "ALREADY_EXISTS",
            "IDEMPOTENCY_MISMATCH",
            lambda: self.call("IngestService", "AppendRecords", other, "ingestor"),
        )
        assert len(self.read(self.conversation)) == 3

    def an_append_by_client_reference_creates_once(self):
        def append(text):
            record = API.Record(author_role=API.AUTHOR_ROLE_USER, text=text)
            request = API.AppendRecordsRequest(
                tenant=self.tenant,
                client_reference="chat-by-reference",
                request_id=str(uuid.uuid4()),
                records=[record],
                conversation=API.Conversation(bot=self.bot),
            )
            return self.call("IngestService", "AppendRecords", request, "ingestor")

        first, second = append("One."), append("Two.")
        assert first.created and not second.created
        assert first.conversation == second.conversation
        assert [record.text for record in self.read(first.conversation)] == ["One.", "Two."]

    def reader_sees_it_redacted(self):
        records = self.read(self.conversation)
        assert [record.sequence for record in records] == [1, 2, 3]
        shown = "\n".join(str(record) for record in records)
        for secret in SECRETS:
            assert secret not in shown, f"a reader sees a planted value of {len(secret)} characters"
        first, call, last = records
        token = re.search(r"<EMAIL_[0-9A-Z]+>", first.text)
        assert token, first.text
        assert re.search(r"411111\D*\d{0}.*1111", first.text), f"no masked card in: {first.text}"
        assert token[0] in last.text, "the same value gets the same token in another turn"
        assert json.loads(call.tool_call.arguments)["contact"] == token[0], call.tool_call.arguments
        assert json.loads(call.tool_call.result) == {"found": True, "mail": token[0]}, call.tool_call.result
        assert call.metadata["page"] == "billing" and call.metadata["contact"] == token[0], dict(call.metadata)

    def reading_needs_a_purpose(self):
        expect_error(
            "INVALID_ARGUMENT",
            "PURPOSE_REQUIRED",
            lambda: self.read(self.conversation, purpose=API.PURPOSE_UNSPECIFIED),
        )

    def operator_may_not_read(self):
        expect_error("PERMISSION_DENIED", "PERMISSION_DENIED", lambda: self.read(self.conversation, role="operator"))

    def reader_may_not_append(self):
        request = API.AppendRecordsRequest(
            parent=self.conversation, request_id=str(uuid.uuid4()), records=self.turns()[:1]
        )
        expect_error(
            "PERMISSION_DENIED",
            "PERMISSION_DENIED",
            lambda: self.call("IngestService", "AppendRecords", request, "reader"),
        )

    def no_credential_and_a_wrong_one_are_refused(self):
        request = API.GetConversationRequest(name=self.conversation)
        expect_error(
            "UNAUTHENTICATED",
            "CREDENTIAL_MISSING",
            lambda: self.call("ConversationService", "GetConversation", request, None),
        )
        key = self.dev.keys["reader"]
        # Not the last character: it may hold bits that a decoder does not look at.
        wrong = key[:-8] + ("a" if key[-8] != "a" else "b") + key[-7:]
        stub = API.ConversationServiceStub(self.channel)
        metadata = [("authorization", f"Bearer {wrong}")]
        expect_error(
            "UNAUTHENTICATED",
            "CREDENTIAL_INVALID",
            lambda: stub.GetConversation(request, timeout=CALL_SECONDS, metadata=metadata),
        )

    def bad_input_is_named_and_never_echoed(self):
        marker = "quetzalcoatlus"
        bad = API.Record(text=marker, metadata={"k": marker})  # no author role
        request = API.AppendRecordsRequest(
            parent=self.conversation, request_id=str(uuid.uuid4()), records=[self.turns()[0], bad]
        )
        try:
            self.call("IngestService", "AppendRecords", request, "ingestor")
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.INVALID_ARGUMENT, error
            told = f"{error.details()} {error.trailing_metadata()}"
            assert marker not in told and EMAIL not in told, "the error repeats what was sent"
            assert "records[1]" in told, told
        else:
            raise AssertionError("a record without an author role was taken")
        assert len(self.read(self.conversation)) == 3, "half of a refused batch was stored"

    def streams_ten_thousand_records_over_three_connections(self):
        stream = Stream(self, self.create("chat-streamed").name)
        acked = stream.run(from_acked=0, cut_at=3_000, how="reset")
        acked = stream.run(from_acked=acked, cut_at=6_500, how="cancel")
        acked = stream.run(from_acked=acked, cut_at=None, how=None)
        assert acked == STREAMED, acked
        self.streamed = stream.name

    def reader_sees_all_of_the_stream_once_and_in_order(self):
        records = self.read(self.streamed, timeout=120)
        assert len(records) == STREAMED, len(records)
        wrong = [
            (place, record.sequence, record.text)
            for place, record in enumerate(records, 1)
            if record.sequence != place or record.text != streamed_text(place)
        ]
        assert not wrong, f"{len(wrong)} records are out of place, the first: {wrong[:3]}"

    def reading_resumes_after_a_sequence(self):
        records = self.read(self.streamed, after_sequence=STREAMED - 5)
        assert [record.sequence for record in records] == list(range(STREAMED - 4, STREAMED + 1))

    def both_reads_are_in_the_audit_log(self):
        events = self.audit_events("ReadConversation", self.tenant)
        try:
            events += self.audit_events("ReadConversation", "system")
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.PERMISSION_DENIED, error
        read = [event for event in events if event.object.startswith(self.conversation) and event.decision == API.AUDIT_DECISION_ALLOWED]
        assert any(event.actor_role == API.ROLE_READER and event.phase == API.AUDIT_PHASE_BEGIN for event in read), "no begin"
        assert any(event.actor_role == API.ROLE_READER and event.phase == API.AUDIT_PHASE_END for event in read), "no end"
        assert any(event.purpose == API.PURPOSE_QUALITY for event in read), "no purpose"
        denied = [event for event in events if event.decision == API.AUDIT_DECISION_DENIED and event.actor_role == API.ROLE_OPERATOR]
        assert any(event.reason == "PERMISSION_DENIED" for event in denied), "the operator's denied read is not there"
        assert all(secret.encode() not in event.canonical for event in events for secret in SECRETS)

    def a_reader_may_not_see_the_audit_log(self):
        request = API.ListAuditEventsRequest(parent=self.tenant)
        expect_error(
            "PERMISSION_DENIED",
            "PERMISSION_DENIED",
            lambda: self.call("AuditService", "ListAuditEvents", request, "reader"),
        )

    def a_rotation_fails_no_read(self):
        stop, failures, reads = threading.Event(), [], [0]

        def keep_reading():
            with self.dev.channel() as channel:
                stub = API.ConversationServiceStub(channel)
                request = API.ReadConversationRequest(name=self.conversation, purpose=API.PURPOSE_QUALITY)
                while not stop.is_set():
                    try:
                        answers = list(stub.ReadConversation(request, timeout=CALL_SECONDS, metadata=self.dev.auth("reader")))
                        assert len(answers) == 3, len(answers)
                        reads[0] += 1
                    except Exception as failure:
                        failures.append(repr(failure))

        readers = [threading.Thread(target=keep_reading) for _ in range(2)]
        for reader in readers:
            reader.start()
        wait_for(lambda: reads[0] > 10 or failures, "the readers to begin")
        versions = []
        for _ in range(3):
            before = reads[0]
            request = API.RotateKeyRequest(parent=self.tenant, request_id=str(uuid.uuid4()))
            answer = self.call("KeyService", "RotateKey", request, "operator", self.operator_channel)
            assert answer.rewrapped_count >= 1, answer
            versions.append((answer.previous_key.version, answer.key.version))
            wait_for(lambda: reads[0] > before + 5 or failures, "reads after the rotation")
        stop.set()
        for reader in readers:
            reader.join()
        assert not failures, f"{len(failures)} of {reads[0]} reads failed: {failures[0]}"
        assert all(new == old + 1 for old, new in versions), versions
        assert len(self.read(self.streamed, timeout=120)) == STREAMED

    def a_repeated_rotation_rotates_once(self):
        request = API.RotateKeyRequest(parent=self.tenant, request_id=str(uuid.uuid4()))
        first = self.call("KeyService", "RotateKey", request, "operator")
        again = self.call("KeyService", "RotateKey", request, "operator")
        assert first.key.name == again.key.name, (first.key.name, again.key.name)

    def other_tenants_look_absent(self):
        tenant = "tenants/elsewhere"
        create = API.CreateTenantRequest(tenant_id="elsewhere", request_id=str(uuid.uuid4()))
        self.call("TenantService", "CreateTenant", create, "operator")
        issue = API.IssueApiKeyRequest(
            principal="reader-elsewhere", role=API.ROLE_READER, tenant=tenant, request_id=str(uuid.uuid4())
        )
        key = self.call("AccessService", "IssueApiKey", issue, "security").api_key
        assert key.startswith("srk_"), "no key was issued"
        stub = API.ConversationServiceStub(self.channel)

        def get(name):
            try:
                stub.GetConversation(
                    API.GetConversationRequest(name=name), timeout=CALL_SECONDS, metadata=[("authorization", f"Bearer {key}")]
                )
            except grpc.RpcError as error:
                return error.code(), harness.reason_of(error), error.details()
            return "answered"

        there = get(self.conversation)
        nowhere = get(f"tenants/nowhere/conversations/{self.conversation.rsplit('/', 1)[1]}")
        assert there != "answered", "a reader of one tenant sees another tenant's conversation"
        assert there[0] == grpc.StatusCode.NOT_FOUND, there
        assert there == nowhere, f"one can tell a foreign tenant from none: {there} {nowhere}"
        moved = get(self.conversation.replace(self.tenant, tenant))
        assert moved[0] == grpc.StatusCode.NOT_FOUND, moved

    def reflection_is_on_the_operator_listener_alone(self):
        request = reflection_pb2.ServerReflectionRequest(list_services="")

        def services(channel):
            stub = reflection_pb2_grpc.ServerReflectionStub(channel)
            call = stub.ServerReflectionInfo(iter([request]), timeout=CALL_SECONDS, metadata=self.dev.auth("operator"))
            return {service.name for answer in call for service in answer.list_services_response.service}

        assert "subrosa.v1.IngestService" in services(self.operator_channel)
        for listener in ("data", "compliance"):
            with self.dev.channel(listener) as channel:
                try:
                    found = services(channel)
                except grpc.RpcError as error:
                    assert error.code() == grpc.StatusCode.UNIMPLEMENTED, error
                else:
                    raise AssertionError(f"reflection on the {listener} listener: {found}")

    def an_unknown_method_is_denied(self):
        call = self.channel.unary_unary("/subrosa.v1.AdminService/BecomeRoot", lambda x: x, lambda x: x)
        expect_error(
            "UNIMPLEMENTED",
            "METHOD_UNKNOWN",
            lambda: call(b"", timeout=CALL_SECONDS, metadata=self.dev.auth("operator")),
        )

    def status_is_true(self):
        status = self.call("AdminService", "GetStatus", API.GetStatusRequest(), "operator").status
        assert status.state == API.SERVING_STATE_SERVING, status
        assert all(component.healthy for component in status.components) and status.components, status
        grpc_listeners = [one for one in status.listeners if one.kind != API.LISTENER_KIND_METRICS]
        assert len(grpc_listeners) == 3 and not any(one.plaintext for one in grpc_listeners), status

    def no_planted_value_is_on_the_disk(self):
        self.assert_clean_disk("while serving")

    def sigterm_ends_it_cleanly(self):
        self.channel.close()
        self.operator_channel.close()
        code = self.dev.terminate()
        assert code == 0, f"exit code {code}\n{self.dev.log_tail()}"
        self.assert_clean_disk("after the end")

    def assert_clean_disk(self, when):
        files = [path for path in self.data_dir.parent.rglob("*") if path.is_file()]
        assert any(path.name == "vault.db" for path in files), [path.name for path in files]
        for path in files:
            data = path.read_bytes()
            for secret in SECRETS + ["quetzalcoatlus"]:
                assert secret.encode() not in data, f"{path.name} holds a planted value {when}"

    CHECKS = [
        health_is_serving_without_a_credential,
        ingestor_creates_a_conversation_and_appends,
        the_same_request_id_gets_the_same_answer,
        the_same_request_id_with_another_body_is_refused,
        an_append_by_client_reference_creates_once,
        reader_sees_it_redacted,
        reading_needs_a_purpose,
        operator_may_not_read,
        reader_may_not_append,
        no_credential_and_a_wrong_one_are_refused,
        bad_input_is_named_and_never_echoed,
        streams_ten_thousand_records_over_three_connections,
        reader_sees_all_of_the_stream_once_and_in_order,
        reading_resumes_after_a_sequence,
        both_reads_are_in_the_audit_log,
        a_reader_may_not_see_the_audit_log,
        a_rotation_fails_no_read,
        a_repeated_rotation_rotates_once,
        other_tenants_look_absent,
        reflection_is_on_the_operator_listener_alone,
        an_unknown_method_is_denied,
        status_is_true,
        no_planted_value_is_on_the_disk,
        sigterm_ends_it_cleanly,
    ]


class Stream:
    """One Ingest stream that is broken on purpose and resumed."""

    RESENT = 50

    def __init__(self, workflow, name):
        self.workflow, self.name, self.stream_id = workflow, name, str(uuid.uuid4())

    def run(self, from_acked, cut_at, how):
        """Streams on one connection from the last acknowledgement, until all is acknowledged or the break at `cut_at`.

        Resends what is acknowledged already, a little. Returns the last acknowledgement that was seen.
        """
        workflow = self.workflow
        relay = harness.Cut(workflow.dev.address())
        channel = workflow.dev.channel(address=relay.address)
        resume, over = queue.Queue(), threading.Event()

        def requests():
            yield API.IngestRequest(open=API.IngestOpen(parent=self.name, stream_id=self.stream_id))
            stands_at = resume.get()
            for place in range(max(1, stands_at + 1 - self.RESENT), STREAMED + 1):
                if over.is_set():
                    return
                record = API.Record(author_role=API.AUTHOR_ROLE_USER, text=streamed_text(place))
                yield API.IngestRequest(append=API.IngestAppend(client_sequence=place, record=record))

        stub = API.IngestServiceStub(channel)
        call = stub.Ingest(requests(), timeout=240, metadata=workflow.dev.auth("ingestor"))
        acked, first = from_acked, True
        try:
            for answer in call:
                assert answer.acked_client_sequence >= acked, f"acknowledged {acked}, then {answer.acked_client_sequence}"
                acked = answer.acked_client_sequence
                assert answer.last_sequence == acked, (answer.last_sequence, acked)
                if first:
                    first = False
                    resume.put(acked)
                elif cut_at and acked >= cut_at:
                    break
                elif acked == STREAMED:
                    break
        finally:
            over.set()
            resume.put(STREAMED)
            if how == "reset":
                relay.cut()
            channel.close()
            relay.close()
        assert not first, "the stream gave no answer to `open`"
        assert acked >= (cut_at or STREAMED), f"the stream ended at {acked}"
        return acked


def streamed_text(place):
    return f"turn {spell(place)}: the parcel is still on its way"


def wait_for(condition, what, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
        time.sleep(0.005)


def main():
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    global API
    harness.end_on_sigterm()
    harness.generate_stubs()
    API = harness.Api()
    with tempfile.TemporaryDirectory(prefix="subrosa-workflow-") as folder:
        workflow = Workflow(sys.argv[1], pathlib.Path(folder))
        code = run_checks([getattr(workflow, check.__name__) for check in Workflow.CHECKS])
        workflow.dev.kill()
        if code:
            print(workflow.dev.log_tail())
    harness.leave(code)


if __name__ == "__main__":
    main()
