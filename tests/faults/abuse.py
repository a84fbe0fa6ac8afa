"""Floods of HTTP/2 frames: the vault stays up, within bounds, serves others, and in the end the connections are gone.

usage: abuse.py PATH-TO-SUBROSA

Each flood is bounded in frames and in time, and goes to loopback alone.
"""

import pathlib
import re
import socket
import ssl
import struct
import sys
import tempfile
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "clients"))
import harness  # noqa: E402
from harness import CALL_SECONDS, run_checks  # noqa: E402
from bounds import MIB, Memory  # noqa: E402
from wire import Wire, frame, pump_all  # noqa: E402

APPEND = "/subrosa.v1.IngestService/AppendRecords"
HEALTH = "/grpc.health.v1.Health/Check"
SECONDS = 30
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 3, 4, 6, 7, 8, 9


def raw(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


class Run:
    def __init__(self, binary, data_dir):
        self.dev = harness.Dev(binary, data_dir)
        self.memory = Memory(self.dev.process.pid, 0)
        time.sleep(1.5)  # the gauge is set each second
        self.at_rest = self.connections()

    def holds(self, what, growth=128 * MIB):
        """The vault lives, serves a new caller, and has not grown by more than so much."""
        assert self.dev.process.poll() is None, f"{what}: the vault ended"
        with self.dev.channel() as channel:
            request = API.ListConversationsRequest(parent=self.dev.tenant, page_size=1)
            stub = API.ConversationServiceStub(channel)
            stub.ListConversations(request, timeout=CALL_SECONDS, metadata=self.dev.auth("compliance"))
        grown = self.memory.peak - self.memory.idle
        assert grown <= growth, f"{what}: the vault grew by {grown / MIB:.0f} MiB"

    def flood(self, what, chunks, must_close=True):
        """Sends the chunks as fast as they are taken, until the vault closes the connection or for so long."""
        wire = Wire(self.dev)
        deadline, sent = time.monotonic() + SECONDS, 0
        for chunk in chunks(wire):
            wire.raw(chunk)
            sent += 1
            while len(wire._out) > MIB and not wire.closed and time.monotonic() < deadline:
                wire.pump(0.01)
            if wire.closed or time.monotonic() > deadline:
                break
        wire.pump(2)
        said = f"GOAWAY {wire.goaway}" if wire.goaway is not None else "no GOAWAY"
        print(f"  {what}: {sent} sent, {'closed' if wire.closed else 'open'}, {said}", flush=True)
        closed = wire.closed or wire.goaway is not None
        wire.close()
        self.holds(what)
        assert closed or not must_close, f"{what}: the connection is still served"

    def rapid_resets_end_their_connection(self):
        def chunks(wire):
            for _ in range(100_000):
                stream = wire.call(APPEND, self.dev.keys["ingestor"])
                wire.h2.reset_stream(stream, 8)
                yield b""

        self.flood("HEADERS and RST_STREAM", chunks)

    def endless_headers_end_their_connection(self):
        def chunks(wire):
            block = b"\x00\x01x\x7f\x80\x03" + b"y" * 511
            yield raw(HEADERS, 0, 1, b"\x82\x87\x84")
            for _ in range(20_000):
                yield raw(CONTINUATION, 0, 1, block * 20)

        self.flood("CONTINUATION", chunks)

    def huge_headers_are_refused(self):
        wire = Wire(self.dev)
        stream = wire.call(APPEND, self.dev.keys["ingestor"], [(f"x-{n}", "y" * 8_000) for n in range(40)])
        answer = wire.answers[stream]
        pump_all([wire], lambda: answer.ended or wire.closed, 10)
        assert wire.closed or wire.goaway is not None or answer.reset is not None or answer.headers.get(":status") == "431", (
            answer.headers
        )
        print(f"  320 KB of headers: {answer.headers.get(':status')}, reset {answer.reset}, GOAWAY {wire.goaway}", flush=True)
        wire.close()
        self.holds("huge headers")

    def settings_and_pings_are_answered_in_bounds(self):
        # A peer that takes no answers: what is owed to it must not pile up without bound.
        def flood(kind, payload):
            return lambda wire: (raw(kind, 0, 0, payload) * 100 for _ in range(5_000))

        self.flood("SETTINGS", flood(SETTINGS, b""), must_close=False)
        self.flood("PING", flood(PING, b"12345678"), must_close=False)
        self.flood("empty DATA", lambda wire: self.empty_data(wire), must_close=False)
        self.flood("WINDOW_UPDATE of nothing", lambda wire: (raw(WINDOW_UPDATE, 0, 0, bytes(4)) for _ in range(100)))

    def empty_data(self, wire):
        stream = wire.call(APPEND, self.dev.keys["ingestor"])
        for _ in range(5_000):
            yield raw(DATA, 0, stream) * 20

    def streams_over_the_limit_are_refused(self):
        wire = Wire(self.dev)
        fields = [(":method", "POST"), (":scheme", "https"), (":authority", "localhost"), (":path", APPEND)]
        fields += [("content-type", "application/grpc"), ("authorization", f"Bearer {self.dev.keys['ingestor']}")]
        # Behind the back of the library, which keeps to the limit.
        for number in range(1_000):
            wire.raw(raw(HEADERS, 4, 2 * number + 1, wire.h2.encoder.encode(fields)))
        wire._write()
        answered, deadline = bytearray(), time.monotonic() + 5
        while time.monotonic() < deadline and not wire.closed:
            try:
                answered += wire.socket.recv(1 << 16)
            except ssl.SSLWantReadError:
                time.sleep(0.05)
                wire._write()
        refused, goaway = self.count(answered)
        print(f"  1,000 open streams on one connection: {refused} refused, {goaway} GOAWAY", flush=True)
        assert refused >= 800 or goaway
        wire.close()
        self.holds("too many streams")

    @staticmethod
    def count(data):
        """How many frames reset a stream, and how many say goodbye."""
        found, at = [], 0
        while at + 9 <= len(data):
            found.append(data[at + 3])
            at += 9 + int.from_bytes(data[at : at + 3], "big")
        return found.count(RST_STREAM), found.count(GOAWAY)

    def health_checks_need_no_credential_and_hold_nothing(self):
        wires = [Wire(self.dev) for _ in range(8)]
        streams = []
        for wire in wires:
            for _ in range(100):
                stream = wire.call(HEALTH, None)
                wire.send(stream, frame(b"", length=1_000))
                streams.append((wire, stream))
            big = wire.call(HEALTH, None)
            wire.send(big, frame(b"", length=4 * MIB))
            wire.pump(0.2)
            assert wire.answers[big].code == "RESOURCE_EXHAUSTED", wire.answers[big].headers
        told = {wire.answers[stream].code for wire, stream in streams if wire.answers[stream].ended}
        assert told <= {"RESOURCE_EXHAUSTED"}, told
        for wire in wires:
            wire.close()
        self.holds("half health checks")

    def garbage_and_silence_get_nowhere(self):
        for first in (b"GET / HTTP/1.1\r\nhost: x\r\n\r\n", b"\x16\x03\x01\xff\xff" + b"x" * 4_000, b"\0" * 10_000):
            host, port = self.dev.address().rsplit(":", 1)
            with socket.create_connection((host, int(port)), timeout=20) as plain:
                plain.sendall(first)
                try:
                    assert b"HTTP/1.1 200" not in plain.recv(4_096)
                except OSError:
                    pass
        wire = Wire(self.dev)
        wire.raw(b"PRI * HTTP/3.0\r\n\r\n" * 100)
        wire.pump(2)
        assert wire.closed or wire.goaway is not None
        wire.close()
        self.holds("garbage")

    def all_connections_are_gone_and_nothing_panicked(self):
        deadline = time.monotonic() + 60
        while (left := self.connections()) > self.at_rest and time.monotonic() < deadline:
            time.sleep(0.5)
        assert left <= self.at_rest, f"{left} connections are counted as open, {self.at_rest} at rest"
        log = pathlib.Path(self.dev.log_path).read_text(errors="replace")
        assert "panic" not in log, log[-2_000:]
        assert self.dev.terminate() == 0

    def connections(self):
        url = self.dev.info["metrics_endpoint"].rstrip("/") + "/metrics"
        text = urllib.request.urlopen(url, timeout=10).read().decode()
        return int(float(re.search(r"^subrosa_connections\S* (\S+)", text, re.M).group(1)))


def main():
    global API
    harness.end_on_sigterm()
    harness.generate_stubs()
    API = harness.Api()
    with tempfile.TemporaryDirectory(prefix="subrosa-abuse-") as folder:
        run = Run(sys.argv[1], pathlib.Path(folder) / "vault")
        code = run_checks(
            [
                run.rapid_resets_end_their_connection,
                run.endless_headers_end_their_connection,
                run.huge_headers_are_refused,
                run.settings_and_pings_are_answered_in_bounds,
                run.streams_over_the_limit_are_refused,
                run.health_checks_need_no_credential_and_hold_nothing,
                run.garbage_and_silence_get_nowhere,
                run.all_connections_are_gone_and_nothing_panicked,
            ]
        )
        if code:
            print(run.dev.log_tail())
        run.dev.kill()
    harness.leave(code)


if __name__ == "__main__":
    main()
