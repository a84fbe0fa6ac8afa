"""What the foreign clients share: stubs made from `proto/`, a `subrosa dev` process, channels, and named checks.

Nothing here knows more of the vault than its protocol and the one line that `subrosa dev --output json` prints.
"""

import atexit
import importlib
import json
import os
import pathlib
import queue
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback

import grpc
import grpc_tools
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from grpc_tools import protoc

ROOT = pathlib.Path(__file__).resolve().parents[2]
START_SECONDS = 30
CALL_SECONDS = 30


def end_on_sigterm():
    """Lets `timeout` end a client the way Ctrl-C does: what it started is ended with it."""
    signal.signal(signal.SIGTERM, lambda *_: leave(1))


def generate_stubs():
    """Generates the stubs of `proto/` into a folder that goes away at exit, and makes them importable."""
    out = tempfile.mkdtemp(prefix="subrosa-stubs-")
    atexit.register(shutil.rmtree, out, True)
    well_known = pathlib.Path(grpc_tools.__file__).parent / "_proto"
    files = sorted(str(path) for path in (ROOT / "proto/subrosa/v1").glob("*.proto"))
    arguments = ["protoc", f"-I{ROOT / 'proto'}", f"-I{well_known}", f"--python_out={out}", f"--grpc_python_out={out}"]
    if protoc.main(arguments + files) != 0:
        raise SystemExit("protoc failed on proto/subrosa/v1")
    sys.path.insert(0, out)


class Api:
    """Every message, enum value and stub of `subrosa.v1` as one attribute, whichever file it is in."""

    def __init__(self):
        self._modules = []
        for path in sorted((ROOT / "proto/subrosa/v1").glob("*.proto")):
            for kind in ("pb2", "pb2_grpc"):
                self._modules.append(importlib.import_module(f"subrosa.v1.{path.stem}_{kind}"))

    def __getattr__(self, name):
        for module in self._modules:
            if hasattr(module, name):
                return getattr(module, name)
        raise AttributeError(name)


class Dev:
    """One `subrosa dev` process on loopback."""

    def __init__(self, binary, data_dir, *extra, env=None):
        self.log_path = f"{data_dir}.stderr"
        command = [str(binary), "dev", "--data-dir", str(data_dir), "--output", "json", *extra]
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=log, stdin=subprocess.DEVNULL, env={**os.environ, **(env or {})}
            )
        atexit.register(self.kill)
        self.info = self._first_line()
        self.keys = self.info["keys"]
        self.tenant = self.info["tenant"]
        self.ca = pathlib.Path(self.info["ca_file"]).read_bytes()

    def _first_line(self):
        lines = queue.Queue()
        threading.Thread(target=lambda: lines.put(self.process.stdout.readline()), daemon=True).start()
        try:
            line = lines.get(timeout=START_SECONDS)
        except queue.Empty:
            self.kill()
            raise RuntimeError(f"`subrosa dev` printed nothing in {START_SECONDS} s\n{self.log_tail()}") from None
        if not line:
            raise RuntimeError(f"`subrosa dev` ended with {self.process.wait()}\n{self.log_tail()}")
        return json.loads(line)

    def bot(self, api):
        """A bot that the ingestor's key is for, as the `security` role sees it."""
        with self.channel() as channel:
            request = api.ListApiKeysRequest(page_size=100)
            keys = api.AccessServiceStub(channel).ListApiKeys(
                request, timeout=CALL_SECONDS, metadata=self.auth("security")
            )
        ours = self.keys["ingestor"].split("_")[1]
        bots = [bot for key in keys.keys if key.name == f"apiKeys/{ours}" for bot in key.bots]
        return bots[0] if bots and bots[0] != "*" else "support-bot"

    def log_tail(self):
        return pathlib.Path(self.log_path).read_text(errors="replace")[-3000:]

    def address(self, listener="data"):
        return self.info[f"{listener}_endpoint"].split("://", 1)[1].rstrip("/")

    def channel(self, listener="data", address=None):
        """Opens a channel of its own connection: grpc would else share one between equal channels."""
        options = [
            ("grpc.ssl_target_name_override", "localhost"),
            ("grpc.use_local_subchannel_pool", 1),
            ("grpc.enable_retries", 0),
            ("grpc.max_receive_message_length", 16 << 20),
        ]
        credentials = grpc.ssl_channel_credentials(root_certificates=self.ca)
        return grpc.secure_channel(address or self.address(listener), credentials, options)

    def auth(self, role):
        return [("authorization", f"Bearer {self.keys[role]}")]

    def terminate(self, seconds=30):
        """Stops the process as an operator would and returns its exit code."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def kill(self):
        """Ends the process with SIGKILL."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Cut:
    """A TCP relay in front of a listener whose connections can be reset, as a broken network would."""

    def __init__(self, target):
        host, port = target.rsplit(":", 1)
        self._target = (host, int(port))
        self._sockets = []
        self._lock = threading.Lock()
        self._server = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self._server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                near, _ = self._server.accept()
                far = socket.create_connection(self._target)
            except OSError:
                return
            with self._lock:
                self._sockets += [near, far]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._relay, args=(source, sink), daemon=True).start()

    @staticmethod
    def _relay(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def cut(self):
        """Resets every connection: both sides see RST, and bytes in flight are lost."""
        with self._lock:
            sockets, self._sockets = self._sockets, []
        for connection in sockets:
            try:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                # `close` alone would wait for the relay's recv to return.
                connection.shutdown(socket.SHUT_RD)
                connection.close()
            except OSError:
                pass

    def close(self):
        self._server.close()
        self.cut()


def reason_of(error):
    """The stable reason of an error, from its `google.rpc.ErrorInfo`; none when there is none of domain `subrosa`."""
    status = rpc_status.from_call(error)
    for detail in status.details if status else []:
        info = error_details_pb2.ErrorInfo()
        if detail.Unpack(info) and info.domain == "subrosa":
            return info.reason
    return None


def expect_error(code, reason, call):
    """Asserts that the call fails with this code and reason, and returns the error."""
    try:
        result = call()
    except grpc.RpcError as error:
        got = (error.code().name, reason_of(error))
        assert got == (code, reason), f"expected {(code, reason)}, got {got}: {error.details()}"
        return error
    raise AssertionError(f"expected {code} {reason}, got an answer of {type(result).__name__}")


_LETTERS = "bcdfghjkmn"


def spell(number):
    """A number in letters, so that no rule of the redactor can take it for a telephone or an account."""
    return "".join(_LETTERS[int(digit)] for digit in f"{number:07d}")


def run_checks(checks):
    """Runs the named checks in order, prints one line each and `N passed, M failed`, and returns the exit code."""
    failed = 0
    for check in checks:
        started = time.monotonic()
        try:
            check()
            outcome = "ok    "
        except Exception:  # whatever it is, it is a failed check
            failed += 1
            outcome = "FAILED"
            traceback.print_exc(file=sys.stdout)
        print(f"{outcome} {check.__name__} ({time.monotonic() - started:.1f} s)", flush=True)
    print(f"{len(checks) - failed} passed, {failed} failed", flush=True)
    return 1 if failed else 0


def leave(code):
    """Ends the process at once: threads of grpc that wait for a cut connection are not waited for."""
    sys.stdout.flush()
    sys.stderr.flush()
    atexit._run_exitfuncs()
    os._exit(code)
