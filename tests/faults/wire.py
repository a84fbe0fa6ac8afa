"""HTTP/2 by hand, for what a proper gRPC client never sends: half messages, untaken answers, floods of frames.

One `Wire` is one TLS connection to a listener of the vault. It gives the vault no more room for answers than `window` bytes a
stream until told to, and it remembers everything that was answered.
"""

import base64
import select
import socket
import ssl
import struct
import time

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
from google.rpc import error_details_pb2, status_pb2

CODES = (
    "OK CANCELLED UNKNOWN INVALID_ARGUMENT DEADLINE_EXCEEDED NOT_FOUND ALREADY_EXISTS PERMISSION_DENIED RESOURCE_EXHAUSTED "
    "FAILED_PRECONDITION ABORTED OUT_OF_RANGE UNIMPLEMENTED INTERNAL UNAVAILABLE DATA_LOSS UNAUTHENTICATED"
).split()


def frame(message, length=None, flag=0):
    """A message with its gRPC prefix, which may announce another length than it has."""
    return struct.pack(">BI", flag, len(message) if length is None else length) + message


class Answer:
    """What came back on one stream."""

    def __init__(self):
        self.headers, self.data, self.reset, self.ended = {}, bytearray(), None, False

    def messages(self):
        """The whole messages that have come."""
        found, at = [], 0
        while len(self.data) - at >= 5:
            (length,) = struct.unpack(">I", self.data[at + 1 : at + 5])
            if len(self.data) - at - 5 < length:
                break
            found.append(bytes(self.data[at + 5 : at + 5 + length]))
            at += 5 + length
        return found

    @property
    def code(self):
        """The name of the gRPC code; of the HTTP status, such as `HTTP 415`, where there is none."""
        if "grpc-status" in self.headers:
            return CODES[int(self.headers["grpc-status"])]
        return f"HTTP {self.headers[':status']}" if ":status" in self.headers else None

    def _details(self):
        packed = self.headers.get("grpc-status-details-bin")
        if packed is None:
            return []
        return status_pb2.Status.FromString(base64.b64decode(packed + "=" * (-len(packed) % 4))).details

    def info(self):
        """The `ErrorInfo` of an error, empty when there is none."""
        info = error_details_pb2.ErrorInfo()
        for detail in self._details():
            if detail.Is(info.DESCRIPTOR):
                detail.Unpack(info)
        return info

    def retry_seconds(self):
        """How long to wait before a retry; none where the vault does not say."""
        retry = error_details_pb2.RetryInfo()
        for detail in self._details():
            if detail.Unpack(retry):
                return retry.retry_delay.seconds + retry.retry_delay.nanos / 1e9
        return None


class Wire:
    """One connection."""

    def __init__(self, dev, listener="data", window=65_535):
        host, port = dev.address(listener).rsplit(":", 1)
        context = ssl.create_default_context(cadata=dev.ca.decode())
        context.set_alpn_protocols(["h2"])
        plain = socket.create_connection((host, int(port)), timeout=30)
        self.socket = context.wrap_socket(plain, server_hostname="localhost")
        self.socket.setblocking(False)
        config = h2.config.H2Configuration(
            client_side=True, header_encoding="utf-8", validate_outbound_headers=False, normalize_outbound_headers=False
        )
        self.h2 = h2.connection.H2Connection(config)
        self.h2.initiate_connection()
        self.h2.update_settings({4: window})  # SETTINGS_INITIAL_WINDOW_SIZE
        self.answers, self.closed, self.goaway = {}, False, None
        self._out = bytearray()
        self.pump(0.05)

    def call(self, path, key, headers=(), method="POST", content_type="application/grpc"):
        """Begins a call and returns its stream."""
        stream = self.h2.get_next_available_stream_id()
        fields = [(":method", method), (":scheme", "https"), (":authority", "localhost"), (":path", path), ("te", "trailers")]
        if content_type:
            fields.append(("content-type", content_type))
        if key:
            fields.append(("authorization", f"Bearer {key}"))
        self.answers[stream] = Answer()
        self.h2.send_headers(stream, fields + list(headers))
        return stream

    def send(self, stream, data, end=False):
        """Sends as much of `data` as the vault gives room for, and returns how much that was."""
        sent = 0
        try:
            while sent < len(data):
                room = min(self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size, len(data) - sent)
                if room <= 0:
                    break
                last = end and sent + room == len(data)
                self.h2.send_data(stream, bytes(data[sent : sent + room]), end_stream=last)
                sent += room
            if end and not data:
                self.h2.end_stream(stream)
        except (h2.exceptions.StreamClosedError, h2.exceptions.ProtocolError):
            return len(data)  # the vault has answered; there is nothing more to say
        return sent

    def take(self, stream, amount):
        """Makes room for `amount` more bytes of answers, on the stream and on the connection."""
        for of in (stream, None):
            try:
                self.h2.increment_flow_control_window(amount, of)
            except (h2.exceptions.StreamClosedError, h2.exceptions.ProtocolError):
                pass

    def raw(self, data):
        """Sends bytes behind the library's back."""
        self._out += self.h2.data_to_send() + data

    def pump(self, seconds=0.0):
        """Writes what is to be written, and takes what comes, for so long."""
        deadline = time.monotonic() + seconds
        while True:
            self._write()
            self._read()
            left = deadline - time.monotonic()
            if self.closed or left <= 0:
                return
            if not self.socket.pending():
                select.select([self.socket], [self.socket] if self._out else [], [], min(left, 0.05))

    def _write(self):
        self._out += self.h2.data_to_send()
        while self._out and not self.closed:
            try:
                sent = self.socket.send(self._out[: 1 << 18])
                del self._out[:sent]
            except (ssl.SSLWantWriteError, ssl.SSLWantReadError, BlockingIOError):
                return
            except OSError:
                self.closed = True

    def _read(self):
        while not self.closed:
            try:
                data = self.socket.recv(1 << 18)
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError):
                return
            except OSError:
                data = b""
            if not data:
                self.closed = True
                return
            try:
                events = self.h2.receive_data(data)
            except h2.exceptions.ProtocolError:
                self.closed = True
                return
            for event in events:
                self._event(event)

    def _event(self, event):
        if isinstance(event, h2.events.ConnectionTerminated):
            self.goaway = event.error_code
            return
        answer = self.answers.get(getattr(event, "stream_id", None))
        if answer is None:
            return
        if isinstance(event, (h2.events.ResponseReceived, h2.events.TrailersReceived)):
            answer.headers.update(dict(event.headers))
        elif isinstance(event, h2.events.DataReceived):
            answer.data += event.data
        elif isinstance(event, h2.events.StreamReset):
            answer.reset, answer.ended = event.error_code, True
        elif isinstance(event, h2.events.StreamEnded):
            answer.ended = True

    def close(self):
        """Ends the connection without a word."""
        self.closed = True
        self.socket.close()


def pump_all(wires, done, seconds, step=0.02):
    """Pumps all connections until `done()` or for so long; tells whether it was done."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for wire in wires:
            wire.pump()
        if done():
            return True
        time.sleep(step)
    return False
