"""Load by tools that nobody here wrote, good and bad calls mixed, and then everything acknowledged is read back.

usage: foreign_load.py PATH-TO-SUBROSA PATH-TO-H2LOAD PATH-TO-K6 [--seconds N]

h2load repeats prepared requests over many streams: ten batches that are as they should be, each under a request_id of its own, so
that it is stored once however often it is sent, and beside them wrong lengths, garbage, half prefixes, another content type,
large headers and nothing at all. k6 makes calls, streams and refusals of its own (foreign_load.js), and says what it was
acknowledged.
"""

import argparse
import collections
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
import uuid

from grpc_health.v1 import health_pb2, health_pb2_grpc

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "clients"))
import harness  # noqa: E402
import bounds  # noqa: E402
from harness import CALL_SECONDS, run_checks, spell  # noqa: E402
from wire import frame  # noqa: E402

APPEND = "/subrosa.v1.IngestService/AppendRecords"
GOOD = 10
HERE = pathlib.Path(__file__).resolve().parent


def text(vu, number):
    """What foreign_load.js says."""
    return f"load {spell(vu)} {spell(number)} is on its way"


class Run:
    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.dev = harness.Dev(options.binary, folder / "vault")
        self.memory = bounds.Memory(self.dev.process.pid, bounds.DEFAULT)
        time.sleep(1.5)  # the gauge is set each second
        self.at_rest = self.connections()
        self.bot = self.dev.bot(API)
        self.children, self.reports = [], {}
        self.expected = {}
        self.acked = collections.defaultdict(list)

    def good_bodies(self):
        with self.dev.channel() as channel:
            stub = API.ConversationServiceStub(channel)
            for number in range(GOOD):
                request = API.CreateConversationRequest(
                    parent=self.dev.tenant, request_id=str(uuid.uuid4()), conversation=API.Conversation(bot=self.bot)
                )
                name = stub.CreateConversation(request, timeout=CALL_SECONDS, metadata=self.dev.auth("ingestor")).conversation.name
                texts = [f"batch {spell(number)} {spell(at)}" for at in range(20)]
                records = [API.Record(author_role=API.AUTHOR_ROLE_USER, text=one) for one in texts]
                append = API.AppendRecordsRequest(parent=name, request_id=str(uuid.uuid4()), records=records)
                self.expected[name] = texts
                yield f"good {number}", frame(append.SerializeToString()), []

    @staticmethod
    def bad_bodies():
        yield "length too long", frame(b"x" * 100, length=5_000), []
        yield "length too short", frame(b"x" * 100, length=3), []
        yield "length of 4 GiB", frame(b"x", length=(1 << 32) - 1), []
        yield "garbage", frame(os.urandom(2_000)), []
        yield "compressed", frame(b"x" * 100, flag=1), ["-H", "grpc-encoding: gzip"]
        yield "half a prefix", b"\0\0\0", []
        yield "content type", frame(b"x"), ["-H", "content-type: application/json"]
        yield "large headers", frame(b"x"), ["-H", "x-large: " + "y" * 60_000]
        yield "nothing", b"", []
        yield "empty records", frame(b"\x2a\0" * 30_000), []

    def h2load(self, what, body, extra, clients):
        path = self.folder / f"{what.replace(' ', '-')}.bin"
        path.write_bytes(body)
        posted = ["-d", str(path)] if body else []  # without a body h2load sends GET
        content_type = [] if any("content-type" in word for word in extra) else ["-H", "content-type: application/grpc"]
        command = [self.options.h2load, "-t1", f"-c{clients}", "-m16", f"-D{self.options.seconds}", *posted]
        command += ["-H", "te: trailers", "-H", f"authorization: Bearer {self.dev.keys['ingestor']}", *content_type, *extra]
        return self.start(what, command + [f"https://{self.dev.address()}{APPEND}"])

    def start(self, what, command, **more):
        log = open(self.folder / f"{what.replace(' ', '-')}.log", "wb")
        child = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, **more)
        self.children.append((what, child, pathlib.Path(log.name)))

    def k6(self):
        environment = {
            "PROTO_DIR": str(HERE.parents[1] / "proto"),
            "CA_FILE": self.dev.info["ca_file"],
            "SECONDS": str(self.options.seconds),
            "KEY": self.dev.keys["ingestor"],
            "ADDRESS": self.dev.address(),
            "TENANT": self.dev.tenant,
            "BOT": self.bot,
        }
        command = [self.options.k6, "run", "--quiet", "--no-usage-report", "--log-format=raw", "--no-color"]
        command += ["--console-output", str(self.folder / "acknowledged"), str(HERE / "foreign_load.js")]
        self.start("k6", command, env={**os.environ, **environment})

    def foreign_tools_load_the_vault_side_by_side(self):
        for what, body, extra in self.good_bodies():
            self.h2load(what, body, extra, 1)
        for what, body, extra in self.bad_bodies():
            self.h2load(what, body, extra, 1)
        self.k6()
        deadline = time.monotonic() + self.options.seconds + 90
        stop = threading.Event()
        faults = []
        watch = threading.Thread(target=self.stays_healthy, args=(stop, faults), daemon=True)
        watch.start()
        for what, child, log in self.children:
            try:
                code = child.wait(max(1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
                raise AssertionError(f"{what} does not end") from None
            self.reports[what] = log.read_text(errors="replace")
            assert code == 0, f"{what} ended with {code}: {self.reports[what][-1_000:]}"
        stop.set()
        watch.join(30)
        assert not faults, faults[0]
        for what, report in self.reports.items():
            if what != "k6":
                done = re.search(r"requests: (.*)", report)
                print(f"  h2load, {what}: {done.group(1) if done else report[-200:]}", flush=True)

    def stays_healthy(self, stop, faults):
        with self.dev.channel("operator") as channel:
            stub = health_pb2_grpc.HealthStub(channel)
            while not stop.wait(1):
                try:
                    answer = stub.Check(health_pb2.HealthCheckRequest(), timeout=CALL_SECONDS)
                    if answer.status != health_pb2.HealthCheckResponse.SERVING:
                        faults.append(f"health says {answer.status}")
                except Exception as error:  # whatever it is, it is a fault
                    faults.append(repr(error))

    def bad_calls_were_refused_and_good_ones_acknowledged(self):
        lines = (self.folder / "acknowledged").read_text().splitlines()
        kinds = collections.Counter(line[:1] for line in lines)
        print(f"  k6: {kinds['A']} appends and {kinds['S']} streams acknowledged, {kinds['B']} calls refused", flush=True)
        for line in lines:
            kind, *words = line.split()
            if kind == "A":
                name, first, vu, number = words
                self.acked[name].append((int(first), text(int(vu), int(number))))
            elif kind == "S":
                name, acked, vu, run = words
                self.acked[name] += [(at, text(int(vu), int(run) * 1000 + at)) for at in range(1, int(acked) + 1)]
            elif kind == "N":
                self.acked[words[0]] += []
        errors = [line for line in lines if line.startswith("E ")]
        # A call may find no room and is told so; anything else is a fault.
        wrong = [line for line in errors if "OVERLOADED" not in line and "more work queued" not in line]
        assert not wrong, f"{len(wrong)} wrong answers, the first: {wrong[0]}"
        assert min(kinds["A"], kinds["S"], kinds["B"]) > 0, kinds
        for what, report in self.reports.items():
            codes = re.search(r"status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx", report)
            if what.startswith("good"):
                assert codes and int(codes.group(1)) > 0, f"{what}: {report[-1_000:]}"
            elif what == "content type":
                assert codes and int(codes.group(1)) == 0 and int(codes.group(3)) > 0, f"{what}: {report[-1_000:]}"

    def everything_acknowledged_reads_back_once_and_in_order(self):
        records = 0
        with self.dev.channel() as channel:
            stub = API.ConversationServiceStub(channel)

            def read(name):
                request = API.ReadConversationRequest(name=name, purpose=API.PURPOSE_QUALITY)
                got = stub.ReadConversation(request, timeout=120, metadata=self.dev.auth("reader"))
                return [(answer.record.sequence, answer.record.text) for answer in got]

            for name, texts in self.expected.items():
                assert [words for _, words in read(name)] == texts, f"{name} is not one batch"
                records += len(texts)
            for name, acked in self.acked.items():
                got = read(name)
                assert [sequence for sequence, _ in got] == list(range(1, len(got) + 1)), f"{name}: {got[:5]}"
                assert len({words for _, words in got}) == len(got), f"{name} has a record twice"
                there = dict(got)
                lost = [one for one in acked if there.get(one[0]) != one[1]]
                assert not lost, f"{name}: {len(lost)} of {len(acked)} acknowledged are not there: {lost[0]}"
                if not acked:
                    assert not got, f"a refused call was stored: {got[0]}"
                records += len(acked)
        print(f"  {records} acknowledged records read back", flush=True)

    def the_vault_is_as_it_was(self):
        bound = self.memory.bound(64)
        print(f"  peak {self.memory.peak / bounds.MIB:.0f} MiB, bound {bound / bounds.MIB:.0f} MiB", flush=True)
        assert self.memory.peak <= bound
        deadline = time.monotonic() + 60
        while (left := self.connections()) > self.at_rest and time.monotonic() < deadline:
            time.sleep(0.5)
        assert left <= self.at_rest, f"{left} connections are counted as open, {self.at_rest} at rest"
        log = pathlib.Path(self.dev.log_path).read_text(errors="replace")
        assert "panic" not in log, log[-2_000:]
        assert self.dev.terminate() == 0

    def connections(self):
        url = self.dev.info["metrics_endpoint"].rstrip("/") + "/metrics"
        found = re.search(r"^subrosa_connections\S* (\S+)", urllib.request.urlopen(url, timeout=10).read().decode(), re.M)
        return int(float(found.group(1)))


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("binary")
    parser.add_argument("h2load")
    parser.add_argument("k6")
    parser.add_argument("--seconds", type=int, default=120)
    options = parser.parse_args()
    global API
    harness.end_on_sigterm()
    harness.generate_stubs()
    API = harness.Api()
    with tempfile.TemporaryDirectory(prefix="subrosa-load-") as folder:
        run = Run(options, pathlib.Path(folder))
        code = run_checks(
            [
                run.foreign_tools_load_the_vault_side_by_side,
                run.bad_calls_were_refused_and_good_ones_acknowledged,
                run.everything_acknowledged_reads_back_once_and_in_order,
                run.the_vault_is_as_it_was,
            ]
        )
        if code:
            print(run.reports.get("k6", "")[-3_000:])
            print(run.dev.log_tail())
        for _, child, _ in run.children:
            child.kill()
        run.dev.kill()
    harness.leave(code)


if __name__ == "__main__":
    main()
